//===- Frame.h - The first block of a tape --------------------------------===//
///
/// \file
/// What the plan lets cross from the forward half of a split derivative to the
/// reverse half (plan/PlanFrame.cpp). The forward half writes it when it ends;
/// the reverse half reads it when it begins, and then has each key and slot of
/// it as a value. A derivative in one piece has none.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_FRAME_H
#define PYFRONT_EMIT_FRAME_H

#include "enzyme_pass/emit/ForwardSweep.h"

namespace pyfront {

class Frame {
public:
  explicit Frame(Derivative &D) : D(D) {}

  /// The content of slot `Index` in the forward half.
  using SlotReader =
      llvm::function_ref<llvm::Value *(llvm::IRBuilder<> &B, int Index)>;
  void write(llvm::IRBuilder<> &B, ForwardSweep &Sweep, SlotReader ReadSlot);
  void read(llvm::IRBuilder<> &B);

  /// In the reverse half; null: not in the frame.
  llvm::Value *valueOf(Key K) const { return Values.lookup(K); }
  llvm::Value *slot(int Index) const { return Slots.lookup(Index); }

private:
  llvm::Type *typeOf(const FrameField &Field) const;

  Derivative &D;
  llvm::DenseMap<Key, llvm::Value *> Values;
  llvm::DenseMap<int, llvm::Value *> Slots;
};

} // namespace pyfront

#endif
