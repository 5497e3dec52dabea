//===- Request.h - What is to be differentiated ---------------------------===//
///
/// \file
/// The front end's wish, parsed from JSON (docs/architecture.md, seam 1). It is
/// complete: everything that decides the derivative's code is in the primal's
/// IR or in here, and every stage reads the same, constant request.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_CORE_REQUEST_H
#define PYFRONT_CORE_REQUEST_H

#include "core/Contract.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>
#include <string>
#include <vector>

namespace pyfront {

/// Split is Reverse in two functions, with a tape between them.
enum class Mode { Reverse, Forward, Split };

/// The symbols of a split derivative are its name with these behind it.
namespace halves {
inline constexpr llvm::StringLiteral Forward = PYFRONT_FORWARD_HALF;
inline constexpr llvm::StringLiteral Reverse = PYFRONT_REVERSE_HALF;
} // namespace halves

enum class ArgKind { Scalar, Array };

/// A Numba scalar type; Other for what the engine only passes through (records,
/// dates, ...).
enum class ScalarType {
  F64,
  F32,
  I64,
  I32,
  I16,
  I8,
  U64,
  U32,
  U16,
  U8,
  Bool,
  Other
};

inline bool isFloat(ScalarType T) {
  return T == ScalarType::F64 || T == ScalarType::F32;
}

/// Bits of a scalar in memory.
inline unsigned bitsOf(ScalarType T) {
  constexpr unsigned Bits[] = {64, 32, 64, 32, 16, 8, 64, 32, 16, 8, 8, 8};
  return Bits[static_cast<unsigned>(T)];
}

/// What is asked about an argument: nothing; its adjoint, by value; its shadow,
/// which the caller passes (in forward mode also that of a scalar).
enum class Annotation { Const, Active, Duplicated };

/// One argument of the kernel.
struct ArgInfo {
  std::string Name;
  ArgKind Kind = ArgKind::Scalar;
  /// Of the scalar, or of the array's elements.
  ScalarType Type = ScalarType::Other;
  /// Arrays only: number of dimensions.
  unsigned Rank = 0;
  /// Arrays only: 'C' or 'F' contiguous, 'A' for any strides.
  char Layout = 'A';
  Annotation Note = Annotation::Const;
  /// Index of the argument's first LLVM parameter. What follows it is the front
  /// end's convention: core/Signature.h.
  unsigned FirstParam = 0;
  /// Arrays of a derivative in two halves: nobody writes it between them, but
  /// for what the first half itself does, and its memory stays where it is.
  bool StaysAsLeft = false;

  bool isArray() const { return Kind == ArgKind::Array; }
};

/// One number of the kernel's result: a result is the numbers of a possibly
/// nested tuple, and `Offset` says at which byte of the result's memory one is.
///
///   return x, (n, np.float32(y))    {F64, 0} {I64, 8} {F32, 16}
///
struct ResultInfo {
  ScalarType Type = ScalarType::F64;
  unsigned Offset = 0;
};

/// An array among what a function returns: where its struct begins. Its extents
/// and the like are numbers of the result.
struct ArrayResult {
  ScalarType Type = ScalarType::F64;
  unsigned Offset = 0;
};

/// One word of what the forward part of a rule leaves for the reverse part, as a
/// derivative that is embedded keeps it: a value like others (core/KeptCalls.h).
struct FrameWord {
  /// Of a number; none: an address.
  std::optional<ScalarType> Type;
  /// At which byte of the frame the parts have it.
  unsigned Offset = 0;
  /// The operand of the call, results not counted, that it is; -1: only the
  /// forward part knows it.
  int Operand = -1;
  /// The argument of whose copy it tells, where there is one; -1: of none.
  int Place = -1;
};

/// What takes the place of a call whose callee has a rule: functions in Numba's
/// convention, linked from outside (docs/architecture.md, seam 5). Their names
/// begin with `Symbol`; behind it stands the part and, for each float that has a
/// derivative in it or has not, `d` or `c`:
///
///   f.primal   f.forward   f.tangent.dc   f.reverse.dc.d
///
struct RuleInfo {
  std::string Symbol;
  /// Why the kernel is refused in this mode, a part that is missing, and what to
  /// do about it; empty: it is not.
  std::vector<std::string> Refuses;
  /// No derivative passes through.
  bool IsInactive = false;
  /// Nor may anything that has one go in: what to do about that.
  std::string Strict;
  /// Bytes of what the parts return: `Value` is the function's result, which
  /// the others begin with.
  unsigned ValueBytes = 0, FrameBytes = 0, TangentBytes = 0, AdjointBytes = 0;
  /// In what the tangent part returns: where the tangent of the result is.
  unsigned TangentOffset = 0;
  /// In what the reverse part returns: where the adjoint of each float scalar
  /// is, in the order of the arguments.
  std::vector<unsigned> AdjointOffsets;
  /// Places of the arguments whose elements the function may write, of those
  /// among them of which that is certain, and of those whose elements, as they
  /// are when the call has ended, the reverse part reads.
  std::vector<unsigned> Writes, SurelyWrites, Reads;
  /// In a request for a derivative that is embedded: all that the reverse part
  /// reads of what the forward part leaves.
  std::vector<FrameWord> Words;
};

/// A function that the kernel may call, directly or not.
struct FunctionInfo {
  /// LLVM name.
  std::string Primal;
  /// As the user knows it.
  std::string Name;
  /// Without annotations: what is asked of a call is planned.
  std::vector<ArgInfo> Args;
  std::vector<ResultInfo> Results;
  std::vector<ArrayResult> Arrays;
  std::optional<RuleInfo> Rule;
};

/// The most tangents or adjoints that one derivative computes at once.
inline constexpr unsigned MaxWidth = PYFRONT_MAX_WIDTH;

struct Request {
  /// LLVM name of the captured kernel.
  std::string Primal;
  /// Symbol that the derivative gets.
  std::string Name;
  Mode How = Mode::Reverse;
  /// How many tangents or adjoints are computed at once. Shadows are then
  /// interleaved: lane l of the element at byte b of the primal is at byte
  /// Width * b + l * sizeof(element).
  unsigned Width = 1;
  std::vector<ArgInfo> Args;
  /// The numbers that the kernel returns; empty: it returns nothing.
  std::vector<ResultInfo> Results;
  /// The arrays among what it returns, whose extents are such numbers.
  std::vector<ArrayResult> Arrays;
  /// Those that the kernel may call and whose calls can stay calls.
  std::vector<FunctionInfo> Functions;
  /// Distinct array arguments may overlap.
  bool MayAlias = false;
  /// The derivative is called by another one of this module, in the place of a
  /// call that stays a call. What it computes is no final result, and its
  /// memory lives as long as its caller's (docs/architecture.md, seam 2).
  bool Inner = false;
  /// The derivative will be part of another kernel that is differentiated: it
  /// is written with the markers of the normal form in place of calls into the
  /// run-time library, and its partials can be differentiated everywhere.
  bool Embedded = false;
  /// Plan steps that are switched off.
  std::vector<std::string> Disable;
  /// The texts that are wanted: "prepared", "facts", "plan". Printing them
  /// takes as long as some stages do.
  std::vector<std::string> Texts;
  /// Folder for the text of every stage; empty: none.
  std::string DumpDir;

  /// Whether a number of the result has a derivative.
  bool returnsFloat() const;
  /// Whether the seed is passed by value: one adjoint of one float. Else the
  /// seeds are in memory that is laid out as the result's shadow.
  bool hasSeedByValue() const;
  /// The bytes of the result's memory that its numbers take.
  unsigned resultBytes() const;
  /// The functions that the derivative consists of.
  std::vector<std::string> symbols() const;
  bool isDisabled(llvm::StringRef Step) const;
  bool isWanted(llvm::StringRef Text) const;
};

llvm::Expected<Request> parseRequest(llvm::StringRef Json);

} // namespace pyfront

#endif // PYFRONT_CORE_REQUEST_H
