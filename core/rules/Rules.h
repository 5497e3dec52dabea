//===- Rules.h - Partial derivatives of scalar functions ------------------===//
///
/// \file
/// The rule table: for an opcode, an intrinsic or a library function, one
/// partial derivative per operand, as an expression over the operands and the
/// result. Reverse mode adds `partial * adjoint of the result` to each
/// operand's adjoint; what a partial reads is what the reverse sweep needs.
///
///   %r = call double @llvm.pow.f64(double %x, double %y)
///
///   lookup            -> `pow`
///   reads(0)          -> x, y, result      (y * result / x: no logarithm)
///   reads(1)          -> x, result         (result * log(x))
///   isSingular(0)     -> true              (infinite at x == 0)
///   emitPartial(0)    -> the instructions of the first expression
///
/// The rows stand in scalar.rules, the names in calls.rules; rulegen.py makes
/// constant data of both (RuleTable.inc). No function name is compared in C++,
/// and nothing here is specific to forward or reverse mode.
///
/// Invariants.
///   R1: a partial reads no operand whose bit is not in `reads`.
///   R2: equal inputs give equal bits: emitted code has the fast-math flags of
///       the builder and no others.
///   R3: every function that a partial calls has a rule of its own, so a
///       derivative can be differentiated again, as often as one likes.
///
/// Not here: casts, select, phi, loads and stores, which are linear by
/// structure, and the decision whether a call is active.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RULES_RULES_H
#define PYFRONT_RULES_RULES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace llvm {
class CallBase;
class Function;
class Instruction;
class IRBuilderBase;
class Module;
class Type;
class Value;
} // namespace llvm

namespace pyfront::rules {

/// One row of the table. Rules are constants with static storage: compare and
/// keep them by address.
class Rule {
public:
  /// For the generated table only.
  constexpr Rule(const char *Name, uint8_t Arity, uint8_t Price,
                 uint16_t FirstPartial, uint8_t Total)
      : RuleName(Name), FirstPartial(FirstPartial), OperandCount(Arity),
        Price(Price), Total(Total) {}

  llvm::StringRef name() const { return RuleName; }
  unsigned arity() const { return OperandCount; }

  /// The partial is literally 0: activity stops here. True of integer operands.
  bool isZero(unsigned Operand) const;
  /// The partial is literally 1 or -1: the function is linear in this operand.
  bool isOne(unsigned Operand) const;
  bool isMinusOne(unsigned Operand) const;

  /// The partial may be infinite or NaN at finite operands, as that of sqrt at
  /// 0 or of exp where it overflows. A partial that is not singular is infinite
  /// or NaN only where the result is.
  bool isSingular(unsigned Operand) const;

  /// The partial may be infinite or NaN where the result is finite, as that of
  /// sqrt at 0; overflow aside.
  bool isSteep(unsigned Operand) const;
  /// Of a function of one operand this also says that it is 0 at 0.
  bool isSteepAtZeroOnly(unsigned Operand) const;

  /// \p I is infinite or NaN wherever the operand is 0, whatever the others
  /// are; of a power, where its exponent is a negative literal.
  bool hasPoleAtZero(const llvm::Instruction &I, unsigned Operand) const;

  /// Infinity or NaN in this operand gives infinity or NaN, whatever the
  /// others are. Not so of exp, whose result at -inf is 0.
  bool passes(unsigned Operand) const;

  /// Finite operands give a finite result, overflow aside; of `sqrt` this holds
  /// where the operand is not negative.
  bool isTotal() const { return Total == 1; }
  bool isTotalUnlessNegative() const { return Total; }

  /// Bit i: the partial reads operand i; bit arity(): it reads the result.
  uint64_t reads(unsigned Operand) const;

  /// Writes the partial's instructions. Operands and result that it does not
  /// read may be null; then \p Ty gives the type of the partial, which is that
  /// of the result. Without it, some float operand or the result is given.
  llvm::Value *emitPartial(llvm::IRBuilderBase &B, unsigned Operand,
                           llvm::ArrayRef<llvm::Value *> Operands,
                           llvm::Value *Result, llvm::Type *Ty = nullptr,
                           bool Again = false) const;

  /// What computing the primal instruction once more costs, in bytes of tape
  /// whose write and read back take as long.
  unsigned recomputePrice() const { return Price; }

private:
  const char *RuleName;
  uint16_t FirstPartial;
  uint8_t OperandCount;
  uint8_t Price;
  uint8_t Total;
};

/// The rule of an instruction on float or double (or vectors of them): by
/// opcode, intrinsic or callee name; null if there is none.
const Rule *lookup(const llvm::Instruction &I);

/// All rules, in the order of the table.
llvm::ArrayRef<Rule> allRules();

/// Whether a call carries no derivative and changes no memory that a kernel
/// sees: integer and predicate intrinsics, assumptions, debug and lifetime
/// marks.
bool isInactivePure(const llvm::CallBase &Call);

/// Whether a call may be repeated in the reverse sweep: it returns a value that
/// depends on its operands only, and the table knows it.
bool isRecomputable(const llvm::CallBase &Call);

/// Rewrites calls that return a second value through a pointer to pure calls
/// and a store, so that the rules apply: `m = frexp(x, p)` becomes
/// `m = pyfront_frexp_mantissa(x); *p = pyfront_frexp_exponent(x)`. Part of
/// preparation, before memory is promoted to values.
bool splitOutPointerCalls(llvm::Function &F);

/// States that the functions whose values carry a stated derivative are pure, so
/// that passes move them as they move arithmetic.
void declareStated(llvm::Module &M);

/// Replaces each call that states a derivative by its last operand, the value.
/// For code that is not differentiated again.
void dropStated(llvm::Module &M);

/// Why calls of this callee are refused, as a noun phrase for a message; empty
/// where the table has no reason to give.
llvm::StringRef whyUnsupported(const llvm::CallBase &Call);

} // namespace pyfront::rules

#endif // PYFRONT_RULES_RULES_H
