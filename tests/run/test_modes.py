"""What a derivative gives back: forms of the call, modes, seeds, types of results."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@njit
def product(x, y):
    return x * y


@njit
def scaled(x, a):
    for i in range(a.shape[0]):
        a[i] *= x


@njit
def scaled_sum(x, a):
    s = 0.0
    for i in range(a.shape[0]):
        a[i] *= x
        s += a[i]
    return s


@njit
def count(x, a):
    n = 0
    for i in range(a.shape[0]):
        a[i] *= x
        if a[i] > 0.0:
            n += 1
    return n


@njit
def is_large(x):
    return x * x > 4.0


@njit
def line(p, a):
    s = 0.0
    for i in range(a.shape[0]):
        a[i] = a[i] * p[0] + p[1]
        s += a[i] * a[i]
    return s


@njit
def pair_scaled(arrays, x):
    a, b = arrays
    for i in range(a.shape[0]):
        a[i] = a[i] * b[i] * x


def plain(x, y):
    return x * y


def test_two_active_scalars_give_a_tuple():
    assert ad.autodiff(product, ad.Active, ad.Active)(2.0, 5.0) == (5.0, 2.0)


def test_one_active_scalar_gives_a_bare_float():
    result = ad.autodiff(product, ad.Active, ad.Const)(2.0, 5.0)
    assert isinstance(result, float)
    assert result == 5.0


def test_no_active_scalar_gives_none():
    a, shadow = np.ones(2), np.ones(2)
    assert ad.autodiff(scaled, ad.Const, ad.Duplicated)(3.0, a, shadow) is None
    np.testing.assert_array_equal(shadow, [3.0, 3.0])


def test_default_seed_is_one():
    derivative = ad.autodiff(product, ad.Active, ad.Active)
    assert derivative(2.0, 5.0) == derivative(2.0, 5.0, seed=1.0)


def test_seed_scales_the_adjoints():
    derivative = ad.autodiff(product, ad.Active, ad.Active)
    assert derivative(2.0, 5.0, seed=-0.5) == (-2.5, -1.0)
    assert derivative(2.0, 5.0, seed=2) == (10.0, 4.0)


def test_with_primal():
    mode = ad.ReverseWithPrimal
    assert ad.autodiff(product, ad.Active, ad.Active, mode=mode)(2.0, 5.0) == (10.0, (5.0, 2.0))
    assert ad.autodiff(product, ad.Active, ad.Const, mode=mode)(2.0, 5.0) == (10.0, 5.0)


def test_with_primal_where_nothing_is_returned():
    a, shadow = np.array([1.0, 2.0]), np.ones(2)
    assert ad.autodiff(scaled, ad.Active, ad.Duplicated, mode=ad.ReverseWithPrimal)(3.0, a, shadow) == (None, 3.0)


def test_kernel_that_returns_an_int():
    a, shadow = np.array([1.0, -2.0]), np.ones(2)
    result = ad.autodiff(count, ad.Active, ad.Duplicated, mode=ad.ReverseWithPrimal)(3.0, a, shadow)
    assert result == (1, -1.0)
    assert isinstance(result[0], int)


def test_kernel_that_returns_a_bool():
    assert ad.autodiff(is_large, ad.Active, mode=ad.ReverseWithPrimal)(3.0) == (True, 0.0)
    assert ad.autodiff(is_large, ad.Active)(3.0) == 0.0


def test_values_form():
    assert ad.autodiff(product, ad.Active(2.0), ad.Active(5.0)) == (5.0, 2.0)
    a, shadow = np.array([1.0, 2.0]), np.ones(2)
    assert ad.autodiff(scaled_sum, ad.Active(3.0), ad.Duplicated(a, shadow)) == 6.0
    np.testing.assert_array_equal(a, [3.0, 6.0])
    np.testing.assert_array_equal(shadow, [6.0, 6.0])


def test_plain_python_function():
    assert ad.autodiff(plain, ad.Active, ad.Active)(2.0, 5.0) == (5.0, 2.0)


def test_float32_adjoint():
    derivative = ad.autodiff(product, ad.Active, ad.Active)
    assert derivative(np.float32(2.0), np.float32(5.0)) == (5.0, 2.0)


@pytest.mark.parametrize("p", [(2.0, 3.0), (2.0, 3)])
def test_const_tuple(p):
    a, shadow = np.array([1.0, 2.0]), np.zeros(2)
    assert ad.autodiff(line, ad.Const, ad.Duplicated)(p, a, shadow) is None
    np.testing.assert_array_equal(a, [5.0, 7.0])
    np.testing.assert_array_equal(shadow, [20.0, 28.0])


def test_active_tuple():
    a, shadow = np.array([1.0, 2.0]), np.zeros(2)
    assert ad.autodiff(line, ad.Active, ad.Duplicated)((2.0, 3.0), a, shadow) == (38.0, 24.0)
    np.testing.assert_array_equal(shadow, [20.0, 28.0])


def test_tuple_of_arrays():
    a, b, da, db = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.ones(2), np.zeros(2)
    assert ad.autodiff(pair_scaled, ad.Duplicated, ad.Active)((a, b), (da, db), 2.0) == 11.0
    np.testing.assert_array_equal(a, [6.0, 16.0])
    np.testing.assert_array_equal(da, [6.0, 8.0])
    np.testing.assert_array_equal(db, [2.0, 4.0])


def test_several_signatures_of_one_derivative():
    derivative = ad.autodiff(scaled_sum, ad.Active, ad.Duplicated)
    for dtype in (np.float64, np.float32):
        for a in (np.ones(4, dtype), np.ones(8, dtype)[::2]):
            shadow = np.zeros(8, dtype)[::2] if a.strides[0] != a.itemsize else np.zeros(4, dtype)
            assert derivative(2.0, a, shadow) == 4.0
            np.testing.assert_array_equal(shadow, np.full(4, 2.0))


def test_reference_counts():
    """Arrays passed to a derivative belong to the caller as before."""
    derivative = ad.autodiff(scaled_sum, ad.Active, ad.Duplicated)
    a, shadow = np.ones(3), np.ones(3)
    derivative(2.0, a, shadow)
    before = sys.getrefcount(a), sys.getrefcount(shadow)
    for _ in range(10):
        derivative(2.0, a, shadow)
    assert (sys.getrefcount(a), sys.getrefcount(shadow)) == before


def test_pickled_derivative():
    derivative = pickle.loads(pickle.dumps(ad.autodiff(product, ad.Active, ad.Active)))
    assert derivative(2.0, 5.0) == (5.0, 2.0)


@pytest.mark.parametrize("steps", [(), ("reload",), ("reload", "recompute", "mincut", "snapshot")])
def test_plan_text_is_the_same_each_time(steps):
    texts = set()
    for _ in range(2):
        twin = njit(product.py_func)
        derivative = ad.autodiff(twin, ad.Active, ad.Active, disable=steps)
        derivative(2.0, 5.0)
        texts.add(derivative.inspect_plan())
    assert len(texts) == 1
