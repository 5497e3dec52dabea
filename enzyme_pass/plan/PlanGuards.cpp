//===- PlanGuards.cpp - Where zero times infinity is zero -----------------===//
///
/// \file
/// The promise: *along a path of the chain rule on which one factor is exactly
/// zero, an infinite or NaN partial contributes nothing*. A factor is a partial,
/// a seed, or the choice of a select or a branch.
///
///   t = x * w                    reverse: t' is 0 where w is infinite,
///   y = t if w < 1e300 else x             and x' += w * t' must add 0
///
///   z = exp(-a / g)              forward: dz = z * d(-a/g) must be 0
///                                         where a is infinite
///
/// A product of a partial and an adjoint (or tangent) is guarded on the side
/// that may be exactly zero, where the other may be infinite or NaN:
///
///  - reverse, zero adjoint: the partial is singular, or it reads a value that
///    may be infinite or NaN without a result being so (Exposed.h). Then the
///    adjoint is zero, because what hides an infinity has the partial zero.
///  - forward, zero tangent: the partial is singular. Another is infinite only
///    with its instruction's value, and both are hidden together.
///  - forward, zero partial: the operand may be infinite and the value not
///    (exp at -inf), nor what reads the value; or a steep partial before it
///    made the tangent infinite.
///  - reverse, zero partial: a steep partial behind it made the adjoint so.
///
/// An infinity that comes of overflow is guarded against where a branch, a
/// select or memory discards it (a rejected step of an integrator), and not
/// where a function hides it: `1 / r**3` for the r whose cube overflows.
///
/// A partial is steep if it may be infinite where the value is finite, as that
/// of sqrt at 0 (Singular.h); but where only functions with a pole at 0 read the
/// root, they hide it. `Steep` follows what a steep partial makes infinite from
/// value to value, in forward mode as the program runs, in reverse mode against
/// it, through memory by objects.
//===----------------------------------------------------------------------===//
#include "core/KeptCalls.h"
#include "enzyme_pass/plan/Exposed.h"
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/plan/Singular.h"

using namespace llvm;

namespace pyfront {

namespace {

/// The values whose tangents or adjoints may be infinite though no result is.
class Steep {
public:
  Steep(const Plan &P, const Facts &Known)
      : P(P), Known(Known), IsForward(P.Req.How == Mode::Forward) {
    for (Value *V : P.Active)
      if (auto *I = dyn_cast<Instruction>(V))
        start(*I);
    for (const auto &[Call, Planned] : P.Calls)
      if (Planned.IsActive)
        start(*Call);
    while (!Work.empty()) {
      Value *V = Work.pop_back_val();
      IsForward ? forward(*V) : backward(*V);
    }
  }
  bool contains(const Value *V) const { return Set.contains(V); }

private:
  void add(Value *V) {
    if (P.isActive(V) && Set.insert(V).second)
      Work.push_back(V);
  }
  void start(Instruction &I) {
    const rules::Rule *R = rules::lookup(I);
    for (unsigned K = 0; R && K < R->arity(); ++K)
      if (isSteepHere(*R, I, K) && P.isActive(I.getOperand(K)) &&
          !(R->arity() == 1 && R->isSteepAtZeroOnly(K) && meetsPolesOnly(I)))
        add(IsForward ? &I : I.getOperand(K));
  }
  /// Whether all that reads `V` is infinite where `V` is 0, as `V ** -0.2`.
  /// Then either that reaches a result, or a zero adjoint meets it.
  bool meetsPolesOnly(const Instruction &V) const {
    return all_of(V.users(), [&](const User *U) {
      auto *Reader = cast<Instruction>(U);
      if (!P.carriesDerivative(*Reader))
        return true;
      const rules::Rule *R = rules::lookup(*Reader);
      return R && all_of(seq(R->arity()), [&](unsigned K) {
               return Reader->getOperand(K) != &V ||
                      R->hasPoleAtZero(*Reader, K);
             });
    });
  }
  /// What is inside of a call may be steep.
  void start(CallInst &Call) {
    for (Value *Given : Call.args())
      if (!IsForward)
        add(Given);
    for (const kept::Memory &M : kept::memoryOf(Call))
      if (M.isOfFloats() && (IsForward ? M.IsWritten : M.isRead()))
        throughMemory(M.Ptr);
  }
  void forward(Value &V);
  void backward(Value &V);
  /// What is read from (in reverse mode: written to) the memory of `Ptr`.
  void throughMemory(const Value *Ptr);

  const Plan &P;
  const Facts &Known;
  const bool IsForward;
  DenseSet<const Value *> Set, Pointers;
  SmallVector<Value *, 32> Work;
};

void Steep::forward(Value &V) {
  for (User *U : V.users()) {
    add(U);
    auto *S = dyn_cast<StoreInst>(U);
    if (S && P.ActiveAccesses.contains(S))
      throughMemory(S->getPointerOperand());
  }
}

void Steep::backward(Value &V) {
  if (auto *L = dyn_cast<LoadInst>(&V))
    throughMemory(L->getPointerOperand());
  else if (auto *I = dyn_cast<Instruction>(&V))
    for (Value *Op : I->operands())
      add(Op);
}

void Steep::throughMemory(const Value *Ptr) {
  if (!Pointers.insert(Ptr).second)
    return;
  auto IsMet = [&](const Value *Other) {
    Access Here, There;
    Here.Ptr = Ptr;
    There.Ptr = Other;
    return Known.Objects.mayTouch(Here, There);
  };
  for (Instruction *I : P.ActiveAccesses) {
    if (auto *Copy = dyn_cast<MemTransferInst>(I)) {
      const Value *To = Copy->getRawDest(), *From = Copy->getRawSource();
      if (IsMet(IsForward ? From : To))
        throughMemory(IsForward ? To : From);
    } else if (auto *L = dyn_cast<LoadInst>(I)) {
      if (IsForward && IsMet(L->getPointerOperand()))
        add(L);
    } else if (auto *S = dyn_cast<StoreInst>(I)) {
      if (!IsForward && IsMet(S->getPointerOperand()))
        add(S->getValueOperand());
    }
  }
}

class GuardPlanner {
public:
  GuardPlanner(Plan &P, const Facts &Known)
      : P(P), IsForward(P.Req.How == Mode::Forward), MadeInfinite(P, Known) {
    if (!IsForward) {
      Shown.emplace(P, Known, Exposed::Sense::Exposed);
      Used.emplace(P, Known, Exposed::Sense::Used);
    }
  }

  void run() {
    for (Value *V : P.Active) {
      auto *I = dyn_cast<Instruction>(V);
      const rules::Rule *R = I ? rules::lookup(*I) : nullptr;
      for (unsigned K = 0; R && K < R->arity(); ++K)
        if (P.isActive(I->getOperand(K)))
          plan(*I, *R, K);
    }
  }

private:
  void plan(Instruction &I, const rules::Rule &R, unsigned K) {
    if (R.isZero(K) || R.isOne(K) || R.isMinusOne(K))
      return;
    // What comes from a caller may be infinite, and what goes to it may be
    // hidden there.
    if (P.Req.Inner) {
      P.Guards[&I].ZeroFactor |= 1u << K;
      P.Guards[&I].ZeroPartial |= 1u << K;
      return;
    }
    GuardPlan Guard;
    if (isSingularHere(R, I, K) || isSteepHere(R, I, K) ||
        (!IsForward && mayHide(I, R, K)))
      Guard.ZeroFactor |= 1u << K;
    if (IsForward ? mayAbsorb(I, R, K) || MadeInfinite.contains(I.getOperand(K))
                  : MadeInfinite.contains(&I))
      Guard.ZeroPartial |= 1u << K;
    if (Guard.ZeroFactor | Guard.ZeroPartial) {
      P.Guards[&I].ZeroFactor |= Guard.ZeroFactor;
      P.Guards[&I].ZeroPartial |= Guard.ZeroPartial;
    }
  }

  /// Whether an infinity of the operand may end in `I`. Where what reads `I`
  /// is infinite anyway, its tangent may be NaN:
  ///
  ///   d = a / y
  ///   z = y + d      nothing else reads d
  bool mayAbsorb(const Instruction &I, const rules::Rule &R, unsigned K) const {
    return !R.passes(K) && !all_of(I.users(), [&](const User *U) {
      auto *Reader = cast<Instruction>(U);
      return !P.carriesDerivative(*Reader) ||
             passesOn(*I.getOperand(K), *Reader);
    });
  }
  static bool passesOn(const Value &V, const Instruction &Reader) {
    const rules::Rule *R = rules::lookup(Reader);
    return R && any_of(seq(R->arity()), [&](unsigned K) {
             return Reader.getOperand(K) == &V && R->passes(K);
           });
  }

  /// Whether the partial, which is not singular, may be infinite or NaN though
  /// no result is. Then so are the value and something that the partial reads.
  bool mayHide(const Instruction &I, const rules::Rule &R, unsigned K) const {
    if (Shown->contains(&I))
      return false;
    if (R.reads(K) >> R.arity() & 1)
      return true;
    for (unsigned J = 0; J < R.arity(); ++J) {
      const Value &Op = *I.getOperand(J);
      if (R.reads(K) >> J & 1 && !isShownOrFinite(Op, 0) &&
          !(Used->contains(&I) && isShownOrFinite(Op, MostSteps)))
        return true;
    }
    return false;
  }

  /// Whether `V`, where it is infinite or NaN, makes a result so, or has become
  /// so by overflow within the last `Steps` instructions.
  bool isShownOrFinite(const Value &V, unsigned Steps) const {
    if (auto *Literal = dyn_cast<ConstantFP>(&V))
      return Literal->getValueAPF().isFinite();
    if (Shown->contains(&V))
      return true;
    auto *I = dyn_cast<Instruction>(&V);
    const rules::Rule *R = I && Steps ? rules::lookup(*I) : nullptr;
    if (!R || !R->isTotalUnlessNegative() ||
        (!R->isTotal() && !isNotNegative(*I->getOperand(0), *I)))
      return false;
    return all_of(seq(R->arity()), [&](unsigned K) {
      const Value &Op = *I->getOperand(K);
      return !Op.getType()->isFloatingPointTy() ||
             isShownOrFinite(Op, Steps - 1);
    });
  }

  static constexpr unsigned MostSteps = 8;
  Plan &P;
  const bool IsForward;
  const Steep MadeInfinite;
  std::optional<Exposed> Shown, Used;
};

} // namespace

void planGuards(Planning &S) { GuardPlanner(S.P, S.Known).run(); }

} // namespace pyfront
