//===- Accesses.cpp - How: by kind of instruction -------------------------===//
#include "activity/Accesses.h"
#include "core/KeptCalls.h"
#include "core/NormalFunction.h"
#include "core/rules/Rules.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

static SmallVector<Access, 2> accessesOfIntrinsic(const MemIntrinsic &Mem) {
  Access To{&Mem, Access::Kind::Write, Mem.getRawDest()};
  To.Length = Mem.getLength();
  if (auto *Set = dyn_cast<MemSetInst>(&Mem)) {
    To.Data = Set->getValue();
    return {To};
  }
  Access From{&Mem, Access::Kind::Read,
              cast<MemTransferInst>(Mem).getRawSource()};
  From.Length = Mem.getLength();
  To.From = From.Ptr;
  return {To, From};
}

/// Whether the call touches no memory that a kernel sees.
static bool touchesNothing(const CallBase &Call) {
  if (marker::isMarker(Call) || rules::isInactivePure(Call) ||
      rules::lookup(Call))
    return true;
  if (auto *II = dyn_cast<IntrinsicInst>(&Call);
      II && II->isAssumeLikeIntrinsic())
    return true;
  return Call.doesNotAccessMemory();
}

/// What the callee does to the memory that it is given: all of it, if anything.
static SmallVector<Access, 2> accessesOfKept(const CallBase &Call) {
  SmallVector<Access, 2> Result;
  for (const kept::Memory &M : kept::memoryOf(Call)) {
    Access A{&Call, Access::Kind::Write, M.Ptr};
    bool IsNumber = M.What == kept::Memory::Kind::Number;
    (IsNumber ? A.Element : A.Elements) =
        kept::typeOf(Call.getContext(), M.Type);
    A.IsFresh = M.What == kept::Memory::Kind::Array;
    if (M.IsWritten)
      Result.push_back(A);
    A.How = Access::Kind::Read;
    if (M.isRead())
      Result.push_back(A);
  }
  return Result;
}

static SmallVector<Access, 2> accessesOfCall(const CallBase &Call) {
  if (auto *Mem = dyn_cast<MemIntrinsic>(&Call))
    return accessesOfIntrinsic(*Mem);
  if (kept::isKept(&Call))
    return accessesOfKept(Call);
  if (touchesNothing(Call))
    return {};
  SmallVector<Access, 2> Result;
  if (!Call.onlyReadsMemory())
    Result.push_back({&Call, Access::Kind::Write});
  Result.push_back({&Call, Access::Kind::Read});
  return Result;
}

SmallVector<Access, 2> accessesOf(const Instruction &I) {
  if (auto *Load = dyn_cast<LoadInst>(&I))
    return {{Load, Access::Kind::Read, Load->getPointerOperand(),
             Load->getType(), Load}};
  if (auto *Store = dyn_cast<StoreInst>(&I))
    return {{Store, Access::Kind::Write, Store->getPointerOperand(),
             Store->getValueOperand()->getType(), Store->getValueOperand()}};
  if (auto *Call = dyn_cast<CallBase>(&I))
    return accessesOfCall(*Call);
  // Atomics, fences and the like.
  SmallVector<Access, 2> Result;
  if (I.mayWriteToMemory())
    Result.push_back({&I, Access::Kind::Write});
  if (I.mayReadFromMemory())
    Result.push_back({&I, Access::Kind::Read});
  return Result;
}

SmallVector<Access, 2> writesOf(const Instruction &I) {
  SmallVector<Access, 2> All = accessesOf(I);
  erase_if(All, [](const Access &A) { return !A.isWrite(); });
  return All;
}

} // namespace pyfront
