//===- RuledCalls.h - Calls of functions that have a rule -----------------===//
///
/// \file
/// Where the primal calls a function with a rule, the sweeps call the parts of
/// the rule (`RuleInfo`): functions in Numba's convention, linked from outside.
///
///   %frame = call @pyfront.call.f(%r, x, A)
///
///   forward sweep   status = forward(frame, exc, x, A, copies, lender)
///                   the result and what the reverse part needs are in `frame`
///   reverse sweep   reverse(&adjoints, exc, frame, A', r', lane, width)
///   forward mode    tangent(&result, exc, x, A, dx, A', lane, width, lender)
///   not active      primal(&result, exc, x, A, lender)
///
/// A rule is for one direction: of a batch, its part is called for each lane.
/// The address of a shadow is null where there is none.
///
/// In a derivative that is embedded the parts are code that is captured
/// (`pyfront/rules/captured`), and a frame is a variable: what is in it goes
/// from the one part to the other as values, each by its own source, so that
/// nothing is left of the variable once the parts are inlined.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_RULEDCALLS_H
#define PYFRONT_EMIT_RULEDCALLS_H

#include "enzyme_pass/emit/Adjoints.h"
#include "enzyme_pass/emit/ForwardSweep.h"
#include "enzyme_pass/emit/PrimalReader.h"

namespace pyfront {

class RuleEmitter {
public:
  using Builder = llvm::IRBuilder<>;
  using ValueOf = llvm::function_ref<llvm::Value *(llvm::Value *)>;

  RuleEmitter(Derivative &D, llvm::CallInst &Call)
      : D(D), Call(Call), Planned(D.P.Calls.find(&Call)->second),
        Info(*Planned.Info), Rule(*Info.Rule) {}

  /// Each writes before `Clone`, the marker's, and returns the frame: memory
  /// that begins with the function's result.
  llvm::Value *emitPrimal(llvm::CallInst &Clone);
  llvm::Value *emitForward(llvm::CallInst &Clone);
  /// Comes before `emitTangent`: where the result will be.
  void makeTangentMemory();
  llvm::Value *emitTangent(llvm::CallInst &Clone, ValueOf Shadow,
                           ValueOf Tangent);
  void emitReverse(Builder &B, PrimalReader &Reader, Adjoints &Bar);

private:
  using Arguments = llvm::SmallVector<llvm::Value *, 24>;
  llvm::Value *call(Builder &B, const llvm::Twine &Symbol,
                    llvm::ArrayRef<llvm::Value *> Args);
  /// Room for what a part returns.
  llvm::AllocaInst *memory(uint64_t Bytes, const llvm::Twine &Name);
  void passPrimal(Arguments &Args, llvm::CallInst &Clone) const;
  /// In a derivative that is embedded: the words of the frame as values, where
  /// the primal's marks of them were; and a frame that is made of them.
  void loadWords(llvm::Value *Frame);
  void dropWords();
  llvm::Value *frameOfWords(Builder &B, PrimalReader &Reader);
  llvm::Value *operandOf(const ArgInfo &A) const;
  /// What is active of the floats among the arguments, and in the result,
  /// numbers first.
  std::string patternOfArguments() const;
  std::string patternOfResults() const;
  llvm::Value *lender(Builder &B) const;
  llvm::Value *null() const { return llvm::ConstantPointerNull::get(D.ptr()); }
  bool isShadowed(const llvm::Value *Ptr) const {
    return llvm::is_contained(Planned.Shadowed, Ptr);
  }
  /// One member of a batch.
  llvm::Value *laneOf(Builder &B, llvm::Value *V, unsigned Lane) const;
  llvm::Value *withLane(Builder &B, llvm::Value *All, llvm::Value *V,
                        unsigned Lane) const;
  llvm::Align alignOf(llvm::Type *Ty) const {
    return D.G->getDataLayout().getABITypeAlign(Ty);
  }

  Derivative &D;
  llvm::CallInst &Call;
  const CallPlan &Planned;
  const FunctionInfo &Info;
  const RuleInfo &Rule;
};

} // namespace pyfront

#endif
