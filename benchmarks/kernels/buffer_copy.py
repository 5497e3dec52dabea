"""A vector is copied into a local buffer, the buffer is overwritten in place, and a sum of squares is returned."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(x):
    buffer = np.empty_like(x)
    for i in range(x.shape[0]):
        buffer[i] = x[i]
    for i in range(x.shape[0]):
        buffer[i] = buffer[i] * buffer[i] + 0.5 * buffer[i]
    total = 0.0
    for i in range(x.shape[0]):
        total += buffer[i] * buffer[i]
    return total


def make_args(n):
    rng = np.random.default_rng(12)
    return (rng.uniform(-1.0, 1.0, n),)


PROBLEM = Problem(
    title="copy into a buffer",
    kernel=kernel,
    annotations=(ad.Duplicated,),
    make_args=make_args,
    reference={"n": 100_000},
    quick={"n": 5_000},
    tiny={"n": 6},
)
