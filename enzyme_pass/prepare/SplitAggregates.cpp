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
/// And what is one of two arrays (`np.ascontiguousarray`: itself, or a copy) is
/// one of two structs, of which the facts know no pointer:
///
///   %a = phi {ptr, i64} ..   ->   %a.0 = phi ptr ..
///                                 %a.1 = phi i64 ..
///
/// The structs around the parts are folded by LLVM's next pass.
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

/// What is at each leaf of `Whole`: extracted, at `B`.
static void
extractLeaves(IRBuilder<> &B, Value *Whole, Type *Ty,
              SmallVectorImpl<unsigned> &Path,
              function_ref<void(Value *, ArrayRef<unsigned>)> Each) {
  if (!Ty->isAggregateType()) {
    Each(B.CreateExtractValue(Whole, Path), Path);
    return;
  }
  unsigned Parts =
      Ty->isStructTy() ? Ty->getStructNumElements() : Ty->getArrayNumElements();
  for (unsigned I = 0; I < Parts; ++I) {
    Path.push_back(I);
    extractLeaves(B, Whole, GetElementPtrInst::getTypeAtIndex(Ty, uint64_t(I)),
                  Path, Each);
    Path.pop_back();
  }
}

static void splitPhi(PHINode &Phi) {
  SmallVector<PHINode *, 16> Parts;
  SmallVector<SmallVector<unsigned, 4>, 16> Paths;
  SmallDenseMap<BasicBlock *, SmallVector<Value *, 16>> Leaves;
  for (auto [V, Pred] : zip(Phi.incoming_values(), Phi.blocks())) {
    if (Leaves.contains(Pred))
      continue;
    SmallVectorImpl<Value *> &Found = Leaves[Pred];
    SmallVector<unsigned, 4> Path;
    Paths.clear();
    IRBuilder<> B(Pred->getTerminator());
    extractLeaves(B, V, Phi.getType(), Path,
                  [&](Value *Leaf, ArrayRef<unsigned> At) {
                    Found.push_back(Leaf);
                    Paths.emplace_back(At.begin(), At.end());
                  });
  }
  IRBuilder<> AtPhi(&Phi);
  IRBuilder<> Behind(Phi.getParent(), Phi.getParent()->getFirstInsertionPt());
  Value *Whole = PoisonValue::get(Phi.getType());
  for (auto [K, Path] : enumerate(Paths)) {
    Type *Ty = ExtractValueInst::getIndexedType(Phi.getType(), Path);
    PHINode *Part = AtPhi.CreatePHI(Ty, Phi.getNumIncomingValues(),
                                    Phi.getName() + ".part");
    for (BasicBlock *Pred : Phi.blocks())
      Part->addIncoming(Leaves[Pred][K], Pred);
    Whole = Behind.CreateInsertValue(Whole, Part, Path);
  }
  Phi.replaceAllUsesWith(Whole);
  Phi.eraseFromParent();
}

void splitAggregatePhis(Function &F) {
  SmallVector<PHINode *, 8> Phis;
  for (Instruction &I : instructions(F))
    if (auto *Phi = dyn_cast<PHINode>(&I);
        Phi && Phi->getType()->isAggregateType())
      Phis.push_back(Phi);
  for (PHINode *Phi : Phis)
    splitPhi(*Phi);
}

} // namespace pyfront
