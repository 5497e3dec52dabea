//===- Markers.cpp - Declarations of the normal form's calls --------------===//
///
/// \file
/// Their attributes say what LLVM's passes may do with them; the emitter
/// replaces them.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/support/NormalFunction.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace pyfront {

FunctionCallee marker::declareAllocate(Module &M) {
  LLVMContext &C = M.getContext();
  Type *I64 = Type::getInt64Ty(C);
  FunctionCallee Callee =
      M.getOrInsertFunction(Allocate, PointerType::getUnqual(C), I64, I64);
  auto *F = cast<Function>(Callee.getCallee());
  F->setReturnDoesNotAlias();
  F->addRetAttr(Attribute::NonNull);
  F->addRetAttr(Attribute::getWithAlignment(C, Align(32)));
  F->setDoesNotThrow();
  F->setOnlyAccessesInaccessibleMemory();
  F->addFnAttr(Attribute::WillReturn);
  F->addFnAttr(Attribute::NoFree);
  return Callee;
}

} // namespace pyfront
