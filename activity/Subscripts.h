//===- Subscripts.h - Array accesses that cannot meet ---------------------===//
///
/// \file
/// Refines the overwrite question by subscripts: two accesses of one array
/// whose subscripts, over all iterations that run later, cannot be equal.
///
///   for k:                                   for t:
///     for i in k+1..n:                         for i:
///       ... = A[k, j]     ; row k                ... = U[t, i]
///       A[i, j] = ...     ; rows > k             U[t+1, i] = ...
///
/// Neither write reaches the row that was read, now or in any later iteration.
///
/// Relied on: an index lies within its axis and was computed without overflow;
/// elements of one array argument do not overlap each other.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_SUBSCRIPTS_H
#define PYFRONT_ACTIVITY_SUBSCRIPTS_H

#include "activity/ElementAccess.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace pyfront {

class Subscripts {
public:
  Subscripts(const NormalFunction &N, const Request &Req,
             llvm::ScalarEvolution &SE)
      : N(N), SE(SE), Elements(N, Req, SE) {}

  /// Whether no execution of `Write` after an execution of `Load` touches the
  /// bytes that this execution of `Load` read. False if it cannot tell.
  /// `Load` may be a store, which then is asked about what it wrote. With
  /// `Fixed`, only executions within one iteration of the outermost `Fixed`
  /// loops around `Load` are compared.
  bool neverMeetsLater(const llvm::Instruction &Load,
                       const llvm::Instruction &Write,
                       unsigned Fixed = 0) const;
  /// Whether `Write` can run after `Load` within one iteration of the loop
  /// (null: at all).
  bool canFollowWithin(const llvm::Instruction &Write,
                       const llvm::Instruction &Load,
                       const llvm::Loop *Iteration) const;
  const ElementAccesses &elements() const { return Elements; }
  /// To be called when the function changes.
  void forget();

private:
  /// How the iterations of the two accesses relate: the same in the outermost
  /// loops `Shared`; then, unless null, a later one of `Later` for the write.
  struct Order {
    llvm::ArrayRef<const llvm::Loop *> Shared;
    const llvm::Loop *Later;
  };

  bool neverMeet(const ElementAccess &Load, const ElementAccess &Write,
                 Order O) const;
  /// Whether they meet and nothing needs to be tried: at equal counters of the
  /// loops that each has alone, or some iterations apart in one that is as long
  /// as its arguments say. Most pairs in a large stencil are such.
  bool plainlyMeet(const ElementAccess &Load, const ElementAccess &Write,
                   Order O) const;
  AffineDomain domainOf(const ElementAccess &Load, const ElementAccess &Write,
                        Order O) const;
  bool neverEqual(const AffineForm &Load, const AffineForm &Write,
                  const AffineDomain &Domain, Order O) const;
  /// Whether both executions see the same coefficients and rest.
  bool isCommon(const AffineForm &F, Order O) const;

  /// The blocks that are entered after `From` within the iteration of `L`.
  const llvm::SmallPtrSetImpl<const llvm::BasicBlock *> &
  enteredWithin(const llvm::BasicBlock *From, const llvm::Loop *L) const;

  const NormalFunction &N;
  llvm::ScalarEvolution &SE;
  ElementAccesses Elements;
  mutable llvm::DenseMap<
      std::pair<const llvm::BasicBlock *, const llvm::Loop *>,
      std::unique_ptr<llvm::SmallPtrSet<const llvm::BasicBlock *, 8>>>
      Entered;
};

} // namespace pyfront

#endif
