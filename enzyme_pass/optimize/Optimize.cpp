//===- Optimize.cpp -------------------------------------------------------===//
#include "enzyme_pass/optimize/Optimize.h"
#include "core/Check.h"
#include "core/rules/Rules.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Scalar/Scalarizer.h"

using namespace llvm;

namespace pyfront {

/// The widest vector register that there is. A vector of lanes is cut into such
/// pieces here: left to the code generator, 20 lanes become 32. What is
/// differentiated again becomes scalars.
static constexpr unsigned VectorBits = 512;

static void cutLanes(ModulePassManager &MPM, bool ToScalars) {
  ScalarizerPassOptions Options;
  Options.ScalarizeMinBits = ToScalars ? 0 : VectorBits;
  Options.ScalarizeLoadStore = true;
  MPM.addPass(createModuleToFunctionPassAdaptor(ScalarizerPass(Options)));
}

/// SROA looks for the first use of every slot from the beginning of its block.
/// A derivative has a slot for each adjoint, so long blocks are cut before it;
/// simplifycfg puts the pieces together again.
static void cutLongBlocks(Function &F) {
  constexpr unsigned Longest = 512;
  for (BasicBlock &BB : make_early_inc_range(F)) {
    SmallVector<Instruction *, 16> Begins;
    unsigned Length = 0;
    for (Instruction &I : BB) {
      // Slots are slots in the entry block only.
      if (isa<AllocaInst>(I))
        Begins.clear();
      if (++Length % Longest == 0 && !isa<PHINode>(I) && !I.isTerminator())
        Begins.push_back(&I);
    }
    for (Instruction *Begin : reverse(Begins))
      BB.splitBasicBlock(Begin);
  }
}

void finishModule(Module &M, const Request &Req, Analyses &AM) {
  AM.Function.clear();
  AM.CGSCC.clear();
  AM.Module.clear();
  std::vector<std::string> Symbols = Req.symbols();
  for (Function &F : M)
    if (!is_contained(Symbols, F.getName()) && !F.isDeclaration()) {
      // Dead but for helpers of exceptions with run-time arguments.
      F.setComdat(nullptr);
      F.setLinkage(GlobalValue::InternalLinkage);
      F.removeFnAttr(Attribute::AlwaysInline);
    }
  // What is differentiated again keeps its lines, for refusals, and its
  // comparisons are fenced before the first pass, as a kernel's are.
  if (Req.Embedded)
    for_each(M, fenceComparisons);
  else {
    rules::dropStated(M);
    StripDebugInfo(M);
  }
  for (Function &F : M)
    cutLongBlocks(F);
  PassBuilder PB;
  ModulePassManager MPM;
  Error E =
      PB.parsePassPipeline(MPM, "globaldce,function(sroa<modify-cfg>,early-cse,"
                                "simplifycfg),globaldce,"
                                "strip-dead-prototypes");
  PF_CHECK(!E, "the clean-up pipeline does not parse");
  if (Req.Width > 1)
    cutLanes(MPM, Req.Embedded);
  MPM.run(M, AM.Module);
}

} // namespace pyfront
