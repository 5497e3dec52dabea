//===- NumbaRuntime.cpp - Numba's plumbing, reduced to its meaning --------===//
///
/// \file
/// Memory: `NRT_MemInfo_alloc*` returns a block whose data pointer is at +24;
/// the kernel's allocations live as long as the call, so reference counts mean
/// nothing and go.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

namespace {

/// Offset of the data pointer in Numba's MemInfo.
constexpr int64_t MemInfoData = 24;

bool isCallOf(const CallBase &Call, StringRef Name) {
  const Function *Callee = Call.getCalledFunction();
  return Callee && Callee->getName() == Name;
}

bool isRefcount(const CallBase &Call) {
  return isCallOf(Call, "NRT_incref") || isCallOf(Call, "NRT_decref");
}

/// The blocks from which the kernel can still return. What a raise allocates on
/// its way out (the arguments of an exception) is freed by who catches it.
SmallPtrSet<const BasicBlock *, 32> blocksThatReturn(const Function &F) {
  SmallPtrSet<const BasicBlock *, 32> Seen;
  SmallVector<const BasicBlock *, 32> Work;
  for (const BasicBlock &BB : F)
    if (isa<ReturnInst>(BB.getTerminator()) && Seen.insert(&BB).second)
      Work.push_back(&BB);
  while (!Work.empty())
    for (const BasicBlock *P : predecessors(Work.pop_back_val()))
      if (Seen.insert(P).second)
        Work.push_back(P);
  return Seen;
}

/// The operand that holds the size in bytes, or -1.
int sizeOperand(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  if (!Callee)
    return -1;
  StringRef Name = Callee->getName();
  if (Name == "NRT_MemInfo_alloc_aligned" ||
      Name == "NRT_MemInfo_alloc_safe_aligned" || Name == "NRT_MemInfo_alloc" ||
      Name == "NRT_MemInfo_alloc_safe")
    return 0;
  return -1;
}

/// The loads of the data pointer from `MemInfo`.
SmallVector<LoadInst *, 4> dataLoads(Value *MemInfo) {
  SmallVector<LoadInst *, 4> Loads;
  for (User *U : MemInfo->users())
    if (auto *Gep = dyn_cast<GetElementPtrInst>(U)) {
      APInt Offset(64, 0);
      if (!Gep->accumulateConstantOffset(Gep->getModule()->getDataLayout(),
                                         Offset) ||
          Offset.getSExtValue() != MemInfoData)
        continue;
      for (User *V : Gep->users())
        if (auto *Load = dyn_cast<LoadInst>(V);
            Load && Load->getType()->isPointerTy())
          Loads.push_back(Load);
    }
  return Loads;
}

void replaceAllocation(CallBase &Call, int SizeOperand) {
  IRBuilder<> B(&Call);
  Value *Size =
      B.CreateZExtOrTrunc(Call.getArgOperand(SizeOperand), B.getInt64Ty());
  CallInst *Data = B.CreateCall(marker::declareAllocate(*Call.getModule()),
                                {Size, B.getInt64(64)}, "local");
  for (LoadInst *Load : dataLoads(&Call)) {
    Load->replaceAllUsesWith(Data);
    Load->eraseFromParent();
  }
  Call.replaceAllUsesWith(Data);
  Call.eraseFromParent();
}

/// `i32 numba_attempt_nocopy_reshape(nd, dims, strides, newnd, newdims,
/// newstrides, itemsize, is_f_order)` fills `newstrides` and returns 1, or 0
/// where a view of the new shape is impossible.
bool isReshape(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  if (!Callee || Callee->getName() != "numba_attempt_nocopy_reshape")
    return false;
  auto *FOrder = dyn_cast<ConstantInt>(Call.getArgOperand(7));
  return isa<ConstantInt>(Call.getArgOperand(0)) &&
         isa<ConstantInt>(Call.getArgOperand(3)) && FOrder && FOrder->isZero();
}

/// Walks the axes of a C-contiguous array from the last one on; `Visit` is
/// given the address of an axis' stride, its extent and the stride that it
/// should have.
void walkAxes(
    IRBuilder<> &B, uint64_t Axes, Value *Dims, Value *Strides, Value *ItemSize,
    function_ref<void(Value *Address, Value *Dim, Value *Due)> Visit) {
  Type *I64 = B.getInt64Ty();
  Value *Due = ItemSize;
  for (uint64_t I = Axes; I-- > 0;) {
    Value *Dim = B.CreateLoad(I64, B.CreateConstInBoundsGEP1_64(I64, Dims, I));
    Visit(B.CreateConstInBoundsGEP1_64(I64, Strides, I), Dim, Due);
    Due = B.CreateMul(Due, Dim);
  }
}

/// A C-contiguous array can always be seen in the new shape. Of others (Fortran
/// order) Numba can view a few; here they raise like those that it cannot.
void lowerReshape(CallBase &Call) {
  IRBuilder<> B(&Call);
  Value *ItemSize = Call.getArgOperand(6);
  Value *IsContiguous = B.getTrue(), *IsEmpty = B.getFalse();
  walkAxes(B, cast<ConstantInt>(Call.getArgOperand(0))->getZExtValue(),
           Call.getArgOperand(1), Call.getArgOperand(2), ItemSize,
           [&](Value *Address, Value *Dim, Value *Due) {
             Value *Stride = B.CreateLoad(B.getInt64Ty(), Address);
             Value *Fits = B.CreateOr(B.CreateICmpEQ(Dim, B.getInt64(1)),
                                      B.CreateICmpEQ(Stride, Due));
             IsContiguous = B.CreateAnd(IsContiguous, Fits);
             IsEmpty = B.CreateOr(IsEmpty, B.CreateIsNull(Dim));
           });
  walkAxes(B, cast<ConstantInt>(Call.getArgOperand(3))->getZExtValue(),
           Call.getArgOperand(4), Call.getArgOperand(5), ItemSize,
           [&](Value *Address, Value *, Value *Due) {
             B.CreateStore(Due, Address);
           });
  Call.replaceAllUsesWith(
      B.CreateZExt(B.CreateOr(IsContiguous, IsEmpty), Call.getType()));
  Call.eraseFromParent();
}

} // namespace

void lowerNumbaMemory(Function &F) {
  SmallVector<CallBase *, 16> Counts, Allocations, DataOf, Reshapes;
  SmallPtrSet<const BasicBlock *, 32> Returning = blocksThatReturn(F);
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call)
      continue;
    // Counts must go on every path or on none.
    if (isRefcount(*Call))
      Counts.push_back(Call);
    // So must what frees a temporary.
    if (isCallOf(*Call, "NRT_Free"))
      Counts.push_back(Call);
    if (!Returning.contains(I.getParent()))
      continue;
    if (sizeOperand(*Call) >= 0)
      Allocations.push_back(Call);
    else if (isCallOf(*Call, "NRT_MemInfo_data_fast"))
      DataOf.push_back(Call);
    else if (isReshape(*Call))
      Reshapes.push_back(Call);
  }
  for (CallBase *Call : Counts)
    Call->eraseFromParent();
  // Once allocations return their data, this is the identity.
  for (CallBase *Call : DataOf) {
    Call->replaceAllUsesWith(Call->getArgOperand(0));
    Call->eraseFromParent();
  }
  for (CallBase *Call : Reshapes)
    lowerReshape(*Call);
  for (CallBase *Call : Allocations)
    replaceAllocation(*Call, sizeOperand(*Call));
}

} // namespace pyfront
