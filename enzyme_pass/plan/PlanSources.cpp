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

/// Which keys can be had how, under some set of improvements.
struct Choice {
  double Cost = 0;
  MapVector<Key, Source> Sources;
};

class SourceSolver {
public:
  SourceSolver(Plan &P, const Facts &Known, const DominatorTree &DT,
               const SetVector<Key> &Needed)
      : P(P), N(P.N), Known(Known), DT(DT), Needed(Needed),
        CanReload(!P.Req.isDisabled("reload")),
        CanRecompute(!P.Req.isDisabled("recompute")),
        CanCut(!P.Req.isDisabled("mincut")),
        CanSnapshot(!P.Req.isDisabled("snapshot")) {}

  void solve();

private:
  /// The source of a key that costs nothing, if it has one.
  bool fixedSource(Key K, Source &S) const;
  bool isStraight(const Instruction *I) const {
    return N.loopOf(I->getParent()) < 0 &&
           DT.dominates(I->getParent(), N.Success);
  }
  /// The source of a key computed from others, if that is possible.
  bool computedSource(Key K, Source &S) const;
  bool isPure(const Instruction *I) const;
  SmallVector<Key, 4> inputsOf(Key K, const Source &S) const {
    return operandsOf(K, S.Kind == SourceKind::Snapshot
                             ? Candidates[S.Index].Copy.Base
                             : nullptr);
  }
  double tapeCost(Key K) const;
  double price(Key K, const Source &S) const;
  std::string whyTaped(Key K) const;

  Choice choose() const;
  Choice chooseByCut() const;
  Choice chooseGreedily() const;
  /// Whether `K` follows from keys that cost nothing.
  bool isFree(Key K, DenseMap<Key, bool> &Memo) const;
  /// Fills `C.Sources` from the wanted keys down, taping where `Keep` says.
  void resolve(Choice &C, function_ref<bool(Key)> Keep) const;
  void chooseSnapshots(Choice &Best);
  void commit(Choice &Best);

  Plan &P;
  const NormalFunction &N;
  const Facts &Known;
  const DominatorTree &DT;
  const SetVector<Key> &Needed;
  const bool CanReload, CanRecompute, CanCut, CanSnapshot;
  std::vector<SnapshotCandidate> Candidates;
  DenseMap<const Value *, int> CandidateOf;
};

bool SourceSolver::fixedSource(Key K, Source &S) const {
  Value *V = K.getPointer();
  if (isa<Constant>(V)) {
    S.Kind = SourceKind::Literal;
    return true;
  }
  if (int O = Known.Objects.objectAt(V);
      O >= 0 && K.getInt() == Space::Shadow) {
    if (P.Objects[O].Shadow == ShadowHome::Parameter)
      S.Kind = SourceKind::Argument;
    else if (auto *I = dyn_cast<Instruction>(V); !I || isStraight(I))
      S.Kind = SourceKind::Register;
    else
      return false;
    return true;
  }
  if (isa<Argument>(V)) {
    S.Kind = SourceKind::Argument;
    return true;
  }
  auto *I = cast<Instruction>(V);
  if (int L = N.loopOf(I->getParent()); L >= 0 && N.Loops[L].Counter == I) {
    S.Kind = SourceKind::Counter;
    S.Index = L;
    return true;
  }
  if (!isStraight(I))
    return false;
  S.Kind = SourceKind::Register;
  return true;
}

bool SourceSolver::isPure(const Instruction *I) const {
  if (isa<BinaryOperator, UnaryOperator, CastInst, CmpInst, SelectInst,
          GetElementPtrInst, FreezeInst, ExtractValueInst, InsertValueInst>(I))
    return true;
  if (auto *Call = dyn_cast<CallBase>(I))
    return rules::isInactivePure(*Call) || rules::isRecomputable(*Call);
  return false;
}

bool SourceSolver::computedSource(Key K, Source &S) const {
  auto *I = cast<Instruction>(K.getPointer());
  if (auto *Load = dyn_cast<LoadInst>(I)) {
    if (Known.Overwrite.isOverwritten(Load)) {
      auto It = CandidateOf.find(Load);
      if (It == CandidateOf.end())
        return false;
      S.Kind = SourceKind::Snapshot;
      S.Index = It->second;
      return true;
    }
    S.Kind = SourceKind::Reload;
    S.Why = "not written again";
    return CanReload;
  }
  if (!CanRecompute)
    return false;
  if (K.getInt() == Space::Shadow &&
      !isa<GetElementPtrInst, SelectInst, FreezeInst>(I))
    return false;
  S.Kind = SourceKind::Recompute;
  S.Why = I->getOpcodeName();
  return isPure(I);
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
  return std::string("cheapest place to cut: ") + I->getOpcodeName();
}

bool SourceSolver::isFree(Key K, DenseMap<Key, bool> &Memo) const {
  Source S;
  if (fixedSource(K, S))
    return true;
  auto [It, New] = Memo.try_emplace(K, false);
  if (!New)
    return It->second;
  if (!computedSource(K, S))
    return false;
  for (Key Op : inputsOf(K, S))
    if (!isFree(Op, Memo))
      return false;
  return Memo[K] = true;
}

void SourceSolver::resolve(Choice &C, function_ref<bool(Key)> Keep) const {
  SmallVector<Key, 32> Work(Needed.rbegin(), Needed.rend());
  while (!Work.empty()) {
    Key K = Work.pop_back_val();
    if (C.Sources.count(K))
      continue;
    Source S;
    if (!fixedSource(K, S)) {
      if (Keep(K) || !computedSource(K, S)) {
        S = Source();
        S.Why = whyTaped(K);
        C.Cost += tapeCost(K);
      } else {
        C.Cost += price(K, S);
        SmallVector<Key, 4> Inputs = inputsOf(K, S);
        Work.append(Inputs.rbegin(), Inputs.rend());
      }
    }
    C.Sources.insert({K, S});
  }
}

Choice SourceSolver::chooseGreedily() const {
  Choice C;
  DenseMap<Key, bool> Memo;
  resolve(C, [&](Key K) { return !isFree(K, Memo); });
  return C;
}

Choice SourceSolver::chooseByCut() const {
  MinCut Cut;
  MapVector<Key, unsigned> Vertex;
  SmallVector<Key, 32> Work(Needed.begin(), Needed.end());
  auto VertexOf = [&](Key K) {
    auto It = Vertex.find(K);
    if (It != Vertex.end())
      return It->second;
    unsigned V = Cut.addVertex(tapeCost(K));
    Vertex[K] = V;
    Work.push_back(K);
    return V;
  };
  for (Key K : Needed)
    if (Source S; !fixedSource(K, S))
      Cut.setWanted(VertexOf(K));
  DenseSet<Key> Done;
  while (!Work.empty()) {
    Key K = Work.pop_back_val();
    Source S;
    if (fixedSource(K, S) || !Done.insert(K).second)
      continue;
    unsigned V = VertexOf(K);
    if (!computedSource(K, S)) {
      Cut.setPrice(V, MinCut::Infinite);
      continue;
    }
    Cut.setPrice(V, price(K, S));
    for (Key Op : inputsOf(K, S))
      if (Source Fixed; !fixedSource(Op, Fixed))
        Cut.addEdge(VertexOf(Op), V);
  }
  Cut.solve();
  Choice C;
  resolve(C, [&](Key K) { return Cut.isKept(Vertex.lookup(K)); });
  return C;
}

Choice SourceSolver::choose() const {
  return CanCut && CanRecompute ? chooseByCut() : chooseGreedily();
}

/// Greedy over the candidates: each is kept if the whole becomes cheaper.
void SourceSolver::chooseSnapshots(Choice &Best) {
  Candidates = snapshotCandidates(P, Known, DT);
  double Copies = 0;
  for (unsigned I = 0; I < Candidates.size(); ++I) {
    for (LoadInst *Load : Candidates[I].Loads)
      CandidateOf[Load] = I;
    Choice With = choose();
    double Total = With.Cost + Copies + Candidates[I].Bytes;
    if (Total < Best.Cost + Copies) {
      Best = std::move(With);
      Copies += Candidates[I].Bytes;
      continue;
    }
    for (LoadInst *Load : Candidates[I].Loads)
      CandidateOf.erase(Load);
  }
}

void SourceSolver::commit(Choice &Best) {
  DenseMap<int, int> Index;
  for (auto &[K, S] : Best.Sources)
    if (S.Kind == SourceKind::Snapshot) {
      auto [It, New] = Index.try_emplace(S.Index, P.Snapshots.size());
      if (New)
        P.Snapshots.push_back(Candidates[S.Index].Copy);
      S.Index = It->second;
    }
  P.Sources = std::move(Best.Sources);
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
