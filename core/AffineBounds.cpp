//===- AffineBounds.cpp - How: elimination, innermost counter first -------===//
#include "core/AffineBounds.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"

using namespace llvm;

namespace pyfront {

namespace {

/// Minima and maxima that are told apart, per question.
constexpr unsigned MaxAlternatives = 8;

struct Replacer : SCEVRewriteVisitor<Replacer> {
  const SCEV *From, *To;
  Replacer(ScalarEvolution &SE, const SCEV *From, const SCEV *To)
      : SCEVRewriteVisitor(SE), From(From), To(To) {}
  const SCEV *visit(const SCEV *S) {
    return S == From ? To : SCEVRewriteVisitor<Replacer>::visit(S);
  }
};

const SCEV *findMinMax(const SCEV *S) {
  const SCEV *Found = nullptr;
  SCEVExprContains(S, [&](const SCEV *T) {
    if (!isa<SCEVMinMaxExpr, SCEVSequentialMinMaxExpr>(T))
      return false;
    Found = T;
    return true;
  });
  return Found;
}

/// `S` equals one of the results, which have neither minima nor maxima: each of
/// those equals one of its operands.
SmallVector<const SCEV *, 4> alternatives(const SCEV *S, ScalarEvolution &SE) {
  SmallVector<const SCEV *, 4> Work{S}, Result;
  while (!Work.empty()) {
    const SCEV *T = Work.pop_back_val();
    const SCEV *MinMax = findMinMax(T);
    if (!MinMax) {
      Result.push_back(T);
      continue;
    }
    if (Work.size() + Result.size() > MaxAlternatives)
      return {S};
    for (const SCEV *Op : MinMax->operands())
      Work.push_back(Replacer(SE, MinMax, Op).visit(T));
  }
  return Result;
}

} // namespace

LoopBounds::Forms LoopBounds::computeLast(const Loop *L) {
  const SCEV *Count = SE.getSymbolicMaxBackedgeTakenCount(L);
  if (isa<SCEVCouldNotCompute>(Count) ||
      SE.getTypeSizeInBits(Count->getType()) > 64)
    return {};
  Type *I64 = Type::getInt64Ty(SE.getContext());
  Forms Result;
  for (const SCEV *S : alternatives(SE.getNoopOrZeroExtend(Count, I64), SE)) {
    // An iteration is running, so its index is not negative.
    if (auto *C = dyn_cast<SCEVConstant>(S); C && C->getAPInt().isNegative())
      continue;
    std::optional<AffineForm> F = AffineForm::of(S, SE);
    if (!F)
      return {};
    Result.push_back(*F);
  }
  return Result;
}

ArrayRef<AffineForm> LoopBounds::lastOf(const Loop *L) {
  auto It = Last.find(L);
  if (It == Last.end())
    It = Last.try_emplace(L, std::make_unique<Forms>(computeLast(L))).first;
  return *It->second;
}

const LoopBounds::Guards &LoopBounds::guardsOf(const Loop *L) {
  auto It = OnEntry.find(L);
  if (It == OnEntry.end())
    It =
        OnEntry.try_emplace(L, std::make_unique<Guards>(Guards::collect(L, SE)))
            .first;
  return *It->second;
}

bool LoopBounds::isNonNegativeIn(const Loop *L, const SCEV *S) {
  if (auto It = Signs.find({L, S}); It != Signs.end())
    return It->second;
  const SCEV *Zero = SE.getZero(S->getType());
  bool Known = SE.isKnownNonNegative(SE.applyLoopGuards(S, guardsOf(L))) ||
               SE.isLoopEntryGuardedByCond(L, ICmpInst::ICMP_SGE, S, Zero);
  return Signs[{L, S}] = Known;
}

void LoopBounds::forget() {
  Last.clear();
  OnEntry.clear();
  Signs.clear();
}

AffineDomain AffineDomain::ofNest(ArrayRef<const Loop *> Nest,
                                  LoopBounds &Bounds) {
  AffineDomain D(Bounds);
  for (const Loop *L : Nest) {
    D.add({L, 0}, Bounds.lastOf(L));
    D.assumeEntered(L);
  }
  return D;
}

void AffineDomain::add(CounterCopy C, ArrayRef<AffineForm> AtMost) {
  Counters.push_back({C, SmallVector<AffineForm, 2>(AtMost)});
}

bool AffineDomain::isKnownNonNegative(const SCEV *S) const {
  return Bounds->SE.isKnownNonNegative(S) ||
         any_of(Entered,
                [&](const Loop *L) { return Bounds->isNonNegativeIn(L, S); });
}

bool AffineDomain::isNonNegative(const SCEV *S) const {
  if (auto *Add = dyn_cast<SCEVAddExpr>(S);
      Add && all_of(Add->operands(),
                    [&](const SCEV *Op) { return isKnownNonNegative(Op); }))
    return true;
  return isKnownNonNegative(S) ||
         all_of(alternatives(S, Bounds->SE),
                [&](const SCEV *T) { return isKnownNonNegative(T); });
}

bool AffineDomain::isNonNegative(AffineForm F, unsigned Level) const {
  while (Level-- > 0) {
    const Range &R = Counters[Level];
    const SCEV *C = F.coefficient(R.Counter);
    if (!C)
      continue;
    F.drop(R.Counter);
    if (isKnownNonNegative(C))
      continue;
    if (R.AtMost.empty() || !isKnownNonNegative(Bounds->SE.getNegativeSCEV(C)))
      return false;
    for (const AffineForm &Last : R.AtMost) {
      AffineForm AtLast = F;
      AtLast.add(Last, C, Bounds->SE);
      if (!isNonNegative(AtLast, Level))
        return false;
    }
    return true;
  }
  return F.Terms.empty() && isNonNegative(F.Rest);
}

} // namespace pyfront
