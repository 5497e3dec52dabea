//===- Driver.h - The way of a kernel through the stages ------------------===//
///
/// \file
/// Runs the stages on one request: read, prepare, facts, plan, emit, write. The
/// driver owns the order and nothing else; what a stage hands to the next is a
/// field of Session.
///
/// It never throws, prints or aborts: everything that can go wrong is in the
/// outcome's diagnostics, and an outcome with a diagnostic has no derivative.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_DRIVER_H
#define PYFRONT_DRIVER_H

#include "core/Diagnostic.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace pyfront {

/// What a request came to.
struct Outcome {
  /// The derivative's module; empty if there are diagnostics.
  llvm::SmallVector<char, 0> Bitcode;
  /// Of the stages that ran: "plan", "facts" and "prepared", if wanted;
  /// "written" (JSON: the array arguments that the kernel may write); "times"
  /// (JSON, see StageTimes.h). "prepared" also where the plan was refused.
  llvm::StringMap<std::string> Texts;
  DiagnosticSink Diagnostics;

  bool ok() const { return Diagnostics.empty(); }
};

/// Differentiates \p Bitcode as \p RequestJson says. A failure inside becomes
/// an `internal` diagnostic. \p Text is wanted besides what the request wants.
Outcome differentiate(llvm::StringRef Bitcode, llvm::StringRef RequestJson,
                      llvm::StringRef Text = "");

} // namespace pyfront

#endif // PYFRONT_DRIVER_H
