//===- Plugin.cpp - The engine inside opt-22 and clang-22 -----------------===//
///
/// \file
/// Registers with LLVM's pass manager the passes that print a stage's result;
/// tests read them through FileCheck. The request, the JSON that the C API
/// takes, is metadata of the module:
///
///   !pyfront.request = !{!0}
///   !0 = !{!"{\"primal\": \"f\", ...}"}
///
///   opt-22 -load-pass-plugin=EnzymePass.so -passes='print<ad-plan>'
///
/// `print<ad-prepared>`, `print<ad-facts>`, `print<ad-plan>`.
///
/// `ad-prepare<fence;clean>` runs these passes of preparation, and changes the
/// module; `print<ad-preparation>` lists them with their reasons.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/Driver.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace {

StringRef requestOf(const Module &M) {
  const NamedMDNode *Node = M.getNamedMetadata("pyfront.request");
  if (!Node || !Node->getNumOperands())
    return "";
  auto *Json = dyn_cast<MDString>(Node->getOperand(0)->getOperand(0));
  return Json ? Json->getString() : "";
}

struct PrintStagePass : PassInfoMixin<PrintStagePass> {
  explicit PrintStagePass(StringRef Text) : Text(Text) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    SmallVector<char, 0> Bitcode;
    raw_svector_ostream OS(Bitcode);
    WriteBitcodeToFile(M, OS);
    pyfront::Outcome Result = pyfront::differentiate(
        StringRef(Bitcode.data(), Bitcode.size()), requestOf(M), Text);
    outs() << Result.Texts.lookup(Text);
    for (const pyfront::Diagnostic &D : Result.Diagnostics.all())
      outs() << "error: " << D.Message << "\n";
    return PreservedAnalyses::all();
  }

  static bool isRequired() { return true; }

private:
  std::string Text;
};

struct PrintPreparationPass : PassInfoMixin<PrintPreparationPass> {
  static PreservedAnalyses run(Module &, ModuleAnalysisManager &) {
    pyfront::printPreparation(outs());
    return PreservedAnalyses::all();
  }

  static bool isRequired() { return true; }
};

struct PreparePass : PassInfoMixin<PreparePass> {
  explicit PreparePass(StringRef Names) : Names(Names) {}

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &) {
    SmallVector<StringRef, 4> Split;
    StringRef(Names).split(Split, ';');
    pyfront::DiagnosticSink Sink;
    if (Expected<pyfront::Request> Req = pyfront::parseRequest(requestOf(M))) {
      pyfront::Analyses AM;
      pyfront::runPreparationPasses(Split, M, *Req, AM, Sink);
    } else {
      Sink.internal(toString(Req.takeError()));
    }
    for (const pyfront::Diagnostic &D : Sink.all())
      errs() << "error: " << D.Message << "\n";
    return PreservedAnalyses::none();
  }

  static bool isRequired() { return true; }

private:
  std::string Names;
};

void registerPasses(PassBuilder &PB) {
  PB.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &MPM,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (Name == "print<ad-preparation>") {
          MPM.addPass(PrintPreparationPass());
          return true;
        }
        if (Name.consume_front("ad-prepare<") && Name.consume_back(">")) {
          MPM.addPass(PreparePass(Name));
          return true;
        }
        if (!Name.consume_front("print<ad-") || !Name.consume_back(">"))
          return false;
        if (Name != "prepared" && Name != "facts" && Name != "plan" &&
            Name != "derivative")
          return false;
        MPM.addPass(PrintStagePass(Name));
        return true;
      });
}

} // namespace

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "EnzymePass", LLVM_VERSION_STRING,
          registerPasses};
}
