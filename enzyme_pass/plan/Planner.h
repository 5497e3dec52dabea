//===- Planner.h - From facts to a plan -----------------------------------===//
///
/// \file
/// The only place that refuses a kernel and the only one that weighs. What a
/// kernel may not do is refused first (Refuse.cpp); then the steps of `steps()`
/// run in their order, each a function from plan to plan, and after each the
/// verifier checks what has to hold from there on.
///
/// Some steps are improvements, or have them: `improvements()`. Each can be
/// switched off by its name (`Request::Disable`), and the derivative does not
/// change by a bit, unless the improvement says that it changes the order of
/// sums.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_PLANNER_H
#define PYFRONT_PLAN_PLANNER_H

#include "activity/Facts.h"
#include "core/Diagnostic.h"
#include "enzyme_pass/plan/Plan.h"
#include "llvm/IR/Dominators.h"
#include <memory>

namespace pyfront {

/// What the steps work on.
struct Planning {
  Plan &P;
  const Facts &Known;
  const llvm::DominatorTree &DT;
  /// The keys that the reverse sweep reads: from `needs` to `sources`.
  llvm::SetVector<Key> Needed;
};

struct Step {
  const char *Name;
  void (*Run)(Planning &);
  /// Whether a derivative of this kind has the step.
  bool (*Applies)(const Request &);
  /// Steps that must come before, null at the end; and why.
  const char *After[4];
  const char *Why;
};

struct Improvement {
  const char *Name;
  /// False: it changes the order of sums.
  bool KeepsBits;
  const char *What;
};

llvm::ArrayRef<Step> steps();
llvm::ArrayRef<Improvement> improvements();

/// Is shown the plan after each step, if anybody wants to see it.
using PlanObserver = llvm::function_ref<void(llvm::StringRef, const Plan &)>;

/// Null after a diagnostic. The derivatives that its `Calls` name are to be
/// planned as well.
std::unique_ptr<Plan> makePlan(const NormalFunction &N, const Request &Req,
                               const Facts &Known,
                               const llvm::DominatorTree &DT,
                               DiagnosticSink &Sink,
                               PlanObserver Observe = nullptr);

/// Reports every construct on a path to the success exit that has no
/// derivative here; false if there is one.
bool refuseUnsupported(const NormalFunction &N, const Request &Req,
                       const Facts &Known, DiagnosticSink &Sink);

/// Whether adjoints or tangents go through a call that stays.
bool isActiveCall(const llvm::CallInst &Call, const ActivityFacts &Activity);

/// What `P` violates once the steps up to `Done` have run, one line each; empty
/// if it is sound. After the last step reloads and snapshots are proved as
/// well, by another way than they were found (ProveSources.h).
std::vector<std::string> verifyPlan(const Plan &P, const Facts &Known,
                                    llvm::StringRef Done = "frame");

/// Fills `Active`, `ActiveAccesses`, `PointerStores` and `CopiedType`.
void planActive(Planning &S);
/// Fills `Objects` and `Workspaces`: where each object's shadow lives.
void planObjects(Planning &S);
/// Fills `Calls`: of each call that stays, the derivative of its callee.
void planCalls(Planning &S);
/// Fills `Reversed`, `ReversedLoops`, `Back` and `Planning::Needed`.
void planNeeds(Planning &S);
/// Fills `Guards`: products in which zero times infinity must be zero.
void planGuards(Planning &S);
/// Fills `Sources` and `Snapshots`: taped keys have no slot yet.
void planSources(Planning &S);
/// Fills `Places`: the shadow pointers that a forward half keeps.
void planPlaces(Planning &S);
/// Fills `Local`: adjoints that need no variable.
void planAdjoints(Planning &S);
/// Fills `Lanes`: adjoints that are sums over a loop.
void planLanes(Planning &S);
/// Fills `Strips`: loops whose reverse adds to one array at several offsets.
void planStrips(Planning &S);
/// Makes the slots of taped keys and of snapshots, and their base slots; gives
/// sources to the counters that index them.
void planTape(Planning &S);
/// Fills `Frame`: what the halves of a split derivative share.
void planFrame(Planning &S);

} // namespace pyfront

#endif
