//===- Refuse.cpp - What has no derivative here, by source line -----------===//
///
/// \file
/// Only paths to the success exit count: what a raise does on its way out is
/// not differentiated. There is no `assume inactive`: a call that the rule
/// table does not know is refused even with constant operands, for it may write
/// memory.
//===----------------------------------------------------------------------===//
#include "core/KeptCalls.h"
#include "core/rules/Rules.h"
#include "enzyme_pass/plan/Planner.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace pyfront {

namespace {

class Refuser {
public:
  Refuser(const NormalFunction &N, const Request &Req, const Facts &Known,
          DiagnosticSink &Sink)
      : N(N), Req(Req), Known(Known), Sink(Sink) {}

  /// Reports everything that stands in the way, once for each line: what says
  /// most of it comes first.
  bool run() {
    bool IsFine = checkObjects();
    for (Telling Kind : {Telling::Name, Telling::Exception, Telling::Rest})
      for (const BasicBlock *BB : N.Order)
        for (const Instruction &I : *BB)
          if (tellingOf(I) == Kind)
            IsFine &= check(I);
    for (const BasicBlock &BB : *N.F)
      for (const Instruction &I : BB)
        if (auto *Store = dyn_cast<StoreInst>(&I); Store && !N.isLive(&BB))
          IsFine &= checkCarried(*Store);
    return IsFine;
  }

private:
  /// What a refusal of an instruction can say: a call that the rules know by
  /// name; the memory of an exception, which other operations use too; else
  /// what the instruction does.
  enum class Telling { Name, Exception, Rest };
  static Telling tellingOf(const Instruction &I) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || rules::whyUnsupported(*Call).empty())
      return Telling::Rest;
    return Call->getCalledFunction()->getName() == marker::ExceptionMemory
               ? Telling::Exception
               : Telling::Name;
  }
  bool refuse(const Instruction &I, const Twine &What, const Twine &Help = "") {
    SourceLocation Line = locationOf(I);
    if (none_of(Sink.all(),
                [&](const Diagnostic &D) { return D.Where == Line; }))
      Sink.unsupported(I, What, Help);
    return false;
  }
  bool check(const Instruction &I);
  /// What an exception carries out of the kernel must live on.
  bool checkCarried(const StoreInst &Store);
  bool checkCall(const CallBase &Call);
  bool checkKept(const CallInst &Call);
  bool isGivenVaried(const CallInst &Call) const;
  std::string whatItWrites(const CallInst &Call,
                           const FunctionInfo &Info) const;
  bool isNumberOfResult(const Instruction &I, const Value *Ptr) const;
  bool checkMemory(const Instruction &I, const Value *Ptr);
  /// Memory intrinsics on active memory: typed, and not onto themselves.
  bool checkActiveCopy(const MemIntrinsic &Mem);
  bool checkActive(const Instruction &I);
  bool checkObjects();

  const NormalFunction &N;
  const Request &Req;
  const Facts &Known;
  DiagnosticSink &Sink;
};

bool Refuser::isGivenVaried(const CallInst &Call) const {
  return any_of(Call.args(),
                [&](const Value *V) {
                  return V->getType()->isFloatingPointTy() &&
                         Known.Activity.isVaried(V);
                }) ||
         any_of(kept::memoryOf(Call), [&](const kept::Memory &M) {
           return M.isRead() && M.isOfFloats() &&
                  Known.Activity.isVariedMemory(M.Ptr);
         });
}

bool Refuser::checkKept(const CallInst &Call) {
  const FunctionInfo &Info =
      *find_if(Req.Functions, [&](const FunctionInfo &F) {
        return F.Primal == kept::calleeOf(Call);
      });
  std::string Name = "`" + Info.Name + "`";
  if (Req.Embedded && !Info.Rule)
    return refuse(Call,
                  "a derivative of a derivative of a kernel that calls " +
                      Name + ", which calls itself",
                  "write the recursion as a loop with an explicit stack");
  if (!Info.Rule)
    return true;
  const RuleInfo &Rule = *Info.Rule;
  if (!Rule.Strict.empty() && isGivenVaried(Call))
    return refuse(Call,
                  "a call of " + Name +
                      " with what a derivative is taken in, which has none "
                      "through it",
                  Rule.Strict);
  if (!isActiveCall(Call, Known.Activity))
    return true;
  if (Rule.IsInactive)
    return refuse(Call,
                  "a call of " + Name + ", which is inactive and " +
                      whatItWrites(Call, Info),
                  "let it write a copy or a `Const` array, or give it a rule");
  if (!Rule.Refuses.empty())
    return refuse(Call, "a call of " + Name + ", " + Rule.Refuses.front(),
                  Rule.Refuses.back());
  return true;
}

std::string Refuser::whatItWrites(const CallInst &Call,
                                  const FunctionInfo &Info) const {
  for (unsigned Place : Info.Rule->Writes) {
    const ArgInfo &A = Info.Args[Place];
    const Value *Data =
        Call.getArgOperand(kept::operandAt(Call, A.FirstParam) + numba::Data);
    if (isFloat(A.Type) && Known.Activity.isActiveMemory(Data))
      return (is_contained(Info.Rule->SurelyWrites, Place) ? "writes"
                                                           : "may write") +
             std::string(" an array that has a derivative");
  }
  return "returns an array that gets a derivative";
}

bool Refuser::checkCall(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  if (!Callee)
    return refuse(Call, "a call through a function pointer",
                  "call the function by its name");
  if (marker::isMarker(Call))
    return true;
  if (kept::isKept(&Call))
    return checkKept(cast<CallInst>(Call));
  if (auto *Mem = dyn_cast<MemIntrinsic>(&Call)) {
    if (Mem->isVolatile())
      return refuse(Call, "a volatile copy");
    return true;
  }
  if (auto *II = dyn_cast<IntrinsicInst>(&Call);
      II && II->isAssumeLikeIntrinsic())
    return true;
  if (rules::isInactivePure(Call) || rules::lookup(Call))
    return true;
  if (!Callee->isDeclaration())
    return refuse(Call, "a recursive call",
                  "write the recursion as a loop with an explicit stack");
  std::string What = rules::whyUnsupported(Call).str();
  if (What.empty())
    What = ("a call of `" + Callee->getName() + "`").str();
  return refuse(Call, What,
                Callee->getName() == marker::ExceptionMemory
                    ? "raise it with arguments that are constants"
                    : "write this operation as loops over arrays and scalars");
}

/// Whether `I` accesses one number of the result, as the type that it has:
/// numbers of different types may be neighbours there.
bool Refuser::isNumberOfResult(const Instruction &I, const Value *Ptr) const {
  const DataLayout &DL = N.F->getParent()->getDataLayout();
  APInt Offset(DL.getIndexTypeSizeInBits(Ptr->getType()), 0);
  if (Ptr->stripAndAccumulateInBoundsConstantOffsets(DL, Offset) !=
          N.Sig.Result ||
      !isa<LoadInst, StoreInst>(I))
    return false;
  // None in a tuple is a null pointer.
  if (auto *Store = dyn_cast<StoreInst>(&I);
      Store && isa<ConstantPointerNull>(Store->getValueOperand()))
    return true;
  Type *Ty = getLoadStoreType(&I);
  return any_of(Req.Results, [&](const ResultInfo &R) {
    return R.Offset == Offset && isFloat(R.Type) == isDifferentiableType(Ty) &&
           bitsOf(R.Type) == DL.getTypeStoreSizeInBits(Ty);
  });
}

bool Refuser::checkMemory(const Instruction &I, const Value *Ptr) {
  if (Known.Objects.isUnknown(Ptr))
    return refuse(I,
                  "memory that is reached through a pointer kept in memory "
                  "(a list, a tuple of arrays, an object)",
                  "pass each array as an argument of its own");
  if (auto *Store = dyn_cast<StoreInst>(&I)) {
    if (Store->isVolatile() || Store->isAtomic())
      return refuse(I, "an atomic or volatile store");
    const Value *V = Store->getValueOperand();
    if (V->getType()->isPointerTy() && !isa<Constant>(V) &&
        !Known.Objects.holdsKnownPointers(Ptr))
      return refuse(I, "an array or a pointer that is stored in memory",
                    "keep arrays in local names");
  }
  if (auto *Load = dyn_cast<LoadInst>(&I))
    if (Load->isVolatile() || Load->isAtomic())
      return refuse(I, "an atomic or volatile load");
  if (!Known.Activity.isActiveMemory(Ptr))
    return true;
  for (unsigned O : Known.Objects.pointsTo(Ptr)) {
    const MemoryObject &Object = Known.Objects[O];
    if (Object.Kind == ObjectKind::Outside ||
        Object.Kind == ObjectKind::Literal)
      return refuse(I, "a global array that is used in place of active data",
                    "copy it into a local array first");
    if (Known.Types.of(O) == ElementType::Mixed && !isNumberOfResult(I, Ptr))
      return refuse(I,
                    "memory of `" + Object.Name +
                        "` that is used as floats and as something else",
                    "use one array per element type");
  }
  return true;
}

bool Refuser::checkCarried(const StoreInst &Store) {
  if (!marker::isCarriedByException(Store))
    return true;
  SmallVector<const Value *, 4> Roots;
  getUnderlyingObjects(Store.getValueOperand(), Roots, nullptr, 0);
  auto DiesWithTheCall = [](const Value *V) {
    auto *Call = dyn_cast<CallBase>(V);
    return isa<AllocaInst, LoadInst>(V) || (Call && marker::isMarker(*Call));
  };
  if (none_of(Roots, DiesWithTheCall))
    return true;
  return refuse(Store,
                "an exception that carries an array or a text which the kernel "
                "has made before",
                "let it carry numbers, or a text that is made where it is "
                "raised");
}

bool Refuser::checkActiveCopy(const MemIntrinsic &Mem) {
  if (marker::isReturned(Mem.getRawDest()))
    for (unsigned O :
         Known.Objects.pointsTo(cast<MemTransferInst>(Mem).getRawSource()))
      if (Known.Objects[O].Kind != ObjectKind::Allocation)
        return refuse(Mem,
                      "a function that calls itself and returns an array which "
                      "it has not made itself",
                      "return a copy of it");
  if (!Known.Activity.isActiveMemory(Mem.getRawDest()))
    return true;
  if (auto *Copy = dyn_cast<MemTransferInst>(&Mem)) {
    for (unsigned O : Known.Objects.pointsTo(Copy->getRawDest()))
      if (ElementType T = Known.Types.of(O);
          T != ElementType::Float64 && T != ElementType::Float32)
        return refuse(Mem, "a block copy of memory whose elements are unknown",
                      "write it as a loop over the elements");
    // What a memcpy copies is apart from where it goes, or the same.
    SmallVector<Access, 2> Both = accessesOf(Mem);
    if (isa<MemMoveInst>(Copy) && Known.Objects.mayTouch(Both[0], Both[1]))
      return refuse(Mem, "a block copy between parts of one array",
                    "write it as a loop over the elements");
  }
  return true;
}

bool Refuser::checkActive(const Instruction &I) {
  if (!Known.Activity.isActive(&I))
    return true;
  if (!isDifferentiableType(I.getType()))
    return refuse(I,
                  "an operation on the bits of a float that the result "
                  "depends on",
                  "write it with float arithmetic");
  if (isa<LoadInst, PHINode, SelectInst, FreezeInst, FPExtInst, FPTruncInst>(
          I) ||
      rules::lookup(I))
    return true;
  return refuse(I, "an operation without a derivative rule: " +
                       Twine(I.getOpcodeName()));
}

bool Refuser::check(const Instruction &I) {
  if (isa<InvokeInst, CallBrInst, IndirectBrInst, SwitchInst, FenceInst,
          AtomicRMWInst, AtomicCmpXchgInst, VAArgInst>(I))
    return refuse(I, "an operation of this kind: " + Twine(I.getOpcodeName()));
  if (I.getType()->isVectorTy())
    return refuse(I, "a vector operation");
  if (auto *Alloca = dyn_cast<AllocaInst>(&I);
      Alloca && !Alloca->isStaticAlloca())
    return refuse(I, "stack memory of a size known only at run time",
                  "use np.empty");
  if (auto *Call = dyn_cast<CallBase>(&I); Call && !checkCall(*Call))
    return false;
  for (const Access &A : accessesOf(I))
    if (!A.isAnything() && !checkMemory(I, A.Ptr))
      return false;
  if (auto *Mem = dyn_cast<MemIntrinsic>(&I); Mem && !checkActiveCopy(*Mem))
    return false;
  return checkActive(I);
}

bool Refuser::checkObjects() {
  if (Req.How == Mode::Split && Req.Args.size() > MaxSplitArguments) {
    Sink.unsupported(*N.F,
                     "a split derivative of more than " +
                         Twine(MaxSplitArguments) + " arguments",
                     "pass one array instead of many");
    return false;
  }
  return true;
}

} // namespace

bool refuseUnsupported(const NormalFunction &N, const Request &Req,
                       const Facts &Known, DiagnosticSink &Sink) {
  return Refuser(N, Req, Known, Sink).run();
}

} // namespace pyfront
