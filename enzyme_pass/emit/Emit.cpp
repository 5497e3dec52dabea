//===- Emit.cpp - Which sweeps a derivative has
//-----------------------===//
#include "enzyme_pass/emit/Emit.h"
#include "enzyme_pass/emit/ReverseSweep.h"
#include "enzyme_pass/emit/TangentSweep.h"

using namespace llvm;

namespace pyfront {

static void emitReverse(Derivative &D) {
  ForwardSweep Sweep(D);
  Tape Slots(D, Sweep);
  ReverseSweep Reverse(D, Sweep, Slots);
  Sweep.emit();
  IRBuilder<> B(Sweep.end());
  Sweep.storeValue(B);
  Reverse.start(B);
  Sweep.end()->eraseFromParent();
  Slots.emitForward();
  Reverse.emit();
}

static void emitForward(Derivative &D) {
  ForwardSweep Sweep(D);
  Sweep.emit();
  TangentSweep(D, Sweep).emit();
}

Function &emitDerivative(const Plan &P) {
  Derivative D(P);
  if (P.Req.How == Mode::Forward)
    emitForward(D);
  else
    emitReverse(D);
  return *D.G;
}

} // namespace pyfront
