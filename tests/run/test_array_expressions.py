"""NumPy on whole arrays, as far as Numba lowers it to plain loops: expressions, reductions, in-place operators."""

from __future__ import annotations

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def expression(a, b, x):
    a[:] = a * b + x * np.sin(b) - a / (1.0 + b * b)


@njit
def new_array(a, b):
    c = a * b + 1.0
    d = c * c - a
    return d[0] * c[1] + d[-1]


@njit
def in_place(a, b, x):
    a += b
    a *= x
    a -= b * a
    a /= 2.0


@njit
def sum_function(a):
    return np.sum(a * a) * a[0]


@njit
def sum_method(m):
    return m.sum() * m[0, 1]


@njit
def mean(a):
    return a.mean() * np.mean(a * a)


@njit
def product(a):
    return np.prod(a)


@njit
def extremes(a):
    return a.max() * np.min(a)


@njit
def maxima(a, b):
    return np.sum(np.maximum(a, b) * np.minimum(a, 0.2))


@njit
def fill(a, x):
    s = a[0] * a[1]
    a.fill(x * x)
    return s * a[2]


@njit
def assigned_array(a, b):
    a[:] = b
    a[0] = a[1] * b[2]


@njit
def matrix_expression(m, row):
    m[:, :] = m * m + row


@njit
def slices(a):
    a[1:-1] = a[:-2] * 0.5 + a[2:] * a[1:-1]


@njit
def two_norms(a):
    return np.sqrt(np.sum(a**2)) + np.sum(np.abs(a))


@njit
def row_sums(m, out):
    for i in range(m.shape[0]):
        out[i] = np.sum(m[i] * m[0])


@njit
def cumulated(a):
    c = np.cumsum(a)
    return c[1] * c[-1]


@njit
def grid(a, n):
    s = 0.0
    for x in np.linspace(0.0, 1.0, n):
        s += a[0] * x + a[1] * x * x
    return s


@njit
def index_of_largest(a):
    k = np.argmax(a)
    return a[k] * a[k]


def test_expression(rng):
    check(expression, dup(rng.normal(size=4)), dup(rng.normal(size=4)), active(0.7), each_step=True)


def test_new_array(rng):
    check(new_array, dup(rng.normal(size=4)), dup(rng.normal(size=4)))


def test_in_place_operators(rng):
    check(in_place, dup(rng.normal(size=4)), dup(rng.normal(size=4)), active(0.7))


def test_sum_function(rng):
    check(sum_function, dup(rng.normal(size=4)))


def test_sum_method(rng):
    check(sum_method, dup(rng.normal(size=(2, 3))))


def test_mean(rng):
    check(mean, dup(rng.normal(size=4)))


def test_product(rng):
    check(product, dup(rng.normal(size=4)))


def test_extremes(rng):
    check(extremes, dup(rng.normal(size=4)))


def test_maximum_and_minimum(rng):
    check(maxima, dup(rng.normal(size=5)), dup(rng.normal(size=5)))


def test_fill(rng):
    check(fill, dup(rng.normal(size=4)), active(0.8))


def test_array_assigned_to_array(rng):
    check(assigned_array, dup(rng.normal(size=4)), dup(rng.normal(size=4)))


def test_broadcast_row(rng):
    check(matrix_expression, dup(rng.normal(size=(2, 3))), dup(rng.normal(size=3)))


def test_expression_of_overlapping_slices(rng):
    check(slices, dup(rng.normal(size=6)))


def test_norms(rng):
    check(two_norms, dup(rng.normal(size=4)))


def test_row_sums(rng):
    check(row_sums, dup(rng.normal(size=(2, 3))), dup(np.zeros(2)))


def test_cumulated_sum(rng):
    check(cumulated, dup(rng.normal(size=4)))


def test_linspace_of_constants(rng):
    check(grid, dup(rng.normal(size=2)), const(5))


def test_argmax(rng):
    check(index_of_largest, dup(rng.normal(size=5)))
