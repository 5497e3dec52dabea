//===- ProveSources.cpp - How: one walk for each load ---------------------===//
#include "enzyme_pass/plan/ProveSources.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/CFG.h"

using namespace llvm;

namespace pyfront {

SourceProver::SourceProver(const Plan &P, const Facts &Known)
    : P(P), Known(Known) {
  for (const BasicBlock *BB : P.N.Order)
    for (const Instruction &I : *BB)
      for (const Access &Write : writesOf(I))
        if (!Write.IsFresh)
          Writes[BB].push_back(Write);
}

bool SourceProver::mayChange(const Access &Write, const LoadInst &Load) const {
  return Known.Objects.mayTouch(Write, accessesOf(Load).front()) &&
         !Known.Subs.neverMeetsLater(Load, *Write.I);
}

bool SourceProver::isStillThere(const LoadInst &Load) const {
  return !mayChangeAfter(Load,
                         [&](const Access &W) { return mayChange(W, Load); });
}

bool SourceProver::isStillThere(const CallInst &Call, const Value &Ptr) const {
  Access Read;
  Read.I = &Call;
  Read.Ptr = &Ptr;
  return !mayChangeAfter(Call, [&](const Access &Write) {
    return Known.Objects.mayTouch(Write, Read);
  });
}

bool SourceProver::mayChangeAfter(
    const Instruction &At, function_ref<bool(const Access &)> MayChange) const {
  const BasicBlock *From = At.getParent();
  auto WritesIn = [&](const BasicBlock *BB) {
    auto It = Writes.find(BB);
    return It == Writes.end() ? ArrayRef<Access>() : ArrayRef(It->second);
  };
  for (const Access &Write : WritesIn(From))
    if (At.comesBefore(Write.I) && MayChange(Write))
      return true;
  SmallPtrSet<const BasicBlock *, 32> Seen;
  SmallVector<const BasicBlock *, 32> Work{From};
  while (!Work.empty())
    for (const BasicBlock *Next : successors(Work.pop_back_val())) {
      if (!Seen.insert(Next).second)
        continue;
      if (any_of(WritesIn(Next), MayChange))
        return true;
      Work.push_back(Next);
    }
  return false;
}

bool SourceProver::isInCopy(const LoadInst &Load, const Snapshot &S) const {
  // Made when the kernel has ended: as for a reload.
  if (S.isAtEnd())
    return isStillThere(Load);
  const NormalLoop &L = P.N.Loops[S.Loop];
  const BasicBlock *Copied = S.EachIteration ? L.Header : L.Preheader;
  int Within = S.EachIteration ? S.Loop : L.Parent;
  const Access Read = accessesOf(Load).front();
  auto MayChange = [&](const Access &Write) {
    return Known.Objects.mayTouchIn(Within, Write, Read, P.N);
  };
  auto AnyIn = [&](const BasicBlock *BB, const Instruction *Before) {
    auto It = Writes.find(BB);
    return It != Writes.end() && any_of(It->second, [&](const Access &W) {
             return (!Before || W.I->comesBefore(Before)) && MayChange(W);
           });
  };
  // At the top of an iteration the copy comes before the header's writes;
  // before a loop it comes after the preheader's.
  if (AnyIn(Load.getParent(), &Load))
    return false;
  if (Load.getParent() == Copied)
    return S.EachIteration;
  SmallPtrSet<const BasicBlock *, 32> Seen;
  SmallVector<const BasicBlock *, 32> Work{Load.getParent()};
  while (!Work.empty()) {
    const BasicBlock *BB = Work.pop_back_val();
    if (pred_empty(BB))
      return false;
    for (const BasicBlock *Before : predecessors(BB)) {
      if (Before == Copied && !S.EachIteration)
        continue;
      if (!Seen.insert(Before).second)
        continue;
      if (AnyIn(Before, nullptr))
        return false;
      if (Before != Copied)
        Work.push_back(Before);
    }
  }
  return true;
}

} // namespace pyfront
