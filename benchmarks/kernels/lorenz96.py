"""Lorenz-96 by classical Runge-Kutta in place, stages in local arrays, right-hand side in a function of its own."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def tendency(x, forcing, out):
    n = x.shape[0]
    for i in range(n):
        ahead = x[i + 1] if i + 1 < n else x[0]
        behind = x[i - 1] if i >= 1 else x[n - 1]
        behind2 = x[i - 2] if i >= 2 else x[n + i - 2]
        out[i] = (ahead - behind2) * behind - x[i] + forcing


@njit
def kernel(x, forcing, dt, steps):
    n = x.shape[0]
    k1 = np.empty(n)
    k2 = np.empty(n)
    k3 = np.empty(n)
    k4 = np.empty(n)
    stage = np.empty(n)
    for _ in range(steps):
        tendency(x, forcing, k1)
        for i in range(n):
            stage[i] = x[i] + 0.5 * dt * k1[i]
        tendency(stage, forcing, k2)
        for i in range(n):
            stage[i] = x[i] + 0.5 * dt * k2[i]
        tendency(stage, forcing, k3)
        for i in range(n):
            stage[i] = x[i] + dt * k3[i]
        tendency(stage, forcing, k4)
        for i in range(n):
            x[i] += dt / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])


def make_args(n, steps):
    # Two time units in all: long enough to mix, short enough that chaos leaves the derivative a moderate size.
    rng = np.random.default_rng(4)
    return 8.0 + rng.normal(0.0, 1.0, n), 8.0, 2.0 / max(steps, 100), steps


PROBLEM = Problem(
    title="Lorenz-96, RK4",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Active, ad.Const, ad.Const),
    make_args=make_args,
    reference={"n": 40, "steps": 20_000},
    quick={"n": 40, "steps": 500},
    tiny={"n": 5, "steps": 3},
    enzyme="8.5x (15x with `restrict`)",
)
