//===- KeptCalls.h - Calls that stay calls --------------------------------===//
///
/// \file
/// What a kernel calls is inlined, but for functions that call themselves and
/// functions that have a rule (prepare/KeepCalls.cpp). A call of one of these
/// is, in the normal form,
///
///   %frame = call ptr @pyfront.call.f(ptr %r0, ptr %r1, <f's arguments>)
///   %data = call ptr @pyfront.array(ptr %frame, i64 0, i64 %bytes)
///
/// Each number that `f` returns is written to a variable of its own, `%r0` ...;
/// each array is memory of its own, `%data`. The arguments are those of Numba's
/// convention from the third on. A raise of `f` is one of the caller's. `%frame`
/// has no meaning in the primal: in a derivative it is what the forward sweep
/// leaves for the reverse sweep.
///
/// What the call does to memory stands in the attributes of the declaration,
/// so that nobody has to look at `f` to ask:
///
///   ptr writeonly "pyfront.result"="f64"    a result
///   ptr "pyfront.array"="f64"               an array's data: read and written
///   ptr readonly "pyfront.array"="f64"      read
///   "pyfront.arrays"="f64 f64"              the elements of arrays in the result
///   "pyfront.rule"                          the function has a rule
///   "pyfront.inactive"                      no derivative passes through
///
/// Every other pointer among the arguments is left alone.
///
/// In a derivative that will be differentiated again (`Request::Embedded`) the
/// frame of a rule is no memory, which would hold numbers and addresses side by
/// side, but values like others, each with a source of its own in the plan:
///
///   %left = call double @pyfront.left.double(ptr %frame, i64 0)
///
/// is the first word of `RuleInfo::Words`, as the forward part has left it.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_KEPTCALLS_H
#define PYFRONT_CORE_KEPTCALLS_H

#include "core/Request.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"

namespace pyfront::kept {

/// Memory that the callee accesses.
struct Memory {
  enum class Kind {
    Number, ///< the variable of a number that is returned
    Array,  ///< an array that is returned: nobody else has had it before
    Given,  ///< an array among the arguments
  };
  Kind What = Kind::Given;
  llvm::Value *Ptr = nullptr;
  ScalarType Type = ScalarType::Other;
  bool IsWritten = true;

  bool isRead() const { return What == Kind::Given; }
  bool isOfFloats() const { return isFloat(Type); }
};

bool isKept(const llvm::Value *V);
/// Whether `V` is the memory of an array that a kept call returns, and which
/// one of its arrays it is.
bool isArrayResult(const llvm::Value *V);
unsigned placeOfArray(const llvm::CallBase &Array);
/// Whether no derivative passes through the call, whatever its types.
bool isInactive(const llvm::CallBase &Call);
/// Whether the parts of a rule take the call's place.
bool hasRule(const llvm::CallBase &Call);
/// LLVM name of the function that the call is of.
llvm::StringRef calleeOf(const llvm::CallBase &Call);
llvm::SmallVector<Memory, 4> memoryOf(const llvm::CallBase &Call);
/// What the call has left, by its places in `RuleInfo::Words`; null: the word is
/// an operand in any case.
llvm::SmallVector<llvm::CallInst *, 16> leftOf(const llvm::CallBase &Call,
                                               const RuleInfo &Rule);
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
