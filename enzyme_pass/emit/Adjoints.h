//===- Adjoints.h - Accumulators of SSA values ----------------------------===//
///
/// \file
/// The adjoint of a value is a variable with two verbs: `add` and `take` (read
/// and reset). It starts as -0.0, the neutral element of IEEE addition: adding
/// it changes no bit and LLVM folds it, so an adjoint that nothing has been
/// added to costs nothing once variables have become SSA values. `take` resets,
/// because a value in a loop has a new adjoint in each iteration.
///
/// In a batch an adjoint is a vector with a lane per adjoint asked for.
///
/// An adjoint that begins and ends within one reverse block (`Plan::Local`) is
/// no variable.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_ADJOINTS_H
#define PYFRONT_EMIT_ADJOINTS_H

#include "enzyme_pass/emit/Derivative.h"

namespace pyfront {

class Adjoints {
public:
  explicit Adjoints(Derivative &D) : D(D) {}

  /// For a value of type `Ty`: nothing, in every lane.
  llvm::Constant *zero(llvm::Type *Ty) const {
    return llvm::ConstantFP::get(D.W.of(Ty), -0.0);
  }
  bool has(const llvm::Value *V) const { return D.P.isActive(V); }
  /// No-op for a value without adjoint.
  void add(llvm::IRBuilder<> &B, llvm::Value *V, llvm::Value *Contribution) {
    if (!has(V))
      return;
    if (isLocal(V)) {
      llvm::Value *&Bar = Local[V];
      Bar = Bar ? B.CreateFAdd(Bar, Contribution) : Contribution;
      return;
    }
    llvm::AllocaInst *Var = variable(V);
    llvm::Value *Old = B.CreateLoad(D.W.of(V->getType()), Var);
    B.CreateStore(B.CreateFAddFMF(Old, Contribution, orderOf(V)), Var);
  }
  void subtract(llvm::IRBuilder<> &B, llvm::Value *V,
                llvm::Value *Contribution) {
    if (!has(V))
      return;
    if (isLocal(V)) {
      llvm::Value *&Bar = Local[V];
      Bar = Bar ? B.CreateFSub(Bar, Contribution) : B.CreateFNeg(Contribution);
      return;
    }
    llvm::AllocaInst *Var = variable(V);
    llvm::Value *Old = B.CreateLoad(D.W.of(V->getType()), Var);
    B.CreateStore(B.CreateFSubFMF(Old, Contribution, orderOf(V)), Var);
  }
  llvm::Value *take(llvm::IRBuilder<> &B, llvm::Value *V) {
    if (isLocal(V)) {
      auto It = Local.find(V);
      if (It == Local.end())
        return zero(V->getType());
      llvm::Value *Bar = It->second;
      Local.erase(It);
      return Bar;
    }
    llvm::AllocaInst *Var = variable(V);
    llvm::Value *Bar =
        B.CreateLoad(D.W.of(V->getType()), Var, V->getName() + ".bar");
    B.CreateStore(zero(V->getType()), Var);
    return Bar;
  }

private:
  bool isLocal(llvm::Value *V) const { return D.P.Local.contains(V); }
  llvm::FastMathFlags orderOf(llvm::Value *V) const {
    llvm::FastMathFlags Flags;
    Flags.setAllowReassoc(D.P.Lanes.contains(V));
    return Flags;
  }
  llvm::AllocaInst *variable(llvm::Value *V) {
    llvm::AllocaInst *&Var = Variables[V];
    if (!Var) {
      Var =
          D.variableOfReverse(D.W.of(V->getType()), V->getName() + ".adjoint");
      llvm::IRBuilder<> B(Var->getParent(), std::next(Var->getIterator()));
      B.CreateStore(zero(V->getType()), Var);
    }
    return Var;
  }

  Derivative &D;
  llvm::DenseMap<llvm::Value *, llvm::AllocaInst *> Variables;
  llvm::DenseMap<llvm::Value *, llvm::Value *> Local;
};

} // namespace pyfront

#endif
