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

/// One derivative on its way from facts to code.
struct Job {
  Job(const Request &Req, const NormalFunction &Normal)
      : Req(Req), Normal(Normal) {}
  Request Req;
  const NormalFunction &Normal;
  std::unique_ptr<Facts> Known;
  std::unique_ptr<Plan> Decided;
};

/// Everything that the stages of one request hand on.
struct Session {
  Session(StringRef Bitcode, StringRef RequestJson, StringRef Text,
          bool KeepsNames, Outcome &Result)
      : Bitcode(Bitcode), RequestJson(RequestJson), Text(Text),
        KeepsNames(KeepsNames), Result(Result) {}

  StringRef Bitcode;
  StringRef RequestJson;
  StringRef Text;
  const bool KeepsNames;
  Outcome &Result;
  StageTimes Times;
  Dump Files;

  LLVMContext Context;
  Request Req;
  std::unique_ptr<Module> M;
  Analyses AM;
  /// The kernel, and the functions whose calls stay calls.
  std::vector<PreparedFunction> Program;
  /// Of all of these.
  int64_t Instructions = 0;
  /// The kernel's derivative, and those of the functions that it calls.
  std::vector<std::unique_ptr<Job>> Jobs;

  bool isWanted(StringRef Name) const {
    return Name == Text || Req.isWanted(Name) || Files.isOn();
  }
  template <typename Printer> void keep(StringRef Name, Printer Print) {
    if (!isWanted(Name))
      return;
    std::string &Kept = Result.Texts[Name];
    raw_string_ostream OS(Kept);
    if (!Kept.empty())
      OS << "\n";
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

/// Reads function by function: LLVM's reader of whole modules verifies them to
/// find broken debug information, and capture has verified this one.
Expected<std::unique_ptr<Module>> readModule(Session &S) {
  Expected<std::unique_ptr<Module>> M =
      getLazyBitcodeModule(MemoryBufferRef(S.Bitcode, S.Req.Primal), S.Context);
  if (!M)
    return M;
  for (Function &F : **M)
    if (Error E = F.materialize())
      return E;
  return M;
}

/// Whether anybody sees the names of values, perhaps in the plan of what calls
/// this derivative: reading, making and freeing them takes a tenth of the time.
bool areNamesSeen(const Session &S) {
  return S.KeepsNames || S.Req.Embedded || !S.Text.empty() ||
         !S.Req.Texts.empty() || !S.Req.DumpDir.empty();
}

bool readInput(Session &S) {
  Expected<Request> Req = parseRequest(S.RequestJson);
  if (!Req)
    return S.fail(Req.takeError());
  S.Req = std::move(*Req);
  S.Context.setDiscardValueNames(!areNamesSeen(S));
  Expected<std::unique_ptr<Module>> M = readModule(S);
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

bool prepareKernel(Session &S) {
  S.Program = prepare(*S.M, S.Req, S.AM, S.Times, S.Result.Diagnostics);
  S.keep("prepared", [&](raw_ostream &OS) { OS << *S.M; });
  for (const PreparedFunction &Each : S.Program)
    S.Instructions += Each.Normal.F->getInstructionCount();
  if (!S.Program.empty())
    S.Jobs.push_back(std::make_unique<Job>(S.Req, S.Program.front().Normal));
  return !S.Program.empty();
}

void findFacts(Session &S, Job &J) {
  auto &SE = S.AM.Function.getResult<ScalarEvolutionAnalysis>(*J.Normal.F);
  J.Known = std::make_unique<Facts>(J.Normal, J.Req, SE);
  S.keep("facts", [&](raw_ostream &OS) { J.Known->print(OS, J.Normal); });
}

bool computeFacts(Session &S) {
  Job &Kernel = *S.Jobs.front();
  findFacts(S, Kernel);
  json::Array Written;
  for (int Arg : writtenArguments(Kernel.Normal, S.Req, Kernel.Known->Objects))
    Written.push_back(S.Req.Args[Arg].Name);
  raw_string_ostream(S.Result.Texts["written"])
      << json::Value(std::move(Written));
  return true;
}

/// The derivatives that a plan's calls ask for and that nobody has asked for
/// before.
void addJobs(Session &S, const Plan &P) {
  for (const auto &[Call, Planned] : P.Calls) {
    const Request &Req = Planned.Callee;
    // The parts of a rule are there already.
    if (Planned.Info->Rule ||
        any_of(S.Jobs, [&](const auto &J) { return J->Req.Name == Req.Name; }))
      continue;
    auto Callee = find_if(S.Program, [&](const PreparedFunction &Each) {
      return Each.Req.Primal == Req.Primal;
    });
    S.Jobs.push_back(std::make_unique<Job>(Req, Callee->Normal));
  }
}

/// The kernel's plan, and those of all derivatives that they call: nothing is
/// emitted before all are made.
bool makePlans(Session &S) {
  for (unsigned Next = 0; Next < S.Jobs.size(); ++Next) {
    Job &J = *S.Jobs[Next];
    if (!J.Known)
      findFacts(S, J);
    auto &DT = S.AM.Function.getResult<DominatorTreeAnalysis>(*J.Normal.F);
    J.Decided = makePlan(J.Normal, J.Req, *J.Known, DT, S.Result.Diagnostics);
    if (!J.Decided)
      return false;
    S.keep("plan", [&](raw_ostream &OS) { J.Decided->print(OS); });
    addJobs(S, *J.Decided);
  }
  return true;
}

bool emitCode(Session &S) {
  for (const std::unique_ptr<Job> &J : S.Jobs)
    emitDerivative(*J->Decided);
  S.keep("derivative", [&](raw_ostream &OS) { OS << *S.M; });
  S.Jobs.clear();
  return true;
}

bool cleanUp(Session &S) {
  finishModule(*S.M, S.Req, S.AM);
  S.Files.write("finished", *S.M);
  return true;
}

/// Runs on every derivative: a module that does not verify must not reach a
/// code generator.
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
    {"plan", "planning the derivative", makePlans},
    {"emit", "writing the derivative's code", emitCode},
    {"clean up", "cleaning the derivative up", cleanUp},
    {"verify", "verifying the derivative", verifyOutput},
    {"write", "writing the derivative", writeOutput},
};

bool hasMistake(const Outcome &Result) {
  return any_of(Result.Diagnostics.all(), [](const Diagnostic &D) {
    return D.Code == DiagnosticCode::Internal;
  });
}

/// What a mistake of the engine is to be looked for in.
void reportPrepared(Session &S) {
  if (hasMistake(S.Result) && !S.Jobs.empty() && S.Jobs.front()->Known)
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
  raw_string_ostream Times(S.Result.Texts["times"]);
  Times << "{\"stages\":";
  S.Times.printJSON(Times);
  Times << ",\"instructions\":" << S.Instructions << "}";
  if (S.Files.failed())
    S.fail("the stages cannot be written to " + Twine(S.Req.DumpDir));
}

Outcome run(StringRef Bitcode, StringRef RequestJson, StringRef Text,
            bool KeepsNames) {
  // On the heap, and destroyed only when all went well: after a failure their
  // state is unknown.
  auto Result = std::make_unique<Outcome>();
  auto S = std::make_unique<Session>(Bitcode, RequestJson, Text, KeepsNames,
                                     *Result);
  std::optional<std::string> Failure = runGuarded([&] { runStages(*S); });
  if (!Failure)
    return std::move(*Result);
  (void)S.release();
  (void)Result.release();
  Outcome Failed;
  Failed.Diagnostics.internal(*Failure);
  return Failed;
}

} // namespace

Outcome differentiate(StringRef Bitcode, StringRef RequestJson,
                      StringRef Text) {
  Outcome Result = run(Bitcode, RequestJson, Text, /*KeepsNames=*/false);
  // Whoever looks for a mistake wants to know of which values it speaks.
  if (hasMistake(Result) && Result.Texts.count("prepared"))
    return run(Bitcode, RequestJson, Text, /*KeepsNames=*/true);
  return Result;
}

} // namespace pyfront
