//===- Tape.cpp - Allocation, writes and reads of slots -------------------===//
#include "enzyme_pass/emit/Tape.h"
#include "core/Check.h"
#include "enzyme_pass/emit/Sizes.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

/// Elements that a growing array has room for at first, if a row is one.
static constexpr uint64_t FirstCapacity = 64;

void Tape::emitForward() {
  MapVector<std::pair<int, int>, SmallVector<int, 4>> Growing;
  for (unsigned I = 0; I < D.P.Slots.size(); ++I) {
    const TapeSlot &S = slot(I);
    Type *Ty = S.Nest.empty() ? S.Ty : D.ptr();
    Variables.push_back(D.variable(Ty, "slot" + Twine(I)));
    if (S.mayGrow())
      Growing[{S.Nest[S.Head], S.Nest[S.Step]}].push_back(I);
  }
  // Growth comes first: it must run before anything that an iteration writes.
  // Outer arrays first: where the header of one loop is the preheader of the
  // next, an iteration that has grown the outer array writes to it there.
  auto ByStep = to_vector(make_second_range(Growing));
  llvm::sort(ByStep, [&](const auto &A, const auto &B) {
    return std::pair(slot(A.front()).Step, A.front()) <
           std::pair(slot(B.front()).Step, B.front());
  });
  for (ArrayRef<int> Slots : ByStep)
    makeGrowing(Slots);
  // Base slots are planned after the slots that they serve, outer arrays before
  // inner ones is the order in which preheaders run: any order is right here.
  for (unsigned I = 0; I < D.P.Slots.size(); ++I)
    if (slot(I).How == TapeSlot::Room::Whole)
      allocateWhole(I);
  for (unsigned I = 0; I < D.P.Slots.size(); ++I)
    if (slot(I).Holds == TapeSlot::Content::Value)
      writeValue(I);
  for (const Snapshot &S : D.P.Snapshots)
    writeSnapshot(S);
  if (!D.isSplit())
    return;
  IRBuilder<> B(Sweep.end());
  Crossing.write(B, Sweep, [&](IRBuilder<> &B, int Slot) {
    return B.CreateLoad(Variables[Slot]->getAllocatedType(), Variables[Slot]);
  });
}

Value *Tape::trips(IRBuilder<> &B, int L, Reader Read) const {
  return B.CreateAdd(Read(D.P.N.Loops[L].Last), B.getInt64(1));
}

Value *Tape::elementBytes(IRBuilder<> &B, int Slot) const {
  return B.getInt64(D.G->getDataLayout().getTypeStoreSize(slot(Slot).Ty));
}

Value *Tape::place(IRBuilder<> &B, const TapeSlot &S, unsigned Deepest,
                   Reader Read) const {
  Value *Place = Read(D.P.N.Loops[S.Nest[S.Head]].Counter);
  for (unsigned I = S.Head + 1; I <= Deepest; ++I)
    Place = B.CreateAdd(B.CreateMul(Place, trips(B, S.Nest[I], Read)),
                        Read(D.P.N.Loops[S.Nest[I]].Counter));
  return Place;
}

Value *Tape::element(IRBuilder<> &B, int Slot, Value *Array,
                     Reader Read) const {
  const TapeSlot &S = slot(Slot);
  Value *Index = place(B, S, S.Nest.size() - 1, Read);
  Type *Ty = S.Ty->isIntegerTy(1) ? B.getInt8Ty() : S.Ty;
  return B.CreateInBoundsGEP(Ty, Array, Index, "slot" + Twine(Slot) + ".at");
}

Value *Tape::times(IRBuilder<> &B, Value *First, const TapeSlot &S,
                   unsigned From, unsigned To) const {
  auto Read = [&](Value *V) { return Sweep.valueOf(primalOf(V)); };
  SmallVector<Value *, 4> Factors{First};
  for (unsigned I = From; I < To; ++I)
    Factors.push_back(trips(B, S.Nest[I], Read));
  return sizeProduct(B, Factors);
}

/// The forward sweep's way to the array, and the reverse sweep's.
void Tape::keepArray(Instruction *At, int Slot, Value *Array) {
  IRBuilder<>(At).CreateStore(Array, Variables[Slot]);
  if (slot(Slot).BaseSlot >= 0)
    store(At, slot(Slot).BaseSlot, Array);
}

void Tape::allocateWhole(int Slot) {
  const TapeSlot &S = slot(Slot);
  Instruction *At = Sweep.bottom(D.P.N.Loops[S.Nest[S.Head]].Preheader);
  IRBuilder<> B(At);
  Value *Bytes = times(B, elementBytes(B, Slot), S, S.Head, S.Nest.size());
  keepArray(
      At, Slot,
      D.allocate(B, Bytes, Zeroed::Never, "slot" + Twine(Slot) + ".array"));
}

/// Before the head begins: room for all rows, if there is memory for it, or for
/// none yet. Returns the variable that counts the rows.
AllocaInst *Tape::allocateAtFirst(ArrayRef<int> Slots) {
  const TapeSlot &First = slot(Slots.front());
  int Head = First.Nest[First.Head];
  AllocaInst *Capacity = D.variable(D.i64(), "L" + Twine(Head) + ".capacity");
  Instruction *At = Sweep.bottom(D.P.N.Loops[Head].Preheader);
  IRBuilder<> B(At);
  Value *Null = ConstantPointerNull::get(D.ptr());
  if (First.How == TapeSlot::Room::Growing) {
    B.CreateStore(B.getInt64(0), Capacity);
    for (int Slot : Slots)
      keepArray(At, Slot, Null);
    return Capacity;
  }
  SmallVector<Value *, 4> Arrays;
  Value *HasRoom = B.getTrue();
  for (int Slot : Slots) {
    const TapeSlot &S = slot(Slot);
    Value *Bytes = times(B, elementBytes(B, Slot), S, S.Head, S.Nest.size());
    Arrays.push_back(D.tryAllocate(B, Bytes, "slot" + Twine(Slot) + ".array"));
    HasRoom = B.CreateAnd(HasRoom, B.CreateIsNotNull(Arrays.back()));
  }
  Value *Rows = times(B, B.getInt64(1), First, First.Head, First.Step + 1);
  B.CreateStore(B.CreateSelect(HasRoom, Rows, B.getInt64(0)), Capacity);
  for (unsigned I = 0; I < Slots.size(); ++I)
    keepArray(At, Slots[I], B.CreateSelect(HasRoom, Arrays[I], Null));
  return Capacity;
}

void Tape::makeGrowing(ArrayRef<int> Slots) {
  const TapeSlot &First = slot(Slots.front());
  AllocaInst *Capacity = allocateAtFirst(Slots);
  Instruction *Top = Sweep.top(D.P.N.Loops[First.Nest[First.Step]].Header);
  IRBuilder<> B(Top);
  auto Read = [&](Value *V) { return Sweep.valueOf(primalOf(V)); };
  Value *Row = place(B, First, First.Step, Read);
  Value *Old = B.CreateLoad(D.i64(), Capacity);
  Value *Full = B.CreateICmpUGE(Row, Old);
  MDNode *Rare = MDBuilder(D.G->getContext()).createUnlikelyBranchWeights();
  Instruction *Then = SplitBlockAndInsertIfThen(Full, Top->getIterator(),
                                                /*Unreachable=*/false, Rare);
  B.SetInsertPoint(Then);
  bool HasRows = any_of(
      Slots, [&](int Slot) { return slot(Slot).Nest.size() > First.Step + 1; });
  Value *New = B.CreateBinaryIntrinsic(Intrinsic::umax, B.CreateShl(Old, 1),
                                       B.getInt64(HasRows ? 1 : FirstCapacity));
  B.CreateStore(New, Capacity);
  for (int Slot : Slots) {
    const TapeSlot &S = slot(Slot);
    auto Elements = [&](Value *Rows) {
      return times(B, Rows, S, S.Step + 1, S.Nest.size());
    };
    Type *Ty = S.Ty->isIntegerTy(1) ? B.getInt8Ty() : S.Ty;
    Value *Array = D.grow(B, B.CreateLoad(D.ptr(), Variables[Slot]), Ty,
                          Elements(Old), Elements(New));
    keepArray(Then, Slot, Array);
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

/// The size goes with the pointer: two objects may well have one address (views
/// of one array, an empty slice and its base), so the address does not tell.
Span Tape::spanAt(Value *Base) {
  auto Known = Spans.find(Base);
  if (Known != Spans.end())
    return Known->second;
  auto *Phi = dyn_cast<PHINode>(Base);
  if (!Phi) {
    auto Object =
        find_if(D.P.Objects, [&](const auto &O) { return O.Base == Base; });
    PF_CHECK(Object != D.P.Objects.end(), "a copy of no object");
    IRBuilder<> B = D.atEnter();
    return Spans[Base] = spanOf(D, B, Object->Size);
  }
  auto *Copy = cast<PHINode>(Sweep.valueOf(primalOf(Phi)));
  IRBuilder<> B(Copy);
  auto *Low = B.CreatePHI(D.i64(), 2, Phi->getName() + ".low");
  auto *Bytes = B.CreatePHI(D.i64(), 2, Phi->getName() + ".bytes");
  // Known before its operands: one of them may lead back to it.
  Spans[Base] = {Low, Bytes};
  for (unsigned I = 0; I < Phi->getNumIncomingValues(); ++I) {
    Span From = spanAt(Phi->getIncomingValue(I));
    Low->addIncoming(From.Low, Copy->getIncomingBlock(I));
    Bytes->addIncoming(From.Bytes, Copy->getIncomingBlock(I));
  }
  return {Low, Bytes};
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
  auto [Low, Bytes] = spanAt(S.Base);
  Value *Copy = D.allocate(B, Bytes, Zeroed::Never, "copy");
  Value *From = B.CreateGEP(B.getInt8Ty(), Base, Low);
  // Tagged as neither side: it reads one and writes the other.
  B.CreateMemCpy(Copy, Align(64), From, Align(1), Bytes);
  Value *Moved = B.CreateGEP(B.getInt8Ty(), Copy, B.CreateNeg(Low));
  store(At, S.Slot, Moved);
}

Value *Tape::kept(IRBuilder<> &B, int Slot) const {
  if (D.isSplit())
    return Crossing.slot(Slot);
  return B.CreateLoad(Variables[Slot]->getAllocatedType(), Variables[Slot]);
}

Value *Tape::load(IRBuilder<> &B, int Slot, Reader Read) const {
  const TapeSlot &S = slot(Slot);
  if (S.Nest.empty())
    return kept(B, Slot);
  Value *Array = S.BaseSlot >= 0 ? load(B, S.BaseSlot, Read) : kept(B, Slot);
  Type *Ty = S.Ty->isIntegerTy(1) ? B.getInt8Ty() : S.Ty;
  LoadInst *Load = B.CreateLoad(Ty, element(B, Slot, Array, Read));
  D.tag(Load, Side::Tape);
  return S.Ty->isIntegerTy(1) ? B.CreateTrunc(Load, S.Ty) : Load;
}

} // namespace pyfront
