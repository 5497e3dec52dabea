//===- Numerics.cpp - Numba's numerical helpers ---------------------------===//
///
/// \file
/// Functions that compiled code of Numba's calls by names of its own: bridges
/// to libm, and the strides of a reshaped array. Same results as Numba's
/// (numba/_helperlib.c), bit for bit.
///
//===----------------------------------------------------------------------===//

#include <cmath>
#include <cstdint>

#define UNARY(Name)                                                            \
  double numba_##Name(double X) { return std::Name(X); }                       \
  float numba_##Name##f(float X) { return std::Name(X); }
#define BINARY(Name)                                                           \
  double numba_##Name(double X, double Y) { return std::Name(X, Y); }          \
  float numba_##Name##f(float X, float Y) { return std::Name(X, Y); }

extern "C" {

UNARY(sin)
UNARY(cos)
UNARY(tan)
UNARY(sinh)
UNARY(cosh)
UNARY(tanh)
UNARY(asin)
UNARY(acos)
UNARY(atan)
UNARY(asinh)
UNARY(acosh)
UNARY(atanh)
UNARY(exp)
UNARY(expm1)
UNARY(sqrt)
UNARY(fabs)
UNARY(floor)
UNARY(ceil)
UNARY(log)
UNARY(log10)
UNARY(log1p)
UNARY(round)
UNARY(trunc)
UNARY(lgamma)
UNARY(erf)
UNARY(erfc)
BINARY(pow)
BINARY(fmod)
BINARY(atan2)
BINARY(nextafter)

double numba_gamma(double X) { return std::tgamma(X); }
float numba_gammaf(float X) { return std::tgamma(X); }
double numba_fixed_fmod(double X, double Y) { return std::fmod(X, Y); }
float numba_fixed_fmodf(float X, float Y) { return std::fmod(X, Y); }

double numba_frexp(double X, int *Exponent) {
  X = std::frexp(X, Exponent);
  if (!std::isfinite(X))
    *Exponent = 0;
  return X;
}
float numba_frexpf(float X, int *Exponent) {
  X = std::frexp(X, Exponent);
  if (!std::isfinite(X))
    *Exponent = 0;
  return X;
}
double numba_ldexp(double X, int Exponent) { return std::ldexp(X, Exponent); }
float numba_ldexpf(float X, int Exponent) { return std::ldexp(X, Exponent); }

uint64_t numba_fptoui(double X) { return uint64_t(int64_t(X)); }
uint64_t numba_fptouif(float X) { return uint64_t(int64_t(X)); }

/// The strides with which memory has another shape; 0 if it takes a copy. Runs
/// of axes that hold equally many elements before and after are taken together,
/// as in NumPy's _attempt_nocopy_reshape.
int numba_attempt_nocopy_reshape(int64_t Rank, const int64_t *Shape,
                                 const int64_t *Strides, int64_t NewRank,
                                 const int64_t *NewShape, int64_t *NewStrides,
                                 int64_t ItemSize, int IsFortran) {
  constexpr int MaxRank = 64;
  int64_t OldShape[MaxRank], OldStrides[MaxRank];
  int64_t OldRank = 0, OldCount = 1, NewCount = 1;
  for (int64_t I = 0; I < Rank; ++I) {
    OldCount *= Shape[I];
    if (Shape[I] == 1)
      continue;
    OldShape[OldRank] = Shape[I];
    OldStrides[OldRank++] = Strides[I];
  }
  for (int64_t I = 0; I < NewRank; ++I)
    NewCount *= NewShape[I];
  if (OldCount != NewCount)
    return 0;
  if (NewCount == 0) {
    for (int64_t I = 0; I < NewRank; ++I)
      NewStrides[I] = ItemSize;
    return 1;
  }
  int64_t Old = 0, New = 0;
  while (Old < OldRank && New < NewRank) {
    int64_t OldEnd = Old + 1, NewEnd = New + 1;
    int64_t OldItems = OldShape[Old], NewItems = NewShape[New];
    while (OldItems != NewItems) {
      if (NewItems < OldItems)
        NewItems *= NewShape[NewEnd++];
      else
        OldItems *= OldShape[OldEnd++];
    }
    for (int64_t I = Old; I + 1 < OldEnd; ++I) {
      bool Joined = IsFortran
                        ? OldStrides[I + 1] == OldShape[I] * OldStrides[I]
                        : OldStrides[I] == OldShape[I + 1] * OldStrides[I + 1];
      if (!Joined)
        return 0;
    }
    if (IsFortran) {
      NewStrides[New] = OldStrides[Old];
      for (int64_t I = New + 1; I < NewEnd; ++I)
        NewStrides[I] = NewStrides[I - 1] * NewShape[I - 1];
    } else {
      NewStrides[NewEnd - 1] = OldStrides[OldEnd - 1];
      for (int64_t I = NewEnd - 1; I > New; --I)
        NewStrides[I - 1] = NewStrides[I] * NewShape[I];
    }
    Old = OldEnd;
    New = NewEnd;
  }
  int64_t Last = New >= 1 ? NewStrides[New - 1] : ItemSize;
  if (IsFortran && New >= 1)
    Last *= NewShape[New - 1];
  for (int64_t I = New; I < NewRank; ++I)
    NewStrides[I] = Last;
  return 1;
}
}
