//===- Subscripts.cpp - How: one proof per order of the two executions ----===//
///
/// \file
/// The write runs after the load either in the same iteration of all loops
/// around both, or in a later iteration of the first of them that differs. Each
/// of these orders relates the counters of the two executions:
///
///   shared loops         k          of both
///   the loop that differs  x  of the load, x + 1 + gap  of the write
///   the loops within     x1, x2 ... of the load, y1, y2 ... of the write
///
/// and in each, one axis has to show different subscripts.
//===----------------------------------------------------------------------===//
#include "activity/Subscripts.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/CFG.h"
#include <numeric>

using namespace llvm;

namespace pyfront {

namespace {

enum CopyOf : unsigned { Both = 0, OfLoad = 1, OfWrite = 2, Gap = 3 };

AffineForm counter(const Loop *L, CopyOf Copy, ScalarEvolution &SE) {
  return AffineForm::counter({L, Copy}, SE, Type::getInt64Ty(SE.getContext()));
}

/// Whether no choice of counters makes `F` zero because of a common divisor.
bool isNeverDivisible(const AffineForm &F) {
  auto *Rest = dyn_cast<SCEVConstant>(F.Rest);
  if (!Rest || F.Terms.empty())
    return false;
  uint64_t Divisor = 0;
  for (const AffineForm::Term &T : F.Terms) {
    auto *C = dyn_cast<SCEVConstant>(T.Coefficient);
    if (!C)
      return false;
    Divisor = std::gcd(Divisor, C->getAPInt().abs().getZExtValue());
  }
  return Rest->getAPInt().abs().getZExtValue() % Divisor != 0;
}

} // namespace

bool Subscripts::isCommon(const AffineForm &F, Order O) const {
  return F.all([&](const SCEV *S) {
    return !SCEVExprContains(S, [&](const SCEV *T) {
      auto *U = dyn_cast<SCEVUnknown>(T);
      auto *I = U ? dyn_cast<Instruction>(U->getValue()) : nullptr;
      return I && N.loopOf(I->getParent()) >= 0 &&
             !is_contained(O.Shared, Elements.innermost(*I));
    });
  });
}

static AffineForm ofLoad(const AffineForm &F, ArrayRef<const Loop *> Shared,
                         ScalarEvolution &SE) {
  return F.substitute(
      [&](const Loop *L) {
        return counter(L, is_contained(Shared, L) ? Both : OfLoad, SE);
      },
      SE);
}

static AffineForm ofWrite(const AffineForm &F, ArrayRef<const Loop *> Shared,
                          const Loop *Later, ScalarEvolution &SE) {
  return F.substitute(
      [&](const Loop *L) {
        if (is_contained(Shared, L))
          return counter(L, Both, SE);
        if (L != Later)
          return counter(L, OfWrite, SE);
        AffineForm Next = counter(L, OfLoad, SE).plus(1, SE);
        Next.add(counter(L, Gap, SE), SE.getOne(Next.Rest->getType()), SE);
        return Next;
      },
      SE);
}

AffineDomain Subscripts::domainOf(const ElementAccess &Load,
                                  const ElementAccess &Write, Order O) const {
  AffineDomain Domain(Elements.bounds());
  // Ends of ranges that both executions see alike; of others nothing is known.
  auto LastOf = [&](const Loop *L) {
    ArrayRef<AffineForm> Last = Elements.bounds().lastOf(L);
    bool Alike =
        all_of(Last, [&](const AffineForm &F) { return isCommon(F, O); });
    return Alike ? Last : ArrayRef<AffineForm>();
  };
  for (const Loop *L : O.Shared)
    Domain.add({L, Both}, LastOf(L));
  if (O.Later) {
    SmallVector<AffineForm, 2> BeforeLast, UpToLast;
    for (const AffineForm &Last : LastOf(O.Later)) {
      BeforeLast.push_back(Last.plus(-1, SE));
      UpToLast.push_back(
          BeforeLast.back().minus(counter(O.Later, OfLoad, SE), SE));
    }
    Domain.add({O.Later, OfLoad}, BeforeLast);
    Domain.add({O.Later, Gap}, UpToLast);
  }
  auto AddInner = [&](const ElementAccess &A, CopyOf Copy) {
    for (const Loop *L : A.Nest) {
      Domain.assumeEntered(L);
      if (is_contained(O.Shared, L) || L == O.Later)
        continue;
      SmallVector<AffineForm, 2> AtMost;
      for (const AffineForm &Last : LastOf(L))
        AtMost.push_back(Copy == OfLoad ? ofLoad(Last, O.Shared, SE)
                                        : ofWrite(Last, O.Shared, O.Later, SE));
      Domain.add({L, Copy}, AtMost);
    }
  };
  AddInner(Load, OfLoad);
  AddInner(Write, OfWrite);
  return Domain;
}

bool Subscripts::neverEqual(const AffineForm &Load, const AffineForm &Write,
                            const AffineDomain &Domain, Order O) const {
  if (!isCommon(Load, O) || !isCommon(Write, O))
    return false;
  AffineForm Difference = ofWrite(Write, O.Shared, O.Later, SE)
                              .minus(ofLoad(Load, O.Shared, SE), SE);
  AffineForm Opposite =
      AffineForm(SE.getZero(Load.Rest->getType())).minus(Difference, SE);
  return isNeverDivisible(Difference) ||
         Domain.isNonNegative(Difference.plus(-1, SE)) ||
         Domain.isNonNegative(Opposite.plus(-1, SE));
}

bool Subscripts::plainlyMeet(const ElementAccess &Load,
                             const ElementAccess &Write, Order O) const {
  const unsigned Shared = O.Shared.size(), Depth = Load.Nest.size();
  if (Write.Nest.size() != Depth)
    return false;
  auto StepOf = [](const ElementAccess &A, unsigned K) {
    return A.Offset.coefficient({A.Nest[K]});
  };
  for (unsigned K = 0; K < Depth; ++K)
    if (StepOf(Load, K) != StepOf(Write, K) ||
        (K == Shared && O.Later && StepOf(Load, K)))
      return false;
  if (Load.Offset.Rest == Write.Offset.Rest)
    return true;
  auto *Apart = dyn_cast<SCEVConstant>(
      SE.getMinusSCEV(Write.Offset.Rest, Load.Offset.Rest));
  auto IsLong = [&](const Loop *L) {
    ArrayRef<AffineForm> Last = Elements.bounds().lastOf(L);
    return none_of(Last, [](const AffineForm &F) {
      return F.Terms.empty() && isa<SCEVConstant>(F.Rest);
    });
  };
  return Apart &&
         any_of(seq(Shared + (O.Later != nullptr), Depth), [&](unsigned K) {
           auto *Step = dyn_cast_or_null<SCEVConstant>(StepOf(Load, K));
           return Step && !Step->isZero() &&
                  Apart->getAPInt().srem(Step->getAPInt()).isZero() &&
                  IsLong(Load.Nest[K]) && IsLong(Write.Nest[K]);
         });
}

bool Subscripts::neverMeet(const ElementAccess &Load,
                           const ElementAccess &Write, Order O) const {
  if (plainlyMeet(Load, Write, O))
    return false;
  AffineDomain Domain = domainOf(Load, Write, O);
  for (const ArrayShape &Shape : Elements.shapesFor(Load, Write)) {
    const auto *OfLoad = Elements.subscripts(Load, Shape);
    const auto *OfWrite = OfLoad ? Elements.subscripts(Write, Shape) : nullptr;
    if (!OfWrite)
      continue;
    for (auto [R, W] : zip_equal(*OfLoad, *OfWrite))
      if (neverEqual(R, W, Domain, O))
        return true;
    // On diagonals no axis alone tells: A[i + 1, i] and A[j, j].
    for (unsigned I = 1; I < OfLoad->size(); ++I)
      if (neverEqual((*OfLoad)[I - 1].minus((*OfLoad)[I], SE),
                     (*OfWrite)[I - 1].minus((*OfWrite)[I], SE), Domain, O))
        return true;
  }
  return false;
}

bool Subscripts::canFollowWithin(const Instruction &Write,
                                 const Instruction &Load,
                                 const Loop *Iteration) const {
  const BasicBlock *From = Load.getParent(), *To = Write.getParent();
  if (From == To && Load.comesBefore(&Write))
    return true;
  return enteredWithin(From, Iteration).contains(To);
}

const SmallPtrSetImpl<const BasicBlock *> &
Subscripts::enteredWithin(const BasicBlock *From, const Loop *L) const {
  auto &Seen = Entered[{From, L}];
  if (Seen)
    return *Seen;
  Seen = std::make_unique<SmallPtrSet<const BasicBlock *, 8>>();
  const BasicBlock *NextIteration = L ? L->getHeader() : nullptr;
  SmallVector<const BasicBlock *, 16> Work{From};
  while (!Work.empty())
    for (const BasicBlock *S : successors(Work.pop_back_val()))
      if (S != NextIteration && Seen->insert(S).second)
        Work.push_back(S);
  return *Seen;
}

void Subscripts::forget() {
  Elements.forget();
  Entered.clear();
}

bool Subscripts::neverMeetsLater(const Instruction &LoadI,
                                 const Instruction &WriteI,
                                 unsigned Fixed) const {
  if (!isa<StoreInst>(WriteI))
    return false;
  const ElementAccess *Load = Elements.of(LoadI);
  const ElementAccess *Write = Elements.of(WriteI);
  if (!Load || !Write || Load->Base != Write->Base || Load->Size != Write->Size)
    return false;
  ArrayRef<const Loop *> Common(Load->Nest);
  auto Differ = std::mismatch(Load->Nest.begin(), Load->Nest.end(),
                              Write->Nest.begin(), Write->Nest.end());
  Common = Common.take_front(Differ.first - Load->Nest.begin());
  for (unsigned Shared = Fixed; Shared < Common.size(); ++Shared)
    if (!neverMeet(*Load, *Write, {Common.take_front(Shared), Common[Shared]}))
      return false;
  const Loop *Iteration = Common.empty() ? nullptr : Common.back();
  return !canFollowWithin(WriteI, LoadI, Iteration) ||
         neverMeet(*Load, *Write, {Common, nullptr});
}

} // namespace pyfront
