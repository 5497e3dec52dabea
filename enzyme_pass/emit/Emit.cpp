//===- Emit.cpp - Forward sweep, tape, reverse sweep
//-----------------------===//
#include "enzyme_pass/emit/Emit.h"
#include "enzyme_pass/emit/ReverseSweep.h"

using namespace llvm;

namespace pyfront {

Function &emitReverse(const Plan &P) {
  Derivative D(P);
  ForwardSweep Sweep(D);
  Tape Slots(D, Sweep);
  ReverseSweep Reverse(D, Sweep, Slots);
  Sweep.emit(Reverse.entry());
  Slots.emitForward();
  Reverse.emit();
  return *D.G;
}

} // namespace pyfront
