//===- guard_probe.cpp - Ways to fail inside a guarded function -----------===//
///
/// \file
/// A small shared library for test_crash_guard.py: it fails on demand inside
/// runGuarded, in the process that the test runs in, because that is where the
/// engine has to survive.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/support/Check.h"
#include "enzyme_pass/support/CrashGuard.h"
#include "llvm/Support/ErrorHandling.h"
#include <csignal>
#include <cstdio>
#include <cstdlib>

using namespace pyfront;

static void fail(int Kind) {
  switch (Kind) {
  case 1:
    PF_CHECK(Kind == 0, "the kind is zero");
    return;
  case 2:
    llvm::report_fatal_error("the target has no such thing");
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
extern "C" __attribute__((visibility("default"))) int
pyfront_probe_guard(int Kind, char *Text, size_t Size) {
  std::optional<std::string> Failure = runGuarded([&] {
    setPhase("probing");
    fail(Kind);
  });
  std::snprintf(Text, Size, "%s", Failure ? Failure->c_str() : "");
  return Failure.has_value();
}
