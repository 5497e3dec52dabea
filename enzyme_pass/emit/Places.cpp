//===- Places.cpp - Numbers for places and back ---------------------------===//
#include "enzyme_pass/emit/Places.h"

using namespace llvm;

namespace pyfront {

static constexpr unsigned PlaceBits = 54;
static_assert((uint64_t(MaxSplitArguments) + 1) << PlaceBits >> PlaceBits ==
                  MaxSplitArguments + 1,
              "a place is a 64-bit number");

static uint64_t numberOf(unsigned Arg) {
  return (uint64_t(Arg) + 1) << PlaceBits;
}

Constant *placeOf(const Derivative &D, unsigned Arg) {
  return ConstantExpr::getIntToPtr(ConstantInt::get(D.i64(), numberOf(Arg)),
                                   D.ptr());
}

Value *addressOf(const Derivative &D, IRBuilder<> &B, Value *Place,
                 const PlacePlan &Known) {
  if (Place == placeOf(D, Known.Args.front()))
    return D.Derivatives[Known.Args.front()];
  Value *Number = B.CreatePtrToInt(Place, D.i64());
  Value *Owner = B.CreateLShr(
      B.CreateAdd(Number, B.getInt64(uint64_t(1) << (PlaceBits - 1))),
      PlaceBits);
  Value *Address = Known.MayBeAddress ? Place : nullptr;
  for (unsigned Arg : Known.Args) {
    Value *Offset = B.CreateSub(Number, B.getInt64(numberOf(Arg)));
    Value *InThis = B.CreateGEP(B.getInt8Ty(), D.Derivatives[Arg], Offset);
    if (!Address) {
      Address = InThis;
      continue;
    }
    Value *IsThis = B.CreateICmpEQ(Owner, B.getInt64(Arg + 1));
    Address = B.CreateSelect(IsThis, InThis, Address);
  }
  return Address;
}

} // namespace pyfront
