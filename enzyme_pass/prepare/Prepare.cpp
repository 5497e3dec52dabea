//===- Prepare.cpp - The list of preparation passes -----------------------===//
///
/// \file
/// How: a table of passes, each with its reason. What LLVM does stands in it as
/// the text of a pipeline; between the parts of such a text, and after all of
/// it, the fences around comparisons are renewed.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "core/rules/Rules.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace pyfront {

namespace {

/// What the passes of one run share.
struct Preparation {
  Module &M;
  Function &Kernel;
  const Request &Req;
  Analyses &AM;
  StageTimes &Times;
  DiagnosticSink &Sink;
  /// Where the arguments of the request are, once a pass has asked.
  std::optional<Signature> Sig = std::nullopt;
  std::optional<NormalFunction> Normal = std::nullopt;

  bool sign() {
    if (!Sig)
      Sig = numbaSignature(Kernel, Req, Sink);
    return Sig.has_value();
  }
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
    if (unrollFixedLoops(P.Kernel, P.AM.Function) && !runText(P, Canonical))
      return false;
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

constexpr Pass Passes[] = {
    ours("internalize", RUN(internalizeAllBut(P.M, P.Kernel)),
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
          if (P.sign())
            attachExtentRanges(*P.Sig);
          return P.Sig.has_value();
        },
        "LLVM's passes prove most indexes non-negative from these ranges"),
    ours("in-bounds", RUN(assumeInBounds(P.M)),
         "separates the rows of an array; later no index can be recognised"),
    ours("failures", RUN(lowerNumbaFailures(P.M, P.Kernel)),
         "a raise that nobody catches ends the path, and its tests fold away"),
    ours("structs", RUN(forwardStructs(P.M)),
         "a copy of an array's struct for each access takes SROA the square of "
         "their number"),
    ours("aggregates", RUN(splitAggregateStores(P.M)),
         "the memory of a result holds numbers, not tuples"),
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
    ours("memory", RUN(lowerNumbaMemory(P.Kernel)),
         "allocations are the call's, and reference counts mean nothing"),
    ours("split-calls", RUN(rules::splitOutPointerCalls(P.Kernel)),
         "a call with two results becomes two pure calls"),
    llvms(
        "canonical", Canonical,
        "each value once, invariant ones outside loops. GVN runs without PRE: "
        "a phi around a loop that the kernel does not have would be taped"),
    ours(
        "unroll", unroll,
        "loops over the axes of an array hide its pointer, those over the bits "
        "of a constant exponent its power"),
    ours("wraparound", RUN(dropWraparound(P.Kernel, P.AM.Function)),
         "without Python's wraparound an index is affine"),
    ours("hoist-allocations", RUN(hoistAllocations(P.Kernel, P.AM.Function)),
         "one block and one shadow instead of one for each iteration"),
    llvms("canonical-again", Canonical, "what the three before have opened"),
    ours("unite-returns", RUN(uniteReturns(P.Kernel)),
         "one block is where the reverse sweep begins"),
    llvms("shape",
          "function(lower-switch,fix-irreducible,loop-simplify,lcssa,"
          "adce,loop-simplify,lcssa)",
          "control flow is made of loops and two-way branches"),
    ours("drop-fences", RUN(for_each(P.M, dropFences)),
         "no pass of LLVM's is left; the facts see the kernel's comparisons"),
    ours(
        "normal-form",
        [](Preparation &P) {
          if (P.sign())
            P.Normal = makeNormalForm(P.Kernel, std::move(*P.Sig),
                                      P.AM.Function, P.Sink);
          return P.Normal.has_value();
        },
        "what the reverse sweep asks about control flow is a value"),
    ours("exceptions", RUN(countCarriedArrays(P.Kernel, P.Req)),
         "whoever catches an exception gives back the arrays in it"),
    ours("hoist-loads", RUN(hoistLoads(*P.Normal, P.Req, P.AM.Function)),
         "subscripts tell more than LLVM's alias analysis"),
};

#undef RUN

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

void internalizeAllBut(Module &M, Function &Kernel) {
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    F.removeFnAttr(Attribute::NoInline);
    F.removeFnAttr(Attribute::OptimizeNone);
    F.setComdat(nullptr);
    if (&F == &Kernel) {
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

std::optional<NormalFunction> prepare(Module &M, const Request &Req,
                                      Analyses &AM, StageTimes &Times,
                                      DiagnosticSink &Sink) {
  Function *Kernel = kernelOf(M, Req, Sink);
  if (!Kernel)
    return std::nullopt;
  Preparation P{M, *Kernel, Req, AM, Times, Sink};
  for (const Pass &Next : Passes)
    if (!runPass(Next, P))
      return std::nullopt;
  return std::move(P.Normal);
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
  Preparation P{M, *Kernel, Req, AM, Times, Sink};
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
