//===- ActivityFacts.cpp - How: two monotone sweeps until nothing changes -===//
#include "activity/ActivityFacts.h"
#include "core/rules/Rules.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ModuleSlotTracker.h"

using namespace llvm;

namespace pyfront {

SmallVector<unsigned, 4> differentiableOperands(const Instruction &I) {
  SmallVector<unsigned, 4> Result;
  auto All = [&](unsigned From) {
    for (unsigned K = From; K < I.getNumOperands(); ++K)
      Result.push_back(K);
    return Result;
  };
  if (isa<CmpInst, FPToSIInst, FPToUIInst, LoadInst, StoreInst,
          GetElementPtrInst, AllocaInst>(I) ||
      I.isTerminator() || I.getType()->isPointerTy())
    return Result;
  if (isa<SelectInst>(I))
    return All(1);
  if (const rules::Rule *R = rules::lookup(I)) {
    for (unsigned K = 0; K < R->arity(); ++K)
      if (!R->isZero(K))
        Result.push_back(K);
    return Result;
  }
  if (auto *Call = dyn_cast<CallBase>(&I)) {
    if (rules::isInactivePure(*Call))
      return Result;
    for (unsigned K = 0; K < Call->arg_size(); ++K)
      Result.push_back(K);
    return Result;
  }
  return All(0);
}

ActivityFacts::ActivityFacts(const NormalFunction &N, const Request &Req,
                             const MemoryObjects &Objects)
    : Objects(Objects) {
  VariedObjects.assign(Objects.size(), false);
  UsefulObjects.assign(Objects.size(), false);
  ActiveObjects.assign(Objects.size(), false);
  ActiveTables.assign(Objects.size(), false);
  seed(N, Req);
  while (propagateVaried(N)) {
  }
  while (propagateUseful(N)) {
  }
  uniteActiveObjects(N);
  findTables(N);
}

void ActivityFacts::seed(const NormalFunction &N, const Request &Req) {
  for (const ArgInfo &A : Req.Args)
    if (!A.isArray() && A.Note != Annotation::Const)
      Varied.insert(N.F->getArg(A.FirstParam));
  for (unsigned I = 0; I < Objects.size(); ++I) {
    const MemoryObject &O = Objects[I];
    if (O.Kind == ObjectKind::Argument &&
        Req.Args[O.Arg].Note == Annotation::Duplicated)
      VariedObjects[I] = UsefulObjects[I] = true;
    if (O.Kind == ObjectKind::Result && Req.Return && isFloat(*Req.Return))
      UsefulObjects[I] = true;
  }
}

bool ActivityFacts::propagateVaried(const NormalFunction &N) {
  bool Changed = false;
  auto AnyVariedObject = [&](const Value *Ptr) {
    return any_of(Objects.pointsTo(Ptr),
                  [&](unsigned O) { return VariedObjects[O]; });
  };
  auto MarkObjects = [&](const Value *Ptr) {
    for (unsigned O : Objects.pointsTo(Ptr))
      if (!VariedObjects[O])
        Changed = VariedObjects[O] = true;
  };
  for (const Instruction &I : instructions(*N.F)) {
    if (auto *Store = dyn_cast<StoreInst>(&I)) {
      if (isVaried(Store->getValueOperand()))
        MarkObjects(Store->getPointerOperand());
      continue;
    }
    if (auto *Copy = dyn_cast<MemTransferInst>(&I)) {
      if (AnyVariedObject(Copy->getRawSource()))
        MarkObjects(Copy->getRawDest());
      continue;
    }
    if (isVaried(&I) || I.getType()->isVoidTy())
      continue;
    bool V = false;
    if (auto *Load = dyn_cast<LoadInst>(&I))
      V = !I.getType()->isPointerTy() &&
          AnyVariedObject(Load->getPointerOperand());
    else
      for (unsigned K : differentiableOperands(I))
        V |= isVaried(I.getOperand(K));
    if (V) {
      Varied.insert(&I);
      Changed = true;
    }
  }
  return Changed;
}

bool ActivityFacts::markUseful(const Value *V) {
  return !isa<Constant>(V) && Useful.insert(V).second;
}

bool ActivityFacts::propagateUseful(const NormalFunction &N) {
  bool Changed = false;
  auto AnyUsefulObject = [&](const Value *Ptr) {
    return any_of(Objects.pointsTo(Ptr),
                  [&](unsigned O) { return UsefulObjects[O]; });
  };
  auto MarkObjects = [&](const Value *Ptr) {
    for (unsigned O : Objects.pointsTo(Ptr))
      if (!UsefulObjects[O])
        Changed = UsefulObjects[O] = true;
  };
  for (const BasicBlock &BB : reverse(*N.F))
    for (const Instruction &I : reverse(BB)) {
      if (auto *Store = dyn_cast<StoreInst>(&I)) {
        if (AnyUsefulObject(Store->getPointerOperand()))
          Changed |= markUseful(Store->getValueOperand());
        continue;
      }
      if (auto *Copy = dyn_cast<MemTransferInst>(&I)) {
        if (AnyUsefulObject(Copy->getRawDest()))
          MarkObjects(Copy->getRawSource());
        continue;
      }
      if (!isUseful(&I))
        continue;
      if (auto *Load = dyn_cast<LoadInst>(&I))
        MarkObjects(Load->getPointerOperand());
      else
        for (unsigned K : differentiableOperands(I))
          Changed |= markUseful(I.getOperand(K));
    }
  return Changed;
}

void ActivityFacts::uniteActiveObjects(const NormalFunction &N) {
  for (unsigned O = 0; O < Objects.size(); ++O)
    ActiveObjects[O] = VariedObjects[O] && UsefulObjects[O];
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const Instruction &I : instructions(*N.F)) {
      const Value *Ptr = getLoadStorePointerOperand(&I);
      if (Ptr && getLoadStoreType(&I)->isFloatingPointTy())
        Changed |= uniteObjects(Ptr);
      if (auto *Mem = dyn_cast<MemIntrinsic>(&I))
        Changed |= uniteObjects(Mem->getRawDest());
      if (auto *Copy = dyn_cast<MemTransferInst>(&I))
        Changed |= uniteObjects(Copy->getRawSource());
    }
  }
}

bool ActivityFacts::uniteObjects(const Value *Ptr) {
  bool Changed = false;
  if (isActiveMemory(Ptr))
    for (unsigned O : Objects.pointsTo(Ptr))
      if (!ActiveObjects[O])
        Changed = ActiveObjects[O] = true;
  return Changed;
}

void ActivityFacts::findTables(const NormalFunction &N) {
  for (bool Changed = true; Changed;) {
    Changed = false;
    auto Mark = [&](unsigned O) {
      if (!ActiveTables[O])
        Changed = ActiveTables[O] = true;
    };
    for (unsigned O = 0; O < Objects.size(); ++O)
      if (any_of(Objects.contentOf(O),
                 [&](unsigned Held) { return hasShadow(Held); }))
        Mark(O);
    // As above: a pointer points into tables with shadows, or into others.
    for (const Instruction &I : instructions(*N.F)) {
      const Value *Ptr = getLoadStorePointerOperand(&I);
      if (Ptr && getLoadStoreType(&I)->isPointerTy() &&
          any_of(Objects.pointsTo(Ptr),
                 [&](unsigned O) { return ActiveTables[O]; }))
        for_each(Objects.pointsTo(Ptr), Mark);
    }
  }
}

bool ActivityFacts::isActiveMemory(const Value *Ptr) const {
  return any_of(Objects.pointsTo(Ptr),
                [&](unsigned O) { return ActiveObjects[O]; });
}

void ActivityFacts::print(raw_ostream &OS, const NormalFunction &N) const {
  for (unsigned O = 0; O < Objects.size(); ++O)
    if (Objects[O].Kind != ObjectKind::Outside)
      OS << "  object " << Objects[O].Name << ": "
         << (ActiveObjects[O] ? "active" : "constant") << "\n";
  for (const Instruction &I : instructions(*N.F))
    if (isActive(&I))
      OS << "  %" << I.getName() << ": active\n";
}

} // namespace pyfront
