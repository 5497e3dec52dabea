"""The norm of a product of two matrices through BLAS."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(a, b):
    c = a @ b
    total = 0.0
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            total += c[i, j] * c[i, j]
    return total


def make_args(n):
    rng = np.random.default_rng(20)
    return rng.uniform(0.0, 1.0, (n, n)), rng.uniform(0.0, 1.0, (n, n))


PROBLEM = Problem(
    title="A @ B",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated),
    make_args=make_args,
    reference={"n": 500},
    quick={"n": 50},
    tiny={"n": 3},
    has_second=False,
)
