//===- Sizes.cpp - Literals first, then LLVM's overflow checks ------------===//
#include "enzyme_pass/emit/Sizes.h"
#include "llvm/IR/Constants.h"

using namespace llvm;

namespace pyfront {

static Value *product(IRBuilder<> &B, Value *A, Value *C) {
  ConstantInt *Largest = B.getInt64(INT64_MAX);
  auto *LiteralA = dyn_cast<ConstantInt>(A),
       *LiteralC = dyn_cast<ConstantInt>(C);
  if (LiteralA && LiteralC) {
    bool Wraps = false;
    APInt P = LiteralA->getValue().umul_ov(LiteralC->getValue(), Wraps);
    return Wraps ? Largest : B.getInt(P);
  }
  if (LiteralA && LiteralA->isOne())
    return C;
  if (LiteralC && LiteralC->isOne())
    return A;
  Value *Pair = B.CreateBinaryIntrinsic(Intrinsic::umul_with_overflow, A, C);
  return B.CreateSelect(B.CreateExtractValue(Pair, 1), Largest,
                        B.CreateExtractValue(Pair, 0));
}

Value *sizeProduct(IRBuilder<> &B, ArrayRef<Value *> Factors) {
  Value *Product = B.getInt64(1);
  // Literals first: most sizes have several.
  for (bool Literals : {true, false})
    for (Value *Factor : Factors)
      if (isa<ConstantInt>(Factor) == Literals)
        Product = product(B, Product, Factor);
  if (Factors.size() == 1 || isa<ConstantInt>(Product))
    return Product;
  return B.CreateBinaryIntrinsic(Intrinsic::umin, Product,
                                 B.getInt64(INT64_MAX));
}

} // namespace pyfront
