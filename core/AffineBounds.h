//===- AffineBounds.h - What an affine form cannot fall below -------------===//
///
/// \file
/// Decides `F >= 0` for an affine form over all iterations of a loop nest,
/// triangular nests included:
///
///   for k < n:              domain   0 <= k <= n - 1
///     for j < n - 1 - k:             0 <= j <= n - 2 - k
///       F = n - 1 - k - j            at least 1
///
/// The counters are eliminated from the innermost outwards, each replaced by
/// the end of its range where the form is smallest; what is left has no
/// counters and is asked of ScalarEvolution, with the conditions under which
/// the loops run. "No" means that it could not be shown.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_AFFINEBOUNDS_H
#define PYFRONT_CORE_AFFINEBOUNDS_H

#include "core/AffineForm.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace pyfront {

/// What ScalarEvolution says of the loops of one function, asked once each:
/// the same ranges and signs are needed for every access of a loop. To be
/// forgotten when the function changes.
class LoopBounds {
public:
  explicit LoopBounds(llvm::ScalarEvolution &SE) : SE(SE) {}

  llvm::ScalarEvolution &SE;

  /// What the last iteration of `L` may be: it is one of the results. Empty if
  /// not known.
  llvm::ArrayRef<AffineForm> lastOf(const llvm::Loop *L);
  /// Whether `S >= 0` where the conditions on entry to `L` hold.
  bool isNonNegativeIn(const llvm::Loop *L, const llvm::SCEV *S);
  void forget();

private:
  using Forms = llvm::SmallVector<AffineForm, 2>;
  using Guards = llvm::ScalarEvolution::LoopGuards;

  Forms computeLast(const llvm::Loop *L);
  const Guards &guardsOf(const llvm::Loop *L);

  llvm::DenseMap<const llvm::Loop *, std::unique_ptr<Forms>> Last;
  llvm::DenseMap<const llvm::Loop *, std::unique_ptr<Guards>> OnEntry;
  llvm::DenseMap<std::pair<const llvm::Loop *, const llvm::SCEV *>, bool> Signs;
};

/// The ranges of the counters of one or two executions of a nest; outer
/// counters first.
class AffineDomain {
public:
  explicit AffineDomain(LoopBounds &Bounds) : Bounds(&Bounds) {}
  /// Of `Nest`, outermost loop first, over copy 0 of each counter.
  static AffineDomain ofNest(llvm::ArrayRef<const llvm::Loop *> Nest,
                             LoopBounds &Bounds);

  /// `C` is at least 0 and at most one of `AtMost`; empty: nothing is known.
  void add(CounterCopy C, llvm::ArrayRef<AffineForm> AtMost);
  /// The conditions on entry to `L` hold at each point of the domain.
  void assumeEntered(const llvm::Loop *L) { Entered.push_back(L); }

  bool isNonNegative(const AffineForm &F) const {
    return isNonNegative(F, Counters.size());
  }

private:
  struct Range {
    CounterCopy Counter;
    llvm::SmallVector<AffineForm, 2> AtMost;
  };
  /// With the counters from `Level` on eliminated.
  bool isNonNegative(AffineForm F, unsigned Level) const;
  bool isNonNegative(const llvm::SCEV *S) const;
  bool isKnownNonNegative(const llvm::SCEV *S) const;

  LoopBounds *Bounds;
  llvm::SmallVector<Range, 8> Counters;
  llvm::SmallVector<const llvm::Loop *, 8> Entered;
};

} // namespace pyfront

#endif
