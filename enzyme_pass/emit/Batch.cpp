//===- Batch.cpp - Addresses in interleaved memory ------------------------===//
#include "enzyme_pass/emit/Batch.h"
#include "llvm/Analysis/Utils/Local.h"

using namespace llvm;

namespace pyfront {

Value *Batch::address(IRBuilder<> &B, const GetElementPtrInst &Step,
                      Value *Base, ArrayRef<Value *> Indices,
                      const Twine &Name) const {
  if (Width == 1 || Indices.size() == 1)
    return B.CreateGEP(memoryOf(Step.getSourceElementType()), Base, Indices,
                       Name, Step.getNoWrapFlags());
  // An index into an array inside the element has no counterpart of that form.
  Instruction *Same =
      GetElementPtrInst::Create(Step.getSourceElementType(), Base, Indices);
  B.Insert(Same);
  Value *Offset = emitGEPOffset(&B, Step.getDataLayout(), Same);
  Same->eraseFromParent();
  return B.CreateGEP(B.getInt8Ty(), Base, bytes(B, Offset), Name);
}

} // namespace pyfront
