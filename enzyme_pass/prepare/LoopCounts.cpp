//===- LoopCounts.cpp - How: outwards while the entry is decided outside --===//
#include "enzyme_pass/prepare/LoopCounts.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;

namespace pyfront {

namespace {

/// A condition that must have this outcome for a loop to be entered.
struct Decision {
  Value *Condition;
  bool Outcome;
};

using Edge = std::pair<const BasicBlock *, const BasicBlock *>;

class CountWriter {
public:
  CountWriter(const Loop &L, const NormalFunction &N, DominatorTree &DT,
              ScalarEvolution &SE)
      : L(L), N(N), DT(DT), SE(SE), Expander(SE, "last") {}

  LoopCount write();

private:
  /// The only way to leave the loop other than a raise, or null.
  BasicBlock *onlyLiveExiting() const;
  /// Fills `Decisions` with what decides whether an iteration of `Around`, the
  /// next loop outside, enters the loop; false if anything else decides it too.
  bool findDecisions(const Loop &Around);
  bool isAvailableAt(const Value *V, const BasicBlock *BB) const {
    auto *I = dyn_cast<Instruction>(V);
    return !I || DT.dominates(I, BB->getTerminator());
  }
  /// Whether an iteration of `Around` can come to its end past the loop, other
  /// than by an edge of `Skips`.
  bool canAvoid(const Loop &Around, ArrayRef<Edge> Skips) const;
  bool canLeave(const Loop &Around, const SCEV *Count) const;

  const Loop &L;
  const NormalFunction &N;
  DominatorTree &DT;
  ScalarEvolution &SE;
  SCEVExpander Expander;
  SmallVector<Decision, 4> Decisions;
};

BasicBlock *CountWriter::onlyLiveExiting() const {
  SmallVector<std::pair<BasicBlock *, BasicBlock *>, 4> Edges;
  L.getExitEdges(Edges);
  BasicBlock *Only = nullptr;
  for (auto [From, To] : Edges) {
    if (!N.isLive(To))
      continue;
    if (Only)
      return nullptr;
    Only = From;
  }
  return Only;
}

bool CountWriter::canAvoid(const Loop &Around, ArrayRef<Edge> Skips) const {
  const BasicBlock *Entry = L.getLoopPreheader();
  SmallVector<const BasicBlock *, 16> Work{Around.getHeader()};
  SmallPtrSet<const BasicBlock *, 16> Seen;
  while (!Work.empty()) {
    const BasicBlock *BB = Work.pop_back_val();
    if (BB == Entry || !Seen.insert(BB).second)
      continue;
    if (BB == Around.getLoopLatch())
      return true;
    for (const BasicBlock *Next : successors(BB))
      if (Around.contains(Next) && N.isLive(Next) &&
          !is_contained(Skips, Edge(BB, Next)))
        Work.push_back(Next);
  }
  return false;
}

bool CountWriter::findDecisions(const Loop &Around) {
  const BasicBlock *Entry = L.getLoopPreheader();
  SmallVector<Edge, 4> Skips;
  for (auto *Node = DT.getNode(Entry)->getIDom();
       Node && Around.contains(Node->getBlock()); Node = Node->getIDom()) {
    const BasicBlock *BB = Node->getBlock();
    // A loop before this one, once entered, is left: no decision.
    if (any_of(Around.getSubLoops(),
               [&](const Loop *Other) { return Other->contains(BB); }))
      continue;
    auto *Branch = dyn_cast<BranchInst>(BB->getTerminator());
    if (!Branch || !Branch->isConditional() ||
        Branch->getSuccessor(0) == Branch->getSuccessor(1))
      continue;
    for (unsigned Arm : {0U, 1U}) {
      const BasicBlock *Other = Branch->getSuccessor(1 - Arm);
      if (!DT.dominates(BasicBlockEdge(BB, Branch->getSuccessor(Arm)), Entry) ||
          !N.isLive(Other) || !Around.contains(Other))
        continue;
      Decisions.push_back({Branch->getCondition(), Arm == 0});
      Skips.push_back({BB, Other});
    }
  }
  // The outermost test comes first: an inner one may mean nothing where it fails.
  std::reverse(Decisions.begin(), Decisions.end());
  return !canAvoid(Around, Skips);
}

bool CountWriter::canLeave(const Loop &Around, const SCEV *Count) const {
  const BasicBlock *Before = Around.getLoopPreheader();
  return Before && SE.isLoopInvariant(Count, &Around) &&
         Expander.isSafeToExpandAt(Count, Before->getTerminator()) &&
         all_of(Decisions, [&](const Decision &D) {
           return isAvailableAt(D.Condition, Before);
         });
}

LoopCount CountWriter::write() {
  BasicBlock *Exiting = onlyLiveExiting();
  if (!Exiting || !DT.dominates(Exiting, L.getLoopLatch()))
    return {};
  const SCEV *Count = SE.getExitCount(&L, Exiting);
  if (isa<SCEVCouldNotCompute>(Count) ||
      SE.getTypeSizeInBits(Count->getType()) > 64 ||
      !Expander.isSafeToExpandAt(Count, L.getLoopPreheader()->getTerminator()))
    return {};
  Type *I64 = Type::getInt64Ty(L.getHeader()->getContext());
  Count = SE.getNoopOrZeroExtend(Count, I64);
  LoopCount Result{nullptr, &L};
  if (const Loop *Around = L.getParentLoop(); Around && findDecisions(*Around))
    for (; Around && canLeave(*Around, Count); Around = Around->getParentLoop())
      Result.KnownBefore = Around;
  // A literal that holds under a condition is worth more than a choice.
  if (isa<SCEVConstant>(Count) && !Decisions.empty())
    Result.KnownBefore = &L;
  Instruction *At = Result.KnownBefore->getLoopPreheader()->getTerminator();
  Result.Last = Expander.expandCodeFor(Count, I64, At->getIterator());
  if (Result.KnownBefore == &L || Decisions.empty())
    return Result;
  IRBuilder<> B(At);
  Value *Enters = nullptr;
  for (const Decision &D : Decisions) {
    Value *Holds = D.Outcome ? D.Condition : B.CreateNot(D.Condition);
    Enters = Enters ? B.CreateLogicalAnd(Enters, Holds) : Holds;
  }
  Result.Last = B.CreateSelect(Enters, Result.Last, B.getInt64(-1), "last");
  return Result;
}

} // namespace

LoopCount writeLoopCount(const Loop &L, const NormalFunction &N,
                         DominatorTree &DT, ScalarEvolution &SE) {
  return CountWriter(L, N, DT, SE).write();
}

} // namespace pyfront
