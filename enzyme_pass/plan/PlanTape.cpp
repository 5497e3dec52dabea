//===- PlanTape.cpp - Slots, and where their arrays begin -----------------===//
///
/// \file
/// A slot has one element per execution of its nest L1 > ... > Ld. Its array is
/// allocated at the entry of the outermost loop Lh from which on all lengths
/// are known there:
///
///   all lengths known on entry of L1       Head 0: one array, one allocation
///   inner length depends on L1's iteration Head 1: a block per iteration of L1
///   Ld of unknown length                   Head d: an array that grows
///
/// A raise may end the loops from Lh on before their time. They may have been
/// asked for more iterations than memory has room for, so if the array cannot
/// be allocated whole it grows instead, by whole iterations of the innermost
/// loop that raises outside of the loops inside it:
///
///   for t: if bad(t): raise                grows by 8 * trips(i) bytes a step
///          for i: ...                      the loop over i asks for nothing
///
/// With Head > 0 the array's address is itself kept, in a base slot of the nest
/// L1 .. Lh-1, planned by the same rule.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace pyfront {

namespace {

class TapePlanner {
public:
  explicit TapePlanner(Plan &P) : P(P) {
    for (BasicBlock *BB : P.N.Order)
      if (any_of(successors(BB),
                 [&](BasicBlock *Next) { return !P.N.isLive(Next); }))
        Raising.push_back(BB);
  }
  int add(TapeSlot S);

private:
  void findHead(TapeSlot &S) const;
  void findRoom(TapeSlot &S) const;

  Plan &P;
  /// Live blocks that a raise may follow.
  SmallVector<const BasicBlock *, 8> Raising;
};

void TapePlanner::findHead(TapeSlot &S) const {
  unsigned Depth = S.Nest.size();
  S.Head = Depth - 1;
  while (S.Head > 0) {
    for (unsigned I = S.Head - 1; I < Depth; ++I)
      if (!P.N.isCounted(S.Nest[I], S.Nest[S.Head - 1]))
        return;
    --S.Head;
  }
}

void TapePlanner::findRoom(TapeSlot &S) const {
  S.Step = S.Head;
  if (!P.N.Loops[S.Nest.back()].Last) {
    S.How = TapeSlot::Room::Growing;
    return;
  }
  S.How = TapeSlot::Room::Whole;
  // Memory of an embedded derivative is there or ends the call around it.
  if (P.Req.Embedded)
    return;
  for (const BasicBlock *BB : Raising)
    for (unsigned I = S.Nest.size(); I-- > S.Head;)
      if (P.N.contains(S.Nest[I], BB)) {
        S.How = TapeSlot::Room::Tried;
        S.Step = std::max(S.Step, I);
        break;
      }
}

int TapePlanner::add(TapeSlot S) {
  if (!S.Nest.empty()) {
    findHead(S);
    findRoom(S);
  }
  int Index = P.Slots.size();
  P.Slots.push_back(S);
  if (S.Nest.empty() || S.Head == 0)
    return Index;
  TapeSlot Base;
  Base.Holds = TapeSlot::Content::Base;
  Base.Index = Index;
  Base.Ty = PointerType::getUnqual(P.N.F->getContext());
  Base.Nest.assign(S.Nest.begin(), S.Nest.begin() + S.Head);
  int BaseIndex = add(std::move(Base));
  P.Slots[Index].BaseSlot = BaseIndex;
  return Index;
}

} // namespace

/// A slot is indexed by the counters of its nest.
static void giveCountersSources(Plan &P) {
  for (const TapeSlot &Slot : P.Slots)
    for (int L : Slot.Nest) {
      Source S;
      S.Kind = SourceKind::Counter;
      S.Index = L;
      P.Sources.insert({primalOf(P.N.Loops[L].Counter), S});
    }
}

void planTape(Planning &State) {
  Plan &P = State.P;
  TapePlanner Tape(P);
  for (auto &[K, S] : P.Sources) {
    if (S.Kind != SourceKind::Tape)
      continue;
    TapeSlot Slot;
    Slot.Of = K;
    Slot.Ty = K.getPointer()->getType();
    Slot.Nest = P.N.nestOf(cast<Instruction>(K.getPointer())->getParent());
    S.Index = Tape.add(std::move(Slot));
  }
  for (unsigned I = 0; I < P.Snapshots.size(); ++I) {
    Snapshot &Snap = P.Snapshots[I];
    TapeSlot Slot;
    Slot.Holds = TapeSlot::Content::Snapshot;
    Slot.Index = I;
    Slot.Ty = PointerType::getUnqual(P.N.F->getContext());
    if (!Snap.isAtEnd()) {
      const NormalLoop &L = P.N.Loops[Snap.Loop];
      Slot.Nest = P.N.nestOf(Snap.EachIteration ? L.Header : L.Preheader);
    }
    Snap.Slot = Tape.add(std::move(Slot));
  }
  giveCountersSources(P);
}

} // namespace pyfront
