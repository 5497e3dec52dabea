//===- Sizes.h - Sizes of memory that cannot wrap around ------------------===//
///
/// \file
/// What is allocated is a product: elements times trips of loops times lanes.
/// Kernels may be called with counts whose product does not fit in 64 bits (and
/// end long before, by a raise). A product here is the largest signed number
/// instead, which no allocator serves: the derivative ends with a MemoryError
/// before a byte is written.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_SIZES_H
#define PYFRONT_EMIT_SIZES_H

#include "llvm/IR/IRBuilder.h"

namespace pyfront {

/// The product of unsigned 64-bit numbers, or the largest signed one.
llvm::Value *sizeProduct(llvm::IRBuilder<> &B,
                         llvm::ArrayRef<llvm::Value *> Factors);

} // namespace pyfront

#endif
