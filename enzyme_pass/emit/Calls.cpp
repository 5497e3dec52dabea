//===- Calls.cpp - How: by the order of seam 2 ----------------------------===//
#include "enzyme_pass/emit/Calls.h"
#include "core/KeptCalls.h"
#include "enzyme_pass/emit/ArrayResults.h"

using namespace llvm;

namespace pyfront {

CallInst *CallEmitter::call(Builder &B, const Twine &Symbol,
                            const Arguments &Args) {
  SmallVector<Type *, 16> Params;
  for (const Value *V : Args.Values)
    Params.push_back(V->getType());
  FunctionCallee F = D.G->getParent()->getOrInsertFunction(
      Symbol.str(), FunctionType::get(B.getInt32Ty(), Params, false));
  return B.CreateCall(F, Args.Values);
}

Type *CallEmitter::memoryOf(uint64_t Bytes) const {
  return ArrayType::get(Type::getInt8Ty(D.G->getContext()), Bytes);
}

/// The scalar, or the address of the array's data, that the call is given.
Value *CallEmitter::operandOf(const ArgInfo &A) const {
  unsigned First = kept::operandAt(Call, A.FirstParam);
  return Call.getArgOperand(A.isArray() ? First + numba::Data : First);
}

void CallEmitter::passPrimal(Arguments &Args, CallInst &Clone) const {
  Args.add(D.G->getArg(0));
  for (Value *V : drop_begin(Clone.args(), Callee.Results.size()))
    Args.add(V);
}

Value *CallEmitter::emitForward(CallInst &Clone) {
  Builder B(&Clone);
  Arguments Args;
  passPrimal(Args, Clone);
  Value *Result = D.variable(memoryOf(Callee.resultBytes() + ResultPadding),
                             Call.getName() + ".value");
  cast<AllocaInst>(Result)->setAlignment(Align(ResultAlign));
  D.ResultsOf[&Call] = Result;
  if (!Callee.Results.empty())
    Args.add(Result);
  AllocaInst *FrameOut = D.variable(D.ptr(), Call.getName() + ".out");
  Args.add(D.ownerForCallees());
  Args.add(FrameOut);
  D.leaveIfFailed(B, call(B, Callee.Name + halves::Forward, Args));
  D.storeResults(B, Clone, Callee.Results, Result);
  return B.CreateLoad(D.ptr(), FrameOut, Call.getName());
}

void CallEmitter::makeTangentMemory() {
  uint64_t Bytes = Callee.resultBytes() + ResultPadding;
  auto Make = [&](uint64_t Size, const Twine &Name) {
    AllocaInst *Memory = D.variable(memoryOf(Size), Call.getName() + Name);
    Memory->setAlignment(Align(ResultAlign));
    return Memory;
  };
  if (Callee.returnsFloat())
    D.TangentFrames[&Call] = {Make(Bytes * Callee.Width, ".dot")};
  D.ResultsOf[&Call] = Make(Bytes, ".value");
}

void CallEmitter::emitTangent(CallInst &Clone, ValueOf Shadow,
                              ValueOf Tangent) {
  Builder B(&Clone);
  Arguments Args;
  passPrimal(Args, Clone);
  for (const ArgInfo &A : Callee.Args) {
    if (A.Note == Annotation::Const)
      continue;
    Value *Given = operandOf(A);
    if (A.isArray()) {
      Args.add(Shadow(Given));
      continue;
    }
    AllocaInst *Dot =
        D.variable(D.W.of(Given->getType()), A.Name + ".given.dot");
    B.CreateAlignedStore(Tangent(Given), Dot, alignOf(Given->getType()));
    Args.add(Dot);
  }
  Value *Dots = nullptr, *Result = D.ResultsOf.lookup(&Call);
  if (Callee.returnsFloat()) {
    Dots = D.TangentFrames.find(&Call)->second.front();
    Args.add(Dots);
  }
  if (!Callee.Results.empty())
    Args.add(Result);
  D.leaveIfFailed(B, call(B, Callee.Name, Args));
  D.storeResults(B, Clone, Callee.Results, Result);
  for (auto [K, R] : enumerate(Callee.Results)) {
    if (!isShadowed(Call.getArgOperand(K)))
      continue;
    Type *Ty = kept::typeOf(B.getContext(), R.Type);
    Value *Dot = B.CreateAlignedLoad(
        D.W.of(Ty), D.resultAt(B, Dots, R.Offset * Callee.Width), alignOf(Ty));
    D.storeShadow(B, Dot, Shadow(Call.getArgOperand(K)), alignOf(Ty));
  }
}

void CallEmitter::emitReverse(Builder &B, PrimalReader &Reader, Adjoints &Bar) {
  Arguments Args;
  Args.add(Reader.primal(B, &Call));
  SmallVector<std::pair<Value *, AllocaInst *>, 4> Given;
  for (const ArgInfo &A : Callee.Args) {
    if (A.Note == Annotation::Const)
      continue;
    Value *V = operandOf(A);
    if (A.isArray()) {
      Args.add(Reader.shadow(B, V));
      continue;
    }
    Given.push_back({V, D.variableOfReverse(D.W.of(V->getType()),
                                            A.Name + ".given.adjoint")});
    Args.add(Given.back().second);
  }
  // The adjoints of the results: taken from their shadows.
  Value *Seed = nullptr;
  if (Callee.returnsFloat() && !Callee.hasSeedByValue()) {
    AllocaInst *Seeds = D.variableOfReverse(
        memoryOf(Callee.resultBytes() * Callee.Width), Call.getName() + ".bar");
    Seeds->setAlignment(Align(ResultAlign));
    Seed = Seeds;
  }
  for (auto [K, R] : enumerate(Callee.Results)) {
    if (!isFloat(R.Type))
      continue;
    Type *Ty = kept::typeOf(B.getContext(), R.Type);
    Constant *Zero = ConstantFP::get(D.W.of(Ty), 0.0);
    Value *Adjoint = Zero;
    if (isShadowed(Call.getArgOperand(K))) {
      Value *Shadow = Reader.shadow(B, Call.getArgOperand(K));
      Adjoint = D.loadShadow(B, Ty, Shadow, alignOf(Ty));
      D.storeShadow(B, Zero, Shadow, alignOf(Ty));
    }
    if (Callee.hasSeedByValue())
      Seed = Adjoint;
    else
      B.CreateAlignedStore(
          Adjoint, D.resultAt(B, Seed, R.Offset * Callee.Width), alignOf(Ty));
  }
  for (const kept::Memory &M : kept::memoryOf(Call))
    if (M.What == kept::Memory::Kind::Array && M.isOfFloats()) {
      const ArrayResult &Array =
          Callee.Arrays[kept::placeOfArray(*cast<CallBase>(M.Ptr))];
      unsigned At = (Array.Offset + ArrayDataOffset) * Callee.Width;
      B.CreateStore(Reader.shadow(B, M.Ptr), D.resultAt(B, Seed, At));
    }
  if (Seed)
    Args.add(Seed);
  D.leaveReverseIfFailed(B, call(B, Callee.Name + halves::Reverse, Args));
  for (auto [V, Adjoint] : Given)
    Bar.add(B, V,
            B.CreateAlignedLoad(D.W.of(V->getType()), Adjoint,
                                alignOf(V->getType())));
}

} // namespace pyfront
