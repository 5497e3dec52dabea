//===- ReverseSweep.h - Blocks and loops backwards ------------------------===//
///
/// \file
/// Writes the reverse of each planned block, in the order of control:
///
///   B:  phis, instructions, branch      B.rev:  instructions in reverse
///                                               adjoints of phis taken
///                                               to the reverse of a
///                                               predecessor
///
/// An edge P -> B of the primal becomes a block `B.to.P` that hands the phis'
/// adjoints to what came along that edge and, where the edge leaves loops, sets
/// their counters to the last iteration. A loop header's reverse counts down.
///
/// Instructions are reversed by family: EmitScalar.cpp, EmitMemory.cpp. Loops
/// that the plan runs in strips: EmitStrips.cpp.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_REVERSESWEEP_H
#define PYFRONT_EMIT_REVERSESWEEP_H

#include "enzyme_pass/emit/Adjoints.h"
#include "enzyme_pass/emit/PrimalReader.h"
#include "llvm/IR/IntrinsicInst.h"

namespace pyfront {

class ReverseSweep {
public:
  ReverseSweep(Derivative &D, ForwardSweep &Sweep, const Tape &Slots,
               const Frame &Crossing);

  void emit();
  /// From the end of the forward sweep, where `B` writes, to the reverse sweep.
  void start(llvm::IRBuilder<> &B);

private:
  using Builder = llvm::IRBuilder<>;

  void emitBlock(llvm::BasicBlock *BB);
  void emitInstruction(Builder &B, llvm::Instruction &I);
  // EmitScalar.cpp
  void reverseRule(Builder &B, llvm::Instruction &I);
  void reverseSelect(Builder &B, llvm::SelectInst &I);
  // EmitMemory.cpp
  void reverseLoad(Builder &B, llvm::LoadInst &I);
  void addToShadow(Builder &B, llvm::LoadInst &I, llvm::Value *Shadow,
                   llvm::Value *ValueBar);
  void reverseStore(Builder &B, llvm::StoreInst &I);
  void reverseSet(Builder &B, llvm::MemIntrinsic &I);
  void reverseCopy(Builder &B, llvm::MemTransferInst &I);
  // Control
  void emitBack(Builder &B, llvm::BasicBlock *BB);
  void emitFinish(Builder &B);
  llvm::Align alignOf(llvm::Type *Ty) const;
  using PhiBars = llvm::DenseMap<llvm::PHINode *, llvm::Value *>;
  PhiBars takePhis(Builder &B, llvm::BasicBlock *BB);
  /// `Target`: where the edge leads, if not to the reverse of `Pred`.
  llvm::BasicBlock *emitEdge(llvm::BasicBlock *BB, llvm::BasicBlock *Pred,
                             const PhiBars &Bars,
                             llvm::BasicBlock *Target = nullptr);
  void startLoopsBackwards(Builder &B, llvm::BasicBlock *Exit,
                           llvm::BasicBlock *Exiting);
  /// A block that sets the counter of `L` to one less than `Count`.
  llvm::BasicBlock *stepDown(int L, llvm::Value *Count, llvm::BasicBlock *Then);
  // EmitStrips.cpp
  void emitStrips(llvm::BasicBlock *BB, llvm::ArrayRef<llvm::LoadInst *> Loads);
  void emitAddition(Builder &B, llvm::LoadInst &Load, llvm::AllocaInst &Buffer,
                    int L, llvm::Value *Low, llvm::Value *High);

  Derivative &D;
  const Plan &P;
  Adjoints Bar;
  llvm::DenseMap<int, llvm::AllocaInst *> Counters;
  PrimalReader Reader;
  llvm::DenseMap<llvm::BasicBlock *, llvm::BasicBlock *> Reverse;
  llvm::BasicBlock *Entry = nullptr;
};

} // namespace pyfront

#endif
