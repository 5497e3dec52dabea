// The exported library through its C++ header: vectors in, structs out, statuses as exceptions.
#include "physics.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

static void require(bool condition, const char *what) {
  if (!condition) {
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
  }
}

int main() {
  namespace physics = physics_cpp;
  std::vector<double> state{0.0, 0.0, 3.0, 6.0}, shadow(4);
  auto result = physics::shot(state, shadow, 8.0, 0.05, 0.01, 50);
  double h = 1e-5;
  std::vector<double> up{0.0, 0.0, 3.0 + h, 6.0}, down{0.0, 0.0, 3.0 - h, 6.0};
  double difference = (physics::shot_primal(up, 8.0, 0.05, 0.01, 50).value -
                       physics::shot_primal(down, 8.0, 0.05, 0.01, 50).value) /
                      (2 * h);
  require(std::abs(shadow[2] - difference) < 1e-5, "gradient");
  require(result.value > 0 && result.drag_adjoint != 0, "results");

#if __cplusplus >= 202002L
  std::vector<double> same{0.0, 0.0, 3.0, 6.0}, other(4);
  physics::shot(std::span<double>(same), std::span<double>(other), 8.0, 0.05,
                0.01, 50);
  require(other == shadow, "span");
#endif

  try {
    physics::shot(state, shadow, 8.0, -1.0, 0.01, 50);
    require(false, "no exception");
  } catch (const physics::error &error) {
    require(std::strstr(error.what(), "no such drag") && error.status() > 0,
            error.what());
  }
  try {
    std::vector<double> shorter(3);
    physics::shot(state, shorter, 8.0, 0.05, 0.01, 50);
    require(false, "a shadow of another shape");
  } catch (const std::invalid_argument &) {
  }

  // A batch of 3, and a read-only array that is constant here.
  const std::vector<double> x{1.0, 2.0, 3.0};
  std::vector<double> shadows(9);
  auto batch = physics::norm(x, {shadows.data(), {3, 3}}, 0.7, {1.0, 2.0, 0.0});
  require(batch.a_adjoint[1] == 2.0 * batch.a_adjoint[0] &&
              shadows[3] == 2.0 * shadows[0] && shadows[6] == 0.0,
          "batch");

  // Fortran order and strides.
  std::vector<double> A{1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, A_shadow(6);
  std::vector<float> w{1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f};
  const std::vector<std::int16_t> v{1, 2};
  auto mixed = physics::mixed(7, {A.data(), {2, 3}, {8, 16}},
                              {A_shadow.data(), {2, 3}, {8, 16}}, 1,
                              {w.data(), {3, 2}}, 2.0, 3.0f, v);
  require(mixed.value_1_0 == 14 && mixed.value_1_1 == 6.0 && A[5] == 36.0,
          "mixed");
  try {
    physics::mixed(7, {A.data(), {2, 3}}, {A_shadow.data(), {2, 3}}, 1,
                   {w.data(), {3, 2}}, 2.0, 3.0f, v);
    require(false, "an array that is not in Fortran order");
  } catch (const physics::error &error) {
    require(error.status() == 20552, error.what());
  }
}
