//===- KeptCalls.cpp - How: attributes of a declaration -------------------===//
#include "core/KeptCalls.h"
#include "core/NormalFunction.h"
#include "core/Signature.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Instructions.h"

using namespace llvm;

namespace pyfront::kept {

namespace {

constexpr StringLiteral Prefix = "pyfront.call.";
constexpr StringLiteral ArrayNote = "pyfront.array";
constexpr StringLiteral ResultNote = "pyfront.result";
constexpr StringLiteral ArraysNote = "pyfront.arrays";
constexpr StringLiteral RuleNote = "pyfront.rule";
constexpr StringLiteral InactiveNote = "pyfront.inactive";

StringRef wordOf(ScalarType T) {
  static constexpr StringLiteral Words[] = {"f64", "f32", "i64",  "i32",
                                            "i16", "i8",  "u64",  "u32",
                                            "u16", "u8",  "bool", "other"};
  return Words[static_cast<unsigned>(T)];
}

ScalarType typeOfWord(StringRef Word) {
  for (unsigned I = 0; I <= static_cast<unsigned>(ScalarType::Other); ++I)
    if (wordOf(static_cast<ScalarType>(I)) == Word)
      return static_cast<ScalarType>(I);
  return ScalarType::Other;
}

const Function *declarationOf(const Value *V) {
  auto *Call = dyn_cast<CallInst>(V);
  const Function *F = Call ? Call->getCalledFunction() : nullptr;
  return F && F->getName().starts_with(Prefix) ? F : nullptr;
}

unsigned resultsOf(const Function &F) {
  unsigned Count = 0;
  while (Count < F.arg_size() &&
         F.getAttributes().hasParamAttr(Count, ResultNote))
    ++Count;
  return Count;
}

} // namespace

bool isKept(const Value *V) { return declarationOf(V); }

bool isArrayResult(const Value *V) {
  auto *Call = dyn_cast<CallInst>(V);
  const Function *F = Call ? Call->getCalledFunction() : nullptr;
  return F && F->getName() == marker::ArrayResult;
}

bool hasRule(const CallBase &Call) {
  return declarationOf(&Call)->hasFnAttribute(RuleNote);
}

unsigned placeOfArray(const CallBase &Array) {
  return cast<ConstantInt>(Array.getArgOperand(1))->getZExtValue();
}

bool isInactive(const CallBase &Call) {
  return declarationOf(&Call)->hasFnAttribute(InactiveNote);
}

StringRef calleeOf(const CallBase &Call) {
  return declarationOf(&Call)->getName().drop_front(Prefix.size());
}

/// The markers of the arrays that the call returns, in their order.
static SmallVector<CallBase *, 2> arraysOf(const CallBase &Call) {
  SmallVector<CallBase *, 2> Arrays;
  for (const User *U : Call.users())
    if (isArrayResult(U))
      Arrays.push_back(const_cast<CallBase *>(cast<CallBase>(U)));
  sort(Arrays, [](const CallBase *A, const CallBase *B) {
    return placeOfArray(*A) < placeOfArray(*B);
  });
  return Arrays;
}

SmallVector<Memory, 4> memoryOf(const CallBase &Call) {
  const Function &F = *declarationOf(&Call);
  SmallVector<Memory, 4> Result;
  auto TypeIn = [&](unsigned K, StringRef Note) {
    Attribute A = F.getAttributes().getParamAttr(K, Note);
    return A.isValid() ? std::optional(typeOfWord(A.getValueAsString()))
                       : std::nullopt;
  };
  for (unsigned K = 0; K < F.arg_size(); ++K) {
    Value *Ptr = Call.getArgOperand(K);
    if (std::optional<ScalarType> T = TypeIn(K, ResultNote))
      Result.push_back({Memory::Kind::Number, Ptr, *T});
    if (std::optional<ScalarType> T = TypeIn(K, ArrayNote))
      Result.push_back({Memory::Kind::Given, Ptr, *T,
                        !F.hasParamAttribute(K, Attribute::ReadOnly)});
  }
  SmallVector<StringRef, 2> Words;
  F.getFnAttribute(ArraysNote).getValueAsString().split(Words, ' ');
  for (CallBase *Array : arraysOf(Call))
    Result.push_back(
        {Memory::Kind::Array, Array, typeOfWord(Words[placeOfArray(*Array)])});
  return Result;
}

SmallVector<CallInst *, 16> leftOf(const CallBase &Call, const RuleInfo &Rule) {
  SmallVector<CallInst *, 16> Left(Rule.Words.size(), nullptr);
  for (const User *U : Call.users())
    if (marker::isLeft(U)) {
      auto *Marker = const_cast<CallInst *>(cast<CallInst>(U));
      Left[cast<ConstantInt>(Marker->getArgOperand(1))->getZExtValue()] =
          Marker;
    }
  return Left;
}

unsigned operandAt(const CallBase &Call, unsigned Parameter) {
  return resultsOf(*declarationOf(&Call)) + Parameter - numba::FirstPassed;
}

Function *declare(Function &F, const FunctionInfo &Info) {
  Module &M = *F.getParent();
  LLVMContext &C = M.getContext();
  Type *Ptr = PointerType::getUnqual(C);
  SmallVector<Type *, 16> Params(Info.Results.size(), Ptr);
  for (unsigned I = numba::FirstPassed; I < F.arg_size(); ++I)
    Params.push_back(F.getArg(I)->getType());
  auto *Kept = cast<Function>(
      M.getOrInsertFunction((Prefix + F.getName()).str(),
                            FunctionType::get(Ptr, Params, false))
          .getCallee());
  Kept->setDoesNotThrow();
  for (unsigned K = 0; K < Params.size(); ++K)
    if (Params[K] == Ptr)
      Kept->addParamAttr(K,
                         Attribute::getWithCaptureInfo(C, CaptureInfo::none()));
  for (unsigned K = 0; K < Info.Results.size(); ++K) {
    Kept->addParamAttr(K, Attribute::WriteOnly);
    Kept->addParamAttr(
        K, Attribute::get(C, ResultNote, wordOf(Info.Results[K].Type)));
  }
  std::string Elements;
  for (const ArrayResult &A : Info.Arrays)
    Elements += (Elements.empty() ? "" : " ") + wordOf(A.Type).str();
  Kept->addFnAttr(ArraysNote, Elements);
  if (Info.Rule)
    Kept->addFnAttr(RuleNote);
  if (Info.Rule && Info.Rule->IsInactive)
    Kept->addFnAttr(InactiveNote);
  for (const auto &[Place, A] : enumerate(Info.Args)) {
    if (!A.isArray())
      continue;
    // Of an array, the callee follows the data pointer and no other.
    unsigned First = Info.Results.size() + A.FirstParam - numba::FirstPassed;
    Kept->addParamAttr(First + numba::MemInfo, Attribute::ReadNone);
    Kept->addParamAttr(First + numba::Parent, Attribute::ReadNone);
    Kept->addParamAttr(First + numba::Data,
                       Attribute::get(C, ArrayNote, wordOf(A.Type)));
    if (Info.Rule && !is_contained(Info.Rule->Writes, Place))
      Kept->addParamAttr(First + numba::Data, Attribute::ReadOnly);
  }
  return Kept;
}

bool setReadOnly(Function &F, unsigned Parameter, bool ReadsOnly) {
  Function *Kept = F.getParent()->getFunction((Prefix + F.getName()).str());
  unsigned K = resultsOf(*Kept) + Parameter - numba::FirstPassed;
  if (Kept->hasParamAttribute(K, Attribute::ReadOnly) == ReadsOnly)
    return false;
  if (ReadsOnly)
    Kept->addParamAttr(K, Attribute::ReadOnly);
  else
    Kept->removeParamAttr(K, Attribute::ReadOnly);
  return true;
}

Type *typeOf(LLVMContext &C, ScalarType T) {
  if (isFloat(T))
    return T == ScalarType::F64 ? Type::getDoubleTy(C) : Type::getFloatTy(C);
  return Type::getIntNTy(C, bitsOf(T));
}

} // namespace pyfront::kept
