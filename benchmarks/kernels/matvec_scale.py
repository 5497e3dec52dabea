"""y = A x, then A is scaled in place: the product's derivative needs the matrix as it was before."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(a, x, y):
    n, m = a.shape
    for i in range(n):
        total = 0.0
        for j in range(m):
            total += a[i, j] * x[j]
        y[i] = total
    for i in range(n):
        for j in range(m):
            a[i, j] *= 2.0


def make_args(n):
    rng = np.random.default_rng(13)
    return rng.normal(0.0, 1.0, (n, n)), rng.normal(0.0, 1.0, n), np.zeros(n)


PROBLEM = Problem(
    title="y = A x, then A *= 2",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Duplicated),
    make_args=make_args,
    reference={"n": 256},
    quick={"n": 48},
    tiny={"n": 4},
)
