//===- HoistLoads.cpp - Loop-invariant loads that stores do not meet ------===//
///
/// \file
///   for j in k+1..n:                          l = a[i,k]
///     a[i,j] -= a[i,k] * a[k,j]        ->     for j in k+1..n:
///                                               a[i,j] -= l * a[k,j]
///
/// LLVM's LICM leaves the load where it is: by its alias analysis the store may
/// write `a[i,k]`. The subscripts say that it does not (Subscripts.h). Hoisted,
/// the value is read once, and its adjoint is a sum that the reversed loop
/// keeps in a register instead of memory.
///
/// Invariant: moves loads only; the normal form stays as it is.
//===----------------------------------------------------------------------===//
#include "activity/MemoryObjects.h"
#include "activity/Subscripts.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Analysis/Loads.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"

using namespace llvm;

namespace pyfront {

namespace {

class LoadHoister {
public:
  LoadHoister(NormalFunction &N, const Request &Req, ScalarEvolution &SE,
              const LoopInfo &LI, const DominatorTree &DT)
      : N(N), LI(LI), DT(DT), Objects(N, Req), Subs(N, Req, SE) {}

  bool run() {
    bool Changed = false;
    // Inner loops first: a load may then leave the next one as well.
    for (const NormalLoop &L : reverse(N.Loops)) {
      SmallVector<LoadInst *, 8> Loads;
      SmallVector<Access, 8> Writes = writesIn(L);
      for (Instruction &I : *L.Header)
        if (auto *Load = dyn_cast<LoadInst>(&I);
            Load && canLeave(*Load, L, Writes))
          Loads.push_back(Load);
      for (LoadInst *Load : Loads)
        hoist(*Load, *L.Preheader);
      if (!Loads.empty())
        Subs.forget();
      Changed |= !Loads.empty();
    }
    return Changed;
  }

private:
  /// Where the preheader has just stored or loaded the value, that is taken.
  void hoist(LoadInst &Load, BasicBlock &To) {
    Load.moveBefore(To.getTerminator()->getIterator());
    BasicBlock::iterator From = Load.getIterator();
    Value *Known = FindAvailableLoadedValue(&Load, &To, From);
    if (!Known || Known->getType() != Load.getType())
      return;
    Load.replaceAllUsesWith(Known);
    Load.eraseFromParent();
  }

  SmallVector<Access, 8> writesIn(const NormalLoop &L) const {
    SmallVector<Access, 8> Writes;
    for (const BasicBlock *BB : LI.getLoopFor(L.Header)->blocks())
      for (const Instruction &I : *BB)
        append_range(Writes, writesOf(I));
    return Writes;
  }

  /// The first iteration runs the load before any write that could touch it,
  /// and no later write does.
  bool canLeave(const LoadInst &Load, const NormalLoop &L,
                ArrayRef<Access> Writes) const {
    const Loop *InLoop = LI.getLoopFor(L.Header);
    const Value *Ptr = Load.getPointerOperand();
    const Access Read = accessesOf(Load).front();
    if (!Load.isSimple() || !InLoop->isLoopInvariant(Ptr) ||
        Objects.isUnknown(Ptr))
      return false;
    return none_of(Writes, [&](const Access &Write) {
      return Objects.mayTouch(Write, Read) &&
             (Write.isAnything() || !DT.dominates(&Load, Write.I) ||
              !Subs.neverMeetsLater(Load, *Write.I));
    });
  }

  NormalFunction &N;
  const LoopInfo &LI;
  const DominatorTree &DT;
  MemoryObjects Objects;
  Subscripts Subs;
};

} // namespace

void hoistLoads(NormalFunction &N, const Request &Req,
                FunctionAnalysisManager &FAM) {
  LoadHoister Hoister(N, Req, FAM.getResult<ScalarEvolutionAnalysis>(*N.F),
                      FAM.getResult<LoopAnalysis>(*N.F),
                      FAM.getResult<DominatorTreeAnalysis>(*N.F));
  if (Hoister.run())
    FAM.invalidate(*N.F, PreservedAnalyses::none());
}

} // namespace pyfront
