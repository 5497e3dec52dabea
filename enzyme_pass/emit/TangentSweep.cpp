//===- TangentSweep.cpp - One tangent per active instruction --------------===//
#include "enzyme_pass/emit/TangentSweep.h"
#include "core/Check.h"
#include "core/KeptCalls.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/emit/ArrayResults.h"
#include "enzyme_pass/emit/Calls.h"
#include "enzyme_pass/emit/RuledCalls.h"

using namespace llvm;

namespace pyfront {

void TangentSweep::emit() {
  readScalars();
  for (BasicBlock *BB : P.N.Order)
    for (Instruction &I : *BB)
      if (auto *Phi = dyn_cast<PHINode>(&I))
        emitPhi(*Phi);
      else
        emitInstruction(I);
  completePhis();
  Sweep.dropArrayMarks();
  finish();
}

void TangentSweep::readScalars() {
  Builder B = D.atEnter();
  const DataLayout &DL = D.G->getDataLayout();
  for (unsigned I = 0; I < P.Req.Args.size(); ++I) {
    const ArgInfo &A = P.Req.Args[I];
    if (A.isArray() || A.Note == Annotation::Const)
      continue;
    Argument *Primal = P.N.Sig.Leaves[I].Data;
    Type *Ty = Primal->getType();
    Tangents[Primal] = B.CreateAlignedLoad(
        D.W.of(Ty), D.Derivatives[I], DL.getABITypeAlign(Ty), A.Name + ".dot");
  }
}

Value *TangentSweep::tangent(Value *V) {
  if (!P.isActive(V))
    return ConstantFP::get(D.W.of(V->getType()), 0.0);
  Value *T = Tangents.lookup(V);
  PF_CHECK(T, "a tangent is read before it is computed");
  return T;
}

void TangentSweep::emitPhi(PHINode &I) {
  if (!P.isActive(&I))
    return;
  auto *Copy = cast<PHINode>(clone(&I));
  Tangents[&I] = PHINode::Create(D.W.of(I.getType()), I.getNumIncomingValues(),
                                 I.getName() + ".dot", Copy->getIterator());
}

void TangentSweep::completePhis() {
  for (auto [V, T] : Tangents)
    if (auto *Phi = dyn_cast<PHINode>(V)) {
      auto *Copy = cast<PHINode>(clone(Phi));
      for (unsigned K = 0; K < Phi->getNumIncomingValues(); ++K)
        cast<PHINode>(T)->addIncoming(tangent(Phi->getIncomingValue(K)),
                                      Copy->getIncomingBlock(K));
    }
}

void TangentSweep::emitCall(CallInst &I) {
  auto *Copy = cast<CallInst>(clone(&I));
  auto Shadow = [&](Value *Ptr) { return shadow(Ptr); };
  auto Tangent = [&](Value *V) { return tangent(V); };
  Value *Frame = ConstantPointerNull::get(D.ptr());
  if (P.Calls.find(&I)->second.Info->Rule)
    Frame = RuleEmitter(D, I).emitTangent(*Copy, Shadow, Tangent);
  else
    CallEmitter(D, I).emitTangent(*Copy, Shadow, Tangent);
  // The marks of its arrays use it, until they are dropped.
  Copy->replaceAllUsesWith(Frame);
  Copy->eraseFromParent();
}

/// Behind the allocation of its shadow.
void TangentSweep::emitArray(CallInst &I) {
  auto *Call = cast<CallInst>(I.getArgOperand(0));
  if (!is_contained(P.Calls.find(Call)->second.Shadowed, &I))
    return;
  Builder B(Sweep.arrayMark(&I));
  copyArrayTangent(D, B, I, shadow(&I), clone(I.getArgOperand(2)));
}

void TangentSweep::emitInstruction(Instruction &I) {
  if (P.isActiveCall(&I))
    return emitCall(cast<CallInst>(I));
  if (kept::isArrayResult(&I))
    return emitArray(cast<CallInst>(I));
  bool Accesses = P.ActiveAccesses.contains(&I);
  if (!Accesses && !P.isActive(&I))
    return;
  auto *Copy = cast<Instruction>(clone(&I));
  Builder B(Copy->getNextNode());
  B.SetCurrentDebugLocation(Copy->getDebugLoc());
  if (Accesses)
    return emitAccess(B, I);
  Value *&T = Tangents[&I];
  if (isa<SelectInst>(I))
    T = B.CreateSelect(Copy->getOperand(0), tangent(I.getOperand(1)),
                       tangent(I.getOperand(2)));
  else if (isa<FreezeInst>(I))
    T = tangent(I.getOperand(0));
  else if (isa<FPExtInst, FPTruncInst>(I))
    T = B.CreateFPCast(tangent(I.getOperand(0)), D.W.of(I.getType()));
  else
    T = ofRule(B, I);
}

/// y = f(x_0, .., x_n)   dy = sum over k of df/dx_k * dx_k
Value *TangentSweep::ofRule(Builder &B, Instruction &I) {
  const rules::Rule *R = rules::lookup(I);
  PF_CHECK(R, "an active instruction without a rule");
  Value *Sum = nullptr;
  for (unsigned K = 0; K < R->arity(); ++K) {
    if (R->isZero(K) || !P.isActive(I.getOperand(K)))
      continue;
    if (R->isMinusOne(K)) {
      Value *T = tangent(I.getOperand(K));
      Sum = Sum ? B.CreateFSub(Sum, T) : B.CreateFNeg(T);
      continue;
    }
    Value *Term = term(B, I, *R, K);
    Sum = Sum ? B.CreateFAdd(Sum, Term) : Term;
  }
  return Sum ? Sum : ConstantFP::get(D.W.of(I.getType()), 0.0);
}

Value *TangentSweep::term(Builder &B, Instruction &I, const rules::Rule &R,
                          unsigned Operand) {
  Value *T = tangent(I.getOperand(Operand));
  if (R.isOne(Operand))
    return T;
  SmallVector<Value *, 4> Reads(R.arity(), nullptr);
  for (unsigned J = 0; J < R.arity(); ++J)
    if (R.reads(Operand) >> J & 1)
      Reads[J] = clone(I.getOperand(J));
  Value *Result = R.reads(Operand) >> R.arity() & 1 ? clone(&I) : nullptr;
  Value *Partial =
      R.emitPartial(B, Operand, Reads, Result, I.getType(), P.Req.Embedded);
  return D.contribution(B, I, Operand, Partial, T);
}

void TangentSweep::emitAccess(Builder &B, Instruction &I) {
  if (auto *Load = dyn_cast<LoadInst>(&I)) {
    Tangents[&I] =
        D.loadShadow(B, I.getType(), shadow(Load->getPointerOperand()),
                     Load->getAlign(), I.getName() + ".dot");
    return;
  }
  if (auto *Store = dyn_cast<StoreInst>(&I))
    return D.storeShadow(B, tangent(Store->getValueOperand()),
                         shadow(Store->getPointerOperand()), Store->getAlign());
  if (P.CopiedType.contains(&I))
    return emitCopy(B, cast<MemTransferInst>(I));
  emitSet(B, cast<MemIntrinsic>(I));
}

/// p[0..n) = constants   p'[0..n) = 0
void TangentSweep::emitSet(Builder &B, MemIntrinsic &I) {
  Value *Bytes = D.W.bytes(B, clone(I.getLength()));
  D.tag(B.CreateMemSet(shadow(I.getRawDest()), B.getInt8(0), Bytes,
                       I.getDestAlign()),
        Side::Shadow);
}

/// p[0..n) = q[0..n)   p'[0..n) = q'[0..n)
void TangentSweep::emitCopy(Builder &B, MemTransferInst &I) {
  Value *Bytes = D.W.bytes(B, clone(I.getLength()));
  D.tag(B.CreateMemTransferInst(I.getIntrinsicID(), shadow(I.getRawDest()),
                                I.getDestAlign(), shadow(I.getRawSource()),
                                I.getSourceAlign(), Bytes),
        Side::Shadow);
}

void TangentSweep::finish() {
  Builder B(Sweep.end());
  Sweep.storeValue(B);
  if (D.Tangent) {
    D.eachFloatResult([&](Type *Ty, unsigned Offset) {
      Align A = D.G->getDataLayout().getABITypeAlign(Ty);
      Value *T = ConstantFP::get(D.W.of(Ty), 0.0);
      if (D.ResultShadow)
        T = D.loadShadow(B, Ty, D.resultAt(B, D.ResultShadow, Offset), A);
      B.CreateAlignedStore(T, D.resultAt(B, D.Tangent, Offset), A);
    });
  }
  D.leaveArena(B);
  B.CreateRet(B.getInt32(0));
  Sweep.end()->eraseFromParent();
}

} // namespace pyfront
