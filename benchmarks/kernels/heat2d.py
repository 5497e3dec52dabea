"""Explicit 2D heat equation with a scratch array and a copy back; the state and the diffusivity are active."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(u, alpha, steps):
    n, m = u.shape
    new = np.empty_like(u)
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                new[i, j] = u[i, j] + alpha * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j])
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = new[i, j]


def make_args(n, steps):
    rng = np.random.default_rng(1)
    return rng.uniform(0.0, 1.0, (n, n)), 0.2, steps


PROBLEM = Problem(
    title="heat 2D",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Active, ad.Const),
    make_args=make_args,
    reference={"n": 256, "steps": 200},
    quick={"n": 64, "steps": 20},
    tiny={"n": 6, "steps": 3},
    enzyme="10x",
)
