"""Hands exact derivatives of in-place Numba code to SciPy's `least_squares`, `root` and `minimize`.

Three problems, each solved with SciPy's finite differences and with derivatives by pyfront; the table counts the calls.

* least_squares: an influenza epidemic in a boarding school, by a Runge-Kutta method that overwrites its state.
* root: Chandrasekhar's equation for light scattered in an atmosphere, 200 equations, each with all 200 unknowns.
* minimize: the conductivity along a rod, from measured temperatures. The problem is ill-conditioned, so that one wants
  Newton's method; its products with the Hessian come from a forward sweep over the gradient.

For `solve_ivp` see stiff_brusselator.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.optimize import OptimizeResult, least_squares, minimize, root

import pyfront as ad

PUPILS = 763
IN_BED = np.array([3, 8, 26, 76, 225, 298, 258, 233, 189, 128, 68, 29, 14, 4], float)
"""Boys confined to bed, day by day; British Medical Journal, 4 March 1978, page 587."""
STEPS_PER_DAY = 20

EQUATIONS = 200
ALBEDO = 0.99

FACES = 61
INTERVAL = 500
SMOOTHING = 1e-4
NOISE = 1e-3


@njit
def growth(y, contact, recovery, out):
    infections = contact * y[0] * y[1] / PUPILS
    out[0] = -infections
    out[1] = infections - recovery * y[1]


@njit
def epidemic(out, theta, steps_per_day):
    """The infected of every day, for theta = contact rate, recovery rate, infected on day 0."""
    y = np.array([PUPILS - theta[2], theta[2]])
    stage = np.empty_like(y)
    k = np.empty((4, y.size), y.dtype)
    h = 1.0 / steps_per_day
    for day in range(out.size):
        out[day] = y[1]
        for _ in range(steps_per_day):
            growth(y, theta[0], theta[1], k[0])
            for s in range(1, 4):
                for i in range(2):
                    stage[i] = y[i] + h * (1.0 if s == 3 else 0.5) * k[s - 1, i]
                growth(stage, theta[0], theta[1], k[s])
            for i in range(2):
                y[i] += h / 6.0 * (k[0, i] + 2.0 * k[1, i] + 2.0 * k[2, i] + k[3, i])


epidemic_jacobian = ad.jacobian(epidemic, argnums=1, out=0)


def residuals(theta):
    """What is wrong with theta, day by day."""
    infected = np.empty_like(IN_BED)
    epidemic(infected, theta, STEPS_PER_DAY)
    return infected - IN_BED


def residuals_jacobian(theta):
    return epidemic_jacobian(np.empty_like(IN_BED), theta, STEPS_PER_DAY)


@njit
def scattering(h, albedo):
    """Chandrasekhar's H-equation by the midpoint rule; zero at the solution."""
    n = h.size
    result = np.empty_like(h)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += (i + 0.5) / (i + j + 1.0) * h[j]
        result[i] = h[i] - 1.0 / (1.0 - 0.5 * albedo / n * total)
    return result


scattering_jacobian = ad.jacobian(scattering, argnums=0)


@njit
def conduct(temperature, conductivity, flux, steps):
    """Heat a rod from its left end, kept at 1, for some steps; the right end is kept at 0."""
    n = temperature.size
    for _ in range(steps):
        flux[0] = conductivity[0] * (1.0 - temperature[0])
        for i in range(1, n):
            flux[i] = conductivity[i] * (temperature[i - 1] - temperature[i])
        flux[n] = conductivity[n] * temperature[n - 1]
        for i in range(n):
            temperature[i] += 0.2 * (flux[i] - flux[i + 1])


@njit
def misfit(q, measured, interval, smoothing):
    """Squared differences from the measured temperatures of a rod that conducts with exp(q), and of q's neighbours."""
    conductivity = np.exp(q)
    temperature = np.zeros(q.size - 1, q.dtype)
    flux = np.empty_like(q)
    total = 0.0
    for record in range(measured.shape[0]):
        conduct(temperature, conductivity, flux, interval)
        for i in range(temperature.size):
            total += 0.5 * (temperature[i] - measured[record, i]) ** 2
    for i in range(1, q.size):
        total += 0.5 * smoothing * (q[i] - q[i - 1]) ** 2
    return total


misfit_and_gradient = ad.value_and_grad(misfit)


def misfit_hessian_product(q, p, *data):
    """The Hessian at q times p."""
    product, *_ = ad.hvp(misfit, (q, *data), (p, *[None] * len(data)))
    return product


def measurements(q, records=8):
    """What a thermometer with some noise shows along the rod, at the times at which `misfit` looks."""
    temperature, flux = np.zeros(q.size - 1), np.empty(q.size)
    result = np.random.default_rng(0).normal(0.0, NOISE, (records, temperature.size))
    for row in result:
        conduct(temperature, np.exp(q), flux, INTERVAL)
        row += temperature
    return result


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function = function
        self.count = 0

    def __call__(self, *args):
        self.count += 1
        return self.function(*args)


@dataclass
class Solution:
    """What a solver found, how often it called the function and its derivatives, and how long that took."""

    result: OptimizeResult
    calls: int
    derivatives: int
    seconds: float


def timed(solve, *functions):
    """`solve(*functions)`, where the first function is the one to solve, and the others are its derivatives."""
    counted = [Counted(function) for function in functions]
    began = time.process_time()
    result = solve(*counted)
    seconds = time.process_time() - began
    return Solution(result, counted[0].count, sum(function.count for function in counted[1:]), seconds)


def fit_epidemic(exact):
    """Contact rate, recovery rate and infected of day 0."""

    def solve(function, jac="2-point"):
        return least_squares(function, (1.5, 0.5, 1.0), jac, x_scale="jac")

    return timed(solve, residuals, residuals_jacobian) if exact else timed(solve, residuals)


def solve_scattering(exact):
    """H at the midpoints."""

    def solve(function, jac=None):
        return root(function, np.ones(EQUATIONS), (ALBEDO,), jac=jac)

    return timed(solve, scattering, scattering_jacobian) if exact else timed(solve, scattering)


def true_conductivity():
    """Its logarithm at the faces between the rod's cells."""
    return 0.8 * np.sin(np.linspace(0.0, 2.0 * np.pi, FACES)) - 0.3


def find_conductivity(exact):
    """The logarithm of the rod's conductivity, from measurements."""
    data = (measurements(true_conductivity()), INTERVAL, SMOOTHING)

    def newton(function, hessp):
        return minimize(function, np.zeros(FACES), data, "Newton-CG", jac=True, hessp=hessp)

    def quasi_newton(function):
        return minimize(function, np.zeros(FACES), data)

    return timed(newton, misfit_and_gradient, misfit_hessian_product) if exact else timed(quasi_newton, misfit)


def report(title, solve):
    """Solve a problem in both ways and print a line for each; the solution with our derivatives."""
    for exact in (False, True):
        solve(exact)  # compiles
        found = solve(exact)
        assert found.result.success, found.result.message
        name = "pyfront" if exact else "SciPy's differences"
        print(f"{title:26s} {name:20s} {found.calls:10d} {found.derivatives:12d} {1e3 * found.seconds:10.1f}")
    return found.result.x


def main():
    print(f"{'':26s} {'derivatives by':20s} {'functions':>10s} {'derivatives':>12s} {'ms':>10s}")
    theta = report("least_squares, epidemic", fit_epidemic)
    h = report("root, light", solve_scattering)
    q = report("minimize, rod", find_conductivity)

    print(f"at first an infected boy infected {theta[0]:.2f} others a day, for {24 / theta[1]:.0f} hours")
    mean = 2.0 / ALBEDO * (1.0 - np.sqrt(1.0 - ALBEDO))
    print(f"the mean of H is {h.mean():.10f}, by theory {mean:.10f}")
    error = np.abs(np.exp(q - true_conductivity()) - 1.0).max()
    print(f"the rod's conductivity is found to {100 * error:.0f} %")
    assert abs(theta[0] / theta[1] - 3.9) < 0.1, "not the known reproduction number"
    assert abs(h.mean() - mean) < 1e-9, "not the mean that theory gives"
    assert error < 0.1, "the conductivity was not found"


if __name__ == "__main__":
    main()
