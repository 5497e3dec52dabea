//===- Workspaces.cpp - How: unite ranges, allocate once for each union ---===//
#include "enzyme_pass/emit/Workspaces.h"
#include "enzyme_pass/emit/Sizes.h"

using namespace llvm;

namespace pyfront {

namespace {

/// Addresses from `Low` to before `High`.
struct Range {
  Value *Low, *High;
};

Value *overlap(IRBuilder<> &B, const Range &R, const Range &S) {
  return B.CreateAnd(B.CreateICmpULT(R.Low, S.High),
                     B.CreateICmpULT(S.Low, R.High));
}

/// Of n ranges, a chain of overlaps is united after n - 1 rounds.
void unite(IRBuilder<> &B, MutableArrayRef<Range> Ranges) {
  for (unsigned Round = 1; Round < Ranges.size(); ++Round)
    for (Range &R : Ranges)
      for (const Range &S : Ranges) {
        if (&R == &S)
          continue;
        Value *Meet = overlap(B, R, S);
        Value *Low = B.CreateBinaryIntrinsic(Intrinsic::umin, R.Low, S.Low);
        Value *High = B.CreateBinaryIntrinsic(Intrinsic::umax, R.High, S.High);
        R = {B.CreateSelect(Meet, Low, R.Low),
             B.CreateSelect(Meet, High, R.High)};
      }
}

} // namespace

SmallVector<Value *, 2> makeWorkspaces(Derivative &D, IRBuilder<> &B,
                                       ArrayRef<unsigned> Group) {
  SmallVector<Value *, 2> Result, Memory, Bases;
  SmallVector<Range, 2> Ranges;
  Value *Width = B.getInt64(D.P.Req.Width);
  for (unsigned O : Group) {
    const ObjectPlan &Object = D.P.Objects[O];
    Span S = spanOf(D, B, Object.Size);
    if (Group.size() == 1) {
      Value *Own = D.allocate(B, sizeProduct(B, {S.Bytes, Width}), Object.Zero,
                              Object.Name + ".shadow");
      return {
          B.CreateGEP(B.getInt8Ty(), Own, B.CreateNeg(D.W.bytes(B, S.Low)))};
    }
    Bases.push_back(B.CreatePtrToInt(D.Clones[Object.Base], D.i64()));
    Value *Low = B.CreateAdd(Bases.back(), S.Low);
    Ranges.push_back({Low, B.CreateAdd(Low, S.Bytes)});
  }
  unite(B, Ranges);
  for (unsigned I = 0; I < Group.size(); ++I) {
    // The first of a union brings the memory; an empty array meets no other.
    Value *Bytes = B.CreateSub(Ranges[I].High, Ranges[I].Low);
    Value *Found = nullptr, *IsFirst = B.getTrue();
    for (unsigned J = 0; J < I; ++J) {
      Value *Same = overlap(B, Ranges[J], Ranges[I]);
      IsFirst = B.CreateAnd(IsFirst, B.CreateNot(Same));
      Found = Found ? B.CreateSelect(Same, Memory[J], Found) : Memory[J];
    }
    Value *Own = D.allocate(
        B,
        B.CreateSelect(IsFirst, sizeProduct(B, {Bytes, Width}), B.getInt64(0)),
        D.P.Objects[Group[I]].Zero, D.P.Objects[Group[I]].Name + ".shadow");
    Memory.push_back(Found ? B.CreateSelect(IsFirst, Own, Found) : Own);
    Value *Distance = B.CreateSub(Bases[I], Ranges[I].Low);
    Result.push_back(
        B.CreateGEP(B.getInt8Ty(), Memory.back(), D.W.bytes(B, Distance)));
  }
  return Result;
}

} // namespace pyfront
