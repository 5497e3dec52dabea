//===- PrimalReader.cpp - One case per kind of source ---------------------===//
#include "enzyme_pass/emit/PrimalReader.h"
#include "core/Check.h"
#include "enzyme_pass/emit/Places.h"

using namespace llvm;

namespace pyfront {

Value *PrimalReader::counter(IRBuilder<> &B, int L) {
  return B.CreateLoad(D.i64(), Counters.lookup(L), "L" + Twine(L) + ".back");
}

Value *PrimalReader::read(IRBuilder<> &B, Key K) {
  if (isa<Constant>(K.getPointer()))
    return K.getPointer();
  if (Value *V = Known.lookup(K))
    return V;
  const Source *S = D.P.sourceOf(K);
  PF_CHECK(S, "a key without a source");
  return Known[K] = write(B, K, *S);
}

Value *PrimalReader::write(IRBuilder<> &B, Key K, const Source &S) {
  switch (S.Kind) {
  case SourceKind::Literal:
  case SourceKind::Argument:
  case SourceKind::Register:
    return fromKept(B, K, computed(K));
  case SourceKind::Counter:
    return counter(B, S.Index);
  case SourceKind::Recompute:
    return repeat(B, K);
  case SourceKind::Reload:
    return fromKept(B, K, repeat(B, K));
  case SourceKind::Snapshot:
    return fromSnapshot(B, cast<LoadInst>(K.getPointer()),
                        D.P.Snapshots[S.Index]);
  case SourceKind::Tape:
    return fromKept(
        B, K, Slots.load(B, S.Index, [&](Value *V) { return primal(B, V); }));
  }
  PF_UNREACHABLE("unknown kind of source");
}

Value *PrimalReader::computed(Key K) {
  Value *InFrame = Crossing.valueOf(K);
  return InFrame ? InFrame : Sweep.valueOf(K);
}

Value *PrimalReader::fromKept(IRBuilder<> &B, Key K, Value *Kept) {
  if (K.getInt() == Space::Shadow)
    if (auto It = D.P.Places.find(K.getPointer()); It != D.P.Places.end())
      return addressOf(D, B, Kept, It->second);
  return Kept;
}

Value *PrimalReader::repeat(IRBuilder<> &B, Key K) {
  auto *I = cast<Instruction>(K.getPointer());
  bool IsShadow = K.getInt() == Space::Shadow;
  SmallVector<Value *, 4> Operands;
  for (Key Op : operandsOf(K))
    Operands.push_back(read(B, Op));
  if (auto *Step = dyn_cast<GetElementPtrInst>(I); Step && IsShadow)
    return D.W.address(B, *Step, Operands[0], drop_begin(Operands),
                       I->getName() + ".shadow");
  Instruction *Copy = I->clone();
  Copy->dropUnknownNonDebugMetadata();
  Copy->setDebugLoc(DebugLoc());
  for (unsigned Op = 0; Op < Operands.size(); ++Op)
    Copy->setOperand(Op, Operands[Op]);
  B.Insert(Copy, I->getName() + (IsShadow ? ".shadow" : ".again"));
  if (isa<LoadInst>(Copy))
    D.tag(Copy, IsShadow ? Side::Shadow : Side::Primal);
  return Copy;
}

Value *PrimalReader::fromSnapshot(IRBuilder<> &B, LoadInst *Load,
                                  const Snapshot &S) {
  SmallVector<GetElementPtrInst *, 4> Path;
  for (Value *Ptr = Load->getPointerOperand(); Ptr != S.Base;) {
    Path.push_back(cast<GetElementPtrInst>(Ptr));
    Ptr = Path.back()->getPointerOperand();
  }
  Value *Address =
      Slots.load(B, S.Slot, [&](Value *V) { return primal(B, V); });
  for (GetElementPtrInst *Step : reverse(Path)) {
    Instruction *Copy = Step->clone();
    Copy->setOperand(0, Address);
    for (unsigned Op = 1; Op < Step->getNumOperands(); ++Op)
      Copy->setOperand(Op, primal(B, Step->getOperand(Op)));
    // The copy is not the object that the kernel's address was in bounds of.
    cast<GetElementPtrInst>(Copy)->setNoWrapFlags(GEPNoWrapFlags::none());
    Copy->setDebugLoc(DebugLoc());
    B.Insert(Copy);
    Address = Copy;
  }
  LoadInst *Copy = B.CreateAlignedLoad(
      Load->getType(), Address, Load->getAlign(), Load->getName() + ".copy");
  D.tag(Copy, Side::Tape);
  return Copy;
}

} // namespace pyfront
