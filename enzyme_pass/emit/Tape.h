//===- Tape.h - Slots in memory -------------------------------------------===//
///
/// \file
/// The memory of the plan's slots. A slot of straight code is a variable. A
/// slot of a nest L1 .. Ld with head h is an array, allocated where Lh is
/// entered, with the element of iteration (kh, .., kd) at
///
///   (..(kh * trips(Lh+1) + kh+1) .. ) * trips(Ld) + kd
///
/// so the innermost loop runs with unit stride. An array of a loop of unknown
/// length doubles when it is full. An array whose head is inside other loops
/// exists once per iteration of these; its address is the element of the base
/// slot.
///
/// The forward sweep allocates and writes; the reverse sweep only reads.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_TAPE_H
#define PYFRONT_EMIT_TAPE_H

#include "enzyme_pass/emit/ForwardSweep.h"

namespace pyfront {

class Tape {
public:
  Tape(Derivative &D, ForwardSweep &Sweep) : D(D), Sweep(Sweep) {}

  /// Allocates all arrays and writes all slots in the forward sweep.
  void emitForward();

  /// Reads primal values in the reverse sweep, for the indices of an element.
  using Reader = llvm::function_ref<llvm::Value *(llvm::Value *)>;
  /// The content of a slot, at the iteration that `Read` gives the counters of.
  llvm::Value *load(llvm::IRBuilder<> &B, int Slot, Reader Read) const;

private:
  const TapeSlot &slot(int Index) const { return D.P.Slots[Index]; }
  /// Trips of loop `L`, never negative.
  llvm::Value *trips(llvm::IRBuilder<> &B, int L, Reader Read) const;
  llvm::Value *element(llvm::IRBuilder<> &B, int Slot, llvm::Value *Array,
                       Reader Read) const;
  llvm::Value *elementBytes(llvm::IRBuilder<> &B, int Slot) const;
  void allocateArray(int Slot);
  void makeGrowing(int Loop, llvm::ArrayRef<int> Slots);
  void store(llvm::Instruction *At, int Slot, llvm::Value *V);
  void writeValue(int Slot);
  void writeSnapshot(const Snapshot &S);
  llvm::Value *snapshotBytes(llvm::IRBuilder<> &B, const Snapshot &S,
                             llvm::Value *Base, llvm::Value *&Low);

  Derivative &D;
  ForwardSweep &Sweep;
  /// By slot. Straight code: the slot's variable. Otherwise a variable that
  /// holds the address of the array in use by the forward sweep; with head 0
  /// the reverse sweep reads it too.
  llvm::SmallVector<llvm::AllocaInst *, 16> Variables;
};

} // namespace pyfront

#endif
