//===- ForwardSweep.h - The primal inside the derivative ------------------===//
///
/// \file
/// Clones the primal, lowers its markers (raise, allocation), and builds the
/// shadow of a pointer beside the pointer itself:
///
///   %p = phi [%u, ..], [%v, ..]      %p.shadow = phi [%u.shadow, ..], [..]
///   %g = gep %p, %i                  %g.shadow = gep %p.shadow, %i
///   store %g, %t                     store %g.shadow, %t.shadow
///   %q = load %t                     %q.shadow = load %t.shadow
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_FORWARDSWEEP_H
#define PYFRONT_EMIT_FORWARDSWEEP_H

#include "enzyme_pass/emit/Derivative.h"

namespace pyfront {

class ForwardSweep {
public:
  explicit ForwardSweep(Derivative &D);

  /// Clones and lowers. The success exit is left for the caller to finish.
  void emit();
  /// The end of the sweep: the clone of the success exit's `ret`, or what has
  /// replaced it.
  llvm::Instruction *end() { return Bottoms.lookup(D.P.N.Success); }
  void endWith(llvm::Instruction *Terminator) {
    end()->eraseFromParent();
    Bottoms[D.P.N.Success] = Terminator;
  }
  /// Zeroes the shadows of stack variables that are zeroed then.
  void zeroStack(llvm::IRBuilder<> &B, Zeroed When,
                 llvm::function_ref<llvm::Value *(llvm::Value *)> ShadowOf);
  /// Stores the kernel's result where the caller wants it.
  void storeValue(llvm::IRBuilder<> &B);
  /// The value of `K` in the forward sweep.
  llvm::Value *valueOf(Key K);
  /// Where to write code that runs as soon as `K` is known.
  llvm::Instruction *after(Key K);
  /// The clone of the first instruction of a block that is no phi: code written
  /// before it runs at the top of the block, whatever was split off since.
  llvm::Instruction *top(llvm::BasicBlock *PrimalBlock) {
    return Tops.lookup(PrimalBlock);
  }
  llvm::Instruction *bottom(llvm::BasicBlock *PrimalBlock) {
    return Bottoms.lookup(PrimalBlock);
  }

  /// Forward mode: an instruction behind which an array result of a call, and
  /// its shadow, are there. They go when the tangents are written.
  llvm::Instruction *arrayMark(llvm::Value *Array) {
    return ArrayMarks.lookup(Array);
  }
  void dropArrayMarks();

private:
  void clone();
  void lowerFailures();
  void dropLifetimes();
  void lowerMarks();
  void lowerAllocations();
  void handOut(llvm::IRBuilder<> &B, llvm::CallInst &Returned,
               llvm::Value *Memory, llvm::Value *Shadow);
  void lowerCalls();
  void keepTop(llvm::Instruction &Old);
  llvm::Value *lowerCall(llvm::CallInst &Call, llvm::CallInst &Clone);
  void makeShadows();
  void storeShadowPointers();
  llvm::Value *shadowValue(llvm::Value *V);

  Derivative &D;
  llvm::DenseMap<llvm::BasicBlock *, llvm::Instruction *> Tops, Bottoms;
  llvm::DenseMap<llvm::Value *, llvm::Value *> Shadows;
  llvm::MapVector<llvm::Value *, llvm::Instruction *> ArrayMarks;
};

} // namespace pyfront

#endif
