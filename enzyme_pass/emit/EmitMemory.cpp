//===- EmitMemory.cpp - Loads, stores and blocks of memory backwards
//-------===//
#include "enzyme_pass/emit/ReverseSweep.h"

using namespace llvm;

namespace pyfront {

/// Primal: x = *p   Adjoint: *p' += x'; x' = 0.
void ReverseSweep::reverseLoad(Builder &B, LoadInst &I) {
  Value *ValueBar = Bar.take(B, &I);
  addToShadow(B, I, Reader.shadow(B, I.getPointerOperand()), ValueBar);
}

void ReverseSweep::addToShadow(Builder &B, LoadInst &I, Value *Shadow,
                               Value *ValueBar) {
  LoadInst *Old = B.CreateAlignedLoad(I.getType(), Shadow, I.getAlign());
  D.tag(Old, Side::Shadow);
  D.tag(B.CreateAlignedStore(B.CreateFAdd(Old, ValueBar), Shadow, I.getAlign()),
        Side::Shadow);
}

/// Primal: *p = x   Adjoint: x' += *p'; *p' = 0.
void ReverseSweep::reverseStore(Builder &B, StoreInst &I) {
  Value *Stored = I.getValueOperand();
  Value *Shadow = Reader.shadow(B, I.getPointerOperand());
  if (Bar.has(Stored)) {
    LoadInst *Old =
        B.CreateAlignedLoad(Stored->getType(), Shadow, I.getAlign());
    D.tag(Old, Side::Shadow);
    Bar.add(B, Stored, Old);
  }
  D.tag(B.CreateAlignedStore(ConstantFP::get(Stored->getType(), 0.0), Shadow,
                             I.getAlign()),
        Side::Shadow);
}

/// Primal: p[0..n) = byte   Adjoint: p'[0..n) = 0.
void ReverseSweep::reverseMemSet(Builder &B, MemSetInst &I) {
  Value *Shadow = Reader.shadow(B, I.getRawDest());
  D.tag(B.CreateMemSet(Shadow, B.getInt8(0), Reader.primal(B, I.getLength()),
                       I.getDestAlign()),
        Side::Shadow);
}

/// Primal: p[0..n) = q[0..n)   Adjoint: q'[i] += p'[i]; p'[i] = 0.
void ReverseSweep::reverseCopy(Builder &B, MemTransferInst &I) {
  Value *To = Reader.shadow(B, I.getRawDest());
  Value *From = Reader.shadow(B, I.getRawSource());
  Value *Bytes = Reader.primal(B, I.getLength());
  Type *Ty = P.CopiedType.lookup(&I);
  uint64_t Size = D.G->getDataLayout().getTypeStoreSize(Ty);
  Value *Count = B.CreateUDiv(Bytes, B.getInt64(Size));

  LLVMContext &C = D.G->getContext();
  BasicBlock *Before = B.GetInsertBlock();
  auto *Body = BasicBlock::Create(C, "copy.rev", D.G);
  auto *After = BasicBlock::Create(C, "copy.done", D.G);
  B.CreateCondBr(B.CreateIsNull(Count), After, Body);
  B.SetInsertPoint(Body);
  PHINode *Index = B.CreatePHI(D.i64(), 2);
  Value *ToAt = B.CreateGEP(Ty, To, Index),
        *FromAt = B.CreateGEP(Ty, From, Index);
  LoadInst *Moved = B.CreateLoad(Ty, ToAt), *Old = B.CreateLoad(Ty, FromAt);
  for (Instruction *Access :
       {static_cast<Instruction *>(Moved), static_cast<Instruction *>(Old),
        static_cast<Instruction *>(
            B.CreateStore(B.CreateFAdd(Old, Moved), FromAt)),
        static_cast<Instruction *>(
            B.CreateStore(ConstantFP::get(Ty, 0.0), ToAt))})
    D.tag(Access, Side::Shadow);
  Value *Next = B.CreateAdd(Index, B.getInt64(1));
  Index->addIncoming(B.getInt64(0), Before);
  Index->addIncoming(Next, Body);
  B.CreateCondBr(B.CreateICmpEQ(Next, Count), After, Body);
  B.SetInsertPoint(After);
}

} // namespace pyfront
