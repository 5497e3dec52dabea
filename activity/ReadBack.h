//===- ReadBack.h - What becomes of a stored value ------------------------===//
///
/// \file
/// Whether a value that a store leaves in memory is read before it is gone.
///
///   for t:
///     for i in 0..n:
///       acc[i] = f(x, i)          ; S
///     for i in 0..n:
///       v[i] += dt * acc[i]       ; L: reads each element that S wrote
///
/// `isReadBy(S, L)`: S and L lie in loops of equal trip counts, inside the same
/// loops, at the same subscripts; from S every way leads to L's loops, and in
/// each of their iterations to L; and nothing writes the element in between.
///
/// `overwritersOf(S)`: the writes that may end the life of what S wrote.
///
/// An answer that cannot be proved is "not read" or "may overwrite". Relied on,
/// as in Subscripts.h: an index lies within its axis.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_READBACK_H
#define PYFRONT_ACTIVITY_READBACK_H

#include "activity/MemoryObjects.h"
#include "activity/Subscripts.h"

namespace pyfront {

class ReadBack {
public:
  ReadBack(const NormalFunction &N, const MemoryObjects &Objects,
           const Subscripts &Subs, llvm::ScalarEvolution &SE);

  /// The writes after `S` that may be of the element that it wrote; itself,
  /// if a later execution may be. Answers are kept.
  llvm::ArrayRef<const llvm::Instruction *>
  overwritersOf(const llvm::StoreInst &S) const;

  /// The loads for which `isReadBy(S, L)` holds. Answers are kept.
  llvm::ArrayRef<const llvm::LoadInst *>
  readersOf(const llvm::StoreInst &S) const;

  /// Whether each value that `S` stores is read by a later execution of `L`.
  bool isReadBy(const llvm::StoreInst &S, const llvm::LoadInst &L) const;

  /// The load that reads what the store is about to overwrite, in its block
  /// and with no write of that memory in between; null: there is none.
  const llvm::LoadInst *loadOverwrittenBy(const llvm::StoreInst &S) const;

  /// Writes have no names: the kernel's instructions are numbered from 0.
  void print(llvm::raw_ostream &OS) const;

private:
  /// The loops around both, and those around one of them alone: in pairs, but
  /// that the load may have one more, of a length that is a literal.
  struct Nests {
    llvm::ArrayRef<const llvm::Loop *> Common;
    llvm::ArrayRef<const llvm::Loop *> OfStore;
    llvm::ArrayRef<const llvm::Loop *> OfLoad;
  };

  bool sameElements(const ElementAccess &S, const ElementAccess &L,
                    Nests In) const;
  bool sameTrips(const llvm::Loop *A, const llvm::Loop *B, Nests In) const;
  /// Whether `F` has one value in each iteration of the common loops.
  bool isFixed(const llvm::SCEV *F, Nests In) const;
  /// Conditions that held when the store ran, and hold in all of the iteration
  /// of the common loops.
  using Conditions = llvm::SmallDenseMap<const llvm::Value *, bool, 4>;
  Conditions conditionsAt(const llvm::StoreInst &S, Nests In) const;
  /// The blocks that may run after `BB`, on a way to the success exit.
  llvm::SmallVector<const llvm::BasicBlock *, 2>
  nextOf(const llvm::BasicBlock *BB, const Conditions &Held) const;
  bool runsInEachIteration(const llvm::LoadInst &L, Nests In,
                           const Conditions &Held) const;
  bool alwaysLeadsTo(const llvm::StoreInst &S, const llvm::BasicBlock *To,
                     const llvm::Loop *Iteration, const Conditions &Held) const;
  bool isWrittenBetween(const llvm::StoreInst &S, const llvm::LoadInst &L,
                        Nests In) const;
  const NormalLoop &normal(const llvm::Loop *L) const;

  const NormalFunction &N;
  const MemoryObjects &Objects;
  const Subscripts &Subs;
  llvm::ScalarEvolution &SE;
  llvm::DominatorTree DT;
  llvm::SmallVector<Access, 16> Writes;
  /// By the array that they are elements of: no others can read a store back.
  llvm::DenseMap<const llvm::Value *,
                 llvm::SmallVector<const llvm::LoadInst *, 4>>
      LoadsOf;
  mutable llvm::DenseMap<const llvm::StoreInst *,
                         std::vector<const llvm::Instruction *>>
      Overwriters;
  mutable llvm::DenseMap<const llvm::StoreInst *,
                         std::vector<const llvm::LoadInst *>>
      Readers;
};

} // namespace pyfront

#endif
