"""A Newton loop that nobody differentiates: the implicit Euler method by the implicit function theorem.

Heat spreads in a rod whose conductivity rises with the temperature, u_t = (k(x) u² u_x)_x. Each implicit step solves
`residual(u, ...) = 0` by Newton's method with a dense matrix. What is asked for is the gradient of the misfit of the
last state with respect to the conductivity k in all cells. It comes in three ways, which agree:

- `pyfront.autodiff` through the loop: each iteration's matrix and linear solve is reversed;
- `pyfront.custom_root`: the step is differentiated by the equation that it solves, with one dense solve per step;
- the same with SciPy's GMRES, which needs no matrix.

The theorem holds at the root: how Newton's method got there, and from where, makes no difference to it. So nothing of
the iterations has to be kept. Reversing them is fast here all the same, for `pyfront` keeps their factorizations.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, by SciPy's BLAS; its threads only get in the way here

import argparse
import time

import numpy as np
from numba import njit

import pyfront as ad

CELLS, STEPS, STEP = 160, 10, 1e-5


@njit
def residual(u, before, k, h):
    """Of an implicit step of size `h` from `before` to `u`, on cells of size 1 / n between closed ends."""
    n = u.shape[0]
    out = u - before
    for i in range(n - 1):
        mean = 0.5 * (u[i] + u[i + 1])
        flux = h * n * n * 0.5 * (k[i] + k[i + 1]) * mean * mean * (u[i + 1] - u[i])
        out[i] -= flux
        out[i + 1] += flux
    return out


def newton(u, before, k, h):
    """The root of `residual`, from the guess `u`."""
    n = u.shape[0]
    u = u.copy()
    for _ in range(20):
        r = residual(u, before, k, h)
        if np.max(np.abs(r)) < 1e-13:
            break
        jacobian = np.eye(n)
        for i in range(n - 1):
            mean, difference = 0.5 * (u[i] + u[i + 1]), u[i + 1] - u[i]
            factor = h * n * n * 0.5 * (k[i] + k[i + 1]) * mean
            left, right = factor * (difference - mean), factor * (difference + mean)
            jacobian[i, i] -= left
            jacobian[i, i + 1] -= right
            jacobian[i + 1, i] += left
            jacobian[i + 1, i + 1] += right
        u -= np.linalg.solve(jacobian, r)
    return u


def misfit_with(step):
    """The misfit of the last state, with one of the ways to make a step."""

    @njit
    def misfit(k, u, target, steps, h):
        for _ in range(steps):
            u[:] = step(u, u, k, h)
        return 0.5 * np.sum((u - target) ** 2)

    return misfit


WAYS = {
    "through Newton's loop": njit(newton),
    "custom_root, dense": ad.custom_root(residual)(njit(newton)),
    "custom_root, GMRES": ad.custom_root(residual, linear_solver="gmres")(njit(newton)),
}


def best(function, repeats):
    """The least of the times of some calls, in milliseconds, and what the last one returned."""
    times = []
    for _ in range(repeats + 1):  # the first one compiles
        begin = time.perf_counter()
        result = function()
        times.append(1e3 * (time.perf_counter() - begin))
    return min(times[1:]), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    x = (np.arange(CELLS) + 0.5) / CELLS
    initial, k = 1.0 + np.exp(-((x - 0.3) ** 2) / 0.01), 1.0 + 0.5 * np.sin(7.0 * x)
    target = 1.0 + 0.5 * np.exp(-((x - 0.35) ** 2) / 0.02)

    def gradient(misfit):
        forward, reverse = ad.autodiff_split(misfit, ad.Duplicated, ad.Duplicated, ad.Const, ad.Const, ad.Const)

        def call():
            slope = np.zeros(CELLS)
            _, tape = forward(k, initial.copy(), target, STEPS, STEP)
            kept = tape.nbytes
            reverse(slope, np.zeros(CELLS), tape)
            return slope, kept

        return call

    plain = misfit_with(WAYS["through Newton's loop"])
    time_of_value, _ = best(lambda: plain(k, initial.copy(), target, STEPS, STEP), repeats)
    print(f"{STEPS} implicit steps, {CELLS} cells: the misfit takes {time_of_value:.1f} ms")
    found = {}
    for name, step in WAYS.items():
        time_of_gradient, (found[name], kept) = best(gradient(misfit_with(step)), repeats)
        print(f"  its gradient, {name:<22} {time_of_gradient:7.1f} ms, keeps {kept / 1e6:6.2f} MB")
    reference = found.pop("through Newton's loop")
    difference = max(np.max(np.abs(slope - reference)) for slope in found.values()) / np.max(np.abs(reference))
    print(f"they differ by {difference:.1e} of the largest element")
    assert difference < 1e-9


if __name__ == "__main__":
    main()
