//===- Tape.cpp - Allocation, writes and reads of slots -------------------===//
#include "enzyme_pass/emit/Tape.h"
#include "core/Check.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

/// Elements that a growing array has room for at first.
static constexpr uint64_t FirstCapacity = 64;

void Tape::emitForward() {
  MapVector<int, SmallVector<int, 4>> Growing;
  for (unsigned I = 0; I < D.P.Slots.size(); ++I) {
    const TapeSlot &S = slot(I);
    Type *Ty = S.Nest.empty() ? S.Ty : D.ptr();
    Variables.push_back(D.variable(Ty, "slot" + Twine(I)));
    if (S.Grows)
      Growing[S.Nest.back()].push_back(I);
  }
  // Growth comes first: it must run before anything that an iteration writes.
  for (auto &[Loop, Slots] : Growing)
    makeGrowing(Loop, Slots);
  // Base slots are planned after the slots that they serve, outer arrays before
  // inner ones is the order in which preheaders run: any order is right here.
  for (unsigned I = 0; I < D.P.Slots.size(); ++I)
    if (!slot(I).Nest.empty() && !slot(I).Grows)
      allocateArray(I);
  for (unsigned I = 0; I < D.P.Slots.size(); ++I)
    if (slot(I).Holds == TapeSlot::Content::Value)
      writeValue(I);
  for (const Snapshot &S : D.P.Snapshots)
    writeSnapshot(S);
}

Value *Tape::trips(IRBuilder<> &B, int L, Reader Read) const {
  Value *Last = Read(D.P.N.Loops[L].Last);
  Value *Trips = B.CreateAdd(Last, B.getInt64(1));
  if (isa<ConstantInt>(Trips))
    return Trips;
  return B.CreateBinaryIntrinsic(Intrinsic::smax, Trips, B.getInt64(0));
}

Value *Tape::elementBytes(IRBuilder<> &B, int Slot) const {
  return B.getInt64(D.G->getDataLayout().getTypeStoreSize(slot(Slot).Ty));
}

Value *Tape::element(IRBuilder<> &B, int Slot, Value *Array,
                     Reader Read) const {
  const TapeSlot &S = slot(Slot);
  Value *Index = nullptr;
  for (unsigned I = S.Head; I < S.Nest.size(); ++I) {
    Value *Counter = Read(D.P.N.Loops[S.Nest[I]].Counter);
    if (Index)
      Index =
          B.CreateAdd(B.CreateMul(Index, trips(B, S.Nest[I], Read)), Counter);
    else
      Index = Counter;
  }
  Type *Ty = S.Ty->isIntegerTy(1) ? B.getInt8Ty() : S.Ty;
  return B.CreateInBoundsGEP(Ty, Array, Index, "slot" + Twine(Slot) + ".at");
}

void Tape::allocateArray(int Slot) {
  const TapeSlot &S = slot(Slot);
  Instruction *At = Sweep.bottom(D.P.N.Loops[S.Nest[S.Head]].Preheader);
  IRBuilder<> B(At);
  auto Read = [&](Value *V) { return Sweep.valueOf(primalOf(V)); };
  Value *Bytes = elementBytes(B, Slot);
  for (unsigned I = S.Head; I < S.Nest.size(); ++I)
    Bytes = B.CreateMul(Bytes, trips(B, S.Nest[I], Read));
  Value *Array =
      D.allocate(B, Bytes, /*Zeroed=*/false, "slot" + Twine(Slot) + ".array");
  B.CreateStore(Array, Variables[Slot]);
  if (S.BaseSlot >= 0)
    store(At, S.BaseSlot, Array);
}

/// All growing arrays of one loop share a capacity, tested once per iteration.
void Tape::makeGrowing(int Loop, ArrayRef<int> Slots) {
  const NormalLoop &L = D.P.N.Loops[Loop];
  AllocaInst *Capacity = D.variable(D.i64(), "L" + Twine(Loop) + ".capacity");
  Instruction *Before = Sweep.bottom(L.Preheader);
  IRBuilder<> B(Before);
  B.CreateStore(B.getInt64(0), Capacity);
  Value *Null = ConstantPointerNull::get(D.ptr());
  for (int Slot : Slots)
    B.CreateStore(Null, Variables[Slot]);

  Instruction *Top = Sweep.top(L.Header);
  B.SetInsertPoint(Top);
  Value *Counter = Sweep.valueOf(primalOf(L.Counter));
  Value *Old = B.CreateLoad(D.i64(), Capacity);
  Value *Full = B.CreateICmpEQ(Counter, Old);
  Instruction *Then = SplitBlockAndInsertIfThen(Full, Top->getIterator(),
                                                /*Unreachable=*/false);
  B.SetInsertPoint(Then);
  Value *New = B.CreateBinaryIntrinsic(Intrinsic::umax, B.CreateShl(Old, 1),
                                       B.getInt64(FirstCapacity));
  B.CreateStore(New, Capacity);
  for (int Slot : Slots) {
    Type *Ty = slot(Slot).Ty;
    Value *Array = D.grow(B, B.CreateLoad(D.ptr(), Variables[Slot]),
                          Ty->isIntegerTy(1) ? B.getInt8Ty() : Ty, Old, New);
    B.CreateStore(Array, Variables[Slot]);
    if (slot(Slot).BaseSlot >= 0)
      store(Then, slot(Slot).BaseSlot, Array);
  }
}

void Tape::store(Instruction *At, int Slot, Value *V) {
  IRBuilder<> B(At);
  const TapeSlot &S = slot(Slot);
  if (S.Nest.empty()) {
    B.CreateStore(V, Variables[Slot]);
    return;
  }
  if (S.Ty->isIntegerTy(1))
    V = B.CreateZExt(V, B.getInt8Ty());
  auto Read = [&](Value *V) { return Sweep.valueOf(primalOf(V)); };
  Value *Array = B.CreateLoad(D.ptr(), Variables[Slot]);
  D.tag(B.CreateStore(V, element(B, Slot, Array, Read)), Side::Tape);
}

void Tape::writeValue(int Slot) {
  Key K = slot(Slot).Of;
  Value *V = Sweep.valueOf(K);
  store(Sweep.after(K), Slot, V);
}

Value *Tape::snapshotBytes(IRBuilder<> &B, const Snapshot &S, Value *Base,
                           Value *&Low) {
  Value *Bytes = nullptr;
  for (unsigned O : S.Objects) {
    const ObjectPlan &Object = D.P.Objects[O];
    Span Extent = spanOf(D, B, Object.Size);
    if (!Bytes) {
      Bytes = Extent.Bytes;
      Low = Extent.Low;
      continue;
    }
    Value *IsThis = B.CreateICmpEQ(Base, Sweep.valueOf(primalOf(Object.Base)));
    Bytes = B.CreateSelect(IsThis, Extent.Bytes, Bytes);
    Low = B.CreateSelect(IsThis, Extent.Low, Low);
  }
  return Bytes;
}

/// The slot keeps the copy's address moved by the base's offset in its memory,
/// so that a load's offset from the base is its offset from the slot's content.
void Tape::writeSnapshot(const Snapshot &S) {
  Instruction *At = Sweep.end();
  if (!S.isAtEnd()) {
    const NormalLoop &L = D.P.N.Loops[S.Loop];
    At = S.EachIteration ? Sweep.top(L.Header) : Sweep.bottom(L.Preheader);
  }
  IRBuilder<> B(At);
  Value *Base = Sweep.valueOf(primalOf(S.Base));
  Value *Low = nullptr;
  Value *Bytes = snapshotBytes(B, S, Base, Low);
  Value *Copy = D.allocate(B, Bytes, /*Zeroed=*/false, "copy");
  Value *From = B.CreateGEP(B.getInt8Ty(), Base, Low);
  // Tagged as neither side: it reads one and writes the other.
  B.CreateMemCpy(Copy, Align(64), From, Align(1), Bytes);
  Value *Moved = B.CreateGEP(B.getInt8Ty(), Copy, B.CreateNeg(Low));
  store(At, S.Slot, Moved);
}

Value *Tape::load(IRBuilder<> &B, int Slot, Reader Read) const {
  const TapeSlot &S = slot(Slot);
  if (S.Nest.empty())
    return B.CreateLoad(S.Ty, Variables[Slot]);
  Value *Array = S.BaseSlot >= 0 ? load(B, S.BaseSlot, Read)
                                 : B.CreateLoad(D.ptr(), Variables[Slot]);
  Type *Ty = S.Ty->isIntegerTy(1) ? B.getInt8Ty() : S.Ty;
  LoadInst *Load = B.CreateLoad(Ty, element(B, Slot, Array, Read));
  D.tag(Load, Side::Tape);
  return S.Ty->isIntegerTy(1) ? B.CreateTrunc(Load, S.Ty) : Load;
}

} // namespace pyfront
