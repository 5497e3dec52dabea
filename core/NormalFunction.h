//===- NormalFunction.h - The primal in the form the stages agree on ------===//
///
/// \file
/// The prepared primal, frozen: no stage after `prepare` changes it. Everything
/// about control flow that a reverse sweep may ask for is an ordinary SSA
/// value:
///
///   %L.iter = phi i64 [0, %preheader], [%L.next, %latch]   ; counter of a loop
///   %L.last = add i64 %n, -1                    ; index of the last iteration
///   %which.B = select i1 %c, i64 0, i64 1       ; which predecessor came to B
///
/// so the plan treats them like any other value: argument, recompute or tape.
///
/// Invariants
///  N1  one `ret`; the other exits are `call @pyfront.fail` + unreachable.
///  N2  loops are reducible, simplified, in LCSSA form, with dedicated exits.
///  N3  every loop has one canonical counter; every other affine integer
///      recurrence of its header is an expression of that counter.
///  N4  every loop has a last iteration index: one value known before the loop
///      (further out, it is -1 where the loop will not be entered), or a phi in
///      each exit block.
///  N5  every merge that is not a loop header has a `which` value.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_NORMALFUNCTION_H
#define PYFRONT_CORE_NORMALFUNCTION_H

#include "core/Contract.h"
#include "core/Signature.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/BasicBlock.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/ValueHandle.h"

namespace pyfront {

/// Names of the calls that preparation leaves in place of Numba's plumbing.
namespace marker {
/// `void (i32 status, ptr excinfo)`, noreturn: the kernel raises.
inline constexpr llvm::StringLiteral Fail = "pyfront.fail";
/// `ptr (i64 bytes, i64 align)`: memory owned by the call.
inline constexpr llvm::StringLiteral Allocate = PYFRONT_ALLOCATE;
/// `i64 ()` and `void (i64)`: what a derivative inside the kernel allocates
/// between the two is not used after the second. Only kernels that are
/// differentiated in forward mode have them: a reverse sweep comes back to it.
inline constexpr llvm::StringLiteral Enter = "pyfront.enter";
inline constexpr llvm::StringLiteral Leave = "pyfront.leave";

/// `ptr (i64 bytes)`, Numba's own: memory of the arguments of an exception,
/// which its catcher frees.
inline constexpr llvm::StringLiteral ExceptionMemory = "NRT_Allocate";

/// `ptr (ptr frame, i64 place, i64 bytes)`: memory of the `place`-th array that
/// a call which stays has returned (KeptCalls.h); owned by the call, too.
inline constexpr llvm::StringLiteral ArrayResult = "pyfront.array";

/// `T (ptr frame, i64 word)`, one function for each type: what a call of a
/// function with a rule has left for its reverse part (KeptCalls.h).
inline constexpr llvm::StringLiteral Left = "pyfront.left.";

/// `ptr (i64 place, i64 bytes)`: memory of the `place`-th array that a function
/// returns whose calls stay; its caller's from there on.
inline constexpr llvm::StringLiteral Returned = "pyfront.returned";

llvm::FunctionCallee declareAllocate(llvm::Module &M);
llvm::FunctionCallee declareReturned(llvm::Module &M);
/// Whether `V` is a call of `Returned`, and of which array.
bool isReturned(const llvm::Value *V);
int placeOfReturned(const llvm::Value &V);
llvm::FunctionCallee declareArrayResult(llvm::Module &M);
llvm::FunctionCallee declareLeft(llvm::Module &M, llvm::Type *Ty);
bool isLeft(const llvm::Value *V);
llvm::FunctionCallee declareEnter(llvm::Module &M);
llvm::FunctionCallee declareLeave(llvm::Module &M);
/// Whether the call is one of these, which no memory of the kernel's concerns.
bool isMarker(const llvm::CallBase &Call);
/// Whether `Store` puts a pointer into the arguments of an exception.
bool isCarriedByException(const llvm::StoreInst &Store);
} // namespace marker

/// One loop of the primal, by its place in `NormalFunction::Loops`.
struct NormalLoop {
  llvm::BasicBlock *Header = nullptr;
  llvm::BasicBlock *Preheader = nullptr;
  llvm::BasicBlock *Latch = nullptr;
  /// i64, starts at 0, one more each time the header runs.
  llvm::PHINode *Counter = nullptr;
  /// Index of the last execution of the header, where it is known before the
  /// loop; null for a loop whose length depends on what it computes. It may be
  /// the kernel's own value, so it follows where that is replaced.
  llvm::WeakTrackingVH Last;
  /// The outermost loop at whose entry `Last` is known, by its place: this one
  /// or one around it. There it is -1 if this loop will not be entered.
  int KnownBefore = -1;
  /// For a loop with null `Last`: in each exit block, the counter at the exit.
  llvm::SmallDenseMap<llvm::BasicBlock *, llvm::PHINode *, 2> LastAtExit;
  /// Index of the enclosing loop, or -1.
  int Parent = -1;
  /// 1 for an outermost loop.
  unsigned Depth = 1;
};

struct NormalFunction {
  llvm::Function *F = nullptr;
  Signature Sig;
  /// The block with the only `ret`.
  llvm::BasicBlock *Success = nullptr;
  /// Outer loops before inner ones, in program order.
  llvm::SmallVector<NormalLoop, 8> Loops;
  /// Innermost loop of a block; absent: in no loop.
  llvm::DenseMap<const llvm::BasicBlock *, int> LoopOf;
  /// Blocks from which the success exit can be reached, in reverse post-order.
  llvm::SmallVector<llvm::BasicBlock *, 32> Order;
  /// For each merge but loop headers: i64 index into `predecessors` (in the
  /// order of `llvm::predecessors`), duplicates of one block counted once.
  llvm::DenseMap<const llvm::BasicBlock *, llvm::Value *> Which;

  /// Whether `Last` of loop `L` is known where `Around`, `L` or a loop around
  /// it, is entered.
  bool isCounted(int L, int Around) const {
    return Loops[L].Last &&
           Loops[Loops[L].KnownBefore].Depth <= Loops[Around].Depth;
  }

  int loopOf(const llvm::BasicBlock *BB) const {
    auto It = LoopOf.find(BB);
    return It == LoopOf.end() ? -1 : It->second;
  }
  /// The loops around `BB`, outermost first.
  llvm::SmallVector<int, 4> nestOf(const llvm::BasicBlock *BB) const {
    llvm::SmallVector<int, 4> Nest;
    for (int L = loopOf(BB); L >= 0; L = Loops[L].Parent)
      Nest.insert(Nest.begin(), L);
    return Nest;
  }
  bool contains(int L, const llvm::BasicBlock *BB) const {
    for (int K = loopOf(BB); K >= 0; K = Loops[K].Parent)
      if (K == L)
        return true;
    return false;
  }
  bool isHeader(const llvm::BasicBlock *BB) const {
    int L = loopOf(BB);
    return L >= 0 && Loops[L].Header == BB;
  }
  /// Whether the success exit can be reached from `BB`.
  bool isLive(const llvm::BasicBlock *BB) const { return Live.contains(BB); }
  llvm::DenseMap<const llvm::BasicBlock *, unsigned> Live;
};

/// The distinct predecessors of `BB`, in the order that `Which` counts.
llvm::SmallVector<llvm::BasicBlock *, 4>
distinctPredecessors(const llvm::BasicBlock *BB);

} // namespace pyfront

#endif
