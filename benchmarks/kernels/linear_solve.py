"""A system of linear equations through LAPACK: the reverse sweep uses the factors of the forward sweep."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(a, b):
    x = np.linalg.solve(a, b)
    return np.dot(x, x)


def make_args(n):
    rng = np.random.default_rng(21)
    return rng.normal(size=(n, n)) + n * np.eye(n), rng.normal(size=n)


PROBLEM = Problem(
    title="np.linalg.solve",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated),
    make_args=make_args,
    reference={"n": 500},
    quick={"n": 50},
    tiny={"n": 3},
    has_second=False,
    runs_on_duals=False,
)
