//===- OverwriteFacts.h - Which loads the reverse sweep cannot repeat -----===//
///
/// \file
/// The reverse sweep does not write primal memory, so a load can be repeated
/// there unless a write of the forward sweep may touch its memory after it ran.
///
///   for t:
///     %a = load %u[i]      ; overwritten: the store below, an iteration later
///     store %b, %u[i]
///     %c = load %k[i]      ; stable: nothing writes k
///
/// Asked in this order: by objects (MemoryObjects.h), by paths (does the write
/// run after the load at all, back edges included), by subscripts
/// (Subscripts.h: rows or iterations that cannot meet).
///
/// In split mode the caller comes between the sweeps: then the memory of
/// arguments counts as overwritten when the kernel ends.
///
/// The second question serves the state snapshot: has the memory been written
/// between a point of the program and the load? If not, a copy made at that
/// point holds what the load read.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_OVERWRITEFACTS_H
#define PYFRONT_ACTIVITY_OVERWRITEFACTS_H

#include "activity/MemoryObjects.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseSet.h"

namespace pyfront {

class Subscripts;

/// A place where the forward sweep can copy memory: each time loop `Loop` is
/// about to begin, or at the top of each of its iterations.
struct ProgramPoint {
  int Loop = -1;
  bool EachIteration = false;
};

class OverwriteFacts {
public:
  /// `CallerWrites`: the kernel's caller may write what it has access to before
  /// the reverse sweep runs.
  OverwriteFacts(const NormalFunction &N, const MemoryObjects &Objects,
                 const Subscripts &Subs, bool CallerWrites);

  /// Whether `Load` may not be repeated.
  bool isOverwritten(const llvm::LoadInst *Load) const {
    return overwriterOf(Load) || ByCaller.contains(Load);
  }
  /// A write of the kernel after which `Load` may not be repeated, or null.
  const llvm::Instruction *overwriterOf(const llvm::LoadInst *Load) const {
    return Overwriter.lookup(Load);
  }
  /// Whether the memory of `Load` may be written between the last time that
  /// `P` was passed and the load. `P.Loop` must contain the load.
  bool mayBeWrittenSince(ProgramPoint P, const llvm::LoadInst *Load) const;

  void print(llvm::raw_ostream &OS) const;

private:
  unsigned indexOf(const llvm::BasicBlock *BB) const {
    return Index.lookup(BB);
  }
  /// The blocks entered on paths that start after `From` and do not enter
  /// `Forbidden`.
  llvm::BitVector enteredFrom(const llvm::BasicBlock *From,
                              const llvm::BasicBlock *Forbidden) const;
  /// Whether code outside of the kernel may reach the memory.
  bool isShared(const llvm::Value *Ptr) const;
  bool runsAfter(const llvm::Instruction *Write,
                 const llvm::Instruction *Load) const;

  const NormalFunction &N;
  const MemoryObjects &Objects;
  llvm::DenseMap<const llvm::BasicBlock *, unsigned> Index;
  llvm::SmallVector<llvm::BitVector, 0> Entered;
  llvm::SmallVector<Access, 16> Writes;
  llvm::SmallVector<const llvm::LoadInst *, 32> Loads;
  llvm::DenseMap<const llvm::LoadInst *, const llvm::Instruction *> Overwriter;
  llvm::DenseSet<const llvm::LoadInst *> ByCaller;
};

} // namespace pyfront

#endif
