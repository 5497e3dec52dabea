//===- ElementAccess.h - The subscripts behind an address -----------------===//
///
/// \file
/// An address is one sum; a subscript per axis says more. For an array whose
/// inner axes have the extents e1, e2:
///
///   offset / itemsize  =  s0 * e1 * e2  +  s1 * e2  +  s2
///
/// The split is the array's own, and equal offsets mean equal subscripts,
/// because it is taken only if `0 <= s1 < e1` and `0 <= s2 < e2` were shown:
/// from the ranges of the loops or from what the preparation could say while it
/// still saw the indexes (prepare/AssumeInBounds.cpp). The extents themselves
/// may therefore be guessed. Arrays of any strides are split by their strides,
/// of which the entry has checked that they let no two elements overlap; here
/// every subscript must lie within its axis, for any stride may be the largest.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_ELEMENTACCESS_H
#define PYFRONT_ACTIVITY_ELEMENTACCESS_H

#include "core/AffineBounds.h"
#include "core/NormalFunction.h"
#include "core/Request.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/Dominators.h"
#include <memory>

namespace pyfront {

/// The loops around an instruction, outermost first.
using LoopNest = llvm::SmallVector<const llvm::Loop *, 4>;

/// A load or store of one scalar, over copy 0 of the counters of its nest.
struct ElementAccess {
  const llvm::Instruction *I;
  const llvm::Value *Base;
  /// In bytes.
  uint64_t Size;
  AffineForm Offset;
  LoopNest Nest;
};

/// How an offset is to be split: by the extents of the inner axes, outermost
/// first; or by given strides in bytes, and the extents of all axes.
struct ArrayShape {
  llvm::SmallVector<const llvm::SCEV *, 4> Extents;
  llvm::SmallVector<const llvm::SCEV *, 4> Strides;
  bool operator==(const ArrayShape &O) const {
    return Extents == O.Extents && Strides == O.Strides;
  }
};

/// Answers are kept: every access is compared with many others. Whoever changes
/// the function says so by `forget`.
class ElementAccesses {
public:
  ElementAccesses(const NormalFunction &N, const Request &Req,
                  llvm::ScalarEvolution &SE);

  using SubscriptForms = llvm::SmallVector<AffineForm, 4>;

  /// Null if `I` does not read or write one element at an affine offset.
  const ElementAccess *of(const llvm::Instruction &I) const;
  /// Shapes to try on two accesses of one base.
  llvm::SmallVector<ArrayShape, 4> shapesFor(const ElementAccess &A,
                                             const ElementAccess &B) const;
  /// One form per axis; null if the split is not known to be right.
  const SubscriptForms *subscripts(const ElementAccess &A,
                                   const ArrayShape &Shape) const;
  LoopBounds &bounds() const { return Bounds; }
  void forget();

  /// The innermost loop around an instruction; null: none.
  const llvm::Loop *innermost(const llvm::Instruction &I) const;

private:
  /// `0 <= Index < Extent` wherever `Assumption` runs.
  struct InBounds {
    const llvm::Instruction *Assumption;
    AffineForm Index;
    /// `Extent - 1 - Index`
    AffineForm Above;
  };
  /// An access, and its split by each shape that was tried.
  struct Known {
    std::optional<ElementAccess> Access;
    llvm::SmallVector<
        std::pair<ArrayShape, std::unique_ptr<std::optional<SubscriptForms>>>,
        2>
        Splits;
  };

  void collectAssumptions();
  Known &known(const llvm::Instruction &I) const;
  std::optional<ElementAccess> compute(const llvm::Instruction &I) const;
  std::optional<SubscriptForms> split(const ElementAccess &A,
                                      const ArrayShape &Shape) const;
  bool isNonNegativeAt(llvm::Value &V, const llvm::Instruction &At) const;
  std::optional<LoopNest> nestOf(const llvm::BasicBlock *BB) const;
  std::optional<ArrayShape> shapeOfArgument(const llvm::Value *Base) const;
  bool isWithin(const AffineForm &F, const llvm::SCEV *Extent,
                const ElementAccess &A, const AffineDomain &Domain) const;
  bool isAssumed(const AffineForm &F, const ElementAccess &A,
                 const AffineDomain &Domain) const;
  /// Whether `F >= 0` at `A`, given what is assumed there.
  bool isNonNegative(const AffineForm &F, const ElementAccess &A,
                     const AffineDomain &Domain) const;
  /// Whether `Assumption` runs in each iteration in which `I` does.
  bool runsWith(const llvm::Instruction &Assumption,
                const llvm::Instruction &I) const;

  const NormalFunction &N;
  const Request &Req;
  llvm::ScalarEvolution &SE;
  llvm::DominatorTree DT;
  /// By the indexes of `NormalFunction::Loops`; null if it has no counter that
  /// ScalarEvolution sees as one.
  llvm::SmallVector<const llvm::Loop *, 8> Loops;
  /// By the innermost loop around the assumption, -1: none.
  llvm::DenseMap<int, llvm::SmallVector<InBounds, 8>> Assumed;
  mutable LoopBounds Bounds;
  mutable llvm::DenseMap<const llvm::Instruction *, std::unique_ptr<Known>>
      Memo;
};

} // namespace pyfront

#endif
