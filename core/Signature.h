//===- Signature.h - Where an argument is among the LLVM parameters -------===//
///
/// \file
/// A front end's calling convention, as data. Preparation fills it; every stage
/// after that asks it, and none counts parameters.
///
///   def f(x, A):            i32 @f(ptr %ret, ptr %exc, double %x,
///                                  ptr, ptr, i64 %n, i64 8, ptr %A, i64 %n0,
///                                  i64 %s0)
///   Result  %ret            where the kernel stores what it returns
///   Failure %exc            where a raise stores what it raises
///   leaf 0  scalar %x
///   leaf 1  data %A, items %n, item size 8, extents {%n0}, strides {%s0}
///
/// Invariant: the leaves are in the order of the request's arguments.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_SIGNATURE_H
#define PYFRONT_CORE_SIGNATURE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Argument.h"
#include <vector>

namespace pyfront {

/// One argument of the kernel.
struct ArgumentLeaf {
  /// The scalar itself, or the address of an array's first element.
  llvm::Argument *Data = nullptr;
  /// Of an array: how many elements it has, and the bytes of one.
  llvm::Argument *Items = nullptr, *ItemSize = nullptr;
  /// Of an array, by axis; strides in bytes. Empty where the caller does not
  /// say.
  llvm::SmallVector<llvm::Argument *, 4> Extents, Strides;
};

/// Numba's calling convention: where a parameter is, and where a part of an
/// array is among its own.
namespace numba {
enum Parameter : unsigned { Result = 0, Failure = 1, FirstPassed = 2 };
enum ArrayParameter : unsigned {
  MemInfo = 0,
  Parent = 1,
  Items = 2,
  ItemSize = 3,
  Data = 4,
  Axes = 5
};
} // namespace numba

struct Signature {
  llvm::Argument *Result = nullptr, *Failure = nullptr;
  std::vector<ArgumentLeaf> Leaves;
  /// The parameters that the derivative takes over as they are, in order.
  llvm::SmallVector<llvm::Argument *, 16> Passed;

  /// The leaf whose data `V` is, or -1.
  int leafAt(const llvm::Value *V) const {
    for (unsigned I = 0; I < Leaves.size(); ++I)
      if (Leaves[I].Data == V)
        return static_cast<int>(I);
    return -1;
  }
};

} // namespace pyfront

#endif
