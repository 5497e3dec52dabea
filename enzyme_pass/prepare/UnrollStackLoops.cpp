//===- UnrollStackLoops.cpp - Loops over an array's axes -------------------===//
///
/// \file
/// Numba walks the axes of an array (iterators, `max`, `ravel`, `flat`) in small
/// loops that index a struct on the stack:
///
///   %shape = alloca { ptr, .., [2 x i64], [2 x i64] }
///   for d in 0..2:  ... = load %shape[5][d]
///
/// A variable index keeps SROA from taking the struct apart, and the array's
/// pointer stays hidden in memory. Such loops, and no others, are unrolled: they
/// run as often as the array has axes.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/UnrollLoop.h"

using namespace llvm;

namespace pyfront {

/// More axes than NumPy allows mean another kind of loop.
static constexpr unsigned MostAxes = 32;

static bool indexesStack(const Loop &L) {
  for (const BasicBlock *BB : L.blocks())
    for (const Instruction &I : *BB)
      if (auto *Gep = dyn_cast<GetElementPtrInst>(&I);
          Gep && !Gep->hasAllConstantIndices() &&
          isa<AllocaInst>(Gep->getPointerOperand()->stripInBoundsOffsets()))
        return true;
  return false;
}

bool unrollStackLoops(Function &F, FunctionAnalysisManager &FAM) {
  auto &LI = FAM.getResult<LoopAnalysis>(F);
  auto &SE = FAM.getResult<ScalarEvolutionAnalysis>(F);
  auto &DT = FAM.getResult<DominatorTreeAnalysis>(F);
  auto &AC = FAM.getResult<AssumptionAnalysis>(F);
  auto &TTI = FAM.getResult<TargetIRAnalysis>(F);
  auto &ORE = FAM.getResult<OptimizationRemarkEmitterAnalysis>(F);
  bool Changed = false;
  SmallVector<Loop *, 8> Innermost;
  for (Loop *L : LI.getLoopsInPreorder())
    if (L->isInnermost() && indexesStack(*L))
      Innermost.push_back(L);
  for (Loop *L : Innermost) {
    // UnrollLoop takes both forms for granted; simplifycfg breaks them.
    Changed |= simplifyLoop(L, &DT, &LI, &SE, &AC, nullptr, false);
    Changed |= formLCSSARecursively(*L, DT, &LI, &SE);
    unsigned Trips = SE.getSmallConstantTripCount(L);
    if (Trips == 0 || Trips > MostAxes)
      continue;
    UnrollLoopOptions Options;
    Options.Count = Trips;
    Options.Force = true;
    Options.Runtime = false;
    Options.AllowExpensiveTripCount = false;
    Options.UnrollRemainder = false;
    Options.ForgetAllSCEV = true;
    Changed |= UnrollLoop(L, Options, &LI, &SE, &DT, &AC, &TTI, &ORE,
                          /*PreserveLCSSA=*/true) != LoopUnrollResult::Unmodified;
  }
  if (Changed)
    FAM.invalidate(F, PreservedAnalyses::none());
  return Changed;
}

} // namespace pyfront
