//===- RuledCalls.cpp - How: by the order of seam 5 -----------------------===//
#include "enzyme_pass/emit/RuledCalls.h"
#include "core/KeptCalls.h"

using namespace llvm;

namespace pyfront {

Value *RuleEmitter::call(Builder &B, const Twine &Symbol,
                         ArrayRef<Value *> Args) {
  SmallVector<Type *, 24> Params;
  for (const Value *V : Args)
    Params.push_back(V->getType());
  return B.CreateCall(
      D.G->getParent()->getOrInsertFunction(
          Symbol.str(), FunctionType::get(B.getInt32Ty(), Params, false)),
      Args);
}

AllocaInst *RuleEmitter::memory(uint64_t Bytes, const Twine &Name) {
  AllocaInst *Memory = D.variable(
      ArrayType::get(Type::getInt8Ty(D.G->getContext()), Bytes), Name);
  Memory->setAlignment(Align(ResultAlign));
  return Memory;
}

void RuleEmitter::makeTangentMemory() {
  for (unsigned Lane = 0; Lane < Planned.Callee.Width; ++Lane)
    D.TangentFrames[&Call].push_back(
        memory(Rule.TangentBytes, Call.getName() + ".dot"));
  D.ResultsOf[&Call] = D.TangentFrames[&Call].back();
}

Value *RuleEmitter::operandOf(const ArgInfo &A) const {
  unsigned First = kept::operandAt(Call, A.FirstParam);
  return Call.getArgOperand(A.isArray() ? First + numba::Data : First);
}

/// What a part calls the tape whose memory it takes.
Value *RuleEmitter::lender(Builder &B) const {
  return B.CreatePtrToInt(D.ownerForCallees(), B.getInt64Ty());
}

std::string RuleEmitter::patternOfArguments() const {
  std::string Pattern;
  for (const ArgInfo &A : Planned.Callee.Args)
    if (isFloat(A.Type))
      Pattern += A.Note == Annotation::Const ? 'c' : 'd';
  return Pattern;
}

std::string RuleEmitter::patternOfResults() const {
  std::string Pattern;
  for (const kept::Memory &M : kept::memoryOf(Call))
    if (M.What != kept::Memory::Kind::Given && M.isOfFloats())
      Pattern += isShadowed(M.Ptr) ? 'd' : 'c';
  return Pattern;
}

/// A part does not count references to arrays that are the call's.
void RuleEmitter::passPrimal(Arguments &Args, CallInst &Clone) const {
  unsigned First = Args.size();
  for (Value *V : drop_begin(Clone.args(), Info.Results.size()))
    Args.push_back(V);
  for (const ArgInfo &A : Info.Args)
    if (A.isArray())
      for (unsigned Part : {numba::MemInfo, numba::Parent})
        Args[First + A.FirstParam - numba::FirstPassed + Part] =
            ConstantPointerNull::get(D.ptr());
}

Value *RuleEmitter::laneOf(Builder &B, Value *V, unsigned Lane) const {
  return V->getType()->isVectorTy() ? B.CreateExtractElement(V, Lane) : V;
}

Value *RuleEmitter::withLane(Builder &B, Value *All, Value *V,
                             unsigned Lane) const {
  return All->getType()->isVectorTy() ? B.CreateInsertElement(All, V, Lane) : V;
}

Value *RuleEmitter::emitPrimal(CallInst &Clone) {
  Builder B(&Clone);
  Value *Frame = memory(Rule.ValueBytes, Call.getName() + ".value");
  Arguments Args{Frame, D.G->getArg(0)};
  passPrimal(Args, Clone);
  Args.push_back(lender(B));
  D.ResultsOf[&Call] = Frame;
  D.leaveIfFailed(B, call(B, Rule.Symbol + ".primal", Args));
  D.storeResults(B, Clone, Info.Results, Frame);
  dropWords();
  return Frame;
}

Value *RuleEmitter::emitForward(CallInst &Clone) {
  Builder B(&Clone);
  Value *Frame = Planned.HasFrame
                     ? D.allocate(B, B.getInt64(Rule.FrameBytes), Zeroed::Never,
                                  Call.getName())
                     : memory(Rule.FrameBytes, Call.getName() + ".frame");
  B.SetInsertPoint(&Clone);
  Arguments Args{Frame, D.G->getArg(0)};
  passPrimal(Args, Clone);
  Args.push_back(B.getInt64(Planned.Copies));
  Args.push_back(lender(B));
  D.ResultsOf[&Call] = Frame;
  D.leaveIfFailed(B, call(B, Rule.Symbol + ".forward", Args));
  D.storeResults(B, Clone, Info.Results, Frame);
  loadWords(Frame);
  return Frame;
}

/// Of a call that is not active, or in forward mode, nobody reads them.
void RuleEmitter::dropWords() {
  for (CallInst *Marker : kept::leftOf(Call, Rule))
    if (Marker)
      cast<Instruction>(static_cast<Value *>(D.Clones[Marker]))
          ->eraseFromParent();
}

void RuleEmitter::loadWords(Value *Frame) {
  for (const auto &[Word, Marker] :
       zip_equal(Rule.Words, kept::leftOf(Call, Rule))) {
    if (!Marker)
      continue;
    auto *Old = cast<Instruction>(static_cast<Value *>(D.Clones[Marker]));
    Builder B(Old);
    Value *Loaded = B.CreateAlignedLoad(
        Marker->getType(), D.resultAt(B, Frame, Word.Offset),
        alignOf(Marker->getType()), Marker->getName());
    Old->replaceAllUsesWith(Loaded);
    Old->eraseFromParent();
    D.Clones[Marker] = Loaded;
  }
}

Value *RuleEmitter::frameOfWords(Builder &B, PrimalReader &Reader) {
  Value *Frame = memory(Rule.FrameBytes, Call.getName() + ".frame");
  for (const auto &[Word, V] : zip_equal(Rule.Words, Planned.Words)) {
    Value *Known = Reader.primal(B, V);
    B.CreateAlignedStore(Known, D.resultAt(B, Frame, Word.Offset),
                         alignOf(Known->getType()));
  }
  return Frame;
}

Value *RuleEmitter::emitTangent(CallInst &Clone, ValueOf Shadow,
                                ValueOf Tangent) {
  Builder B(&Clone);
  ArrayRef<Value *> Frames = D.TangentFrames.find(&Call)->second;
  SmallVector<Value *, 4> Given;
  for (const ArgInfo &A : Planned.Callee.Args) {
    if (!isFloat(A.Type))
      continue;
    Value *V = operandOf(A);
    bool IsVaried = A.Note != Annotation::Const;
    if (A.isArray())
      Given.push_back(IsVaried ? Shadow(V) : null());
    else
      Given.push_back(IsVaried ? Tangent(V)
                               : Constant::getNullValue(D.W.of(V->getType())));
  }
  unsigned Width = Planned.Callee.Width;
  for (unsigned Lane = 0; Lane < Width; ++Lane) {
    Arguments Args{Frames[Lane], D.G->getArg(0)};
    passPrimal(Args, Clone);
    for (Value *V : Given)
      Args.push_back(laneOf(B, V, Lane));
    Args.push_back(B.getInt64(Lane));
    Args.push_back(B.getInt64(Width));
    Args.push_back(lender(B));
    D.leaveIfFailed(
        B, call(B, Rule.Symbol + ".tangent." + patternOfArguments(), Args));
  }
  D.storeResults(B, Clone, Info.Results, Frames.back());
  for (auto [K, R] : enumerate(Info.Results)) {
    if (!isShadowed(Call.getArgOperand(K)))
      continue;
    Type *Ty = kept::typeOf(B.getContext(), R.Type);
    Value *All = PoisonValue::get(D.W.of(Ty));
    for (unsigned Lane = 0; Lane < Width; ++Lane)
      All = withLane(
          B, All,
          B.CreateAlignedLoad(
              Ty, D.resultAt(B, Frames[Lane], Rule.TangentOffset + R.Offset),
              alignOf(Ty)),
          Lane);
    D.storeShadow(B, All, Shadow(Call.getArgOperand(K)), alignOf(Ty));
  }
  return Frames.back();
}

void RuleEmitter::emitReverse(Builder &B, PrimalReader &Reader, Adjoints &Bar) {
  Value *Frame =
      Planned.HasFrame ? Reader.primal(B, &Call) : frameOfWords(B, Reader);
  SmallVector<Value *, 8> Given, Seeds;
  for (const ArgInfo &A : Planned.Callee.Args)
    if (A.isArray() && isFloat(A.Type))
      Given.push_back(A.Note == Annotation::Const
                          ? null()
                          : Reader.shadow(B, operandOf(A)));
  for (auto [K, R] : enumerate(Info.Results)) {
    if (!isFloat(R.Type))
      continue;
    Type *Ty = kept::typeOf(B.getContext(), R.Type);
    Constant *Zero = ConstantFP::get(D.W.of(Ty), 0.0);
    Seeds.push_back(Zero);
    if (!isShadowed(Call.getArgOperand(K)))
      continue;
    Value *Shadow = Reader.shadow(B, Call.getArgOperand(K));
    Seeds.back() = D.loadShadow(B, Ty, Shadow, alignOf(Ty));
    D.storeShadow(B, Zero, Shadow, alignOf(Ty));
  }
  for (const kept::Memory &M : kept::memoryOf(Call))
    if (M.What == kept::Memory::Kind::Array && M.isOfFloats())
      Seeds.push_back(isShadowed(M.Ptr) ? Reader.shadow(B, M.Ptr) : null());
  unsigned Width = Planned.Callee.Width;
  SmallVector<Value *, 4> Sums(Rule.AdjointOffsets.size(), nullptr);
  for (unsigned Lane = 0; Lane < Width; ++Lane) {
    Value *Adjoints = D.variableOfReverse(
        ArrayType::get(B.getInt8Ty(), Rule.AdjointBytes + ResultPadding),
        Call.getName() + ".adjoints");
    cast<AllocaInst>(Adjoints)->setAlignment(Align(ResultAlign));
    Value *Raised = D.excinfoOfReverse(B);
    Arguments Args{Adjoints, Raised, Frame};
    append_range(Args, Given);
    for (Value *V : Seeds)
      Args.push_back(laneOf(B, V, Lane));
    Args.push_back(B.getInt64(Lane));
    Args.push_back(B.getInt64(Width));
    D.leaveReverseIfFailed(B, call(B,
                                   Rule.Symbol + ".reverse." +
                                       patternOfArguments() + "." +
                                       patternOfResults(),
                                   Args));
    unsigned Scalar = 0;
    for (const ArgInfo &A : Info.Args) {
      if (A.isArray() || !isFloat(A.Type))
        continue;
      Type *Ty = kept::typeOf(B.getContext(), A.Type);
      Value *One = B.CreateAlignedLoad(
          Ty, D.resultAt(B, Adjoints, Rule.AdjointOffsets[Scalar]),
          alignOf(Ty));
      Value *&Sum = Sums[Scalar++];
      Sum = withLane(B, Sum ? Sum : PoisonValue::get(D.W.of(Ty)), One, Lane);
    }
  }
  unsigned Scalar = 0;
  for (const ArgInfo &A : Planned.Callee.Args)
    if (!A.isArray() && isFloat(A.Type)) {
      if (A.Note != Annotation::Const)
        Bar.add(B, operandOf(A), Sums[Scalar]);
      ++Scalar;
    }
}

} // namespace pyfront
