//===- ActivityFacts.cpp - How: two monotone sweeps until nothing changes -===//
#include "activity/ActivityFacts.h"
#include "core/KeptCalls.h"
#include "core/rules/Rules.h"
#include "llvm/IR/InstIterator.h"
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
      kept::isKept(&I) || I.isTerminator() || I.getType()->isPointerTy())
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
  for (auto [Arg, Leaf] : zip_equal(Req.Args, N.Sig.Leaves))
    if (!Arg.isArray() && Arg.Note != Annotation::Const)
      Varied.insert(Leaf.Data);
  for (unsigned I = 0; I < Objects.size(); ++I) {
    const MemoryObject &O = Objects[I];
    if (O.Kind == ObjectKind::Argument &&
        Req.Args[O.Arg].Note == Annotation::Duplicated)
      VariedObjects[I] = UsefulObjects[I] = true;
    if (O.Kind == ObjectKind::Result && Req.returnsFloat())
      UsefulObjects[I] = true;
    // An array that is returned has tangents on each way to a return.
    if (O.Kind == ObjectKind::Returned && isFloat(Req.Arrays[O.Arg].Type) &&
        any_of(Req.Args,
               [](const ArgInfo &A) { return A.Note != Annotation::Const; }))
      VariedObjects[I] = UsefulObjects[I] = true;
  }
}

bool ActivityFacts::markAll(SmallVectorImpl<bool> &Marks, const Value *Ptr) {
  bool Changed = false;
  for (unsigned O : Objects.touched(Ptr))
    if (!Marks[O])
      Changed = Marks[O] = true;
  return Changed;
}

bool ActivityFacts::anyOf(const SmallVectorImpl<bool> &Marks,
                          const Value *Ptr) const {
  return any_of(Objects.touched(Ptr), [&](unsigned O) { return Marks[O]; });
}

bool ActivityFacts::variesMemory(const Access &Write) const {
  return (Write.Data && isVaried(Write.Data)) ||
         (Write.From && anyOf(VariedObjects, Write.From));
}

/// The floats among the scalars that a kept call is given.
static SmallVector<const Value *, 4> floatsGivenTo(const CallBase &Call) {
  SmallVector<const Value *, 4> Result;
  copy_if(Call.args(), std::back_inserter(Result),
          [](const Value *V) { return V->getType()->isFloatingPointTy(); });
  return Result;
}

/// Of a call that stays a call: all floats that it writes depend on all that it
/// is given or reads.
bool ActivityFacts::propagateVariedThrough(const CallBase &Call) {
  if (kept::isInactive(Call))
    return false;
  SmallVector<kept::Memory, 4> Memory = kept::memoryOf(Call);
  bool V = any_of(floatsGivenTo(Call),
                  [&](const Value *Given) { return isVaried(Given); }) ||
           any_of(Memory, [&](const kept::Memory &M) {
             return M.isRead() && M.isOfFloats() && anyOf(VariedObjects, M.Ptr);
           });
  bool Changed = false;
  for (const kept::Memory &M : Memory)
    if (V && M.IsWritten && M.isOfFloats())
      Changed |= markAll(VariedObjects, M.Ptr);
  return Changed;
}

/// The same backwards.
bool ActivityFacts::propagateUsefulThrough(const CallBase &Call) {
  if (kept::isInactive(Call))
    return false;
  SmallVector<kept::Memory, 4> Memory = kept::memoryOf(Call);
  bool Changed = false;
  if (none_of(Memory, [&](const kept::Memory &M) {
        return M.IsWritten && M.isOfFloats() && anyOf(UsefulObjects, M.Ptr);
      }))
    return false;
  for (const Value *Given : floatsGivenTo(Call))
    Changed |= markUseful(Given);
  for (const kept::Memory &M : Memory)
    if (M.isRead() && M.isOfFloats())
      Changed |= markAll(UsefulObjects, M.Ptr);
  return Changed;
}

bool ActivityFacts::propagateVaried(const NormalFunction &N) {
  bool Changed = false;
  for (const Instruction &I : instructions(*N.F)) {
    if (kept::isKept(&I)) {
      Changed |= propagateVariedThrough(cast<CallBase>(I));
      continue;
    }
    bool V = false;
    for (const Access &A : accessesOf(I)) {
      // What may touch anything is refused by the planner.
      if (A.isAnything())
        continue;
      if (A.isWrite())
        Changed |= variesMemory(A) && markAll(VariedObjects, A.Ptr);
      else
        V |= A.Element && !A.isOfPointer() && anyOf(VariedObjects, A.Ptr);
    }
    for (unsigned K : differentiableOperands(I))
      V |= isVaried(I.getOperand(K));
    if (V && !I.getType()->isVoidTy())
      Changed |= Varied.insert(&I).second;
  }
  return Changed;
}

bool ActivityFacts::markUseful(const Value *V) {
  return !isa<Constant>(V) && Useful.insert(V).second;
}

bool ActivityFacts::propagateUseful(const NormalFunction &N) {
  bool Changed = false;
  for (const BasicBlock &BB : reverse(*N.F))
    for (const Instruction &I : reverse(BB)) {
      if (kept::isKept(&I)) {
        Changed |= propagateUsefulThrough(cast<CallBase>(I));
        continue;
      }
      for (const Access &A : accessesOf(I)) {
        if (A.isAnything())
          continue;
        if (!A.isWrite()) {
          Changed |= isUseful(&I) && markAll(UsefulObjects, A.Ptr);
          continue;
        }
        if (!anyOf(UsefulObjects, A.Ptr))
          continue;
        if (A.Data)
          Changed |= markUseful(A.Data);
        if (A.From)
          Changed |= markAll(UsefulObjects, A.From);
      }
      if (isUseful(&I))
        for (unsigned K : differentiableOperands(I))
          Changed |= markUseful(I.getOperand(K));
    }
  return Changed;
}

/// The derivative of a callee gives adjoints of all arrays that it returns, if
/// of anything.
bool ActivityFacts::uniteResults(const CallBase &Call) {
  SmallVector<kept::Memory, 4> Memory = kept::memoryOf(Call);
  if (none_of(Memory, [&](const kept::Memory &M) {
        return M.IsWritten && M.isOfFloats() && isActiveMemory(M.Ptr);
      }))
    return false;
  bool Changed = false;
  for (const kept::Memory &M : Memory)
    if (M.What == kept::Memory::Kind::Array && M.isOfFloats() &&
        !kept::hasRule(Call))
      Changed |= markAll(ActiveObjects, M.Ptr);
  return Changed;
}

/// Of all that one access may touch, aliasing arguments included, either
/// everything has a shadow or nothing.
void ActivityFacts::uniteActiveObjects(const NormalFunction &N) {
  for (unsigned O = 0; O < Objects.size(); ++O)
    ActiveObjects[O] = VariedObjects[O] && UsefulObjects[O];
  for (unsigned O = 0; O < Objects.size(); ++O)
    if (ActiveObjects[O])
      markAll(ActiveObjects, Objects[O].Base);
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const Instruction &I : instructions(*N.F))
      if (kept::isKept(&I))
        Changed |= uniteResults(cast<CallBase>(I));
    for (const Instruction &I : instructions(*N.F))
      for (const Access &A : accessesOf(I))
        if (!A.isAnything() && (!A.Element || A.isOfFloat()) &&
            isActiveMemory(A.Ptr))
          Changed |= markAll(ActiveObjects, A.Ptr);
  }
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
    for (const Instruction &I : instructions(*N.F))
      for (const Access &A : accessesOf(I))
        if (A.isOfPointer() && anyOf(ActiveTables, A.Ptr))
          for_each(Objects.pointsTo(A.Ptr), Mark);
  }
}

bool ActivityFacts::isActiveMemory(const Value *Ptr) const {
  return anyOf(ActiveObjects, Ptr);
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
