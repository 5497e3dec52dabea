// Finds the initial temperatures of a rod from final ones: the method of Barzilai and Borwein on an exported derivative.
//
// c++ -std=c++17 exported.cpp -lphysics
#include "physics.hpp"

#include <cmath>
#include <cstdio>
#include <vector>

int main() {
  namespace physics = physics_cpp;
  constexpr int cells = 64, steps = 20;
  constexpr double alpha = 0.2;

  std::vector<double> hidden(cells), measured(cells), nothing(cells);
  for (int i = 0; i < cells; ++i)
    hidden[i] = measured[i] = std::exp(-0.02 * (i - 20) * (i - 20)) + 0.5 * std::exp(-0.02 * (i - 45) * (i - 45));
  physics::misfit_primal(measured, nothing, alpha, steps); // from the initial to the final temperatures

  std::vector<double> guess(cells), gradient(cells), last_guess, last_gradient;
  double value = 0.0, rate = 0.5;
  for (int calls = 0; calls < 300; ++calls) {
    std::vector<double> rod = guess;
    gradient.assign(cells, 0.0);
    value = physics::misfit(rod, gradient, measured, alpha, steps).value;
    if (calls > 0) {
      double both = 0.0, squared = 0.0;
      for (int i = 0; i < cells; ++i) {
        double change = gradient[i] - last_gradient[i];
        both += change * (guess[i] - last_guess[i]);
        squared += change * change;
      }
      rate = squared > 0.0 ? both / squared : rate;
    }
    last_guess = guess;
    last_gradient = gradient;
    for (int i = 0; i < cells; ++i)
      guess[i] -= rate * gradient[i];
  }

  double worst = 0.0;
  for (int i = 0; i < cells; ++i)
    worst = std::fmax(worst, std::fabs(guess[i] - hidden[i]));
  std::printf("found %d temperatures: misfit %.1e, largest error %.1e\n", cells, value, worst);

  try {
    physics::misfit(guess, gradient, measured, 0.7, steps);
  } catch (const physics::error &error) {
    std::printf("     and with alpha = 0.7: %s\n", error.what());
    return value < 1e-8 ? 0 : 1;
  }
  return 1;
}
