//===- Exposed.cpp - How: strike out until nothing changes ----------------===//
#include "enzyme_pass/plan/Exposed.h"
#include "core/rules/Rules.h"
#include "llvm/IR/CFG.h"

using namespace llvm;

namespace pyfront {

Exposed::Exposed(const Plan &P, const Facts &Known, Sense In)
    : P(P), Known(Known), In(In) {
  SmallVector<const Instruction *, 64> Candidates;
  for (const BasicBlock *BB : P.N.Order)
    for (const Instruction &I : *BB) {
      auto *Access = const_cast<Instruction *>(&I);
      bool IsStore = isa<StoreInst>(I) && P.ActiveAccesses.contains(Access);
      if (!IsStore && !P.isActive(&I))
        continue;
      Candidates.push_back(&I);
      Set.insert(&I);
    }
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const Instruction *I : reverse(Candidates)) {
      if (!Set.contains(I))
        continue;
      auto *S = dyn_cast<StoreInst>(I);
      if (S ? isExposedStore(*S) : isExposed(*I))
        continue;
      Set.erase(I);
      Changed = true;
    }
  }
}

/// Whether `Reader`, once it runs, shows that `V` is infinite or NaN.
bool Exposed::passesOn(const Value &V, const Instruction &Reader) const {
  if (!Set.contains(&Reader))
    return false;
  if (auto *S = dyn_cast<StoreInst>(&Reader))
    return S->getValueOperand() == &V;
  if (isa<PHINode, FreezeInst, FPExtInst, FPTruncInst>(Reader))
    return true;
  if (auto *Select = dyn_cast<SelectInst>(&Reader))
    return Select->getTrueValue() == &V && Select->getFalseValue() == &V;
  const rules::Rule *R = rules::lookup(Reader);
  for (unsigned K = 0; R && K < R->arity(); ++K)
    if (Reader.getOperand(K) == &V &&
        (R->passes(K) || (In == Sense::Used && !R->isZero(K))))
      return true;
  return false;
}

bool Exposed::isExposed(const Instruction &V) const {
  const BasicBlock *Home = V.getParent();
  DenseSet<const BasicBlock *> Shows;
  DenseSet<std::pair<const BasicBlock *, const BasicBlock *>> Edges;
  for (const User *U : V.users()) {
    auto *Reader = cast<Instruction>(U);
    if (!passesOn(V, *Reader))
      continue;
    auto *Phi = dyn_cast<PHINode>(Reader);
    if (!Phi && Reader->getParent() == Home)
      return true;
    if (!Phi)
      Shows.insert(Reader->getParent());
    for (unsigned K = 0; Phi && K < Phi->getNumIncomingValues(); ++K)
      if (Phi->getIncomingValue(K) == &V)
        Edges.insert({Phi->getIncomingBlock(K), Phi->getParent()});
  }
  if (Shows.empty() && Edges.empty())
    return false;
  DenseSet<const BasicBlock *> Seen;
  SmallVector<const BasicBlock *, 16> Work{Home};
  while (!Work.empty()) {
    const BasicBlock *BB = Work.pop_back_val();
    if (BB == P.N.Success)
      return false;
    for (const BasicBlock *Next : successors(BB)) {
      if (Edges.contains({BB, Next}) || Shows.contains(Next) ||
          !P.N.isLive(Next))
        continue;
      // The value is computed anew: what it was is gone.
      if (Next == Home)
        return false;
      if (Seen.insert(Next).second)
        Work.push_back(Next);
    }
  }
  return true;
}

bool Exposed::isResult(const StoreInst &S) const {
  const Value *Ptr = S.getPointerOperand();
  return !Known.Objects.isUnknown(Ptr) &&
         all_of(Known.Objects.pointsTo(Ptr), [&](unsigned O) {
           return P.Objects[O].Shadow == ShadowHome::Parameter ||
                  P.Objects[O].Shadow == ShadowHome::Seed;
         });
}

/// The element is there at the end, or what replaced it has read it first.
bool Exposed::staysInResult(const StoreInst &S) const {
  return isResult(S) &&
         all_of(Known.Stored.overwritersOf(S), [&](const Instruction *Write) {
           auto *Store = dyn_cast<StoreInst>(Write);
           const LoadInst *Old =
               Store ? Known.Stored.loadOverwrittenBy(*Store) : nullptr;
           return Old && Set.contains(Old);
         });
}

bool Exposed::isExposedStore(const StoreInst &S) const {
  return staysInResult(S) ||
         any_of(Known.Stored.readersOf(S),
                [&](const LoadInst *L) { return Set.contains(L); });
}

} // namespace pyfront
