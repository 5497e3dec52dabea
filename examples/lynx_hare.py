"""Fits the Lotka-Volterra equations to a century-old record of hare and lynx pelts.

The solver is an in-place Runge-Kutta method written as plain Numba loops: the state and its stages are overwritten in
every step. Its gradient with respect to four rates and two initial populations comes from `pyfront.autodiff`.

The loss is the sum of squares of *log* residuals. Both populations swing by a factor of ten and more, and a count of
pelts is off by a percentage rather than by a number; squares of plain residuals would fit the peaks and ignore the
troughs, where the dynamics is decided.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numba import njit
from scipy.optimize import minimize
from tqdm import tqdm

import pyfront as ad

plt.switch_backend("Agg")

HERE = Path(__file__).parent
STEPS_PER_YEAR = 50
NAMES = ("hare growth", "predation", "lynx growth", "lynx death", "hare in 1900", "lynx in 1900")


@njit
def growth(y, p, out):
    out[0] = (p[0] - p[1] * y[1]) * y[0]
    out[1] = (p[2] * y[0] - p[3]) * y[1]


@njit
def loss(theta, observed, steps_per_year, path):
    """Simulate with the parameters exp(theta), leave the yearly populations in `path`, return the misfit."""
    p = np.empty_like(theta)
    for i in range(theta.shape[0]):
        p[i] = np.exp(theta[i])
    y = p[4:].copy()
    k1 = np.empty_like(y)
    k2 = np.empty_like(y)
    k3 = np.empty_like(y)
    k4 = np.empty_like(y)
    stage = np.empty_like(y)
    h = 1.0 / steps_per_year
    for year in range(observed.shape[0]):
        for i in range(2):
            path[year, i] = y[i]
        for _ in range(steps_per_year):
            growth(y, p, k1)
            for i in range(2):
                stage[i] = y[i] + 0.5 * h * k1[i]
            growth(stage, p, k2)
            for i in range(2):
                stage[i] = y[i] + 0.5 * h * k2[i]
            growth(stage, p, k3)
            for i in range(2):
                stage[i] = y[i] + h * k3[i]
            growth(stage, p, k4)
            for i in range(2):
                y[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])
    total = 0.0 * theta[0]
    for year in range(observed.shape[0]):
        for i in range(2):
            residual = np.log(path[year, i]) - np.log(observed[year, i])
            total += residual * residual
    return total


# `path` is Const: nobody asks for its derivative. That the kernel keeps active values in it is taken care of.
derivative = ad.autodiff(loss, ad.Duplicated, ad.Const, ad.Const, ad.Const, mode=ad.ReverseWithPrimal)


def value_and_gradient(theta, observed):
    """The loss and its gradient at `theta`."""
    gradient = np.zeros_like(theta)
    value, _ = derivative(theta, gradient, observed, STEPS_PER_YEAR, np.empty_like(observed))
    return value, gradient


def complex_step_gradient(theta, observed):
    """An independent gradient: the kernel itself at complex arguments, exact to rounding."""
    gradient = np.empty_like(theta)
    for i in range(theta.size):
        shifted = theta.astype(complex)
        shifted[i] += 1e-30j
        gradient[i] = loss(shifted, observed, STEPS_PER_YEAR, np.empty(observed.shape, complex)).imag / 1e-30
    return gradient


def draw(file, years, observed, start, fitted):
    figure, axes = plt.subplots(2, 1, sharex=True, figsize=(8, 6), layout="constrained")
    for i, (axis, name) in enumerate(zip(axes, ("snowshoe hare", "Canadian lynx"), strict=True)):
        axis.plot(years, start[:, i], ":", color="0.6", label="first guess")
        axis.plot(years, fitted[:, i], "-", color="C0", label="fit")
        axis.plot(years, observed[:, i], "o", color="C3", label="pelts")
        axis.set_ylabel(f"{name}, thousands")
        axis.set_yscale("log")
    axes[0].legend(ncols=3)
    figure.suptitle("Lotka–Volterra fitted to the Hudson's Bay Company's records")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "output" / "lynx_hare.png")
    output = parser.parse_args().output
    table = np.loadtxt(HERE / "data" / "lynx_hare.csv", delimiter=",", comments="#", skiprows=3)
    years, observed = table[:, 0], np.ascontiguousarray(table[:, 1:])
    start = np.log([0.6, 0.03, 0.03, 0.6, observed[0, 0], observed[0, 1]])

    began = time.perf_counter()
    before, gradient = value_and_gradient(start, observed)
    print(f"derivative compiled and run in {time.perf_counter() - began:.2f} s")
    reference = complex_step_gradient(start, observed)
    error = np.abs(gradient - reference).max() / np.abs(reference).max()
    print(f"gradient against complex step: relative error {error:.1e}")

    with tqdm(desc="fit", unit=" iterations") as bar:

        def progress(intermediate_result):
            bar.set_postfix(loss=f"{intermediate_result.fun:.5f}")
            bar.update()

        fit = minimize(value_and_gradient, start, (observed,), "L-BFGS-B", jac=True, callback=progress)

    print(f"loss before {before:.5f}, after {fit.fun:.5f} ({fit.nit} iterations, {fit.nfev} gradients)")
    for name, value in zip(NAMES, np.exp(fit.x), strict=True):
        print(f"  {name:13s} {value:8.4f}")

    paths = [np.empty_like(observed) for _ in range(2)]
    for theta, path in zip((start, fit.x), paths, strict=True):
        loss(theta, observed, STEPS_PER_YEAR, path)
    draw(output, years, observed, *paths)
    print(f"wrote {output}")

    assert error < 1e-10, "the gradient disagrees with the complex step"
    assert fit.fun < 2.05, "the fit did not reach the known minimum"


if __name__ == "__main__":
    main()
