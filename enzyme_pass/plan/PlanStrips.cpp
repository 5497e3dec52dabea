//===- PlanStrips.cpp - Scatter loops, split by access --------------------===//
///
/// \file
///   for j:                                    for j:  t = y'[j]; y'[j] = 0;
///                                                     e[j] = c*t
///     y[j] = c * (x[j-1] + x[j+1])     ->     for j:  x'[j+1] += e[j]
///                                             for j:  x'[j-1] += e[j]
///
/// The reverse of a stencil adds to one array at several offsets; each addition
/// may meet one of an earlier iteration, so the loop as a whole cannot be
/// vectorized. Each of the additions alone can: one unit stride, no two
/// iterations at the same element. The reversed loop therefore runs in strips:
/// the contributions of a strip go to a buffer, one for each different value,
/// and are then added access by access.
///
/// Legal where the loop reads no shadow that it adds to; the order of the sums
/// changes, nothing else.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

namespace {

class StripFinder {
public:
  StripFinder(Plan &P, const Facts &Known) : P(P), Known(Known) {}

  void run() {
    for (unsigned L = 0; L < P.N.Loops.size(); ++L) {
      const NormalLoop &Loop = P.N.Loops[L];
      if (!P.ReversedLoops.contains(L) || Loop.Header != Loop.Latch)
        continue;
      SmallVector<LoadInst *, 4> Loads = candidates(L);
      if (!Loads.empty())
        P.Strips.insert({static_cast<int>(L), Loads});
    }
  }

private:
  bool hasUnitStride(const LoadInst *Load) const;
  /// Over the whole loop: a strip puts additions off to later iterations.
  bool share(const Instruction *A, const Instruction *B) const {
    int Around = P.N.Loops[P.N.loopOf(A->getParent())].Parent;
    return Known.Objects.mayTouchIn(Around, accessesOf(*A).front(),
                                    accessesOf(*B).front(), P.N);
  }
  /// The loads of the loop's block whose additions are worth a loop each.
  SmallVector<LoadInst *, 4> candidates(int L) const;

  Plan &P;
  const Facts &Known;
};

bool StripFinder::hasUnitStride(const LoadInst *Load) const {
  ScalarEvolution &SE = Known.Evolution;
  auto *Rec = dyn_cast<SCEVAddRecExpr>(
      SE.getSCEV(const_cast<Value *>(Load->getPointerOperand())));
  if (!Rec || !Rec->isAffine() ||
      Rec->getLoop()->getHeader() != Load->getParent())
    return false;
  auto *Step = dyn_cast<SCEVConstant>(Rec->getStepRecurrence(SE));
  int64_t Size = Load->getDataLayout().getTypeStoreSize(Load->getType());
  return Step && std::abs(Step->getAPInt().getSExtValue()) == Size;
}

SmallVector<LoadInst *, 4> StripFinder::candidates(int L) const {
  SmallVector<LoadInst *, 4> Loads, Result;
  SmallVector<StoreInst *, 4> Stores;
  for (Instruction &I : *P.N.Loops[L].Header) {
    if (P.isActiveCall(&I))
      return {};
    if (!P.ActiveAccesses.contains(&I))
      continue;
    if (auto *Load = dyn_cast<LoadInst>(&I))
      Loads.push_back(Load);
    else if (auto *Store = dyn_cast<StoreInst>(&I))
      Stores.push_back(Store);
    else
      return {};
  }
  unsigned UnitStrides = 0;
  for (LoadInst *Load : Loads) {
    UnitStrides += hasUnitStride(Load);
    if (any_of(Stores, [&](StoreInst *S) { return share(Load, S); }))
      return {};
    // A load that shares its memory with no other hinders nothing.
    if (any_of(Loads, [&](LoadInst *Other) {
          return Other != Load && share(Load, Other);
        }))
      Result.push_back(Load);
  }
  // Worth it if most of the additions can be vectorized; the others, at
  // computed places, no longer keep the rest of the loop from it.
  if (2 * UnitStrides <= Loads.size())
    return {};
  return Result;
}

} // namespace

void planStrips(Planning &S) { StripFinder(S.P, S.Known).run(); }

} // namespace pyfront
