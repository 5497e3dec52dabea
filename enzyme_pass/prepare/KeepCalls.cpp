//===- KeepCalls.cpp - How: cycles of the call graph, sizes ---------------===//
#include "enzyme_pass/prepare/KeepCalls.h"
#include "core/KeptCalls.h"
#include "core/NormalFunction.h"
#include "core/Signature.h"
#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/CallGraph.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

namespace {

constexpr StringLiteral Unresolved = ".numba.unresolved$";

const FunctionInfo *infoOf(const Function &F, const Request &Req) {
  auto It = find_if(Req.Functions, [&](const FunctionInfo &Info) {
    return Info.Primal == F.getName();
  });
  return It == Req.Functions.end() ? nullptr : &*It;
}

/// The functions on cycles of the call graph, in the module's order.
SetVector<Function *> recursiveFunctions(Module &M) {
  CallGraph Graph(M);
  SmallPtrSet<Function *, 8> OnCycle;
  for (auto It = scc_begin(&Graph); !It.isAtEnd(); ++It)
    if (It.hasCycle())
      for (CallGraphNode *Node : *It)
        if (Function *F = Node->getFunction(); F && !F->isDeclaration())
          OnCycle.insert(F);
  SetVector<Function *> Result;
  for (Function &F : M)
    if (OnCycle.contains(&F))
      Result.insert(&F);
  return Result;
}

SmallVector<CallInst *, 8> callsOf(Function &F) {
  SmallVector<CallInst *, 8> Calls;
  for (User *U : F.users())
    if (auto *Call = dyn_cast<CallInst>(U);
        Call && Call->getCalledOperand() == &F)
      Calls.push_back(Call);
  return Calls;
}

/// What the call leaves for the reverse part of its rule and no operand tells.
void keepWords(IRBuilder<> &B, Value *Frame, const FunctionInfo &Info) {
  Module &M = *B.GetInsertBlock()->getModule();
  for (const auto &[Index, Word] : enumerate(Info.Rule->Words))
    if (Word.Operand < 0 || Word.Place >= 0)
      B.CreateCall(marker::declareLeft(
                       M, Word.Type ? kept::typeOf(M.getContext(), *Word.Type)
                                    : B.getPtrTy()),
                   {Frame, B.getInt64(Index)}, Info.Name + ".left");
}

/// The numbers of a result go to variables, and from there to where Numba
/// expects them.
void rewrite(CallInst &Call, Function &Declaration, const FunctionInfo &Info) {
  LLVMContext &C = Call.getContext();
  BasicBlock &Entry = Call.getFunction()->getEntryBlock();
  IRBuilder<> AtEntry(&Entry, Entry.begin());
  SmallVector<Value *, 16> Args;
  for (const ResultInfo &R : Info.Results)
    Args.push_back(AtEntry.CreateAlloca(kept::typeOf(C, R.Type), nullptr,
                                        Info.Name + ".result"));
  unsigned Results = Args.size();
  append_range(Args, drop_begin(Call.args(), numba::FirstPassed));
  IRBuilder<> B(&Call);
  Value *Frame = B.CreateCall(&Declaration, Args, Info.Name + ".frame");
  if (Info.Rule)
    keepWords(B, Frame, Info);
  auto At = [&](uint64_t Offset) {
    return B.CreateConstInBoundsGEP1_64(
        B.getInt8Ty(), Call.getArgOperand(numba::Result), Offset);
  };
  SmallDenseMap<unsigned, Value *> Numbers;
  for (unsigned I = 0; I < Results; ++I) {
    const ResultInfo &R = Info.Results[I];
    Numbers[R.Offset] = B.CreateLoad(kept::typeOf(C, R.Type), Args[I]);
    B.CreateStore(Numbers[R.Offset], At(R.Offset));
  }
  for (const auto &[Place, Array] : enumerate(Info.Arrays)) {
    unsigned Begin = Array.Offset;
    auto In = [&](unsigned Part) { return Begin + 8 * Part; };
    Value *Bytes = B.CreateMul(Numbers.lookup(In(numba::Items)),
                               Numbers.lookup(In(numba::ItemSize)), "bytes");
    Value *Data =
        B.CreateCall(marker::declareArrayResult(*Call.getModule()),
                     {Frame, B.getInt64(Place), Bytes}, Info.Name + ".data");
    B.CreateStore(Data, At(In(numba::Data)));
    for (unsigned Part : {numba::MemInfo, numba::Parent})
      B.CreateStore(ConstantPointerNull::get(B.getPtrTy()), At(In(Part)));
  }
  Call.replaceAllUsesWith(ConstantInt::get(Call.getType(), 0));
  Call.eraseFromParent();
}

/// Where the struct of an array begins `Offset` bytes into a value of type `Ty`.
SmallVector<unsigned, 4> pathTo(Type *Ty, uint64_t Offset,
                                const DataLayout &DL) {
  SmallVector<unsigned, 4> Path;
  auto IsArray = [&](Type *T) {
    auto *S = dyn_cast<StructType>(T);
    return S && Offset == 0 && S->getNumElements() > numba::Data &&
           S->getElementType(numba::Data)->isPointerTy() &&
           S->getElementType(numba::Items)->isIntegerTy(64);
  };
  while (!IsArray(Ty)) {
    unsigned Element;
    if (auto *S = dyn_cast<StructType>(Ty)) {
      const StructLayout *Layout = DL.getStructLayout(S);
      Element = Layout->getElementContainingOffset(Offset);
      Offset -= Layout->getElementOffset(Element);
      Ty = S->getElementType(Element);
    } else {
      auto *A = cast<ArrayType>(Ty);
      uint64_t Size = DL.getTypeAllocSize(A->getElementType());
      Element = Offset / Size;
      Offset -= Element * Size;
      Ty = A->getElementType();
    }
    Path.push_back(Element);
  }
  return Path;
}

/// What a function returns of arrays is copied to memory that its caller gets.
void copyReturned(StoreInst &Return, const FunctionInfo &Info) {
  IRBuilder<> B(&Return);
  Value *Result = Return.getValueOperand();
  for (const auto &[Place, Array] : enumerate(Info.Arrays)) {
    SmallVector<unsigned, 4> Path =
        pathTo(Result->getType(), Array.Offset, Return.getDataLayout());
    auto Of = [&](unsigned Part) {
      SmallVector<unsigned, 4> To(Path);
      To.push_back(Part);
      return To;
    };
    Value *Bytes =
        B.CreateMul(B.CreateExtractValue(Result, Of(numba::Items)),
                    B.CreateExtractValue(Result, Of(numba::ItemSize)), "bytes");
    Value *To = B.CreateCall(marker::declareReturned(*Return.getModule()),
                             {B.getInt64(Place), Bytes}, "returned");
    Align A(bitsOf(Array.Type) / 8);
    B.CreateMemCpy(To, A, B.CreateExtractValue(Result, Of(numba::Data)), A,
                   Bytes);
    for (unsigned Part : {numba::MemInfo, numba::Parent, numba::Data})
      Result = B.CreateInsertValue(
          Result, ConstantPointerNull::get(B.getPtrTy()), Of(Part));
  }
  Return.setOperand(0, Result);
}

void copyReturned(Function &F, const FunctionInfo &Info) {
  if (Info.Arrays.empty())
    return;
  SmallVector<StoreInst *, 4> Returns;
  for (User *U : F.getArg(numba::Result)->users())
    if (auto *Store = dyn_cast<StoreInst>(U);
        Store && Store->getValueOperand()->getType()->isAggregateType() &&
        !isa<Constant>(Store->getValueOperand()))
      Returns.push_back(Store);
  for (StoreInst *Return : Returns)
    copyReturned(*Return, Info);
}

} // namespace

void resolveRecursion(Module &M) {
  for (GlobalVariable &G : make_early_inc_range(M.globals())) {
    if (!G.getName().starts_with(Unresolved))
      continue;
    Function *F = M.getFunction(G.getName().drop_front(Unresolved.size()));
    if (!F)
      continue;
    for (User *U : make_early_inc_range(G.users()))
      if (auto *Load = dyn_cast<LoadInst>(U)) {
        for (User *V : make_early_inc_range(Load->users()))
          if (auto *Cast = dyn_cast<BitCastInst>(V)) {
            Cast->replaceAllUsesWith(F);
            Cast->eraseFromParent();
          }
        Load->replaceAllUsesWith(F);
        Load->eraseFromParent();
      }
    if (G.use_empty())
      G.eraseFromParent();
  }
}

std::vector<KeptFunction> keepCalls(Module &M, Function &Kernel,
                                    const Request &Req) {
  auto Rewrite = [](Function &F, const FunctionInfo &Info) {
    Function *Declaration = kept::declare(F, Info);
    for (CallInst *Call : callsOf(F))
      rewrite(*Call, *Declaration, Info);
  };
  for (const FunctionInfo &Info : Req.Functions)
    if (Function *F = M.getFunction(Info.Primal); F && Info.Rule)
      Rewrite(*F, Info);
  SetVector<Function *> Staying = recursiveFunctions(M);
  SmallPtrSet<Function *, 8> Recursive(Staying.begin(), Staying.end());
  // A derivative of a derivative sees through no call that stays.
  if (!Req.Embedded)
    Staying.insert_range(largeCallees(M, Kernel, Req, Recursive));
  std::vector<KeptFunction> Kept;
  for (Function *F : Staying)
    if (const FunctionInfo *Info = infoOf(*F, Req); Info && !Info->Rule) {
      Rewrite(*F, *Info);
      copyReturned(*F, *Info);
      Kept.push_back({F, Info});
    }
  return Kept;
}

} // namespace pyfront
