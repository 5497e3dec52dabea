"""Forward mode: forms of the call, types of results, callers in compiled code and in C."""

from __future__ import annotations

import math
import pickle

import cffi
import numpy as np
import pytest
from numba import float64, njit

import pyfront as ad

ffi = cffi.FFI()


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


@njit
def through_workspace(a, work):
    s = 0.0
    for i in range(a.shape[0]):
        work[i] = a[i] * a[i]
        s += work[i] * work[0]
    return s


@njit
def positive_root(x):
    if x < 0.0:
        raise ValueError("negative")
    return math.sqrt(x)


d_product = ad.autodiff(product, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
d_product_with_value = ad.autodiff(product, ad.Duplicated, ad.Const, mode=ad.ForwardWithPrimal)
d_scaled = ad.autodiff(scaled, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
d_scaled_sum = ad.autodiff(scaled_sum, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
d_root = ad.autodiff(positive_root, ad.Duplicated, mode=ad.Forward)


@njit
def slope(x):
    return d_product(x, 1.0, x, 1.0)


@njit
def value_and_slope(x, y):
    return d_product_with_value(x, 1.0, y)


@njit
def norm_of_tangent(x, a):
    tangent = np.zeros_like(a)
    d_scaled(x, 1.0, a, tangent)
    return (tangent * tangent).sum()


@njit
def raising(x):
    return d_root(x, 1.0) + 1.0


def plain(x, y):
    return x * y


def test_tangent_of_a_scalar_result():
    result = d_product(2.0, 0.5, 5.0, -1.0)
    assert isinstance(result, float)
    assert result == 0.5 * 5.0 - 2.0


def test_const_scalar_has_no_tangent():
    assert ad.autodiff(product, ad.Duplicated, ad.Const, mode=ad.Forward)(2.0, 0.5, 5.0) == 2.5
    assert ad.autodiff(product, ad.Const, ad.Duplicated, mode=ad.Forward)(2.0, 5.0, 0.5) == 1.0


def test_zero_tangent():
    assert ad.autodiff(product, ad.Duplicated, ad.Const, mode=ad.ForwardWithPrimal)(2.0, 0.0, 5.0) == (10.0, 0.0)


def test_tangents_of_arrays_are_replaced_in_place():
    a, tangent = np.array([1.0, 2.0]), np.array([10.0, -1.0])
    assert d_scaled(3.0, 1.0, a, tangent) is None
    np.testing.assert_array_equal(a, [3.0, 6.0])
    np.testing.assert_array_equal(tangent, [31.0, -1.0])


def test_result_with_primal():
    derivative = ad.autodiff(scaled_sum, ad.Duplicated, ad.Duplicated, mode=ad.ForwardWithPrimal)
    a, tangent = np.array([1.0, 2.0]), np.zeros(2)
    assert derivative(3.0, 1.0, a, tangent) == (9.0, 3.0)
    np.testing.assert_array_equal(tangent, [1.0, 2.0])


def test_with_primal_where_nothing_is_returned():
    a, tangent = np.ones(2), np.zeros(2)
    derivative = ad.autodiff(scaled, ad.Duplicated, ad.Duplicated, mode=ad.ForwardWithPrimal)
    assert derivative(3.0, 1.0, a, tangent) == (None, None)
    np.testing.assert_array_equal(tangent, [1.0, 1.0])


def test_kernel_that_returns_an_int():
    a, tangent = np.array([1.0, -2.0]), np.ones(2)
    derivative = ad.autodiff(count, ad.Duplicated, ad.Duplicated, mode=ad.ForwardWithPrimal)
    result = derivative(3.0, 1.0, a, tangent)
    assert result == (1, None)
    assert isinstance(result[0], int)
    np.testing.assert_array_equal(tangent, [4.0, 1.0])
    assert ad.autodiff(count, ad.Duplicated, ad.Duplicated, mode=ad.Forward)(3.0, 1.0, a, tangent) is None


def test_kernel_that_returns_a_bool():
    assert ad.autodiff(is_large, ad.Duplicated, mode=ad.ForwardWithPrimal)(3.0, 1.0) == (True, None)
    assert ad.autodiff(is_large, ad.Duplicated, mode=ad.Forward)(3.0, 1.0) is None


def test_values_form():
    assert ad.autodiff(product, ad.Duplicated(2.0, 1.0), ad.Const(5.0), mode=ad.Forward) == 5.0
    a, tangent = np.array([1.0, 2.0]), np.ones(2)
    result = ad.autodiff(scaled_sum, ad.Duplicated(3.0, 0.0), ad.Duplicated(a, tangent), mode=ad.ForwardWithPrimal)
    assert result == (9.0, 6.0)
    np.testing.assert_array_equal(a, [3.0, 6.0])
    np.testing.assert_array_equal(tangent, [3.0, 3.0])


def test_plain_python_function():
    assert ad.autodiff(plain, ad.Duplicated, ad.Duplicated, mode=ad.Forward)(2.0, 1.0, 5.0, 0.0) == 5.0


def test_no_need():
    derivative = ad.autodiff(scaled_sum, ad.DuplicatedNoNeed, ad.DuplicatedNoNeed, mode=ad.Forward)
    tangent = np.ones(2)
    assert derivative(3.0, 1.0, np.array([1.0, 2.0]), tangent) == 9.0
    np.testing.assert_array_equal(tangent, [4.0, 5.0])


def test_integers_are_taken_as_floats():
    assert d_product(2, 1, 5, 0) == 5.0
    assert d_product(2.0, 1, 5.0, 0) == 5.0


def test_float32_tangent():
    result = d_product(np.float32(2.0), np.float32(1.0), np.float32(5.0), np.float32(0.5))
    assert result == 6.0
    assert d_product(np.float32(2.0), 1.0, np.float32(5.0), 0.5) == result


@pytest.mark.parametrize("p", [(2.0, 3.0), (2.0, 3)])
def test_const_tuple(p):
    a, tangent = np.array([1.0, 2.0]), np.ones(2)
    assert ad.autodiff(line, ad.Const, ad.Duplicated, mode=ad.Forward)(p, a, tangent) == 48.0
    np.testing.assert_array_equal(tangent, [2.0, 2.0])


def test_tuple_of_scalars_with_a_tuple_of_tangents():
    derivative = ad.autodiff(line, ad.Duplicated, ad.Const, mode=ad.Forward)
    assert derivative((2.0, 3.0), (1.0, 0.0), np.array([1.0, 2.0])) == 38.0
    assert derivative((2.0, 3.0), (0.0, 1.0), np.array([1.0, 2.0])) == 24.0


def test_tuple_of_arrays():
    a, b, da, db = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.ones(2), np.zeros(2)
    derivative = ad.autodiff(pair_scaled, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
    assert derivative((a, b), (da, db), 2.0, 1.0) is None
    np.testing.assert_array_equal(a, [6.0, 16.0])
    np.testing.assert_array_equal(da, [9.0, 16.0])
    np.testing.assert_array_equal(db, [0.0, 0.0])


def test_tangents_flow_through_a_const_workspace():
    """Twice, because a workspace has no tangent when a call begins, whatever lies in it."""
    derivative = ad.autodiff(through_workspace, ad.Duplicated, ad.Const, mode=ad.Forward)
    a, tangent, work = np.array([2.0, 3.0]), np.array([1.0, 0.0]), np.zeros(2)
    for _ in range(2):
        assert derivative(a, tangent, work) == 4.0 * 8.0 + 4.0 * 9.0
    np.testing.assert_array_equal(work, [4.0, 9.0])
    np.testing.assert_array_equal(tangent, [1.0, 0.0])


def test_several_signatures_of_one_derivative():
    for dtype in (np.float64, np.float32):
        for a in (np.ones(4, dtype), np.ones(8, dtype)[::2]):
            tangent = np.zeros(8, dtype)[::2] if a.strides[0] != a.itemsize else np.zeros(4, dtype)
            assert d_scaled_sum(2.0, 1.0, a, tangent) == 4.0
            np.testing.assert_array_equal(tangent, np.ones(4))


def test_modes_of_one_kernel_do_not_mix():
    a, shadow = np.array([1.0, 2.0]), np.zeros(2)
    assert ad.autodiff(scaled_sum, ad.Active, ad.Duplicated)(3.0, a.copy(), shadow) == 3.0
    np.testing.assert_array_equal(shadow, [3.0, 3.0])
    assert d_scaled_sum(3.0, 0.0, a, shadow) == 18.0
    np.testing.assert_array_equal(shadow, [9.0, 9.0])


def test_pickled_derivative():
    derivative = pickle.loads(pickle.dumps(d_product))
    assert derivative is d_product
    assert derivative(2.0, 1.0, 5.0, 0.0) == 5.0


def test_called_from_compiled_code():
    assert slope(3.0) == 6.0
    assert value_and_slope(3.0, 4.0) == (12.0, 4.0)
    a = np.array([1.0, 2.0])
    assert norm_of_tangent(3.0, a) == 5.0
    np.testing.assert_array_equal(a, [3.0, 6.0])


def test_exception_passes_through_compiled_code():
    assert raising(4.0) == 1.25
    with pytest.raises(ValueError, match="negative"):
        raising(-4.0)


SIGNATURE = (float64, float64[::1])


def test_c_declaration():
    assert d_scaled_sum.cdef(SIGNATURE) == (
        "int32_t scaled_sum_derivative(double x, double x_tangent, double *a, double *a_shadow, int64_t a_n0, "
        "double *tangent, double *value);"
    )
    assert ad.autodiff(count, ad.Const, ad.Duplicated, mode=ad.Forward).cdef(SIGNATURE) == (
        "int32_t count_derivative(double x, double *a, double *a_shadow, int64_t a_n0, int64_t *value);"
    )


def test_called_as_a_c_function():
    function = d_scaled_sum.cffi(SIGNATURE)
    a, da = np.array([1.0, 2.0]), np.array([1.0, 0.0])
    tangent, value = ffi.new("double *"), ffi.new("double *")
    arrays = [ffi.from_buffer("double[]", array) for array in (a, da)]
    assert function(3.0, 1.0, *arrays, 2, tangent, value) == 0
    assert (tangent[0], value[0]) == (6.0, 9.0)
    np.testing.assert_array_equal(a, [3.0, 6.0])
    np.testing.assert_array_equal(da, [4.0, 2.0])
    assert function(1.0, 0.0, *arrays, 2, ffi.NULL, ffi.NULL) == 0
    np.testing.assert_array_equal(da, [4.0, 2.0])


def test_c_function_reports_an_exception():
    function = d_root.cffi((float64,))
    assert function(4.0, 1.0, ffi.NULL, ffi.NULL) == 0
    assert function(-4.0, 1.0, ffi.NULL, ffi.NULL) > 0
