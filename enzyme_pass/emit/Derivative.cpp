//===- Derivative.cpp - Signature, variables, run-time calls --------------===//
#include "enzyme_pass/emit/Derivative.h"
#include "core/Check.h"
#include "core/KeptCalls.h"
#include "enzyme_pass/emit/Sizes.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

Derivative::Derivative(const Plan &P) : P(P), W(P.Req.Width) {
  declare();
  nameParameters();
  makeScopes();
  LLVMContext &C = G->getContext();
  Enter = BasicBlock::Create(C, "enter", G);
  IRBuilder<> B(Enter);
  if (P.Req.How != Mode::Forward)
    Turn = BasicBlock::Create(C, "turn", G);
  if (isSplit()) {
    Owner = openTape(B);
    FrameBase = loadFrame(B);
  } else
    Owner = B.CreateCall(enterCallee(), {}, "mark");
  // A kernel may call the derivative in a loop, with other arrays each time:
  // copies of this code are told apart by where their scopes begin.
  for (MDNode *One : Scope)
    B.CreateNoAliasScopeDeclaration(One);
  // Replaced by a branch to the forward sweep once that exists.
  B.CreateUnreachable();
  Result = memoryInFrame(primalOf(P.N.Sig.Result));
  if (Result)
    return;
  AllocaInst *Variable = variable(resultType(), "result");
  Variable->setAlignment(Align(ResultAlign));
  Result = Variable;
}

Type *Derivative::resultType() const {
  return ArrayType::get(Type::getInt8Ty(G->getContext()),
                        P.Req.resultBytes() + ResultPadding);
}

Function *define(Module &M, FunctionType *Ty, const Twine &Name) {
  Function *Declared = M.getFunction(Name.str());
  Function *F = Function::Create(Ty, GlobalValue::ExternalLinkage, "", M);
  if (Declared) {
    Declared->replaceAllUsesWith(F);
    Declared->eraseFromParent();
  }
  F->setName(Name);
  F->setDoesNotThrow();
  return F;
}

using kept::typeOf;

void Derivative::declare() {
  const Function &F = *P.N.F;
  LLVMContext &C = F.getContext();
  Type *Ptr = PointerType::getUnqual(C);
  SmallVector<Type *, 24> Params{Ptr};
  for (const Argument *A : P.N.Sig.Passed)
    Params.push_back(A->getType());
  for (const ArgInfo &A : P.Req.Args)
    if (A.Note != Annotation::Const)
      Params.push_back(Ptr);
  if (P.Req.returnsFloat())
    Params.push_back(
        P.Req.hasSeedByValue() ? typeOf(C, P.Req.Results.front().Type) : Ptr);
  if (!P.Req.Results.empty())
    Params.push_back(Ptr);
  if (isSplit() && P.Req.Inner)
    Params.push_back(Ptr);
  auto *Ty = FunctionType::get(Type::getInt32Ty(C), Params, false);
  G = define(*P.N.F->getParent(), Ty, P.Req.Name);
}

void Derivative::nameParameters() {
  const Signature &Sig = P.N.Sig;
  unsigned Next = 0;
  G->getArg(Next++)->setName("excinfo");
  Clones[Sig.Failure] = G->getArg(0);
  for (const Argument *A : Sig.Passed) {
    G->getArg(Next)->setName(A->getName());
    Clones[A] = G->getArg(Next++);
  }
  // Distinct array arguments are distinct memory unless the request says
  // otherwise: checked at call time.
  auto MarkDistinct = [&](Argument *A) {
    if (!P.Req.MayAlias)
      A->addAttr(Attribute::NoAlias);
  };
  for (auto [A, Leaf] : zip_equal(P.Req.Args, Sig.Leaves)) {
    if (A.isArray())
      MarkDistinct(cast<Argument>(Clones[Leaf.Data]));
    Derivatives.push_back(nullptr);
    if (A.Note == Annotation::Const)
      continue;
    Argument *Param = G->getArg(Next++);
    Param->setName(A.Name + (A.Note == Annotation::Active ? ".adjoint"
                             : A.isArray()                ? ".shadow"
                                                          : ".tangent"));
    if (A.isArray())
      MarkDistinct(Param);
    else
      Param->addAttr(Attribute::NoAlias);
    Derivatives.back() = Param;
  }
  if (isSplit() && P.Req.Inner) {
    Lender = G->getArg(G->arg_size() - 1);
    Lender->setName("lender");
  }
  if (P.Req.Results.empty())
    return;
  if (P.Req.returnsFloat()) {
    bool IsForward = P.Req.How == Mode::Forward;
    Argument *&Param = IsForward ? Tangent : Seed;
    Param = G->getArg(Next++);
    Param->setName(IsForward ? "tangent" : "seed");
    if (Param->getType()->isPointerTy())
      Param->addAttr(Attribute::NoAlias);
  }
  Value = G->getArg(Next++);
  Value->setName("value");
  Value->addAttr(Attribute::NoAlias);
}

void Derivative::makeScopes() {
  MDBuilder MD(G->getContext());
  MDNode *Domain = MD.createAnonymousAliasScopeDomain(P.Req.Name);
  MDNode *Each[3];
  const char *Names[] = {"primal", "shadow", "tape"};
  for (unsigned I = 0; I < 3; ++I) {
    Each[I] = MD.createAnonymousAliasScope(Domain, Names[I]);
    Scope[I] = MDNode::get(G->getContext(), {Each[I]});
  }
  for (unsigned I = 0; I < 3; ++I)
    Others[I] =
        MDNode::get(G->getContext(), {Each[(I + 1) % 3], Each[(I + 2) % 3]});
}

void Derivative::tag(Instruction *I, Side S) const {
  unsigned K = static_cast<unsigned>(S);
  auto Add = [&](unsigned Kind, MDNode *Node) {
    I->setMetadata(Kind, MDNode::concatenate(I->getMetadata(Kind), Node));
  };
  Add(LLVMContext::MD_alias_scope, Scope[K]);
  Add(LLVMContext::MD_noalias, Others[K]);
}

void Derivative::eachResult(
    function_ref<void(Type *Ty, unsigned Offset)> Visit) const {
  for (const ResultInfo &R : P.Req.Results)
    Visit(typeOf(G->getContext(), R.Type), R.Offset);
}

void Derivative::eachFloatResult(
    function_ref<void(Type *Ty, unsigned Offset)> Visit) const {
  for (const ResultInfo &R : P.Req.Results)
    if (isFloat(R.Type))
      Visit(typeOf(G->getContext(), R.Type), R.Offset * W.width());
}

llvm::Value *Derivative::resultAt(IRBuilder<> &B, llvm::Value *Base,
                                  unsigned Offset) const {
  return Offset ? B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Base, Offset)
                : Base;
}

void Derivative::storeResults(IRBuilder<> &B, CallInst &Clone,
                              ArrayRef<ResultInfo> Results,
                              llvm::Value *Value) const {
  for (auto [K, R] : enumerate(Results)) {
    Type *Ty = typeOf(B.getContext(), R.Type);
    Align A = G->getDataLayout().getABITypeAlign(Ty);
    LoadInst *Number = B.CreateAlignedLoad(Ty, resultAt(B, Value, R.Offset), A);
    tag(B.CreateAlignedStore(Number, Clone.getArgOperand(K), A), Side::Primal);
  }
}

LoadInst *Derivative::loadShadow(IRBuilder<> &B, Type *Ty, llvm::Value *Shadow,
                                 Align A, const Twine &Name) const {
  LoadInst *Load = B.CreateAlignedLoad(W.of(Ty), Shadow, A, Name);
  tag(Load, Side::Shadow);
  return Load;
}

void Derivative::storeShadow(IRBuilder<> &B, llvm::Value *Value,
                             llvm::Value *Shadow, Align A) const {
  tag(B.CreateAlignedStore(Value, Shadow, A), Side::Shadow);
}

/// `V`, but 0 where it is infinite or NaN and `Other` is exactly 0.
static Value *unlessHidden(IRBuilder<> &B, Value *V, Value *Other) {
  Constant *Null = ConstantFP::get(V->getType(), 0.0);
  Value *Counts =
      B.CreateOr(B.CreateFCmpUNE(Other, Null), B.createIsFPClass(V, fcFinite));
  return B.CreateSelect(Counts, V, Null);
}

/// Arithmetic waits for a select, and so does the whole chain of adjoints. But a
/// factor is seldom 0, and if so many are (a rejected step): in scalar code a
/// branch that the processor foresees is free. Beside a call a select is.
static Value *guard(IRBuilder<> &B, const Instruction &I, Value *Condition,
                    Value *Null, Value *Product) {
  Value *Guarded = B.CreateSelect(Condition, Null, Product);
  if (auto *Select = dyn_cast<SelectInst>(Guarded); Select && !isa<CallInst>(I))
    Select->setMetadata(
        LLVMContext::MD_prof,
        MDBuilder(B.getContext()).createUnlikelyBranchWeights());
  return Guarded;
}

/// An embedded derivative guards the factors instead of the product. Both are
/// equal, but the product's own partials are then right where a factor is zero.
llvm::Value *Derivative::contribution(IRBuilder<> &B, const Instruction &I,
                                      unsigned Operand, llvm::Value *Partial,
                                      llvm::Value *V) const {
  GuardPlan Guard = P.Guards.lookup(&I);
  bool ByFactor = Guard.ZeroFactor >> Operand & 1,
       ByPartial = Guard.ZeroPartial >> Operand & 1;
  llvm::Value *Factor = W.spread(B, Partial);
  // A literal answers for itself.
  if (auto *Literal = dyn_cast<ConstantFP>(Partial)) {
    ByFactor &= !Literal->getValueAPF().isFinite();
    ByPartial &= Literal->isZero();
  }
  if (P.Req.Embedded) {
    llvm::Value *Counted = ByPartial ? unlessHidden(B, V, Factor) : V;
    if (ByFactor)
      Factor = unlessHidden(B, Factor, V);
    return B.CreateFMul(Factor, Counted);
  }
  llvm::Value *Product = B.CreateFMul(Factor, V);
  Constant *Null = ConstantFP::get(V->getType(), 0.0);
  // Where `V` is NaN it is the product, too: this comparison reads one flag of
  // the processor, where that with 0 alone reads two.
  if (ByFactor)
    Product = guard(B, I, B.CreateFCmpUEQ(V, Null), V, Product);
  if (!ByPartial)
    return Product;
  // The other factor is NaN, perhaps: here this does not matter. All lanes of a
  // batch have one partial.
  llvm::Value *IsNull =
      B.CreateFCmpOEQ(Partial, ConstantFP::get(Partial->getType(), 0.0));
  return guard(B, I, IsNull, Null, Product);
}

AllocaInst *Derivative::variable(Type *Ty, const Twine &Name) {
  IRBuilder<> B(Enter, Enter->begin());
  return B.CreateAlloca(Ty, nullptr, Name);
}

AllocaInst *Derivative::variableOfReverse(Type *Ty, const Twine &Name) {
  BasicBlock *Begin = isSplit() ? Turn : Enter;
  IRBuilder<> B(Begin, Begin->begin());
  return B.CreateAlloca(Ty, nullptr, Name);
}

FunctionCallee Derivative::runtime(StringRef Name, Type *Ret,
                                   ArrayRef<Type *> Params) {
  FunctionCallee Callee = G->getParent()->getOrInsertFunction(
      Name, FunctionType::get(Ret, Params, false));
  auto *F = cast<Function>(Callee.getCallee());
  F->setDoesNotThrow();
  F->addFnAttr(Attribute::WillReturn);
  F->addFnAttr(Attribute::NoFree);
  return Callee;
}

void Derivative::returnIfNull(IRBuilder<> &B, llvm::Value *Memory) {
  Instruction *At = &*B.GetInsertPoint();
  llvm::Value *IsNull = B.CreateIsNull(Memory);
  MDNode *Rare = MDBuilder(G->getContext()).createUnlikelyBranchWeights();
  Instruction *Then = SplitBlockAndInsertIfThen(IsNull, B.GetInsertPoint(),
                                                /*Unreachable=*/true, Rare);
  IRBuilder<> Out(Then);
  giveUp(Out);
  Out.CreateRet(Out.getInt32(OutOfMemoryStatus));
  Then->eraseFromParent();
  B.SetInsertPoint(At);
}

llvm::Value *Derivative::allocate(IRBuilder<> &B, llvm::Value *Bytes,
                                  Zeroed When, const Twine &Name) {
  if (P.Req.Embedded)
    return allocateEmbedded(B, Bytes, When, Name);
  CallInst *Memory = callArena(B, Bytes, When, Name);
  returnIfNull(B, Memory);
  if (isSplit() && When == Zeroed::WhenMade)
    tag(B.CreateMemSet(Memory, B.getInt8(0), Bytes, Align(64)), Side::Shadow);
  return Memory;
}

llvm::Value *Derivative::tryAllocate(IRBuilder<> &B, llvm::Value *Bytes,
                                     const Twine &Name) {
  PF_CHECK(!P.Req.Embedded, "a kernel's allocation is never null");
  return callArena(B, Bytes, Zeroed::Never, Name);
}

CallInst *Derivative::callArena(IRBuilder<> &B, llvm::Value *Bytes, Zeroed When,
                                const Twine &Name) {
  if (isSplit())
    return allocateInTape(B, Bytes, When == Zeroed::ByReverse, Name);
  FunctionCallee Callee =
      runtime(When == Zeroed::Never ? "pyfront_arena_alloc"
                                    : "pyfront_arena_alloc_zeroed",
              ptr(), {i64()});
  return callAllocator(B, Callee, {Bytes}, Name);
}

CallInst *Derivative::callAllocator(IRBuilder<> &B, FunctionCallee Callee,
                                    ArrayRef<llvm::Value *> Args,
                                    const Twine &Name) {
  auto *F = cast<Function>(Callee.getCallee());
  F->setReturnDoesNotAlias();
  F->setOnlyAccessesInaccessibleMemory();
  CallInst *Memory = B.CreateCall(Callee, Args, Name);
  Memory->addRetAttr(Attribute::getWithAlignment(G->getContext(), Align(64)));
  return Memory;
}

llvm::Value *Derivative::grow(IRBuilder<> &B, llvm::Value *Array, Type *Ty,
                              llvm::Value *Old, llvm::Value *New) {
  if (P.Req.Embedded)
    return growEmbedded(B, Array, Ty, Old, New);
  llvm::Value *Size = B.getInt64(G->getDataLayout().getTypeStoreSize(Ty));
  SmallVector<llvm::Value *, 4> Args{Array, sizeProduct(B, {Size, Old}),
                                     sizeProduct(B, {Size, New})};
  SmallVector<Type *, 4> Params{ptr(), i64(), i64()};
  StringRef Name = "pyfront_arena_grow";
  if (isSplit()) {
    Args.insert(Args.begin(), P.Req.Inner ? Lender : Owner);
    Params.insert(Params.begin(), ptr());
    Name = "pyfront_tape_grow";
  }
  llvm::Value *Memory = B.CreateCall(runtime(Name, ptr(), Params), Args);
  returnIfNull(B, Memory);
  return Memory;
}

FunctionCallee Derivative::enterCallee() {
  return P.Req.Embedded ? marker::declareEnter(*G->getParent())
                        : runtime("pyfront_arena_enter", i64(), {});
}

FunctionCallee Derivative::leaveCallee() {
  return P.Req.Embedded ? marker::declareLeave(*G->getParent())
                        : runtime("pyfront_arena_leave",
                                  Type::getVoidTy(G->getContext()), {i64()});
}

/// Memory that is returned, and shadows of it, outlive the call.
void Derivative::leaveArena(IRBuilder<> &B) {
  if (!isSplit() && P.Req.Arrays.empty())
    B.CreateCall(leaveCallee(), {Owner});
}

llvm::Value *Derivative::excinfoOfReverse(IRBuilder<> &B) {
  return isSplit() ? static_cast<llvm::Value *>(
                         variableOfReverse(ptr(), "raised.in.reverse"))
                   : G->getArg(0);
}

void Derivative::leaveReverseIfFailed(IRBuilder<> &B, llvm::Value *Status) {
  auto *Failed = BasicBlock::Create(G->getContext(), "failed", G);
  auto *Done = BasicBlock::Create(G->getContext(), "done", G);
  MDNode *Rare = MDBuilder(G->getContext()).createUnlikelyBranchWeights();
  B.CreateCondBr(B.CreateIsNotNull(Status), Failed, Done, Rare);
  IRBuilder<> Out(Failed);
  leaveArena(Out);
  Out.CreateRet(isSplit() ? Out.getInt32(PYFRONT_RULE_FAILED) : Status);
  B.SetInsertPoint(Done);
}

void Derivative::giveUp(IRBuilder<> &B) {
  if (!isSplit())
    leaveArena(B);
  else if (!P.Req.Inner)
    freeTape(B);
}

void Derivative::leaveIfFailed(IRBuilder<> &B, llvm::Value *Status) {
  MDNode *Rare = MDBuilder(G->getContext()).createUnlikelyBranchWeights();
  Instruction *At = &*B.GetInsertPoint();
  Instruction *Then =
      SplitBlockAndInsertIfThen(B.CreateIsNotNull(Status), B.GetInsertPoint(),
                                /*Unreachable=*/true, Rare);
  IRBuilder<> Out(Then);
  giveUp(Out);
  Out.CreateRet(Status);
  Then->eraseFromParent();
  B.SetInsertPoint(At);
}

/// The span of an array argument of any strides, empty arrays included.
static Span spanOfArgument(Derivative &D, IRBuilder<> &B, unsigned Index) {
  const ArgInfo &A = D.P.Req.Args[Index];
  const ArgumentLeaf &Leaf = D.P.N.Sig.Leaves[Index];
  auto Param = [&](const Argument *P) -> Value * { return D.Clones[P]; };
  Value *Zero = B.getInt64(0);
  Value *Items = Param(Leaf.Items), *ItemSize = Param(Leaf.ItemSize);
  if (A.Layout != 'A')
    return {Zero, B.CreateMul(Items, ItemSize, A.Name + ".bytes")};
  Value *Low = Zero, *High = Zero;
  for (unsigned Dim = 0; Dim < A.Rank; ++Dim) {
    Value *Steps = B.CreateSub(Param(Leaf.Extents[Dim]), B.getInt64(1));
    Value *Reach = B.CreateMul(Steps, Param(Leaf.Strides[Dim]));
    Value *Backwards = B.CreateICmpSLT(Reach, Zero);
    Low = B.CreateAdd(Low, B.CreateSelect(Backwards, Reach, Zero));
    High = B.CreateAdd(High, B.CreateSelect(Backwards, Zero, Reach));
  }
  Value *Bytes = B.CreateAdd(B.CreateSub(High, Low), ItemSize);
  Value *IsEmpty = B.CreateICmpEQ(Items, Zero);
  return {B.CreateSelect(IsEmpty, Zero, Low),
          B.CreateSelect(IsEmpty, Zero, Bytes)};
}

Span spanOf(Derivative &D, IRBuilder<> &B, const Extent &Size) {
  switch (Size.How) {
  case Extent::Form::Argument:
    return spanOfArgument(D, B, Size.Arg);
  case Extent::Form::Bytes: {
    auto It = D.Clones.find(Size.Bytes);
    return {B.getInt64(0), It == D.Clones.end()
                               ? Size.Bytes
                               : static_cast<Value *>(It->second)};
  }
  case Extent::Form::Literal:
    return {B.getInt64(0), B.getInt64(Size.Literal)};
  case Extent::Form::None:
    break;
  }
  return {B.getInt64(0), B.getInt64(0)};
}

} // namespace pyfront
