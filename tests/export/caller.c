/* Calls the exported library as a program that has never heard of Python: exits with 0 if all is as it should be. */
#include "physics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                          \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

static int near(double one, double other) { return fabs(one - other) <= 1e-6 * (1.0 + fabs(other)); }

static double miss(double vx, double vy, double drag) {
  double state[4] = {0.0, 0.0, vx, vy}, value = NAN;
  REQUIRE(shot_primal(state, 4, 8.0, drag, 0.01, 50, &value) == 0);
  return value;
}

/* Gradient against central differences of the primal, which the library has too. */
static void check_gradient(double vx, double vy) {
  const double drag = 0.05, h = 1e-5;
  double state[4] = {0.0, 0.0, vx, vy}, shadow[4] = {0.0, 0.0, 0.0, 0.0}, adjoint = NAN, value = NAN;
  REQUIRE(shot(state, shadow, 4, 8.0, drag, &adjoint, 0.01, 50, 1.0, &value) == 0);
  REQUIRE(value == miss(vx, vy, drag));
  REQUIRE(near(shadow[2], (miss(vx + h, vy, drag) - miss(vx - h, vy, drag)) / (2 * h)));
  REQUIRE(near(shadow[3], (miss(vx, vy + h, drag) - miss(vx, vy - h, drag)) / (2 * h)));
  REQUIRE(near(adjoint, (miss(vx, vy, drag + h) - miss(vx, vy, drag - h)) / (2 * h)));
}

static void check_failures(void) {
  double state[8] = {0.0, 0.0, 3.0, 6.0, 1.0, 1.0, 1.0, 1.0}, shadow[4] = {1.0, 2.0, 3.0, 4.0}, adjoint = 7.0;
  double value = 9.0;
  int32_t below = shot(state, shadow, 4, 8.0, 0.05, &adjoint, 0.01, -1, 1.0, &value);
  int32_t drag = shot(state, shadow, 4, 8.0, -1.0, &adjoint, 0.01, 50, 1.0, &value);
  REQUIRE(below > 0 && below < 20000 && drag > 0 && drag < 20000 && below != drag);
  REQUIRE(strstr(physics_error(below), "ValueError: steps below zero"));
  REQUIRE(strstr(physics_error(drag), "ArithmeticError: no such drag"));
  REQUIRE(shot_primal(state, 4, 8.0, -1.0, 0.01, 50, NULL) == drag);
  REQUIRE(shot(state, state + 2, 4, 8.0, 0.05, &adjoint, 0.01, 50, 1.0, &value) == 20551);
  REQUIRE(strstr(physics_error(20551), "overlap"));
  REQUIRE(strcmp(physics_error(0), "success") == 0 && strcmp(physics_error(12345), "unknown status") == 0);
  REQUIRE(shadow[0] == 1.0 && shadow[3] == 4.0 && adjoint == 7.0 && value == 9.0 && state[0] == 0.0);
}

static void check_empty(void) {
  double nothing = 5.0, adjoint = NAN;
  REQUIRE(heat(&nothing, &nothing, 0, 0.1, &adjoint, 10) == 0);
  REQUIRE(heat(NULL, NULL, 0, 0.1, &adjoint, 10) == 0);
  REQUIRE(nothing == 5.0 && adjoint == 0.0);
}

/* Forward and reverse agree: <tangent of the result, seed> = <adjoints, tangent>; a batch is its members. */
static void check_modes(void) {
  enum { N = 200, W = 3 };
  double *u = malloc(N * sizeof *u), *v = malloc(N * sizeof *v), *du = malloc(N * sizeof *u), *dv = malloc(N * sizeof *v);
  double adjoint = NAN, left = 0.0, right = 0.0;
  for (int i = 0; i < N; ++i) {
    u[i] = v[i] = sin(i);
    dv[i] = cos(3 * i);
    du[i] = 1.0 / (1 + i);
    right += 0;
  }
  REQUIRE(heat_tangent(v, dv, N, 0.2, 0.5, 40) == 0);
  for (int i = 0; i < N; ++i)
    left += dv[i] * du[i];
  REQUIRE(heat(u, du, N, 0.2, &adjoint, 40) == 0);
  for (int i = 0; i < N; ++i)
    right += cos(3 * i) * du[i];
  REQUIRE(near(left, right + 0.5 * adjoint));
  REQUIRE(memcmp(u, v, N * sizeof *u) == 0);

  double shadows[W][N] = {{0}}, seed[W] = {1.0, -2.0, 0.0}, adjoints[W] = {NAN, NAN, NAN}, value = NAN, tangent[W];
  double tangents[W][N] = {{0}}, a_tangent[W] = {0.0, 1.0, 0.0};
  tangents[0][7] = tangents[2][8] = 1.0;
  REQUIRE(norm(u, shadows[0], N, sizeof *u, sizeof shadows[0], 0.7, adjoints, seed, &value) == 0);
  REQUIRE(norm_tangents(u, tangents[0], N, sizeof *u, sizeof tangents[0], 0.7, a_tangent, tangent, NULL) == 0);
  REQUIRE(near(tangent[0], shadows[0][7]) && near(tangent[1], adjoints[0]) && near(tangent[2], shadows[0][8]));
  REQUIRE(near(shadows[1][7], -2.0 * shadows[0][7]) && shadows[2][7] == 0.0 && adjoints[2] == 0.0);
  free(u), free(v), free(du), free(dv);
}

static void *work(void *argument) {
  (void)argument;
  for (int i = 0; i < 20; ++i)
    check_gradient(3.0 + 0.01 * i, 6.0);
  check_modes();
  return NULL;
}

/* Lines of the process's map of memory: an arena that outlives its thread would stay in it. */
static int maps(void) {
  FILE *file = fopen("/proc/self/maps", "r");
  int lines = 0;
  REQUIRE(file);
  for (int c; (c = fgetc(file)) != EOF;)
    lines += c == '\n';
  fclose(file);
  return lines;
}

static void check_threads(void) {
  int before = 0;
  for (int round = 0; round < 20; ++round) {
    pthread_t threads[4];
    for (int i = 0; i < 4; ++i)
      REQUIRE(pthread_create(&threads[i], NULL, work, NULL) == 0);
    for (int i = 0; i < 4; ++i)
      REQUIRE(pthread_join(threads[i], NULL) == 0);
    if (round == 4)
      before = maps();
  }
  REQUIRE(maps() <= before + 10);
}

int main(int count, char **arguments) {
  check_gradient(3.0, 6.0);
  check_failures();
  check_empty();
  check_modes();
  if (count < 2 || strcmp(arguments[1], "quick"))
    check_threads();
  physics_release();
  check_modes();
  physics_release();
  return 0;
}
