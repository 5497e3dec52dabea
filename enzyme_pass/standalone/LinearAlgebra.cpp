//===- LinearAlgebra.cpp - BLAS and LAPACK by their Fortran names ---------===//
///
/// \file
/// Numba reaches BLAS and LAPACK by functions that know the letter of a type
/// and find its workspace (numba/_lapack.c), there by way of SciPy. These have
/// the same names and call the library that the program is linked with.
///
/// Each returns 0, what LAPACK's `info` says if that is positive, or -1 for what
/// cannot be: an illegal argument, or no memory for a workspace.
///
/// Relied on: integers of 32 bits (LP64), as SciPy's.
///
//===----------------------------------------------------------------------===//

#include <complex>
#include <cstdint>
#include <cstdlib>

using Int = int32_t;
using Size = int64_t;
using Routine = void (*)();

// All parameters of a Fortran routine are addresses, so one type declares all.
#define DECLARE(Name)                                                          \
  void s##Name();                                                              \
  void d##Name();                                                              \
  void c##Name();                                                              \
  void z##Name();
#define DECLARE_REAL(Name)                                                     \
  void s##Name();                                                              \
  void d##Name();
#define DECLARE_COMPLEX(Name)                                                  \
  void c##Name();                                                              \
  void z##Name();
extern "C" {
DECLARE(gemv_)
DECLARE(gemm_)
DECLARE(getrf_)
DECLARE(getri_)
DECLARE(potrf_)
DECLARE(gesv_)
DECLARE(geqrf_)
DECLARE(geev_)
DECLARE(gesdd_)
DECLARE(gelsd_)
DECLARE_REAL(orgqr_)
DECLARE_COMPLEX(ungqr_)
DECLARE_REAL(syevd_)
DECLARE_COMPLEX(heevd_)
float sdot_(Int *, void *, Int *, void *, Int *);
double ddot_(Int *, void *, Int *, void *, Int *);
float snrm2_(Int *, void *, Int *);
double dnrm2_(Int *, void *, Int *);
float scnrm2_(Int *, void *, Int *);
double dznrm2_(Int *, void *, Int *);
}

namespace {

Routine pick(char Kind, Routine S, Routine D, Routine C, Routine Z) {
  switch (Kind) {
  case 's':
    return S;
  case 'd':
    return D;
  case 'c':
    return C;
  default:
    return Z;
  }
}
#define PICK(Kind, Name) pick(Kind, s##Name, d##Name, c##Name, z##Name)

template <class... Arguments> void call(Routine R, Arguments *...Addresses) {
  reinterpret_cast<void (*)(Arguments *...)>(R)(Addresses...);
}

int statusOf(Int Info) { return Info < 0 ? -1 : Info; }

bool isComplex(char Kind) { return Kind == 'c' || Kind == 'z'; }
bool isSingle(char Kind) { return Kind == 's' || Kind == 'c'; }

/// What a routine says, in its type, of the workspace that it wants.
union Wanted {
  float S;
  double D;
  Int count(char Kind) const { return isSingle(Kind) ? Int(S) : Int(D); }
};

/// Memory for a call, at least one element of 16 bytes each.
class Workspace {
public:
  explicit Workspace(Size Count)
      : Memory(std::malloc(size_t(Count > 0 ? Count : 1) * 16)) {}
  ~Workspace() { std::free(Memory); }
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;
  void *get() const { return Memory; }

private:
  void *Memory;
};

/// Calls \p Run twice: to ask for the size of its workspace, and with it.
template <class Callable> int withWorkspace(char Kind, Callable Run) {
  Wanted Asked[2] = {};
  Int Count = -1, Info = 0;
  Run(static_cast<void *>(Asked), &Count, &Info);
  if (Info < 0)
    return -1;
  Count = Asked[0].count(Kind);
  Workspace Work(Count);
  if (!Work.get())
    return -1;
  Run(Work.get(), &Count, &Info);
  return statusOf(Info);
}

} // namespace

extern "C" {

int numba_xxdot(char Kind, char Conjugate, Size N, void *X, void *Y,
                void *Result) {
  Int Count = Int(N), One = 1;
  if (Kind == 's') {
    *static_cast<float *>(Result) = sdot_(&Count, X, &One, Y, &One);
  } else if (Kind == 'd') {
    *static_cast<double *>(Result) = ddot_(&Count, X, &One, Y, &One);
  } else {
    // Compilers of Fortran disagree on how a complex number is returned, not on
    // products of matrices.
    double Coefficients[4] = {1, 0, 0, 0};
    float Singles[4] = {1, 0, 0, 0};
    void *Alpha = isSingle(Kind) ? static_cast<void *>(Singles) : Coefficients;
    void *Beta = isSingle(Kind) ? static_cast<void *>(Singles + 2)
                                : static_cast<void *>(Coefficients + 2);
    char Transposed = Conjugate ? 'C' : 'T', Plain = 'N';
    Int Leading = Count > 0 ? Count : 1;
    call(PICK(Kind, gemm_), &Transposed, &Plain, &One, &One, &Count, Alpha, X,
         &Leading, Y, &Leading, Beta, Result, &One);
  }
  return 0;
}

int numba_xxgemv(char Kind, char Transposed, Size M, Size N, void *Alpha,
                 void *A, Size LdA, void *X, void *Beta, void *Y) {
  Int Rows = Int(M), Columns = Int(N), Leading = Int(LdA), One = 1;
  call(PICK(Kind, gemv_), &Transposed, &Rows, &Columns, Alpha, A, &Leading, X,
       &One, Beta, Y, &One);
  return 0;
}

int numba_xxgemm(char Kind, char TransposedA, char TransposedB, Size M, Size N,
                 Size K, void *Alpha, void *A, Size LdA, void *B, Size LdB,
                 void *Beta, void *C, Size LdC) {
  Int Rows = Int(M), Columns = Int(N), Inner = Int(K);
  Int LeadingA = Int(LdA), LeadingB = Int(LdB), LeadingC = Int(LdC);
  call(PICK(Kind, gemm_), &TransposedA, &TransposedB, &Rows, &Columns, &Inner,
       Alpha, A, &LeadingA, B, &LeadingB, Beta, C, &LeadingC);
  return 0;
}

int numba_xxnrm2(char Kind, Size N, void *X, Size Step, void *Result) {
  Int Count = Int(N), Stride = Int(Step);
  if (isSingle(Kind))
    *static_cast<float *>(Result) =
        Kind == 's' ? snrm2_(&Count, X, &Stride) : scnrm2_(&Count, X, &Stride);
  else
    *static_cast<double *>(Result) =
        Kind == 'd' ? dnrm2_(&Count, X, &Stride) : dznrm2_(&Count, X, &Stride);
  return 0;
}

int numba_xxgetrf(char Kind, Size M, Size N, void *A, Size LdA, Int *Pivots) {
  Int Rows = Int(M), Columns = Int(N), Leading = Int(LdA), Info = 0;
  call(PICK(Kind, getrf_), &Rows, &Columns, A, &Leading, Pivots, &Info);
  return statusOf(Info);
}

int numba_ez_xxgetri(char Kind, Size N, void *A, Size LdA, Int *Pivots) {
  Int Order = Int(N), Leading = Int(LdA);
  return withWorkspace(Kind, [&](void *Work, Int *Count, Int *Info) {
    call(PICK(Kind, getri_), &Order, A, &Leading, Pivots, Work, Count, Info);
  });
}

int numba_xxpotrf(char Kind, char Half, Size N, void *A, Size LdA) {
  Int Order = Int(N), Leading = Int(LdA), Info = 0;
  call(PICK(Kind, potrf_), &Half, &Order, A, &Leading, &Info);
  return statusOf(Info);
}

int numba_xgesv(char Kind, Size N, Size Columns, void *A, Size LdA, Int *Pivots,
                void *B, Size LdB) {
  Int Order = Int(N), Right = Int(Columns), LeadingA = Int(LdA);
  Int LeadingB = Int(LdB), Info = 0;
  call(PICK(Kind, gesv_), &Order, &Right, A, &LeadingA, Pivots, B, &LeadingB,
       &Info);
  return statusOf(Info);
}

int numba_ez_geqrf(char Kind, Size M, Size N, void *A, Size LdA, void *Tau) {
  Int Rows = Int(M), Columns = Int(N), Leading = Int(LdA);
  return withWorkspace(Kind, [&](void *Work, Int *Count, Int *Info) {
    call(PICK(Kind, geqrf_), &Rows, &Columns, A, &Leading, Tau, Work, Count,
         Info);
  });
}

int numba_ez_xxgqr(char Kind, Size M, Size N, Size K, void *A, Size LdA,
                   void *Tau) {
  Int Rows = Int(M), Columns = Int(N), Reflectors = Int(K), Leading = Int(LdA);
  Routine Build = pick(Kind, sorgqr_, dorgqr_, cungqr_, zungqr_);
  return withWorkspace(Kind, [&](void *Work, Int *Count, Int *Info) {
    call(Build, &Rows, &Columns, &Reflectors, A, &Leading, Tau, Work, Count,
         Info);
  });
}

int numba_ez_rgeev(char Kind, char Left, char Right, Size N, void *A, Size LdA,
                   void *Real, void *Imaginary, void *VL, Size LdVL, void *VR,
                   Size LdVR) {
  Int Order = Int(N), Leading = Int(LdA), LeadingL = Int(LdVL);
  Int LeadingR = Int(LdVR);
  return withWorkspace(Kind, [&](void *Work, Int *Count, Int *Info) {
    call(PICK(Kind, geev_), &Left, &Right, &Order, A, &Leading, Real, Imaginary,
         VL, &LeadingL, VR, &LeadingR, Work, Count, Info);
  });
}

int numba_ez_cgeev(char Kind, char Left, char Right, Size N, void *A, Size LdA,
                   void *Values, void *VL, Size LdVL, void *VR, Size LdVR) {
  Int Order = Int(N), Leading = Int(LdA), LeadingL = Int(LdVL);
  Int LeadingR = Int(LdVR);
  Workspace Reals(2 * N);
  if (!Reals.get())
    return -1;
  return withWorkspace(Kind, [&](void *Work, Int *Count, Int *Info) {
    call(PICK(Kind, geev_), &Left, &Right, &Order, A, &Leading, Values, VL,
         &LeadingL, VR, &LeadingR, Work, Count, Reals.get(), Info);
  });
}

int numba_ez_xxxevd(char Kind, char Vectors, char Half, Size N, void *A,
                    Size LdA, void *Values) {
  Int Order = Int(N), Leading = Int(LdA), Info = 0;
  Int Count = -1, Reals = -1, Integers = -1, WantedIntegers = 0;
  Routine Solve = pick(Kind, ssyevd_, dsyevd_, cheevd_, zheevd_);
  auto Run = [&](void *Work, void *RealWork, Int *IntegerWork) {
    if (isComplex(Kind))
      call(Solve, &Vectors, &Half, &Order, A, &Leading, Values, Work, &Count,
           RealWork, &Reals, IntegerWork, &Integers, &Info);
    else
      call(Solve, &Vectors, &Half, &Order, A, &Leading, Values, Work, &Count,
           IntegerWork, &Integers, &Info);
  };
  Wanted Asked[2] = {}, AskedReals[2] = {};
  Run(Asked, AskedReals, &WantedIntegers);
  if (Info < 0)
    return -1;
  Count = Asked[0].count(Kind);
  Reals = AskedReals[0].count(Kind);
  Integers = WantedIntegers;
  Workspace Work(Count), RealWork(Reals), IntegerWork(Integers);
  if (!Work.get() || !RealWork.get() || !IntegerWork.get())
    return -1;
  Run(Work.get(), RealWork.get(), static_cast<Int *>(IntegerWork.get()));
  return statusOf(Info);
}

int numba_ez_gesdd(char Kind, char Vectors, Size M, Size N, void *A, Size LdA,
                   void *Values, void *U, Size LdU, void *VT, Size LdVT) {
  Int Rows = Int(M), Columns = Int(N), Leading = Int(LdA);
  Int LeadingU = Int(LdU), LeadingVT = Int(LdVT);
  Size Smaller = M < N ? M : N, Larger = M < N ? N : M;
  Size First = 5 * Smaller + 7, Second = 2 * Larger + 2 * Smaller + 1;
  Workspace Integers(8 * Smaller);
  Workspace Reals(isComplex(Kind) ? Smaller * (First > Second ? First : Second)
                                  : 0);
  if (!Integers.get() || !Reals.get())
    return -1;
  return withWorkspace(Kind, [&](void *Work, Int *Count, Int *Info) {
    if (isComplex(Kind))
      call(PICK(Kind, gesdd_), &Vectors, &Rows, &Columns, A, &Leading, Values,
           U, &LeadingU, VT, &LeadingVT, Work, Count, Reals.get(),
           Integers.get(), Info);
    else
      call(PICK(Kind, gesdd_), &Vectors, &Rows, &Columns, A, &Leading, Values,
           U, &LeadingU, VT, &LeadingVT, Work, Count, Integers.get(), Info);
  });
}

int numba_ez_gelsd(char Kind, Size M, Size N, Size Columns, void *A, Size LdA,
                   void *B, Size LdB, void *Values, double Tolerance,
                   Size *Rank) {
  Int Rows = Int(M), Unknowns = Int(N), Right = Int(Columns);
  Int LeadingA = Int(LdA), LeadingB = Int(LdB), Found = 0, Info = 0;
  float Single = float(Tolerance);
  void *Cut = isSingle(Kind) ? static_cast<void *>(&Single)
                             : static_cast<void *>(&Tolerance);
  Int Count = -1, WantedIntegers = 0;
  auto Run = [&](void *Work, void *Reals, void *Integers) {
    if (isComplex(Kind))
      call(PICK(Kind, gelsd_), &Rows, &Unknowns, &Right, A, &LeadingA, B,
           &LeadingB, Values, Cut, &Found, Work, &Count, Reals, Integers,
           &Info);
    else
      call(PICK(Kind, gelsd_), &Rows, &Unknowns, &Right, A, &LeadingA, B,
           &LeadingB, Values, Cut, &Found, Work, &Count, Integers, &Info);
  };
  Wanted Asked[2] = {}, AskedReals[2] = {};
  Run(Asked, AskedReals, &WantedIntegers);
  if (Info < 0)
    return -1;
  Count = Asked[0].count(Kind);
  Workspace Work(Count), Reals(AskedReals[0].count(Kind)),
      Integers(WantedIntegers);
  if (!Work.get() || !Reals.get() || !Integers.get())
    return -1;
  Run(Work.get(), Reals.get(), Integers.get());
  *Rank = Found;
  return statusOf(Info);
}
}
