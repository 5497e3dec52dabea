//===- Subscripts.cpp ------------------------------------------------------===//
#include "activity/Subscripts.h"

using namespace llvm;

namespace pyfront {

bool Subscripts::neverMeetsLater(const LoadInst &Load,
                                 const Instruction &Write) const {
  return false;
}

} // namespace pyfront
