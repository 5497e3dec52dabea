//===- ForwardStructs.cpp - Structs are values, block by block ------------===//
///
/// \file
/// Numba keeps each array's struct in a stack slot, and copies it to another
/// slot for every access of the array:
///
///   %a = load T, ptr %x           ->    %a = load T, ptr %x   ; once a block
///   store T %a, ptr %slot
///   %f = gep T, %slot, 0, 4
///   %p = load ptr, ptr %f         ->    %p = extractvalue T %a, 4
///
/// What a block has stored or loaded it knows; slots that nothing is loaded
/// from any more go. LLVM's SROA does that as well, but in the square of the
/// number of accesses: it makes a slot for every field of every copy, and looks
/// for the first use of each from the beginning of its block.
///
/// Invariant: only loads are replaced, by the value that they would have read.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

namespace {

class StructForwarder {
public:
  explicit StructForwarder(Function &F) : F(F) {}

  void run() {
    for (Instruction &I : instructions(F))
      if (auto *Slot = dyn_cast<AllocaInst>(&I);
          Slot && Slot->getAllocatedType()->isAggregateType() &&
          !Slot->isArrayAllocation())
        collect(*Slot);
    for (BasicBlock &BB : F)
      forwardIn(BB);
    for (Instruction *I : Replaced)
      I->eraseFromParent();
    for (AllocaInst *Slot : Slots)
      if (LoadsOf.lookup(Slot) == 0)
        erase(*Slot);
  }

private:
  /// The part of a slot that a load or a store touches; no path: all of it.
  struct Part {
    AllocaInst *Slot;
    SmallVector<unsigned, 2> Path;
  };

  /// Notes the accesses of a slot that nothing else than loads and stores of
  /// itself and of its parts can touch.
  void collect(AllocaInst &Slot);
  bool findParts(Instruction &Ptr, Type *Ty, const Part &P,
                 SmallVectorImpl<std::pair<Instruction *, Part>> &Found) const;
  void forwardIn(BasicBlock &BB);
  void forwardLoad(LoadInst &Load, const Part &P);
  void noteStore(StoreInst &Store, const Part &P);
  static void erase(AllocaInst &Slot);

  Function &F;
  SmallVector<AllocaInst *, 16> Slots;
  DenseMap<const Instruction *, Part> PartOf;
  DenseMap<const AllocaInst *, unsigned> LoadsOf;
  /// What each slot holds, where the block being walked knows it.
  DenseMap<const AllocaInst *, Value *> Held;
  SmallVector<Instruction *, 32> Replaced;
};

bool StructForwarder::findParts(
    Instruction &Ptr, Type *Ty, const Part &P,
    SmallVectorImpl<std::pair<Instruction *, Part>> &Found) const {
  for (User *U : Ptr.users()) {
    if (auto *Load = dyn_cast<LoadInst>(U);
        Load && Load->isSimple() && Load->getType() == Ty) {
      Found.push_back({Load, P});
      continue;
    }
    if (auto *Store = dyn_cast<StoreInst>(U);
        Store && Store->isSimple() && Store->getPointerOperand() == &Ptr &&
        Store->getValueOperand() != &Ptr &&
        Store->getValueOperand()->getType() == Ty) {
      Found.push_back({Store, P});
      continue;
    }
    auto *Gep = dyn_cast<GetElementPtrInst>(U);
    if (!Gep || Gep->getSourceElementType() != Ty ||
        !Gep->hasAllConstantIndices() ||
        !cast<ConstantInt>(Gep->getOperand(1))->isZero())
      return false;
    Part Inner = P;
    for (Value *Index : drop_begin(Gep->indices()))
      Inner.Path.push_back(cast<ConstantInt>(Index)->getZExtValue());
    if (!findParts(*Gep, Gep->getResultElementType(), Inner, Found))
      return false;
  }
  return true;
}

void StructForwarder::collect(AllocaInst &Slot) {
  SmallVector<std::pair<Instruction *, Part>, 16> Found;
  if (!findParts(Slot, Slot.getAllocatedType(), {&Slot, {}}, Found))
    return;
  Slots.push_back(&Slot);
  for (auto &[I, P] : Found) {
    LoadsOf[&Slot] += isa<LoadInst>(I);
    PartOf.try_emplace(I, std::move(P));
  }
}

void StructForwarder::forwardIn(BasicBlock &BB) {
  Held.clear();
  for (Instruction &I : make_early_inc_range(BB)) {
    auto It = PartOf.find(&I);
    if (It == PartOf.end())
      continue;
    if (auto *Load = dyn_cast<LoadInst>(&I))
      forwardLoad(*Load, It->second);
    else
      noteStore(cast<StoreInst>(I), It->second);
  }
}

void StructForwarder::forwardLoad(LoadInst &Load, const Part &P) {
  Value *&Whole = Held[P.Slot];
  if (!Whole && P.Path.empty()) {
    Whole = &Load;
    return;
  }
  IRBuilder<> B(&Load);
  if (!Whole) {
    Whole = B.CreateLoad(P.Slot->getAllocatedType(), P.Slot);
    ++LoadsOf[P.Slot];
  }
  Value *Known = Whole;
  if (!P.Path.empty()) {
    Known = FindInsertedValue(Whole, P.Path);
    if (!Known)
      Known = B.CreateExtractValue(Whole, P.Path);
  }
  Load.replaceAllUsesWith(Known);
  Replaced.push_back(&Load);
  --LoadsOf[P.Slot];
}

void StructForwarder::noteStore(StoreInst &Store, const Part &P) {
  if (P.Path.empty()) {
    Held[P.Slot] = Store.getValueOperand();
    return;
  }
  Value *&Whole = Held[P.Slot];
  if (Whole)
    Whole = IRBuilder<>(&Store).CreateInsertValue(
        Whole, Store.getValueOperand(), P.Path);
}

void StructForwarder::erase(AllocaInst &Slot) {
  SmallVector<Instruction *, 16> Work{&Slot}, Dead;
  while (!Work.empty()) {
    Instruction *I = Work.pop_back_val();
    Dead.push_back(I);
    if (!isa<StoreInst>(I))
      for (User *U : I->users())
        Work.push_back(cast<Instruction>(U));
  }
  for (Instruction *I : reverse(Dead))
    I->eraseFromParent();
}

} // namespace

void forwardStructs(Module &M) {
  for (Function &F : M)
    if (!F.isDeclaration())
      StructForwarder(F).run();
}

} // namespace pyfront
