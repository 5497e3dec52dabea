"""Scalar code that takes a different branch in each iteration, by the value computed so far."""

from __future__ import annotations

import math

from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(x, n):
    y = x
    for _ in range(n):
        if y > 1.0:
            y = 0.5 * y * x
        elif y > 0.5:
            y = y + math.sin(y)
        else:
            y = y * y + x
    return y


def make_args(n):
    return 0.7, n


PROBLEM = Problem(
    title="branch",
    kernel=kernel,
    annotations=(ad.Active, ad.Const),
    make_args=make_args,
    reference={"n": 50},
    quick={"n": 50},
    tiny={"n": 7},
)
