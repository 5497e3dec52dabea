//===- Frame.cpp - Fields out and in --------------------------------------===//
#include "enzyme_pass/emit/Frame.h"

using namespace llvm;

namespace pyfront {

using Content = FrameField::Content;

Type *Frame::typeOf(const FrameField &Field) const {
  if (Field.Holds == Content::Value)
    return Field.Of.getPointer()->getType();
  const TapeSlot &S = D.P.Slots[Field.Index];
  return S.Nest.empty() ? S.Ty : D.ptr();
}

void Frame::write(IRBuilder<> &B, ForwardSweep &Sweep, SlotReader ReadSlot) {
  for (const FrameField &Field : D.P.Frame) {
    if (Field.Holds == Content::Memory)
      continue;
    Value *V = Field.Holds == Content::Slot ? ReadSlot(B, Field.Index)
                                            : Sweep.valueOf(Field.Of);
    D.tag(B.CreateStore(V, D.frameAt(B, D.FrameBase, Field.Offset)),
          Side::Tape);
  }
}

void Frame::read(IRBuilder<> &B) {
  Value *Base = D.loadFrame(B);
  for (const FrameField &Field : D.P.Frame) {
    Value *At = D.frameAt(B, Base, Field.Offset);
    if (Field.Holds == Content::Memory) {
      Values[Field.Of] = At;
      continue;
    }
    LoadInst *Load = B.CreateLoad(typeOf(Field), At);
    D.tag(Load, Side::Tape);
    if (Field.Holds == Content::Slot) {
      Slots[Field.Index] = Load;
      continue;
    }
    Load->setName(Field.Of.getPointer()->getName());
    Values[Field.Of] = Load;
  }
}

} // namespace pyfront
