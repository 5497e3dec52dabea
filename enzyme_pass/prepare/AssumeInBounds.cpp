//===- AssumeInBounds.cpp - An index lies within its axis -----------------===//
///
/// \file
/// Numba does not check indexes: one outside its axis is an error of the
/// kernel, after which nothing holds. Said in the IR while each index can still
/// be told from the arithmetic around it, it is what later separates the rows
/// of an array (activity/Subscripts.h):
///
///   %w = select (%j < 0), (%j + %m), %j       %w = ...
///   %o = mul %i, %m                     ->    llvm.assume(@pyfront.within(%w, %m))
///   load double (%base + 8 * (%o + %w))       ...
///
/// Only for arrays of rank 2 and up, and only for elements that are read or
/// written on the spot: a view may be made of a row that does not exist.
///
/// While LLVM's passes run the comparison is a call that they do not look into:
/// each of them would try every assumption on every comparison (a stencil has
/// hundreds of both), and none finds out more by it than the facts do. When the
/// last pass has run the call becomes `%w <u %m` (`stateBounds`).
///
/// Must run on the captured IR: there, a select of this shape is Numba's and
/// never the kernel's own.
//===----------------------------------------------------------------------===//
#include "enzyme_pass/prepare/Prepare.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/PatternMatch.h"

using namespace llvm;
using namespace llvm::PatternMatch;

namespace pyfront {

namespace {

/// The extent that `Index` was wrapped around, of an array of rank 2 and up;
/// null if it is no wrapped index.
Value *wrappedAround(SelectInst &Index) {
  Value *Raw, *Extent;
  if (!Index.getType()->isIntegerTy(64) ||
      !match(
          &Index,
          m_Select(m_SpecificICmp(ICmpInst::ICMP_SLT, m_Value(Raw), m_Zero()),
                   m_Add(m_Deferred(Raw), m_Value(Extent)), m_Deferred(Raw))))
    return nullptr;
  auto *Shape = dyn_cast<ExtractValueInst>(Extent);
  auto *Axes =
      Shape ? dyn_cast<ArrayType>(Shape->getAggregateOperand()->getType())
            : nullptr;
  return Axes && Axes->getNumElements() > 1 ? Extent : nullptr;
}

/// Whether `V` is part of the address of an access in its own block.
bool addressesElement(const Instruction &V) {
  return any_of(V.users(), [&](const User *U) {
    auto *I = dyn_cast<Instruction>(U);
    if (!I || I->getParent() != V.getParent())
      return false;
    if (const Value *Ptr = getLoadStorePointerOperand(I))
      return Ptr == &V;
    return isa<GetElementPtrInst, BitCastInst>(I) ||
                   I->getOpcode() == Instruction::Add ||
                   I->getOpcode() == Instruction::Mul
               ? addressesElement(*I)
               : false;
  });
}

/// `i1 (i64 index, i64 extent)`, a pure function.
constexpr StringLiteral Within = "pyfront.within";

FunctionCallee declareWithin(Module &M) {
  LLVMContext &C = M.getContext();
  Type *I64 = Type::getInt64Ty(C);
  FunctionCallee Callee = M.getOrInsertFunction(
      Within, FunctionType::get(Type::getInt1Ty(C), {I64, I64}, false));
  auto *F = cast<Function>(Callee.getCallee());
  F->setDoesNotAccessMemory();
  F->setDoesNotThrow();
  F->setSpeculatable();
  F->addFnAttr(Attribute::WillReturn);
  return Callee;
}

} // namespace

std::optional<InBounds> asInBounds(const Value &V) {
  auto *Call = dyn_cast<CallInst>(&V);
  const Function *Callee = Call ? Call->getCalledFunction() : nullptr;
  if (!Callee || Callee->getName() != Within)
    return std::nullopt;
  return InBounds{Call->getArgOperand(0), Call->getArgOperand(1)};
}

void stateBounds(Module &M) {
  Function *F = M.getFunction(Within);
  if (!F)
    return;
  for (User *U : make_early_inc_range(F->users())) {
    auto *Call = cast<CallInst>(U);
    Call->replaceAllUsesWith(IRBuilder<>(Call).CreateICmpULT(
        Call->getArgOperand(0), Call->getArgOperand(1)));
    Call->eraseFromParent();
  }
  F->eraseFromParent();
}

void assumeInBounds(Module &M) {
  for (Function &F : M)
    for (Instruction &I : make_early_inc_range(instructions(F))) {
      auto *Index = dyn_cast<SelectInst>(&I);
      Value *Extent = Index ? wrappedAround(*Index) : nullptr;
      if (!Extent || !addressesElement(*Index))
        continue;
      IRBuilder<> B(Index->getNextNode());
      B.CreateAssumption(B.CreateCall(declareWithin(M), {Index, Extent}));
    }
}

} // namespace pyfront
