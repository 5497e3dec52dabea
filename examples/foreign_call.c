/* Aims a shot with drag: gradient descent in C on a derivative that arrives as a plain function pointer.
 *
 * Nothing here knows of Python, Numba or LLVM. The flat signature is the one that `dk.cdef` prints: a Duplicated array is
 * its data, its shadow and its extent; Const arguments are themselves; the seed and a place for the value come last.
 */
#include <stdint.h>

typedef int32_t (*miss_derivative)(double *state, double *state_shadow, int64_t state_n0, double distance, double drag,
                                   double dt, int64_t steps, double seed, double *value);

/* Improves the launch velocity in place until the squared miss is below the tolerance.
 * Returns the number of derivative calls, or 0 when one of them failed. */
int32_t aim(miss_derivative derivative, double velocity[2], double distance, double drag, double tolerance, double *miss) {
  const double rate = 0.05;
  for (int32_t calls = 1; calls <= 1000; ++calls) {
    double state[4] = {0.0, 0.0, velocity[0], velocity[1]}; /* the solver overwrites it */
    double shadow[4] = {0.0, 0.0, 0.0, 0.0};                /* in: adjoint of the final state, out: of the initial */
    if (derivative(state, shadow, 4, distance, drag, 0.01, 200, 1.0, miss) != 0)
      return 0;
    if (*miss < tolerance)
      return calls;
    velocity[0] -= rate * shadow[2];
    velocity[1] -= rate * shadow[3];
  }
  return 1000;
}
