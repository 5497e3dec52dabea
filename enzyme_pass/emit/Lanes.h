//===- Lanes.h - Several tangents or adjoints at once ---------------------===//
///
/// \file
/// A derivative of width W computes W tangents (or adjoints) in one sweep over
/// the primal. A float's derivative is then a vector of W lanes, and shadow
/// memory is interleaved, so that the lanes of one element are one vector in
/// memory, whatever the kernel's loops look like:
///
///   primal    x0          x1          x2
///   shadow    l0 l1 l2 l3 l0 l1 l2 l3 l0 l1 l2 l3      (W = 4)
///
/// Invariant: what lies b bytes behind the base of a primal object has its
/// shadow W * b bytes behind the base of the object's shadow. With W = 1 lanes
/// are scalars and nothing differs from a derivative without them.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_LANES_H
#define PYFRONT_EMIT_LANES_H

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"

namespace pyfront {

class Lanes {
public:
  explicit Lanes(unsigned Width) : Width(Width) {}

  unsigned width() const { return Width; }
  /// `Ty`, once per lane.
  llvm::Type *of(llvm::Type *Ty) const {
    return Width == 1 ? Ty : llvm::FixedVectorType::get(Ty, Width);
  }
  /// Memory for `Ty`, once per lane, without padding.
  llvm::Type *memoryOf(llvm::Type *Ty) const {
    return Width == 1 ? Ty : llvm::ArrayType::get(Ty, Width);
  }
  /// A primal value in each lane.
  llvm::Value *spread(llvm::IRBuilder<> &B, llvm::Value *V) const {
    return Width == 1 ? V : B.CreateVectorSplat(Width, V);
  }
  /// The size of the shadow of so many bytes.
  llvm::Value *bytes(llvm::IRBuilder<> &B, llvm::Value *Bytes) const {
    return Width == 1 ? Bytes : B.CreateMul(Bytes, B.getInt64(Width));
  }
  /// The address in shadow memory where the primal computes `Step`, from the
  /// shadow of its base and its indices.
  llvm::Value *address(llvm::IRBuilder<> &B,
                       const llvm::GetElementPtrInst &Step, llvm::Value *Base,
                       llvm::ArrayRef<llvm::Value *> Indices,
                       const llvm::Twine &Name) const;

private:
  unsigned Width;
};

} // namespace pyfront

#endif
