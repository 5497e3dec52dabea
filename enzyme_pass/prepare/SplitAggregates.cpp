//===- SplitAggregates.cpp - Tuples, number by number ---------------------===//
///
/// \file
/// Numba stores a tuple in one piece, into its result or an array's struct.
/// LLVM's passes take such a store apart only where the tuple has no padding,
/// and the facts know scalars only:
///
///   store {float, double} %t, ptr %ret   ->   store float %t.0, ptr %ret
///                                             store double %t.1, ptr %ret + 8
///
/// Nor do they take apart a phi of structs, such as that of an array which is
/// copied unless it is contiguous already (`np.ascontiguousarray`):
///
///   phi {ptr, i64} [%a, %x], [%b, %y]     ->   phi ptr [%a.0, %x], [%b.0, %y]
///                                             phi i64 [%a.1, %x], [%b.1, %y]
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

/// Puts a phi of each number in the place of one of all; `B` is behind the phis
/// of the block. What comes around a loop is taken from the whole, which the
/// caller replaces.
static Value *phiOfParts(IRBuilder<> &B, PHINode &Whole, Value *Made, Type *Ty,
                         SmallVectorImpl<unsigned> &Path) {
  if (Ty->isAggregateType()) {
    unsigned Parts = Ty->isStructTy() ? Ty->getStructNumElements()
                                      : Ty->getArrayNumElements();
    for (unsigned I = 0; I < Parts; ++I) {
      Path.push_back(I);
      Made =
          phiOfParts(B, Whole, Made,
                     GetElementPtrInst::getTypeAtIndex(Ty, uint64_t(I)), Path);
      Path.pop_back();
    }
    return Made;
  }
  IRBuilder<> AtPhi(&Whole);
  PHINode *Part = AtPhi.CreatePHI(Ty, Whole.getNumIncomingValues());
  for (auto [From, V] : zip(Whole.blocks(), Whole.incoming_values())) {
    // A block that is named twice gives one value.
    int Known = Part->getBasicBlockIndex(From);
    Part->addIncoming(
        Known >= 0
            ? Part->getIncomingValue(Known)
            : IRBuilder<>(From->getTerminator()).CreateExtractValue(V, Path),
        From);
  }
  return B.CreateInsertValue(Made, Part, Path);
}

static void splitPhi(PHINode &Whole) {
  IRBuilder<> B(Whole.getParent(), Whole.getParent()->getFirstInsertionPt());
  SmallVector<unsigned, 4> Path;
  Value *Made = phiOfParts(B, Whole, PoisonValue::get(Whole.getType()),
                           Whole.getType(), Path);
  Whole.replaceAllUsesWith(Made);
  Whole.eraseFromParent();
}

void splitAggregates(Module &M) {
  SmallVector<StoreInst *, 16> Stores;
  SmallVector<PHINode *, 4> Phis;
  for (Function &F : M)
    for (Instruction &I : instructions(F)) {
      if (auto *Store = dyn_cast<StoreInst>(&I);
          Store && Store->getValueOperand()->getType()->isAggregateType())
        Stores.push_back(Store);
      if (auto *Phi = dyn_cast<PHINode>(&I);
          Phi && Phi->getType()->isAggregateType())
        Phis.push_back(Phi);
    }
  for (PHINode *Phi : Phis)
    splitPhi(*Phi);
  for (StoreInst *Store : Stores) {
    IRBuilder<> B(Store);
    Value *Whole = Store->getValueOperand();
    storeParts(B, Whole, Whole->getType(), Store->getPointerOperand(),
               Store->getAlign());
    Store->eraseFromParent();
  }
}

} // namespace pyfront
