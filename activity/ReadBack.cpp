//===- ReadBack.cpp - How: iteration by iteration -------------------------===//
#include "activity/ReadBack.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace pyfront {

ReadBack::ReadBack(const NormalFunction &N, const MemoryObjects &Objects,
                   const Subscripts &Subs, ScalarEvolution &SE)
    : N(N), Objects(Objects), Subs(Subs), SE(SE), DT(*N.F) {
  for (const BasicBlock *BB : N.Order)
    for (const Instruction &I : *BB) {
      append_range(Writes, writesOf(I));
      if (auto *L = dyn_cast<LoadInst>(&I))
        if (const ElementAccess *Read = Subs.elements().of(*L))
          LoadsOf[Read->Base].push_back(L);
    }
}

ArrayRef<const LoadInst *> ReadBack::readersOf(const StoreInst &S) const {
  auto [It, New] = Readers.try_emplace(&S);
  const ElementAccess *Stored = New ? Subs.elements().of(S) : nullptr;
  auto Loads = Stored ? LoadsOf.find(Stored->Base) : LoadsOf.end();
  if (Loads != LoadsOf.end())
    copy_if(Loads->second, std::back_inserter(It->second),
            [&](const LoadInst *L) { return isReadBy(S, *L); });
  return It->second;
}

ArrayRef<const Instruction *>
ReadBack::overwritersOf(const StoreInst &S) const {
  auto [It, New] = Overwriters.try_emplace(&S);
  std::vector<const Instruction *> &Found = It->second;
  if (!New)
    return Found;
  const Access Stored = accessesOf(S).front();
  for (const Access &Write : Writes)
    if (Objects.mayTouch(Write, Stored) &&
        Subs.canFollowWithin(*Write.I, S, nullptr) &&
        !Subs.neverMeetsLater(S, *Write.I))
      Found.push_back(Write.I);
  return Found;
}

const LoadInst *ReadBack::loadOverwrittenBy(const StoreInst &S) const {
  const Access Stored = accessesOf(S).front();
  for (const Instruction *I = S.getPrevNode(); I; I = I->getPrevNode()) {
    auto *L = dyn_cast<LoadInst>(I);
    if (L && L->getType() == S.getValueOperand()->getType() &&
        (L->getPointerOperand() == S.getPointerOperand() ||
         SE.getSCEV(const_cast<Value *>(L->getPointerOperand())) ==
             SE.getSCEV(const_cast<Value *>(S.getPointerOperand()))))
      return L;
    if (any_of(writesOf(*I), [&](const Access &Write) {
          return Objects.mayTouch(Write, Stored);
        }))
      return nullptr;
  }
  return nullptr;
}

bool ReadBack::isReadBy(const StoreInst &S, const LoadInst &L) const {
  if (L.getType() != S.getValueOperand()->getType())
    return false;
  const ElementAccess *Stored = Subs.elements().of(S),
                      *Read = Subs.elements().of(L);
  if (!Stored || !Read || Stored->Base != Read->Base ||
      Stored->Nest.size() > Read->Nest.size() ||
      Stored->Nest.size() + 1 < Read->Nest.size())
    return false;
  ArrayRef<const Loop *> OfStore(Stored->Nest), OfLoad(Read->Nest);
  size_t Shared =
      std::mismatch(OfStore.begin(), OfStore.end(), OfLoad.begin()).first -
      OfStore.begin();
  Nests In{OfStore.take_front(Shared), OfStore.drop_front(Shared),
           OfLoad.drop_front(Shared)};
  const Conditions Held = conditionsAt(S, In);
  if (!sameElements(*Stored, *Read, In) || !runsInEachIteration(L, In, Held))
    return false;
  const Loop *Iteration = In.Common.empty() ? nullptr : In.Common.back();
  const BasicBlock *To =
      In.OfLoad.empty() ? L.getParent() : normal(In.OfLoad.front()).Preheader;
  bool IsNext =
      To == S.getParent() && (!In.OfLoad.empty() || S.comesBefore(&L));
  return (IsNext || alwaysLeadsTo(S, To, Iteration, Held)) &&
         !isWrittenBetween(S, L, In);
}

const NormalLoop &ReadBack::normal(const Loop *L) const {
  return N.Loops[N.loopOf(L->getHeader())];
}

bool ReadBack::isFixed(const SCEV *F, Nests In) const {
  return !SCEVExprContains(F, [&](const SCEV *S) {
    if (auto *Rec = dyn_cast<SCEVAddRecExpr>(S))
      return !is_contained(In.Common, Rec->getLoop());
    auto *U = dyn_cast<SCEVUnknown>(S);
    auto *I = U ? dyn_cast<Instruction>(U->getValue()) : nullptr;
    return I && N.loopOf(I->getParent()) >= 0 &&
           !is_contained(In.Common, Subs.elements().innermost(*I));
  });
}

/// The last iteration of a loop that is known to run: not the -1 of one that
/// does not.
static Value *lastOnceEntered(Value *Last) {
  Value *Entered;
  if (match(Last, m_Select(m_Value(), m_Value(Entered), m_AllOnes())))
    return Entered;
  return Last;
}

bool ReadBack::sameTrips(const Loop *A, const Loop *B, Nests In) const {
  Value *LastOfA = normal(A).Last, *LastOfB = normal(B).Last;
  if (!LastOfA || !LastOfB)
    return false;
  const SCEV *Last = SE.getSCEV(lastOnceEntered(LastOfA));
  return Last == SE.getSCEV(lastOnceEntered(LastOfB)) && isFixed(Last, In);
}

/// The offsets are one function of the counters, those of paired loops equal.
/// A loop that the load has alone runs once at the store's element.
bool ReadBack::sameElements(const ElementAccess &S, const ElementAccess &L,
                            Nests In) const {
  auto SameStep = [&](const Loop *OfStore, const Loop *OfLoad) {
    const SCEV *Step = S.Offset.coefficient({OfStore});
    return Step == L.Offset.coefficient({OfLoad}) &&
           (!Step || isFixed(Step, In));
  };
  auto Paired = In.OfLoad.take_front(In.OfStore.size());
  if (!isFixed(S.Offset.Rest, In) ||
      !all_of(In.Common, [&](const Loop *C) { return SameStep(C, C); }) ||
      !all_of(zip_equal(In.OfStore, Paired), [&](auto Pair) {
        auto [OfStore, OfLoad] = Pair;
        return sameTrips(OfStore, OfLoad, In) && SameStep(OfStore, OfLoad);
      }))
    return false;
  if (Paired.size() == In.OfLoad.size())
    return S.Offset.Rest == L.Offset.Rest;
  auto *Last = dyn_cast_or_null<ConstantInt>(normal(In.OfLoad.back()).Last);
  auto *Step =
      dyn_cast_or_null<SCEVConstant>(L.Offset.coefficient({In.OfLoad.back()}));
  auto *Ahead =
      dyn_cast<SCEVConstant>(SE.getMinusSCEV(S.Offset.Rest, L.Offset.Rest));
  if (!Last || !Step || !Ahead || Step->isZero())
    return false;
  int64_t Bytes = Ahead->getAPInt().getSExtValue(),
          Size = Step->getAPInt().getSExtValue();
  return Bytes % Size == 0 && Bytes / Size >= 0 &&
         uint64_t(Bytes / Size) <= Last->getZExtValue();
}

ReadBack::Conditions ReadBack::conditionsAt(const StoreInst &S,
                                            Nests In) const {
  Conditions Held;
  for (auto *Node = DT.getNode(S.getParent())->getIDom(); Node;
       Node = Node->getIDom()) {
    auto *Branch = dyn_cast<BranchInst>(Node->getBlock()->getTerminator());
    if (!Branch || !Branch->isConditional() ||
        Branch->getSuccessor(0) == Branch->getSuccessor(1))
      continue;
    Value *Condition = Branch->getCondition();
    auto *I = dyn_cast<Instruction>(Condition);
    if (I && N.loopOf(I->getParent()) >= 0 &&
        !is_contained(In.Common, Subs.elements().innermost(*I)))
      continue;
    for (unsigned Way : {0, 1})
      if (DT.dominates(
              BasicBlockEdge(Node->getBlock(), Branch->getSuccessor(Way)),
              S.getParent()))
        Held.try_emplace(Condition, Way == 0);
  }
  return Held;
}

SmallVector<const BasicBlock *, 2>
ReadBack::nextOf(const BasicBlock *BB, const Conditions &Held) const {
  SmallVector<const BasicBlock *, 2> Next;
  auto *Branch = dyn_cast<BranchInst>(BB->getTerminator());
  auto Known = Branch && Branch->isConditional()
                   ? Held.find(Branch->getCondition())
                   : Held.end();
  if (Known != Held.end())
    Next.push_back(Branch->getSuccessor(Known->second ? 0 : 1));
  else
    append_range(Next, successors(BB));
  erase_if(Next, [&](const BasicBlock *S) { return !N.isLive(S); });
  return Next;
}

/// Each iteration of the load's own loops enters the loop within, and the
/// innermost runs the load.
bool ReadBack::runsInEachIteration(const LoadInst &L, Nests In,
                                   const Conditions &Held) const {
  for (unsigned K = 0; K < In.OfLoad.size(); ++K) {
    const Loop *Around = In.OfLoad[K];
    const BasicBlock *Through = K + 1 < In.OfLoad.size()
                                    ? normal(In.OfLoad[K + 1]).Preheader
                                    : L.getParent();
    const BasicBlock *Header = Around->getHeader();
    SmallPtrSet<const BasicBlock *, 16> Seen{Header};
    SmallVector<const BasicBlock *, 16> Work;
    if (Header != Through)
      Work.push_back(Header);
    while (!Work.empty())
      for (const BasicBlock *Next : nextOf(Work.pop_back_val(), Held)) {
        if (Next == Through)
          continue;
        if (Next == Header || !Around->contains(Next))
          return false;
        if (Seen.insert(Next).second)
          Work.push_back(Next);
      }
  }
  return true;
}

/// Whether each way from `S` to the end of the iteration enters `To`.
bool ReadBack::alwaysLeadsTo(const StoreInst &S, const BasicBlock *To,
                             const Loop *Iteration,
                             const Conditions &Held) const {
  const BasicBlock *Again = Iteration ? Iteration->getHeader() : nullptr;
  SmallPtrSet<const BasicBlock *, 16> Seen;
  SmallVector<const BasicBlock *, 16> Work{S.getParent()};
  while (!Work.empty()) {
    const BasicBlock *BB = Work.pop_back_val();
    if (BB == N.Success)
      return false;
    for (const BasicBlock *Next : nextOf(BB, Held)) {
      if (Next == Again)
        return false;
      if (Next != To && Seen.insert(Next).second)
        Work.push_back(Next);
    }
  }
  return true;
}

bool ReadBack::isWrittenBetween(const StoreInst &S, const LoadInst &L,
                                Nests In) const {
  const Loop *Iteration = In.Common.empty() ? nullptr : In.Common.back();
  const Access Stored = accessesOf(S).front();
  return any_of(Writes, [&](const Access &Write) {
    return Objects.mayTouch(Write, Stored) &&
           Subs.canFollowWithin(*Write.I, S, Iteration) &&
           Subs.canFollowWithin(L, *Write.I, Iteration) &&
           !Subs.neverMeetsLater(S, *Write.I, In.Common.size());
  });
}

void ReadBack::print(raw_ostream &OS) const {
  DenseMap<const Instruction *, unsigned> Number;
  SmallVector<const LoadInst *, 16> Loads;
  for (const Instruction &I : instructions(*N.F)) {
    Number.try_emplace(&I, Number.size());
    if (auto *L = dyn_cast<LoadInst>(&I); L && N.isLive(I.getParent()))
      Loads.push_back(L);
  }
  for (const Access &Write : Writes) {
    auto *S = dyn_cast<StoreInst>(Write.I);
    if (!S)
      continue;
    OS << "  #" << Number.lookup(S) << ":";
    for (const LoadInst *L : Loads)
      if (isReadBy(*S, *L))
        OS << " read by %" << L->getName() << ",";
    if (const LoadInst *L = loadOverwrittenBy(*S))
      OS << " overwrites what %" << L->getName() << " read,";
    OS << " gone after";
    for (const Instruction *I : overwritersOf(*S))
      OS << " #" << Number.lookup(I);
    OS << "\n";
  }
}

} // namespace pyfront
