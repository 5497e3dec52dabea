"""Gravitational n-body problem, leapfrog in place, softened forces; positions, velocities and masses are active."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def accelerations(x, mass, acc):
    n = x.shape[0]
    for i in range(n):
        ax = 0.0
        ay = 0.0
        az = 0.0
        for j in range(n):
            dx = x[j, 0] - x[i, 0]
            dy = x[j, 1] - x[i, 1]
            dz = x[j, 2] - x[i, 2]
            r2 = dx * dx + dy * dy + dz * dz + 1e-2
            w = mass[j] / (r2 * np.sqrt(r2))
            ax += w * dx
            ay += w * dy
            az += w * dz
        acc[i, 0] = ax
        acc[i, 1] = ay
        acc[i, 2] = az


@njit
def kernel(x, v, mass, dt, steps):
    n = x.shape[0]
    acc = np.empty((n, 3))
    accelerations(x, mass, acc)
    for _ in range(steps):
        for i in range(n):
            for d in range(3):
                v[i, d] += 0.5 * dt * acc[i, d]
                x[i, d] += dt * v[i, d]
        accelerations(x, mass, acc)
        for i in range(n):
            for d in range(3):
                v[i, d] += 0.5 * dt * acc[i, d]


def make_args(n, steps):
    rng = np.random.default_rng(7)
    return rng.normal(0.0, 1.0, (n, 3)), rng.normal(0.0, 0.1, (n, 3)), rng.uniform(0.5, 1.5, n) / n, 0.01, steps


PROBLEM = Problem(
    title="n-body, leapfrog",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Duplicated, ad.Const, ad.Const),
    make_args=make_args,
    reference={"n": 100, "steps": 50},
    quick={"n": 24, "steps": 5},
    tiny={"n": 3, "steps": 2},
)
