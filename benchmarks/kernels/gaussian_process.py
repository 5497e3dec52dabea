"""The likelihood of a Gaussian process: a covariance matrix written element by element, its factor, a solve."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(x, y, length, noise):
    n = x.shape[0]
    covariance = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            distance = (x[i] - x[j]) / length
            covariance[i, j] = np.exp(-0.5 * distance * distance)
        covariance[i, i] += noise
    factor = np.linalg.cholesky(covariance)
    total = 0.5 * np.dot(y, np.linalg.solve(covariance, y))
    for i in range(n):
        total += np.log(factor[i, i])
    return total


def make_args(n):
    x = np.linspace(0.0, 10.0, n)
    return x, np.sin(x), 1.3, 0.1


PROBLEM = Problem(
    title="Gaussian process",
    kernel=kernel,
    annotations=(ad.Const, ad.Const, ad.Active, ad.Active),
    make_args=make_args,
    reference={"n": 300},
    quick={"n": 40},
    tiny={"n": 4},
    has_second=False,
    runs_on_duals=False,
)
