//===- Needs.cpp - What the reverse sweep reads ---------------------------===//
///
/// \file
/// From activity and the rule table: which instructions have an adjoint, which
/// accesses touch shadow memory, which blocks are reversed and how control goes
/// back, and with these the set of keys that need a source. A pure function of
/// the facts; it decides nothing about sources.
///
///   z = fmul x, y      (x, y active)   reads x, y
///   y = load p         (active)        reads the shadow of p
///   merge of two active arms           reads which.B
///   reversed loop                      reads its last iteration index
///
/// A region without active instructions between a block and a dominator of it
/// is not reversed at all: control jumps back to the dominator.
/// How: control is planned first, then each reversed block says what it reads.
//===----------------------------------------------------------------------===//
#include "core/rules/Rules.h"
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

namespace {

class NeedsFinder {
public:
  NeedsFinder(Plan &P, const DominatorTree &DT) : P(P), N(P.N), DT(DT) {}

  SetVector<Key> find() {
    findActiveBlocks();
    planControl();
    for (BasicBlock *BB : P.Reversed) {
      for (Instruction &I : *BB)
        readsOf(I);
      controlReads(BB);
    }
    return std::move(Needed);
  }

private:
  void findActiveBlocks() {
    for (Value *V : P.Active)
      if (auto *I = dyn_cast<Instruction>(V))
        ActiveBlocks.insert(I->getParent());
    for (Instruction *I : P.ActiveAccesses)
      ActiveBlocks.insert(I->getParent());
    for (const auto &[Call, Planned] : P.Calls)
      if (Planned.IsActive)
        ActiveBlocks.insert(Call->getParent());
  }
  void planControl();
  BackPlan backOf(BasicBlock *BB) const;
  /// Whether anything that the reverse sweep does lies on a path from `D` to
  /// `BB`, the two blocks themselves aside.
  bool isInactiveBetween(const BasicBlock *D, const BasicBlock *BB) const;
  bool isActiveBlock(const BasicBlock *BB) const {
    return ActiveBlocks.contains(BB);
  }
  bool hasActivePhi(const BasicBlock *BB) const;
  void readsOf(Instruction &I);
  void ruleReads(Instruction &I, const rules::Rule &R);
  void callReads(CallInst &Call);
  void controlReads(BasicBlock *BB);
  void need(Key K) {
    if (!isa<Constant>(K.getPointer()))
      Needed.insert(K);
  }

  Plan &P;
  const NormalFunction &N;
  const DominatorTree &DT;
  DenseSet<const BasicBlock *> ActiveBlocks;
  SetVector<Key> Needed;
};

bool NeedsFinder::hasActivePhi(const BasicBlock *BB) const {
  return any_of(BB->phis(),
                [&](const PHINode &Phi) { return P.isActive(&Phi); });
}

bool NeedsFinder::isInactiveBetween(const BasicBlock *D,
                                    const BasicBlock *BB) const {
  SmallVector<const BasicBlock *, 16> Work;
  DenseSet<const BasicBlock *> Seen;
  auto Visit = [&](const BasicBlock *B) {
    for (const BasicBlock *Pred : predecessors(B))
      if (Pred != D && Seen.insert(Pred).second)
        Work.push_back(Pred);
  };
  Visit(BB);
  while (!Work.empty()) {
    const BasicBlock *B = Work.pop_back_val();
    if (B != BB && isActiveBlock(B))
      return false;
    if (B != BB)
      Visit(B);
  }
  return true;
}

/// The nearest dominator in the same loop to which control can jump back, else
/// the way that the kernel came.
BackPlan NeedsFinder::backOf(BasicBlock *BB) const {
  if (BB == &N.F->getEntryBlock() || pred_empty(BB))
    return {BackPlan::Form::Finish, nullptr};
  if (N.isHeader(BB))
    return {BackPlan::Form::LoopHeader, nullptr};
  SmallVector<BasicBlock *, 4> Preds = distinctPredecessors(BB);
  if (Preds.size() == 1 && N.loopOf(Preds[0]) == N.loopOf(BB))
    return {BackPlan::Form::To, Preds[0]};
  if (!hasActivePhi(BB))
    for (auto *Node = DT.getNode(BB)->getIDom(); Node; Node = Node->getIDom()) {
      BasicBlock *D = Node->getBlock();
      if (N.loopOf(D) == N.loopOf(BB)) {
        if (isInactiveBetween(D, BB))
          return {BackPlan::Form::To, D};
        break;
      }
      if (N.contains(N.loopOf(BB), D) || N.loopOf(BB) < 0)
        continue;
      break;
    }
  return {BackPlan::Form::Which, nullptr};
}

/// Control is planned from the end of the kernel backwards, so that blocks
/// which are jumped over are never entered.
void NeedsFinder::planControl() {
  SmallVector<BasicBlock *, 32> Work{N.Success};
  SetVector<BasicBlock *> Entered;
  Entered.insert(N.Success);
  auto Enter = [&](BasicBlock *BB) {
    if (Entered.insert(BB))
      Work.push_back(BB);
  };
  while (!Work.empty()) {
    BasicBlock *BB = Work.pop_back_val();
    BackPlan Back = backOf(BB);
    P.Back[BB] = Back;
    switch (Back.How) {
    case BackPlan::Form::Finish:
      break;
    case BackPlan::Form::To:
      Enter(Back.Target);
      break;
    case BackPlan::Form::Which:
    case BackPlan::Form::LoopHeader:
      for (BasicBlock *Pred : distinctPredecessors(BB))
        Enter(Pred);
      break;
    }
    if (Back.How == BackPlan::Form::LoopHeader)
      P.ReversedLoops[N.loopOf(BB)] = 1;
  }
  for (BasicBlock *BB : N.Order)
    if (Entered.contains(BB))
      P.Reversed.insert(BB);
}

void NeedsFinder::controlReads(BasicBlock *BB) {
  if (P.Back.lookup(BB).How != BackPlan::Form::Which)
    return;
  SmallVector<BasicBlock *, 4> Preds = distinctPredecessors(BB);
  if (Preds.size() > 1)
    need(primalOf(N.Which.lookup(BB)));
  // Loops that this block is an exit of begin, backwards, at their last
  // iteration.
  for (BasicBlock *Pred : Preds)
    for (int L = N.loopOf(Pred); L >= 0 && !N.contains(L, BB);
         L = N.Loops[L].Parent) {
      if (Value *Last = N.Loops[L].Last)
        need(primalOf(Last));
      else
        need(primalOf(N.Loops[L].LastAtExit.lookup(BB)));
    }
}

void NeedsFinder::ruleReads(Instruction &I, const rules::Rule &R) {
  for (unsigned K = 0; K < R.arity(); ++K) {
    if (R.isZero(K) || !P.isActive(I.getOperand(K)))
      continue;
    uint64_t Reads = R.reads(K);
    for (unsigned J = 0; J < R.arity(); ++J)
      if (Reads >> J & 1)
        need(primalOf(I.getOperand(J)));
    if (Reads >> R.arity() & 1)
      need(primalOf(&I));
  }
}

/// What the forward half has left, and the shadows that it is given.
void NeedsFinder::callReads(CallInst &Call) {
  const CallPlan &Planned = P.Calls.find(&Call)->second;
  if (Planned.HasFrame)
    need(primalOf(&Call));
  for (Value *Word : Planned.Words)
    need(primalOf(Word));
  for (Value *Ptr : Planned.Shadowed)
    need(shadowOf(Ptr));
}

void NeedsFinder::readsOf(Instruction &I) {
  if (P.isActiveCall(&I))
    return callReads(cast<CallInst>(I));
  if (P.ActiveAccesses.contains(&I)) {
    if (auto *Mem = dyn_cast<MemIntrinsic>(&I)) {
      need(shadowOf(Mem->getRawDest()));
      need(primalOf(Mem->getLength()));
      if (auto *Copy = dyn_cast<MemTransferInst>(Mem);
          Copy && P.CopiedType.contains(Copy))
        need(shadowOf(Copy->getRawSource()));
      return;
    }
    need(shadowOf(const_cast<Value *>(getLoadStorePointerOperand(&I))));
    return;
  }
  if (!P.isActive(&I))
    return;
  if (auto *Select = dyn_cast<SelectInst>(&I))
    need(primalOf(Select->getCondition()));
  else if (const rules::Rule *R = rules::lookup(I))
    ruleReads(I, *R);
}

} // namespace

void planNeeds(Planning &S) { S.Needed = NeedsFinder(S.P, S.DT).find(); }

} // namespace pyfront
