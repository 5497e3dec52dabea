//===- EmitStrips.cpp - A reversed loop in strips -------------------------===//
///
/// \file
///   B.rev:      low = max(k - (Length - 1), 0)
///   B.strip:    the reverse of the body, k downwards to low; contributions of
///               the strip's loads go to buffers at k - low
///   B.scatter:  for each load, k from low upwards: shadow += buffer[k - low]
///   B.next:     low == 0 ? before the loop : the next strip
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/ReverseSweep.h"

using namespace llvm;

namespace pyfront {

/// Iterations of a strip: its buffers stay in the first-level cache.
static constexpr uint64_t StripLength = 512;

void ReverseSweep::emitStrips(BasicBlock *BB, ArrayRef<LoadInst *> Loads) {
  LLVMContext &C = D.G->getContext();
  int L = P.N.loopOf(BB);
  const NormalLoop &Loop = P.N.Loops[L];
  AllocaInst *Counter = Counters.lookup(L);
  BasicBlock *Begin = Reverse.lookup(BB);
  auto *Body = BasicBlock::Create(C, BB->getName() + ".strip", D.G);
  auto *Scatter = BasicBlock::Create(C, BB->getName() + ".scatter", D.G);

  Reader.reset();
  Builder B(Begin);
  Value *High = Reader.counter(B, L);
  Value *Low = B.CreateBinaryIntrinsic(
      Intrinsic::smax, B.CreateSub(High, B.getInt64(StripLength - 1)),
      B.getInt64(0));
  B.CreateBr(Body);

  Reader.reset();
  B.SetInsertPoint(Body);
  Value *At = B.CreateSub(Reader.counter(B, L), Low);
  DenseMap<Value *, AllocaInst *> BufferOf;
  SmallVector<std::pair<LoadInst *, AllocaInst *>, 4> Additions;
  for (Instruction &I : reverse(*BB)) {
    if (isa<PHINode>(I))
      continue;
    auto *Load = dyn_cast<LoadInst>(&I);
    if (!Load || !is_contained(Loads, Load)) {
      emitInstruction(B, I);
      continue;
    }
    Value *ValueBar = Bar.take(B, Load);
    AllocaInst *&Buffer = BufferOf[ValueBar];
    if (!Buffer) {
      Buffer = D.variableOfReverse(ArrayType::get(Load->getType(), StripLength),
                                   "strip");
      Buffer->setAlignment(Align(64));
      Value *Slot = B.CreateInBoundsGEP(Load->getType(), Buffer, At);
      D.tag(B.CreateStore(ValueBar, Slot), Side::Tape);
    }
    Additions.push_back({Load, Buffer});
  }
  DenseMap<PHINode *, Value *> Bars = takePhis(B, BB);
  Value *Count = Reader.counter(B, L);
  BasicBlock *Next = stepDown(L, Count, emitEdge(BB, Loop.Latch, Bars, Body));
  B.CreateCondBr(B.CreateICmpEQ(Count, Low), Scatter, Next);

  B.SetInsertPoint(Scatter);
  for (auto [Load, Buffer] : Additions)
    emitAddition(B, *Load, *Buffer, L, Low, High);
  B.CreateStore(Low, Counter);
  BasicBlock *Before = emitEdge(BB, Loop.Preheader, Bars);
  BasicBlock *More = stepDown(L, Low, emitEdge(BB, Loop.Latch, Bars, Begin));
  B.CreateCondBr(B.CreateICmpEQ(Low, B.getInt64(0)), Before, More);
}

/// One access of a strip, k from `Low` to `High`. `B` goes on after the loop.
void ReverseSweep::emitAddition(Builder &B, LoadInst &Load, AllocaInst &Buffer,
                                int L, Value *Low, Value *High) {
  LLVMContext &C = D.G->getContext();
  AllocaInst *Counter = Counters.lookup(L);
  auto *Body = BasicBlock::Create(C, "scatter", D.G);
  auto *After = BasicBlock::Create(C, "scattered", D.G);
  B.CreateStore(Low, Counter);
  B.CreateBr(Body);
  B.SetInsertPoint(Body);
  Reader.reset();
  Value *K = Reader.counter(B, L);
  Value *Shadow = Reader.shadow(B, Load.getPointerOperand());
  Value *Slot =
      B.CreateInBoundsGEP(Load.getType(), &Buffer, B.CreateSub(K, Low));
  LoadInst *ValueBar = B.CreateLoad(Load.getType(), Slot);
  D.tag(ValueBar, Side::Tape);
  addToShadow(B, Load, Shadow, ValueBar);
  B.CreateStore(B.CreateAdd(K, B.getInt64(1), "", /*HasNUW=*/true,
                            /*HasNSW=*/true),
                Counter);
  B.CreateCondBr(B.CreateICmpEQ(K, High), After, Body);
  B.SetInsertPoint(After);
}

} // namespace pyfront
