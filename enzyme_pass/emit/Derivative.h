//===- Derivative.h - The function under construction ---------------------===//
///
/// \file
/// What the emitter's parts share: the new function, its parameters, the map
/// from primal values to the forward sweep, and the few calls into the run-time
/// library. All variables (adjoints, counters, slots of straight code) are
/// allocas of the `enter` block, which LLVM turns into SSA values.
///
/// Invariant: primal memory, shadow memory and tape are disjoint; every access
/// is tagged with its side, so that LLVM may reorder and vectorize across them.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_EMIT_DERIVATIVE_H
#define PYFRONT_EMIT_DERIVATIVE_H

#include "enzyme_pass/emit/Batch.h"
#include "enzyme_pass/plan/Plan.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/ValueMapper.h"

namespace pyfront {

enum class Side { Primal, Shadow, Tape };

/// Returned when the arena has no memory for the tape (Seam 2).
inline constexpr int OutOfMemoryStatus = PYFRONT_OUT_OF_MEMORY;

class Derivative {
public:
  /// Declares the function by Seam 2, with an `enter` block.
  explicit Derivative(const Plan &P);

  const Plan &P;
  const Batch W;
  llvm::Function *G = nullptr;
  llvm::BasicBlock *Enter = nullptr;
  /// Where the reverse sweep begins; null in forward mode.
  llvm::BasicBlock *Turn = nullptr;
  /// Primal value -> value of the forward sweep.
  llvm::ValueToValueMapTy Clones;
  /// By argument of the request: where its shadow, its adjoint or its tangent
  /// is; null for constants.
  llvm::SmallVector<llvm::Argument *, 8> Derivatives;
  /// Reverse mode: the result's adjoint (of a batch: where they are). Forward
  /// mode: where to store the result's tangent.
  llvm::Argument *Seed = nullptr, *Tangent = nullptr;
  /// Where to store the result.
  llvm::Argument *Value = nullptr;
  /// Of a derivative whose caller is another one: in split mode, the tape whose
  /// memory it takes; null there is the arena.
  llvm::Argument *Lender = nullptr;
  /// Where the kernel stores its result, and its shadow.
  llvm::Value *Result = nullptr, *ResultShadow = nullptr;

  /// A variable of `enter`.
  llvm::AllocaInst *variable(llvm::Type *Ty, const llvm::Twine &Name);
  /// A variable that only the reverse sweep uses: its half has it.
  llvm::AllocaInst *variableOfReverse(llvm::Type *Ty, const llvm::Twine &Name);
  /// By calls that stay: the memory of the result and, in forward mode, of its
  /// tangent; of a rule, of each lane's result and tangent.
  llvm::DenseMap<llvm::CallInst *, llvm::Value *> ResultsOf;
  llvm::DenseMap<llvm::CallInst *, llvm::SmallVector<llvm::Value *, 4>>
      TangentFrames;
  /// What the reverse sweep calls may raise: where that is stored, and the end
  /// of the call then. Adjoints have been added to shadows by then. The reverse
  /// half of a split derivative says that it has failed, and not why.
  llvm::Value *excinfoOfReverse(llvm::IRBuilder<> &B);
  void leaveReverseIfFailed(llvm::IRBuilder<> &B, llvm::Value *Status);
  /// Writes at the end of `enter`.
  llvm::IRBuilder<> atEnter() const {
    return llvm::IRBuilder<>(Enter->getTerminator());
  }
  /// Memory of the arena. Splits `B`'s block: without memory the derivative
  /// returns `OutOfMemoryStatus`.
  llvm::Value *allocate(llvm::IRBuilder<> &B, llvm::Value *Bytes, Zeroed When,
                        const llvm::Twine &Name);
  /// The same, but null where there is no memory. Not for a derivative that is
  /// embedded.
  llvm::Value *tryAllocate(llvm::IRBuilder<> &B, llvm::Value *Bytes,
                           const llvm::Twine &Name);
  /// `Array` is the growing array of a slot, with `Old` elements of type `Ty`;
  /// the result has room for `New`.
  llvm::Value *grow(llvm::IRBuilder<> &B, llvm::Value *Array, llvm::Type *Ty,
                    llvm::Value *Old, llvm::Value *New);
  /// Gives the memory back: at the end of the sweeps; of a call that has
  /// failed. The halves of a split derivative leave the tape to its owner.
  void leaveArena(llvm::IRBuilder<> &B);
  void giveUp(llvm::IRBuilder<> &B);
  /// Gives up, with the status of a call, where it is not 0.
  void leaveIfFailed(llvm::IRBuilder<> &B, llvm::Value *Status);
  bool isSplit() const { return P.Req.How == Mode::Split; }
  /// Split mode: the call that opens the tape.
  llvm::CallInst *tape() const { return llvm::cast<llvm::CallInst>(Owner); }
  /// Split mode: the frame in the forward half, its address in either half, and
  /// a field of it. (SplitMemory.cpp)
  llvm::Value *FrameBase = nullptr;
  llvm::Value *loadFrame(llvm::IRBuilder<> &B);
  /// The same for the derivatives that this one calls.
  llvm::Value *ownerForCallees() const;
  llvm::Value *frameAt(llvm::IRBuilder<> &B, llvm::Value *Base,
                       uint64_t Offset) const;
  /// In the forward half, the memory in the frame that `K` points to; null if
  /// the plan has it elsewhere.
  llvm::Value *memoryInFrame(Key K);
  /// The type of the result's memory.
  llvm::Type *resultType() const;
  /// Split mode: zeroes the shadows in the tape. (SplitMemory.cpp)
  void rewind(llvm::IRBuilder<> &B);
  /// What takes a mark of the arena, and what returns to it.
  llvm::FunctionCallee enterCallee();
  llvm::FunctionCallee leaveCallee();
  /// Calls `Visit` with the type and the offset of each number of the result.
  void eachResult(
      llvm::function_ref<void(llvm::Type *Ty, unsigned Offset)> Visit) const;
  /// The same for the floats in memory of seeds, tangents or shadows, where an
  /// offset is that of a float's lanes.
  void eachFloatResult(
      llvm::function_ref<void(llvm::Type *Ty, unsigned Offset)> Visit) const;
  llvm::Value *resultAt(llvm::IRBuilder<> &B, llvm::Value *Base,
                        unsigned Offset) const;
  /// What a callee has returned at `Value` goes to the variables of its
  /// numbers, the first operands of the marker's clone.
  void storeResults(llvm::IRBuilder<> &B, llvm::CallInst &Clone,
                    llvm::ArrayRef<ResultInfo> Results,
                    llvm::Value *Value) const;
  /// Reads and writes one element of shadow memory, all members of a batch.
  llvm::LoadInst *loadShadow(llvm::IRBuilder<> &B, llvm::Type *Ty,
                             llvm::Value *Shadow, llvm::Align A,
                             const llvm::Twine &Name = "") const;
  void storeShadow(llvm::IRBuilder<> &B, llvm::Value *Value,
                   llvm::Value *Shadow, llvm::Align A) const;
  /// `Partial * V`, a contribution to the adjoint of an operand of `I` or to
  /// the tangent of `I`. Where the plan guards the product, it is zero if a
  /// factor is exactly zero, though the other is infinite or NaN.
  llvm::Value *contribution(llvm::IRBuilder<> &B, const llvm::Instruction &I,
                            unsigned Operand, llvm::Value *Partial,
                            llvm::Value *V) const;
  /// Tags a load, a store or a memory intrinsic.
  void tag(llvm::Instruction *I, Side S) const;

  llvm::Type *i64() const { return llvm::Type::getInt64Ty(G->getContext()); }
  llvm::PointerType *ptr() const {
    return llvm::PointerType::getUnqual(G->getContext());
  }

private:
  void declare();
  void nameParameters();
  void makeScopes();
  llvm::FunctionCallee runtime(llvm::StringRef Name, llvm::Type *Ret,
                               llvm::ArrayRef<llvm::Type *> Params);
  void returnIfNull(llvm::IRBuilder<> &B, llvm::Value *Memory);
  llvm::CallInst *callAllocator(llvm::IRBuilder<> &B,
                                llvm::FunctionCallee Callee,
                                llvm::ArrayRef<llvm::Value *> Args,
                                const llvm::Twine &Name);
  llvm::CallInst *callArena(llvm::IRBuilder<> &B, llvm::Value *Bytes,
                            Zeroed When, const llvm::Twine &Name);
  // SplitMemory.cpp
  llvm::CallInst *openTape(llvm::IRBuilder<> &B);
  llvm::CallInst *allocateInTape(llvm::IRBuilder<> &B, llvm::Value *Bytes,
                                 bool IsShadow, const llvm::Twine &Name);
  void freeTape(llvm::IRBuilder<> &B);
  // Embedded.cpp
  llvm::Value *allocateEmbedded(llvm::IRBuilder<> &B, llvm::Value *Bytes,
                                Zeroed When, const llvm::Twine &Name);
  llvm::Value *growEmbedded(llvm::IRBuilder<> &B, llvm::Value *Array,
                            llvm::Type *Ty, llvm::Value *Old, llvm::Value *New);

  /// The arena's mark; split mode: the tape.
  llvm::Value *Owner = nullptr;
  llvm::MDNode *Scope[3] = {}, *Others[3] = {};
};

/// Declares a function that is to be defined, in the place of its declaration if
/// there is one.
llvm::Function *define(llvm::Module &M, llvm::FunctionType *Ty,
                       const llvm::Twine &Name);

/// The extent of an object's memory in the forward sweep: `Low` is the byte
/// offset of its first byte from the base (negative strides), `Bytes` the size.
struct Span {
  llvm::Value *Low;
  llvm::Value *Bytes;
};
Span spanOf(Derivative &D, llvm::IRBuilder<> &B, const Extent &Size);

} // namespace pyfront

#endif
