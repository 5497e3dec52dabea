//===- Driver.cpp - The way of a kernel through the stages ----------------===//
///
/// \file
/// The stage list is data: name, function. A stage returns whether the next may
/// run; it has reported why not.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/Driver.h"
#include "activity/Effects.h"
#include "activity/Facts.h"
#include "core/CrashGuard.h"
#include "core/Request.h"
#include "core/StageTimes.h"
#include "enzyme_pass/Dump.h"
#include "enzyme_pass/emit/Emit.h"
#include "enzyme_pass/optimize/Optimize.h"
#include "enzyme_pass/plan/Planner.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>

using namespace llvm;

namespace pyfront {
namespace {

/// Everything that the stages of one request hand on.
struct Session {
  Session(StringRef Bitcode, StringRef RequestJson, StringRef Text,
          Outcome &Result)
      : Bitcode(Bitcode), RequestJson(RequestJson), Text(Text), Result(Result) {
  }

  StringRef Bitcode;
  StringRef RequestJson;
  StringRef Text;
  Outcome &Result;
  StageTimes Times;
  Dump Files;

  LLVMContext Context;
  Request Req;
  std::unique_ptr<Module> M;
  Analyses AM;
  std::optional<NormalFunction> Normal;
  /// Of the prepared kernel.
  int64_t Instructions = 0;
  std::unique_ptr<Facts> Known;
  std::unique_ptr<Plan> Decided;

  bool isWanted(StringRef Name) const {
    return Name == Text || Req.isWanted(Name) || Files.isOn();
  }
  template <typename Printer> void keep(StringRef Name, Printer Print) {
    if (!isWanted(Name))
      return;
    std::string &Kept = Result.Texts[Name];
    raw_string_ostream OS(Kept);
    Print(OS);
    Files.write(Name, Kept);
  }
  bool fail(Error E) {
    Result.Diagnostics.internal(toString(std::move(E)));
    return false;
  }
  bool fail(const Twine &Message) {
    Result.Diagnostics.internal(Message);
    return false;
  }
};

bool readInput(Session &S) {
  Expected<Request> Req = parseRequest(S.RequestJson);
  if (!Req)
    return S.fail(Req.takeError());
  S.Req = std::move(*Req);
  Expected<std::unique_ptr<Module>> M =
      parseBitcodeFile(MemoryBufferRef(S.Bitcode, S.Req.Primal), S.Context);
  if (!M)
    return S.fail(M.takeError());
  S.M = std::move(*M);
  const Function *Primal = S.M->getFunction(S.Req.Primal);
  if (!Primal || Primal->isDeclaration())
    return S.fail("the module does not define " + Twine(S.Req.Primal));
  S.Files.open(S.Req.DumpDir);
  S.Files.write("captured", *S.M);
  return true;
}

/// Runs on every derivative: a module that does not verify must not reach a
/// code generator.
bool prepareKernel(Session &S) {
  S.Normal = prepare(*S.M, S.Req, S.AM, S.Times, S.Result.Diagnostics);
  S.keep("prepared", [&](raw_ostream &OS) { OS << *S.M; });
  if (S.Normal)
    S.Instructions = S.Normal->F->getInstructionCount();
  return S.Normal.has_value();
}

bool computeFacts(Session &S) {
  auto &SE = S.AM.Function.getResult<ScalarEvolutionAnalysis>(*S.Normal->F);
  S.Known = std::make_unique<Facts>(*S.Normal, S.Req, SE);
  S.keep("facts", [&](raw_ostream &OS) { S.Known->print(OS, *S.Normal); });
  json::Array Written;
  for (int Arg : writtenArguments(*S.Normal, S.Req, S.Known->Objects))
    Written.push_back(S.Req.Args[Arg].Name);
  raw_string_ostream(S.Result.Texts["written"])
      << json::Value(std::move(Written));
  return true;
}

bool makePlanOf(Session &S) {
  auto &DT = S.AM.Function.getResult<DominatorTreeAnalysis>(*S.Normal->F);
  S.Decided = makePlan(*S.Normal, S.Req, *S.Known, DT, S.Result.Diagnostics);
  if (!S.Decided)
    return false;
  S.keep("plan", [&](raw_ostream &OS) { S.Decided->print(OS); });
  return true;
}

bool emitCode(Session &S) {
  emitDerivative(*S.Decided);
  S.keep("derivative", [&](raw_ostream &OS) { OS << *S.M; });
  S.Decided.reset();
  S.Known.reset();
  return true;
}

bool cleanUp(Session &S) {
  finishModule(*S.M, S.Req, S.AM);
  S.Files.write("finished", *S.M);
  return true;
}

bool verifyOutput(Session &S) {
  std::string Problem;
  raw_string_ostream OS(Problem);
  if (verifyModule(*S.M, &OS))
    return S.fail("the derivative is not valid: " + Problem);
  return true;
}

bool writeOutput(Session &S) {
  raw_svector_ostream OS(S.Result.Bitcode);
  WriteBitcodeToFile(*S.M, OS);
  return true;
}

struct Stage {
  /// In reports of times.
  const char *Name;
  /// Completes "while ...": the message of a failure begins with it.
  const char *Phase;
  bool (*Run)(Session &);
};

constexpr Stage Stages[] = {
    {"read", "reading the kernel", readInput},
    {"prepare", "preparing the kernel", prepareKernel},
    {"facts", "analysing the kernel", computeFacts},
    {"plan", "planning the derivative", makePlanOf},
    {"emit", "writing the derivative's code", emitCode},
    {"clean up", "cleaning the derivative up", cleanUp},
    {"verify", "verifying the derivative", verifyOutput},
    {"write", "writing the derivative", writeOutput},
};

/// What a mistake of the engine is to be looked for in.
void reportPrepared(Session &S) {
  bool IsMistake = any_of(S.Result.Diagnostics.all(), [](const Diagnostic &D) {
    return D.Code == DiagnosticCode::Internal;
  });
  if (IsMistake && S.Normal && S.Known)
    raw_string_ostream(S.Result.Texts["prepared"]) << *S.M;
}

void runStages(Session &S) {
  for (const Stage &Next : Stages) {
    setPhase(Next.Phase);
    TimedStage Timed(S.Times, Next.Name);
    if (!Next.Run(S)) {
      reportPrepared(S);
      break;
    }
  }
  raw_string_ostream(S.Result.Texts["times"]) << json::Value(json::Object{
      {"stages", S.Times.toJSON()}, {"instructions", S.Instructions}});
  if (S.Files.failed())
    S.fail("the stages cannot be written to " + Twine(S.Req.DumpDir));
}

} // namespace

Outcome differentiate(StringRef Bitcode, StringRef RequestJson,
                      StringRef Text) {
  // On the heap, and destroyed only when all went well: after a failure their
  // state is unknown.
  auto Result = std::make_unique<Outcome>();
  auto S = std::make_unique<Session>(Bitcode, RequestJson, Text, *Result);
  std::optional<std::string> Failure = runGuarded([&] { runStages(*S); });
  if (!Failure)
    return std::move(*Result);
  (void)S.release();
  (void)Result.release();
  Outcome Failed;
  Failed.Diagnostics.internal(*Failure);
  return Failed;
}

} // namespace pyfront
