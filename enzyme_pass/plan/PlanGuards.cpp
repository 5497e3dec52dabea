//===- PlanGuards.cpp - Adjoints that may be exactly zero -----------------===//
///
/// \file
///   if w < 1e300:  y = x * w           t = x * w
///   else:          y = x          ->   y = select(w < 1e300, t, x)
///
/// LLVM runs the product whether it is wanted or not. With w infinite its
/// partial is infinite and its adjoint zero: the contribution must be zero, not
/// NaN. Such instructions are found here, and the emitter gives an exactly zero
/// adjoint no contribution. Where the adjoint cannot be zero for this reason,
/// as in most inner loops, there is no guard and no cost.
///
/// An instruction is guarded if its value reaches an arm of a select or a block
/// that does not always run after it, directly or through other instructions.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/IR/CFG.h"

using namespace llvm;

namespace pyfront {

namespace {

class GuardFinder {
public:
  explicit GuardFinder(Plan &P) : P(P) {}

  void run() {
    for (Value *V : P.Active)
      if (auto *I = dyn_cast<Instruction>(V); I && mayBeDiscarded(*I))
        P.Guarded.insert(I);
    // What only feeds a guarded instruction has a zero adjoint with it.
    for (unsigned I = 0; I < P.Guarded.size(); ++I)
      if (!isa<PHINode, LoadInst>(P.Guarded[I]))
        for (Value *Op : P.Guarded[I]->operands())
          if (auto *Feeder = dyn_cast<Instruction>(Op);
              Feeder && P.isActive(Feeder))
            P.Guarded.insert(Feeder);
  }

private:
  bool mayBeDiscarded(const Instruction &I) {
    return any_of(I.users(), [&](const User *U) {
      auto *Reader = cast<Instruction>(U);
      if (!P.isActive(Reader) &&
          !P.ActiveAccesses.contains(const_cast<Instruction *>(Reader)))
        return false;
      if (isa<SelectInst>(Reader))
        return true;
      if (auto *Phi = dyn_cast<PHINode>(Reader)) {
        for (unsigned K = 0; K < Phi->getNumIncomingValues(); ++K)
          if (Phi->getIncomingValue(K) == &I &&
              !alwaysRunsAfter(I.getParent(), Phi->getIncomingBlock(K)))
            return true;
        return false;
      }
      return !alwaysRunsAfter(I.getParent(), Reader->getParent());
    });
  }

  /// Whether every way from `From` to the success exit, or back to `From`,
  /// leads through `Through`.
  bool alwaysRunsAfter(const BasicBlock *From, const BasicBlock *Through) {
    if (From == Through)
      return true;
    auto [It, New] = Memo.try_emplace({From, Through}, true);
    if (!New)
      return It->second;
    SmallVector<const BasicBlock *, 16> Work{From};
    DenseSet<const BasicBlock *> Seen;
    bool Always = From != P.N.Success;
    while (Always && !Work.empty())
      for (const BasicBlock *S : successors(Work.pop_back_val())) {
        if (S == Through || !P.N.isLive(S) || !Seen.insert(S).second)
          continue;
        if (S == P.N.Success || S == From)
          Always = false;
        Work.push_back(S);
      }
    return Memo[{From, Through}] = Always;
  }

  Plan &P;
  DenseMap<std::pair<const BasicBlock *, const BasicBlock *>, bool> Memo;
};

} // namespace

void planGuards(Planning &S) { GuardFinder(S.P).run(); }

} // namespace pyfront
