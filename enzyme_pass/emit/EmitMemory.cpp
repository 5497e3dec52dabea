//===- EmitMemory.cpp - Loads, stores and blocks of memory backwards ------===//
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
  LoadInst *Old = D.loadShadow(B, I.getType(), Shadow, I.getAlign());
  D.storeShadow(B, B.CreateFAdd(Old, ValueBar), Shadow, I.getAlign());
}

/// Primal: *p = x   Adjoint: x' += *p'; *p' = 0.
void ReverseSweep::reverseStore(Builder &B, StoreInst &I) {
  Value *Stored = I.getValueOperand();
  Value *Shadow = Reader.shadow(B, I.getPointerOperand());
  if (Bar.has(Stored))
    Bar.add(B, Stored,
            D.loadShadow(B, Stored->getType(), Shadow, I.getAlign()));
  D.storeShadow(B, ConstantFP::get(D.W.of(Stored->getType()), 0.0), Shadow,
                I.getAlign());
}

/// Primal: p[0..n) = constants   Adjoint: p'[0..n) = 0.
void ReverseSweep::reverseSet(Builder &B, MemIntrinsic &I) {
  Value *Shadow = Reader.shadow(B, I.getRawDest());
  Value *Bytes = D.W.bytes(B, Reader.primal(B, I.getLength()));
  D.tag(B.CreateMemSet(Shadow, B.getInt8(0), Bytes, I.getDestAlign()),
        Side::Shadow);
}

/// Primal: p[0..n) = q[0..n)   Adjoint: t = p'[i]; p'[i] = 0; q'[i] += t.
/// In this order p and q may also be one.
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
  Type *Step = D.W.memoryOf(Ty);
  Value *ToAt = B.CreateGEP(Step, To, Index),
        *FromAt = B.CreateGEP(Step, From, Index);
  Align A = alignOf(Ty);
  LoadInst *Moved = D.loadShadow(B, Ty, ToAt, A);
  D.storeShadow(B, ConstantFP::get(D.W.of(Ty), 0.0), ToAt, A);
  LoadInst *Old = D.loadShadow(B, Ty, FromAt, A);
  D.storeShadow(B, B.CreateFAdd(Old, Moved), FromAt, A);
  Value *Next = B.CreateAdd(Index, B.getInt64(1));
  Index->addIncoming(B.getInt64(0), Before);
  Index->addIncoming(Next, Body);
  B.CreateCondBr(B.CreateICmpEQ(Next, Count), After, Body);
  B.SetInsertPoint(After);
}

} // namespace pyfront
