//===- Batch.h - Several tangents or adjoints at once ---------------------===//
///
/// \file
/// A derivative of width W computes W tangents (or adjoints) in one sweep over
/// the primal. A float's derivative is then a vector of W members, and shadow
/// memory is interleaved, so that the members of one element are one vector in
/// memory, whatever the kernel's loops look like:
///
///   primal    x0          x1          x2
///   shadow    m0 m1 m2 m3 m0 m1 m2 m3 m0 m1 m2 m3      (W = 4)
///
/// Invariant: what lies b bytes behind the base of a primal object has its
/// shadow W * b bytes behind the base of the object's shadow. With W = 1 members
/// are scalars and nothing differs from a derivative without them.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_BATCH_H
#define PYFRONT_EMIT_BATCH_H

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"

namespace pyfront {

class Batch {
public:
  explicit Batch(unsigned Width) : Width(Width) {}

  unsigned width() const { return Width; }
  /// `Ty`, once per member.
  llvm::Type *of(llvm::Type *Ty) const {
    return Width == 1 ? Ty : llvm::FixedVectorType::get(Ty, Width);
  }
  /// Memory for `Ty`, once per member, without padding.
  llvm::Type *memoryOf(llvm::Type *Ty) const {
    return Width == 1 ? Ty : llvm::ArrayType::get(Ty, Width);
  }
  /// A primal value for each member.
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
