//===- PrimalReader.h - Primal values in the reverse sweep ----------------===//
///
/// \file
/// Serves a key where the reverse sweep asks for it, by its planned source. One
/// reader per reverse block: what it has written once it gives again.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_PRIMALREADER_H
#define PYFRONT_EMIT_PRIMALREADER_H

#include "enzyme_pass/emit/Tape.h"

namespace pyfront {

class PrimalReader {
public:
  /// `Counters`: by loop, the variable that counts it in the reverse sweep.
  PrimalReader(Derivative &D, ForwardSweep &Sweep, const Tape &Slots,
               const Frame &Crossing,
               const llvm::DenseMap<int, llvm::AllocaInst *> &Counters)
      : D(D), Sweep(Sweep), Slots(Slots), Crossing(Crossing),
        Counters(Counters) {}

  /// A new block begins.
  void reset() { Known.clear(); }
  llvm::Value *primal(llvm::IRBuilder<> &B, llvm::Value *V) {
    return read(B, primalOf(V));
  }
  llvm::Value *shadow(llvm::IRBuilder<> &B, llvm::Value *V) {
    return read(B, shadowOf(V));
  }
  llvm::Value *counter(llvm::IRBuilder<> &B, int L);

private:
  llvm::Value *read(llvm::IRBuilder<> &B, Key K);
  llvm::Value *write(llvm::IRBuilder<> &B, Key K, const Source &S);
  /// What the forward sweep has computed once, where the reverse sweep is.
  llvm::Value *computed(Key K);
  /// What the forward sweep has kept of `K`, which in split mode may be a
  /// place.
  llvm::Value *fromKept(llvm::IRBuilder<> &B, Key K, llvm::Value *Kept);
  llvm::Value *repeat(llvm::IRBuilder<> &B, Key K);
  llvm::Value *fromSnapshot(llvm::IRBuilder<> &B, llvm::LoadInst *Load,
                            const Snapshot &S);

  Derivative &D;
  ForwardSweep &Sweep;
  const Tape &Slots;
  const Frame &Crossing;
  const llvm::DenseMap<int, llvm::AllocaInst *> &Counters;
  llvm::DenseMap<Key, llvm::Value *> Known;
};

} // namespace pyfront

#endif
