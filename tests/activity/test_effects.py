"""Which array arguments a derivative may change."""

from __future__ import annotations

import numpy as np
from numba import njit, typeof

import pyfront as ad

ARRAY = typeof(np.ones(3))


def written(kernel):
    """The arguments of a kernel of three arrays that its derivative may write."""
    derivative = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated, ad.Const)
    return derivative.written([ARRAY] * 5)


@njit
def through_a_local_array(out, x, w):
    local = np.zeros(3)
    for i in range(3):
        local[i] = x[i] * w[i]
    out[:] = local


@njit
def one_of_two(a, b, flags):
    target = a if flags[0] > 0.0 else b
    target[0] = 1.0


@njit
def before_a_raise(a, b, w):
    if a[0] < 0.0:
        w[0] = 1.0
        raise ValueError("negative")
    b[0] = a[0]


@njit
def nothing(a, b, w):
    return a[0] * b[0] + w[0]


def test_arguments_that_are_stored_to():
    assert written(through_a_local_array) == {"out"}
    assert written(one_of_two) == {"a", "b"}
    assert written(before_a_raise) == {"b", "w"}
    assert written(nothing) == set()
