//===- Effects.cpp - Stores, by the objects that they may touch -----------===//
#include "activity/Effects.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

/// Whether the write may be of any argument. What a call returns is memory of
/// its own: on the way to a raise, Numba builds messages in it.
static bool mayBeAnything(const MemoryObjects &Objects, const Access &Write) {
  return !Write.isAnything() && Objects.isUnknown(Write.Ptr) &&
         !isa<CallBase>(MemoryObjects::rootOf(const_cast<Value *>(Write.Ptr)));
}

SetVector<int> writtenArguments(const NormalFunction &N, const Request &Req,
                                const MemoryObjects &Objects) {
  SetVector<int> Result;
  for (const Instruction &I : instructions(*N.F)) {
    for (const Access &Write : writesOf(I)) {
      // A call that may write anything is refused, unless it builds an
      // exception.
      if (Write.isAnything())
        continue;
      SmallVector<unsigned, 4> Touched = Objects.touched(Write.Ptr);
      for (unsigned O = 0; O < Objects.size(); ++O)
        if (Objects[O].Kind == ObjectKind::Argument &&
            (mayBeAnything(Objects, Write) || is_contained(Touched, O)))
          Result.insert(Objects[O].Arg);
    }
  }
  return Result;
}

} // namespace pyfront
