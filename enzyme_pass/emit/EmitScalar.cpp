//===- EmitScalar.cpp - Rules and selects backwards -----------------------===//
#include "core/Check.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/emit/ReverseSweep.h"

using namespace llvm;

namespace pyfront {

/// Primal: y = f(x_0, .., x_n)   Adjoint: x_k' += df/dx_k * y'; y' = 0.
void ReverseSweep::reverseRule(Builder &B, Instruction &I) {
  const rules::Rule *R = rules::lookup(I);
  PF_CHECK(R, "an active instruction without a rule");
  Value *OutBar = Bar.take(B, &I);
  for (unsigned K = 0; K < R->arity(); ++K) {
    Value *Operand = I.getOperand(K);
    if (R->isZero(K) || !Bar.has(Operand))
      continue;
    if (R->isOne(K)) {
      Bar.add(B, Operand, OutBar);
      continue;
    }
    if (R->isMinusOne(K)) {
      Bar.subtract(B, Operand, OutBar);
      continue;
    }
    SmallVector<Value *, 4> Reads(R->arity(), nullptr);
    for (unsigned J = 0; J < R->arity(); ++J)
      if (R->reads(K) >> J & 1)
        Reads[J] = Reader.primal(B, I.getOperand(J));
    Value *Result =
        R->reads(K) >> R->arity() & 1 ? Reader.primal(B, &I) : nullptr;
    Value *Partial =
        R->emitPartial(B, K, Reads, Result, I.getType(), P.Req.Embedded);
    Bar.add(B, Operand, D.contribution(B, I, K, Partial, OutBar));
  }
}

/// Primal: y = c ? a : b   Adjoint: a' += c ? y' : 0; b' += c ? 0 : y'; y' = 0.
void ReverseSweep::reverseSelect(Builder &B, SelectInst &I) {
  Value *OutBar = Bar.take(B, &I);
  Value *Condition = Reader.primal(B, I.getCondition());
  Constant *Zero = Bar.zero(I.getType());
  if (Bar.has(I.getTrueValue()))
    Bar.add(B, I.getTrueValue(), B.CreateSelect(Condition, OutBar, Zero));
  if (Bar.has(I.getFalseValue()))
    Bar.add(B, I.getFalseValue(), B.CreateSelect(Condition, Zero, OutBar));
}

} // namespace pyfront
