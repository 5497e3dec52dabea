"""Arguments that overlap each other, with shadows that overlap in the same way."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad


@njit
def combine(a, b):
    for i in range(a.shape[0]):
        a[i] = a[i] * b[i] + b[-1 - i]


@njit
def read_after_write(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        a[i] = a[i] * a[i]
        s += b[i] * a[i]
    return s


@njit
def three(a, b, c):
    for i in range(a.shape[0]):
        a[i] = b[i] * c[i]
        b[i] += a[i] * 0.5


@njit
def matrix_and_row(m, row):
    for i in range(m.shape[0]):
        for j in range(row.shape[0]):
            m[i, j] = m[i, j] * row[j] + 0.1 * row[0]


@njit
def only_read(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * b[i]
    return s


@njit
def weighted(a, b, x):
    for i in range(a.shape[0]):
        b[i] = x * a[i] * b[i]


def test_same_array_twice(rng):
    a = rng.normal(size=4)
    check(combine, dup(a), dup(a))


def test_same_array_only_read(rng):
    a = rng.normal(size=4)
    check(only_read, dup(a), dup(a))


def test_shifted(rng):
    a = rng.normal(size=6)
    check(combine, dup(a[1:]), dup(a[:-1]))
    check(read_after_write, dup(a[:-1]), dup(a[1:]))


def test_reversed(rng):
    a = rng.normal(size=5)
    check(combine, dup(a), dup(a[::-1]))


def test_interleaved_without_overlap(rng):
    a = rng.normal(size=8)
    check(combine, dup(a[::2]), dup(a[1::2]))


def test_halves_of_one_array(rng):
    a = rng.normal(size=8)
    check(combine, dup(a[:4]), dup(a[4:]))


def test_three_views(rng):
    a = rng.normal(size=7)
    check(three, dup(a[:5]), dup(a[1:6]), dup(a[2:]))


def test_matrix_and_its_row(rng):
    m = rng.normal(size=(3, 4))
    check(matrix_and_row, dup(m), dup(m[1]))


def test_matrix_and_its_transpose(rng):
    m = rng.normal(size=(3, 3))
    check(matrix_and_row, dup(m), dup(m.T[0]))


def test_alias_beside_active_scalar(rng):
    a = rng.normal(size=5)
    check(weighted, dup(a[1:]), dup(a[:-1]), active(0.7))


def test_const_view_beside_duplicated_view(rng):
    a = rng.normal(size=8)
    check(only_read, dup(a[:4]), const(a[4:]))


def test_overlap_in_float32(rng):
    a = rng.normal(size=6).astype(np.float32)
    check(combine, dup(a[1:]), dup(a[:-1]))


def test_what_a_kernel_raises_for_a_derivative_that_it_calls_is_not_taken_for_ones_own():
    """The kernel has changed its arrays by then, so it must not run again."""
    of_combine = ad.autodiff(combine, ad.Duplicated, ad.Duplicated)

    @njit
    def doubles_and_fails(x):
        x[0] *= 2.0
        w, dw = np.ones(3), np.ones(3)
        of_combine(w, dw, w, dw)
        return x[0]

    x, dx = np.ones(1), np.zeros(1)
    for call in (
        lambda: ad.autodiff(doubles_and_fails, ad.Duplicated)(x, dx),
        lambda: ad.autodiff_split(doubles_and_fails, ad.Duplicated)[0](x),
    ):
        x[0] = 1.0
        with pytest.raises(ad.AliasedCallError, match="`combine`"):
            call()
        assert (x[0], dx[0]) == (2.0, 0.0)


def test_arrays_without_elements_overlap_nothing():
    @njit
    def first(a, b, c):
        for i in range(b.shape[0]):
            a[i] += b[i] * c[i]
        return a[0] * a[1]

    a, da = np.array([2.0, 3.0]), np.zeros(2)
    ad.autodiff(first, ad.Duplicated, ad.Duplicated, ad.Const)(a, da, a[1:1], da[:0], a[:0])
    np.testing.assert_array_equal(da, [3.0, 2.0])


def test_windows_over_one_array():
    """Elements of a Const array may be one if the kernel only reads them."""

    @njit
    def correlate(x, windows, y):
        for i in range(windows.shape[0]):
            for j in range(windows.shape[1]):
                y[i] += windows[i, j] * x[j]

    signal, x, dx = np.arange(6.0) ** 2, np.ones(3), np.zeros(3)
    windows = np.lib.stride_tricks.as_strided(signal, (4, 3), (8, 8))
    ad.autodiff(correlate, ad.Duplicated, ad.Const, ad.Duplicated)(x, dx, windows, np.zeros(4), np.ones(4))
    np.testing.assert_array_equal(dx, windows.sum(axis=0))
    with pytest.raises(ad.OverlapError, match="overlap each other"):
        ad.autodiff(correlate, ad.Duplicated, ad.Duplicated, ad.Const)(x, dx, windows, windows.copy(), np.zeros(4))
