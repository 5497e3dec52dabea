//===- LoopFacts.h - How often a loop runs --------------------------------===//
///
/// \file
/// For every loop of the primal: is its length known before it begins, and if
/// it is a literal, which one. The planner weighs bytes with `estimate`.
///
///   L0: trips known
///     L1: trips 40
///     L2: trips counted            ; a while loop, or one with a break
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_ACTIVITY_LOOPFACTS_H
#define PYFRONT_ACTIVITY_LOOPFACTS_H

#include "core/NormalFunction.h"
#include "llvm/IR/Constants.h"
#include "llvm/Support/raw_ostream.h"

namespace pyfront {

class LoopFacts {
public:
  explicit LoopFacts(const NormalFunction &N) : N(N) {}

  bool isKnown(int L) const { return N.Loops[L].Last != nullptr; }

  /// Trips, for weighing only: the literal one, or `Unknown`.
  double estimate(int L) const {
    if (auto *C = llvm::dyn_cast_or_null<llvm::ConstantInt>(N.Loops[L].Last))
      return static_cast<double>(C->getZExtValue()) + 1;
    return Unknown;
  }
  double estimate(llvm::ArrayRef<int> Nest) const {
    double Trips = 1;
    for (int L : Nest)
      Trips *= estimate(L);
    return Trips;
  }
  std::string text(int L) const {
    if (auto *C = llvm::dyn_cast_or_null<llvm::ConstantInt>(N.Loops[L].Last))
      return std::to_string(C->getZExtValue() + 1);
    return "trips(L" + std::to_string(L) + ")";
  }
  void print(llvm::raw_ostream &OS) const {
    for (unsigned L = 0; L < N.Loops.size(); ++L) {
      OS.indent(2 * N.Loops[L].Depth) << "L" << L << ": trips ";
      if (!isKnown(L))
        OS << "counted\n";
      else if (llvm::isa<llvm::ConstantInt>(N.Loops[L].Last))
        OS << text(L) << "\n";
      else
        OS << "known\n";
    }
  }

private:
  /// What a loop of unknown length is taken to run.
  static constexpr double Unknown = 64;
  const NormalFunction &N;
};

} // namespace pyfront

#endif
