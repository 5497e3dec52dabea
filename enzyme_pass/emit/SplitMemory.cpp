//===- SplitMemory.cpp - Memory of a derivative in two halves -------------===//
///
/// \file
/// All memory of the forward half is that of a tape, which it opens and, should
/// it fail, frees (runtime/TapeMemory.h). Shadows get their zeros from the
/// reverse half, each time that it runs.
///
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/Derivative.h"

using namespace llvm;

namespace pyfront {

/// How large the frame is will be known when the derivative is cut (Split.cpp).
CallInst *Derivative::openTape(IRBuilder<> &B) {
  return B.CreateCall(runtime("pyfront_tape_open", ptr(), {i64()}),
                      {B.getInt64(0)}, "tape");
}

CallInst *Derivative::allocateInTape(IRBuilder<> &B, llvm::Value *Bytes,
                                     bool IsShadow, const Twine &Name) {
  FunctionCallee Callee =
      runtime(IsShadow ? "pyfront_tape_alloc_shadow" : "pyfront_tape_alloc",
              ptr(), {ptr(), i64()});
  return callAllocator(B, Callee, {Mark, Bytes}, Name);
}

void Derivative::freeTape(IRBuilder<> &B) {
  B.CreateCall(runtime("pyfront_tape_free", B.getVoidTy(), {ptr()}), {Mark});
}

void Derivative::rewind(IRBuilder<> &B) {
  B.CreateCall(runtime("pyfront_tape_rewind", B.getVoidTy(), {ptr()}), {Mark});
}

} // namespace pyfront
