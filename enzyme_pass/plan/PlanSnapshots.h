//===- PlanSnapshots.h - Copies of arrays that a loop overwrites ----------===//
///
/// \file
///   for t:                      for t:
///     for i:                      copy u                 ; |u| per step
///       ... u[i-1] u[i] ...  ->   for i: ...
///     for i: u[i] = ...           for i: u[i] = ...
///
/// A load that cannot be repeated from `u` can be repeated from the copy, at
/// the same offset, if nothing writes the memory between the copy and the load.
/// The candidates: for every overwritten load, the outermost point at which a
/// copy holds what it reads. A person who writes the adjoint of a PDE step by
/// hand keeps the state once per step in this way.
///
/// In split mode, loads of arguments that the kernel does not write again could
/// be repeated, were it not for the caller: a copy made at the end of the
/// forward half holds what they read.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_PLANSNAPSHOTS_H
#define PYFRONT_PLAN_PLANSNAPSHOTS_H

#include "activity/Facts.h"
#include "enzyme_pass/plan/Plan.h"
#include "llvm/IR/Dominators.h"
#include <vector>

namespace pyfront {

struct SnapshotCandidate {
  Snapshot Copy;
  llvm::SmallVector<llvm::LoadInst *, 4> Loads;
  /// Bytes of all copies, estimated.
  double Bytes = 0;
};

std::vector<SnapshotCandidate>
snapshotCandidates(const Plan &P, const Facts &Known,
                   const llvm::DominatorTree &DT);

} // namespace pyfront

#endif
