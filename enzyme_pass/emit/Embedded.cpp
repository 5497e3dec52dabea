//===- Embedded.cpp - Memory of a derivative inside another kernel --------===//
///
/// \file
/// A derivative that will be differentiated again allocates as a kernel does,
/// with `@pyfront.allocate`: whoever differentiates that kernel decides where
/// the memory is, how long it lives and what its shadow is. It is never null.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/emit/Derivative.h"
#include "enzyme_pass/emit/Sizes.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

llvm::Value *Derivative::allocateEmbedded(IRBuilder<> &B, llvm::Value *Bytes,
                                          Zeroed When, const Twine &Name) {
  Align A(64);
  CallInst *Memory = B.CreateCall(marker::declareAllocate(*G->getParent()),
                                  {Bytes, B.getInt64(A.value())}, Name);
  Memory->addRetAttr(Attribute::getWithAlignment(G->getContext(), A));
  if (When != Zeroed::Never)
    B.CreateMemSet(Memory, B.getInt8(0), Bytes, A);
  return Memory;
}

/// The elements are copied one by one: what a block of bytes holds could not be
/// told.
llvm::Value *Derivative::growEmbedded(IRBuilder<> &B, llvm::Value *Array,
                                      Type *Ty, llvm::Value *Old,
                                      llvm::Value *New) {
  Instruction *At = &*B.GetInsertPoint();
  llvm::Value *Size = B.getInt64(G->getDataLayout().getTypeStoreSize(Ty));
  llvm::Value *Memory =
      allocateEmbedded(B, sizeProduct(B, {Size, New}), Zeroed::Never, "grown");
  Instruction *Then =
      SplitBlockAndInsertIfThen(B.CreateIsNotNull(Old), B.GetInsertPoint(),
                                /*Unreachable=*/false);
  auto [Body, Index] =
      SplitBlockAndInsertSimpleForLoop(Old, Then->getIterator());
  B.SetInsertPoint(Body);
  LoadInst *Element = B.CreateLoad(Ty, B.CreateInBoundsGEP(Ty, Array, Index));
  tag(Element, Side::Tape);
  tag(B.CreateStore(Element, B.CreateInBoundsGEP(Ty, Memory, Index)),
      Side::Tape);
  B.SetInsertPoint(At);
  return Memory;
}

} // namespace pyfront
