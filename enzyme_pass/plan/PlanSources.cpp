//===- PlanSources.cpp - A source for every key that is read --------------===//
///
/// \file
/// How: some keys have a source whatever is planned (literals, parameters,
/// counters, values of straight code before the reverse sweep). Of the others,
/// the legal plan tapes every needed one. The improvements make keys computable
/// from others; the smallest cut of the graph that arises is taped, the rest is
/// recomputed. A snapshot is taken if the cut with it, its bytes added, is
/// cheaper than without.
//===----------------------------------------------------------------------===//
#include "core/Check.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/plan/MinCut.h"
#include "enzyme_pass/plan/PlanSnapshots.h"
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/IntrinsicInst.h"
#include <deque>

using namespace llvm;

namespace pyfront {

SmallVector<Key, 4> operandsOf(Key K, const Value *Root) {
  SmallVector<Key, 4> Result;
  auto *I = cast<Instruction>(K.getPointer());
  if (Root) {
    for (Value *Ptr = cast<LoadInst>(I)->getPointerOperand(); Ptr != Root;) {
      auto *Gep = cast<GetElementPtrInst>(Ptr);
      for (Value *Index : Gep->indices())
        Result.push_back(primalOf(Index));
      Ptr = Gep->getPointerOperand();
    }
    return Result;
  }
  bool IsShadow = K.getInt() == Space::Shadow;
  if (auto *Call = dyn_cast<CallBase>(I)) {
    for (Value *Arg : Call->args())
      Result.push_back(primalOf(Arg));
    return Result;
  }
  for (Value *Op : I->operands())
    Result.push_back(IsShadow && Op->getType()->isPointerTy() ? shadowOf(Op)
                                                              : primalOf(Op));
  return Result;
}

namespace {

/// What repeating a load costs, in the rule table's unit.
constexpr double ReloadPrice = 1;

/// A key with all that is asked of it, again for every snapshot that is weighed.
struct KeyNode {
  Key K;
  /// A source that costs nothing.
  std::optional<Source> Fixed;
  /// Computed from `Inputs`, which are filled when first asked for.
  std::optional<Source> Computed;
  SmallVector<unsigned, 4> Inputs;
  bool HasInputs = false;
  double TapeCost = 0;
  double Price = 0;
  /// The last choice that has seen it, and its vertex there.
  unsigned Seen = 0;
  unsigned Vertex = 0;
};

/// Which keys are taped, under some set of improvements.
struct Choice {
  double Cost = 0;
  /// All keys that are read, in the order in which they were found.
  std::vector<std::pair<unsigned, bool>> IsTaped;
};

class SourceSolver {
public:
  SourceSolver(Plan &P, const Facts &Known, const DominatorTree &DT,
               const SetVector<Key> &Needed)
      : P(P), N(P.N), Known(Known), DT(DT),
        CanReload(!P.Req.isDisabled("reload")),
        CanRecompute(!P.Req.isDisabled("recompute")),
        CanCut(!P.Req.isDisabled("mincut")),
        CanSnapshot(!P.Req.isDisabled("snapshot")) {
    for (Key K : Needed)
      Wanted.push_back(nodeOf(K));
  }

  void solve();

private:
  unsigned nodeOf(Key K);
  ArrayRef<unsigned> inputsOf(unsigned Node);
  /// The source of a key that costs nothing, if it has one.
  std::optional<Source> fixedSource(Key K) const;
  bool isStraight(const Instruction *I) const {
    return N.loopOf(I->getParent()) < 0 &&
           DT.dominates(I->getParent(), N.Success);
  }
  /// The source of a key computed from others, if that is possible without a
  /// snapshot.
  std::optional<Source> computedSource(Key K) const;
  bool isPure(const Instruction *I) const;
  double tapeCost(Key K) const;
  double price(Key K, const Source &S) const;
  std::string whyTaped(Key K) const;

  Choice choose() { return CanCut && CanRecompute ? chooseByCut() : greedy(); }
  Choice chooseByCut();
  Choice greedy();
  /// Whether the key follows from keys that cost nothing.
  bool isFree(unsigned Node, DenseMap<unsigned, bool> &Memo);
  /// The choice that tapes, from the wanted keys down, where `Keep` says so and
  /// where it must.
  Choice resolve(function_ref<bool(unsigned)> Keep);
  /// Whether the loads of the candidate can be had from its copy.
  void setSnapshot(unsigned Candidate, bool On);
  void chooseSnapshots(Choice &Best);
  void commit(const Choice &Best);

  Plan &P;
  const NormalFunction &N;
  const Facts &Known;
  const DominatorTree &DT;
  const bool CanReload, CanRecompute, CanCut, CanSnapshot;
  /// References to its elements stay valid.
  std::deque<KeyNode> Nodes;
  DenseMap<Key, unsigned> NodeOf;
  std::vector<unsigned> Wanted;
  std::vector<SnapshotCandidate> Candidates;
  unsigned Choices = 0;
};

unsigned SourceSolver::nodeOf(Key K) {
  auto [It, New] = NodeOf.try_emplace(K, Nodes.size());
  if (!New)
    return It->second;
  unsigned Index = Nodes.size();
  KeyNode &Node = Nodes.emplace_back();
  Node.K = K;
  Node.Fixed = fixedSource(K);
  if (Node.Fixed)
    return Index;
  Node.TapeCost = tapeCost(K);
  Node.Computed = computedSource(K);
  if (Node.Computed)
    Node.Price = price(K, *Node.Computed);
  return Index;
}

ArrayRef<unsigned> SourceSolver::inputsOf(unsigned Index) {
  KeyNode &Node = Nodes[Index];
  if (!Node.HasInputs) {
    Node.HasInputs = true;
    const Value *Root = Node.Computed->Kind == SourceKind::Snapshot
                            ? Candidates[Node.Computed->Index].Copy.Base
                            : nullptr;
    for (Key Op : operandsOf(Node.K, Root))
      Node.Inputs.push_back(nodeOf(Op));
  }
  return Node.Inputs;
}

std::optional<Source> SourceSolver::fixedSource(Key K) const {
  Value *V = K.getPointer();
  auto Of = [](SourceKind Kind, int Index = -1) {
    Source S;
    S.Kind = Kind;
    S.Index = Index;
    return S;
  };
  if (isa<Constant>(V))
    return Of(SourceKind::Literal);
  if (int O = Known.Objects.objectAt(V);
      O >= 0 && K.getInt() == Space::Shadow) {
    if (P.Objects[O].Shadow == ShadowHome::Parameter ||
        P.Objects[O].Shadow == ShadowHome::Returned)
      return Of(SourceKind::Argument);
    if (auto *I = dyn_cast<Instruction>(V); !I || isStraight(I))
      return Of(SourceKind::Register);
    return std::nullopt;
  }
  if (isa<Argument>(V))
    return Of(SourceKind::Argument);
  auto *I = cast<Instruction>(V);
  if (int L = N.loopOf(I->getParent()); L >= 0 && N.Loops[L].Counter == I)
    return Of(SourceKind::Counter, L);
  if (!isStraight(I))
    return std::nullopt;
  return Of(SourceKind::Register);
}

bool SourceSolver::isPure(const Instruction *I) const {
  if (isa<BinaryOperator, UnaryOperator, CastInst, CmpInst, SelectInst,
          GetElementPtrInst, FreezeInst, ExtractValueInst, InsertValueInst>(I))
    return true;
  if (auto *Call = dyn_cast<CallBase>(I))
    return rules::isInactivePure(*Call) || rules::isRecomputable(*Call);
  return false;
}

std::optional<Source> SourceSolver::computedSource(Key K) const {
  auto *I = cast<Instruction>(K.getPointer());
  Source S;
  if (auto *Load = dyn_cast<LoadInst>(I)) {
    if (!CanReload || Known.Overwrite.isOverwritten(Load))
      return std::nullopt;
    S.Kind = SourceKind::Reload;
    S.Why = "not written again";
    return S;
  }
  if (!CanRecompute || !isPure(I) ||
      (K.getInt() == Space::Shadow &&
       !isa<GetElementPtrInst, SelectInst, FreezeInst>(I)))
    return std::nullopt;
  S.Kind = SourceKind::Recompute;
  S.Why = I->getOpcodeName();
  return S;
}

double SourceSolver::tapeCost(Key K) const {
  auto *I = cast<Instruction>(K.getPointer());
  TypeSize Size = I->getDataLayout().getTypeStoreSize(I->getType());
  return double(Size.getFixedValue()) *
         Known.Loops.estimate(N.nestOf(I->getParent()));
}

double SourceSolver::price(Key K, const Source &S) const {
  auto *I = cast<Instruction>(K.getPointer());
  double Once = 0;
  if (S.Kind == SourceKind::Reload || S.Kind == SourceKind::Snapshot)
    Once = ReloadPrice;
  else if (const rules::Rule *R = rules::lookup(*I))
    Once = R->recomputePrice();
  return Once * Known.Loops.estimate(N.nestOf(I->getParent()));
}

std::string SourceSolver::whyTaped(Key K) const {
  auto *I = cast<Instruction>(K.getPointer());
  if (auto *Load = dyn_cast<LoadInst>(I)) {
    const Instruction *Write = Known.Overwrite.overwriterOf(Load);
    if (!Write)
      return Known.Overwrite.isOverwritten(Load) ? "the caller may overwrite it"
                                                 : "a load";
    if (auto *Store = dyn_cast<StoreInst>(Write))
      return ("overwritten by the store to %" +
              Store->getPointerOperand()->getName())
          .str();
    return "overwritten by a call";
  }
  if (isa<PHINode>(I))
    return "carried by control flow";
  if (P.isActiveCall(I))
    return "what the call has left";
  return std::string("cheapest place to cut: ") + I->getOpcodeName();
}

bool SourceSolver::isFree(unsigned Index, DenseMap<unsigned, bool> &Memo) {
  const KeyNode &Node = Nodes[Index];
  if (Node.Fixed)
    return true;
  auto [It, New] = Memo.try_emplace(Index, false);
  if (!New)
    return It->second;
  if (!Node.Computed)
    return false;
  for (unsigned Op : inputsOf(Index))
    if (!isFree(Op, Memo))
      return false;
  return Memo[Index] = true;
}

Choice SourceSolver::resolve(function_ref<bool(unsigned)> Keep) {
  Choice C;
  ++Choices;
  SmallVector<unsigned, 32> Work(Wanted.rbegin(), Wanted.rend());
  while (!Work.empty()) {
    unsigned Index = Work.pop_back_val();
    KeyNode &Node = Nodes[Index];
    if (Node.Seen == Choices)
      continue;
    Node.Seen = Choices;
    bool IsTaped = !Node.Fixed && (!Node.Computed || Keep(Index));
    if (IsTaped) {
      C.Cost += Node.TapeCost;
    } else if (!Node.Fixed) {
      C.Cost += Node.Price;
      ArrayRef<unsigned> Inputs = inputsOf(Index);
      Work.append(Inputs.rbegin(), Inputs.rend());
    }
    C.IsTaped.push_back({Index, IsTaped});
  }
  return C;
}

Choice SourceSolver::greedy() {
  DenseMap<unsigned, bool> Memo;
  return resolve([&](unsigned Node) { return !isFree(Node, Memo); });
}

Choice SourceSolver::chooseByCut() {
  MinCut Cut;
  Cut.reserve(Nodes.size());
  ++Choices;
  SmallVector<unsigned, 32> Work;
  auto VertexOf = [&](unsigned Index) {
    KeyNode &Node = Nodes[Index];
    if (Node.Seen != Choices) {
      Node.Seen = Choices;
      Node.Vertex = Cut.addVertex(Node.TapeCost);
      Work.push_back(Index);
    }
    return Node.Vertex;
  };
  for (unsigned Index : Wanted)
    if (!Nodes[Index].Fixed)
      Cut.setWanted(VertexOf(Index));
  while (!Work.empty()) {
    unsigned Index = Work.pop_back_val();
    const KeyNode &Node = Nodes[Index];
    Cut.setPrice(Node.Vertex, Node.Computed ? Node.Price : MinCut::Infinite);
    if (Node.Computed)
      for (unsigned Op : inputsOf(Index))
        if (!Nodes[Op].Fixed)
          Cut.addEdge(VertexOf(Op), Node.Vertex);
  }
  Cut.solve();
  return resolve([&](unsigned Node) { return Cut.isKept(Nodes[Node].Vertex); });
}

void SourceSolver::setSnapshot(unsigned Candidate, bool On) {
  for (LoadInst *Load : Candidates[Candidate].Loads) {
    KeyNode &Node = Nodes[nodeOf(primalOf(Load))];
    Node.Computed.reset();
    if (!On)
      continue;
    Node.Computed.emplace();
    Node.Computed->Kind = SourceKind::Snapshot;
    Node.Computed->Index = Candidate;
    Node.Price = price(Node.K, *Node.Computed);
  }
}

/// Greedy over the candidates: each is kept if the whole becomes cheaper.
void SourceSolver::chooseSnapshots(Choice &Best) {
  Candidates = snapshotCandidates(P, Known, DT);
  double Copies = 0;
  for (unsigned I = 0; I < Candidates.size(); ++I) {
    // No choice costs less than nothing.
    if (Candidates[I].Bytes >= Best.Cost)
      continue;
    setSnapshot(I, true);
    Choice With = choose();
    double Total = With.Cost + Copies + Candidates[I].Bytes;
    if (Total < Best.Cost + Copies) {
      Best = std::move(With);
      Copies += Candidates[I].Bytes;
      continue;
    }
    setSnapshot(I, false);
  }
}

void SourceSolver::commit(const Choice &Best) {
  DenseMap<int, int> Index;
  for (auto [Place, IsTaped] : Best.IsTaped) {
    const KeyNode &Node = Nodes[Place];
    Source S;
    if (IsTaped)
      S.Why = whyTaped(Node.K);
    else
      S = Node.Fixed ? *Node.Fixed : *Node.Computed;
    if (S.Kind == SourceKind::Snapshot) {
      auto [It, New] = Index.try_emplace(S.Index, P.Snapshots.size());
      if (New)
        P.Snapshots.push_back(Candidates[S.Index].Copy);
      S.Index = It->second;
    }
    P.Sources.insert({Node.K, std::move(S)});
  }
}

void SourceSolver::solve() {
  Choice Best = choose();
  if (CanSnapshot)
    chooseSnapshots(Best);
  commit(Best);
}

} // namespace

void planSources(Planning &S) {
  SourceSolver(S.P, S.Known, S.DT, S.Needed).solve();
}

} // namespace pyfront
