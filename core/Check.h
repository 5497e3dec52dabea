//===- Check.h - Invariants that stay on in release -----------------------===//
///
/// \file
/// `PF_CHECK(Condition, "message")` states an invariant of the engine. It is on
/// in every build: a broken invariant ends the request with an `internal`
/// diagnostic, and never the process that the engine is loaded into, nor with a
/// wrong derivative.
///
/// Not for what a user can cause: that is a Diagnostic.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_CORE_CHECK_H
#define PYFRONT_CORE_CHECK_H

namespace pyfront {

/// Leaves the current request (see CrashGuard.h), which then fails with this
/// message. Destructors of the frames in between do not run.
[[noreturn]] void failCheck(const char *Message, const char *File, int Line);

} // namespace pyfront

#define PF_CHECK(Condition, Message)                                           \
  do {                                                                         \
    if (__builtin_expect(!(Condition), 0))                                     \
      ::pyfront::failCheck(Message, __FILE__, __LINE__);                       \
  } while (false)

/// For places that no input may reach.
#define PF_UNREACHABLE(Message)                                                \
  ::pyfront::failCheck(Message, __FILE__, __LINE__)

#endif // PYFRONT_CORE_CHECK_H
