/* Aims a shot with drag by gradient descent on an exported derivative (exported.py writes the library).
 *
 * cc exported.c -lphysics
 */
#include "physics.h"

#include <stdio.h>

int main(void) {
  const double distance = 8.0, drag = 0.05, dt = 0.01, rate = 0.05;
  double vx = 3.0, vy = 6.0, squared_miss = 0.0;
  int calls = 0;
  do {
    double state[4] = {0.0, 0.0, vx, vy};     /* the solver overwrites it */
    double adjoint[4] = {0.0, 0.0, 0.0, 0.0}; /* in: adjoint of the final state, out: of the initial */
    int32_t status = miss(state, adjoint, 4, distance, drag, dt, 200, 1.0, &squared_miss);
    if (status != 0) {
      fprintf(stderr, "%s\n", physics_error(status));
      return 1;
    }
    vx -= rate * adjoint[2];
    vy -= rate * adjoint[3];
  } while (squared_miss > 1e-12 && ++calls < 1000);

  double state[4] = {0.0, 0.0, vx, vy}, missed = 0.0;
  if (miss_primal(state, 4, distance, drag, dt, 200, &missed) != 0 || missed > 1e-11)
    return 1;
  printf("aimed in %d calls: launch at (%.4f, %.4f), squared miss %.1e\n", calls, vx, vy, missed);
  return 0;
}
