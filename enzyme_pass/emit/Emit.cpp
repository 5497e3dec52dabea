//===- Emit.cpp - Which sweeps a derivative has ---------------------------===//
#include "enzyme_pass/emit/Emit.h"
#include "enzyme_pass/emit/ReverseSweep.h"
#include "enzyme_pass/emit/Split.h"
#include "enzyme_pass/emit/TangentSweep.h"

using namespace llvm;

namespace pyfront {

/// Both sweeps; the block where the second begins.
static BasicBlock *emitReverse(Derivative &D) {
  ForwardSweep Sweep(D);
  Tape Slots(D, Sweep);
  ReverseSweep Reverse(D, Sweep, Slots);
  Sweep.emit();
  IRBuilder<> B(Sweep.end());
  Sweep.storeValue(B);
  auto *Turn = BasicBlock::Create(D.G->getContext(), "turn", D.G);
  Sweep.endWith(B.CreateBr(Turn));
  B.SetInsertPoint(Turn);
  if (D.isSplit()) {
    D.rewind(B);
    Sweep.zeroStack(B, /*Tables=*/false);
  }
  Reverse.start(B);
  Slots.emitForward();
  Reverse.emit();
  return Turn;
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
    splitDerivative(D, emitReverse(D));
    break;
  }
}

} // namespace pyfront
