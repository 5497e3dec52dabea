//===- PlanPrinter.cpp - The plan as text ---------------------------------===//
///
/// \file
/// Stable text: names come from the prepared primal, order is program order.
/// Read by tests, by `dk.inspect_plan()` and by people.
//===----------------------------------------------------------------------===//
#include "core/Diagnostic.h"
#include "enzyme_pass/plan/Plan.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace pyfront {

namespace {

std::string nameOf(Key K) {
  std::string Text;
  raw_string_ostream OS(Text);
  if (isa<Constant>(K.getPointer()))
    K.getPointer()->printAsOperand(OS, /*PrintType=*/false);
  else
    OS << "%" << K.getPointer()->getName();
  if (K.getInt() == Space::Shadow)
    OS << "'";
  return Text;
}

std::string lineOf(Key K) {
  auto *I = dyn_cast<Instruction>(K.getPointer());
  if (!I)
    return "";
  SourceLocation Where = locationOf(*I);
  if (!Where.isKnown())
    return "";
  return (" (" + sys::path::filename(Where.File) + ":" + Twine(Where.Line) +
          ")")
      .str();
}

std::string nestText(ArrayRef<int> Nest) {
  if (Nest.empty())
    return "once";
  std::string Text = "per";
  for (int L : Nest)
    Text += " L" + std::to_string(L);
  return Text;
}

std::string bytesText(const Plan &P, const TapeSlot &S) {
  uint64_t Size = P.N.F->getDataLayout().getTypeStoreSize(S.Ty).getFixedValue();
  std::string Text = std::to_string(Size) + " B";
  for (int L : S.Nest) {
    auto *C = dyn_cast_or_null<ConstantInt>(P.N.Loops[L].Last);
    Text += C ? " x " + std::to_string(C->getZExtValue() + 1)
              : " x trips(L" + std::to_string(L) + ")";
  }
  return Text;
}

std::string sourceText(const Plan &P, const Source &S) {
  switch (S.Kind) {
  case SourceKind::Literal:
    return "literal";
  case SourceKind::Argument:
    return "argument";
  case SourceKind::Counter:
    return "counter of L" + std::to_string(S.Index);
  case SourceKind::Register:
    return "register";
  case SourceKind::Recompute:
    return "recompute";
  case SourceKind::Reload:
    return "reload";
  case SourceKind::Snapshot:
    return "snapshot[" + std::to_string(S.Index) + "]";
  case SourceKind::Tape:
    return "tape[" + std::to_string(S.Index) + "]";
  }
  return "";
}

StringRef homeText(ShadowHome Home) {
  switch (Home) {
  case ShadowHome::None:
    return "none";
  case ShadowHome::Parameter:
    return "the caller's";
  case ShadowHome::Workspace:
    return "own";
  case ShadowHome::Allocation:
    return "own, beside its allocation";
  case ShadowHome::Stack:
    return "own, on the stack";
  case ShadowHome::Returned:
    return "the caller's, of what is returned";
  case ShadowHome::Seed:
    return "the seed";
  }
  return "";
}

StringRef zeroText(const ObjectPlan &O) {
  switch (O.Zero) {
  case Zeroed::Never:
    return "";
  case Zeroed::WhenMade:
    return O.Shadow == ShadowHome::Allocation ? ", zeroed there"
                                              : ", zeroed on entry";
  case Zeroed::ByReverse:
    return ", zeroed by the reverse half";
  }
  return "";
}

void printSlot(raw_ostream &OS, const Plan &P, unsigned Index) {
  const TapeSlot &S = P.Slots[Index];
  OS << "  slot " << Index << ": " << *S.Ty << " " << nestText(S.Nest) << ", "
     << bytesText(P, S);
  switch (S.Holds) {
  case TapeSlot::Content::Value:
    OS << "    ; " << nameOf(S.Of);
    break;
  case TapeSlot::Content::Base:
    OS << "    ; where slot " << S.Index << " is";
    break;
  case TapeSlot::Content::Snapshot:
    OS << "    ; where copy " << S.Index << " is";
    break;
  }
  if (!S.Nest.empty()) {
    if (S.How != TapeSlot::Room::Growing)
      OS << ", allocated before L" << S.Nest[S.Head];
    if (S.mayGrow())
      OS << (S.How == TapeSlot::Room::Tried ? ", or grows" : ", grows")
         << " with L" << S.Nest[S.Step];
  }
  OS << "\n";
}

/// Forward mode: what has a tangent, and what touches shadow memory.
void printTangents(raw_ostream &OS, const Plan &P) {
  OS << "tangents\n";
  for (Value *V : P.Active)
    OS << "  " << formatv("{0,-24}", nameOf(primalOf(V))) << lineOf(primalOf(V))
       << "\n";
  OS << "accesses\n  " << P.ActiveAccesses.size() << "\n";
}

} // namespace

static void printGuards(raw_ostream &OS, const Plan &P) {
  if (P.Guards.empty())
    return;
  OS << "guards\n";
  StringRef Factor =
      P.Req.How == Mode::Forward ? "zero tangent" : "zero adjoint";
  for (const auto &[I, Guard] : P.Guards) {
    OS << "  " << formatv("{0,-24}", "%" + I->getName());
    ListSeparator Comma;
    for (unsigned K = 0; K < I->getNumOperands(); ++K) {
      if (Guard.ZeroFactor >> K & 1)
        OS << Comma << Factor << " in operand " << K;
      if (Guard.ZeroPartial >> K & 1)
        OS << Comma << "zero partial in operand " << K;
    }
    OS << "\n";
  }
}

static void printCalls(raw_ostream &OS, const Plan &P) {
  if (!P.Calls.empty())
    OS << "calls\n";
  for (const auto &[Call, Planned] : P.Calls)
    OS << "  %" << Call->getName() << ": " << Planned.Callee.Name
       << (Planned.IsActive ? "\n" : ", not active\n");
}

/// The derivative that is planned, as it was asked for.
static void printRequest(raw_ostream &OS, const Request &Req) {
  static constexpr StringLiteral Notes[] = {"const", "active", "duplicated"};
  static constexpr StringLiteral Modes[] = {"reverse", "forward", "split"};
  OS << "plan " << Modes[static_cast<unsigned>(Req.How)];
  if (Req.Width > 1)
    OS << " width " << Req.Width;
  OS << (Req.MayAlias ? " may-alias" : "") << " (";
  ListSeparator Comma;
  for (const ArgInfo &A : Req.Args)
    OS << Comma << A.Name << ": " << Notes[static_cast<unsigned>(A.Note)]
       << (A.StaysAsLeft ? ", stays" : "");
  OS << ")\n";
}

void Plan::print(raw_ostream &OS) const {
  printRequest(OS, Req);
  OS << "shadows\n";
  for (const ObjectPlan &O : Objects)
    if (O.Shadow != ShadowHome::None)
      OS << "  " << O.Name << ": " << homeText(O.Shadow) << zeroText(O) << "\n";
  printCalls(OS, *this);
  if (Req.How == Mode::Forward) {
    printTangents(OS, *this);
    printGuards(OS, *this);
    return;
  }
  OS << "values\n";
  for (const auto &[K, S] : Sources) {
    if (S.Kind == SourceKind::Literal)
      continue;
    OS << "  " << formatv("{0,-24} {1,-14}", nameOf(K), sourceText(*this, S));
    if (!S.Why.empty())
      OS << " ; " << S.Why;
    OS << lineOf(K) << "\n";
  }
  OS << "tape\n";
  for (unsigned I = 0; I < Slots.size(); ++I)
    printSlot(OS, *this, I);
  if (!Places.empty())
    OS << "places\n";
  for (const auto &[V, Place] : Places) {
    OS << "  " << formatv("{0,-24}", nameOf(shadowOf(V))) << " in";
    for (unsigned Arg : Place.Args)
      OS << " " << Req.Args[Arg].Name << "'";
    OS << (Place.MayBeAddress ? ", or own\n" : "\n");
  }
  if (!Frame.empty())
    OS << "frame, " << FrameBytes << " B\n";
  for (const FrameField &Field : Frame) {
    OS << "  " << Field.Offset << ": ";
    if (Field.Holds == FrameField::Content::Slot)
      OS << (Slots[Field.Index].Nest.empty() ? "slot " : "where slot ")
         << Field.Index << (Slots[Field.Index].Nest.empty() ? "" : " is");
    else
      OS << nameOf(Field.Of)
         << (Field.Holds == FrameField::Content::Memory ? ", its memory" : "");
    OS << "\n";
  }
  OS << "snapshots\n";
  for (unsigned I = 0; I < Snapshots.size(); ++I) {
    const Snapshot &S = Snapshots[I];
    OS << "  copy " << I << ": %" << S.Base->getName();
    if (S.isAtEnd())
      OS << " at the end\n";
    else
      OS << (S.EachIteration ? " at each iteration of L" : " before L")
         << S.Loop << "\n";
  }
  printGuards(OS, *this);
  if (!Lanes.empty())
    OS << "lanes\n";
  for (const Value *V : Lanes)
    OS << "  %" << V->getName() << "\n";
  if (!Strips.empty())
    OS << "strips\n";
  for (const auto &[L, Loads] : Strips)
    OS << "  L" << L << ": " << Loads.size() << " accesses\n";
  OS << "loops\n";
  for (unsigned L = 0; L < N.Loops.size(); ++L) {
    OS.indent(2 * N.Loops[L].Depth) << "L" << L << ": ";
    if (!ReversedLoops.contains(L))
      OS << "not reversed\n";
    else
      OS << "reversed, " << (N.Loops[L].Last ? "trips known" : "trips counted")
         << "\n";
  }
}

} // namespace pyfront
