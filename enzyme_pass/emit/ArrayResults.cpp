//===- ArrayResults.cpp ---------------------------------------------------===//
///
/// \file
/// How: by the offsets of the callee's result.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/ArrayResults.h"
#include "core/KeptCalls.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

static CallInst *callOf(const CallInst &Marker) {
  return cast<CallInst>(Marker.getArgOperand(0));
}

static const ArrayResult &resultOf(const Derivative &D,
                                   const CallInst &Marker) {
  const CallPlan &Planned = D.P.Calls.find(callOf(Marker))->second;
  return Planned.Info->Arrays[kept::placeOfArray(Marker)];
}

static Value *dataAt(Derivative &D, IRBuilder<> &B, Value *Struct,
                     unsigned Offset, const Twine &Name) {
  return B.CreateLoad(D.ptr(), D.resultAt(B, Struct, Offset), Name);
}

Value *loadArrayResult(Derivative &D, IRBuilder<> &B, const CallInst &Marker) {
  return dataAt(D, B, D.ResultsOf.lookup(callOf(Marker)),
                resultOf(D, Marker).Offset + ArrayDataOffset, Marker.getName());
}

/// One array for each member of a batch becomes one interleaved shadow.
static void interleave(Derivative &D, IRBuilder<> &B, ArrayRef<Value *> Arrays,
                       Type *Ty, Value *Shadow, Value *Bytes) {
  const DataLayout &DL = D.G->getDataLayout();
  Value *Count = B.CreateUDiv(Bytes, B.getInt64(DL.getTypeStoreSize(Ty)));
  // The loop runs once at least.
  Instruction *Then = SplitBlockAndInsertIfThen(
      B.CreateIsNotNull(Count), B.GetInsertPoint(), /*Unreachable=*/false);
  auto [Body, Index] =
      SplitBlockAndInsertSimpleForLoop(Count, Then->getIterator());
  IRBuilder<> In(Body);
  Align A = DL.getABITypeAlign(Ty);
  Value *All = PoisonValue::get(D.W.of(Ty));
  for (auto [Lane, Data] : enumerate(Arrays)) {
    Value *One = In.CreateAlignedLoad(Ty, In.CreateGEP(Ty, Data, Index), A);
    All = Arrays.size() > 1 ? In.CreateInsertElement(All, One, Lane) : One;
  }
  D.storeShadow(In, All, In.CreateGEP(D.W.memoryOf(Ty), Shadow, Index), A);
}

void copyArrayTangent(Derivative &D, IRBuilder<> &B, const CallInst &Marker,
                      Value *Shadow, Value *Bytes) {
  CallInst *Call = callOf(Marker);
  const CallPlan &Planned = D.P.Calls.find(Call)->second;
  const ArrayResult &Array = resultOf(D, Marker);
  unsigned Offset = Array.Offset + ArrayDataOffset;
  const auto &Frames = D.TangentFrames.find(Call)->second;
  if (!Planned.Info->Rule) {
    Value *From = dataAt(D, B, Frames.front(), Offset * D.P.Req.Width, "dot");
    D.tag(B.CreateMemCpy(Shadow, Align(8), From, Align(8), D.W.bytes(B, Bytes)),
          Side::Shadow);
    return;
  }
  SmallVector<Value *, 4> From;
  for (Value *Frame : Frames)
    From.push_back(
        dataAt(D, B, Frame, Planned.Info->Rule->TangentOffset + Offset, "dot"));
  interleave(D, B, From, kept::typeOf(B.getContext(), Array.Type), Shadow,
             Bytes);
}

} // namespace pyfront
