//===- Emit.cpp - Which sweeps a derivative has ---------------------------===//
#include "enzyme_pass/emit/Emit.h"
#include "enzyme_pass/emit/ReverseSweep.h"
#include "enzyme_pass/emit/Split.h"
#include "enzyme_pass/emit/TangentSweep.h"

using namespace llvm;

namespace pyfront {

/// Both sweeps.
static void emitReverse(Derivative &D) {
  ForwardSweep Sweep(D);
  Frame Crossing(D);
  Tape Slots(D, Sweep, Crossing);
  ReverseSweep Reverse(D, Sweep, Slots, Crossing);
  Sweep.emit();
  IRBuilder<> B(Sweep.end());
  Sweep.storeValue(B);
  D.Turn->moveAfter(&D.G->back());
  Sweep.endWith(B.CreateBr(D.Turn));
  B.SetInsertPoint(D.Turn);
  if (D.isSplit()) {
    D.rewind(B);
    Crossing.read(B);
    if (Value *InFrame = Crossing.valueOf(shadowOf(D.P.N.Sig.Result)))
      D.ResultShadow = InFrame;
    Sweep.zeroStack(B, Zeroed::ByReverse, [&](Value *Base) {
      Value *InFrame = Crossing.valueOf(shadowOf(Base));
      return InFrame ? InFrame : Sweep.valueOf(shadowOf(Base));
    });
  }
  Reverse.start(B);
  Slots.emitForward();
  Reverse.emit();
}

static void emitForward(Derivative &D) {
  ForwardSweep Sweep(D);
  Sweep.emit();
  TangentSweep(D, Sweep).emit();
}

void emitDerivative(const Plan &P) {
  Derivative D(P);
  switch (P.Req.How) {
  case Mode::Forward:
    emitForward(D);
    break;
  case Mode::Reverse:
    emitReverse(D);
    break;
  case Mode::Split:
    emitReverse(D);
    splitDerivative(D);
    break;
  }
}

} // namespace pyfront
