"""The logarithm of a determinant by a Cholesky factorization through LAPACK."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(a):
    factor = np.linalg.cholesky(a)
    total = 0.0
    for i in range(a.shape[0]):
        total += 2.0 * np.log(factor[i, i])
    return total


def make_args(n):
    rng = np.random.default_rng(22)
    a = rng.normal(size=(n, n))
    return (a @ a.T + n * np.eye(n),)


PROBLEM = Problem(
    title="log det by Cholesky",
    kernel=kernel,
    annotations=(ad.Duplicated,),
    make_args=make_args,
    reference={"n": 500},
    quick={"n": 50},
    tiny={"n": 3},
    has_second=False,
    runs_on_duals=False,
)
