//===- Emit.h - From a plan to the derivative -----------------------------===//
///
/// \file
/// Writes one function. In reverse mode: the forward sweep (a clone of the
/// primal with tape writes), then the reverse sweep. In forward mode: the clone
/// alone, with the tangents beside the values. In split mode the function is
/// cut in two at the end (Split.h). It reads the plan and the rule table, asks
/// no analysis and cannot fail (E1, E2).
///
///   i32 @derivative(excinfo, primal's parameters ..., shadows and adjoints
///   ...,
///                   seed, value)
///     enter:    variables; arena mark; shadows of workspace
///     forward:  the primal; a raise leaves the arena and returns its status
///     reverse:  blocks in reverse, adjoints accumulated
///     finish:   adjoints of active scalars stored; arena left; ret 0
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_EMIT_H
#define PYFRONT_EMIT_EMIT_H

#include "enzyme_pass/plan/Plan.h"

namespace pyfront {

void emitDerivative(const Plan &P);

} // namespace pyfront

#endif
