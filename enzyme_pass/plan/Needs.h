//===- Needs.h - What the reverse sweep reads -----------------------------===//
///
/// \file
/// From activity and the rule table: which instructions have an adjoint, which
/// accesses touch shadow memory, which blocks are reversed and how control goes
/// back, and with these the set of keys that need a source. A pure function of
/// the facts; it decides nothing about sources.
///
///   z = fmul x, y      (x, y active)   reads x, y
///   y = load p         (active)        reads the shadow of p
///   merge of two active arms           reads which.B
///   reversed loop                      reads its last iteration index
///
/// A region without active instructions between a block and a dominator of it
/// is not reversed at all: control jumps back to the dominator.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_NEEDS_H
#define PYFRONT_PLAN_NEEDS_H

#include "enzyme_pass/plan/Plan.h"
#include "llvm/IR/Dominators.h"

namespace pyfront {

/// Fills `Reversed`, `ReversedLoops`, `Back`, and returns the keys that the
/// reverse sweep reads, in program order.
llvm::SetVector<Key> findNeeds(Plan &P, const llvm::DominatorTree &DT);

} // namespace pyfront

#endif
