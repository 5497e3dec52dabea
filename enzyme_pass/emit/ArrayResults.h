//===- ArrayResults.h - Arrays that a call which stays returns ------------===//
///
/// \file
/// Where such an array lies, its callee says: in the struct that it returns
/// (`Derivative::ResultsOf`). Its shadow, in reverse mode, is the caller's own;
/// in forward mode the callee has made one, laid out as shadows are, or one for
/// each member of a batch (a rule), and it is copied.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_ARRAYRESULTS_H
#define PYFRONT_EMIT_ARRAYRESULTS_H

#include "enzyme_pass/emit/Derivative.h"

namespace pyfront {

/// In Numba's struct of an array: where the address of its elements is.
inline constexpr uint64_t ArrayDataOffset = 32;

/// The array that `Marker` stands for (core/KeptCalls.h).
llvm::Value *loadArrayResult(Derivative &D, llvm::IRBuilder<> &B,
                             const llvm::CallInst &Marker);
/// Forward mode: fills `Shadow`, of an array of `Bytes` bytes.
void copyArrayTangent(Derivative &D, llvm::IRBuilder<> &B,
                      const llvm::CallInst &Marker, llvm::Value *Shadow,
                      llvm::Value *Bytes);

} // namespace pyfront

#endif
