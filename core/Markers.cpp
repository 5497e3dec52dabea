//===- Markers.cpp - Declarations of the normal form's calls --------------===//
///
/// \file
/// Their attributes say what LLVM's passes may do with them; the emitter
/// replaces them.
///
//===----------------------------------------------------------------------===//

#include "core/NormalFunction.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace pyfront {

/// A declaration of something that has an effect, but none on memory that a
/// kernel sees.
static FunctionCallee declare(Module &M, StringRef Name, Type *Ret,
                              ArrayRef<Type *> Params) {
  FunctionCallee Callee =
      M.getOrInsertFunction(Name, FunctionType::get(Ret, Params, false));
  auto *F = cast<Function>(Callee.getCallee());
  F->setDoesNotThrow();
  F->setOnlyAccessesInaccessibleMemory();
  F->addFnAttr(Attribute::WillReturn);
  F->addFnAttr(Attribute::NoFree);
  return Callee;
}

FunctionCallee marker::declareAllocate(Module &M) {
  LLVMContext &C = M.getContext();
  Type *I64 = Type::getInt64Ty(C);
  FunctionCallee Callee =
      declare(M, Allocate, PointerType::getUnqual(C), {I64, I64});
  auto *F = cast<Function>(Callee.getCallee());
  F->setReturnDoesNotAlias();
  F->addRetAttr(Attribute::NonNull);
  F->addRetAttr(Attribute::getWithAlignment(C, Align(32)));
  return Callee;
}

FunctionCallee marker::declareArrayResult(Module &M) {
  LLVMContext &C = M.getContext();
  Type *I64 = Type::getInt64Ty(C);
  Type *Ptr = PointerType::getUnqual(C);
  FunctionCallee Callee = declare(M, ArrayResult, Ptr, {Ptr, I64, I64});
  auto *F = cast<Function>(Callee.getCallee());
  F->setReturnDoesNotAlias();
  F->addRetAttr(Attribute::NonNull);
  return Callee;
}

FunctionCallee marker::declareLeft(Module &M, Type *Ty) {
  std::string Name = Left.str();
  raw_string_ostream(Name) << *Ty;
  LLVMContext &C = M.getContext();
  return declare(M, Name, Ty, {PointerType::getUnqual(C), Type::getInt64Ty(C)});
}

bool marker::isLeft(const Value *V) {
  auto *Call = dyn_cast<CallInst>(V);
  const Function *F = Call ? Call->getCalledFunction() : nullptr;
  return F && F->getName().starts_with(Left);
}

FunctionCallee marker::declareReturned(Module &M) {
  LLVMContext &C = M.getContext();
  Type *I64 = Type::getInt64Ty(C);
  FunctionCallee Callee =
      declare(M, Returned, PointerType::getUnqual(C), {I64, I64});
  auto *F = cast<Function>(Callee.getCallee());
  F->setReturnDoesNotAlias();
  F->addRetAttr(Attribute::NonNull);
  F->addRetAttr(Attribute::getWithAlignment(C, Align(64)));
  return Callee;
}

bool marker::isReturned(const Value *V) {
  auto *Call = dyn_cast<CallInst>(V);
  const Function *F = Call ? Call->getCalledFunction() : nullptr;
  return F && F->getName() == Returned;
}

int marker::placeOfReturned(const Value &V) {
  return cast<ConstantInt>(cast<CallInst>(V).getArgOperand(0))->getSExtValue();
}

FunctionCallee marker::declareEnter(Module &M) {
  return declare(M, Enter, Type::getInt64Ty(M.getContext()), {});
}

FunctionCallee marker::declareLeave(Module &M) {
  LLVMContext &C = M.getContext();
  return declare(M, Leave, Type::getVoidTy(C), {Type::getInt64Ty(C)});
}

bool marker::isMarker(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  return Callee &&
         (isLeft(&Call) ||
          is_contained(ArrayRef<StringRef>{Fail, Allocate, ArrayResult,
                                           Returned, Enter, Leave},
                       Callee->getName()));
}

bool marker::isCarriedByException(const StoreInst &Store) {
  if (!Store.getValueOperand()->getType()->isPointerTy())
    return false;
  auto *Memory =
      dyn_cast<CallBase>(getUnderlyingObject(Store.getPointerOperand(), 0));
  const Function *Callee = Memory ? Memory->getCalledFunction() : nullptr;
  return Callee && Callee->getName() == ExceptionMemory;
}

} // namespace pyfront
