//===- AffineForm.cpp - How: structural recursion over SCEVs --------------===//
#include "core/AffineForm.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"

using namespace llvm;

namespace pyfront {

bool hasCounter(const SCEV *S) {
  return SCEVExprContains(S,
                          [](const SCEV *T) { return isa<SCEVAddRecExpr>(T); });
}

AffineForm AffineForm::counter(CounterCopy C, ScalarEvolution &SE, Type *Ty) {
  AffineForm F(SE.getZero(Ty));
  F.Terms.push_back({C, SE.getOne(Ty)});
  return F;
}

std::optional<AffineForm> AffineForm::of(const SCEV *S, ScalarEvolution &SE) {
  if (!hasCounter(S))
    return AffineForm(S);
  if (auto *Rec = dyn_cast<SCEVAddRecExpr>(S)) {
    if (!Rec->isAffine() || hasCounter(Rec->getStepRecurrence(SE)))
      return std::nullopt;
    std::optional<AffineForm> F = of(Rec->getStart(), SE);
    if (F)
      F->add(counter({Rec->getLoop(), 0}, SE, S->getType()),
             Rec->getStepRecurrence(SE), SE);
    return F;
  }
  if (auto *Add = dyn_cast<SCEVAddExpr>(S)) {
    AffineForm Sum(SE.getZero(S->getType()));
    for (const SCEV *Op : Add->operands()) {
      std::optional<AffineForm> F = of(Op, SE);
      if (!F)
        return std::nullopt;
      Sum.add(*F, SE.getOne(S->getType()), SE);
    }
    return Sum;
  }
  if (auto *Mul = dyn_cast<SCEVMulExpr>(S)) {
    std::optional<AffineForm> Varying;
    const SCEV *Factor = SE.getOne(S->getType());
    for (const SCEV *Op : Mul->operands()) {
      if (!hasCounter(Op)) {
        Factor = SE.getMulExpr(Factor, Op);
        continue;
      }
      if (Varying)
        return std::nullopt;
      Varying = of(Op, SE);
      if (!Varying)
        return std::nullopt;
    }
    AffineForm Product(SE.getZero(S->getType()));
    Product.add(*Varying, Factor, SE);
    return Product;
  }
  return std::nullopt;
}

const SCEV *AffineForm::coefficient(CounterCopy C) const {
  for (const Term &T : Terms)
    if (T.Counter == C)
      return T.Coefficient;
  return nullptr;
}

void AffineForm::drop(CounterCopy C) {
  erase_if(Terms, [&](const Term &T) { return T.Counter == C; });
}

void AffineForm::add(const AffineForm &O, const SCEV *Factor,
                     ScalarEvolution &SE) {
  Rest = SE.getAddExpr(Rest, SE.getMulExpr(Factor, O.Rest));
  for (const Term &T : O.Terms) {
    const SCEV *Part = SE.getMulExpr(Factor, T.Coefficient);
    if (const SCEV *Own = coefficient(T.Counter))
      Part = SE.getAddExpr(Own, Part);
    drop(T.Counter);
    if (!Part->isZero())
      Terms.push_back({T.Counter, Part});
  }
}

AffineForm AffineForm::minus(const AffineForm &O, ScalarEvolution &SE) const {
  AffineForm Result = *this;
  Result.add(O, SE.getMinusOne(Rest->getType()), SE);
  return Result;
}

AffineForm AffineForm::plus(int64_t Constant, ScalarEvolution &SE) const {
  AffineForm Result = *this;
  Result.Rest = SE.getAddExpr(
      Rest, SE.getConstant(Rest->getType(), Constant, /*isSigned=*/true));
  return Result;
}

AffineForm AffineForm::substitute(function_ref<AffineForm(const Loop *)> Of,
                                  ScalarEvolution &SE) const {
  AffineForm Result(Rest);
  for (const Term &T : Terms)
    Result.add(Of(T.Counter.L), T.Coefficient, SE);
  return Result;
}

std::optional<int64_t> AffineForm::constant() const {
  auto *C = dyn_cast<SCEVConstant>(Rest);
  if (!Terms.empty() || !C)
    return std::nullopt;
  return C->getAPInt().trySExtValue();
}

bool AffineForm::all(function_ref<bool(const SCEV *)> Holds) const {
  return Holds(Rest) &&
         all_of(Terms, [&](const Term &T) { return Holds(T.Coefficient); });
}

namespace {

/// A product, split into its number and its other factors.
struct Factors {
  APInt Number;
  SmallVector<const SCEV *, 4> Symbols;

  explicit Factors(const SCEV *S)
      : Number(APInt(S->getType()->getIntegerBitWidth(), 1)) {
    if (auto *C = dyn_cast<SCEVConstant>(S))
      Number = C->getAPInt();
    else if (auto *Mul = dyn_cast<SCEVMulExpr>(S)) {
      for (const SCEV *Op : Mul->operands())
        if (auto *C = dyn_cast<SCEVConstant>(Op))
          Number = C->getAPInt();
        else
          Symbols.push_back(Op);
    } else
      Symbols.push_back(S);
  }
};

/// `Term / Divisor` if all factors of the divisor are there, else null.
const SCEV *divideProduct(const SCEV *Term, const SCEV *Divisor,
                          ScalarEvolution &SE) {
  Factors T(Term), D(Divisor);
  if (D.Number.isZero() || !T.Number.srem(D.Number).isZero())
    return nullptr;
  for (const SCEV *Symbol : D.Symbols) {
    auto It = find(T.Symbols, Symbol);
    if (It == T.Symbols.end())
      return nullptr;
    T.Symbols.erase(It);
  }
  T.Symbols.push_back(SE.getConstant(T.Number.sdiv(D.Number)));
  return SE.getMulExpr(T.Symbols);
}

/// The addend of a divisor that decides: of `n + 2`, `n`.
const SCEV *leadingAddend(const SCEV *Divisor) {
  if (auto *Add = dyn_cast<SCEVAddExpr>(Divisor))
    return Add->operands().back();
  return Divisor;
}

/// The sum of what `Divisor` goes into, of the addends of `S`.
const SCEV *quotientOf(const SCEV *S, const SCEV *Divisor,
                       ScalarEvolution &SE) {
  const SCEV *Lead = leadingAddend(Divisor);
  SmallVector<const SCEV *, 4> Addends;
  if (auto *Add = dyn_cast<SCEVAddExpr>(S))
    append_range(Addends, Add->operands());
  else
    Addends.push_back(S);
  const SCEV *Quotient = SE.getZero(S->getType());
  for (const SCEV *Addend : Addends)
    if (const SCEV *Part = divideProduct(Addend, Lead, SE))
      Quotient = SE.getAddExpr(Quotient, Part);
  return Quotient;
}

} // namespace

AffineForm::Division AffineForm::divide(const SCEV *Divisor,
                                        ScalarEvolution &SE) const {
  AffineForm Quotient(quotientOf(Rest, Divisor, SE));
  for (const Term &T : Terms) {
    const SCEV *Q = quotientOf(T.Coefficient, Divisor, SE);
    if (!Q->isZero())
      Quotient.Terms.push_back({T.Counter, Q});
  }
  AffineForm Remainder = *this;
  Remainder.add(Quotient, SE.getNegativeSCEV(Divisor), SE);
  return {Quotient, Remainder};
}

} // namespace pyfront
