//===- AffineForm.h - Integers as sums over loop counters -----------------===//
///
/// \file
/// An integer of the program as an affine function of the counters of the loops
/// around it:
///
///   i = 1 + k1,  A[i, j] at offset    8*m*k1 + 8*k2 + (8*m + 8)
///                                     `-coefficients-'   `Rest'
///
/// Coefficients and rest are free of counters. The arithmetic is that of the
/// integers: whoever uses a form relies on index computations not overflowing,
/// as Numba's users must.
///
/// To compare two executions of a nest, a counter has several copies: one per
/// execution where they differ, a common one where they agree.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_CORE_AFFINEFORM_H
#define PYFRONT_CORE_AFFINEFORM_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include <optional>

namespace pyfront {

/// One copy of the counter of a loop.
struct CounterCopy {
  const llvm::Loop *L = nullptr;
  unsigned Copy = 0;
  bool operator==(const CounterCopy &O) const {
    return L == O.L && Copy == O.Copy;
  }
};

class AffineForm {
public:
  explicit AffineForm(const llvm::SCEV *Rest) : Rest(Rest) {}
  /// `S`, over copy 0 of each counter; empty if it is not affine.
  static std::optional<AffineForm> of(const llvm::SCEV *S,
                                      llvm::ScalarEvolution &SE);
  static AffineForm counter(CounterCopy C, llvm::ScalarEvolution &SE,
                            llvm::Type *Ty);

  struct Term {
    CounterCopy Counter;
    const llvm::SCEV *Coefficient;
    bool operator==(const Term &O) const {
      return Counter == O.Counter && Coefficient == O.Coefficient;
    }
  };
  llvm::SmallVector<Term, 4> Terms;
  const llvm::SCEV *Rest;

  /// Whether it is the same sum, written the same way.
  bool operator==(const AffineForm &O) const {
    return Rest == O.Rest && Terms == O.Terms;
  }

  const llvm::SCEV *coefficient(CounterCopy C) const;
  void drop(CounterCopy C);
  /// Adds `Factor * O`.
  void add(const AffineForm &O, const llvm::SCEV *Factor,
           llvm::ScalarEvolution &SE);
  AffineForm minus(const AffineForm &O, llvm::ScalarEvolution &SE) const;
  AffineForm plus(int64_t Constant, llvm::ScalarEvolution &SE) const;
  /// Each counter replaced by what `Of` says.
  AffineForm substitute(llvm::function_ref<AffineForm(const llvm::Loop *)> Of,
                        llvm::ScalarEvolution &SE) const;
  /// Its value, if it is a number.
  std::optional<int64_t> constant() const;
  /// Whether `Holds` for the rest and for each coefficient.
  bool all(llvm::function_ref<bool(const llvm::SCEV *)> Holds) const;

  /// `this = Quotient * Divisor + Remainder`, term by term: what names the
  /// divisor goes into the quotient. Not a division with a bounded remainder.
  struct Division;
  Division divide(const llvm::SCEV *Divisor, llvm::ScalarEvolution &SE) const;
};

struct AffineForm::Division {
  AffineForm Quotient;
  AffineForm Remainder;
};

/// Whether `S` depends on a loop counter.
bool hasCounter(const llvm::SCEV *S);

} // namespace pyfront

#endif
