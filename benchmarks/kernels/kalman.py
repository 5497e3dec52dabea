"""A Kalman filter: small products through BLAS, one after the other, with matrices that are new at each step."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(f, h, q, r, z, x, p):
    total = 0.0
    for t in range(z.shape[0]):
        x = f @ x
        p = f @ p @ f.T + q
        ph = p @ h
        innovation = z[t] - np.dot(h, x)
        variance = np.dot(h, ph) + r
        gain = ph / variance
        x = x + gain * innovation
        p = p - np.outer(gain, ph)
        total += innovation * innovation / variance + np.log(variance)
    return total


def make_args(states, steps):
    rng = np.random.default_rng(23)
    f = 0.9 * np.eye(states) + 0.01 * rng.normal(size=(states, states))
    return (
        f,
        rng.normal(size=states),
        0.1 * np.eye(states),
        1.0,
        rng.normal(size=steps),
        np.zeros(states),
        np.eye(states),
    )


PROBLEM = Problem(
    title="Kalman filter",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Duplicated, ad.Active, ad.Const, ad.Duplicated, ad.Duplicated),
    make_args=make_args,
    reference={"states": 6, "steps": 1000},
    quick={"states": 3, "steps": 50},
    tiny={"states": 2, "steps": 2},
    has_second=False,
)
