//===- Effects.cpp - Stores, by the objects that they may touch -----------===//
#include "activity/Effects.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

/// The address that an instruction writes to, null if it writes nothing.
static const Value *written(const Instruction &I) {
  if (auto *Store = dyn_cast<StoreInst>(&I))
    return Store->getPointerOperand();
  if (auto *Mem = dyn_cast<MemIntrinsic>(&I))
    return Mem->getRawDest();
  return nullptr;
}

/// Whether the object is unknown and may be an argument. What a call returns is
/// memory of its own: on the way to a raise, Numba builds messages in it.
static bool mayBeAnything(const MemoryObjects &Objects, const Value *Ptr) {
  return Objects.isUnknown(Ptr) &&
         !isa<CallBase>(MemoryObjects::rootOf(const_cast<Value *>(Ptr)));
}

SetVector<int> writtenArguments(const NormalFunction &N, const Request &Req,
                                const MemoryObjects &Objects) {
  SetVector<int> Result;
  for (const Instruction &I : instructions(*N.F)) {
    const Value *Ptr = written(I);
    if (!Ptr)
      continue;
    for (unsigned O = 0; O < Objects.size(); ++O)
      if (Objects[O].Kind == ObjectKind::Argument &&
          (mayBeAnything(Objects, Ptr) ||
           is_contained(Objects.pointsTo(Ptr), O)))
        Result.insert(Objects[O].Arg);
  }
  return Result;
}

} // namespace pyfront
