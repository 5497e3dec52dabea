//===- Prepare.cpp - The list of preparation passes -----------------------===//
///
/// \file
/// How: LLVM's passes by name, in three rounds around our own two lowerings.
/// GVN runs without PRE: a value carried around a loop by a phi that the kernel
/// does not have would be one more value for the tape.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "core/rules/Rules.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;

namespace pyfront {

namespace {

constexpr StringLiteral CleanEach =
    "function(sroa<modify-cfg>,early-cse,simplifycfg)";
constexpr StringLiteral InlineAll =
    "always-inline,globaldce,"
    "function(sroa<modify-cfg>,early-cse<memssa>,"
    "instcombine<no-verify-fixpoint>,simplifycfg,sroa<modify-cfg>)";
constexpr StringLiteral Canonical =
    "function(early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,"
    "sroa<modify-cfg>,loop-simplify,lcssa,"
    "loop-mssa(loop-rotate,licm<allowspeculation>),"
    "sroa<modify-cfg>,instcombine<no-verify-fixpoint>,"
    "gvn<no-pre;no-load-pre;memdep>,simplifycfg,instcombine<no-verify-fixpoint>"
    ","
    "loop-simplify,lcssa,loop(indvars),loop-mssa(licm<allowspeculation>),"
    "gvn<no-pre;no-load-pre;memdep>,instcombine<no-verify-fixpoint>,"
    "simplifycfg,"
    "adce)";
constexpr StringLiteral Shape =
    "function(lower-switch,fix-irreducible,loop-simplify,lcssa,"
    "adce,loop-simplify,lcssa)";

bool run(Module &M, StringRef Pipeline, Analyses &AM, DiagnosticSink &Sink) {
  PassBuilder PB;
  ModulePassManager MPM;
  if (Error E = PB.parsePassPipeline(MPM, Pipeline)) {
    Sink.internal("the preparation pipeline does not parse: " +
                  toString(std::move(E)));
    return false;
  }
  MPM.run(M, AM.Module);
  return true;
}

/// Only the kernel is kept; all that it calls is inlined into it.
void internalizeAllBut(Module &M, Function &Kernel) {
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    F.removeFnAttr(Attribute::NoInline);
    F.removeFnAttr(Attribute::OptimizeNone);
    if (&F == &Kernel) {
      F.setLinkage(GlobalValue::ExternalLinkage);
      F.setComdat(nullptr);
      continue;
    }
    F.setLinkage(GlobalValue::InternalLinkage);
    F.setComdat(nullptr);
    F.addFnAttr(Attribute::AlwaysInline);
  }
}

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

} // namespace

Analyses::Analyses() {
  PassBuilder PB;
  PB.registerModuleAnalyses(Module);
  PB.registerCGSCCAnalyses(CGSCC);
  PB.registerFunctionAnalyses(Function);
  PB.registerLoopAnalyses(Loop);
  PB.crossRegisterProxies(Loop, Function, CGSCC, Module);
}

std::optional<NormalFunction> prepare(Module &M, const Request &Req,
                                      Analyses &AM, DiagnosticSink &Sink) {
  Function *Kernel = M.getFunction(Req.Primal);
  if (!Kernel || Kernel->isDeclaration()) {
    Sink.internal("the captured module has no function `" + Req.Primal + "`");
    return std::nullopt;
  }
  std::optional<Signature> Sig = numbaSignature(*Kernel, Req, Sink);
  if (!Sig)
    return std::nullopt;
  internalizeAllBut(M, *Kernel);
  // A kernel that calls the derivative of a batch has this call already; what
  // is known of it counts from the first pass on.
  marker::declareAllocate(M);
  if (Req.How != Mode::Forward)
    dropMarks(M);
  attachExtentRanges(*Sig);
  assumeInBounds(M);
  lowerNumbaFailures(M);
  splitAggregateStores(M);
  if (!run(M, CleanEach, AM, Sink) || !run(M, InlineAll, AM, Sink))
    return std::nullopt;
  lowerNumbaMemory(*Kernel);
  rules::splitOutPointerCalls(*Kernel);
  AM.Function.clear();
  AM.Module.clear();
  if (!run(M, Canonical, AM, Sink))
    return std::nullopt;
  // An iterator inside an iterator needs a second round.
  for (unsigned Round = 0; Round < 2; ++Round)
    if (unrollFixedLoops(*Kernel, AM.Function) && !run(M, Canonical, AM, Sink))
      return std::nullopt;
  dropWraparound(*Kernel, AM.Function);
  hoistAllocations(*Kernel, AM.Function);
  if (!run(M, Canonical, AM, Sink))
    return std::nullopt;
  uniteReturns(*Kernel);
  AM.Function.clear();
  if (!run(M, Shape, AM, Sink))
    return std::nullopt;
  std::optional<NormalFunction> N =
      makeNormalForm(*Kernel, std::move(*Sig), AM.Function, Sink);
  if (N)
    hoistLoads(*N, Req, AM.Function);
  return N;
}

} // namespace pyfront
