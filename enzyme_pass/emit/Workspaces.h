//===- Workspaces.h - Shadows of Const arrays that hold active data -------===//
///
/// \file
/// A `Const` array that the kernel uses as workspace gets a shadow of its own,
/// zeroed on entry. Arrays that share memory share their shadows, at the same
/// distances:
///
///   f(x, w, w[2:])       w  : |----------------|        w'  : |------------|
///                        w[2:]:  |-------------|        w[2:]':  |---------|
///
/// Which of them do is known at the call only. The ranges of a group are united
/// until none of them changes, and each union gets one block of memory.
///
/// Invariant: two bytes of the group are the same byte if and only if their
/// shadows are the same.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_WORKSPACES_H
#define PYFRONT_EMIT_WORKSPACES_H

#include "enzyme_pass/emit/Derivative.h"

namespace pyfront {

/// The shadows of the objects of `Group`, a member of `Plan::Workspaces`.
llvm::SmallVector<llvm::Value *, 2>
makeWorkspaces(Derivative &D, llvm::IRBuilder<> &B,
               llvm::ArrayRef<unsigned> Group);

} // namespace pyfront

#endif
