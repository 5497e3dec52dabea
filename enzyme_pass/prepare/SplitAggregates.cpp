//===- SplitAggregates.cpp - A store of a tuple, number by number ---------===//
///
/// \file
/// Numba stores a tuple in one piece, into its result or an array's struct.
/// LLVM's passes take such a store apart only where the tuple has no padding,
/// and the facts know scalars only:
///
///   store {float, double} %t, ptr %ret   ->   store float %t.0, ptr %ret
///                                             store double %t.1, ptr %ret + 8
///
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

static void storeParts(IRBuilder<> &B, Value *Whole, Type *Ty, Value *To,
                       Align A) {
  if (!Ty->isAggregateType()) {
    B.CreateAlignedStore(Whole, To, A);
    return;
  }
  const DataLayout &DL = B.GetInsertBlock()->getModule()->getDataLayout();
  unsigned Parts =
      Ty->isStructTy() ? Ty->getStructNumElements() : Ty->getArrayNumElements();
  for (unsigned I = 0; I < Parts; ++I) {
    Type *Part = GetElementPtrInst::getTypeAtIndex(Ty, uint64_t(I));
    Value *Indices[] = {B.getInt32(0), B.getInt32(I)};
    uint64_t Offset = DL.getIndexedOffsetInType(Ty, Indices);
    storeParts(B, B.CreateExtractValue(Whole, I), Part,
               B.CreateInBoundsGEP(Ty, To, Indices),
               commonAlignment(A, Offset));
  }
}

void splitAggregateStores(Module &M) {
  SmallVector<StoreInst *, 16> Stores;
  for (Function &F : M)
    for (Instruction &I : instructions(F))
      if (auto *Store = dyn_cast<StoreInst>(&I);
          Store && Store->getValueOperand()->getType()->isAggregateType())
        Stores.push_back(Store);
  for (StoreInst *Store : Stores) {
    IRBuilder<> B(Store);
    Value *Whole = Store->getValueOperand();
    storeParts(B, Whole, Whole->getType(), Store->getPointerOperand(),
               Store->getAlign());
    Store->eraseFromParent();
  }
}

} // namespace pyfront
