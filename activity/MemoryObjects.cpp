//===- MemoryObjects.cpp - How: bases first, then a fixed point -----------===//
#include "activity/MemoryObjects.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace pyfront {

MemoryObjects::MemoryObjects(const NormalFunction &N, const Request &Req)
    : MayAlias(Req.MayAlias) {
  collect(N, Req);
  propagate(N);
  findExchangedPhis(N);
  findEscapes(N);
}

unsigned MemoryObjects::add(MemoryObject O) {
  unsigned Index = Objects.size();
  ByBase[O.Base] = Index;
  Sets[O.Base] = {Index};
  Content.emplace_back();
  IsOpaque.push_back(O.Kind != ObjectKind::Allocation &&
                     O.Kind != ObjectKind::Stack);
  Objects.push_back(std::move(O));
  return Index;
}

void MemoryObjects::collect(const NormalFunction &N, const Request &Req) {
  Function &F = *N.F;
  add({ObjectKind::Result, F.getArg(0), -1, false, "result"});
  add({ObjectKind::Outside, F.getArg(1), -1, true, "excinfo"});
  for (unsigned I = 0; I < Req.Args.size(); ++I)
    if (Req.Args[I].isArray())
      add({ObjectKind::Argument, F.getArg(Req.Args[I].dataParam()),
           static_cast<int>(I), false, Req.Args[I].Name});
  for (Argument &A : F.args())
    if (A.getType()->isPointerTy() && !ByBase.count(&A))
      add({ObjectKind::Outside, &A, -1, true, A.getName().str()});
  for (Instruction &I : instructions(F)) {
    if (isa<AllocaInst>(I))
      add({ObjectKind::Stack, &I, -1, false, I.getName().str()});
    if (auto *Call = dyn_cast<CallInst>(&I);
        Call && Call->getCalledFunction() &&
        Call->getCalledFunction()->getName() == marker::Allocate)
      add({ObjectKind::Allocation, &I, -1, false, I.getName().str()});
    for (Value *Op : I.operands())
      if (auto *G = dyn_cast<GlobalVariable>(Op->stripInBoundsOffsets());
          G && !ByBase.count(G))
        add({G->isConstant() ? ObjectKind::Literal : ObjectKind::Outside, G, -1,
             !G->isConstant(), G->getName().str()});
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

bool MemoryObjects::merge(const Value *Into, const Value *From) {
  if (isa<UndefValue>(From) || isa<ConstantPointerNull>(From))
    return false;
  if (auto *C = dyn_cast<Constant>(From))
    From = C->stripInBoundsOffsets();
  bool Changed = false;
  if (Unknown.count(From))
    Changed |= Unknown.try_emplace(Into, 1).second;
  SmallVector<unsigned, 2> Source = Sets.lookup(From);
  return include(Sets[Into], Source) || Changed;
}

/// The objects that `Ptr` may point into may hold anything from now on.
bool MemoryObjects::forgetContent(const Value *Ptr) {
  bool Changed = false;
  for (unsigned O = 0; O < Objects.size(); ++O)
    if (!IsOpaque[O] && (isUnknown(Ptr) || is_contained(pointsTo(Ptr), O)))
      Changed = IsOpaque[O] = true;
  return Changed;
}

bool MemoryObjects::propagateWrite(const Instruction &I) {
  if (auto *Set = dyn_cast<MemSetInst>(&I)) {
    auto *Byte = dyn_cast<ConstantInt>(Set->getValue());
    return (!Byte || !Byte->isZero()) && forgetContent(Set->getRawDest());
  }
  if (auto *Copy = dyn_cast<MemTransferInst>(&I))
    return forgetContent(Copy->getRawDest());
  bool Changed = false;
  if (auto *Call = dyn_cast<CallBase>(&I); Call && !isa<IntrinsicInst>(Call)) {
    for (const Value *Arg : Call->args())
      if (Arg->getType()->isPointerTy())
        Changed |= forgetContent(Arg);
    return Changed;
  }
  auto *Store = dyn_cast<StoreInst>(&I);
  if (!Store)
    return false;
  const Value *V = Store->getValueOperand(), *Ptr = Store->getPointerOperand();
  if (!V->getType()->isPointerTy() || isUnknown(V) || isUnknown(Ptr))
    return forgetContent(Ptr);
  SmallVector<unsigned, 2> Stored(pointsTo(V));
  for (unsigned O : pointsTo(Ptr))
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
      Changed |= N.isLive(I.getParent()) && propagateWrite(I);
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
      else
        Changed |= Unknown.try_emplace(&I, 1).second;
    }
  }
}

void MemoryObjects::findEscapes(const NormalFunction &N) {
  auto Escape = [&](const Value *Ptr) {
    for (unsigned O : pointsTo(Ptr))
      Objects[O].Escapes = true;
  };
  for (Instruction &I : instructions(*N.F)) {
    if (auto *Store = dyn_cast<StoreInst>(&I)) {
      if (Store->getValueOperand()->getType()->isPointerTy() &&
          !holdsKnownPointers(Store->getPointerOperand()))
        Escape(Store->getValueOperand());
    } else if (isa<PtrToIntInst>(I))
      Escape(I.getOperand(0));
    else if (auto *Call = dyn_cast<CallBase>(&I);
             Call && !isa<IntrinsicInst>(Call))
      for (Value *Arg : Call->args())
        if (Arg->getType()->isPointerTy())
          Escape(Arg);
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
  if (A == B)
    return true;
  return MayAlias && Objects[A].Kind == ObjectKind::Argument &&
         Objects[B].Kind == ObjectKind::Argument;
}

bool MemoryObjects::mayShareObject(const Value *P, const Value *Q) const {
  if (isUnknown(P) || isUnknown(Q))
    return true;
  for (unsigned A : pointsTo(P))
    for (unsigned B : pointsTo(Q))
      if (mayOverlap(A, B))
        return true;
  return false;
}

bool MemoryObjects::mayShareObjectIn(int L, const Value *P, const Value *Q,
                                     const NormalFunction &N) const {
  if (!mayShareObject(P, Q))
    return false;
  const Value *RootP = rootOf(const_cast<Value *>(P));
  const Value *RootQ = rootOf(const_cast<Value *>(Q));
  auto GroupP = ExchangeGroup.find(RootP), GroupQ = ExchangeGroup.find(RootQ);
  if (RootP == RootQ || GroupP == ExchangeGroup.end() ||
      GroupQ == ExchangeGroup.end() || GroupP->second != GroupQ->second)
    return true;
  int Exchanging = GroupP->second.second;
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

void MemoryObjects::print(raw_ostream &OS) const {
  static constexpr StringLiteral Kinds[] = {
      "argument", "allocation", "stack", "result", "literal", "outside"};
  for (unsigned I = 0; I < Objects.size(); ++I) {
    const MemoryObject &O = Objects[I];
    if (O.Kind == ObjectKind::Outside)
      continue;
    OS << "  " << O.Name << ": " << Kinds[static_cast<unsigned>(O.Kind)]
       << (O.Escapes ? ", escapes" : "");
    ListSeparator Comma;
    if (!IsOpaque[I] && !Content[I].empty())
      OS << ", holds pointers into ";
    for (unsigned Held : IsOpaque[I] ? ArrayRef<unsigned>() : contentOf(I))
      OS << Comma << Objects[Held].Name;
    OS << "\n";
  }
}

} // namespace pyfront
