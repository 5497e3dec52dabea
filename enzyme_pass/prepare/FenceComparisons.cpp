//===- FenceComparisons.cpp - Equal values have unequal derivatives -------===//
///
/// \file
///   if x == 1.0:  y = x * z         %f = call @llvm.arithmetic.fence(%x)
///                            ->     %c = fcmp oeq %f, 1.0
///                                   br %c, ...   %y = fmul %x, %z
///
/// Behind a comparison LLVM takes one value for another: GVN and InstCombine
/// put 1.0 for x (with `nsz` also one variable for another), a branch with a
/// select of both sides becomes `fabs` or a minimum, `x >= inf` becomes
/// `x == inf` and then inf. All of that keeps the value and loses the
/// derivative, which belongs to x and not to what x happens to be.
///
/// So a comparison sees its operands through a fence: an identity that no pass
/// looks through, that costs nothing, may be moved and is found again by CSE.
/// What a pass concludes from the comparison is then true of the fence, and
/// nothing else uses that. The comparisons themselves stay what they are: they
/// are inverted, merged and folded as ever. When the last pass of LLVM's has
/// run, the fences go (`dropFences`), and the facts see the kernel's own
/// comparisons.
///
/// One fence per value, right behind it: so a comparison is no dearer to
/// speculate than without. What can carry no derivative has none: constants,
/// numbers made of integers.
///
/// Integers that hold a float's bits, cast or read from where floats are kept,
/// are compared as that: a bit pattern known behind `==` is a value known.
///
/// What needs no fence. Rewrites under fast-math flags that hold for all
/// operands (`x - x` is 0, `sqrt(x) * sqrt(x)` is x, sums in another order) are
/// identities of functions: both sides have the same derivative, or the right
/// one is its limit. Only what holds at a point is not, and to know a point
/// takes a comparison.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

namespace {

bool isFence(const Value *V) {
  auto *I = dyn_cast<IntrinsicInst>(V);
  return I && I->getIntrinsicID() == Intrinsic::arithmetic_fence;
}

/// Integers of a function that may hold the bits of floats: casts of floats,
/// what is read from memory where the function keeps floats as well, and what
/// arithmetic and phis make of them.
class FloatBits {
public:
  explicit FloatBits(Function &F) {
    SmallPtrSet<const Value *, 8> Homes;
    for (Instruction &I : instructions(F))
      if (const Value *Ptr = getLoadStorePointerOperand(&I))
        if (getLoadStoreType(&I)->isFPOrFPVectorTy())
          Homes.insert(getUnderlyingObject(Ptr));
    SmallVector<Instruction *, 8> Work;
    for (Instruction &I : instructions(F))
      if (floatOf(I.getType()) && (isFloatCast(I) || isReadFrom(I, Homes)))
        Work.push_back(&I);
    while (!Work.empty()) {
      Instruction *I = Work.pop_back_val();
      if (!Bits.insert(I).second)
        continue;
      for (User *U : I->users())
        if (auto *Next = dyn_cast<Instruction>(U);
            Next && Next->getType() == I->getType() && !isa<CallBase>(Next))
          Work.push_back(Next);
    }
  }

  bool contains(const Value *V) const { return Bits.contains(V); }

  /// The float type of the same size; null if there is none.
  static Type *floatOf(const Type *Ty) {
    return Ty->isIntegerTy(64)   ? Type::getDoubleTy(Ty->getContext())
           : Ty->isIntegerTy(32) ? Type::getFloatTy(Ty->getContext())
                                 : nullptr;
  }

private:
  static bool isFloatCast(const Instruction &I) {
    return isa<BitCastInst>(I) &&
           I.getOperand(0)->getType()->isFPOrFPVectorTy();
  }

  /// Variables of the kernel's are values before anything is concluded.
  static bool isReadFrom(const Instruction &I,
                         const SmallPtrSetImpl<const Value *> &Homes) {
    auto *Load = dyn_cast<LoadInst>(&I);
    const Value *Home =
        Load ? getUnderlyingObject(Load->getPointerOperand()) : nullptr;
    return Home && !isa<AllocaInst>(Home) && Homes.contains(Home);
  }

  SmallPtrSet<const Value *, 8> Bits;
};

bool carriesNoDerivative(const Value *V, const FloatBits &Bits) {
  auto *Cast = dyn_cast<CastInst>(V);
  if (!Cast)
    return isa<Constant>(V);
  const Value *From = Cast->getOperand(0);
  if (isa<BitCastInst>(Cast))
    return From->getType()->isIntegerTy() && !Bits.contains(From);
  return From->getType()->isIntOrIntVectorTy() ||
         (isa<FPExtInst, FPTruncInst>(Cast) && carriesNoDerivative(From, Bits));
}

class Fencer {
public:
  Fencer(Function &F, const FloatBits &Bits) : F(F), Bits(Bits) {}

  bool run() {
    SmallVector<CmpInst *, 32> Comparisons;
    for (Instruction &I : instructions(F))
      if (auto *Cmp = dyn_cast<CmpInst>(&I))
        Comparisons.push_back(Cmp);
    bool Changed = false;
    for (CmpInst *Cmp : Comparisons)
      for (Use &U : Cmp->operands())
        if (Value *Fenced = fenced(U.get())) {
          U.set(Fenced);
          Changed = true;
        }
    return Changed;
  }

private:
  /// What a comparison is to see of \p V; null if that is `V` itself.
  Value *fenced(Value *V) {
    Type *Ty = V->getType();
    bool IsBits = Bits.contains(V);
    if (isFencedBits(V) || isFence(V) ||
        (!IsBits && (!Ty->isFPOrFPVectorTy() || carriesNoDerivative(V, Bits))))
      return nullptr;
    Value *&Fence = Fences[V];
    if (Fence)
      return Fence;
    IRBuilder<> B(F.getContext());
    if (auto *I = dyn_cast<Instruction>(V)) {
      B.SetInsertPoint(*I->getInsertionPointAfterDef());
      B.SetCurrentDebugLocation(I->getDebugLoc());
    } else {
      B.SetInsertPoint(F.getEntryBlock().begin());
    }
    if (!IsBits)
      return Fence = B.CreateArithmeticFence(V, Ty);
    Type *FloatTy = FloatBits::floatOf(Ty);
    Value *Float = B.CreateBitCast(V, FloatTy);
    return Fence = B.CreateBitCast(B.CreateArithmeticFence(Float, FloatTy), Ty);
  }

  /// An integer that a comparison may see: the bits of a fence.
  static bool isFencedBits(const Value *V) {
    auto *Cast = dyn_cast<BitCastInst>(V);
    return Cast && isFence(Cast->getOperand(0));
  }

  Function &F;
  const FloatBits &Bits;
  DenseMap<Value *, Value *> Fences;
};

/// Replaces the fences that \p Goes accepts by what they fence.
bool removeFences(Function &F, function_ref<bool(const Value *)> Goes) {
  bool Changed = false;
  for (Instruction &I : make_early_inc_range(instructions(F)))
    if (isFence(&I) && Goes(I.getOperand(0))) {
      I.replaceAllUsesWith(I.getOperand(0));
      I.eraseFromParent();
      Changed = true;
    }
  return Changed;
}

} // namespace

bool fenceComparisons(Function &F) {
  if (F.isDeclaration())
    return false;
  FloatBits Bits(F);
  bool Trimmed = removeFences(
      F, [&](const Value *V) { return carriesNoDerivative(V, Bits); });
  return Fencer(F, Bits).run() || Trimmed;
}

bool dropFences(Function &F) {
  return removeFences(F, [](const Value *) { return true; });
}

} // namespace pyfront
