//===- ElementAccess.cpp - How: divide by strides, prove the remainders ------===//
#include "activity/ElementAccess.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace pyfront {

ElementAccesses::ElementAccesses(const NormalFunction &N, const Request &Req,
                                 ScalarEvolution &SE)
    : N(N), Req(Req), SE(SE), DT(*N.F), Bounds(SE) {
  for (const NormalLoop &NL : N.Loops) {
    auto *Counter = dyn_cast<SCEVAddRecExpr>(SE.getSCEV(NL.Counter));
    Loops.push_back(Counter ? Counter->getLoop() : nullptr);
  }
  collectAssumptions();
}

void ElementAccesses::collectAssumptions() {
  for (Instruction &I : instructions(*N.F)) {
    Value *Index, *Extent;
    if (!match(&I, m_Intrinsic<Intrinsic::assume>(m_SpecificICmp(
                       ICmpInst::ICMP_ULT, m_Value(Index), m_Value(Extent)))) ||
        !Index->getType()->isIntegerTy(64) || !isNonNegativeAt(*Extent, I))
      continue;
    if (std::optional<AffineForm> F = AffineForm::of(SE.getSCEV(Index), SE)) {
      AffineForm Above =
          AffineForm(SE.getSCEV(Extent)).minus(*F, SE).plus(-1, SE);
      Assumed[N.loopOf(I.getParent())].push_back({&I, *F, Above});
    }
  }
}

bool ElementAccesses::isNonNegativeAt(Value &V, const Instruction &At) const {
  if (SE.isKnownNonNegative(SE.getSCEV(&V)))
    return true;
  // Numba refuses to allocate an array with a negative extent.
  for (const DomTreeNode *Node = DT.getNode(At.getParent())->getIDom(); Node;
       Node = Node->getIDom()) {
    auto *Branch = dyn_cast<BranchInst>(Node->getBlock()->getTerminator());
    if (Branch && Branch->isConditional() &&
        match(Branch->getCondition(),
              m_SpecificICmp(ICmpInst::ICMP_SLT, m_Specific(&V), m_Zero())) &&
        DT.dominates(BasicBlockEdge(Node->getBlock(), Branch->getSuccessor(1)),
                     At.getParent()))
      return true;
  }
  return false;
}

const Loop *ElementAccesses::innermost(const Instruction &I) const {
  int L = N.loopOf(I.getParent());
  return L < 0 ? nullptr : Loops[L];
}

std::optional<LoopNest> ElementAccesses::nestOf(const BasicBlock *BB) const {
  LoopNest Nest;
  for (int L : N.nestOf(BB)) {
    if (!Loops[L])
      return std::nullopt;
    Nest.push_back(Loops[L]);
  }
  return Nest;
}

ElementAccesses::Known &ElementAccesses::known(const Instruction &I) const {
  std::unique_ptr<Known> &K = Memo[&I];
  if (!K) {
    K = std::make_unique<Known>();
    K->Access = compute(I);
  }
  return *K;
}

const ElementAccess *ElementAccesses::of(const Instruction &I) const {
  const std::optional<ElementAccess> &Access = known(I).Access;
  return Access ? &*Access : nullptr;
}

void ElementAccesses::forget() {
  Bounds.forget();
  Memo.clear();
}

std::optional<ElementAccess>
ElementAccesses::compute(const Instruction &I) const {
  Value *Ptr = const_cast<Value *>(getLoadStorePointerOperand(&I));
  std::optional<LoopNest> Nest = nestOf(I.getParent());
  if (!Ptr || !Nest)
    return std::nullopt;
  const SCEV *Address = SE.getSCEV(Ptr);
  auto *Base = dyn_cast<SCEVUnknown>(SE.getPointerBase(Address));
  const SCEV *Bytes = SE.removePointerBase(Address);
  if (!Base || isa<SCEVCouldNotCompute>(Bytes) ||
      !Bytes->getType()->isIntegerTy(64))
    return std::nullopt;
  // Memory that each iteration allocates anew is many arrays.
  if (auto *Made = dyn_cast<Instruction>(Base->getValue());
      Made && N.loopOf(Made->getParent()) >= 0)
    return std::nullopt;
  std::optional<AffineForm> Offset = AffineForm::of(Bytes, SE);
  if (!Offset || any_of(Offset->Terms, [&](const AffineForm::Term &T) {
        return !is_contained(*Nest, T.Counter.L);
      }))
    return std::nullopt;
  uint64_t Size =
      I.getDataLayout().getTypeStoreSize(getLoadStoreType(&I)).getFixedValue();
  return ElementAccess{&I, Base->getValue(), Size, *Offset, *Nest};
}

std::optional<ArrayShape>
ElementAccesses::shapeOfArgument(const Value *Base) const {
  int Index = N.Sig.leafAt(Base);
  if (Index < 0 || !Req.Args[Index].isArray())
    return std::nullopt;
  const ArgInfo &Arg = Req.Args[Index];
  const ArgumentLeaf &Leaf = N.Sig.Leaves[Index];
  ArrayShape Shape;
  auto AddExtent = [&](unsigned Axis) {
    Shape.Extents.push_back(SE.getSCEV(Leaf.Extents[Axis]));
  };
  for (unsigned Axis = 0; Axis < Arg.Rank; ++Axis) {
    if (Arg.Layout == 'A') {
      Shape.Strides.push_back(SE.getSCEV(Leaf.Strides[Axis]));
      // Multiples of the only stride differ wherever they lie.
      if (Arg.Rank > 1)
        AddExtent(Axis);
    } else if (Axis > 0)
      AddExtent(Arg.Layout == 'C' ? Axis : Arg.Rank - 1 - Axis);
  }
  return Shape;
}

SmallVector<ArrayShape, 4>
ElementAccesses::shapesFor(const ElementAccess &A,
                           const ElementAccess &B) const {
  SmallVector<ArrayShape, 4> Shapes;
  auto Try = [&](ArrayShape S) {
    if (!is_contained(Shapes, S))
      Shapes.push_back(std::move(S));
  };
  if (std::optional<ArrayShape> Known = shapeOfArgument(A.Base)) {
    Try(*Known);
    if (!Known->Strides.empty())
      return Shapes;
  }
  Try(ArrayShape());
  // What a counter moves by is the extent of what lies within, or a product.
  SmallVector<const SCEV *, 4> Steps;
  const SCEV *Item = SE.getConstant(A.Offset.Rest->getType(), A.Size);
  for (const ElementAccess *E : {&A, &B})
    for (const AffineForm::Term &T : E->Offset.Terms) {
      AffineForm::Division D = AffineForm(T.Coefficient).divide(Item, SE);
      const SCEV *Step = D.Quotient.Rest;
      if (D.Remainder.Rest->isZero() && !Step->isOne() &&
          !Step->isAllOnesValue() && !is_contained(Steps, Step))
        Steps.push_back(Step);
    }
  constexpr unsigned MaxSteps = 4;
  if (Steps.size() > MaxSteps)
    return Shapes;
  for (const SCEV *Inner : Steps) {
    Try({{Inner}, {}});
    for (const SCEV *Outer : Steps) {
      AffineForm::Division D = AffineForm(Outer).divide(Inner, SE);
      if (Outer != Inner && D.Remainder.Rest->isZero())
        Try({{D.Quotient.Rest, Inner}, {}});
    }
  }
  return Shapes;
}

const ElementAccesses::SubscriptForms *
ElementAccesses::subscripts(const ElementAccess &A,
                            const ArrayShape &Shape) const {
  Known &K = known(*A.I);
  auto It = find_if(K.Splits, [&](auto &S) { return S.first == Shape; });
  if (It == K.Splits.end()) {
    K.Splits.emplace_back(
        Shape,
        std::make_unique<std::optional<SubscriptForms>>(split(A, Shape)));
    It = std::prev(K.Splits.end());
  }
  const std::optional<SubscriptForms> &Forms = *It->second;
  return Forms ? &*Forms : nullptr;
}

std::optional<ElementAccesses::SubscriptForms>
ElementAccesses::split(const ElementAccess &A, const ArrayShape &Shape) const {
  Type *I64 = A.Offset.Rest->getType();
  bool ByStrides = !Shape.Strides.empty();
  SmallVector<const SCEV *, 4> Strides = Shape.Strides;
  if (!ByStrides) {
    Strides.push_back(SE.getConstant(I64, A.Size));
    for (const SCEV *Extent : reverse(Shape.Extents))
      Strides.insert(Strides.begin(), SE.getMulExpr(Strides.front(), Extent));
  }
  SubscriptForms Result;
  AffineForm Rest = A.Offset;
  for (const SCEV *Stride : Strides) {
    AffineForm::Division D = Rest.divide(Stride, SE);
    Result.push_back(D.Quotient);
    Rest = D.Remainder;
  }
  if (Rest.constant() != 0)
    return std::nullopt;
  AffineDomain Domain = AffineDomain::ofNest(A.Nest, Bounds);
  // By strides, no axis is known to be the outermost: each has its extent.
  unsigned First = ByStrides ? 0 : 1;
  for (auto [Axis, Extent] : enumerate(Shape.Extents))
    if (!isWithin(Result[First + Axis], Extent, A, Domain))
      return std::nullopt;
  return Result;
}

bool ElementAccesses::isWithin(const AffineForm &F, const SCEV *Extent,
                               const ElementAccess &A,
                               const AffineDomain &Domain) const {
  AffineForm Above = AffineForm(Extent).minus(F, SE).plus(-1, SE);
  return isNonNegative(F, A, Domain) && isNonNegative(Above, A, Domain);
}

bool ElementAccesses::isNonNegative(const AffineForm &F, const ElementAccess &A,
                                    const AffineDomain &Domain) const {
  return Domain.isNonNegative(F) || isAssumed(F, A, Domain);
}

/// First what was assumed in so many words, which is most of it; then what
/// follows from an assumption.
bool ElementAccesses::isAssumed(const AffineForm &F, const ElementAccess &A,
                                const AffineDomain &Domain) const {
  SmallVector<ArrayRef<InBounds>, 4> Around;
  for (int L = N.loopOf(A.I->getParent());; L = N.Loops[L].Parent) {
    if (auto It = Assumed.find(L); It != Assumed.end())
      Around.push_back(It->second);
    if (L < 0)
      break;
  }
  auto Any = [&](function_ref<bool(const InBounds &)> Shows) {
    return any_of(Around, [&](ArrayRef<InBounds> All) {
      return any_of(All, [&](const InBounds &B) {
        return Shows(B) && runsWith(*B.Assumption, *A.I);
      });
    });
  };
  return Any([&](const InBounds &B) { return F == B.Index || F == B.Above; }) ||
         Any([&](const InBounds &B) {
           return Domain.isNonNegative(F.minus(B.Index, SE)) ||
                  Domain.isNonNegative(F.minus(B.Above, SE));
         });
}

bool ElementAccesses::runsWith(const Instruction &Assumption,
                               const Instruction &I) const {
  int Around = N.loopOf(Assumption.getParent());
  if (DT.dominates(&Assumption, &I))
    return Around < 0 || N.contains(Around, I.getParent());
  // Or it comes next: after `I` there is only one way that does not raise.
  const BasicBlock *BB = I.getParent();
  while (BB != Assumption.getParent()) {
    const BasicBlock *Next = nullptr;
    for (const BasicBlock *S : successors(BB)) {
      if (!N.isLive(S))
        continue;
      if (Next)
        return false;
      Next = S;
    }
    if (!Next || DT.dominates(Next, BB))
      return false;
    BB = Next;
  }
  return true;
}

} // namespace pyfront
