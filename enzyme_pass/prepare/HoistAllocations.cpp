//===- HoistAllocations.cpp - One buffer instead of one per iteration -----===//
///
/// \file
///   for t:                                  p = allocate(8 * n)
///     p = allocate(8 * n)           ->      for t:
///     ... p[i] = ...; ... = p[i]              ... p[i] = ...; ... = p[i]
///
/// Legal where the size is invariant, each iteration runs the allocation, and
/// no pointer into the block outlives the iteration (flows into a phi of the
/// loop's header, leaves the loop, is stored). The content of fresh memory is
/// undefined, and `np.zeros` keeps its memset inside the loop, so the block of
/// the iteration before is as good as a new one. The derivative then holds one
/// block and one shadow instead of one per iteration.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/LoopUtils.h"

using namespace llvm;

namespace pyfront {

namespace {

bool isAllocation(const Instruction &I) {
  auto *Call = dyn_cast<CallInst>(&I);
  return Call && Call->getCalledFunction() &&
         Call->getCalledFunction()->getName() == marker::Allocate;
}

/// Whether an address derived from `Block` may be used by a later iteration of
/// `L` or after it. Derivatives that the kernel calls turn addresses into
/// integers to compare them, which does no harm.
bool outlivesIteration(Instruction &Block, const Loop &L) {
  SmallSetVector<Value *, 16> Addresses;
  Addresses.insert(&Block);
  for (unsigned I = 0; I < Addresses.size(); ++I)
    for (User *U : Addresses[I]->users()) {
      auto *User = cast<Instruction>(U);
      if (!L.contains(User))
        return true;
      if (auto *Store = dyn_cast<StoreInst>(User)) {
        if (Store->getValueOperand() == Addresses[I])
          return true;
        continue;
      }
      if (isa<PHINode>(User) && User->getParent() == L.getHeader())
        return true;
      if (isa<InsertValueInst>(User))
        return true;
      if (User->getType()->isIntOrPtrTy() && !isa<LoadInst, ICmpInst>(User))
        Addresses.insert(User);
    }
  return false;
}

/// Whether each iteration runs `I`, but for those that a raise ends.
bool runsInEachIteration(const Instruction &I, const Loop &L,
                         const DominatorTree &DT) {
  const BasicBlock *Latch = L.getLoopLatch();
  if (!Latch || !DT.dominates(I.getParent(), Latch))
    return false;
  SmallVector<std::pair<BasicBlock *, BasicBlock *>, 4> Exits;
  L.getExitEdges(Exits);
  return all_of(Exits, [&](const auto &Edge) {
    return isa<UnreachableInst>(Edge.second->getTerminator()) ||
           DT.dominates(I.getParent(), Edge.first);
  });
}

bool hoistOnce(Instruction &I, LoopInfo &LI, DominatorTree &DT) {
  Loop *L = LI.getLoopFor(I.getParent());
  if (!L || !L->isLoopInvariant(I.getOperand(0)) ||
      !runsInEachIteration(I, *L, DT) || outlivesIteration(I, *L))
    return false;
  // An empty preheader has been simplified away.
  BasicBlock *To = L->getLoopPreheader();
  if (!To)
    To = InsertPreheaderForLoop(L, &DT, &LI, nullptr, /*PreserveLCSSA=*/false);
  if (!To)
    return false;
  I.moveBefore(To->getTerminator()->getIterator());
  // The kernel's own test of the size has not run here: a size that it will
  // refuse must not become an allocation.
  IRBuilder<> B(&I);
  Value *Size = I.getOperand(0);
  if (!isa<ConstantInt>(Size))
    I.setOperand(0, B.CreateBinaryIntrinsic(Intrinsic::smax, Size,
                                            B.getInt64(0), nullptr, "bytes"));
  return true;
}

} // namespace

bool hoistAllocations(Function &F, FunctionAnalysisManager &FAM) {
  LoopInfo &LI = FAM.getResult<LoopAnalysis>(F);
  DominatorTree &DT = FAM.getResult<DominatorTreeAnalysis>(F);
  SmallVector<Instruction *, 8> Blocks;
  for (Instruction &I : instructions(F))
    if (isAllocation(I))
      Blocks.push_back(&I);
  bool Changed = false;
  for (Instruction *Block : Blocks)
    while (hoistOnce(*Block, LI, DT))
      Changed = true;
  FAM.invalidate(F, PreservedAnalyses::none());
  return Changed;
}

} // namespace pyfront
