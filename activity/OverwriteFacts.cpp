//===- OverwriteFacts.cpp - How: block reachability, once per function ----===//
#include "activity/OverwriteFacts.h"
#include "activity/Subscripts.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

const Value *writtenPointer(const Instruction &Write) {
  if (auto *Store = dyn_cast<StoreInst>(&Write))
    return Store->getPointerOperand();
  if (auto *Mem = dyn_cast<MemIntrinsic>(&Write))
    return Mem->getRawDest();
  return nullptr;
}

bool writesMemory(const Instruction &I) {
  if (auto *Call = dyn_cast<CallBase>(&I)) {
    if (marker::isMarker(*Call))
      return false;
    if (isa<MemIntrinsic>(Call))
      return true;
    if (auto *II = dyn_cast<IntrinsicInst>(Call))
      return !II->isAssumeLikeIntrinsic() && II->mayWriteToMemory();
  }
  return I.mayWriteToMemory();
}

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
      if (writesMemory(I))
        Writes.push_back(&I);
      if (auto *Load = dyn_cast<LoadInst>(&I))
        Loads.push_back(Load);
    }
  for (const LoadInst *Load : Loads) {
    if (CallerWrites && isShared(Load->getPointerOperand()))
      ByCaller.insert(Load);
    for (const Instruction *Write : Writes) {
      const Value *Ptr = writtenPointer(*Write);
      if (Ptr && !Objects.mayShareObject(Ptr, Load->getPointerOperand()))
        continue;
      if (!runsAfter(Write, Load) || Subs.neverMeetsLater(*Load, *Write))
        continue;
      Overwriter[Load] = Write;
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
  for (const Instruction *Write : Writes) {
    const Value *Ptr = writtenPointer(*Write);
    if (Ptr &&
        !Objects.mayShareObjectIn(Within, Ptr, Load->getPointerOperand(), N))
      continue;
    const BasicBlock *WriteBB = Write->getParent();
    if (!FromPoint.test(indexOf(WriteBB)))
      continue;
    if (WriteBB == LoadBB && Write->comesBefore(Load))
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
