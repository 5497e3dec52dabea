//===- Calls.h - Calls of the callees' derivatives ------------------------===//
///
/// \file
/// Where the primal calls a function that stays a function, the sweeps call the
/// derivative that the plan names (`CallPlan`), by seam 2:
///
///   %frame = call @pyfront.call.f(%r, x, A)
///
///   forward sweep   status = f.forward(exc, x, A, &value, lender, &frame)
///                   leave if status; r = value
///   reverse sweep   f.reverse(frame, &x', A', r'); x.bar += x'; r' = 0
///   forward mode    status = f(exc, x, A, &dx, A', &dvalue, &value)
///                   leave if status; r = value; r' = dvalue
///
/// A call that is not active is made in forward mode, with nothing varied.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_CALLS_H
#define PYFRONT_EMIT_CALLS_H

#include "enzyme_pass/emit/Adjoints.h"
#include "enzyme_pass/emit/ForwardSweep.h"
#include "enzyme_pass/emit/PrimalReader.h"

namespace pyfront {

class CallEmitter {
public:
  using Builder = llvm::IRBuilder<>;
  using ValueOf = llvm::function_ref<llvm::Value *(llvm::Value *)>;

  CallEmitter(Derivative &D, llvm::CallInst &Call)
      : D(D), Call(Call), Planned(D.P.Calls.find(&Call)->second),
        Callee(Planned.Callee) {}

  /// In the forward sweep, before `Clone`, the marker's: the values, and what
  /// the reverse sweep needs to come back; returns the frame.
  llvm::Value *emitForward(llvm::CallInst &Clone);
  /// Comes before `emitTangent`: where the result will be.
  void makeTangentMemory();
  /// Before `Clone`: the values and, of an active call, their tangents.
  void emitTangent(llvm::CallInst &Clone, ValueOf Shadow, ValueOf Tangent);
  void emitReverse(Builder &B, PrimalReader &Reader, Adjoints &Bar);

private:
  /// The parameters of one function, with their values.
  struct Arguments {
    llvm::SmallVector<llvm::Value *, 16> Values;
    void add(llvm::Value *V) { Values.push_back(V); }
  };
  llvm::CallInst *call(Builder &B, const llvm::Twine &Symbol,
                       const Arguments &Args);
  void passPrimal(Arguments &Args, llvm::CallInst &Clone) const;
  bool isShadowed(const llvm::Value *Ptr) const {
    return llvm::is_contained(Planned.Shadowed, Ptr);
  }
  llvm::Value *operandOf(const ArgInfo &A) const;
  llvm::Align alignOf(llvm::Type *Ty) const {
    return D.G->getDataLayout().getABITypeAlign(Ty);
  }
  llvm::Type *memoryOf(uint64_t Bytes) const;

  Derivative &D;
  llvm::CallInst &Call;
  const CallPlan &Planned;
  const Request &Callee;
};

} // namespace pyfront

#endif
