//===- Tape.h - Slots in memory -------------------------------------------===//
///
/// \file
/// The memory of the plan's slots. A slot of straight code is a variable. A
/// slot of a nest L1 .. Ld with head h is an array, allocated where Lh is
/// entered, with the element of iteration (kh, .., kd) at
///
///   (..(kh * trips(Lh+1) + kh+1) .. ) * trips(Ld) + kd
///
/// so the innermost loop runs with unit stride. An array that may grow is asked
/// for room at the top of each iteration of its step, in rows: what the loops
/// inside that one need. An array whose head is inside other loops
/// exists once per iteration of these; its address is the element of the base
/// slot.
///
/// The forward sweep allocates and writes; the reverse sweep only reads.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_TAPE_H
#define PYFRONT_EMIT_TAPE_H

#include "enzyme_pass/emit/Frame.h"

namespace pyfront {

class Tape {
public:
  Tape(Derivative &D, ForwardSweep &Sweep, Frame &Crossing)
      : D(D), Sweep(Sweep), Crossing(Crossing) {}

  /// Allocates all arrays and writes all slots in the forward sweep.
  void emitForward();

  /// Reads primal values in the reverse sweep, for the indices of an element.
  using Reader = llvm::function_ref<llvm::Value *(llvm::Value *)>;
  /// The content of a slot, at the iteration that `Read` gives the counters of.
  llvm::Value *load(llvm::IRBuilder<> &B, int Slot, Reader Read) const;

private:
  const TapeSlot &slot(int Index) const { return D.P.Slots[Index]; }
  /// Trips of loop `L` where it is entered, or 0.
  llvm::Value *trips(llvm::IRBuilder<> &B, int L, Reader Read) const;
  /// The place of an iteration among those of `Nest[Head]` to `Nest[Deepest]`.
  llvm::Value *place(llvm::IRBuilder<> &B, const TapeSlot &S, unsigned Deepest,
                     Reader Read) const;
  llvm::Value *element(llvm::IRBuilder<> &B, int Slot, llvm::Value *Array,
                       Reader Read) const;
  /// The product of `First` and the trips of `Nest[From]` to `Nest[To - 1]`.
  llvm::Value *times(llvm::IRBuilder<> &B, llvm::Value *First,
                     const TapeSlot &S, unsigned From, unsigned To) const;
  llvm::Value *elementBytes(llvm::IRBuilder<> &B, int Slot) const;
  void allocateWhole(int Slot);
  /// Arrays of the same head and step share a capacity, in rows.
  void makeGrowing(llvm::ArrayRef<int> Slots);
  llvm::AllocaInst *allocateAtFirst(llvm::ArrayRef<int> Slots);
  void keepArray(llvm::Instruction *At, int Slot, llvm::Value *Array);
  /// In the reverse sweep: the value of a slot of straight code, the address of
  /// another's outermost array.
  llvm::Value *kept(llvm::IRBuilder<> &B, int Slot) const;
  void store(llvm::Instruction *At, int Slot, llvm::Value *V);
  void writeValue(int Slot);
  void writeSnapshot(const Snapshot &S);
  /// The extent of the memory that `Base` is the first byte of.
  Span spanAt(llvm::Value *Base);

  Derivative &D;
  ForwardSweep &Sweep;
  Frame &Crossing;
  /// By slot. Straight code: the slot's variable. Otherwise a variable that
  /// holds the address of the array in use by the forward sweep; with head 0
  /// the reverse sweep reads it too.
  llvm::SmallVector<llvm::AllocaInst *, 16> Variables;
  llvm::DenseMap<llvm::Value *, Span> Spans;
};

} // namespace pyfront

#endif
