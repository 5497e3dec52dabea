//===- LargeCallees.cpp - Which calls stay for the size of the program ----===//
///
/// \file
/// Inlining makes a copy of a function for each call of it, and all stages take
/// their time over each copy. Where the copies of one function are too much,
/// its calls stay calls:
///
///   kernel calls `step` 100 times, 3,000 instructions each
///     inlined: 100 copies      kept: one function, one derivative of it
///
/// What is inlined has the better derivative: its memory is the kernel's, its
/// values need no frame. So the limit is high: programs that compile within
/// seconds are inlined. Functions are taken one by one, the one that saves most
/// first, until no function is above the limit.
///
/// Of such a function only numbers may come back (an array would be another
/// one than the function returns, core/KeptCalls.h), and none may be called
/// below a `try`.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/KeepCalls.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SCCIterator.h"
#include "llvm/Analysis/CallGraph.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace pyfront {

namespace {

/// How many captured instructions the copies of one function may have, the
/// first not counted. About ten become one in the prepared kernel, of which an
/// engine handles some thousand in a second.
constexpr uint64_t MostCopied = 60'000;

/// The calls of functions with a body, and how large all of it becomes.
class InlinedSizes {
public:
  InlinedSizes(Module &M, Function &Kernel,
               const SmallPtrSetImpl<Function *> &Staying);

  /// Instructions, those of what is inlined included.
  uint64_t sizeOf(Function *F) const { return Sizes.lookup(F); }
  /// How often `F` is there once all is inlined, if its calls do not stay.
  uint64_t copiesOf(Function *F) const { return Copies.lookup(F); }

private:
  using Calls = SmallMapVector<Function *, uint64_t, 8>;

  /// Callees first, without the functions that only a cycle reaches.
  SmallVector<Function *, 32> Order;
  DenseMap<Function *, Calls> CallsIn;
  DenseMap<Function *, uint64_t> Sizes, Copies;
};

InlinedSizes::InlinedSizes(Module &M, Function &Kernel,
                           const SmallPtrSetImpl<Function *> &Staying) {
  CallGraph Graph(M);
  for (auto It = scc_begin(&Graph); !It.isAtEnd(); ++It)
    for (CallGraphNode *Node : *It)
      if (Function *F = Node->getFunction(); F && !F->isDeclaration())
        Order.push_back(F);
  for (Function *F : Order) {
    Calls &Here = CallsIn[F];
    uint64_t Size = F->getInstructionCount();
    for (Instruction &I : instructions(*F))
      if (auto *Call = dyn_cast<CallBase>(&I))
        if (Function *Callee = Call->getCalledFunction();
            Callee && !Callee->isDeclaration() && !Staying.contains(Callee)) {
          ++Here[Callee];
          Size = SaturatingAdd(Size, Sizes.lookup(Callee));
        }
    Sizes[F] = Size;
  }
  for (Function *F : reverse(Order)) {
    if (F == &Kernel || Staying.contains(F))
      Copies[F] = 1;
    for (auto [Callee, Times] : CallsIn[F])
      Copies[Callee] =
          SaturatingMultiplyAdd(Copies.lookup(F), Times, Copies.lookup(Callee));
  }
}

} // namespace

SmallVector<Function *, 4>
largeCallees(Module &M, Function &Kernel, const Request &Req,
             const SmallPtrSetImpl<Function *> &Recursive) {
  SmallVector<Function *, 4> Large;
  SmallPtrSet<Function *, 16> Caught = caughtFunctions(M);
  SmallVector<Function *, 16> Candidates;
  for (const FunctionInfo &Info : Req.Functions)
    if (Function *F = M.getFunction(Info.Primal);
        F && !F->isDeclaration() && F != &Kernel && !Info.Rule &&
        Info.Arrays.empty() && !Recursive.contains(F) && !Caught.contains(F))
      Candidates.push_back(F);
  SmallPtrSet<Function *, 8> Staying(Recursive.begin(), Recursive.end());
  while (!Candidates.empty()) {
    InlinedSizes Inlined(M, Kernel, Staying);
    auto Copied = [&](Function *F) {
      uint64_t Copies = Inlined.copiesOf(F);
      return SaturatingMultiply(Copies == 0 ? 0 : Copies - 1,
                                Inlined.sizeOf(F));
    };
    Function **Most = max_element(Candidates, [&](Function *A, Function *B) {
      return Copied(A) < Copied(B);
    });
    if (Copied(*Most) <= MostCopied)
      break;
    Staying.insert(*Most);
    Large.push_back(*Most);
    Candidates.erase(Most);
  }
  return Large;
}

} // namespace pyfront
