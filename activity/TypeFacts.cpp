//===- TypeFacts.cpp - How: one pass over the typed accesses --------------===//
#include "activity/TypeFacts.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace pyfront {

static ElementType elementOf(const Type *T) {
  if (T->isDoubleTy())
    return ElementType::Float64;
  if (T->isFloatTy())
    return ElementType::Float32;
  if (T->isIntegerTy())
    return ElementType::Integer;
  if (T->isPointerTy())
    return ElementType::Pointer;
  return ElementType::Mixed;
}

static ElementType elementOf(ScalarType T) {
  if (T == ScalarType::F64)
    return ElementType::Float64;
  if (T == ScalarType::F32)
    return ElementType::Float32;
  return T == ScalarType::Other ? ElementType::Mixed : ElementType::Integer;
}

StringRef nameOf(ElementType T) {
  static constexpr StringLiteral Names[] = {"untouched", "float64", "float32",
                                            "integer",   "pointer", "mixed"};
  return Names[static_cast<unsigned>(T)];
}

void TypeFacts::join(unsigned Object, ElementType T) {
  ElementType &E = Elements[Object];
  if (E == ElementType::Untouched)
    E = T;
  else if (E != T)
    E = ElementType::Mixed;
}

TypeFacts::TypeFacts(const NormalFunction &N, const Request &Req,
                     const MemoryObjects &Objects) {
  Elements.assign(Objects.size(), ElementType::Untouched);
  for (unsigned I = 0; I < Objects.size(); ++I)
    if (Objects[I].Kind == ObjectKind::Argument)
      join(I, elementOf(Req.Args[Objects[I].Arg].Type));
    else if (Objects[I].Kind == ObjectKind::Returned)
      join(I, elementOf(Req.Arrays[Objects[I].Arg].Type));
  for (const Instruction &I : instructions(*N.F))
    for (const Access &A : accessesOf(I))
      if (Type *T = A.Element ? A.Element : A.Elements; T && A.Ptr)
        for (unsigned O : Objects.pointsTo(A.Ptr))
          join(O, elementOf(T));
  while (joinCopies(N, Objects)) {
  }
}

/// Both sides of a block copy hold the same; whether that changed anything.
bool TypeFacts::joinCopies(const NormalFunction &N,
                           const MemoryObjects &Objects) {
  SmallVector<ElementType, 8> Before = Elements;
  for (const Instruction &I : instructions(*N.F))
    for (const Access &Write : writesOf(I)) {
      if (!Write.From)
        continue;
      for (unsigned To : Objects.pointsTo(Write.Ptr))
        for (unsigned From : Objects.pointsTo(Write.From)) {
          if (Elements[From] != ElementType::Untouched)
            join(To, Elements[From]);
          if (Elements[To] != ElementType::Untouched)
            join(From, Elements[To]);
        }
    }
  return Before != Elements;
}

void TypeFacts::print(raw_ostream &OS, const MemoryObjects &Objects) const {
  for (unsigned I = 0; I < Objects.size(); ++I)
    if (Objects[I].Kind != ObjectKind::Outside)
      OS << "  " << Objects[I].Name << ": " << nameOf(Elements[I]) << "\n";
}

} // namespace pyfront
