//===- PlanLanes.cpp - Sums over a loop in vector lanes -------------------===//
///
/// \file
///   for i:                                a' = 0
///     y[i] += a * x[i]              ->    for i:  a' += x[i] * y'[i]
///
/// A scalar that a loop reads has an adjoint that the reversed loop sums up.
/// Taken strictly from one iteration to the next, the sum waits for the adder
/// at each of them and keeps the loop from being vectorized. With this step its
/// order is left to the compiler: one partial sum per vector lane, added up
/// after the loop. The order is fixed in the compiled code, so the same inputs
/// give the same bits.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"

using namespace llvm;

namespace pyfront {

/// Whether `User` takes part in the reverse sweep, in a loop around it that is
/// not around `V`.
static bool readsInDeeperLoop(const Plan &P, const Value *V,
                              const Instruction *User) {
  int L = P.N.loopOf(User->getParent());
  if (L < 0 || !P.ReversedLoops.contains(L))
    return false;
  if (auto *I = dyn_cast<Instruction>(V); I && P.N.contains(L, I->getParent()))
    return false;
  return P.isActive(User) || P.isActiveCall(User) ||
         P.ActiveAccesses.contains(const_cast<Instruction *>(User));
}

void planLanes(Planning &S) {
  Plan &P = S.P;
  for (Value *V : P.Active)
    if (any_of(V->users(), [&](const User *U) {
          auto *I = dyn_cast<Instruction>(U);
          // A header phi hands its start value the adjoint once.
          return I && !isa<PHINode>(I) && readsInDeeperLoop(P, V, I);
        }))
      P.Lanes.insert(V);
}

} // namespace pyfront
