//===- AssumeInBounds.cpp - An index lies within its axis -----------------===//
///
/// \file
/// Numba does not check indexes: one outside its axis is an error of the
/// kernel, after which nothing holds. Said in the IR while each index can still
/// be told from the arithmetic around it, it is what later separates the rows
/// of an array (activity/Subscripts.h):
///
///   %w = select (%j < 0), (%j + %m), %j       %w = ...
///   %o = mul %i, %m                     ->    llvm.assume(%w <u %m)
///   load double (%base + 8 * (%o + %w))       ...
///
/// Only for arrays of rank 2 and up, and only for elements that are read or
/// written on the spot: a view may be made of a row that does not exist.
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
  if (!match(
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

} // namespace

void assumeInBounds(Module &M) {
  for (Function &F : M)
    for (Instruction &I : make_early_inc_range(instructions(F))) {
      auto *Index = dyn_cast<SelectInst>(&I);
      Value *Extent = Index ? wrappedAround(*Index) : nullptr;
      if (!Extent || !addressesElement(*Index))
        continue;
      IRBuilder<> B(Index->getNextNode());
      B.CreateAssumption(B.CreateICmpULT(Index, Extent));
    }
}

} // namespace pyfront
