//===- Exposed.h - Values whose infinities reach a result -----------------===//
///
/// \file
/// A value is exposed if, whenever it is infinite or NaN, a result of the
/// kernel is too: its return value, or an element of a `Duplicated` array when
/// the kernel ends.
///
///   %a = fmul %x, %w          exposed: through %b and y[i]
///   %b = fadd %a, 1.0         exposed: y[i] is not written again
///   store %b, %y.i
///   %c = fmul %x, %w          not exposed: exp(-inf) is 0
///   %d = exp(%c)
///
/// Each way from the value to the success exit must meet a reader that passes
/// infinity and NaN on (`Rule::passes`) and is exposed itself: an instruction,
/// the edge of a phi, a store. What a store left in memory must be read by an
/// exposed load before it is gone (activity/ReadBack.h), or be there at the end.
///
/// In a weaker sense a value is used if this holds with readers of any kind but
/// selects, so `%c` is: no branch, select or array element discards it.
///
/// How: all values are taken to be exposed, and those that are not are struck
/// out until nothing changes. That is sound because each step of the argument
/// goes forward in time, and a run that ends has finitely many.
//===----------------------------------------------------------------------===//
#ifndef PYFRONT_PLAN_EXPOSED_H
#define PYFRONT_PLAN_EXPOSED_H

#include "activity/Facts.h"
#include "enzyme_pass/plan/Plan.h"

namespace pyfront {

class Exposed {
public:
  enum class Sense { Exposed, Used };
  Exposed(const Plan &P, const Facts &Known, Sense In);

  bool contains(const llvm::Value *V) const { return Set.contains(V); }

private:
  bool passesOn(const llvm::Value &V, const llvm::Instruction &Reader) const;
  bool isExposed(const llvm::Instruction &V) const;
  bool isExposedStore(const llvm::StoreInst &S) const;
  bool staysInResult(const llvm::StoreInst &S) const;
  bool isResult(const llvm::StoreInst &S) const;

  const Plan &P;
  const Facts &Known;
  const Sense In;
  /// Values and stores.
  llvm::DenseSet<const llvm::Value *> Set;
};

} // namespace pyfront

#endif
