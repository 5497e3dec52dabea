//===- Diagnostic.h - What is not supported, and where --------------------===//
///
/// \file
/// A refusal is data: what the kernel does, what to write instead, and the
/// Python file and line. Stages report into a sink and go on, so that one call
/// lists everything that stands in the way; the driver stops before emission
/// when the sink holds anything.
///
/// Style of messages: lower case, no full stop, code in backticks, words of the
/// Python user (never an LLVM class name).
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_CORE_DIAGNOSTIC_H
#define PYFRONT_CORE_DIAGNOSTIC_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include <string>
#include <vector>

namespace llvm {
class Function;
class Instruction;
} // namespace llvm

namespace pyfront {

/// Whose move it is: the user's (write the kernel otherwise) or ours (a defect
/// of the engine).
enum class DiagnosticCode { Unsupported, Internal };

/// A place in the user's Python source. Line 0: unknown.
struct SourceLocation {
  std::string File;
  unsigned Line = 0;

  bool isKnown() const { return Line != 0; }
  bool operator==(const SourceLocation &Other) const {
    return Line == Other.Line && File == Other.File;
  }
};

struct Diagnostic {
  DiagnosticCode Code = DiagnosticCode::Unsupported;
  std::string Message;
  /// What the user can write instead; may be empty.
  std::string Help;
  SourceLocation Where;
};

/// The innermost place that \p I comes from: the line in the callee that was
/// inlined. Where the instruction has none, the nearest earlier one of its
/// block that has, then the function's own line.
SourceLocation locationOf(const llvm::Instruction &I);
SourceLocation locationOf(const llvm::Function &F);

/// The places of the calls through which \p I was inlined, innermost first;
/// empty for the kernel's own instructions.
std::vector<SourceLocation> inlineChainOf(const llvm::Instruction &I);

/// Collects diagnostics in the order of their report, each once.
class DiagnosticSink {
public:
  /// \p I's construct is not supported. The message names the call chain if \p
  /// I was inlined.
  void unsupported(const llvm::Instruction &I, const llvm::Twine &Message,
                   const llvm::Twine &Help = "");
  void unsupported(const llvm::Function &F, const llvm::Twine &Message,
                   const llvm::Twine &Help = "");
  void internal(const llvm::Twine &Message, SourceLocation Where = {});
  void report(Diagnostic D);

  bool empty() const { return Diagnostics.empty(); }
  llvm::ArrayRef<Diagnostic> all() const { return Diagnostics; }

  /// The array of CApi.h's "diagnostics".
  std::string toJSON() const;

private:
  std::vector<Diagnostic> Diagnostics;
};

} // namespace pyfront

#endif // PYFRONT_CORE_DIAGNOSTIC_H
