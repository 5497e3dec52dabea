//===- Prepare.cpp - The list of preparation passes -----------------------===//
///
/// \file
/// How: a table of passes, each with its reason. What LLVM does stands in it as
/// the text of a pipeline; between the parts of such a text, and after all of
/// it, the fences around comparisons are renewed.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "activity/Effects.h"
#include "core/KeptCalls.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/prepare/KeepCalls.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace pyfront {

namespace {

/// A function that is prepared: the kernel, or one whose calls stay calls.
struct Root {
  Function &F;
  Request Req;
  /// Where the arguments of the request are, once a pass has asked.
  std::optional<Signature> Sig = std::nullopt;
  std::optional<NormalFunction> Normal = std::nullopt;

  bool sign(DiagnosticSink &Sink) {
    if (!Sig)
      Sig = numbaSignature(F, Req, Sink);
    return Sig.has_value();
  }
};

/// What the passes of one run share.
struct Preparation {
  Module &M;
  const Request &Req;
  Analyses &AM;
  StageTimes &Times;
  DiagnosticSink &Sink;
  /// The kernel first.
  std::vector<Root> Roots;
  /// Whether a pass behind `canonical` has opened what LLVM's passes can use.
  bool IsOpened = false;

  /// Until one fails.
  bool each(function_ref<bool(Root &)> Do) { return all_of(Roots, Do); }
  void forgetAnalyses() {
    AM.Function.clear();
    AM.Module.clear();
  }
};

/// The pass `fence` in the text of a pipeline.
struct FencePass : PassInfoMixin<FencePass> {
  static PreservedAnalyses run(Function &F, FunctionAnalysisManager &) {
    if (!fenceComparisons(F))
      return PreservedAnalyses::all();
    PreservedAnalyses Kept;
    Kept.preserveSet<CFGAnalyses>();
    return Kept;
  }
};

bool runText(Preparation &P, StringRef Pipeline) {
  PassBuilder PB;
  PB.registerPipelineParsingCallback(
      [](StringRef Name, FunctionPassManager &FPM,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (Name != "fence")
          return false;
        FPM.addPass(FencePass());
        return true;
      });
  ModulePassManager MPM;
  if (Error E = PB.parsePassPipeline(MPM, Pipeline)) {
    P.Sink.internal("the preparation pipeline does not parse: " +
                    toString(std::move(E)));
    return false;
  }
  MPM.run(P.M, P.AM.Module);
  return true;
}

constexpr StringLiteral Canonical =
    "function(early-cse<memssa>,fence,"
    "instcombine<no-verify-fixpoint>,fence,simplifycfg,"
    "sroa<modify-cfg>,loop-simplify,lcssa,"
    "loop-mssa(loop-rotate,licm<allowspeculation>),"
    "sroa<modify-cfg>,fence,instcombine<no-verify-fixpoint>,fence,"
    "gvn<no-pre;no-load-pre;memdep>,simplifycfg,"
    "instcombine<no-verify-fixpoint>,fence,"
    "loop-simplify,lcssa,loop(indvars),loop-mssa(licm<allowspeculation>),"
    "gvn<no-pre;no-load-pre;memdep>,instcombine<no-verify-fixpoint>,fence,"
    "simplifycfg,adce)";

/// Of `Canonical`, what follows from an index without wraparound and from memory
/// that has left a loop: equal addresses, and values that do not change in a
/// loop any more. No loop has another shape than before.
constexpr StringLiteral CanonicalAgain =
    "function(early-cse<memssa>,fence,"
    "instcombine<no-verify-fixpoint>,fence,simplifycfg,"
    "loop-simplify,lcssa,loop-mssa(licm<allowspeculation>),"
    "gvn<no-pre;no-load-pre;memdep>,instcombine<no-verify-fixpoint>,fence,"
    "simplifycfg,adce)";

/// A reverse sweep reads what the derivatives inside the kernel allocate.
void dropMarks(Module &M) {
  for (StringRef Name : {marker::Enter, marker::Leave})
    if (Function *F = M.getFunction(Name))
      for (User *U : make_early_inc_range(F->users())) {
        auto *Call = cast<CallInst>(U);
        if (!Call->use_empty())
          Call->replaceAllUsesWith(PoisonValue::get(Call->getType()));
        Call->eraseFromParent();
      }
}

/// One block returns. (LLVM's `mergereturn` would also unite the raises.)
void uniteReturns(Function &F) {
  SmallVector<ReturnInst *, 4> Returns;
  for (BasicBlock &BB : F)
    if (auto *Ret = dyn_cast<ReturnInst>(BB.getTerminator()))
      Returns.push_back(Ret);
  if (Returns.size() < 2)
    return;
  auto *Exit = BasicBlock::Create(F.getContext(), "return", &F);
  PHINode *Status =
      PHINode::Create(F.getReturnType(), Returns.size(), "status", Exit);
  ReturnInst::Create(F.getContext(), Status, Exit);
  for (ReturnInst *Ret : Returns) {
    Status->addIncoming(Ret->getReturnValue(), Ret->getParent());
    BranchInst::Create(Exit, Ret->getIterator());
    Ret->eraseFromParent();
  }
}

/// An iterator inside an iterator needs a second round.
bool unroll(Preparation &P) {
  for (unsigned Round = 0; Round < 2; ++Round)
    if (count_if(
            P.Roots,
            [&](Root &R) { return unrollFixedLoops(R.F, P.AM.Function); }) &&
        !runText(P, Canonical))
      return false;
  return true;
}

/// What is known of a function whose calls stay: the caller may pass the same
/// array twice.
Request requestFor(const FunctionInfo &Info, const Request &Around) {
  Request Req = Around;
  Req.Primal = Info.Primal;
  Req.Args = Info.Args;
  Req.Results = Info.Results;
  Req.Arrays = Info.Arrays;
  Req.MayAlias = true;
  Req.Inner = true;
  return Req;
}

/// Which arrays a function that stays only reads: all of them, until one is
/// found that it writes, itself or through a call.
void stateEffects(ArrayRef<Root> Roots) {
  auto Stays = [&](const Root &R) { return R.Req.Inner; };
  for (const Root &R : Roots)
    for (const ArgInfo &A : R.Req.Args)
      if (Stays(R) && A.isArray())
        kept::setReadOnly(R.F, A.FirstParam + numba::Data, true);
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const Root &R : Roots) {
      if (!Stays(R))
        continue;
      // Which of a caller's objects two arrays share, the caller knows.
      Request Apart = R.Req;
      Apart.MayAlias = false;
      MemoryObjects Objects(*R.Normal, Apart);
      for (int Arg : writtenArguments(*R.Normal, R.Req, Objects))
        Changed |= kept::setReadOnly(
            R.F, R.Req.Args[Arg].FirstParam + numba::Data, false);
    }
  }
}

bool keepRecursion(Preparation &P) {
  resolveRecursion(P.M);
  Function &Kernel = P.Roots.front().F;
  for (const KeptFunction &Kept : keepCalls(P.M, Kernel, P.Req))
    if (Kept.F != &Kernel)
      P.Roots.push_back({*Kept.F, requestFor(*Kept.Info, P.Req)});
  return true;
}

/// One pass: a function of ours or, where that is null, a pipeline of LLVM's.
struct Pass {
  StringLiteral Name;
  bool (*Run)(Preparation &);
  StringLiteral Text;
  const char *Why;
};

constexpr Pass ours(StringLiteral Name, bool (*Run)(Preparation &),
                    const char *Why) {
  return {Name, Run, "", Why};
}

constexpr Pass llvms(StringLiteral Name, StringLiteral Text, const char *Why) {
  return {Name, nullptr, Text, Why};
}

#define RUN(...)                                                               \
  [](Preparation &P) {                                                         \
    __VA_ARGS__;                                                               \
    return true;                                                               \
  }
/// The same for each function that is prepared, `R`.
#define RUN_EACH(...)                                                          \
  [](Preparation &P) {                                                         \
    return P.each([&P](Root &R) {                                              \
      (void)P;                                                                 \
      __VA_ARGS__;                                                             \
      return true;                                                             \
    });                                                                        \
  }

constexpr Pass Passes[] = {
    ours("keep-calls", keepRecursion,
         "a function that calls itself cannot become part of its caller"),
    ours("internalize",
         RUN(SmallVector<Function *> Kept;
             for (Root & R : P.Roots) Kept.push_back(&R.F);
             internalizeAllBut(P.M, Kept)),
         "what the kernel calls becomes part of it"),
    // A kernel that calls the derivative of a batch allocates already.
    ours("declare",
         RUN(marker::declareAllocate(P.M); rules::declareStated(P.M)),
         "what is known of calls that are there already counts from the first "
         "pass on"),
    ours("drop-marks", RUN(if (P.Req.How != Mode::Forward) dropMarks(P.M)),
         "a reverse sweep reads what derivatives inside the kernel allocate"),
    ours(
        "extents",
        [](Preparation &P) {
          return P.each([&](Root &R) {
            if (R.sign(P.Sink))
              attachExtentRanges(*R.Sig);
            return R.Sig.has_value();
          });
        },
        "LLVM's passes prove most indexes non-negative from these ranges"),
    ours("in-bounds", RUN(assumeInBounds(P.M)),
         "separates the rows of an array; later no index can be recognised"),
    ours("failures",
         RUN(SmallVector<Function *> Kept;
             for (Root & R : P.Roots) Kept.push_back(&R.F);
             lowerNumbaFailures(P.M, Kept, P.Sink)),
         "a raise that nobody catches ends the path, and its tests fold away"),
    ours("structs", RUN(forwardStructs(P.M)),
         "a copy of an array's struct for each access takes SROA the square of "
         "their number"),
    ours("aggregates", RUN(splitAggregates(P.M)),
         "the memory of a result holds numbers, not tuples; a pointer in a phi "
         "of structs is a pointer"),
    llvms("promote", "function(sroa<modify-cfg>)",
          "variables become values, the operands of comparisons among them"),
    llvms("fence", "function(fence)",
          "from here on no pass learns a float from a comparison"),
    llvms("clean", "function(early-cse,simplifycfg)",
          "callees are small before they are inlined"),
    llvms("inline",
          "always-inline,globaldce,function(sroa<modify-cfg>,fence,"
          "early-cse<memssa>,instcombine<no-verify-fixpoint>,fence,"
          "simplifycfg,sroa<modify-cfg>)",
          "one function; what only carried its arguments is gone"),
    ours("memory", RUN_EACH(lowerNumbaMemory(R.F)),
         "allocations are the call's, and reference counts mean nothing"),
    ours("split-calls", RUN_EACH(rules::splitOutPointerCalls(R.F)),
         "a call with two results becomes two pure calls"),
    llvms(
        "canonical", Canonical,
        "each value once, invariant ones outside loops. GVN runs without PRE: "
        "a phi around a loop that the kernel does not have would be taped"),
    ours(
        "unroll", unroll,
        "loops over the axes of an array hide its pointer, those over the bits "
        "of a constant exponent its power"),
    ours("wraparound",
         RUN_EACH(P.IsOpened |= dropWraparound(R.F, P.AM.Function)),
         "without Python's wraparound an index is affine"),
    ours("hoist-allocations",
         RUN_EACH(P.IsOpened |= hoistAllocations(R.F, P.AM.Function)),
         "one block and one shadow instead of one for each iteration"),
    ours(
        "canonical-again",
        [](Preparation &P) {
          return !P.IsOpened || runText(P, CanonicalAgain);
        },
        "what the two before have opened"),
    ours("unite-returns", RUN_EACH(uniteReturns(R.F)),
         "one block is where the reverse sweep begins"),
    llvms("shape",
          "function(lower-switch,fix-irreducible,loop-simplify,lcssa,"
          "adce,loop-simplify,lcssa)",
          "control flow is made of loops and two-way branches"),
    ours("drop-fences", RUN(for_each(P.M, dropFences)),
         "no pass of LLVM's is left; the facts see the kernel's comparisons"),
    ours("bounds", RUN(stateBounds(P.M)),
         "the facts read what is assumed of indexes as comparisons"),
    ours(
        "normal-form",
        [](Preparation &P) {
          return P.each([&](Root &R) {
            if (R.sign(P.Sink))
              R.Normal =
                  makeNormalForm(R.F, std::move(*R.Sig), P.AM.Function, P.Sink);
            return R.Normal.has_value();
          });
        },
        "what the reverse sweep asks about control flow is a value"),
    ours("exceptions", RUN_EACH(countCarriedArrays(R.F, R.Req)),
         "whoever catches an exception gives back the arrays in it"),
    ours("copies", RUN_EACH(retypeCopies(*R.Normal, R.Req)),
         "LLVM moves eight bytes as an integer, floats too"),
    ours("effects", RUN(stateEffects(P.Roots)),
         "a call that stays is asked what it writes, not the function"),
    ours("hoist-loads", RUN_EACH(hoistLoads(*R.Normal, R.Req, P.AM.Function)),
         "subscripts tell more than LLVM's alias analysis"),
};

#undef RUN
#undef RUN_EACH

bool runPass(const Pass &Next, Preparation &P) {
  TimedStage Timed(P.Times, Next.Name);
  if (!Next.Run)
    return runText(P, Next.Text);
  bool Done = Next.Run(P);
  P.forgetAnalyses();
  return Done;
}

Function *kernelOf(Module &M, const Request &Req, DiagnosticSink &Sink) {
  Function *Kernel = M.getFunction(Req.Primal);
  if (Kernel && !Kernel->isDeclaration())
    return Kernel;
  Sink.internal("the captured module has no function `" + Req.Primal + "`");
  return nullptr;
}

} // namespace

void internalizeAllBut(Module &M, ArrayRef<Function *> Kept) {
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    F.removeFnAttr(Attribute::NoInline);
    F.removeFnAttr(Attribute::OptimizeNone);
    F.setComdat(nullptr);
    if (is_contained(Kept, &F)) {
      F.setLinkage(GlobalValue::ExternalLinkage);
      continue;
    }
    F.setLinkage(GlobalValue::InternalLinkage);
    F.addFnAttr(Attribute::AlwaysInline);
  }
}

Analyses::Analyses() {
  PassBuilder PB;
  PB.registerModuleAnalyses(Module);
  PB.registerCGSCCAnalyses(CGSCC);
  PB.registerFunctionAnalyses(Function);
  PB.registerLoopAnalyses(Loop);
  PB.crossRegisterProxies(Loop, Function, CGSCC, Module);
}

std::vector<PreparedFunction> prepare(Module &M, const Request &Req,
                                      Analyses &AM, StageTimes &Times,
                                      DiagnosticSink &Sink) {
  Function *Kernel = kernelOf(M, Req, Sink);
  if (!Kernel)
    return {};
  Preparation P{M, Req, AM, Times, Sink, {{*Kernel, Req}}};
  for (const Pass &Next : Passes)
    if (!runPass(Next, P))
      return {};
  std::vector<PreparedFunction> Program;
  Program.reserve(P.Roots.size());
  for (Root &R : P.Roots)
    Program.push_back({std::move(R.Req), std::move(*R.Normal)});
  return Program;
}

void printPreparation(raw_ostream &OS) {
  for (const Pass &Each : Passes)
    OS << Each.Name << ": " << Each.Why << "\n";
}

bool runPreparationPasses(ArrayRef<StringRef> Names, Module &M,
                          const Request &Req, Analyses &AM,
                          DiagnosticSink &Sink) {
  Function *Kernel = kernelOf(M, Req, Sink);
  if (!Kernel)
    return false;
  StageTimes Times;
  Preparation P{M, Req, AM, Times, Sink, {{*Kernel, Req}}};
  for (StringRef Name : Names) {
    const Pass *Next =
        find_if(Passes, [&](const Pass &Other) { return Other.Name == Name; });
    if (Next == std::end(Passes)) {
      Sink.internal("no preparation pass is named `" + Name.str() + "`");
      return false;
    }
    if (!runPass(*Next, P))
      return false;
  }
  return true;
}

} // namespace pyfront
