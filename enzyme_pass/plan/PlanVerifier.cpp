//===- PlanVerifier.cpp - P1 to P11, each named in its message -------------===//
#include "core/KeptCalls.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/plan/ProveSources.h"
#include "enzyme_pass/plan/Singular.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

namespace {

/// Whether step `Name` has run once `Done` has.
bool hasRun(StringRef Name, StringRef Done) {
  for (const Step &S : steps()) {
    if (Name == S.Name)
      return true;
    if (Done == S.Name)
      return false;
  }
  return false;
}

class Verifier {
public:
  Verifier(const Plan &P, const Facts &Known) : P(P), Known(Known) {}

  std::vector<std::string> run(StringRef Done) {
    if (hasRun("objects", Done))
      checkObjects();
    if (hasRun("calls", Done))
      checkCalls(P.Req.How != Mode::Forward && hasRun("sources", Done));
    if (hasRun("guards", Done))
      checkGuards();
    if (P.Req.How == Mode::Forward)
      return std::move(Violations);
    IsTaped = hasRun("tape", Done);
    if (hasRun("needs", Done))
      for (BasicBlock *BB : P.Reversed)
        checkBack(BB, hasRun("sources", Done));
    if (hasRun("sources", Done))
      checkSources();
    if (hasRun("places", Done) && P.Req.How == Mode::Split)
      for (const auto &[K, S] : P.Sources)
        checkPlace(K, S);
    if (hasRun("adjoints", Done))
      checkAdjoints();
    if (IsTaped) {
      checkSlots();
      checkSnapshots();
    }
    bool IsSplit = P.Req.How == Mode::Split;
    if (IsSplit && hasRun("frame", Done))
      checkFrame();
    if (IsTaped && Violations.empty() && (!IsSplit || hasRun("frame", Done)))
      prove();
    return std::move(Violations);
  }

private:
  void violate(const Twine &Text) { Violations.push_back(Text.str()); }
  static std::string name(Key K) {
    return ("`%" + K.getPointer()->getName() +
            (K.getInt() == Space::Shadow ? "'`" : "`"))
        .str();
  }
  bool hasSource(Key K) const {
    return isa<Constant>(K.getPointer()) || P.sourceOf(K);
  }
  void expectSource(Key K, const Instruction &Reader) {
    if (!hasSource(K))
      violate("P1: " + name(K) + " has no source, and `" +
              Reader.getOpcodeName() + " %" + Reader.getName() + "` reads it");
  }
  void checkReads(Instruction &I);
  void checkCall(CallInst &Call, bool HasSources);
  void checkCalls(bool HasSources);
  void checkAccess(Instruction &I);
  void checkShadows(Value *Ptr, const Instruction &Access);
  void checkShadowsOf(Instruction &Access);
  void checkPointerStores();
  void checkGuards();
  SmallVector<Value *, 2> pointersOf(Instruction &Access) const;
  void checkObjects();
  void checkWorkspaces();
  void checkSources();
  void checkAdjoints();
  void prove();
  void proveCall(const SourceProver &Prover, const CallInst &Call,
                 const CallPlan &Planned);
  void checkBack(BasicBlock *BB, bool HasSources);
  void checkLast(int L, BasicBlock *Exit);
  void checkSource(Key K, const Source &S);
  void checkPlace(Key K, const Source &S);
  const ObjectPlan *objectAt(const Value *Base) const;
  void checkSlots();
  void checkRoom(unsigned Slot, const TapeSlot &S);
  void checkSnapshots();
  void checkFrame();
  void checkCrossingAddress(Key K, const Source &S,
                            const DenseSet<Key> &Memory);
  void checkSlotOf(Key K, const Source &S);
  void checkCycles();
  bool visit(Key K, DenseMap<Key, int> &State);

  const Plan &P;
  const Facts &Known;
  bool IsTaped = false;
  std::vector<std::string> Violations;
};

void Verifier::checkObjects() {
  for (Instruction *I : P.ActiveAccesses)
    checkShadowsOf(*I);
  checkPointerStores();
  checkWorkspaces();
  for (const ObjectPlan &O : P.Objects) {
    bool IsMade = O.Shadow == ShadowHome::Workspace ||
                  O.Shadow == ShadowHome::Allocation ||
                  O.Shadow == ShadowHome::Stack;
    if (IsMade && O.Zero == Zeroed::Never && P.Req.How != Mode::Forward)
      violate("P4: adjoints are added to the shadow of `" + O.Name +
              "`, which is never zeroed");
    if (O.IsTable && O.Zero == Zeroed::ByReverse)
      violate("P4: the reverse half zeroes the pointers in `" + O.Name + "`");
  }
}

void Verifier::checkWorkspaces() {
  for (unsigned A = 0; A < P.Objects.size(); ++A) {
    if (P.Objects[A].Shadow != ShadowHome::Workspace)
      continue;
    unsigned Groups = 0;
    for (ArrayRef<unsigned> Group : P.Workspaces)
      if (is_contained(Group, A)) {
        ++Groups;
        for (unsigned B = 0; B < P.Objects.size(); ++B)
          if (Known.Objects.mayOverlap(A, B) && !is_contained(Group, B))
            violate("P4: `" + P.Objects[A].Name + "` and `" +
                    P.Objects[B].Name +
                    "` may share memory, and not their shadows");
      }
    if (Groups != 1)
      violate("P4: the workspace `" + P.Objects[A].Name + "` is in " +
              Twine(Groups) + " groups");
  }
}

void Verifier::checkSources() {
  for (BasicBlock *BB : P.Reversed)
    for (Instruction &I : *BB)
      checkReads(I);
  for (const auto &[K, S] : P.Sources)
    checkSource(K, S);
  checkCycles();
}

void Verifier::checkAdjoints() {
  for (const Value *V : P.Local)
    if (!isLocalAdjoint(P, V))
      violate("P7: `%" + V->getName() +
              "` has an adjoint of one block, and is read in another");
}

/// What the reverse half of a callee reads again is still there. Of what the
/// reverse part of a rule reads, a copy may be there instead.
void Verifier::proveCall(const SourceProver &Prover, const CallInst &Call,
                         const CallPlan &Planned) {
  for (const ArgInfo &A : Planned.Callee.Args) {
    if (!A.StaysAsLeft)
      continue;
    const Value *Data =
        Call.getArgOperand(kept::operandAt(Call, A.FirstParam) + numba::Data);
    bool IsCallers = any_of(Known.Objects.pointsTo(Data), [&](unsigned O) {
      return P.Req.How == Mode::Split &&
             Known.Objects[O].Kind == ObjectKind::Argument &&
             !P.Req.Args[Known.Objects[O].Arg].StaysAsLeft;
    });
    if (IsCallers || !Prover.isStillThere(Call, *Data))
      violate("P11: `" + A.Name + "` of `" + Planned.Info->Name +
              "` may be written before its reverse half runs");
  }
  if (!Planned.IsActive || !Planned.Info->Rule)
    return;
  for (unsigned Place : Planned.Info->Rule->Reads) {
    unsigned First =
        kept::operandAt(Call, Planned.Info->Args[Place].FirstParam);
    const Value *Data = Call.getArgOperand(First + numba::Data);
    if (!(Planned.Copies >> Place & 1) && !Prover.isStillThere(Call, *Data))
      violate("P2: `" + Planned.Info->Args[Place].Name + "` of `" +
              Planned.Info->Name +
              "` may be written after the call, and is not copied");
  }
}

/// What was read is still there: by a search of its own.
void Verifier::prove() {
  SourceProver Prover(P, Known);
  for (const auto &[Call, Planned] : P.Calls)
    proveCall(Prover, *Call, Planned);
  for (const auto &[K, S] : P.Sources) {
    auto *Load = dyn_cast<LoadInst>(K.getPointer());
    if (S.Kind == SourceKind::Reload && !Prover.isStillThere(*Load))
      violate("P2: " + name(K) + " is reloaded, and may be written again");
    if (S.Kind == SourceKind::Snapshot &&
        !Prover.isInCopy(*Load, P.Snapshots[S.Index]))
      violate("P2: " + name(K) + " is read from a copy that may not hold it");
  }
}

/// The bases that `Ptr` may be computed from.
static SmallVector<Value *, 4> rootsOf(Value *Ptr) {
  SmallVector<Value *, 4> Roots;
  SmallSetVector<Value *, 4> Pointers;
  Pointers.insert(Ptr);
  for (unsigned Next = 0; Next < Pointers.size(); ++Next) {
    Value *Root = MemoryObjects::rootOf(Pointers[Next]);
    if (auto *Phi = dyn_cast<PHINode>(Root)) {
      Pointers.insert(Phi->value_op_begin(), Phi->value_op_end());
    } else if (auto *Select = dyn_cast<SelectInst>(Root)) {
      Pointers.insert(Select->getTrueValue());
      Pointers.insert(Select->getFalseValue());
    } else if (auto *Freeze = dyn_cast<FreezeInst>(Root)) {
      Pointers.insert(Freeze->getOperand(0));
    } else if (auto *Load = dyn_cast<LoadInst>(Root)) {
      Pointers.insert(Load->getPointerOperand());
    } else if (!isa<UndefValue, ConstantPointerNull>(Root)) {
      Roots.push_back(Root);
    }
  }
  return Roots;
}

const ObjectPlan *Verifier::objectAt(const Value *Base) const {
  auto It =
      find_if(P.Objects, [&](const ObjectPlan &O) { return O.Base == Base; });
  return It == P.Objects.end() ? nullptr : &*It;
}

/// Every object that `Ptr` may point into has a shadow.
void Verifier::checkShadows(Value *Ptr, const Instruction &Access) {
  for (Value *Root : rootsOf(Ptr)) {
    const ObjectPlan *Object = objectAt(Root);
    if (!Object || Object->Shadow == ShadowHome::None)
      violate("P4: `%" + Root->getName() + "` has no shadow, and `" +
              Access.getOpcodeName() + " %" + Access.getName() +
              "` touches it");
  }
}

/// What the forward half of a split derivative hands on does not depend on the
/// caller's memory.
void Verifier::checkPlace(Key K, const Source &S) {
  if (S.Kind == SourceKind::Reload) {
    Value *Ptr = cast<LoadInst>(K.getPointer())->getPointerOperand();
    for (Value *Root : rootsOf(Ptr))
      if (const ObjectPlan *Object = objectAt(Root);
          Object && Object->Size.How == Extent::Form::Argument &&
          !P.Req.Args[Object->Size.Arg].StaysAsLeft)
        violate("P6: " + name(K) + " is reloaded from the caller's memory");
  }
  if (K.getInt() != Space::Shadow || S.Kind == SourceKind::Recompute)
    return;
  auto It = P.Places.find(K.getPointer());
  for (Value *Root : rootsOf(K.getPointer())) {
    const ObjectPlan *Object = objectAt(Root);
    if (!Object || Object->Shadow != ShadowHome::Parameter)
      continue;
    if (It == P.Places.end() ||
        !is_contained(It->second.Args, unsigned(Object->Arg)))
      violate("P6: " + name(K) + " may lie in the shadow of `" + Object->Name +
              "`, and is not kept as a place");
  }
}

/// A pointer that is kept in memory with a shadow has its shadow kept there.
void Verifier::checkPointerStores() {
  auto HasShadow = [&](Value *Ptr) {
    return any_of(P.Objects, [Base = MemoryObjects::rootOf(Ptr)](auto &O) {
      return O.Base == Base && O.Shadow != ShadowHome::None;
    });
  };
  for (BasicBlock *BB : P.N.Order)
    for (Instruction &I : *BB)
      if (auto *Store = dyn_cast<StoreInst>(&I);
          Store && HasShadow(Store->getPointerOperand()) &&
          HasShadow(Store->getValueOperand()) &&
          !P.PointerStores.contains(Store))
        violate("P4: the shadow of `%" + Store->getValueOperand()->getName() +
                "` is not kept where `%" +
                Store->getPointerOperand()->getName() + "` keeps it");
}

/// The pointers through which an access touches shadow memory.
SmallVector<Value *, 2> Verifier::pointersOf(Instruction &Access) const {
  if (Value *Ptr = getLoadStorePointerOperand(&Access))
    return {Ptr};
  auto *Mem = cast<MemIntrinsic>(&Access);
  if (auto *Copy = dyn_cast<MemTransferInst>(Mem);
      Copy && P.CopiedType.contains(Copy))
    return {Copy->getRawDest(), Copy->getRawSource()};
  return {Mem->getRawDest()};
}

void Verifier::checkShadowsOf(Instruction &Access) {
  for (Value *Ptr : pointersOf(Access))
    checkShadows(Ptr, Access);
}

void Verifier::checkAccess(Instruction &I) {
  for (Value *Ptr : pointersOf(I))
    expectSource(shadowOf(Ptr), I);
  if (auto *Mem = dyn_cast<MemIntrinsic>(&I))
    expectSource(primalOf(Mem->getLength()), I);
}

void Verifier::checkGuards() {
  for (Value *V : P.Active) {
    auto *I = dyn_cast<Instruction>(V);
    const rules::Rule *R = I ? rules::lookup(*I) : nullptr;
    for (unsigned K = 0; R && K < R->arity(); ++K)
      if (isSingularHere(*R, *I, K) && P.isActive(I->getOperand(K)) &&
          !(P.Guards.lookup(I).ZeroFactor >> K & 1))
        violate("P10: the partial of `%" + I->getName() + "` in operand " +
                Twine(K) + " may be infinite and is not guarded");
  }
}

/// What the call touches has a shadow if its derivative expects one, and it is
/// there when the reverse sweep comes by.
void Verifier::checkCall(CallInst &Call, bool HasSources) {
  auto It = P.Calls.find(&Call);
  if (It == P.Calls.end()) {
    violate("P11: a call of `" + kept::calleeOf(Call) + "` is not planned");
    return;
  }
  const CallPlan &Planned = It->second;
  if (!Planned.IsActive)
    return;
  for (Value *Ptr : Planned.Shadowed) {
    checkShadows(Ptr, Call);
    if (HasSources)
      expectSource(shadowOf(Ptr), Call);
  }
  if (HasSources && Planned.HasFrame)
    expectSource(primalOf(&Call), Call);
  for (Value *Word : Planned.Words)
    if (HasSources)
      expectSource(primalOf(Word), Call);
  for (const ArgInfo &A : Planned.Callee.Args) {
    unsigned First = kept::operandAt(Call, A.FirstParam);
    Value *Data = Call.getArgOperand(A.isArray() ? First + numba::Data : First);
    bool IsActive =
        A.isArray() ? is_contained(Planned.Shadowed, Data) : P.isActive(Data);
    if (isFloat(A.Type) && IsActive != (A.Note != Annotation::Const))
      violate("P11: `" + A.Name + "` of `" + kept::calleeOf(Call) +
              "` is active in one of caller and callee");
  }
}

void Verifier::checkCalls(bool HasSources) {
  for (BasicBlock *BB : P.N.Order)
    for (Instruction &I : *BB)
      if (kept::isKept(&I))
        checkCall(cast<CallInst>(I), HasSources && P.Reversed.contains(BB));
}

void Verifier::checkReads(Instruction &I) {
  if (P.ActiveAccesses.contains(&I))
    return checkAccess(I);
  if (!P.isActive(&I))
    return;
  if (auto *Select = dyn_cast<SelectInst>(&I))
    expectSource(primalOf(Select->getCondition()), I);
  const rules::Rule *R = rules::lookup(I);
  for (unsigned K = 0; R && K < R->arity(); ++K) {
    if (R->isZero(K) || !P.isActive(I.getOperand(K)))
      continue;
    for (unsigned J = 0; J < R->arity(); ++J)
      if (R->reads(K) >> J & 1)
        expectSource(primalOf(I.getOperand(J)), I);
    if (R->reads(K) >> R->arity() & 1)
      expectSource(primalOf(&I), I);
  }
}

void Verifier::checkBack(BasicBlock *BB, bool HasSources) {
  auto It = P.Back.find(BB);
  if (It == P.Back.end()) {
    violate("P5: block `" + BB->getName() +
            "` does not know where it came from");
    return;
  }
  if (!HasSources || It->second.How != BackPlan::Form::Which)
    return;
  SmallVector<BasicBlock *, 4> Preds = distinctPredecessors(BB);
  if (Preds.size() > 1) {
    auto Which = P.N.Which.find(BB);
    if (Which == P.N.Which.end() || !hasSource(primalOf(Which->second)))
      violate("P5: which way came to block `" + BB->getName() +
              "` has no source");
  }
  for (BasicBlock *Pred : Preds)
    for (int L = P.N.loopOf(Pred); L >= 0 && !P.N.contains(L, BB);
         L = P.N.Loops[L].Parent)
      checkLast(L, BB);
}

/// Backwards, loop `L` begins with the last of its iterations.
void Verifier::checkLast(int L, BasicBlock *Exit) {
  Value *Last = P.N.Loops[L].Last;
  if (!Last)
    Last = P.N.Loops[L].LastAtExit.lookup(Exit);
  if (!Last || !hasSource(primalOf(Last)))
    violate("P5: the last iteration of L" + Twine(L) + " before block `" +
            Exit->getName() + "` has no source");
}

void Verifier::checkSource(Key K, const Source &S) {
  switch (S.Kind) {
  case SourceKind::Recompute:
  case SourceKind::Reload:
  case SourceKind::Snapshot: {
    const Value *Root = nullptr;
    if (S.Kind == SourceKind::Snapshot) {
      if (S.Index < 0 || unsigned(S.Index) >= P.Snapshots.size()) {
        violate("P2: " + name(K) + " reads a snapshot that is not planned");
        return;
      }
      Root = P.Snapshots[S.Index].Base;
    }
    for (Key Op : operandsOf(K, Root))
      if (!hasSource(Op))
        violate("P2: " + name(K) + " is recomputed from " + name(Op) +
                ", which has no source");
    break;
  }
  case SourceKind::Tape:
    if (IsTaped)
      checkSlotOf(K, S);
    break;
  case SourceKind::Counter:
    if (!P.ReversedLoops.contains(S.Index))
      violate("P2: " + name(K) + " counts a loop that is not reversed");
    break;
  case SourceKind::Literal:
  case SourceKind::Argument:
  case SourceKind::Register:
    break;
  }
}

void Verifier::checkSlotOf(Key K, const Source &S) {
  if (S.Index < 0 || unsigned(S.Index) >= P.Slots.size() ||
      P.Slots[S.Index].Of != K) {
    violate("P3: " + name(K) + " is taped in a slot that is not its own");
    return;
  }
  auto *I = cast<Instruction>(K.getPointer());
  if (P.Slots[S.Index].Nest != P.N.nestOf(I->getParent()))
    violate("P3: slot " + Twine(S.Index) + " does not have the nest of " +
            name(K));
}

/// Lengths that the size of an array is made of are known where it is
/// allocated, those of a row where the array grows.
void Verifier::checkRoom(unsigned Slot, const TapeSlot &S) {
  using Room = TapeSlot::Room;
  if (S.Nest.empty() != (S.How == Room::Variable)) {
    violate("P3: slot " + Twine(Slot) + " has elements without room");
    return;
  }
  if (S.Nest.empty())
    return;
  if (S.Head >= S.Nest.size() || S.Step < S.Head || S.Step >= S.Nest.size()) {
    violate("P3: slot " + Twine(Slot) + " begins outside of its nest");
    return;
  }
  unsigned From = S.How == Room::Growing ? S.Step + 1 : S.Head;
  for (unsigned I = From; I < S.Nest.size(); ++I)
    if (!P.N.isCounted(S.Nest[I], S.Nest[S.Head]))
      violate("P3: slot " + Twine(Slot) +
              " is allocated before the length of L" + Twine(S.Nest[I]) +
              " is known");
}

void Verifier::checkSlots() {
  for (unsigned I = 0; I < P.Slots.size(); ++I) {
    const TapeSlot &S = P.Slots[I];
    checkRoom(I, S);
    for (int L : S.Nest) {
      if (!P.ReversedLoops.contains(L))
        violate("P3: slot " + Twine(I) + " is indexed by L" + Twine(L) +
                ", which is not reversed");
      if (Value *Last = P.N.Loops[L].Last; Last && !hasSource(primalOf(Last)))
        violate("P3: slot " + Twine(I) + " is indexed by L" + Twine(L) +
                ", whose length has no source");
      if (!hasSource(primalOf(P.N.Loops[L].Counter)))
        violate("P3: slot " + Twine(I) + " is indexed by L" + Twine(L) +
                ", whose counter has no source");
    }
    if (S.Nest.empty() || S.Head == 0)
      continue;
    if (S.BaseSlot < 0 || unsigned(S.BaseSlot) >= P.Slots.size() ||
        ArrayRef(P.Slots[S.BaseSlot].Nest) !=
            ArrayRef(S.Nest).take_front(S.Head))
      violate("P3: slot " + Twine(I) + " has no base slot around its head");
  }
}

/// A copy is as large as what its pointer points to, which each way to the
/// pointer must know.
void Verifier::checkSnapshots() {
  for (const Snapshot &S : P.Snapshots) {
    SmallSetVector<Value *, 4> Pointers;
    Pointers.insert(S.Base);
    for (unsigned Next = 0; Next < Pointers.size(); ++Next) {
      if (auto *Phi = dyn_cast<PHINode>(Pointers[Next])) {
        Pointers.insert(Phi->value_op_begin(), Phi->value_op_end());
        continue;
      }
      const ObjectPlan *Object = objectAt(Pointers[Next]);
      if (!Object || Object->Size.How == Extent::Form::None)
        violate("P8: a copy of `%" + S.Base->getName() +
                "` does not know its size");
    }
  }
}

/// An address that crosses is not one of a half's own stack.
void Verifier::checkCrossingAddress(Key K, const Source &S,
                                    const DenseSet<Key> &Memory) {
  if (!K.getPointer()->getType()->isPointerTy() ||
      S.Kind == SourceKind::Recompute)
    return;
  bool IsShadow = K.getInt() == Space::Shadow;
  for (Value *Root : rootsOf(K.getPointer())) {
    const ObjectPlan *Object = objectAt(Root);
    if (!Object || (IsShadow && K.getPointer() == Root))
      continue;
    bool IsOnStack = IsShadow ? Object->Shadow == ShadowHome::Stack ||
                                    Object->Shadow == ShadowHome::Seed
                              : isa<AllocaInst>(Root) || Root == P.N.Sig.Result;
    if (IsOnStack && !Memory.contains({Root, K.getInt()}))
      violate("P9: " + name(K) + " is an address on the stack of one half");
  }
}

/// A reverse half has its parameters, what is in the frame, and what it
/// computes of that.
void Verifier::checkFrame() {
  using Content = FrameField::Content;
  DenseSet<Key> Keys, Memory;
  DenseSet<int> Slots;
  uint64_t Free = 0;
  for (const FrameField &Field : P.Frame) {
    bool IsNew = Field.Holds == Content::Slot ? Slots.insert(Field.Index).second
                 : Field.Holds == Content::Memory
                     ? Memory.insert(Field.Of).second
                     : Keys.insert(Field.Of).second;
    if (!IsNew || Field.Offset < Free || Field.Offset >= P.FrameBytes)
      violate("P9: two fields of the frame are one, or overlap");
    Free = Field.Offset + 1;
  }
  for (unsigned I = 0; I < P.Slots.size(); ++I)
    if ((P.Slots[I].BaseSlot < 0) != Slots.contains(I))
      violate("P9: slot " + Twine(I) + " is found in no way, or in two");
  for (const auto &[K, S] : P.Sources) {
    checkCrossingAddress(K, S, Memory);
    if (S.Kind != SourceKind::Argument && S.Kind != SourceKind::Register)
      continue;
    const ObjectPlan *Object = objectAt(K.getPointer());
    bool IsOwn = K.getInt() == Space::Shadow && Object &&
                 (Object->Shadow == ShadowHome::Parameter ||
                  Object->Shadow == ShadowHome::Returned ||
                  Object->Shadow == ShadowHome::Seed ||
                  Object->Shadow == ShadowHome::Stack);
    if (!IsOwn && !Keys.contains(K) && !Memory.contains(K))
      violate("P9: " + name(K) + " does not cross to the reverse half");
  }
}

bool Verifier::visit(Key K, DenseMap<Key, int> &State) {
  constexpr int Open = 1, Done = 2;
  const Source *S = P.sourceOf(K);
  if (!S || (S->Kind != SourceKind::Recompute &&
             S->Kind != SourceKind::Reload && S->Kind != SourceKind::Snapshot))
    return true;
  int &Mark = State[K];
  if (Mark == Done)
    return true;
  if (Mark == Open) {
    violate("P2: " + name(K) + " is recomputed from itself");
    return false;
  }
  Mark = Open;
  const Value *Root = nullptr;
  if (S->Kind == SourceKind::Snapshot)
    Root = P.Snapshots[S->Index].Base;
  for (Key Op : operandsOf(K, Root))
    if (!visit(Op, State))
      return false;
  State[K] = Done;
  return true;
}

void Verifier::checkCycles() {
  if (!Violations.empty())
    return;
  DenseMap<Key, int> State;
  for (const auto &[K, S] : P.Sources)
    if (!visit(K, State))
      return;
}

} // namespace

std::vector<std::string> verifyPlan(const Plan &P, const Facts &Known,
                                    StringRef Done) {
  return Verifier(P, Known).run(Done);
}

} // namespace pyfront
