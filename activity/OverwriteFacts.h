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
/// arguments counts as overwritten when the kernel ends, unless the request says
/// that it stays as the forward half left it.
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
#include <memory>

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
  OverwriteFacts(const NormalFunction &N, const Request &Req,
                 const MemoryObjects &Objects, const Subscripts &Subs);

  /// Whether `Load` may not be repeated.
  bool isOverwritten(const llvm::LoadInst *Load) const {
    return overwriterOf(Load) || ByCaller.contains(Load);
  }
  /// A write of the kernel after which `Load` may not be repeated, or null.
  const llvm::Instruction *overwriterOf(const llvm::LoadInst *Load) const {
    return Overwriter.lookup(Load);
  }
  /// Whether what `Ptr` points to, as it is when `Call` has ended, may be gone
  /// before the reverse sweep comes by: the same question as for a load.
  bool isOverwrittenAfter(const llvm::Instruction &Call,
                          const llvm::Value *Ptr) const;
  /// Whether, in addition, it is found at the same address then: memory of the
  /// stack is another one in each half of a derivative.
  bool staysAsLeftBy(const llvm::Instruction &Call,
                     const llvm::Value *Ptr) const;
  /// Whether the memory of `Load` may be written between the last time that
  /// `P` was passed and the load. `P.Loop` must contain the load.
  bool mayBeWrittenSince(ProgramPoint P, const llvm::LoadInst *Load) const;

  void print(llvm::raw_ostream &OS) const;

private:
  void printKept(llvm::raw_ostream &OS, const llvm::LoadInst *Load) const;
  unsigned indexOf(const llvm::BasicBlock *BB) const {
    return Index.lookup(BB);
  }
  /// The blocks entered on paths that start after `From` and do not enter
  /// `Forbidden`.
  const llvm::BitVector &enteredFrom(const llvm::BasicBlock *From,
                                     const llvm::BasicBlock *Forbidden) const;
  /// The blocks from which a path leads to `To` and enters `Forbidden` nowhere.
  const llvm::BitVector &leadsTo(const llvm::BasicBlock *To,
                                 const llvm::BasicBlock *Forbidden) const;
  /// The writes that may touch what `Load` reads, in program order.
  llvm::SmallVector<unsigned, 8>
  writesMeeting(const llvm::LoadInst *Load) const;
  /// Whether the caller may write the memory before the reverse sweep runs.
  bool isWrittenByCaller(const llvm::Value *Ptr) const;
  bool runsAfter(const llvm::Instruction *Write,
                 const llvm::Instruction *Load) const;

  const NormalFunction &N;
  const Request &Req;
  const MemoryObjects &Objects;
  llvm::DenseMap<const llvm::BasicBlock *, unsigned> Index;
  /// Answers of `enteredFrom` and `leadsTo`.
  using Paths = llvm::DenseMap<
      std::pair<const llvm::BasicBlock *, const llvm::BasicBlock *>,
      std::unique_ptr<llvm::BitVector>>;
  mutable Paths Entered, Leading;
  llvm::SmallVector<Access, 16> Writes;
  /// By object: the places in `Writes` of those that may touch it.
  llvm::SmallVector<llvm::SmallVector<unsigned, 4>, 8> WritesOf;
  /// Those that may touch anything.
  llvm::SmallVector<unsigned, 4> WritesAnywhere;
  llvm::SmallVector<const llvm::LoadInst *, 32> Loads;
  llvm::DenseMap<const llvm::LoadInst *, const llvm::Instruction *> Overwriter;
  llvm::DenseSet<const llvm::LoadInst *> ByCaller;
};

} // namespace pyfront

#endif
