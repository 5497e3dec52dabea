//===- TangentSweep.h - Tangents beside the values ------------------------===//
///
/// \file
/// Forward mode. Behind each active instruction of the primal's clone stands
/// the one that computes its tangent; memory has its tangents in its shadow:
///
///   x = load p                  dx = load p'
///   y = fmul x, w               dy = dx * w + x * dw
///   store y, p                  store dy, p'
///   z = phi [y, A], [u, B]      dz = phi [dy, A], [du, B]
///
/// Nothing is stored for later: there is no tape and no second sweep.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_TANGENTSWEEP_H
#define PYFRONT_EMIT_TANGENTSWEEP_H

#include "enzyme_pass/emit/ForwardSweep.h"
#include "llvm/IR/IntrinsicInst.h"

namespace pyfront {

namespace rules {
class Rule;
} // namespace rules

class TangentSweep {
public:
  TangentSweep(Derivative &D, ForwardSweep &Sweep)
      : D(D), P(D.P), Sweep(Sweep) {}

  /// Writes all tangents into the clone that `Sweep` made, and its end.
  void emit();

private:
  using Builder = llvm::IRBuilder<>;

  void readScalars();
  void emitPhi(llvm::PHINode &I);
  void completePhis();
  void emitInstruction(llvm::Instruction &I);
  void emitCall(llvm::CallInst &I);
  void emitArray(llvm::CallInst &I);
  void emitAccess(Builder &B, llvm::Instruction &I);
  void emitSet(Builder &B, llvm::MemIntrinsic &I);
  void emitCopy(Builder &B, llvm::MemTransferInst &I);
  llvm::Value *ofRule(Builder &B, llvm::Instruction &I);
  llvm::Value *term(Builder &B, llvm::Instruction &I, const rules::Rule &R,
                    unsigned Operand);
  void finish();

  llvm::Value *clone(llvm::Value *V) { return Sweep.valueOf(primalOf(V)); }
  llvm::Value *shadow(llvm::Value *Ptr) { return Sweep.valueOf(shadowOf(Ptr)); }
  /// The tangent of a value, zero if it has none.
  llvm::Value *tangent(llvm::Value *V);

  Derivative &D;
  const Plan &P;
  ForwardSweep &Sweep;
  llvm::DenseMap<llvm::Value *, llvm::Value *> Tangents;
};

} // namespace pyfront

#endif
