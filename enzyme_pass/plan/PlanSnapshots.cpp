//===- PlanSnapshots.cpp - How: per load, the outermost sound point -------===//
#include "enzyme_pass/plan/PlanSnapshots.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

namespace {

/// What an array of unknown extent is taken to have, per axis.
constexpr double UnknownAxis = 64;

class CandidateFinder {
public:
  CandidateFinder(const Plan &P, const Facts &Known, const DominatorTree &DT)
      : P(P), N(P.N), Known(Known), DT(DT) {}

  std::vector<SnapshotCandidate> find();

private:
  bool isFirstByte(Value *Base);
  bool hasExtent(const Value *Base) const;
  bool isAvailable(const Value *Base, ProgramPoint Point) const;
  /// The outermost point whose copy holds what `Load` reads, if any.
  bool findPoint(LoadInst *Load, const Value *Base, ProgramPoint &Found) const;
  const BasicBlock *blockOf(ProgramPoint Point) const {
    const NormalLoop &L = N.Loops[Point.Loop];
    return Point.EachIteration ? L.Header : L.Preheader;
  }
  /// Whether only the caller may overwrite what `Load` reads of `Base`.
  bool isReadAtEnd(const LoadInst *Load, const Value *Base) const {
    int O = Known.Objects.objectAt(Base);
    return O >= 0 && Known.Objects[O].Kind == ObjectKind::Argument &&
           !Known.Overwrite.overwriterOf(Load);
  }
  void measureObjects();
  double sizeOf(ArrayRef<unsigned> Objects);
  void countersIn(const Value *V, SmallSetVector<int, 4> &Loops,
                  unsigned Depth = 0) const;

  const Plan &P;
  const NormalFunction &N;
  const Facts &Known;
  const DominatorTree &DT;
  SmallPtrSet<const Value *, 8> Assumed;
  /// By object; empty: not measured yet.
  std::vector<double> Elements;
};

/// Whether `Base` is always the first byte of an object: a base, or a header
/// phi of nothing else (buffers swapped by name).
bool CandidateFinder::isFirstByte(Value *Base) {
  if (Known.Objects.objectAt(Base) >= 0)
    return true;
  auto *Phi = dyn_cast<PHINode>(Base);
  if (!Phi)
    return false;
  if (!Assumed.insert(Phi).second)
    return true;
  return all_of(Phi->incoming_values(),
                [&](Value *V) { return isFirstByte(V); });
}

/// Whether the size of what `Base` points to is known. It is where each object
/// comes to be, and goes with the pointer from there on.
bool CandidateFinder::hasExtent(const Value *Base) const {
  return all_of(Known.Objects.pointsTo(Base), [&](unsigned O) {
    return P.Objects[O].Size.How != Extent::Form::None;
  });
}

bool CandidateFinder::isAvailable(const Value *Base, ProgramPoint Point) const {
  auto *I = dyn_cast<Instruction>(Base);
  if (!I)
    return true;
  const BasicBlock *At = blockOf(Point);
  if (!Point.EachIteration)
    return DT.dominates(I, At->getTerminator());
  // At the top of an iteration: computed before it, or a phi of the header.
  return I->getParent() == At ? isa<PHINode>(I) : DT.dominates(I, At);
}

bool CandidateFinder::findPoint(LoadInst *Load, const Value *Base,
                                ProgramPoint &Found) const {
  for (int L : N.nestOf(Load->getParent()))
    for (bool EachIteration : {false, true}) {
      ProgramPoint Point{L, EachIteration};
      if (!isAvailable(Base, Point) ||
          Known.Overwrite.mayBeWrittenSince(Point, Load))
        continue;
      Found = Point;
      return true;
    }
  return false;
}

/// The loops whose counters the value depends on.
void CandidateFinder::countersIn(const Value *V, SmallSetVector<int, 4> &Loops,
                                 unsigned Depth) const {
  auto *I = dyn_cast<Instruction>(V);
  if (!I || Depth > 12)
    return;
  if (isa<PHINode, LoadInst, CallInst>(I)) {
    for (int L : N.nestOf(I->getParent()))
      Loops.insert(L);
    if (int L = N.loopOf(I->getParent()); L >= 0 && N.Loops[L].Counter == I) {
      Loops.clear();
      Loops.insert(L);
    }
    return;
  }
  SmallSetVector<int, 4> All = Loops;
  for (const Value *Op : I->operands()) {
    SmallSetVector<int, 4> One;
    countersIn(Op, One, Depth + 1);
    All.insert(One.begin(), One.end());
  }
  Loops = All;
}

/// How many elements the widest access of each object runs over, estimated.
void CandidateFinder::measureObjects() {
  Elements.assign(Known.Objects.size(), 1);
  for (const Instruction &I : instructions(*N.F))
    for (const Access &A : accessesOf(I)) {
      if (A.isAnything() || Known.Objects.pointsTo(A.Ptr).empty())
        continue;
      SmallSetVector<int, 4> Loops;
      countersIn(A.Ptr, Loops);
      double Widest = Known.Loops.estimate(Loops.getArrayRef());
      for (unsigned O : Known.Objects.pointsTo(A.Ptr))
        Elements[O] = std::max(Elements[O], Widest);
    }
}

/// Estimated bytes: as many elements as the widest access of the object runs
/// over, but not more than its rank allows.
double CandidateFinder::sizeOf(ArrayRef<unsigned> Objects) {
  if (Elements.empty())
    measureObjects();
  double Largest = 8;
  for (unsigned O : Objects) {
    const Extent &Size = P.Objects[O].Size;
    if (Size.How == Extent::Form::Literal) {
      Largest = std::max(Largest, double(Size.Literal));
      continue;
    }
    if (auto *C = dyn_cast_or_null<ConstantInt>(Size.Bytes)) {
      Largest = std::max(Largest, double(C->getZExtValue()));
      continue;
    }
    double Count = Elements[O];
    if (Size.How == Extent::Form::Argument) {
      double Limit = 1;
      for (unsigned R = 0; R < P.Req.Args[Size.Arg].Rank; ++R)
        Limit *= UnknownAxis;
      Count = std::min(Count, Limit);
    }
    Largest = std::max(Largest, 8 * Count);
  }
  return Largest;
}

std::vector<SnapshotCandidate> CandidateFinder::find() {
  std::vector<SnapshotCandidate> Result;
  for (BasicBlock *BB : N.Order)
    for (Instruction &I : *BB) {
      auto *Load = dyn_cast<LoadInst>(&I);
      // Of pointers a copy would be needed in shadow memory as well.
      if (!Load || Load->getType()->isPointerTy() ||
          !Known.Overwrite.isOverwritten(Load))
        continue;
      Value *Base = MemoryObjects::rootOf(Load->getPointerOperand());
      Assumed.clear();
      ProgramPoint Point;
      if (!isReadAtEnd(Load, Base) && (!isFirstByte(Base) || !hasExtent(Base) ||
                                       !findPoint(Load, Base, Point)))
        continue;
      auto It = find_if(Result, [&](const SnapshotCandidate &C) {
        return C.Copy.Base == Base && C.Copy.Loop == Point.Loop &&
               C.Copy.EachIteration == Point.EachIteration;
      });
      if (It == Result.end()) {
        SnapshotCandidate C;
        C.Copy.Base = Base;
        C.Copy.Objects.assign(Known.Objects.pointsTo(Base).begin(),
                              Known.Objects.pointsTo(Base).end());
        C.Copy.Loop = Point.Loop;
        C.Copy.EachIteration = Point.EachIteration;
        C.Bytes = sizeOf(C.Copy.Objects);
        if (!C.Copy.isAtEnd())
          C.Bytes *= Known.Loops.estimate(N.nestOf(blockOf(Point)));
        It = Result.insert(Result.end(), std::move(C));
      }
      It->Loads.push_back(Load);
    }
  return Result;
}

} // namespace

std::vector<SnapshotCandidate>
snapshotCandidates(const Plan &P, const Facts &Known, const DominatorTree &DT) {
  return CandidateFinder(P, Known, DT).find();
}

} // namespace pyfront
