"""Brusselator reaction-diffusion system on a periodic grid, explicit Euler; state and all parameters active."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(u, v, a, b, diffusion, dt, steps):
    n, m = u.shape
    du = np.empty_like(u)
    dv = np.empty_like(v)
    for _ in range(steps):
        for i in range(n):
            up = i - 1 if i > 0 else n - 1
            down = i + 1 if i < n - 1 else 0
            for j in range(m):
                left = j - 1 if j > 0 else m - 1
                right = j + 1 if j < m - 1 else 0
                x = u[i, j]
                y = v[i, j]
                lap_u = u[up, j] + u[down, j] + u[i, left] + u[i, right] - 4.0 * x
                lap_v = v[up, j] + v[down, j] + v[i, left] + v[i, right] - 4.0 * y
                du[i, j] = b + x * x * y - (a + 1.0) * x + diffusion * lap_u
                dv[i, j] = a * x - x * x * y + diffusion * lap_v
        for i in range(n):
            for j in range(m):
                u[i, j] += dt * du[i, j]
                v[i, j] += dt * dv[i, j]


def make_args(n, steps):
    s = np.linspace(0.0, 1.0, n)
    u = 22.0 * np.outer(np.ones(n), (s * (1.0 - s)) ** 1.5)
    v = 27.0 * np.outer((s * (1.0 - s)) ** 1.5, np.ones(n))
    return u, v, 3.4, 1.0, 10.0, 0.005, steps


PROBLEM = Problem(
    title="Brusselator, 2 fields",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Active, ad.Active, ad.Active, ad.Const, ad.Const),
    make_args=make_args,
    reference={"n": 128, "steps": 200},
    quick={"n": 32, "steps": 20},
    tiny={"n": 4, "steps": 3},
    enzyme="19x (16–18x with `restrict`)",
)
