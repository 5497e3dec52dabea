//===- Prepare.h - From captured IR to the normal form --------------------===//
///
/// \file
/// Turns the captured module (unoptimized, the whole call graph) into one
/// function in normal form (NormalFunction.h), by a list of passes. Prepare.cpp
/// holds the list: the name of each pass and the reason for it. Passes of our
/// own stand in a file each, passes of LLVM's are named in a text of the list.
///
/// Two rules decide what may stand in the list.
///
///   Values are not derivatives. What holds of a value at one point says
///   nothing of its derivative, so no pass may learn a float from a comparison:
///   all of LLVM's run behind the fences of FenceComparisons.cpp.
///
///   No unrolling and no vectorization but for loops that Numba brings in: both
///   come after differentiation.
///
/// Each pass can be run by itself: `opt-22 -passes='ad-prepare<fence>'`.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PREPARE_PREPARE_H
#define PYFRONT_PREPARE_PREPARE_H

#include "core/Diagnostic.h"
#include "core/NormalFunction.h"
#include "core/Request.h"
#include "core/StageTimes.h"
#include "llvm/IR/PassManager.h"
#include <optional>
#include <vector>

namespace pyfront {

/// The analysis managers of one engine call.
struct Analyses {
  llvm::LoopAnalysisManager Loop;
  llvm::FunctionAnalysisManager Function;
  llvm::CGSCCAnalysisManager CGSCC;
  llvm::ModuleAnalysisManager Module;
  Analyses();
};

/// A function in normal form, and what is asked of its arguments: of the kernel
/// what the user asks, of others nothing yet.
struct PreparedFunction {
  Request Req;
  NormalFunction Normal;
};

/// Prepares `M`, which holds the kernel of `Req`: the kernel, which comes first,
/// and the functions whose calls stay calls. Empty after a diagnostic.
std::vector<PreparedFunction> prepare(llvm::Module &M, const Request &Req,
                                      Analyses &AM, StageTimes &Times,
                                      DiagnosticSink &Sink);

/// Runs the passes of these names only, in this order; false after a
/// diagnostic.
bool runPreparationPasses(llvm::ArrayRef<llvm::StringRef> Names,
                          llvm::Module &M, const Request &Req, Analyses &AM,
                          DiagnosticSink &Sink);

/// The list: `name: reason`, a line each.
void printPreparation(llvm::raw_ostream &OS);

/// Only `Kept` are kept; all that they call is inlined into them.
void internalizeAllBut(llvm::Module &M, llvm::ArrayRef<llvm::Function *> Kept);

/// Comparisons see their float operands through `llvm.arithmetic.fence`; fences
/// of what turns out to carry no derivative go.
bool fenceComparisons(llvm::Function &F);

/// Removes all fences.
bool dropFences(llvm::Function &F);

/// Each raise (`ret i32 status` with a status that is neither 0 nor Numba's
/// RETCODE_NONE) becomes `call @pyfront.fail(status, excinfo)`; unreachable.
/// Where a caller may catch it, it stays a return. `Kept` are the functions
/// that are prepared; a call of one that may be caught is refused.
void lowerNumbaFailures(llvm::Module &M, llvm::ArrayRef<llvm::Function *> Kept,
                        DiagnosticSink &Sink);

/// Counts the references to the caller's arrays that exceptions carry.
void countCarriedArrays(llvm::Function &F, const Request &Req);

/// What is loaded from a stack slot for a struct becomes the value that its
/// block has stored or loaded there.
void forwardStructs(llvm::Module &M);

/// Stores and phis of structs and arrays become those of what is in them.
void splitAggregates(llvm::Module &M);

/// Allocation and reference counts become what they mean for one call: memory
/// that lives as long as the call. Run after a first simplification.
void lowerNumbaMemory(llvm::Function &F);

/// Where the arguments of the request are in Numba's calling convention; empty
/// after a diagnostic.
std::optional<Signature> numbaSignature(llvm::Function &F, const Request &Req,
                                        DiagnosticSink &Sink);

/// States what is true of the extents of every array argument.
void attachExtentRanges(const Signature &Sig);

/// States that the elements which `M`, as captured, reads and writes exist, in
/// a form that LLVM's passes leave alone.
void assumeInBounds(llvm::Module &M);

/// `0 <= Index < Extent`, as `assumeInBounds` states it.
struct InBounds {
  llvm::Value *Index;
  llvm::Value *Extent;
};

/// The statement that `V` is, if it is one.
std::optional<InBounds> asInBounds(const llvm::Value &V);

/// What `assumeInBounds` has stated become comparisons.
void stateBounds(llvm::Module &M);

/// Removes Python's wraparound of indexes that cannot be negative; whether it
/// changed anything.
bool dropWraparound(llvm::Function &F, llvm::FunctionAnalysisManager &FAM);

/// Unrolls loops over the axes of an array and over the bits of a constant
/// exponent; whether it changed anything.
bool unrollFixedLoops(llvm::Function &F, llvm::FunctionAnalysisManager &FAM);

/// Moves `@pyfront.allocate` out of loops where its size is invariant and the
/// memory does not outlive the iteration; whether it changed anything.
bool hoistAllocations(llvm::Function &F, llvm::FunctionAnalysisManager &FAM);

/// Builds N1-N5 in place; empty after a diagnostic.
std::optional<NormalFunction> makeNormalForm(llvm::Function &F, Signature Sig,
                                             llvm::FunctionAnalysisManager &FAM,
                                             DiagnosticSink &Sink);

/// What is copied as an integer, and is a float, is copied as a float.
void retypeCopies(NormalFunction &N, const Request &Req);

/// Moves loop-invariant loads out of loops whose stores, by their subscripts,
/// do not touch them.
void hoistLoads(NormalFunction &N, const Request &Req,
                llvm::FunctionAnalysisManager &FAM);

} // namespace pyfront

#endif
