//===- PlanFrame.cpp - What one half of a derivative leaves the other -----===//
///
/// \file
/// The frame is the first block of a tape. In it, in this order:
///
///   keys    that the forward half computes once, and arguments
///   slots   of straight code; of others the address of the outermost array
///   memory  of stack variables and of the result, and of their shadows, where
///           the reverse half may come by an address that the forward half has
///           computed
///
/// What the reverse half is given itself (shadows of arguments, adjoints, the
/// seed), or makes itself (its variables, shadows on the stack that nothing
/// points to yet), is not in it.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/plan/Planner.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace pyfront {

namespace {

class FramePlanner {
public:
  explicit FramePlanner(Planning &S)
      : P(S.P), Known(S.Known), DL(S.P.N.F->getDataLayout()) {}

  void run() {
    for (const auto &[K, S] : P.Sources)
      if (crosses(K, S))
        add({FrameField::Content::Value, K, -1}, K.getPointer()->getType());
    for (unsigned I = 0; I < P.Slots.size(); ++I) {
      const TapeSlot &S = P.Slots[I];
      if (S.BaseSlot >= 0)
        continue;
      Type *Address = PointerType::getUnqual(P.N.F->getContext());
      add({FrameField::Content::Slot, {}, int(I)},
          S.Nest.empty() ? S.Ty : Address);
    }
    for (unsigned O = 0; O < P.Objects.size(); ++O)
      addMemoryOf(O);
  }

private:
  bool crosses(Key K, const Source &S) const;
  bool isReadThroughKept(unsigned O) const;
  bool isShadowKept(unsigned O) const;
  bool mayPointTo(const Value *V, unsigned O) const {
    return V->getType()->isPointerTy() &&
           (Known.Objects.isUnknown(V) ||
            is_contained(Known.Objects.pointsTo(V), O));
  }
  void addMemoryOf(unsigned O);
  void addMemory(unsigned O, uint64_t Bytes, Align A);
  void add(FrameField Field, Type *Ty) {
    add(Field, DL.getTypeStoreSize(Ty), DL.getABITypeAlign(Ty));
  }
  void add(FrameField Field, uint64_t Bytes, Align A) {
    Field.Offset = alignTo(P.FrameBytes, A);
    P.FrameBytes = Field.Offset + Bytes;
    P.Frame.push_back(Field);
  }

  Plan &P;
  const Facts &Known;
  const DataLayout &DL;
};

/// Whether the forward half knows `K` and the reverse half reads it.
bool FramePlanner::crosses(Key K, const Source &S) const {
  if (S.Kind != SourceKind::Argument && S.Kind != SourceKind::Register)
    return false;
  int O = Known.Objects.objectAt(K.getPointer());
  if (O < 0)
    return true;
  if (K.getInt() == Space::Primal)
    return Known.Objects[O].Kind != ObjectKind::Stack &&
           Known.Objects[O].Kind != ObjectKind::Result;
  return P.Objects[O].Shadow == ShadowHome::Workspace ||
         P.Objects[O].Shadow == ShadowHome::Allocation;
}

bool FramePlanner::isReadThroughKept(unsigned O) const {
  return any_of(P.Sources, [&](const auto &Entry) {
    Key K = Entry.first;
    return K.getInt() == Space::Primal && mayPointTo(K.getPointer(), O);
  });
}

bool FramePlanner::isShadowKept(unsigned O) const {
  const ObjectPlan &Object = P.Objects[O];
  if (Object.IsTable)
    return true;
  if (any_of(P.PointerStores, [&](const StoreInst *Store) {
        return mayPointTo(Store->getValueOperand(), O);
      }))
    return true;
  return any_of(P.Sources, [&](const auto &Entry) {
    const auto &[K, S] = Entry;
    bool IsKept = S.Kind == SourceKind::Argument ||
                  S.Kind == SourceKind::Register || S.Kind == SourceKind::Tape;
    return IsKept && K.getInt() == Space::Shadow &&
           K.getPointer() != Object.Base && mayPointTo(K.getPointer(), O);
  });
}

void FramePlanner::addMemoryOf(unsigned O) {
  const MemoryObject &Object = Known.Objects[O];
  if (Object.Kind == ObjectKind::Result) {
    addMemory(O, P.Req.resultBytes() + ResultPadding, Align(ResultAlign));
    return;
  }
  auto *Variable = dyn_cast<AllocaInst>(Object.Base);
  if (!Variable || P.Objects[O].Size.How != Extent::Form::Literal)
    return;
  addMemory(O, P.Objects[O].Size.Literal, Variable->getAlign());
}

void FramePlanner::addMemory(unsigned O, uint64_t Bytes, Align A) {
  const ObjectPlan &Object = P.Objects[O];
  if (isReadThroughKept(O))
    add({FrameField::Content::Memory, primalOf(Object.Base), int(O)}, Bytes, A);
  bool IsOwn =
      Object.Shadow == ShadowHome::Stack || Object.Shadow == ShadowHome::Seed;
  if (IsOwn && isShadowKept(O))
    add({FrameField::Content::Memory, shadowOf(Object.Base), int(O)},
        Bytes * P.Req.Width, A);
}

} // namespace

void planFrame(Planning &State) { FramePlanner(State).run(); }

} // namespace pyfront
