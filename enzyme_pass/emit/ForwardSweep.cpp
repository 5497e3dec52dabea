//===- ForwardSweep.cpp ---------------------------------------------------===//
///
/// \file
/// How: LLVM clones the body; primal blocks and instructions stay keys of the
/// map, so splitting a cloned block (an allocation that may fail) does no harm.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/emit/ForwardSweep.h"
#include "core/Check.h"
#include "core/KeptCalls.h"
#include "enzyme_pass/emit/ArrayResults.h"
#include "enzyme_pass/emit/Calls.h"
#include "enzyme_pass/emit/Places.h"
#include "enzyme_pass/emit/RuledCalls.h"
#include "enzyme_pass/emit/Sizes.h"
#include "enzyme_pass/emit/Workspaces.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

namespace pyfront {

ForwardSweep::ForwardSweep(Derivative &D) : D(D) {}

void ForwardSweep::emit() {
  clone();
  lowerFailures();
  dropLifetimes();
  lowerMarks();
  lowerCalls();
  lowerAllocations();
  makeShadows();
  storeShadowPointers();
}

void ForwardSweep::clone() {
  Function &F = *D.P.N.F;
  D.Clones[D.P.N.Sig.Result] = D.Result;
  AttributeList Attributes = D.G->getAttributes();
  SmallVector<ReturnInst *, 4> Returns;
  CloneFunctionInto(D.G, &F, D.Clones,
                    CloneFunctionChangeType::LocalChangesOnly, Returns);
  D.G->setAttributes(Attributes);
  for (BasicBlock &BB : F) {
    auto *Copy = cast<BasicBlock>(D.Clones[&BB]);
    Bottoms[&BB] = Copy->getTerminator();
  }
  for (Instruction &I : instructions(F)) {
    auto It = D.Clones.find(&I);
    if (It == D.Clones.end())
      continue;
    auto *Copy = dyn_cast<Instruction>(static_cast<Value *>(It->second));
    if (!Copy)
      continue;
    if (isa<LoadInst, StoreInst, MemIntrinsic>(Copy))
      D.tag(Copy, Side::Primal);
    if (!isa<AllocaInst>(Copy))
      continue;
    Copy->moveBefore(D.Enter->begin());
    if (Value *Memory = D.memoryInFrame(primalOf(&I))) {
      Copy->replaceAllUsesWith(Memory);
      Copy->eraseFromParent();
      D.Clones[&I] = Memory;
    }
  }
  for (BasicBlock &BB : F) {
    auto *Copy = cast<BasicBlock>(D.Clones[&BB]);
    Tops[&BB] = &*Copy->getFirstNonPHIIt();
  }
  D.Enter->getTerminator()->eraseFromParent();
  BranchInst::Create(cast<BasicBlock>(D.Clones[&F.getEntryBlock()]), D.Enter);
}

/// A derivative that is embedded raises as the kernel around it does.
void ForwardSweep::lowerFailures() {
  if (D.P.Req.Embedded)
    return;
  SmallVector<CallInst *, 8> Raises;
  for (Instruction &I : instructions(*D.G))
    if (auto *Call = dyn_cast<CallInst>(&I);
        Call && Call->getCalledFunction() &&
        Call->getCalledFunction()->getName() == marker::Fail)
      Raises.push_back(Call);
  for (CallInst *Raise : Raises) {
    IRBuilder<> B(Raise);
    B.CreateStore(Raise->getArgOperand(1), D.G->getArg(0));
    D.giveUp(B);
    B.CreateRet(Raise->getArgOperand(0));
    Instruction *End = Raise->getParent()->getTerminator();
    PF_CHECK(isa<UnreachableInst>(End), "a raise does not end its block");
    for (auto &[BB, Top] : Tops)
      if (Top == Raise)
        Top = Raise->getPrevNode();
    Raise->eraseFromParent();
    End->eraseFromParent();
  }
}

/// The reverse sweep reads stack variables after their lifetime in the primal.
void ForwardSweep::dropLifetimes() {
  SmallVector<Instruction *, 8> Markers;
  for (Instruction &I : instructions(*D.G))
    if (auto *II = dyn_cast<IntrinsicInst>(&I);
        II && II->isLifetimeStartOrEnd())
      Markers.push_back(II);
  for (Instruction *I : Markers) {
    for (auto &[BB, Top] : Tops)
      if (Top == I)
        Top = I->getNextNode();
    I->eraseFromParent();
  }
}

void ForwardSweep::lowerMarks() {
  for (Instruction &I : instructions(*D.G))
    if (auto *Call = dyn_cast<CallInst>(&I);
        Call && Call->getCalledFunction()) {
      if (Call->getCalledFunction()->getName() == marker::Enter)
        Call->setCalledFunction(D.enterCallee());
      else if (Call->getCalledFunction()->getName() == marker::Leave)
        Call->setCalledFunction(D.leaveCallee());
    }
}

void ForwardSweep::dropArrayMarks() {
  for (auto [Call, Mark] : ArrayMarks)
    Mark->eraseFromParent();
}

void ForwardSweep::lowerAllocations() {
  for (const ObjectPlan &O : D.P.Objects) {
    auto *Call = dyn_cast<CallInst>(O.Base);
    if (!Call)
      continue;
    auto *Old = cast<Instruction>(static_cast<Value *>(D.Clones[Call]));
    IRBuilder<> B(Old);
    bool IsResult = kept::isArrayResult(Call);
    bool IsReturned = marker::isReturned(Call);
    Value *Bytes = Old->getOperand(IsResult ? 2 : IsReturned ? 1 : 0);
    Value *Memory = IsResult ? loadArrayResult(D, B, *Call)
                             : D.allocate(B, Bytes, Zeroed::Never, O.Name);
    B.SetInsertPoint(Old);
    if (O.Shadow == ShadowHome::Allocation)
      Shadows[Call] =
          D.allocate(B, sizeProduct(B, {Bytes, B.getInt64(D.P.Req.Width)}),
                     O.Zero, O.Name + ".shadow");
    if (IsReturned)
      handOut(B, *Call, Memory, Shadows.lookup(Call));
    keepTop(*Old);
    Old->replaceAllUsesWith(Memory);
    // Where the tangents of a result are to be written: they come later.
    if (IsResult && D.P.Req.How == Mode::Forward)
      ArrayMarks[Call] = Old;
    else
      Old->eraseFromParent();
    D.Clones[Call] = Memory;
  }
}

/// The addresses of a returned array, and of its tangents, go where the numbers
/// of the result go.
void ForwardSweep::handOut(IRBuilder<> &B, CallInst &Returned, Value *Memory,
                           Value *Shadow) {
  unsigned At = D.P.Req.Arrays[marker::placeOfReturned(Returned)].Offset +
                ArrayDataOffset;
  B.CreateStore(Memory, D.resultAt(B, D.Value, At));
  if (Shadow && D.Tangent)
    B.CreateStore(Shadow, D.resultAt(B, D.Tangent, At * D.P.Req.Width));
}

Value *ForwardSweep::lowerCall(CallInst &Call, CallInst &Clone) {
  const CallPlan &Planned = D.P.Calls.find(&Call)->second;
  if (Planned.Info->Rule) {
    RuleEmitter Emitter(D, Call);
    return Planned.IsActive ? Emitter.emitForward(Clone)
                            : Emitter.emitPrimal(Clone);
  }
  CallEmitter Emitter(D, Call);
  if (Planned.Callee.How == Mode::Split)
    return Emitter.emitForward(Clone);
  Emitter.makeTangentMemory();
  Emitter.emitTangent(
      Clone, [](Value *V) { return V; }, [](Value *V) { return V; });
  return ConstantPointerNull::get(D.ptr());
}

/// `Old` goes. The top of its block lies before what has taken its place: a tape
/// that grows with the loop grows before anything of that is kept.
void ForwardSweep::keepTop(Instruction &Old) {
  for (auto &[BB, Top] : Tops)
    if (Top == &Old)
      Top = &*cast<BasicBlock>(D.Clones[BB])->getFirstNonPHIIt();
}

/// Of active calls in forward mode the tangent sweep takes care.
void ForwardSweep::lowerCalls() {
  for (const auto &[Call, Planned] : D.P.Calls) {
    if (Planned.IsActive && D.P.Req.How == Mode::Forward) {
      if (Planned.Info->Rule)
        RuleEmitter(D, *Call).makeTangentMemory();
      else
        CallEmitter(D, *Call).makeTangentMemory();
      continue;
    }
    auto *Old = cast<CallInst>(static_cast<Value *>(D.Clones[Call]));
    Value *Frame = lowerCall(*Call, *Old);
    // Where the reverse sweep comes by, it names the line of the call.
    if (auto *Memory = dyn_cast<AllocaInst>(Frame))
      Memory->setDebugLoc(Old->getDebugLoc());
    keepTop(*Old);
    Old->replaceAllUsesWith(Frame);
    Old->eraseFromParent();
    D.Clones[Call] = Frame;
  }
}

void ForwardSweep::makeShadows() {
  IRBuilder<> B = D.atEnter();
  for (const ObjectPlan &O : D.P.Objects) {
    switch (O.Shadow) {
    case ShadowHome::Parameter:
      Shadows[O.Base] = D.isSplit()
                            ? placeOf(D, O.Arg)
                            : static_cast<Value *>(D.Derivatives[O.Arg]);
      break;
    case ShadowHome::Stack: {
      if (Value *Memory = D.memoryInFrame(shadowOf(O.Base))) {
        Shadows[O.Base] = Memory;
        break;
      }
      auto *Primal = cast<AllocaInst>(O.Base);
      AllocaInst *Shadow = D.variableOfReverse(
          D.W.memoryOf(Primal->getAllocatedType()), O.Name + ".shadow");
      Shadow->setAlignment(Primal->getAlign());
      Shadow->setOperand(0, Primal->getArraySize());
      Shadows[O.Base] = Shadow;
      break;
    }
    case ShadowHome::Returned: {
      IRBuilder<> AtTurn(D.Turn);
      unsigned At = D.P.Req.Arrays[marker::placeOfReturned(*O.Base)].Offset +
                    ArrayDataOffset;
      Shadows[O.Base] = AtTurn.CreateLoad(
          D.ptr(), D.resultAt(AtTurn, D.Seed, At * D.P.Req.Width),
          O.Name + ".shadow");
      break;
    }
    case ShadowHome::Seed:
      D.ResultShadow = D.memoryInFrame(shadowOf(O.Base));
      if (!D.ResultShadow) {
        AllocaInst *Shadow =
            D.variableOfReverse(D.W.memoryOf(D.resultType()), "result.shadow");
        Shadow->setAlignment(Align(ResultAlign));
        D.ResultShadow = Shadow;
      }
      Shadows[O.Base] = D.ResultShadow;
      break;
    case ShadowHome::Workspace:
    case ShadowHome::Allocation:
    case ShadowHome::None:
      break;
    }
  }
  for (ArrayRef<unsigned> Group : D.P.Workspaces) {
    SmallVector<Value *, 2> Made = makeWorkspaces(D, B, Group);
    for (auto [O, Shadow] : zip_equal(Group, Made))
      Shadows[D.P.Objects[O].Base] = Shadow;
  }
  zeroStack(B, Zeroed::WhenMade,
            [&](Value *Base) { return Shadows.lookup(Base); });
}

/// Shadows on the stack are zero when they are first read.
void ForwardSweep::zeroStack(IRBuilder<> &B, Zeroed When,
                             function_ref<Value *(Value *)> ShadowOf) {
  for (const ObjectPlan &O : D.P.Objects)
    if (O.Shadow == ShadowHome::Stack && O.Zero == When) {
      Value *Bytes = D.W.bytes(B, B.getInt64(O.Size.Literal));
      D.tag(B.CreateMemSet(ShadowOf(O.Base), B.getInt8(0), Bytes,
                           cast<AllocaInst>(O.Base)->getAlign()),
            Side::Shadow);
    }
}

void ForwardSweep::storeShadowPointers() {
  for (StoreInst *Store : D.P.PointerStores) {
    auto *Copy = cast<StoreInst>(static_cast<Value *>(D.Clones[Store]));
    Value *Shadow = shadowValue(Store->getValueOperand());
    Value *To = shadowValue(Store->getPointerOperand());
    IRBuilder<> B(Copy->getNextNode());
    D.storeShadow(B, Shadow, To, Copy->getAlign());
  }
}

void ForwardSweep::storeValue(IRBuilder<> &B) {
  D.eachResult([&](Type *Ty, unsigned Offset) {
    LoadInst *Value = B.CreateLoad(Ty, D.resultAt(B, D.Result, Offset));
    D.tag(Value, Side::Primal);
    B.CreateStore(Value, D.resultAt(B, D.Value, Offset));
  });
}

Value *ForwardSweep::valueOf(Key K) {
  if (K.getInt() == Space::Shadow)
    return shadowValue(K.getPointer());
  if (isa<Constant>(K.getPointer()))
    return K.getPointer();
  return D.Clones[K.getPointer()];
}

Value *ForwardSweep::shadowValue(Value *V) {
  if (isa<Constant>(V))
    return V;
  if (Value *Known = Shadows.lookup(V))
    return Known;
  auto *I = cast<Instruction>(V);
  auto *Primal = cast<Instruction>(static_cast<Value *>(D.Clones[I]));
  if (auto *Step = dyn_cast<GetElementPtrInst>(I)) {
    Value *Base = shadowValue(Step->getPointerOperand());
    IRBuilder<> B(Primal->getNextNode());
    SmallVector<Value *, 4> Indices(
        drop_begin(cast<GetElementPtrInst>(Primal)->operands()));
    Value *Address =
        D.W.address(B, *Step, Base, Indices, I->getName() + ".shadow");
    // A place is no address that an object could have in bounds.
    if (auto *Gep = dyn_cast<GetElementPtrInst>(Address); Gep && D.isSplit())
      Gep->setNoWrapFlags(GEPNoWrapFlags::none());
    return Shadows[V] = Address;
  }
  Instruction *Shadow = Primal->clone();
  Shadow->setName(I->getName() + ".shadow");
  Shadow->insertAfter(Primal->getIterator());
  // A phi is known before its operands: one of them may lead back to it.
  Shadows[V] = Shadow;
  for (unsigned Op = 0; Op < I->getNumOperands(); ++Op)
    if (I->getOperand(Op)->getType()->isPointerTy())
      Shadow->setOperand(Op, shadowValue(I->getOperand(Op)));
  if (isa<LoadInst>(Shadow)) {
    Shadow->dropUnknownNonDebugMetadata();
    D.tag(Shadow, Side::Shadow);
  }
  return Shadow;
}

Instruction *ForwardSweep::after(Key K) {
  auto *I = cast<Instruction>(K.getPointer());
  if (isa<PHINode>(I))
    return top(I->getParent());
  // A place at a literal distance is a constant.
  Value *V = valueOf(K);
  auto *Definition =
      cast<Instruction>(isa<Constant>(V) ? valueOf(primalOf(I)) : V);
  return Definition->getNextNode();
}

} // namespace pyfront
