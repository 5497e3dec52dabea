//===- PlanAdjoints.cpp - Adjoints that need no variable ------------------===//
///
/// \file
/// A value that is read only in its own block, which is most of them, has an
/// adjoint that begins and ends within one reverse block:
///
///   a = x * y             z' is known; a' = z' * 2; x' += a' * y ...
///   z = a + a
///
/// All others are variables, which hold what has been added so far.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"

using namespace llvm;

namespace pyfront {

bool isLocalAdjoint(const Plan &P, const Value *V) {
  auto *I = dyn_cast<Instruction>(V);
  return I && !isa<PHINode>(I) && all_of(I->users(), [&](const User *U) {
           auto *Reader = const_cast<Instruction *>(cast<Instruction>(U));
           bool HandsBack = P.isActive(Reader) ||
                            P.ActiveAccesses.contains(Reader) ||
                            P.isActiveCall(Reader);
           return !HandsBack || (!isa<PHINode>(Reader) &&
                                 Reader->getParent() == I->getParent());
         });
}

void planAdjoints(Planning &S) {
  for (Value *V : S.P.Active)
    if (isLocalAdjoint(S.P, V))
      S.P.Local.insert(V);
}

} // namespace pyfront
