//===- UnrollFixedLoops.cpp - Small loops that Numba itself brings in -----===//
///
/// \file
/// Two kinds of loops that the kernel does not have are unrolled, and no
/// others.
///
/// Numba walks the axes of an array (iterators, `max`, `ravel`, `flat`) in
/// loops that index a struct on the stack. A variable index keeps SROA from
/// taking the struct apart, and the array's pointer stays hidden in memory:
///
///   %shape = alloca { ptr, .., [2 x i64], [2 x i64] }
///   for d in 0..2:  ... = load %shape[5][d]
///
/// An integer power squares in a loop over the bits of its exponent; `x ** 2`
/// has two of them:
///
///   while e != 0:  if e & 1: r *= x;  e >>= 1;  x *= x
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/UnrollLoop.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace pyfront {

/// More axes than NumPy allows, or bits than an exponent has, are another kind
/// of loop.
static constexpr unsigned MostTrips = 64;

static bool indexesStack(const Loop &L) {
  for (const BasicBlock *BB : L.blocks())
    for (const Instruction &I : *BB)
      if (auto *Gep = dyn_cast<GetElementPtrInst>(&I);
          Gep && !Gep->hasAllConstantIndices() &&
          isa<AllocaInst>(Gep->getPointerOperand()->stripInBoundsOffsets()))
        return true;
  return false;
}

/// Whether a constant is shifted out bit by bit.
static bool walksBits(const Loop &L) {
  const BasicBlock *Before = L.getLoopPredecessor(), *Latch = L.getLoopLatch();
  if (!Before || !Latch)
    return false;
  return any_of(L.getHeader()->phis(), [&](const PHINode &Phi) {
    return isa<ConstantInt>(Phi.getIncomingValueForBlock(Before)) &&
           match(Phi.getIncomingValueForBlock(Latch),
                 m_Shr(m_Specific(&Phi), m_One()));
  });
}

bool unrollFixedLoops(Function &F, FunctionAnalysisManager &FAM) {
  auto &LI = FAM.getResult<LoopAnalysis>(F);
  auto &SE = FAM.getResult<ScalarEvolutionAnalysis>(F);
  auto &DT = FAM.getResult<DominatorTreeAnalysis>(F);
  auto &AC = FAM.getResult<AssumptionAnalysis>(F);
  auto &TTI = FAM.getResult<TargetIRAnalysis>(F);
  auto &ORE = FAM.getResult<OptimizationRemarkEmitterAnalysis>(F);
  bool Changed = false;
  SmallVector<Loop *, 8> Innermost;
  for (Loop *L : LI.getLoopsInPreorder())
    if (L->isInnermost() && (indexesStack(*L) || walksBits(*L)))
      Innermost.push_back(L);
  for (Loop *L : Innermost) {
    // UnrollLoop takes both forms for granted; simplifycfg breaks them.
    Changed |= simplifyLoop(L, &DT, &LI, &SE, &AC, nullptr, false);
    Changed |= formLCSSARecursively(*L, DT, &LI, &SE);
    unsigned Trips = SE.getSmallConstantTripCount(L);
    if (Trips == 0 || Trips > MostTrips)
      continue;
    UnrollLoopOptions Options;
    Options.Count = Trips;
    Options.Force = true;
    Options.Runtime = false;
    Options.AllowExpensiveTripCount = false;
    Options.UnrollRemainder = false;
    Options.ForgetAllSCEV = true;
    Changed |=
        UnrollLoop(L, Options, &LI, &SE, &DT, &AC, &TTI, &ORE,
                   /*PreserveLCSSA=*/true) != LoopUnrollResult::Unmodified;
  }
  if (Changed)
    FAM.invalidate(F, PreservedAnalyses::none());
  return Changed;
}

} // namespace pyfront
