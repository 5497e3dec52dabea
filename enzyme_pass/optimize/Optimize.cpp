//===- Optimize.cpp
//--------------------------------------------------------===//
#include "enzyme_pass/optimize/Optimize.h"
#include "enzyme_pass/support/Check.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;

namespace pyfront {

void finishModule(Module &M, const Request &Req, Analyses &AM) {
  AM.Function.clear();
  AM.CGSCC.clear();
  AM.Module.clear();
  for (Function &F : M)
    if (F.getName() != Req.Name && !F.isDeclaration()) {
      // Dead but for helpers of exceptions with run-time arguments.
      F.setComdat(nullptr);
      F.setLinkage(GlobalValue::InternalLinkage);
      F.removeFnAttr(Attribute::AlwaysInline);
    }
  StripDebugInfo(M);
  PassBuilder PB;
  ModulePassManager MPM;
  Error E =
      PB.parsePassPipeline(MPM, "globaldce,function(sroa<modify-cfg>,early-cse<"
                                "memssa>,simplifycfg),globaldce,"
                                "strip-dead-prototypes");
  PF_CHECK(!E, "the clean-up pipeline does not parse");
  MPM.run(M, AM.Module);
}

} // namespace pyfront
