//===- NumbaFailures.cpp - Raises that leave, raises that are caught ------===//
///
/// \file
/// Numba's calling convention is `i32 f(ptr ret, ptr excinfo, args...)`: status
/// 0 is success, RETCODE_NONE success without a value, all else a raise with
/// `*excinfo` set. In a derivative a raise that nobody catches leaves before
/// the reverse sweep, so it becomes a marker that ends the path:
///
///   store ptr @exc, ptr %excinfo        store ptr @exc, ptr %excinfo
///   ret i32 1                     ->    %e = load ptr, ptr %excinfo
///                                       call void @pyfront.fail(i32 1, ptr %e)
///                                       unreachable
///
/// A caller's own test of the status then folds away after inlining. Where a
/// function has a `try`, what it calls may be caught: there, and in all that
/// is called from there, a raise stays what it is, a return, and the handler
/// is a branch like others. A derivative that is called there has the marker
/// in it already (it is embedded); for it the picture is read from right to
/// left.
///
/// The kernel's own `*excinfo`, which a `try` asks for, is a variable.
///
/// An exception with arguments that are computed when it is raised carries them
/// in memory that its catcher frees, with one reference to each array. All
/// other counts are dropped, so those are put back for arrays of the caller;
/// what the kernel owns does not live that long (plan/Refuse.cpp).
//===----------------------------------------------------------------------===//
#include "core/KeptCalls.h"
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace pyfront {

namespace {

constexpr int64_t RetcodeNone = -2;

/// Nobody else knows where the result and the exception go. (Names are no help:
/// they are read only if somebody wants to see them.)
bool hasNumbaConvention(const Function &F) {
  return !F.isDeclaration() && F.getReturnType()->isIntegerTy(32) &&
         F.arg_size() >= 2 && all_of(seq(2u), [&](unsigned I) {
           return F.getArg(I)->getType()->isPointerTy() &&
                  F.hasParamAttribute(I, Attribute::NoAlias);
         });
}

FunctionCallee failMarker(Module &M) {
  LLVMContext &C = M.getContext();
  FunctionCallee Fail =
      M.getOrInsertFunction(marker::Fail, Type::getVoidTy(C),
                            Type::getInt32Ty(C), PointerType::getUnqual(C));
  auto *F = cast<Function>(Fail.getCallee());
  F->setDoesNotReturn();
  F->setDoesNotThrow();
  // It reads nothing of the kernel's: without this, GVN would keep every store
  // of a loop alive for a raise that the derivative handles by leaving.
  F->addFnAttr(Attribute::Cold);
  return Fail;
}

/// `I` if it is the marker of a raise.
CallInst *asRaise(Instruction *I) {
  auto *Call = dyn_cast<CallInst>(I);
  const Function *Callee = Call ? Call->getCalledFunction() : nullptr;
  return Callee && Callee->getName() == marker::Fail ? Call : nullptr;
}

/// Whether `F` has a `try`: it counts how many it is in, which capture marks.
bool catches(const Function &F) {
  return any_of(instructions(F), [](const Instruction &I) {
    return I.hasMetadata() && I.getMetadata("pyfront.try");
  });
}

/// A return that raises becomes the marker.
void leaveAtRaises(Function &F) {
  SmallVector<ReturnInst *, 8> Raises;
  for (BasicBlock &BB : F)
    if (auto *Ret = dyn_cast<ReturnInst>(BB.getTerminator())) {
      auto *Status = dyn_cast<ConstantInt>(Ret->getReturnValue());
      if (!Status ||
          (!Status->isZero() && Status->getSExtValue() != RetcodeNone))
        Raises.push_back(Ret);
    }
  for (ReturnInst *Ret : Raises) {
    IRBuilder<> B(Ret);
    Value *Info = B.CreateLoad(B.getPtrTy(), F.getArg(1));
    B.CreateCall(failMarker(*F.getParent()), {Ret->getReturnValue(), Info});
    B.CreateUnreachable();
    Ret->eraseFromParent();
  }
}

/// The marker, in a derivative whose caller may catch, becomes a return.
void returnAtRaises(Function &F) {
  SmallVector<CallInst *, 8> Raises;
  for (Instruction &I : instructions(F))
    if (CallInst *Raise = asRaise(&I))
      Raises.push_back(Raise);
  for (CallInst *Raise : Raises) {
    IRBuilder<> B(Raise);
    B.CreateStore(Raise->getArgOperand(1), F.getArg(0));
    B.CreateRet(Raise->getArgOperand(0));
    Instruction *End = Raise->getParent()->getTerminator();
    Raise->eraseFromParent();
    End->eraseFromParent();
  }
}

bool isAllocation(const Value *V) {
  auto *Call = dyn_cast<CallBase>(V);
  const Function *Callee = Call ? Call->getCalledFunction() : nullptr;
  return Callee && Callee->getName() == marker::ExceptionMemory;
}

/// Numba takes the memory of an exception, and of its arguments, from where it
/// takes that of temporary arrays, which is memory of the call.
void lowerTemporaries(Function &F) {
  SmallPtrSet<const Value *, 8> Raised;
  SmallVector<CallBase *, 8> Allocations;
  auto IsRaised = [&](const StoreInst &Store) {
    const Value *To = getUnderlyingObject(Store.getPointerOperand(), 0);
    return Raised.contains(To) || (F.arg_size() > 1 && To == F.getArg(1));
  };
  for (Instruction &I : instructions(F))
    if (CallInst *Raise = asRaise(&I)) {
      SmallVector<const Value *, 4> Roots;
      getUnderlyingObjects(Raise->getArgOperand(1), Roots, nullptr, 0);
      Raised.insert_range(Roots);
    }
  // The arguments are stored in the exception once that is there.
  for (unsigned Round = 0; Round < 2; ++Round)
    for (Instruction &I : instructions(F))
      if (auto *Store = dyn_cast<StoreInst>(&I)) {
        const Value *Stored = Store->getValueOperand()->stripPointerCasts();
        if (isAllocation(Stored) && IsRaised(*Store))
          Raised.insert(Stored);
      }
  for (Instruction &I : instructions(F))
    if (isAllocation(&I) && !Raised.contains(&I))
      Allocations.push_back(cast<CallBase>(&I));
  for (CallBase *Call : Allocations) {
    IRBuilder<> B(Call);
    Value *Bytes = B.CreateZExtOrTrunc(Call->getArgOperand(0), B.getInt64Ty());
    Call->replaceAllUsesWith(B.CreateCall(
        marker::declareAllocate(*F.getParent()), {Bytes, B.getInt64(64)}));
    Call->eraseFromParent();
  }
}

/// What an exception that is caught was to carry is memory that nobody reads:
/// LLVM drops it if it knows that this is an allocation.
void describeAllocation(Module &M) {
  Function *F = M.getFunction(marker::ExceptionMemory);
  if (!F || !F->isDeclaration())
    return;
  LLVMContext &C = M.getContext();
  F->addFnAttr(Attribute::get(
      C, Attribute::AllocKind,
      static_cast<uint64_t>(AllocFnKind::Alloc | AllocFnKind::Uninitialized)));
  F->addFnAttr(Attribute::get(C, "alloc-family", "numba"));
  F->setDoesNotThrow();
  F->setOnlyAccessesInaccessibleMemory();
  F->addFnAttr(Attribute::WillReturn);
  F->setReturnDoesNotAlias();
  F->addRetAttr(Attribute::NonNull);
}

/// The pointer to what is raised becomes a variable, null at first.
void makeFailureLocal(Function &Kernel) {
  IRBuilder<> B(&Kernel.getEntryBlock(), Kernel.getEntryBlock().begin());
  AllocaInst *Raised = B.CreateAlloca(B.getPtrTy(), nullptr, "raised");
  B.CreateStore(ConstantPointerNull::get(B.getPtrTy()), Raised);
  Kernel.getArg(1)->replaceAllUsesWith(Raised);
}

bool isMemInfo(const Value *V, const Request &Req) {
  auto *A = dyn_cast<Argument>(V);
  return A && any_of(Req.Args, [&](const ArgInfo &Arg) {
           return Arg.isArray() && Arg.FirstParam == A->getArgNo();
         });
}

} // namespace

SmallPtrSet<Function *, 16> caughtFunctions(Module &M) {
  SmallPtrSet<Function *, 16> Caught;
  SmallVector<Function *, 16> Work;
  for (Function &F : M)
    if (hasNumbaConvention(F) && catches(F))
      Work.push_back(&F);
  while (!Work.empty())
    for (Instruction &I : instructions(*Work.pop_back_val()))
      if (auto *Call = dyn_cast<CallBase>(&I))
        if (Function *Callee = Call->getCalledFunction();
            Callee && !Callee->isDeclaration() && Caught.insert(Callee).second)
          Work.push_back(Callee);
  return Caught;
}

void countCarriedArrays(Function &F, const Request &Req) {
  SmallVector<StoreInst *, 8> Carried;
  for (Instruction &I : instructions(F))
    if (auto *Store = dyn_cast<StoreInst>(&I);
        Store && marker::isCarriedByException(*Store)) {
      SmallVector<const Value *, 4> Roots;
      getUnderlyingObjects(Store->getValueOperand(), Roots, nullptr, 0);
      if (any_of(Roots, [&](const Value *V) { return isMemInfo(V, Req); }))
        Carried.push_back(Store);
    }
  for (StoreInst *Store : Carried) {
    IRBuilder<> B(Store);
    FunctionCallee Count = F.getParent()->getOrInsertFunction(
        "NRT_incref", B.getVoidTy(), B.getPtrTy());
    B.CreateCall(Count, {Store->getValueOperand()});
  }
}

/// The status of a call that stays a call is not a value.
static void refuseCaughtCalls(const Function &F, DiagnosticSink &Sink) {
  for (const Instruction &I : instructions(F))
    if (kept::isKept(&I))
      Sink.unsupported(I,
                       "a call of a function that calls itself, or that has a "
                       "rule (BLAS and LAPACK have), below a `try`",
                       "catch what it raises outside of the kernel");
}

void lowerNumbaFailures(Module &M, ArrayRef<Function *> Kept,
                        DiagnosticSink &Sink) {
  SmallPtrSet<Function *, 16> Caught = caughtFunctions(M);
  for (Function &F : M)
    if (Caught.contains(&F) || (hasNumbaConvention(F) && catches(F)))
      refuseCaughtCalls(F, Sink);
  for (Function &F : M) {
    lowerTemporaries(F);
    if (Caught.contains(&F))
      returnAtRaises(F);
    else if (hasNumbaConvention(F))
      leaveAtRaises(F);
  }
  for (Function *F : Kept)
    makeFailureLocal(*F);
  describeAllocation(M);
}

} // namespace pyfront
