"""log(sum(exp(x))) with the maximum taken out, as two loops over a long vector."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(x):
    top = x[0]
    for i in range(1, x.shape[0]):
        if x[i] > top:
            top = x[i]
    total = 0.0
    for i in range(x.shape[0]):
        total += np.exp(x[i] - top)
    return top + np.log(total)


def make_args(n):
    rng = np.random.default_rng(8)
    return (rng.normal(0.0, 3.0, n),)


PROBLEM = Problem(
    title="log-sum-exp",
    kernel=kernel,
    annotations=(ad.Duplicated,),
    make_args=make_args,
    reference={"n": 1_280_000},
    quick={"n": 10_000},
    tiny={"n": 6},
    enzyme="2.1x",
)
