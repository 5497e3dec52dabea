//===- ReverseSweep.cpp - Control -----------------------------------------===//
#include "enzyme_pass/emit/ReverseSweep.h"
#include "core/Check.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/emit/Calls.h"
#include "enzyme_pass/emit/RuledCalls.h"
#include "llvm/IR/CFG.h"

using namespace llvm;

namespace pyfront {

ReverseSweep::ReverseSweep(Derivative &D, ForwardSweep &Sweep,
                           const Tape &Slots, const Frame &Crossing)
    : D(D), P(D.P), Bar(D), Reader(D, Sweep, Slots, Crossing, Counters) {
  for (BasicBlock *BB : reverse(P.Reversed.getArrayRef()))
    Reverse[BB] =
        BasicBlock::Create(D.G->getContext(), BB->getName() + ".rev", D.G);
  Entry = Reverse.lookup(P.N.Success);
}

void ReverseSweep::emit() {
  for (auto [L, Reversed] : P.ReversedLoops)
    Counters[L] = D.variableOfReverse(D.i64(), "L" + Twine(L) + ".count");
  for (BasicBlock *BB : reverse(P.Reversed.getArrayRef()))
    emitBlock(BB);
}

void ReverseSweep::emitBlock(BasicBlock *BB) {
  if (P.N.isHeader(BB))
    if (auto It = P.Strips.find(P.N.loopOf(BB)); It != P.Strips.end()) {
      emitStrips(BB, It->second);
      return;
    }
  Reader.reset();
  Builder B(Reverse.lookup(BB));
  for (Instruction &I : reverse(*BB))
    if (!isa<PHINode>(I))
      emitInstruction(B, I);
  emitBack(B, BB);
}

void ReverseSweep::emitInstruction(Builder &B, Instruction &I) {
  // The line that a refusal names where this derivative is differentiated.
  if (auto *Copy = dyn_cast_or_null<Instruction>(
          static_cast<Value *>(D.Clones.lookup(&I))))
    B.SetCurrentDebugLocation(Copy->getDebugLoc());
  if (P.isActiveCall(&I)) {
    auto &Call = cast<CallInst>(I);
    if (P.Calls.find(&Call)->second.Info->Rule)
      RuleEmitter(D, Call).emitReverse(B, Reader, Bar);
    else
      CallEmitter(D, Call).emitReverse(B, Reader, Bar);
    return;
  }
  if (P.ActiveAccesses.contains(&I)) {
    if (auto *Load = dyn_cast<LoadInst>(&I))
      reverseLoad(B, *Load);
    else if (auto *Store = dyn_cast<StoreInst>(&I))
      reverseStore(B, *Store);
    else if (P.CopiedType.contains(&I))
      reverseCopy(B, cast<MemTransferInst>(I));
    else
      reverseSet(B, cast<MemIntrinsic>(I));
    return;
  }
  if (!Bar.has(&I))
    return;
  if (auto *Select = dyn_cast<SelectInst>(&I))
    reverseSelect(B, *Select);
  else if (isa<FreezeInst>(I))
    Bar.add(B, I.getOperand(0), Bar.take(B, &I));
  else if (isa<FPExtInst, FPTruncInst>(I))
    Bar.add(
        B, I.getOperand(0),
        B.CreateFPCast(Bar.take(B, &I), D.W.of(I.getOperand(0)->getType())));
  else
    reverseRule(B, I);
}

/// Primal: y = phi [x_P, P], ..   Adjoint: x_P' += y' on the edge from P.
BasicBlock *ReverseSweep::emitEdge(BasicBlock *BB, BasicBlock *Pred,
                                   const PhiBars &Bars, BasicBlock *Target) {
  auto *Edge = BasicBlock::Create(
      D.G->getContext(), BB->getName() + ".to." + Pred->getName(), D.G);
  Builder B(Edge);
  Reader.reset();
  for (PHINode &Phi : BB->phis())
    if (Value *PhiBar = Bars.lookup(&Phi))
      Bar.add(B, Phi.getIncomingValueForBlock(Pred), PhiBar);
  startLoopsBackwards(B, BB, Pred);
  B.CreateBr(Target ? Target : Reverse.lookup(Pred));
  return Edge;
}

/// The edge from `Exiting` to `Exit` leaves loops: backwards it enters them, at
/// their last iterations.
void ReverseSweep::startLoopsBackwards(Builder &B, BasicBlock *Exit,
                                       BasicBlock *Exiting) {
  for (int L = P.N.loopOf(Exiting); L >= 0 && !P.N.contains(L, Exit);
       L = P.N.Loops[L].Parent) {
    const NormalLoop &Loop = P.N.Loops[L];
    Value *Last = Loop.Last ? Loop.Last : Loop.LastAtExit.lookup(Exit);
    B.CreateStore(Reader.primal(B, Last), Counters.lookup(L));
  }
}

BasicBlock *ReverseSweep::stepDown(int L, Value *Count, BasicBlock *Then) {
  auto *Step = BasicBlock::Create(D.G->getContext(),
                                  "L" + Twine(L) + ".count.down", D.G);
  Builder B(Step);
  B.CreateStore(B.CreateAdd(Count, B.getInt64(-1), "", /*HasNUW=*/false,
                            /*HasNSW=*/true),
                Counters.lookup(L));
  B.CreateBr(Then);
  return Step;
}

/// Phis of one block change at once: all adjoints are taken before any is
/// handed on.
ReverseSweep::PhiBars ReverseSweep::takePhis(Builder &B, BasicBlock *BB) {
  PhiBars Bars;
  for (PHINode &Phi : BB->phis())
    if (Bar.has(&Phi))
      Bars[&Phi] = Bar.take(B, &Phi);
  return Bars;
}

void ReverseSweep::emitBack(Builder &B, BasicBlock *BB) {
  const BackPlan Back = P.Back.lookup(BB);
  if (Back.How == BackPlan::Form::Finish) {
    emitFinish(B);
    return;
  }
  PhiBars Bars = takePhis(B, BB);
  SmallVector<BasicBlock *, 4> Preds = distinctPredecessors(BB);
  switch (Back.How) {
  case BackPlan::Form::Finish:
    break;
  case BackPlan::Form::To:
    if (is_contained(Preds, Back.Target))
      B.CreateBr(emitEdge(BB, Back.Target, Bars));
    else
      B.CreateBr(Reverse.lookup(Back.Target));
    break;
  case BackPlan::Form::LoopHeader: {
    const NormalLoop &L = P.N.Loops[P.N.loopOf(BB)];
    BasicBlock *ToPreheader = emitEdge(BB, L.Preheader, Bars);
    BasicBlock *ToLatch = emitEdge(BB, L.Latch, Bars);
    Reader.reset();
    int Loop = P.N.loopOf(BB);
    Value *Count = Reader.counter(B, Loop);
    B.CreateCondBr(B.CreateICmpEQ(Count, B.getInt64(0)), ToPreheader,
                   stepDown(Loop, Count, ToLatch));
    break;
  }
  case BackPlan::Form::Which: {
    if (Preds.size() == 1) {
      B.CreateBr(emitEdge(BB, Preds[0], Bars));
      break;
    }
    Value *Which = Reader.primal(B, P.N.Which.lookup(BB));
    SmallVector<BasicBlock *, 4> Edges;
    for (BasicBlock *Pred : Preds)
      Edges.push_back(emitEdge(BB, Pred, Bars));
    if (Preds.size() == 2) {
      B.CreateCondBr(B.CreateICmpEQ(Which, B.getInt64(0)), Edges[0], Edges[1]);
      break;
    }
    SwitchInst *Switch = B.CreateSwitch(Which, Edges.back(), Preds.size() - 1);
    for (unsigned I = 0; I + 1 < Preds.size(); ++I)
      Switch->addCase(B.getInt64(I), Edges[I]);
    break;
  }
  }
}

Align ReverseSweep::alignOf(Type *Ty) const {
  return D.G->getDataLayout().getABITypeAlign(Ty);
}

/// Hands the seed to the result's shadow; then the reverse sweep begins.
void ReverseSweep::start(Builder &B) {
  if (D.ResultShadow && D.Seed) {
    D.eachFloatResult([&](Type *Ty, unsigned Offset) {
      Value *Lanes = D.Seed;
      if (Lanes->getType()->isPointerTy())
        Lanes = B.CreateAlignedLoad(D.W.of(Ty), D.resultAt(B, D.Seed, Offset),
                                    alignOf(Ty));
      D.storeShadow(B, Lanes, D.resultAt(B, D.ResultShadow, Offset),
                    alignOf(Ty));
    });
  }
  B.CreateBr(Entry);
}

void ReverseSweep::emitFinish(Builder &B) {
  for (unsigned I = 0; I < P.Req.Args.size(); ++I) {
    const ArgInfo &A = P.Req.Args[I];
    if (A.Note != Annotation::Active)
      continue;
    Argument *Primal = P.N.Sig.Leaves[I].Data;
    Value *Adjoint = ConstantFP::get(D.W.of(Primal->getType()), 0.0);
    // -0.0, the adjoint that nothing was added to, is given out as 0.0.
    if (Bar.has(Primal))
      Adjoint = B.CreateFAdd(Bar.take(B, Primal), Adjoint);
    B.CreateAlignedStore(Adjoint, D.Derivatives[I], alignOf(Primal->getType()));
  }
  D.leaveArena(B);
  B.CreateRet(B.getInt32(0));
}

} // namespace pyfront
