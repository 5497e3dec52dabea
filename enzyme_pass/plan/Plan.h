//===- Plan.h - Every decision about a derivative, as data ----------------===//
///
/// \file
/// For each primal value or shadow pointer that the reverse sweep reads, where
/// it comes from; for each block, where the reverse sweep goes next; for each
/// object, its shadow; and the tape. Nothing here has behaviour: the planner
/// fills it, `verifyPlan` checks it, the printer prints it, the emitter obeys.
///
///   values
///     %x.i        tape[0]        ; overwritten by the store to %p
///     %m          recompute      ; fmul
///     %u.ptr'     recompute      ; getelementptr
///   tape
///     slot 0: double per L0      ; %x.i, 8 B x trips(L0)
///
/// Invariants (checked by PlanVerifier.cpp)
///  P1  every key that an adjoint reads has a source.
///  P2  the operands of a recomputed key have sources, without a cycle; what a
///      reload or a snapshot reads is what the load read.
///  P3  slots are dense; a slot's nest is the nest of its key's definition, and
///      its counters have sources; the lengths that an array's size is made of
///      are known where it is allocated; a base slot lives in the nest around
///      its array's head.
///  P4  every active access has a shadow for each object that it may touch; if
///      it goes through a pointer kept in memory, that memory has one too.
///      Each workspace is in one group, with all that it may overlap. What
///      adjoints are added to is zeroed first.
///  P5  every block that the reverse sweep enters knows where it came from.
///  P6  split mode: a shadow that is kept, and that may lie in the shadow of an
///      argument, is kept as a place; no argument's memory is read again,
///      unless the request says that it stays.
///  P7  an adjoint without a variable is read in its own block only.
///  P8  what a snapshot's pointer may come from, through phis, are first bytes
///      of objects of known size.
///  P9  split mode: what the reverse half reads and does not have is in the
///      frame, once; fields do not overlap.
///  P10 a partial that may be infinite at finite operands is guarded.
///  P11 every call that stays a call is planned; what is active of it is active
///      in the derivative of its callee, and what stays as it leaves it does.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_PLAN_H
#define PYFRONT_PLAN_PLAN_H

#include "core/NormalFunction.h"
#include "core/Request.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PointerIntPair.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace pyfront {

/// A primal value, or the shadow of a primal pointer.
enum class Space { Primal, Shadow };
using Key = llvm::PointerIntPair<llvm::Value *, 1, Space>;

inline Key primalOf(llvm::Value *V) { return {V, Space::Primal}; }
inline Key shadowOf(llvm::Value *V) { return {V, Space::Shadow}; }

enum class SourceKind {
  Literal,   ///< a constant
  Argument,  ///< a parameter of the derivative
  Counter,   ///< the loop counter that the reverse sweep counts itself
  Register,  ///< computed once by the forward sweep, before its end
  Recompute, ///< the same instruction again, on operands from their sources
  Reload,    ///< the same load again: its memory has not been written since
  Snapshot,  ///< the same load from copy `Index` of its memory
  Tape,      ///< slot `Index`
};

struct Source {
  SourceKind Kind = SourceKind::Tape;
  int Index = -1;
  std::string Why;
};

/// One slot of the tape: one element per execution of its nest.
struct TapeSlot {
  enum class Content {
    Value,    ///< the key `Of`
    Base,     ///< address of the array of slot `Index`
    Snapshot, ///< address of a copy made for snapshot `Index`
  };
  Content Holds = Content::Value;
  Key Of;
  int Index = -1;
  llvm::Type *Ty = nullptr;
  /// The loops around the definition, outermost first; empty: one variable.
  llvm::SmallVector<int, 4> Nest;
  /// Position in `Nest` of the loop at whose entry the array is allocated.
  unsigned Head = 0;
  /// How the elements get their room.
  enum class Room {
    Variable, ///< straight code: one element, no array
    Whole,    ///< an array for all elements
    Tried,   ///< the same if there is memory for it, else as below: a raise may
             ///< end the loops long before their last iterations
    Growing, ///< an array that doubles when it is full: `Nest[Head]`, the
             ///< innermost loop, is of unknown length
  };
  Room How = Room::Variable;
  bool mayGrow() const { return How == Room::Tried || How == Room::Growing; }
  /// An array that may grow: position in `Nest` of the loop each of whose
  /// iterations begins by asking for room, for all loops inside it at once.
  unsigned Step = 0;
  /// Slot that keeps the array's address, where `Head` is inside other loops.
  int BaseSlot = -1;
};

/// A copy of an object's memory, made each time the point is passed. In split
/// mode there is one more point: the end of the forward half.
struct Snapshot {
  /// The pointer that the object is reached by; loads read at an offset of it.
  llvm::Value *Base = nullptr;
  /// The objects that it may be the first byte of.
  llvm::SmallVector<unsigned, 2> Objects;
  /// -1: at the end.
  int Loop = -1;
  /// At the top of each iteration of `Loop`; else before `Loop` begins.
  bool EachIteration = false;
  bool isAtEnd() const { return Loop < 0; }
  int Slot = -1;
};

/// How many bytes an object has: needed to copy it or to give it a shadow.
struct Extent {
  enum class Form { None, Argument, Bytes, Literal };
  Form How = Form::None;
  /// Argument: its place in the request.
  int Arg = -1;
  /// Bytes: an SSA value.
  llvm::Value *Bytes = nullptr;
  uint64_t Literal = 0;
};

enum class ShadowHome {
  None,       ///< holds no active data
  Parameter,  ///< the caller's shadow
  Workspace,  ///< made on entry: a `Const` array that holds active data; see
              ///< `Plan::Workspaces`
  Allocation, ///< made where the primal is allocated
  Stack,      ///< made on entry, beside its alloca
  Returned,   ///< the caller's, of an array that the kernel returns
  Seed, ///< the kernel's result: holds the seed when the reverse sweep starts
};

/// When a shadow that the derivative makes is zeroed.
enum class Zeroed {
  Never,     ///< a tangent is written when its value is
  WhenMade,  ///< adjoints are added to it
  ByReverse, ///< split mode: the same, each time that a reverse half begins
};

struct ObjectPlan {
  llvm::Value *Base = nullptr;
  std::string Name;
  ShadowHome Shadow = ShadowHome::None;
  /// A table of pointers: its shadow keeps theirs.
  bool IsTable = false;
  Zeroed Zero = Zeroed::Never;
  /// For `Parameter`: place in the request.
  int Arg = -1;
  Extent Size;
};

/// A shadow pointer that a forward half keeps: where it may lie.
struct PlacePlan {
  /// `Duplicated` arguments, by their place in the request.
  llvm::SmallVector<unsigned, 2> Args;
  /// It may also be the address of a shadow that the derivative owns.
  bool MayBeAddress = false;
};

/// Split mode: what the forward half leaves for the reverse half, at an offset
/// of the first block of the tape.
struct FrameField {
  enum class Content {
    Value,  ///< the key `Of`
    Slot,   ///< slot `Index`: its value, or the address of its array
    Memory, ///< the bytes of stack object `Index`, or of its shadow: what `Of`
            ///< points to
  };
  Content Holds = Content::Value;
  Key Of;
  int Index = -1;
  uint64_t Offset = 0;
};

/// The result's memory in a derivative: room for what a kernel writes behind it
/// at most, aligned as Numba aligns its own.
inline constexpr uint64_t ResultPadding = 8;
inline constexpr uint64_t ResultAlign = 16;

/// The most arguments of a kernel whose derivative is split.
inline constexpr unsigned MaxSplitArguments = 500;

/// Where the reverse sweep goes after block `BB`.
struct BackPlan {
  enum class Form {
    Finish,     ///< `BB` is the entry
    To,         ///< to `Target`; all between is inactive
    Which,      ///< to the predecessor that came
    LoopHeader, ///< to the latch, or before the loop after its first iteration
  };
  Form How = Form::Finish;
  llvm::BasicBlock *Target = nullptr;
};

/// One bit per operand of an instruction: the product of the partial in it is
/// exactly zero
struct GuardPlan {
  /// where the adjoint (forward mode: the tangent) is, whatever the partial,
  uint32_t ZeroFactor = 0;
  /// where the partial is, whatever the adjoint or the tangent.
  uint32_t ZeroPartial = 0;
};

/// A call that stays a call (core/KeptCalls.h): which derivative of its callee
/// takes its place.
///
///   reverse, split   two halves; what the forward half keeps is `%frame`
///   forward          the values and their tangents at once
///   not active       the values alone: a derivative in which all is constant
///
/// The parts of a rule, if the callee has one, take the same places.
struct CallPlan {
  /// What is known of the callee, in the request of the plan.
  const FunctionInfo *Info = nullptr;
  /// The derivative: its annotations say what of this call is active. Calls
  /// with equal names have equal requests.
  Request Callee;
  bool IsActive = false;
  /// Of an active call: the pointers, among its operands and results, to memory
  /// with a shadow.
  llvm::SmallVector<llvm::Value *, 4> Shadowed;
  /// Of a rule: one bit per argument whose elements the reverse part reads and
  /// that may be written after the call: the forward part keeps a copy.
  uint64_t Copies = 0;
  /// Whether what the forward part, or half, leaves is kept as one, `%frame`. A
  /// rule's in a derivative that is embedded is not: `Words` are the values of
  /// its `RuleInfo::Words`, each a key with a source.
  bool HasFrame = true;
  llvm::SmallVector<llvm::Value *, 0> Words;
};

struct Plan {
  explicit Plan(const NormalFunction &N, const Request &Req) : N(N), Req(Req) {}

  const NormalFunction &N;
  const Request &Req;

  llvm::MapVector<Key, Source> Sources;
  std::vector<TapeSlot> Slots;
  std::vector<Snapshot> Snapshots;
  std::vector<ObjectPlan> Objects;
  /// The objects with a shadow in `Workspace`, in groups: those of one group
  /// may share memory, and then their shadows do, at the same distances.
  std::vector<llvm::SmallVector<unsigned, 2>> Workspaces;
  /// The blocks that the reverse sweep enters, in the order of the primal.
  llvm::SetVector<llvm::BasicBlock *> Reversed;
  llvm::DenseMap<llvm::BasicBlock *, BackPlan> Back;
  /// Loops that the reverse sweep runs.
  llvm::DenseMap<int, char> ReversedLoops;
  /// Float values with an adjoint, or in forward mode with a tangent:
  /// instructions and arguments.
  llvm::SetVector<llvm::Value *> Active;
  /// Products of partials with adjoints or tangents where zero times infinity
  /// must be zero; absent: none of the instruction's.
  llvm::MapVector<const llvm::Instruction *, GuardPlan> Guards;
  /// Active values whose adjoint begins and ends within one reverse block; the
  /// others' are variables.
  llvm::DenseSet<llvm::Value *> Local;
  /// Adjoints that a deeper loop sums up: their sum may be kept in vector
  /// lanes, in an order fixed by the compiled code.
  llvm::SetVector<llvm::Value *> Lanes;
  /// Innermost loops that the reverse sweep runs in strips, with the loads
  /// whose contributions are gathered first and added to shadow memory
  /// afterwards.
  llvm::MapVector<int, llvm::SmallVector<llvm::LoadInst *, 4>> Strips;
  /// Loads, stores and memory intrinsics whose shadow memory is touched.
  llvm::SetVector<llvm::Instruction *> ActiveAccesses;
  /// Stores of pointers whose shadows are stored beside them, in the shadow of
  /// the memory that keeps them.
  llvm::SetVector<llvm::StoreInst *> PointerStores;
  /// Element type of the block copies among `ActiveAccesses`; none if what is
  /// copied is constant.
  llvm::DenseMap<const llvm::Instruction *, llvm::Type *> CopiedType;

  llvm::MapVector<llvm::CallInst *, CallPlan> Calls;

  /// Split mode: the pointers whose shadows the forward half keeps as places in
  /// the shadows of arguments.
  llvm::MapVector<llvm::Value *, PlacePlan> Places;

  /// Split mode: the frame, by ascending offset.
  std::vector<FrameField> Frame;
  uint64_t FrameBytes = 0;

  /// Whether `I` is a call through which adjoints or tangents go.
  bool isActiveCall(const llvm::Value *I) const {
    auto It = Calls.find(
        const_cast<llvm::CallInst *>(llvm::dyn_cast<llvm::CallInst>(I)));
    return It != Calls.end() && It->second.IsActive;
  }
  bool isActive(const llvm::Value *V) const {
    return Active.contains(const_cast<llvm::Value *>(V));
  }
  /// Whether an adjoint or a tangent goes through `I`.
  bool carriesDerivative(const llvm::Instruction &I) const {
    return isActive(&I) || isActiveCall(&I) ||
           ActiveAccesses.contains(const_cast<llvm::Instruction *>(&I));
  }
  const Source *sourceOf(Key K) const {
    auto It = Sources.find(K);
    return It == Sources.end() ? nullptr : &It->second;
  }
  void print(llvm::raw_ostream &OS) const;
};

/// The keys that recomputing or reloading `K` reads. For a load from a snapshot
/// (`Root` is its base): the indices on the way from that base.
llvm::SmallVector<Key, 4> operandsOf(Key K, const llvm::Value *Root = nullptr);

/// Whether all that hands an adjoint back to `V` lies in its own block.
bool isLocalAdjoint(const Plan &P, const llvm::Value *V);

} // namespace pyfront

#endif
