//===- verifier_probe.cpp - Plans broken on purpose -----------------------===//
///
/// \file
/// A plugin for opt-22 with the pass `break-plan<HOW>`: it prepares the
/// module's kernel, plans it, breaks the plan in the way named HOW and prints
/// what verifyPlan says, one line each; "sound" if it says nothing, "nothing to
/// break" if the plan has no place for this HOW.
///
///   opt-22 -load-pass-plugin=libverifier_probe.so -passes='break-plan<no-way>'
///
/// `break-plan<each-source>` takes the sources away one at a time and prints
/// the keys that nobody misses.
//===----------------------------------------------------------------------===//
#include "core/Check.h"
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace pyfront;

namespace {

/// The first key whose source is of kind `Kind`, and that `Wanted` accepts.
template <typename Predicate>
std::pair<Key, Source> *find(Plan &P, SourceKind Kind, Predicate Wanted) {
  for (auto &Entry : P.Sources)
    if (Entry.second.Kind == Kind && Wanted(Entry.first))
      return &Entry;
  return nullptr;
}

bool erase(Plan &P, std::pair<Key, Source> *Entry) {
  if (!Entry)
    return false;
  P.Sources.erase(Entry->first);
  return true;
}

bool isFloat(Key K) { return K.getPointer()->getType()->isFloatingPointTy(); }

/// A taped float is read by a partial, or something is recomputed from it.
bool dropTaped(Plan &P) { return erase(P, find(P, SourceKind::Tape, isFloat)); }

/// The pointer of an active access.
bool dropShadowPointer(Plan &P) {
  return erase(P, find(P, SourceKind::Recompute,
                       [](Key K) { return K.getInt() == Space::Shadow; }));
}

/// A parameter that values are recomputed from.
bool dropOperand(Plan &P) {
  return erase(P, find(P, SourceKind::Argument, [](Key K) {
                 return K.getPointer()->getType()->isIntegerTy();
               }));
}

/// Whatever `K` is computed from is computed as well.
void giveSources(Plan &P, Key K) {
  SmallVector<Key, 8> Work{K};
  while (!Work.empty())
    for (Key Op : operandsOf(Work.pop_back_val())) {
      if (P.sourceOf(Op) || isa<Constant>(Op.getPointer()))
        continue;
      bool IsArgument = isa<Argument>(Op.getPointer());
      P.Sources[Op].Kind =
          IsArgument ? SourceKind::Argument : SourceKind::Recompute;
      if (!IsArgument)
        Work.push_back(Op);
    }
}

/// A header phi that is recomputed from the values that it gets, and these from
/// it.
bool makeCycle(Plan &P) {
  auto *Taped = find(P, SourceKind::Tape, [](Key K) {
    return isFloat(K) && isa<PHINode>(K.getPointer());
  });
  if (!Taped)
    return false;
  Key Phi = Taped->first;
  Taped->second.Kind = SourceKind::Recompute;
  giveSources(P, Phi);
  return true;
}

/// A load from the caller's memory that is repeated in the other half.
bool reloadFromCaller(Plan &P) {
  auto *Taped = find(P, SourceKind::Tape, [](Key K) {
    return isa<LoadInst>(K.getPointer()) && K.getInt() == Space::Primal;
  });
  if (!Taped)
    return false;
  Key Load = Taped->first;
  P.Slots.erase(P.Slots.begin() + Taped->second.Index);
  Taped->second.Kind = SourceKind::Reload;
  giveSources(P, Load);
  return true;
}

/// A load that is repeated although its memory is written again.
bool reloadOverwritten(Plan &P) {
  auto *Taped = find(P, SourceKind::Tape, [](Key K) {
    return isa<LoadInst>(K.getPointer()) && K.getInt() == Space::Primal;
  });
  if (!Taped)
    return false;
  Key Load = Taped->first;
  Taped->second.Kind = SourceKind::Reload;
  giveSources(P, Load);
  return true;
}

/// A copy that is made once, where one an iteration is needed.
bool copyTooEarly(Plan &P) {
  for (Snapshot &S : P.Snapshots)
    if (S.EachIteration) {
      S.EachIteration = false;
      return true;
    }
  return false;
}

bool callAdjointLocal(Plan &P) {
  for (Value *V : P.Active)
    if (!P.Local.contains(V))
      return P.Local.insert(V).second;
  return false;
}

bool dropGuard(Plan &P) {
  bool Any = !P.Guards.empty();
  P.Guards.clear();
  return Any;
}

bool partWorkspaces(Plan &P) {
  for (auto &Group : P.Workspaces)
    if (Group.size() > 1) {
      unsigned Last = Group.pop_back_val();
      P.Workspaces.push_back({Last});
      return true;
    }
  return false;
}

/// A taped shadow that is taken for an address.
bool dropPlace(Plan &P) {
  for (const auto &[V, Place] : P.Places)
    if (P.sourceOf(shadowOf(V))->Kind == SourceKind::Tape)
      return P.Places.erase(V);
  return false;
}

/// A key that the reverse half reads, and the forward half does not leave.
bool dropFrameField(Plan &P) {
  for (auto It = P.Frame.begin(); It != P.Frame.end(); ++It)
    if (It->Holds == FrameField::Content::Value) {
      P.Frame.erase(It);
      return true;
    }
  return false;
}

bool overlapFrameFields(Plan &P) {
  if (P.Frame.size() < 2)
    return false;
  P.Frame[1].Offset = P.Frame[0].Offset;
  return true;
}

/// An array that is allocated where the length of an inner loop is not known.
bool allocateEarly(Plan &P) {
  for (TapeSlot &S : P.Slots)
    if (S.BaseSlot >= 0) {
      S.Head = S.Step = 0;
      return true;
    }
  return false;
}

bool dropZero(Plan &P) {
  for (ObjectPlan &O : P.Objects)
    if (O.Zero != Zeroed::Never) {
      O.Zero = Zeroed::Never;
      return true;
    }
  return false;
}

/// A copy of an object that has no size.
bool dropSize(Plan &P) {
  for (ObjectPlan &O : P.Objects)
    if (O.Size.How == Extent::Form::Argument)
      O.Size.How = Extent::Form::None;
  return !P.Snapshots.empty();
}

bool dropSnapshot(Plan &P) {
  bool Had = !P.Snapshots.empty();
  P.Snapshots.clear();
  return Had;
}

bool countUnreversedLoop(Plan &P) {
  auto *Counter = find(P, SourceKind::Counter, [](Key) { return true; });
  if (Counter)
    Counter->second.Index = P.N.Loops.size();
  return Counter;
}

bool exchangeSlots(Plan &P) {
  auto HoldsValue = [](const TapeSlot &S) {
    return S.Holds == TapeSlot::Content::Value;
  };
  auto First = find_if(P.Slots, HoldsValue);
  if (First == P.Slots.end())
    return false;
  auto Second = std::find_if(std::next(First), P.Slots.end(), HoldsValue);
  if (Second == P.Slots.end())
    return false;
  std::swap(First->Of, Second->Of);
  return true;
}

bool dropSlot(Plan &P) {
  bool Had = !P.Slots.empty();
  P.Slots.clear();
  return Had;
}

bool flattenNest(Plan &P) {
  for (TapeSlot &S : P.Slots)
    if (!S.Nest.empty() && S.Holds == TapeSlot::Content::Value) {
      S.Nest.pop_back();
      S.Head = 0;
      return true;
    }
  return false;
}

bool dropBaseSlot(Plan &P) {
  for (TapeSlot &S : P.Slots)
    if (S.BaseSlot >= 0) {
      S.BaseSlot = -1;
      return true;
    }
  return false;
}

bool flattenBaseSlot(Plan &P) {
  for (TapeSlot &S : P.Slots)
    if (S.Holds == TapeSlot::Content::Base) {
      S.Nest.clear();
      return true;
    }
  return false;
}

bool dropShadow(Plan &P) {
  for (ObjectPlan &O : P.Objects)
    if (O.Shadow != ShadowHome::None) {
      O.Shadow = ShadowHome::None;
      return true;
    }
  return false;
}

/// Leaves the first shadow alone: the pointer that reaches the last one may
/// reach the first as well.
bool dropLastShadow(Plan &P) {
  for (ObjectPlan &O : reverse(P.Objects))
    if (O.Shadow != ShadowHome::None) {
      O.Shadow = ShadowHome::None;
      return true;
    }
  return false;
}

bool dropPointerStore(Plan &P) {
  if (P.PointerStores.empty())
    return false;
  P.PointerStores.pop_back();
  return true;
}

bool dropObject(Plan &P) {
  auto It = find_if(P.Objects, [](const ObjectPlan &O) {
    return O.Shadow == ShadowHome::Parameter;
  });
  if (It == P.Objects.end())
    return false;
  P.Objects.erase(It);
  return true;
}

bool dropWay(Plan &P) { return P.Back.erase(P.Reversed.back()); }

bool dropWhich(Plan &P) {
  for (BasicBlock *BB : P.Reversed)
    if (P.Back.lookup(BB).How == BackPlan::Form::Which)
      if (Value *Which = P.N.Which.lookup(BB);
          Which && P.Sources.erase(primalOf(Which)))
        return true;
  return false;
}

/// The index of a loop's last iteration, where the loop counts it.
bool dropLastIteration(Plan &P) {
  for (const NormalLoop &L : P.N.Loops)
    for (const auto &[Exit, Last] : L.LastAtExit)
      if (P.Sources.erase(primalOf(Last)))
        return true;
  return false;
}

struct Breaking {
  StringRef Name;
  bool (*Break)(Plan &);
};

constexpr Breaking Breakings[] = {
    {"nothing", [](Plan &) { return true; }},
    {"no-taped-value", dropTaped},
    {"no-shadow-pointer", dropShadowPointer},
    {"no-operand", dropOperand},
    {"cycle", makeCycle},
    {"no-snapshot", dropSnapshot},
    {"unreversed-counter", countUnreversedLoop},
    {"exchanged-slots", exchangeSlots},
    {"no-slot", dropSlot},
    {"flat-nest", flattenNest},
    {"no-base-slot", dropBaseSlot},
    {"flat-base-slot", flattenBaseSlot},
    {"no-shadow", dropShadow},
    {"no-last-shadow", dropLastShadow},
    {"no-pointer-store", dropPointerStore},
    {"no-object", dropObject},
    {"no-way", dropWay},
    {"no-which", dropWhich},
    {"no-last-iteration", dropLastIteration},
    {"reload-from-caller", reloadFromCaller},
    {"no-place", dropPlace},
    {"no-frame-field", dropFrameField},
    {"one-frame-field", overlapFrameFields},
    {"early-array", allocateEarly},
    {"no-size", dropSize},
    {"never-zeroed", dropZero},
    {"reload-overwritten", reloadOverwritten},
    {"copy-too-early", copyTooEarly},
    {"local-adjoint", callAdjointLocal},
    {"parted-workspaces", partWorkspaces},
    {"no-guard", dropGuard},
};

/// Only what the reverse sweep reads has a source, so each of them is missed;
/// literals need none.
void dropEachSource(Plan &P, const Facts &Known) {
  const auto Whole = P.Sources;
  unsigned Count = 0;
  for (const auto &[K, S] : Whole) {
    if (S.Kind == SourceKind::Literal)
      continue;
    ++Count;
    P.Sources.erase(K);
    if (verifyPlan(P, Known).empty())
      outs() << "not missed: " << K.getPointer()->getName()
             << (K.getInt() == Space::Shadow ? "'" : "") << "\n";
    P.Sources = Whole;
  }
  outs() << Count << " sources\n";
}

void breakPlan(Plan &P, const Facts &Known, StringRef How) {
  if (How == "each-source")
    return dropEachSource(P, Known);
  const Breaking *B =
      find_if(Breakings, [&](const Breaking &B) { return B.Name == How; });
  PF_CHECK(B != std::end(Breakings), "a way to break a plan");
  if (!B->Break(P)) {
    outs() << "nothing to break\n";
    return;
  }
  std::vector<std::string> Violations = verifyPlan(P, Known);
  for (const std::string &Violation : Violations)
    outs() << Violation << "\n";
  if (Violations.empty())
    outs() << "sound\n";
}

struct BreakPlanPass : PassInfoMixin<BreakPlanPass> {
  explicit BreakPlanPass(StringRef How) : How(How) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    auto *Json = cast<MDString>(
        M.getNamedMetadata("pyfront.request")->getOperand(0)->getOperand(0));
    Request Req = cantFail(parseRequest(Json->getString()));
    Analyses AM;
    DiagnosticSink Sink;
    StageTimes Times;
    std::vector<PreparedFunction> Program = prepare(M, Req, AM, Times, Sink);
    PF_CHECK(!Program.empty(), "the kernel can be prepared");
    const NormalFunction *N = &Program.front().Normal;
    Facts Known(*N, Req, AM.Function.getResult<ScalarEvolutionAnalysis>(*N->F));
    std::unique_ptr<Plan> P =
        makePlan(*N, Req, Known,
                 AM.Function.getResult<DominatorTreeAnalysis>(*N->F), Sink);
    PF_CHECK(P, "the kernel can be planned");
    breakPlan(*P, Known, How);
    return PreservedAnalyses::none();
  }

  static bool isRequired() { return true; }

private:
  std::string How;
};

void registerPasses(PassBuilder &PB) {
  PB.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &MPM,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (!Name.consume_front("break-plan<") || !Name.consume_back(">"))
          return false;
        MPM.addPass(BreakPlanPass(Name));
        return true;
      });
}

} // namespace

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "verifier_probe", LLVM_VERSION_STRING,
          registerPasses};
}
