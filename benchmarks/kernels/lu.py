"""LU factorization without pivoting in place: triangular loop nests in which every value read is later overwritten."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(a):
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]


def make_args(n):
    rng = np.random.default_rng(6)
    return (rng.uniform(-1.0, 1.0, (n, n)) + n * np.eye(n),)


PROBLEM = Problem(
    title="LU without pivoting",
    kernel=kernel,
    annotations=(ad.Duplicated,),
    make_args=make_args,
    reference={"n": 256},
    quick={"n": 48},
    tiny={"n": 5},
)
