//===- Singular.h - Whether a partial may be infinite here ----------------===//
///
/// \file
/// The rule table says of a function where its partials may be infinite at
/// finite operands. Here it is asked of one instruction:
///
///   %r2 = fadd (dx*dx + dy*dy), 1e-2
///   %r  = sqrt(%r2)                    not singular: the operand is above 0
///   %p  = pow(%r, -0.2)                not steep: at 0 the value is infinite
///
/// Steep: infinite or NaN though the instruction's value is finite.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_SINGULAR_H
#define PYFRONT_PLAN_SINGULAR_H

#include "core/rules/Rules.h"
#include "llvm/IR/Instruction.h"

namespace pyfront {

/// Whether `V` is at least 0, or NaN.
bool isNotNegative(const llvm::Value &V, const llvm::Instruction &At);

/// Of `I`, whose rule is `R`: the partial in operand `K`.
bool isSingularHere(const rules::Rule &R, const llvm::Instruction &I,
                    unsigned K);
bool isSteepHere(const rules::Rule &R, const llvm::Instruction &I, unsigned K);

} // namespace pyfront

#endif
