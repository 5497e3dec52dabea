//===- SpecialFunctions.cpp - Functions that libm lacks -------------------===//
///
/// \file
/// Digamma, trigamma and polygamma from formulas of the NIST Digital Library of
/// Mathematical Functions (DLMF), chapter 5:
///
///   5.11.2, 5.15.8, 5.15.9  asymptotic series for large arguments
///   5.5.2, 5.15.5           recurrence, which leads to large arguments
///   5.5.4, 5.15.6           reflection, for negative arguments
///
/// Digamma has one positive zero, near 1.46. There the recurrence would cancel
/// to an absolute error only, so its Taylor series about the zero stands in.
/// Relative error: some units in the last place, but for the neighbourhoods of
/// the negative zeros, where the error is absolute.
///
/// The derivatives of sinc, with u = pi x: differentiating u sinc = sin u leads
/// to the recurrence  u f_n + n f_(n-1) = sin(u + n pi / 2), stable for u > n;
/// for smaller u the power series of sin u / u, term by term.
///
//===----------------------------------------------------------------------===//

#include "enzyme_pass/runtime/SpecialFunctions.h"
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

namespace {

constexpr double Pi = 3.14159265358979323846;

/// The value of a polynomial; coefficients from the constant term on.
template <unsigned N>
double polynomial(const double (&Coefficients)[N], double X) {
  double Sum = 0;
  for (unsigned I = N; I-- > 0;)
    Sum = Sum * X + Coefficients[I];
  return Sum;
}

/// B_2k / 2k, k = 1 .. 7 (DLMF 5.11.2). From 10 on the next term is below half
/// an ulp of the sum.
constexpr double DigammaSeries[] = {1.0 / 12,   -1.0 / 120, 1.0 / 252,
                                    -1.0 / 240, 1.0 / 132,  -691.0 / 32760,
                                    1.0 / 12};
constexpr double DigammaLarge = 10;

/// B_2k, k = 1 .. 8 (DLMF 5.15.8).
constexpr double TrigammaSeries[] = {1.0 / 6,   -1.0 / 30,    1.0 / 42,
                                     -1.0 / 30, 5.0 / 66,     -691.0 / 2730,
                                     7.0 / 6,   -3617.0 / 510};
constexpr double TrigammaLarge = 12;

/// The positive zero of digamma, in two parts, and the Taylor coefficients
/// there: (-1)^(k+1) zeta(k+1, zero), k = 1 .. 18 (DLMF 5.15.1). Computed to 60
/// digits. Within 0.2 of the zero what is left out is below an ulp.
constexpr double ZeroHigh = 0x1.762d86356be3fp+0;
constexpr double ZeroLow = 0x1.b86a722197829p-54;
constexpr double ZeroRadius = 0.2;
constexpr double ZeroSeries[] = {
    0.9676722454476212,     -0.4427631689835921,   0.258499760955651,
    -0.16394270544240652,   0.10782405069126237,   -0.07219956125645471,
    0.04880428816414311,    -0.03316112647484736,  0.022597648232218104,
    -0.01542476590494896,   0.010538791616612175,  -0.007204534386356869,
    0.004926781395729853,   -0.003369801655439328, 0.002305126326734928,
    -0.0015769367714301972, 0.0010788252019162967, -0.0007380709389960052};

double positiveDigamma(double X) {
  double FromZero = (X - ZeroHigh) - ZeroLow;
  if (std::fabs(FromZero) < ZeroRadius)
    return FromZero * polynomial(ZeroSeries, FromZero);
  double Steps = 0;
  for (; X < DigammaLarge; X += 1)
    Steps += 1 / X;
  double Inverse = 1 / X, Square = Inverse * Inverse;
  return std::log(X) - 0.5 * Inverse -
         Square * polynomial(DigammaSeries, Square) - Steps;
}

double positiveTrigamma(double X) {
  double Steps = 0;
  for (; X < TrigammaLarge; X += 1)
    Steps += 1 / (X * X);
  double Inverse = 1 / X, Square = Inverse * Inverse;
  return Inverse *
             (1 + 0.5 * Inverse + Square * polynomial(TrigammaSeries, Square)) +
         Steps;
}

constexpr int32_t MaxOrder = 60;
/// From here on, plus the order, what the series leaves out is below an ulp.
constexpr double PolygammaLarge = 32;

/// The absolute value of the derivative of order N; its sign is (-1)^(N+1).
double positivePolygamma(int32_t N, double X) {
  double Steps = 0;
  for (; X < PolygammaLarge + N; X += 1)
    Steps += std::pow(X, -(N + 1));
  // Term is (2k + N - 1)! / (N! (2k)!) over X to the power of 2k.
  double Square = 1 / (X * X), Term = (N + 1) * 0.5 * Square;
  double Series = 1.0 / N + 0.5 / X;
  for (int32_t K = 1; K <= 8; ++K) {
    Series += TrigammaSeries[K - 1] * Term;
    double Next = 2 * K;
    Term *= (Next + N) * (Next + N + 1) / ((Next + 1) * (Next + 2)) * Square;
  }
  return std::tgamma(N + 1.0) * (Steps + std::pow(X, -N) * Series);
}

/// The derivative of cot of order N, over (-1)^N, as a polynomial of cot: all
/// its coefficients are positive.
double cotangentDerivative(int32_t N, double Cotangent) {
  double Coefficients[MaxOrder + 2] = {0, 1};
  for (int32_t Order = 1; Order <= N; ++Order) {
    double Next[MaxOrder + 2] = {};
    for (int32_t I = 1; I <= Order; ++I) {
      Next[I - 1] += I * Coefficients[I];
      Next[I + 1] += I * Coefficients[I];
    }
    std::copy(std::begin(Next), std::end(Next), Coefficients);
  }
  return polynomial(Coefficients, Cotangent);
}

/// The series loses exp(N + 1) of its digits to cancellation, of those of a
/// long double.
constexpr int32_t MaxSincOrder = 20;
constexpr long double PiLong = 3.14159265358979323846264338327950288L;

/// The derivative of order N of sin(u) / u: the sum over 2k >= N of
/// (-1)^k u^(2k - N) / ((2k + 1) (2k - N)!).
long double sincSeries(int32_t N, long double U) {
  int32_t First = N + N % 2;
  long double Power = First == N ? 1 : U, Sum = 0;
  for (int32_t Twice = First; Twice < First + 200; Twice += 2) {
    long double Term = Power / (Twice + 1);
    Sum += Twice / 2 % 2 ? -Term : Term;
    if (std::fabs(Term) <= std::fabs(Sum) * 1e-22L)
      break;
    int32_t Degree = Twice - N;
    Power *= U * U / ((Degree + 1.0L) * (Degree + 2));
  }
  return Sum;
}

} // namespace

double pyfront_digamma(double X) {
  if (X > 0)
    return X < std::numeric_limits<double>::infinity() ? positiveDigamma(X) : X;
  if (X == 0)
    return std::copysign(std::numeric_limits<double>::infinity(), -X);
  // The subtraction is exact, so the argument of tan keeps all its digits.
  double Fraction = X - std::rint(X);
  if (!(Fraction != 0) || std::isinf(X))
    return std::numeric_limits<double>::quiet_NaN();
  return positiveDigamma(1 - X) - Pi / std::tan(Pi * Fraction);
}

double pyfront_trigamma(double X) {
  if (X > 0)
    return positiveTrigamma(X);
  if (std::isinf(X))
    return std::numeric_limits<double>::quiet_NaN();
  double Sine = std::sin(Pi * (X - std::rint(X)));
  return Pi * Pi / (Sine * Sine) - positiveTrigamma(1 - X);
}

double pyfront_polygamma(int32_t N, double X) {
  if (N < 2 || N > MaxOrder || std::isnan(X) ||
      X == -std::numeric_limits<double>::infinity())
    return std::numeric_limits<double>::quiet_NaN();
  double Sign = N % 2 ? 1 : -1;
  if (X > 0)
    return Sign * positivePolygamma(N, X);
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  double Fraction = X - std::rint(X);
  if (Fraction == 0 && N % 2 == 0)
    return X == 0 ? std::copysign(Infinity, -X)
                  : std::numeric_limits<double>::quiet_NaN();
  if (Fraction == 0)
    return Infinity;
  double Reflected =
      std::pow(Pi, N + 1) * cotangentDerivative(N, 1 / std::tan(Pi * Fraction));
  return Sign * (Reflected - Sign * positivePolygamma(N, 1 - X));
}

double pyfront_sinc_derivative(int32_t N, double X) {
  if (N < 0 || N > MaxSincOrder || !std::isfinite(X))
    return std::numeric_limits<double>::quiet_NaN();
  double U = Pi * X;
  if (std::fabs(U) <= N + 1)
    return double(std::pow(PiLong, N) * sincSeries(N, PiLong * X));
  // Reduced without an error, however large.
  double Angle = Pi * (X - 2 * std::rint(X / 2));
  double Waves[] = {std::sin(Angle), std::cos(Angle), -std::sin(Angle),
                    -std::cos(Angle)};
  double F = Waves[0] / U;
  for (int32_t Order = 1; Order <= N; ++Order)
    F = (Waves[Order % 4] - Order * F) / U;
  return std::pow(Pi, N) * F;
}

double pyfront_frexp_mantissa(double X) {
  int Exponent;
  return std::frexp(X, &Exponent);
}

float pyfront_frexp_mantissa_f32(float X) {
  int Exponent;
  return std::frexp(X, &Exponent);
}

int32_t pyfront_frexp_exponent(double X) {
  int Exponent = 0;
  if (std::isfinite(X))
    std::frexp(X, &Exponent);
  return Exponent;
}

int32_t pyfront_frexp_exponent_f32(float X) {
  int Exponent = 0;
  if (std::isfinite(X))
    std::frexp(X, &Exponent);
  return Exponent;
}

// A float's digits and its rounding error fit in a double with room to spare.
float pyfront_digamma_f32(float X) { return float(pyfront_digamma(X)); }
float pyfront_trigamma_f32(float X) { return float(pyfront_trigamma(X)); }
float pyfront_polygamma_f32(int32_t N, float X) {
  return float(pyfront_polygamma(N, X));
}
float pyfront_sinc_derivative_f32(int32_t N, float X) {
  return float(pyfront_sinc_derivative(N, X));
}
