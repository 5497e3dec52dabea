"""What a comparison tells of a value says nothing of its derivative: each kernel is met where a comparison is decided.

`which` picks an expression, so that two compilations serve all of them.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

import pyfront as ad


def expressions(which, x, y):
    if which == 0:  # the constant for the variable, in a branch
        if x == 1.0:
            return x * y
        return x * x * y
    if which == 1:  # in a select
        return x if x == 1.0 else 2.0 * x
    if which == 2:  # the variable for the constant
        return 1.0 if x == 1.0 else x
    if which == 3:  # one variable for another
        if x == y:
            return 3.0 * x
        return 2.0 * y
    if which == 4:
        return x if x == y else y
    if which == 5:  # equality behind an inequality on either side
        if x <= 1.0 and x >= 1.0:
            return x * x * y
        return 0.0
    if which == 6:  # `x >= inf` is `x == inf`
        if 1.0 / x >= math.inf:
            return y + 3.0 * x
        return y
    if which == 7:  # an absolute value that takes the other branch at zero
        return -x if x <= 0.0 else x
    if which == 8:
        return x if x > 0.0 else 0.0 - x
    if which == 9:  # a maximum whose tie goes to the second
        return x if x > y else y
    if which == 10:
        return x if x < y else y
    if which == 11:  # the difference is zero
        if x - y == 0.0:
            return x * y
        return x
    if which == 12:  # through an absolute value
        if abs(x - y) <= 0.0:
            return 5.0 * x + y
        return x
    if which == 13:  # `!=`
        if x != 1.0:
            return 0.0
        return x * x * y
    if which == 14:  # the bits
        if np.float64(x).view(np.int64) == np.float64(1.0).view(np.int64):
            return x * x * y
        return 0.0
    return 0.0


CASES = [
    (0, (1.0, 3.0), (3.0, 1.0)),
    (1, (1.0, 3.0), (1.0, 0.0)),
    (2, (1.0, 3.0), (0.0, 0.0)),
    (3, (2.0, 2.0), (3.0, 0.0)),
    (4, (2.0, 2.0), (1.0, 0.0)),
    (5, (1.0, 3.0), (6.0, 1.0)),
    (6, (5e-324, 3.0), (3.0, 1.0)),
    (7, (0.0, 3.0), (-1.0, 0.0)),
    (7, (-0.0, 3.0), (-1.0, 0.0)),
    (8, (0.0, 3.0), (-1.0, 0.0)),
    (9, (2.0, 2.0), (0.0, 1.0)),
    (10, (2.0, 2.0), (0.0, 1.0)),
    (11, (2.0, 2.0), (2.0, 2.0)),
    (12, (2.0, 2.0), (5.0, 1.0)),
    (13, (1.0, 3.0), (6.0, 1.0)),
    (14, (1.0, 3.0), (6.0, 1.0)),
]
NEEDS_INFINITY = 6


@pytest.mark.parametrize("fastmath", [False, True])
def test_the_branch_that_was_taken_is_differentiated(fastmath: bool) -> None:
    kernel = njit(fastmath=fastmath)(expressions)
    reverse = ad.autodiff(kernel, ad.Const, ad.Active, ad.Active)
    forward = ad.autodiff(kernel, ad.Const, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
    for which, (x, y), want in CASES:
        if fastmath and which == NEEDS_INFINITY:
            continue
        assert reverse(which, x, y) == want, which
        got = forward(which, x, 1.0, y, 0.0), forward(which, x, 0.0, y, 1.0)
        assert got == want, which


def test_second_derivatives_see_the_comparisons_of_the_kernel() -> None:
    def f(z):
        if z[0] == 1.0:
            return z[0] * z[0] * z[1]
        return 0.0

    assert np.array_equal(ad.hessian(f)(np.array([1.0, 3.0])), [[6.0, 2.0], [2.0, 0.0]])


@njit(fastmath=True)
def newton_sqrt(x):
    y = 1.0
    while True:
        z = 0.5 * (y + x / y)
        if z == y:
            return z
        y = z


def test_two_variables_that_compared_equal_stay_two() -> None:
    assert ad.autodiff(newton_sqrt, ad.Active)(1.0) == 0.5


@njit
def unit_weights(w, x):
    s = 0.0
    for i in range(w.shape[0]):
        if w[i] == 1.0:
            s += w[i] * x[i]
        else:
            s += w[i] * w[i] * x[i]
    return s


def test_weights_of_one_have_a_derivative() -> None:
    w, dw, x = np.ones(3), np.zeros(3), np.array([2.0, 3.0, 4.0])
    ad.autodiff(unit_weights, ad.Duplicated, ad.Const)(w, dw, x)
    assert np.array_equal(dw, x)


@njit
def bound_from_memory(x, y, m):
    m[0] = 3
    for i in range(4):
        for j in range(m[0] + 1):
            y[i] += x[i] * x[j]


def test_a_bound_whose_load_is_replaced_by_what_was_stored() -> None:
    x, dx, y, dy = np.arange(1.0, 5.0), np.zeros(4), np.zeros(4), np.ones(4)
    ad.autodiff(bound_from_memory, ad.Duplicated, ad.Duplicated, ad.Const)(x, dx, y, dy, np.zeros(1, np.int64))
    assert np.array_equal(dx, np.full(4, 20.0))


@njit
def known_bits(a):
    if a.view(np.int64)[0] == 4607182418800017408:
        return a[0] * a[0] * a[1]
    return a[1]


def test_a_bit_pattern_read_from_a_float_s_memory_is_no_constant() -> None:
    a, da = np.array([1.0, 3.0]), np.zeros(2)
    ad.autodiff(known_bits, ad.Duplicated)(a, da)
    assert np.array_equal(da, [6.0, 1.0])
