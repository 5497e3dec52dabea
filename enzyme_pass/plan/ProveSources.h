//===- ProveSources.h - What was read is still there, proved again --------===//
///
/// \file
/// A wrong reload or snapshot is a wrong gradient in silence. So the verifier
/// does not take the word of OverwriteFacts, which answers by sets of reachable
/// blocks, but walks the flow graph from each load:
///
///   reload     forwards: no write on the way may touch what was read
///   snapshot   backwards: every way comes from the copy, and no write on it
///              may touch what the load reads
///
/// Both ask the same model of memory (Accesses.h) and the same proof that two
/// subscripts never meet.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_PROVESOURCES_H
#define PYFRONT_PLAN_PROVESOURCES_H

#include "activity/Facts.h"
#include "enzyme_pass/plan/Plan.h"

namespace pyfront {

class SourceProver {
public:
  SourceProver(const Plan &P, const Facts &Known);

  /// Whether repeating `Load` in the reverse sweep reads the same bytes.
  bool isStillThere(const llvm::LoadInst &Load) const;
  /// The same for what `Ptr` points to when `Call` has ended.
  bool isStillThere(const llvm::CallInst &Call, const llvm::Value &Ptr) const;
  /// Whether the last copy made for `S` before `Load` holds what it reads.
  bool isInCopy(const llvm::LoadInst &Load, const Snapshot &S) const;

private:
  bool mayChangeAfter(const llvm::Instruction &At,
                      llvm::function_ref<bool(const Access &)> MayChange) const;
  bool mayChange(const Access &Write, const llvm::LoadInst &Load) const;

  const Plan &P;
  const Facts &Known;
  /// By block, in program order.
  llvm::DenseMap<const llvm::BasicBlock *, llvm::SmallVector<Access, 4>> Writes;
};

} // namespace pyfront

#endif
