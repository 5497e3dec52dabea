"""Square roots by Newton's method to a tolerance, element by element: a while loop inside a for loop."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(a, x):
    for i in range(a.shape[0]):
        y = 0.5 * (1.0 + a[i])
        while abs(y * y - a[i]) > 1e-12 * a[i]:
            y = 0.5 * (y + a[i] / y)
        x[i] = y


def make_args(n):
    rng = np.random.default_rng(14)
    return rng.uniform(0.1, 50.0, n), np.zeros(n)


PROBLEM = Problem(
    title="Newton to a tolerance",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated),
    make_args=make_args,
    reference={"n": 100_000},
    quick={"n": 2_000},
    tiny={"n": 4},
)
