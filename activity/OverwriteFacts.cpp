//===- OverwriteFacts.cpp - How: block reachability, once per function ----===//
#include "activity/OverwriteFacts.h"
#include "activity/Subscripts.h"
#include "llvm/IR/CFG.h"

using namespace llvm;

namespace pyfront {

OverwriteFacts::OverwriteFacts(const NormalFunction &N,
                               const MemoryObjects &Objects,
                               const Subscripts &Subs, bool CallerWrites)
    : N(N), Objects(Objects) {
  for (const BasicBlock &BB : *N.F)
    Index.try_emplace(&BB, Index.size());
  for (const BasicBlock &BB : *N.F)
    Entered.push_back(enteredFrom(&BB, nullptr));
  for (const BasicBlock *BB : N.Order)
    for (const Instruction &I : *BB) {
      if (std::optional<Access> Write = writeOf(I))
        Writes.push_back(*Write);
      if (auto *Load = dyn_cast<LoadInst>(&I))
        Loads.push_back(Load);
    }
  for (const LoadInst *Load : Loads) {
    if (CallerWrites && isShared(Load->getPointerOperand()))
      ByCaller.insert(Load);
    const Access Read = accessesOf(*Load).front();
    for (const Access &Write : Writes) {
      if (!Objects.mayTouch(Write, Read) || !runsAfter(Write.I, Load) ||
          Subs.neverMeetsLater(*Load, *Write.I))
        continue;
      Overwriter[Load] = Write.I;
      break;
    }
  }
}

bool OverwriteFacts::isShared(const Value *Ptr) const {
  return Objects.isUnknown(Ptr) ||
         any_of(Objects.pointsTo(Ptr), [&](unsigned O) {
           return Objects[O].Kind == ObjectKind::Argument ||
                  Objects[O].Kind == ObjectKind::Outside;
         });
}

BitVector OverwriteFacts::enteredFrom(const BasicBlock *From,
                                      const BasicBlock *Forbidden) const {
  BitVector Seen(Index.size());
  SmallVector<const BasicBlock *, 16> Work{From};
  while (!Work.empty())
    for (const BasicBlock *S : successors(Work.pop_back_val()))
      if (S != Forbidden && !Seen.test(indexOf(S))) {
        Seen.set(indexOf(S));
        Work.push_back(S);
      }
  return Seen;
}

bool OverwriteFacts::runsAfter(const Instruction *Write,
                               const Instruction *Load) const {
  const BasicBlock *WriteBB = Write->getParent(), *LoadBB = Load->getParent();
  if (WriteBB == LoadBB && Load->comesBefore(Write))
    return true;
  return Entered[indexOf(LoadBB)].test(indexOf(WriteBB));
}

bool OverwriteFacts::mayBeWrittenSince(ProgramPoint P,
                                       const LoadInst *Load) const {
  const NormalLoop &L = N.Loops[P.Loop];
  const BasicBlock *Point = P.EachIteration ? L.Header : L.Preheader;
  BitVector FromPoint = enteredFrom(Point, Point);
  if (P.EachIteration)
    FromPoint.set(indexOf(Point));
  const BasicBlock *LoadBB = Load->getParent();
  int Within = P.EachIteration ? P.Loop : L.Parent;
  const Access Read = accessesOf(*Load).front();
  for (const Access &Write : Writes) {
    if (!Objects.mayTouchIn(Within, Write, Read, N))
      continue;
    const BasicBlock *WriteBB = Write.I->getParent();
    if (!FromPoint.test(indexOf(WriteBB)))
      continue;
    if (WriteBB == LoadBB && Write.I->comesBefore(Load))
      return true;
    if (enteredFrom(WriteBB, Point).test(indexOf(LoadBB)))
      return true;
  }
  return false;
}

void OverwriteFacts::print(raw_ostream &OS) const {
  for (const LoadInst *Load : Loads) {
    OS << "  %" << Load->getName() << ": ";
    const Instruction *Write = overwriterOf(Load);
    if (!Write) {
      OS << (ByCaller.contains(Load) ? "the caller may overwrite it\n"
                                     : "stable\n");
      continue;
    }
    OS << "overwritten by ";
    if (auto *Store = dyn_cast<StoreInst>(Write))
      OS << "the store to %" << Store->getPointerOperand()->getName() << "\n";
    else
      OS << "a call\n";
  }
}

} // namespace pyfront
