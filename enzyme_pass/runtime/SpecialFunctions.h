//===- SpecialFunctions.h - Functions that libm lacks ---------------------===//
///
/// \file
/// The functions that partials of the rule table need and libm does not have,
/// with C linkage, for calls from emitted IR. All are pure: no errno, no
/// floating-point exception that a kernel could see, the same bits on every
/// call.
///
//===----------------------------------------------------------------------===//

#ifndef PYFRONT_RUNTIME_SPECIALFUNCTIONS_H
#define PYFRONT_RUNTIME_SPECIALFUNCTIONS_H

#include <cstdint>

extern "C" {

/// The logarithmic derivative of the gamma function. NaN at 0 and the negative
/// whole numbers, its poles, and at minus infinity.
double pyfront_digamma(double X);
float pyfront_digamma_f32(float X);

/// The derivative of digamma. Infinite at 0 and the negative whole numbers.
double pyfront_trigamma(double X);
float pyfront_trigamma_f32(float X);

/// The Nth derivative of digamma, N from 2 to 60, else NaN. At its poles, 0 and
/// the negative whole numbers, infinite or NaN.
double pyfront_polygamma(int32_t N, double X);
float pyfront_polygamma_f32(int32_t N, float X);

/// The Nth derivative of sinc(x) = sin(pi x) / (pi x), N from 0 to 20, else NaN.
double pyfront_sinc_derivative(int32_t N, double X);
float pyfront_sinc_derivative_f32(int32_t N, float X);

/// The two results of C's frexp; for zero, infinity and NaN the argument
/// itself and 0, as Python has it.
double pyfront_frexp_mantissa(double X);
float pyfront_frexp_mantissa_f32(float X);
int32_t pyfront_frexp_exponent(double X);
int32_t pyfront_frexp_exponent_f32(float X);

} // extern "C"

/// Applies X to the name of each function above: the list for a symbol table.
#define PYFRONT_SPECIAL_FUNCTIONS(X)                                           \
  X(pyfront_digamma)                                                           \
  X(pyfront_digamma_f32)                                                       \
  X(pyfront_trigamma)                                                          \
  X(pyfront_trigamma_f32)                                                      \
  X(pyfront_polygamma)                                                         \
  X(pyfront_polygamma_f32)                                                     \
  X(pyfront_sinc_derivative)                                                   \
  X(pyfront_sinc_derivative_f32)                                               \
  X(pyfront_frexp_mantissa)                                                    \
  X(pyfront_frexp_mantissa_f32)                                                \
  X(pyfront_frexp_exponent)                                                    \
  X(pyfront_frexp_exponent_f32)

#endif // PYFRONT_RUNTIME_SPECIALFUNCTIONS_H
