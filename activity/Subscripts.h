//===- Subscripts.h - Array accesses that cannot meet ----------------------===//
///
/// \file
/// Refines the overwrite question by subscripts: two accesses of one array whose
/// subscripts, over all iterations that run later, cannot be equal.
///
///   for k:                                   for t:
///     for i in k+1..n:                         for i:
///       ... = A[k, j]     ; row k                ... = U[t, i]
///       A[i, j] = ...     ; rows > k             U[t+1, i] = ...
///
/// Neither write reaches the row that was read, now or in any later iteration.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_SUBSCRIPTS_H
#define PYFRONT_ACTIVITY_SUBSCRIPTS_H

#include "enzyme_pass/Request.h"
#include "enzyme_pass/support/NormalFunction.h"
#include "llvm/Analysis/ScalarEvolution.h"

namespace pyfront {

class Subscripts {
public:
  Subscripts(const NormalFunction &N, const Request &Req,
             llvm::ScalarEvolution &SE)
      : N(N), Req(Req), SE(SE) {}

  /// Whether no execution of `Write` after an execution of `Load` touches the
  /// bytes that this execution of `Load` read. False if it cannot tell.
  bool neverMeetsLater(const llvm::LoadInst &Load,
                       const llvm::Instruction &Write) const;

private:
  const NormalFunction &N;
  const Request &Req;
  llvm::ScalarEvolution &SE;
};

} // namespace pyfront

#endif
