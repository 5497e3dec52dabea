//===- DropWraparound.cpp - Indexes that are known not to be negative -----===//
///
/// \file
/// Numba gives every signed index Python's meaning:
///
///   %negative = icmp slt i64 %i, 0
///   %shift = select i1 %negative, i64 %n, i64 0
///   %index = add i64 %i, %shift
///
/// With the select the address is no affine function of the loop counters: the
/// loop does not vectorize, and no subscript can be compared. Where `%i` cannot
/// be negative the test becomes false.
///
/// The extents of array arguments are said as a `range` of the parameters, from
/// which LLVM's own passes prove most tests. The rest is proved here, in the
/// arithmetic of the integers: an index that overflows has become so negative
/// that it is outside its axis with and without the wraparound.
//===----------------------------------------------------------------------===//
#include "core/AffineBounds.h"
#include "core/Request.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/ConstantRange.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Operator.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace pyfront {

namespace {

/// More elements than an address space holds.
constexpr unsigned ExtentBits = 60;

class SignProver {
public:
  SignProver(const BasicBlock *BB, const LoopInfo &LI, LoopBounds &Bounds)
      : SE(Bounds.SE), Domain(AffineDomain::ofNest(nestOf(BB, LI), Bounds)) {}

  /// Whether `S + Offset` is not negative wherever the block runs.
  bool isNonNegative(const SCEV *S, int64_t Offset) const {
    S = SE.getAddExpr(S, SE.getConstant(S->getType(), Offset, true));
    return isAffineNonNegative(S) || isModuloNonNegative(S) ||
           isSelectNonNegative(S);
  }

private:
  static SmallVector<const Loop *, 4> nestOf(const BasicBlock *BB,
                                             const LoopInfo &LI) {
    SmallVector<const Loop *, 4> Nest;
    for (const Loop *L = LI.getLoopFor(BB); L; L = L->getParentLoop())
      Nest.insert(Nest.begin(), L);
    return Nest;
  }

  bool isAffineNonNegative(const SCEV *S) const {
    std::optional<AffineForm> F = AffineForm::of(S, SE);
    return F && Domain.isNonNegative(*F);
  }

  /// Python's `x % n`: `r + (r < 0 ? n : 0)` with the remainder `r` and n > 0.
  bool isModuloNonNegative(const SCEV *S) const;
  /// A choice such as `n - 1 if i == 0 else i - 1`, case by case.
  bool isSelectNonNegative(const SCEV *S) const;
  /// The same for a test of `X` against a constant: one more for `X` where it
  /// is not its own minimum.
  bool isNonNegativeUnless(const SCEV *S, const Value *X,
                           int64_t Minimum) const;

  ScalarEvolution &SE;
  AffineDomain Domain;
};

/// The select that `S` reads, if there is just one.
SelectInst *onlySelect(const SCEV *S) {
  SmallPtrSet<SelectInst *, 2> Found;
  SCEVExprContains(S, [&](const SCEV *T) {
    if (auto *U = dyn_cast<SCEVUnknown>(T))
      if (auto *Select = dyn_cast<SelectInst>(U->getValue()))
        Found.insert(Select);
    return false;
  });
  return Found.size() == 1 ? *Found.begin() : nullptr;
}

const SCEV *replaced(const SCEV *S, Value *V, Value *By, ScalarEvolution &SE) {
  ValueToSCEVMapTy Map;
  Map[V] = SE.getSCEV(By);
  return SCEVParameterRewriter::rewrite(S, SE, Map);
}

bool SignProver::isModuloNonNegative(const SCEV *S) const {
  SelectInst *Shift = onlySelect(S);
  Value *Remainder, *N;
  if (!Shift ||
      !match(Shift, m_Select(m_SpecificICmp(ICmpInst::ICMP_SLT,
                                            m_Value(Remainder), m_Zero()),
                             m_Value(N), m_Zero())))
    return false;
  return match(Remainder, m_SRem(m_Value(), m_Specific(N))) &&
         SE.isKnownNonNegative(SE.getSCEV(N)) &&
         S == SE.getAddExpr(SE.getSCEV(Remainder), SE.getSCEV(Shift));
}

bool SignProver::isNonNegativeUnless(const SCEV *S, const Value *X,
                                     int64_t Minimum) const {
  const SCEV *Counted = SE.getSCEV(const_cast<Value *>(X));
  const SCEV *AboveMinimum = SE.getAddExpr(
      Counted, SE.getConstant(Counted->getType(), -Minimum, true));
  return isAffineNonNegative(AboveMinimum) &&
         isAffineNonNegative(SE.getAddExpr(SE.getMinusSCEV(S, AboveMinimum),
                                           SE.getOne(S->getType())));
}

bool SignProver::isSelectNonNegative(const SCEV *S) const {
  SelectInst *Select = onlySelect(S);
  Value *X;
  const APInt *C;
  CmpPredicate Predicate;
  if (!Select ||
      !match(Select->getCondition(), m_ICmp(Predicate, m_Value(X), m_APInt(C))))
    return false;
  bool Equal = Predicate == ICmpInst::ICMP_EQ;
  if ((!Equal && Predicate != ICmpInst::ICMP_NE) || !C->isSignedIntN(32))
    return false;
  const SCEV *WhereEqual = replaced(
      S, Select, Equal ? Select->getTrueValue() : Select->getFalseValue(), SE);
  const SCEV *WhereNot = replaced(
      S, Select, Equal ? Select->getFalseValue() : Select->getTrueValue(), SE);
  return isAffineNonNegative(WhereEqual) &&
         (isAffineNonNegative(WhereNot) ||
          isNonNegativeUnless(WhereNot, X, C->getSExtValue()));
}

/// Whether `V` matters to addresses only (through other such tests, too).
bool feedsOnlyAddresses(const Value *V, unsigned Depth = 0) {
  return Depth < 8 &&
         all_of(
             V->users(),
             [&](const User *U) {
               if (isa<GEPOperator>(U) || isa<AssumeInst>(U) || asInBounds(*U))
                 return true;
               if (isa<SelectInst, ICmpInst>(U))
                 return feedsOnlyAddresses(U, Depth + 1);
               auto *Op = dyn_cast<BinaryOperator>(U);
               return Op &&
                      is_contained({Instruction::Add, Instruction::Sub,
                                    Instruction::Mul, Instruction::Shl},
                                   Op->getOpcode()) &&
                      feedsOnlyAddresses(U, Depth + 1);
             });
}

/// `X` and `C` of a test `X < C` (or `X > C`, inverted) of signed numbers.
struct SignTest {
  Value *X;
  /// The outcome where `X + Offset` is not negative.
  bool Outcome;
  int64_t Offset;
};

std::optional<SignTest> asSignTest(Instruction &I) {
  Value *X;
  const APInt *C;
  CmpPredicate Predicate;
  if (!match(&I, m_ICmp(Predicate, m_Value(X), m_APInt(C))) ||
      !X->getType()->isIntegerTy(64) || !C->isSignedIntN(32))
    return std::nullopt;
  if (Predicate == ICmpInst::ICMP_SLT)
    return SignTest{X, false, -C->getSExtValue()};
  if (Predicate == ICmpInst::ICMP_SGT)
    return SignTest{X, true, -C->getSExtValue() - 1};
  return std::nullopt;
}

/// Numba computes a trip count as `select(n < 0, 0, n)` and tests it. Said of
/// `n` itself, the test guards the loop for ScalarEvolution, and behind it the
/// count is `n`.
///
///   icmp sgt (select %c, 0, %n), 0   ->   and (not %c), (icmp sgt %n, 0)
bool testWhatIsCounted(Function &F, DominatorTree &DT) {
  SmallVector<ICmpInst *, 4> Tests;
  for (Instruction &I : instructions(F))
    if (match(&I, m_SpecificICmp(ICmpInst::ICMP_SGT,
                                 m_Select(m_Value(), m_Zero(), m_Value()),
                                 m_Zero())))
      Tests.push_back(cast<ICmpInst>(&I));
  for (ICmpInst *Test : Tests) {
    auto *Count = cast<SelectInst>(Test->getOperand(0));
    Value *N = Count->getFalseValue();
    for (User *U : Test->users())
      if (auto *Branch = dyn_cast<BranchInst>(U);
          Branch && Branch->getSuccessor(0) != Branch->getSuccessor(1))
        replaceDominatedUsesWith(
            Count, N, DT,
            BasicBlockEdge(Branch->getParent(), Branch->getSuccessor(0)));
    IRBuilder<> B(Test);
    Value *Positive =
        B.CreateICmpSGT(N, ConstantInt::getNullValue(N->getType()));
    Value *Chosen = B.CreateNot(Count->getCondition());
    Test->replaceAllUsesWith(B.CreateAnd(Chosen, Positive));
    RecursivelyDeleteTriviallyDeadInstructions(Test);
  }
  return !Tests.empty();
}

} // namespace

void attachExtentRanges(const Signature &Sig) {
  ConstantRange Extents(APInt::getZero(64),
                        APInt::getOneBitSet(64, ExtentBits));
  for (const ArgumentLeaf &Leaf : Sig.Leaves)
    for (Argument *Extent : Leaf.Extents)
      Extent->addAttr(
          Attribute::get(Extent->getContext(), Attribute::Range, Extents));
}

/// Whether `I` assumes no more than what the loops around it say.
static bool isProvedAssumption(const Instruction &I, const SignProver &Prover,
                               ScalarEvolution &SE) {
  std::optional<InBounds> Stated = asInBounds(*I.getOperand(0));
  if (!Stated)
    return false;
  const SCEV *S = SE.getSCEV(Stated->Index);
  return Prover.isNonNegative(S, 0) &&
         Prover.isNonNegative(SE.getMinusSCEV(SE.getSCEV(Stated->Extent), S),
                              -1);
}

bool dropWraparound(Function &F, FunctionAnalysisManager &FAM) {
  bool Changed = testWhatIsCounted(F, FAM.getResult<DominatorTreeAnalysis>(F));
  if (Changed)
    FAM.invalidate(F, PreservedAnalyses::none());
  LoopInfo &LI = FAM.getResult<LoopAnalysis>(F);
  ScalarEvolution &SE = FAM.getResult<ScalarEvolutionAnalysis>(F);
  LoopBounds Bounds(SE);
  // An operand is replaced where it was decided: the same comparison may serve
  // blocks of which less is known.
  SmallVector<std::pair<Use *, bool>, 16> Decided;
  for (BasicBlock &BB : F) {
    std::optional<SignProver> Prover;
    for (Instruction &I : BB) {
      std::optional<SignTest> Test = asSignTest(I);
      if (!isa<AssumeInst>(I) && !(Test && feedsOnlyAddresses(&I)))
        continue;
      if (!Prover)
        Prover.emplace(&BB, LI, Bounds);
      if (!Test && isProvedAssumption(I, *Prover, SE))
        Decided.push_back({&I.getOperandUse(0), true});
      else if (Test && Prover->isNonNegative(SE.getSCEV(Test->X), Test->Offset))
        for (Use &U : I.uses())
          Decided.push_back({&U, Test->Outcome});
    }
  }
  for (auto [Operand, Outcome] : Decided)
    Operand->set(ConstantInt::getBool(F.getContext(), Outcome));
  FAM.invalidate(F, PreservedAnalyses::none());
  return Changed || !Decided.empty();
}

} // namespace pyfront
