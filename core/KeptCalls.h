//===- KeptCalls.h - Calls that stay calls --------------------------------===//
///
/// \file
/// What a kernel calls is inlined, but for functions that call themselves (and
/// others that preparation keeps, prepare/KeepCalls.cpp). A call of one of these
/// is, in the normal form,
///
///   %frame = call ptr @pyfront.call.f(ptr %r0, ptr %r1, <f's arguments>)
///
/// Each number that `f` returns is written to a variable of its own, `%r0` ...;
/// the arguments are those of Numba's convention from the third on. A raise of
/// `f` is one of the caller's. `%frame` has no meaning in the primal: in a
/// derivative it is what the forward sweep leaves for the reverse sweep.
///
/// What the call does to memory stands in the attributes of the declaration,
/// so that nobody has to look at `f` to ask:
///
///   ptr writeonly "pyfront.result"="f64"    a result
///   ptr "pyfront.array"="f64"               an array's data: read and written
///   ptr readonly "pyfront.array"="f64"      read
///
/// Every other pointer among the arguments is left alone.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_KEPTCALLS_H
#define PYFRONT_CORE_KEPTCALLS_H

#include "core/Request.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"

namespace pyfront::kept {

/// An operand of the call that the callee accesses: a result's variable or an
/// array's data.
struct Memory {
  unsigned Operand = 0;
  ScalarType Type = ScalarType::Other;
  bool IsResult = false;
  bool IsWritten = true;

  bool isRead() const { return !IsResult; }
  bool isOfFloats() const { return isFloat(Type); }
};

bool isKept(const llvm::Value *V);
/// LLVM name of the function that the call is of.
llvm::StringRef calleeOf(const llvm::CallBase &Call);
llvm::SmallVector<Memory, 4> memoryOf(const llvm::CallBase &Call);
/// The operand that argument `Parameter` of the callee, in Numba's convention,
/// is given.
unsigned operandAt(const llvm::CallBase &Call, unsigned Parameter);

/// The declaration for calls of `F`.
llvm::Function *declare(llvm::Function &F, const FunctionInfo &Info);
/// States whether `F` only reads what its parameter `Parameter` points to;
/// whether that is new.
bool setReadOnly(llvm::Function &F, unsigned Parameter, bool ReadsOnly);

/// A number in memory.
llvm::Type *typeOf(llvm::LLVMContext &C, ScalarType T);

} // namespace pyfront::kept

#endif
