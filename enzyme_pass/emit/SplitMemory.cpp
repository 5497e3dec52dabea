//===- SplitMemory.cpp - Memory of a derivative in two halves -------------===//
///
/// \file
/// All memory of the forward half is that of a tape, which it opens and, should
/// it fail, frees (runtime/TapeMemory.h). Shadows get their zeros from the
/// reverse half, each time that it runs.
///
/// A derivative that another one calls has no tape of its own: its frame is a
/// block of its caller's tape or, where that has none, of the arena, and so is
/// all else. Nothing of it is given back before its caller's is.
///
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/Derivative.h"

using namespace llvm;

namespace pyfront {

CallInst *Derivative::openTape(IRBuilder<> &B) {
  if (P.Req.Inner)
    return B.CreateCall(runtime("pyfront_tape_alloc", ptr(), {ptr(), i64()}),
                        {Lender, B.getInt64(P.FrameBytes)}, "frame");
  return B.CreateCall(runtime("pyfront_tape_open", ptr(), {i64()}),
                      {B.getInt64(P.FrameBytes)}, "tape");
}

llvm::Value *Derivative::loadFrame(IRBuilder<> &B) {
  return P.Req.Inner ? Owner : B.CreateLoad(ptr(), Owner, "frame");
}

llvm::Value *Derivative::ownerForCallees() const {
  if (!isSplit())
    return ConstantPointerNull::get(ptr());
  return P.Req.Inner ? Lender : Owner;
}

llvm::Value *Derivative::frameAt(IRBuilder<> &B, llvm::Value *Base,
                                 uint64_t Offset) const {
  return B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Base, Offset);
}

llvm::Value *Derivative::memoryInFrame(Key K) {
  for (const FrameField &Field : P.Frame)
    if (Field.Holds == FrameField::Content::Memory && Field.Of == K) {
      IRBuilder<> B = atEnter();
      return frameAt(B, FrameBase, Field.Offset);
    }
  return nullptr;
}

CallInst *Derivative::allocateInTape(IRBuilder<> &B, llvm::Value *Bytes,
                                     bool IsShadow, const Twine &Name) {
  FunctionCallee Callee =
      runtime(IsShadow ? "pyfront_tape_alloc_shadow" : "pyfront_tape_alloc",
              ptr(), {ptr(), i64()});
  return callAllocator(B, Callee, {P.Req.Inner ? Lender : Owner, Bytes}, Name);
}

void Derivative::freeTape(IRBuilder<> &B) {
  B.CreateCall(runtime("pyfront_tape_free", B.getVoidTy(), {ptr()}), {Owner});
}

void Derivative::rewind(IRBuilder<> &B) {
  // The caller's tape has all shadows.
  if (P.Req.Inner)
    return;
  B.CreateCall(runtime("pyfront_tape_rewind", B.getVoidTy(), {ptr()}), {Owner});
}

} // namespace pyfront
