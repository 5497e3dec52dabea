//===- support_probe.cpp - The support room, callable from Python ---------===//
///
/// \file
/// A small shared library for test_crash_guard.py and test_diagnostics.py. It
/// fails on demand inside runGuarded, in the process that the test runs in,
/// because that is where the engine has to survive; and it shows what the
/// diagnostics say of given IR.
///
//===----------------------------------------------------------------------===//

#include "core/Check.h"
#include "core/CrashGuard.h"
#include "core/Diagnostic.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/SourceMgr.h"
#include <csignal>
#include <cstdio>
#include <cstdlib>

#define EXPORTED extern "C" __attribute__((visibility("default")))

using namespace llvm;
using namespace pyfront;

static void fail(int Kind) {
  switch (Kind) {
  case 1:
    PF_CHECK(Kind == 0, "the kind is zero");
    return;
  case 2:
    report_fatal_error("the target has no such thing");
  case 3:
    std::abort();
  case 4:
    raise(SIGSEGV);
    return;
  case 5:
    __builtin_trap();
  default:
    return;
  }
}

/// Writes the failure's message, or nothing, to \p Text. Returns 1 if there was
/// one.
EXPORTED int pyfront_probe_guard(int Kind, char *Text, size_t Size) {
  std::optional<std::string> Failure = runGuarded([&] {
    setPhase("probing");
    fail(Kind);
  });
  std::snprintf(Text, Size, "%s", Failure ? Failure->c_str() : "");
  return Failure.has_value();
}

/// Reports every instruction of \p IR that has a name, twice under that name,
/// and writes the sink's JSON to \p Text.
EXPORTED void pyfront_probe_diagnostics(const char *IR, char *Text,
                                        size_t Size) {
  LLVMContext Context;
  SMDiagnostic Problem;
  std::unique_ptr<Module> M = parseAssemblyString(IR, Problem, Context);
  DiagnosticSink Sink;
  if (!M)
    Sink.internal(Problem.getMessage());
  else
    for (Function &F : *M)
      for (Instruction &I : instructions(F))
        for (unsigned Times = 0; I.hasName() && Times != 2; ++Times)
          Sink.unsupported(I, I.getName(), "write something else");
  std::snprintf(Text, Size, "%s", Sink.toJSON().c_str());
}
