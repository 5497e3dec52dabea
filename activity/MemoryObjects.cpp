//===- MemoryObjects.cpp - How: bases first, then a fixed point -----------===//
#include "activity/MemoryObjects.h"
#include "core/KeptCalls.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace pyfront {

MemoryObjects::MemoryObjects(const NormalFunction &N, const Request &Req) {
  collect(N, Req);
  collectOverlaps(Req);
  propagate(N);
  findExchangedPhis(N);
}

unsigned MemoryObjects::add(MemoryObject O) {
  unsigned Index = Objects.size();
  ByBase[O.Base] = Index;
  Sets[O.Base] = {Index};
  Content.emplace_back();
  IsOpaque.push_back(O.Kind != ObjectKind::Allocation &&
                     O.Kind != ObjectKind::Returned &&
                     O.Kind != ObjectKind::Stack);
  Objects.push_back(std::move(O));
  return Index;
}

void MemoryObjects::collect(const NormalFunction &N, const Request &Req) {
  Function &F = *N.F;
  add({ObjectKind::Result, N.Sig.Result, -1, "result"});
  add({ObjectKind::Outside, N.Sig.Failure, -1, "excinfo"});
  for (unsigned I = 0; I < Req.Args.size(); ++I)
    if (Req.Args[I].isArray())
      add({ObjectKind::Argument, N.Sig.Leaves[I].Data, static_cast<int>(I),
           Req.Args[I].Name});
  for (Argument &A : F.args())
    if (A.getType()->isPointerTy() && !ByBase.count(&A))
      add({ObjectKind::Outside, &A, -1, A.getName().str()});
  for (Instruction &I : instructions(F)) {
    if (isa<AllocaInst>(I))
      add({ObjectKind::Stack, &I, -1, I.getName().str()});
    if (auto *Call = dyn_cast<CallInst>(&I);
        Call && Call->getCalledFunction() &&
        Call->getCalledFunction()->getName() == marker::Allocate)
      add({ObjectKind::Allocation, &I, -1, I.getName().str()});
    if (marker::isReturned(&I))
      add({ObjectKind::Returned, &I, marker::placeOfReturned(I),
           I.getName().str()});
    if (kept::isArrayResult(&I))
      add({ObjectKind::Allocation, &I, -1, I.getName().str()});
    for (Value *Op : I.operands())
      if (auto *G = dyn_cast<GlobalVariable>(Op->stripInBoundsOffsets());
          G && !ByBase.count(G))
        add({G->isConstant() ? ObjectKind::Literal : ObjectKind::Outside, G, -1,
             G->getName().str()});
  }
}

bool MemoryObjects::include(SmallVector<unsigned, 2> &Set,
                            ArrayRef<unsigned> More) {
  unsigned Before = Set.size();
  for (unsigned O : More)
    if (!is_contained(Set, O))
      Set.push_back(O);
  llvm::sort(Set);
  return Set.size() != Before;
}

/// A constant address is that of a global; others (a number made a pointer)
/// may be of anything.
bool MemoryObjects::isUnknown(const Value *Ptr) const {
  if (auto *C = dyn_cast<Constant>(Ptr)) {
    const Value *Base = C->stripInBoundsOffsets();
    return !isa<UndefValue, ConstantPointerNull>(Base) && !ByBase.count(Base);
  }
  return Unknown.count(Ptr);
}

bool MemoryObjects::merge(const Value *Into, const Value *From) {
  bool Changed = isUnknown(From) && Unknown.try_emplace(Into, 1).second;
  SmallVector<unsigned, 2> Source(pointsTo(From));
  return include(Sets[Into], Source) || Changed;
}

void MemoryObjects::collectOverlaps(const Request &Req) {
  auto MayMeet = [&](const MemoryObject &A, const MemoryObject &B) {
    if (A.Kind != ObjectKind::Argument || B.Kind != ObjectKind::Argument)
      return false;
    const ArgInfo &OfA = Req.Args[A.Arg], &OfB = Req.Args[B.Arg];
    return Req.MayAlias && OfA.Note == OfB.Note && OfA.Type == OfB.Type;
  };
  for (unsigned A = 0; A < Objects.size(); ++A) {
    Overlapping.push_back({A});
    for (unsigned B = 0; B < Objects.size(); ++B)
      if (A != B && MayMeet(Objects[A], Objects[B]))
        Overlapping[A].push_back(B);
  }
}

/// What `Write` may touch may hold anything from now on.
bool MemoryObjects::forgetContent(const Access &Write) {
  bool Changed = false;
  for (unsigned O = 0; O < Objects.size(); ++O)
    if (!IsOpaque[O] && (Write.isAnything() || isUnknown(Write.Ptr) ||
                         is_contained(pointsTo(Write.Ptr), O)))
      Changed = IsOpaque[O] = true;
  return Changed;
}

/// A call may keep pointers in the memory that it is given; other memory of the
/// kernel's it cannot reach, because no pointer to that has left.
bool MemoryObjects::propagateCall(const CallBase &Call) {
  bool Changed = false;
  for (const Value *Arg : Call.args())
    if (Arg->getType()->isPointerTy())
      Changed |= forgetContent({&Call, Access::Kind::Write, Arg});
  return Changed;
}

bool MemoryObjects::propagateWrite(const Access &Write) {
  if (auto *Call = dyn_cast<CallBase>(Write.I); Call && Write.isAnything())
    return propagateCall(*Call);
  if (!Write.Element) {
    auto *Byte = dyn_cast_or_null<ConstantInt>(Write.Data);
    return (!Byte || !Byte->isZero()) && forgetContent(Write);
  }
  if (!Write.isOfPointer() || isUnknown(Write.Data) || isUnknown(Write.Ptr))
    return forgetContent(Write);
  bool Changed = false;
  SmallVector<unsigned, 2> Stored(pointsTo(Write.Data));
  for (unsigned O : pointsTo(Write.Ptr))
    Changed |= include(Content[O], Stored);
  return Changed;
}

bool MemoryObjects::propagateLoad(const LoadInst &I) {
  if (!holdsKnownPointers(I.getPointerOperand()))
    return Unknown.try_emplace(&I, 1).second;
  SmallVector<unsigned, 2> Loaded;
  for (unsigned O : pointsTo(I.getPointerOperand()))
    include(Loaded, Content[O]);
  return include(Sets[&I], Loaded);
}

bool MemoryObjects::holdsKnownPointers(const Value *Ptr) const {
  return !isUnknown(Ptr) &&
         none_of(pointsTo(Ptr), [&](unsigned O) { return IsOpaque[O]; });
}

void MemoryObjects::propagate(const NormalFunction &N) {
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (Instruction &I : instructions(*N.F)) {
      // Nobody reads what is written on the way to a raise: Numba builds
      // messages there, through pointers that nothing is known of.
      if (N.isLive(I.getParent()))
        for (const Access &Write : writesOf(I))
          Changed |= propagateWrite(Write);
      if (!I.getType()->isPointerTy() || ByBase.count(&I))
        continue;
      if (auto *Gep = dyn_cast<GetElementPtrInst>(&I))
        Changed |= merge(&I, Gep->getPointerOperand());
      else if (auto *Phi = dyn_cast<PHINode>(&I))
        for (Value *V : Phi->incoming_values())
          Changed |= merge(&I, V);
      else if (auto *Select = dyn_cast<SelectInst>(&I)) {
        Changed |= merge(&I, Select->getTrueValue());
        Changed |= merge(&I, Select->getFalseValue());
      } else if (isa<FreezeInst>(I))
        Changed |= merge(&I, I.getOperand(0));
      else if (auto *Load = dyn_cast<LoadInst>(&I))
        Changed |= propagateLoad(*Load);
      // A frame, and what is in it, are no addresses of the kernel's.
      else if (!kept::isKept(&I) && !marker::isLeft(&I))
        Changed |= Unknown.try_emplace(&I, 1).second;
    }
  }
}

/// `p, q = q, p`: header phis whose start values are the bases of distinct
/// objects and whose latch values are a permutation of the phis themselves.
void MemoryObjects::findExchangedPhis(const NormalFunction &N) {
  unsigned Group = 0;
  for (unsigned Loop = 0; Loop < N.Loops.size(); ++Loop) {
    const NormalLoop &L = N.Loops[Loop];
    SmallVector<PHINode *, 4> Phis;
    for (PHINode &Phi : L.Header->phis())
      if (Phi.getType()->isPointerTy() && !isUnknown(&Phi) &&
          objectAt(Phi.getIncomingValueForBlock(L.Preheader)) >= 0)
        Phis.push_back(&Phi);
    // Phis that do not come back as phis of the same set leave it.
    for (bool Changed = true; Changed;) {
      Changed = false;
      for (PHINode *Phi : Phis)
        if (!is_contained(Phis, Phi->getIncomingValueForBlock(L.Latch))) {
          erase(Phis, Phi);
          Changed = true;
          break;
        }
    }
    SmallVector<const Value *, 4> Starts, Backs;
    bool Distinct = Phis.size() >= 2;
    for (PHINode *Phi : Phis) {
      const Value *Start = Phi->getIncomingValueForBlock(L.Preheader);
      const Value *Back = Phi->getIncomingValueForBlock(L.Latch);
      Distinct &= !is_contained(Backs, Back);
      for (const Value *Other : Starts)
        Distinct &= !mayOverlap(objectAt(Start), objectAt(Other));
      Starts.push_back(Start);
      Backs.push_back(Back);
    }
    if (!Distinct)
      continue;
    ++Group;
    for (PHINode *Phi : Phis)
      ExchangeGroup[Phi] = {Group, static_cast<int>(Loop)};
  }
}

ArrayRef<unsigned> MemoryObjects::pointsTo(const Value *Ptr) const {
  if (auto *C = dyn_cast<Constant>(Ptr))
    Ptr = C->stripInBoundsOffsets();
  auto It = Sets.find(Ptr);
  return It == Sets.end() ? ArrayRef<unsigned>() : ArrayRef(It->second);
}

bool MemoryObjects::mayOverlap(unsigned A, unsigned B) const {
  return is_contained(Overlapping[A], B);
}

SmallVector<unsigned, 4> MemoryObjects::touched(const Value *Ptr) const {
  SmallVector<unsigned, 4> Result;
  for (unsigned O : pointsTo(Ptr))
    for (unsigned Other : Overlapping[O])
      if (!is_contained(Result, Other))
        Result.push_back(Other);
  return Result;
}

bool MemoryObjects::mayTouch(const Access &A, const Access &B) const {
  if (A.isAnything() || B.isAnything() || isUnknown(A.Ptr) || isUnknown(B.Ptr))
    return true;
  return any_of(pointsTo(A.Ptr), [&](unsigned O) {
    return any_of(pointsTo(B.Ptr),
                  [&](unsigned Other) { return mayOverlap(O, Other); });
  });
}

bool MemoryObjects::mayTouchIn(int L, const Access &A, const Access &B,
                               const NormalFunction &N) const {
  if (!mayTouch(A, B))
    return false;
  if (A.isAnything() || B.isAnything())
    return true;
  const Value *RootA = rootOf(const_cast<Value *>(A.Ptr));
  const Value *RootB = rootOf(const_cast<Value *>(B.Ptr));
  auto GroupA = ExchangeGroup.find(RootA), GroupB = ExchangeGroup.find(RootB);
  if (RootA == RootB || GroupA == ExchangeGroup.end() ||
      GroupB == ExchangeGroup.end() || GroupA->second != GroupB->second)
    return true;
  int Exchanging = GroupA->second.second;
  for (; L >= 0; L = N.Loops[L].Parent)
    if (L == Exchanging)
      return false;
  return true;
}

int MemoryObjects::objectAt(const Value *V) const {
  auto It = ByBase.find(V);
  return It == ByBase.end() ? -1 : static_cast<int>(It->second);
}

Value *MemoryObjects::rootOf(Value *Ptr) {
  while (auto *Gep = dyn_cast<GEPOperator>(Ptr))
    Ptr = Gep->getPointerOperand();
  return Ptr;
}

void MemoryObjects::print(raw_ostream &OS, const NormalFunction &N) const {
  static constexpr StringLiteral Kinds[] = {"argument", "allocation", "stack",
                                            "returned", "result",     "literal",
                                            "outside"};
  for (unsigned I = 0; I < Objects.size(); ++I) {
    const MemoryObject &O = Objects[I];
    if (O.Kind == ObjectKind::Outside)
      continue;
    OS << "  " << O.Name << ": " << Kinds[static_cast<unsigned>(O.Kind)];
    ListSeparator Comma, Other;
    if (Overlapping[I].size() > 1)
      OS << ", may overlap ";
    for (unsigned Over : drop_begin(Overlapping[I]))
      OS << Other << Objects[Over].Name;
    if (!IsOpaque[I] && !Content[I].empty())
      OS << ", holds pointers into ";
    for (unsigned Held : IsOpaque[I] ? ArrayRef<unsigned>() : contentOf(I))
      OS << Comma << Objects[Held].Name;
    OS << "\n";
  }
  SetVector<const Value *> Addresses;
  for (const Instruction &I : instructions(*N.F))
    for (const Access &A : accessesOf(I))
      if (A.Ptr)
        Addresses.insert(A.Ptr);
  for (const Value *Ptr : Addresses) {
    OS << "  ";
    Ptr->printAsOperand(OS, /*PrintType=*/false);
    OS << " -> " << (isUnknown(Ptr) ? "anything" : "");
    ListSeparator Comma;
    for (unsigned O : isUnknown(Ptr) ? ArrayRef<unsigned>() : pointsTo(Ptr))
      OS << Comma << Objects[O].Name;
    OS << "\n";
  }
}

} // namespace pyfront
