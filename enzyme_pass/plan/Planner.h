//===- Planner.h - From facts to a plan -----------------------------------===//
///
/// \file
/// The only place that refuses a kernel and the only one that weighs. In order:
///
///   refuse       constructs without a derivative          (Refuse.cpp)
///   active       what carries a derivative                (PlanActive.cpp)
///   needs        what the reverse sweep reads             (Needs.cpp)
///   guards       adjoints that may be exactly zero        (PlanGuards.cpp)
///   objects      where each object's shadow lives         (PlanObjects.cpp)
///   sources      tape everything, then the improvements   (PlanSources.cpp)
///                  reload     loads whose memory is not written again
///                  recompute  pure instructions
///                  snapshot   copies of overwritten arrays (PlanSnapshots.cpp)
///                  mincut     the cheapest set to tape     (MinCut.cpp)
///   places       split mode: shadows that are kept        (PlanPlaces.cpp)
///   lanes        sums over a loop in vector lanes         (PlanLanes.cpp)
///   strips       scatter loops split by access            (PlanStrips.cpp)
///   tape         slots, where their arrays begin          (PlanTape.cpp)
///   verify       P1-P5                                     (PlanVerifier.cpp)
///
/// Each improvement can be switched off by its name (`Request::Disable`); the
/// gradient does not change by a bit, `lanes` and `strips` aside, which change
/// the order of sums.
///
/// In forward mode tangents travel with the values, so only `active`, `objects`
/// and `verify` have something to do.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_PLANNER_H
#define PYFRONT_PLAN_PLANNER_H

#include "activity/Facts.h"
#include "core/Diagnostic.h"
#include "enzyme_pass/plan/Plan.h"
#include "llvm/IR/Dominators.h"
#include <memory>

namespace pyfront {

/// Null after a diagnostic.
std::unique_ptr<Plan> makePlan(const NormalFunction &N, const Request &Req,
                               const Facts &Known,
                               const llvm::DominatorTree &DT,
                               DiagnosticSink &Sink);

/// Reports every construct on a path to the success exit that has no
/// derivative here; false if there is one.
bool refuseUnsupported(const NormalFunction &N, const Request &Req,
                       const Facts &Known, DiagnosticSink &Sink);

/// Fills `Active`, `ActiveAccesses`, `PointerStores` and `CopiedType`.
void planActive(Plan &P, const Facts &Known);

/// Finds the instructions that speculation may have run in vain.
void planGuards(Plan &P);

void planObjects(Plan &P, const Facts &Known);

/// Gives each needed key, and what recomputing it reads, a source. Taped keys
/// get `SourceKind::Tape` without a slot.
void planSources(Plan &P, const Facts &Known, const llvm::DominatorTree &DT,
                 const llvm::SetVector<Key> &Needed);

/// Split mode: finds the shadow pointers that the forward half keeps.
void planPlaces(Plan &P, const Facts &Known);

/// Finds the adjoints that are sums over a loop.
void planLanes(Plan &P);

/// Finds the innermost loops whose reverse adds to one array at several
/// offsets.
void planStrips(Plan &P, const Facts &Known);

/// Makes the slots of taped keys and of snapshots, and their base slots.
void planTape(Plan &P, const llvm::DominatorTree &DT);

} // namespace pyfront

#endif
