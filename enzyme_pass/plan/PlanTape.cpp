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
/// With Head > 0 the array's address is itself kept, in a base slot of the nest
/// L1 .. Lh-1, planned by the same rule.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace pyfront {

namespace {

class TapePlanner {
public:
  TapePlanner(Plan &P, const DominatorTree &DT) : P(P), DT(DT) {}
  int add(TapeSlot S);

private:
  /// Whether the length of loop `L` is known when `Preheader` is left.
  bool isKnownAt(int L, const BasicBlock *Preheader) const {
    const Value *Last = P.N.Loops[L].Last;
    if (!Last)
      return false;
    auto *I = dyn_cast<Instruction>(Last);
    return !I || DT.dominates(I, Preheader->getTerminator());
  }
  void findHead(TapeSlot &S) const;

  Plan &P;
  const DominatorTree &DT;
};

void TapePlanner::findHead(TapeSlot &S) const {
  unsigned Depth = S.Nest.size();
  S.Head = Depth - 1;
  if (!P.N.Loops[S.Nest.back()].Last) {
    S.Grows = true;
    return;
  }
  while (S.Head > 0) {
    const BasicBlock *Preheader = P.N.Loops[S.Nest[S.Head - 1]].Preheader;
    for (unsigned I = S.Head - 1; I < Depth; ++I)
      if (!isKnownAt(S.Nest[I], Preheader))
        return;
    --S.Head;
  }
}

int TapePlanner::add(TapeSlot S) {
  if (!S.Nest.empty())
    findHead(S);
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
  TapePlanner Tape(P, State.DT);
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
