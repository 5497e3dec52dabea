//===- NormalForm.cpp - Counters, last iterations, which-values -----------===//
///
/// \file
/// How: ScalarEvolution gives the exit counts and the affine recurrences; both
/// are written into the function as plain instructions. A recurrence becomes
/// `start + counter * step`, so the only phi of a loop header that the reverse
/// sweep counts by itself is the counter.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/LoopCounts.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/CFG.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;

namespace pyfront {

SmallVector<BasicBlock *, 4> distinctPredecessors(const BasicBlock *BB) {
  SmallVector<BasicBlock *, 4> Result;
  for (const BasicBlock *P : predecessors(BB))
    if (!is_contained(Result, P))
      Result.push_back(const_cast<BasicBlock *>(P));
  return Result;
}

namespace {

/// A header phi that equals `Start + counter * Step`.
struct Recurrence {
  PHINode *Phi;
  Value *Start;
  Value *Step;
};

class NormalFormBuilder {
public:
  NormalFormBuilder(Function &F, FunctionAnalysisManager &FAM)
      : F(F), LI(FAM.getResult<LoopAnalysis>(F)),
        DT(FAM.getResult<DominatorTreeAnalysis>(F)),
        SE(FAM.getResult<ScalarEvolutionAnalysis>(F)) {}

  std::optional<NormalFunction> build(DiagnosticSink &Sink);

private:
  bool findExits(DiagnosticSink &Sink);
  bool collectLoops(DiagnosticSink &Sink);
  void addCounter(NormalLoop &NL, unsigned Index);
  SmallVector<Recurrence, 8> recurrencesOf(const NormalLoop &NL);
  void rewrite(const Recurrence &R, const NormalLoop &NL);
  void addLastAtExits(NormalLoop &NL, const Loop &L, unsigned Index);
  Value *whichByCondition(BasicBlock *BB, ArrayRef<BasicBlock *> Preds);
  void addWhich(BasicBlock *BB);
  void nameEverything();

  Function &F;
  LoopInfo &LI;
  DominatorTree &DT;
  ScalarEvolution &SE;
  NormalFunction N;
  SmallVector<Loop *, 8> LoopPtrs;
  SmallVector<WeakVH, 8> Rewritten;
};

bool NormalFormBuilder::findExits(DiagnosticSink &Sink) {
  for (BasicBlock &BB : F)
    if (isa<ReturnInst>(BB.getTerminator())) {
      if (N.Success) {
        Sink.internal("the prepared kernel has two returns");
        return false;
      }
      N.Success = &BB;
    }
  if (!N.Success) {
    // Each path raises: the derivative raises as well, and a success exit that
    // nothing leads to keeps the form.
    N.Success = BasicBlock::Create(F.getContext(), "never", &F);
    ReturnInst::Create(F.getContext(), ConstantInt::get(F.getReturnType(), 0),
                       N.Success);
    N.Order.push_back(N.Success);
  }
  SmallVector<BasicBlock *, 32> Work{N.Success};
  N.Live[N.Success] = 1;
  while (!Work.empty())
    for (BasicBlock *P : predecessors(Work.pop_back_val()))
      if (N.Live.try_emplace(P, 1).second)
        Work.push_back(P);
  return true;
}

bool NormalFormBuilder::collectLoops(DiagnosticSink &Sink) {
  ReversePostOrderTraversal<Function *> RPO(&F);
  if (containsIrreducibleCFG<BasicBlock *>(RPO, LI)) {
    Sink.unsupported(F, "control flow that is not made of loops and branches",
                     "");
    return false;
  }
  DenseMap<const Loop *, int> IndexOf;
  for (Loop *L : LI.getLoopsInPreorder()) {
    if (!N.isLive(L->getHeader()))
      continue;
    if (!L->isLoopSimplifyForm()) {
      Sink.unsupported(*L->getHeader()->getTerminator(), "a loop of this shape",
                       "write it as `for` or `while`");
      return false;
    }
    NormalLoop NL;
    NL.Header = L->getHeader();
    NL.Preheader = L->getLoopPreheader();
    NL.Latch = L->getLoopLatch();
    NL.Parent = L->getParentLoop() ? IndexOf.lookup(L->getParentLoop()) : -1;
    NL.Depth = L->getLoopDepth();
    IndexOf[L] = N.Loops.size();
    N.Loops.push_back(NL);
    LoopPtrs.push_back(L);
  }
  for (BasicBlock *BB : RPO)
    if (N.isLive(BB)) {
      N.Order.push_back(BB);
      if (Loop *L = LI.getLoopFor(BB))
        N.LoopOf[BB] = IndexOf.lookup(L);
    }
  return true;
}

SmallVector<Recurrence, 8>
NormalFormBuilder::recurrencesOf(const NormalLoop &NL) {
  SmallVector<Recurrence, 8> Result;
  const Loop *L = LI.getLoopFor(NL.Header);
  SCEVExpander Expander(SE, "step");
  for (PHINode &Phi : NL.Header->phis()) {
    if (&Phi == NL.Counter || !SE.isSCEVable(Phi.getType()))
      continue;
    auto *Rec = dyn_cast<SCEVAddRecExpr>(SE.getSCEV(&Phi));
    if (!Rec || Rec->getLoop() != L || !Rec->isAffine())
      continue;
    const SCEV *Step = Rec->getStepRecurrence(SE);
    Instruction *At = NL.Preheader->getTerminator();
    if (!SE.isLoopInvariant(Step, L) || !Expander.isSafeToExpandAt(Step, At))
      continue;
    Value *StepValue =
        Expander.expandCodeFor(Step, Step->getType(), At->getIterator());
    Result.push_back(
        {&Phi, Phi.getIncomingValueForBlock(NL.Preheader), StepValue});
  }
  return Result;
}

void NormalFormBuilder::addCounter(NormalLoop &NL, unsigned Index) {
  LLVMContext &C = F.getContext();
  Type *I64 = Type::getInt64Ty(C);
  std::string Name = "L" + std::to_string(Index);
  NL.Counter = PHINode::Create(I64, 2, Name + ".iter", NL.Header->begin());
  IRBuilder<> B(NL.Latch->getTerminator());
  Value *Next = B.CreateAdd(NL.Counter, B.getInt64(1), Name + ".next",
                            /*HasNUW=*/true, /*HasNSW=*/true);
  NL.Counter->addIncoming(B.getInt64(0), NL.Preheader);
  NL.Counter->addIncoming(Next, NL.Latch);
}

void NormalFormBuilder::rewrite(const Recurrence &R, const NormalLoop &NL) {
  IRBuilder<> B(&*NL.Header->getFirstInsertionPt());
  B.SetCurrentDebugLocation(R.Phi->getDebugLoc());
  Type *Ty = R.Phi->getType();
  Value *K = B.CreateZExtOrTrunc(NL.Counter, R.Step->getType());
  if (auto *C = dyn_cast<ConstantInt>(R.Step); !C || !C->isOne())
    K = B.CreateMul(K, R.Step, R.Phi->getName() + ".offset");
  Value *V;
  if (Ty->isPointerTy())
    V = B.CreateGEP(B.getInt8Ty(), R.Start, K, R.Phi->getName());
  else if (auto *C = dyn_cast<ConstantInt>(R.Start); C && C->isZero())
    V = K;
  else
    V = B.CreateAdd(R.Start, K, R.Phi->getName());
  R.Phi->replaceAllUsesWith(V);
  Rewritten.push_back(R.Phi);
}

void NormalFormBuilder::addLastAtExits(NormalLoop &NL, const Loop &L,
                                       unsigned Index) {
  SmallVector<BasicBlock *, 4> Exits;
  L.getUniqueExitBlocks(Exits);
  for (BasicBlock *Exit : Exits) {
    if (!N.isLive(Exit))
      continue;
    PHINode *Last =
        PHINode::Create(NL.Counter->getType(), 2,
                        "L" + std::to_string(Index) + ".last", Exit->begin());
    for (BasicBlock *P : predecessors(Exit))
      Last->addIncoming(NL.Counter, P);
    NL.LastAtExit[Exit] = Last;
  }
}

/// `which` from a condition that dominates the merge: both arms of one branch
/// lead to one predecessor each.
Value *NormalFormBuilder::whichByCondition(BasicBlock *BB,
                                           ArrayRef<BasicBlock *> Preds) {
  if (Preds.size() != 2)
    return nullptr;
  BasicBlock *D = DT.findNearestCommonDominator(Preds[0], Preds[1]);
  auto *Branch = dyn_cast<BranchInst>(D->getTerminator());
  if (!Branch || !Branch->isConditional() ||
      Branch->getSuccessor(0) == Branch->getSuccessor(1) ||
      LI.getLoopFor(D) != LI.getLoopFor(BB))
    return nullptr;
  auto comesThrough = [&](BasicBlock *Pred, unsigned Arm) {
    BasicBlock *To = Branch->getSuccessor(Arm);
    if (Pred == D)
      return To == BB;
    return To != BB && DT.dominates(BasicBlockEdge(D, To), Pred);
  };
  IRBuilder<> B(&*BB->getFirstInsertionPt());
  for (unsigned TrueArm : {0U, 1U})
    if (comesThrough(Preds[0], TrueArm) && comesThrough(Preds[1], 1 - TrueArm))
      return B.CreateSelect(Branch->getCondition(), B.getInt64(TrueArm),
                            B.getInt64(1 - TrueArm), "which." + BB->getName());
  return nullptr;
}

void NormalFormBuilder::addWhich(BasicBlock *BB) {
  SmallVector<BasicBlock *, 4> Preds = distinctPredecessors(BB);
  if (Preds.size() < 2 || N.isHeader(BB))
    return;
  if (Value *V = whichByCondition(BB, Preds)) {
    N.Which[BB] = V;
    return;
  }
  Type *I64 = Type::getInt64Ty(F.getContext());
  PHINode *Phi =
      PHINode::Create(I64, Preds.size(), "which." + BB->getName(), BB->begin());
  for (BasicBlock *P : predecessors(BB))
    Phi->addIncoming(ConstantInt::get(I64, find(Preds, P) - Preds.begin()), P);
  N.Which[BB] = Phi;
}

/// Printed facts and plans name every value, so every value has a name.
void NormalFormBuilder::nameEverything() {
  if (F.getContext().shouldDiscardValueNames())
    return;
  unsigned Blocks = 0, Values = 0;
  for (BasicBlock &BB : F) {
    if (!BB.hasName())
      BB.setName("b" + Twine(Blocks));
    ++Blocks;
    for (Instruction &I : BB)
      if (!I.getType()->isVoidTy()) {
        if (!I.hasName() || I.getName().starts_with("."))
          I.setName("v" + Twine(Values));
        ++Values;
      }
  }
}

std::optional<NormalFunction> NormalFormBuilder::build(DiagnosticSink &Sink) {
  N.F = &F;
  if (!findExits(Sink) || !collectLoops(Sink))
    return std::nullopt;
  nameEverything();
  for (unsigned I = 0; I < N.Loops.size(); ++I) {
    LoopCount Count = writeLoopCount(*LoopPtrs[I], N, DT, SE);
    N.Loops[I].Last = Count.Last;
    if (Count.Last)
      N.Loops[I].KnownBefore =
          find(LoopPtrs, Count.KnownBefore) - LoopPtrs.begin();
  }
  for (unsigned I = 0; I < N.Loops.size(); ++I) {
    NormalLoop &NL = N.Loops[I];
    SmallVector<Recurrence, 8> Recurrences = recurrencesOf(NL);
    addCounter(NL, I);
    for (const Recurrence &R : Recurrences)
      rewrite(R, NL);
    if (!NL.Last)
      addLastAtExits(NL, *LoopPtrs[I], I);
  }
  for (WeakVH &Phi : Rewritten)
    if (Phi)
      RecursivelyDeleteDeadPHINode(cast<PHINode>(Phi));
  for (BasicBlock *BB : N.Order)
    addWhich(BB);
  nameEverything();
  return std::move(N);
}

} // namespace

std::optional<NormalFunction> makeNormalForm(Function &F, Signature Sig,
                                             FunctionAnalysisManager &FAM,
                                             DiagnosticSink &Sink) {
  NormalFormBuilder Builder(F, FAM);
  std::optional<NormalFunction> N = Builder.build(Sink);
  if (N)
    N->Sig = std::move(Sig);
  FAM.invalidate(F, PreservedAnalyses::none());
  return N;
}

} // namespace pyfront
