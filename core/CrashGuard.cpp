//===- CrashGuard.cpp - A failing engine must not end the process ---------===//
///
/// \file
/// LLVM's CrashRecoveryContext does the jump; this file counts its users,
/// brings LLVM's fatal errors and our own checks to it, and keeps the message.
///
//===----------------------------------------------------------------------===//

#include "core/CrashGuard.h"
#include "core/Check.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Path.h"
#include <csignal>
#include <cstdio>
#include <mutex>

using namespace llvm;

namespace {

/// Exit status of the recovery context for failures that come with a message of
/// their own. Signals are reported as 128 and up.
constexpr int FailedWithMessage = 1;

/// What this thread was doing, and why it stopped. A plain buffer: a failure
/// may be an exhausted or corrupt heap.
struct ThreadState {
  const char *Phase = "starting";
  char Message[512] = "";
};
thread_local ThreadState State;

[[noreturn]] void leaveWithMessage(const char *Message) {
  std::snprintf(State.Message, sizeof(State.Message), "%s", Message);
  CrashRecoveryContext::GetCurrent()->HandleExit(FailedWithMessage);
}

/// LLVM's report_fatal_error and its out-of-memory handler end here. Returning
/// lets LLVM go on to its default, which ends the process: right where no
/// request runs (opt, clang).
void onFatalError(void *, const char *Reason, bool) {
  if (CrashRecoveryContext::GetCurrent())
    leaveWithMessage(Reason);
}

/// Keeps the process's signal handlers ours exactly while a guarded function
/// runs somewhere.
class HandlerUse {
public:
  HandlerUse() {
    std::lock_guard<std::mutex> Lock(Mutex);
    if (Users++ == 0) {
      install_fatal_error_handler(onFatalError);
      install_bad_alloc_error_handler(onFatalError);
      CrashRecoveryContext::Enable();
    }
  }
  ~HandlerUse() {
    std::lock_guard<std::mutex> Lock(Mutex);
    if (--Users == 0) {
      CrashRecoveryContext::Disable();
      remove_bad_alloc_error_handler();
      remove_fatal_error_handler();
    }
  }
  HandlerUse(const HandlerUse &) = delete;
  HandlerUse &operator=(const HandlerUse &) = delete;

private:
  static std::mutex Mutex;
  static unsigned Users;
};
std::mutex HandlerUse::Mutex;
unsigned HandlerUse::Users = 0;

const char *describeExit(int Status) {
  switch (Status - 128) {
  case SIGABRT:
    return "an assertion failed";
  case SIGSEGV:
  case SIGBUS:
    return "invalid memory access";
  case SIGILL:
  case SIGTRAP:
    return "unreachable code was reached";
  case SIGFPE:
    return "arithmetic exception";
  default:
    return "unknown failure";
  }
}

} // namespace

void pyfront::failCheck(const char *Message, const char *File, int Line) {
  std::string Text = (Twine(Message) + " (" + sys::path::filename(File) + ":" +
                      Twine(Line) + ")")
                         .str();
  if (CrashRecoveryContext::GetCurrent())
    leaveWithMessage(Text.c_str());
  report_fatal_error(Twine(Text), /*gen_crash_diag=*/false);
}

void pyfront::setPhase(const char *Phase) { State.Phase = Phase; }

std::optional<std::string> pyfront::runGuarded(function_ref<void()> Fn) {
  State = ThreadState();
  HandlerUse Use;
  CrashRecoveryContext Context;
  if (Context.RunSafely(Fn))
    return std::nullopt;
  const char *Reason =
      State.Message[0] ? State.Message : describeExit(Context.RetCode);
  return (Twine("while ") + State.Phase + ": " + Reason).str();
}
