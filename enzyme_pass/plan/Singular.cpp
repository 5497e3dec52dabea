//===- Singular.cpp - What is known of the operand ------------------------===//
#include "enzyme_pass/plan/Singular.h"
#include "llvm/Analysis/SimplifyQuery.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace pyfront {

bool isNotNegative(const Value &V, const Instruction &At) {
  return cannotBeOrderedLessThanZero(&V,
                                     SimplifyQuery(At.getDataLayout(), &At));
}

/// Whether `V` is greater than 0 or NaN, as a distance softened by a literal.
static bool isPositive(const Value &V, const Instruction &At) {
  const Value *Rest;
  const APFloat *Literal;
  return match(&V, m_c_FAdd(m_Value(Rest), m_APFloat(Literal))) &&
         !Literal->isNegative() && Literal->isFiniteNonZero() &&
         isNotNegative(*Rest, At);
}

bool isSingularHere(const rules::Rule &R, const Instruction &I, unsigned K) {
  // A root: nothing but 0 makes its partial infinite, not the least number.
  bool IsRoot =
      R.arity() == 1 && R.isSteepAtZeroOnly(K) && R.isTotalUnlessNegative();
  return R.isSingular(K) && !(IsRoot && isPositive(*I.getOperand(K), I));
}

bool isSteepHere(const rules::Rule &R, const Instruction &I, unsigned K) {
  return R.isSteep(K) &&
         !(R.isSteepAtZeroOnly(K) &&
           (R.hasPoleAtZero(I, K) || isPositive(*I.getOperand(K), I)));
}

} // namespace pyfront
