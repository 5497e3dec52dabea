//===- PlanActive.cpp - What carries a derivative -------------------------===//
///
/// \file
/// The part of a plan that forward and reverse mode share: the values that have
/// a tangent (or an adjoint), and the loads, stores and blocks of memory whose
/// shadow is touched. In forward mode there is nothing else to plan but
/// shadows.
//===----------------------------------------------------------------------===//
#include "core/KeptCalls.h"
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

static bool touchesShadow(const Instruction &I, const ActivityFacts &Activity) {
  SmallVector<Access, 2> All = accessesOf(I);
  if (kept::isKept(&I) || All.empty() || All.front().isAnything())
    return false;
  const Access &A = All.front();
  if (!A.isWrite())
    return Activity.isActive(&I);
  return (!A.Element || isDifferentiableType(A.Element)) &&
         Activity.isActiveMemory(A.Ptr);
}

static Type *elementOf(const MemTransferInst &Copy, const Facts &Known) {
  for (unsigned O : Known.Objects.pointsTo(Copy.getRawDest()))
    if (Known.Types.of(O) == ElementType::Float32)
      return Type::getFloatTy(Copy.getContext());
  return Type::getDoubleTy(Copy.getContext());
}

/// Nothing that is only kept, and never used to reach active memory, needs a
/// shadow: null, which stands in a result for an array that is elsewhere, does
/// not either.
static bool isStoreOfShadowed(const StoreInst &I, const Facts &Known) {
  auto HasShadow = [&](unsigned O) { return Known.Activity.hasShadow(O); };
  return I.getValueOperand()->getType()->isPointerTy() &&
         !isa<ConstantPointerNull>(I.getValueOperand()) &&
         !Known.Objects.pointsTo(I.getPointerOperand()).empty() &&
         all_of(Known.Objects.pointsTo(I.getPointerOperand()), HasShadow) &&
         all_of(Known.Objects.pointsTo(I.getValueOperand()), HasShadow);
}

void planActive(Planning &S) {
  Plan &P = S.P;
  const Facts &Known = S.Known;
  const ActivityFacts &Activity = Known.Activity;
  for (Argument &A : P.N.F->args())
    if (Activity.isActive(&A) && isDifferentiableType(A.getType()))
      P.Active.insert(&A);
  for (BasicBlock *BB : P.N.Order)
    for (Instruction &I : *BB) {
      if (Activity.isActive(&I))
        P.Active.insert(&I);
      if (auto *Store = dyn_cast<StoreInst>(&I);
          Store && isStoreOfShadowed(*Store, Known))
        P.PointerStores.insert(Store);
      if (!touchesShadow(I, Activity))
        continue;
      P.ActiveAccesses.insert(&I);
      if (auto *Copy = dyn_cast<MemTransferInst>(&I);
          Copy && Activity.isActiveMemory(Copy->getRawSource()))
        P.CopiedType[Copy] = elementOf(*Copy, Known);
    }
}

} // namespace pyfront
