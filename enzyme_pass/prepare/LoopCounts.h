//===- LoopCounts.h - How often a loop runs, known how early --------------===//
///
/// \file
/// The index of a loop's last iteration as a value, written as far outside as
/// it means something:
///
///   for t:                                    %last = n > 0 ? zext(n - 1) : -1
///     if n > 0:                        ->     for t:
///       for i: ...    ; runs n times            if n > 0: for i: ...
///
/// ScalarEvolution's count holds where the loop has been entered; elsewhere it
/// is any number (`n - 1` of a 32-bit 0, zero-extended, is 2^32 - 1). So it
/// leaves a loop only together with the condition for being entered, and is -1,
/// no iteration, where that is false. Where the condition depends on the
/// iteration the count stays inside: whoever sizes memory by it then does so
/// where the loop is entered.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PREPARE_LOOPCOUNTS_H
#define PYFRONT_PREPARE_LOOPCOUNTS_H

#include "core/NormalFunction.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/IR/Dominators.h"

namespace pyfront {

struct LoopCount {
  /// Index of the last iteration, -1 for none; null if it is not known before
  /// the loop begins.
  llvm::Value *Last = nullptr;
  /// The loop at whose entry it is known: `L` itself or one around it.
  const llvm::Loop *KnownBefore = nullptr;
};

/// Writes the count of `L`. `N` says which blocks are live.
LoopCount writeLoopCount(const llvm::Loop &L, const NormalFunction &N,
                         llvm::DominatorTree &DT, llvm::ScalarEvolution &SE);

} // namespace pyfront

#endif
