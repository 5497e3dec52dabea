//===- CrashGuard.h - A failing engine must not end the process -----------===//
///
/// \file
/// Runs a request so that a broken invariant, an assertion or fatal error of
/// LLVM, or a wild memory access inside of it becomes a message instead of the
/// end of the process.
///
/// \code
///   std::optional<std::string> Failure = runGuarded([&] { ... });
///   // none: the function ran to its end
/// \endcode
///
/// After a failure nothing that the function was working on may be touched
/// again, not even to destroy it: its frames were left by a long jump. It is
/// leaked on purpose. Thread-safe; signal handlers are installed only while a
/// guarded function runs on some thread, and a signal on a thread without one
/// goes to the handler that was there before.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_CORE_CRASHGUARD_H
#define PYFRONT_CORE_CRASHGUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include <optional>
#include <string>

namespace pyfront {

/// Runs \p Fn. Returns what went wrong, in words, or nothing.
std::optional<std::string> runGuarded(llvm::function_ref<void()> Fn);

/// Names what this thread is doing now, for the message of a failure. \p Phase
/// is kept by reference: a string literal.
void setPhase(const char *Phase);

} // namespace pyfront

#endif // PYFRONT_CORE_CRASHGUARD_H
