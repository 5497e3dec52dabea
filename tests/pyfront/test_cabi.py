"""The flat C function: address, declaration, cffi."""

from __future__ import annotations

import cffi
import numpy as np
import pytest
from numba import float64, int64, njit
from numba.core.runtime import rtsys

import pyfront as ad
from pyfront.cabi import LAYOUT, OVERLAP

ffi = cffi.FFI()


@njit
def kernel(x, A, w, n):
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total += x * A[i, j] * w[j]
            A[i, j] = total
    if n < 0:
        raise ValueError("negative n")
    return total


def doubles(array):
    return ffi.from_buffer("double[]", array)


SIGNATURE = (float64, float64[:, ::1], float64[::1], int64)


def derivative():
    return ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, ad.Const)


def test_declaration(fake):
    assert derivative().cdef(SIGNATURE) == (
        "int32_t kernel_derivative(double x, double *x_adjoint, double *A, double *A_shadow, "
        "int64_t A_n0, int64_t A_n1, double *w, int64_t w_n0, int64_t n, double seed, double *value);"
    )
    parsed = cffi.FFI()
    parsed.cdef(derivative().cdef(SIGNATURE))


def test_call(fake):
    function = derivative().cffi("float64(float64, float64[:,::1], float64[::1], int64)")
    A, dA, w = np.ones((2, 3)), np.zeros((2, 3)), np.arange(3.0)
    adjoint, value = ffi.new("double *"), ffi.new("double *")
    expected = A.copy()
    result = kernel(2.0, expected, w, 1)
    assert function(2.0, adjoint, doubles(A), doubles(dA), 2, 3, doubles(w), 3, 1, 0.5, value) == 0
    assert adjoint[0] == 0.5
    assert value[0] == result
    assert np.array_equal(A, expected)
    assert dA[0, 0] == 1.0


def test_value_may_be_null(fake):
    A, dA, w = np.ones((2, 3)), np.zeros((2, 3)), np.arange(3.0)
    adjoint = ffi.new("double *")
    function = derivative().cffi(SIGNATURE)
    assert function(2.0, adjoint, doubles(A), doubles(dA), 2, 3, doubles(w), 3, 1, 0.5, ffi.NULL) == 0


def test_exceptions_are_a_status(fake):
    A, dA, w = np.ones((2, 3)), np.zeros((2, 3)), np.arange(3.0)
    function = derivative().cffi(SIGNATURE)
    assert function(2.0, ffi.new("double *"), doubles(A), doubles(dA), 2, 3, doubles(w), 3, -1, 0.5, ffi.NULL) > 0


def test_overlap_is_a_status(fake):
    A, w = np.ones((2, 3)), np.arange(3.0)
    function = derivative().cffi(SIGNATURE)
    before = A.copy()
    status = function(2.0, ffi.new("double *"), doubles(A), doubles(A), 2, 3, doubles(w), 3, 1, 0.5, ffi.NULL)
    assert status == OVERLAP
    assert np.array_equal(A, before)


def test_address_is_the_functions(fake):
    it = derivative()
    assert it.address(SIGNATURE) == int(ffi.cast("uintptr_t", it.cffi(SIGNATURE)))


@njit
def weighted(a, w):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            s += a[i, j] * w[i, j]
    return s


@pytest.mark.parametrize("backwards", [False, True])
def test_strides_follow_the_extents(backwards):
    """In bytes, of the array and its shadow alike; an axis may run backwards."""
    derivative = ad.autodiff(weighted, ad.Duplicated, ad.Const)
    signature = (float64[:, :], float64[::1, :])
    assert derivative.cdef(signature) == (
        "int32_t weighted_derivative(double *a, double *a_shadow, int64_t a_n0, int64_t a_n1, int64_t a_s0, "
        "int64_t a_s1, double *w, int64_t w_n0, int64_t w_n1, int64_t w_s0, int64_t w_s1, double seed, double *value);"
    )
    shadow, base = np.zeros((4, 6)), np.arange(24.0).reshape(4, 6)
    step = -3 if backwards else 3
    a, da = base[1::2, ::step], shadow[1::2, ::step]
    w = np.asfortranarray([[1.0, 2.0], [3.0, 4.0]])
    value = ffi.new("double *")

    def call(*w_strides):
        data = [ffi.cast("double *", array.ctypes.data) for array in (a, da, w)]
        shape = (*data[:2], *a.shape, *a.strides, data[2], *w.shape, *w_strides)
        return derivative.cffi(signature)(*shape, 0.5, value)

    assert call(*w.strides) == 0
    assert value[0] == weighted(a, w)
    np.testing.assert_array_equal(da, 0.5 * w)
    assert np.count_nonzero(shadow) == 4
    assert call(*w.strides[::-1]) == LAYOUT
    np.testing.assert_array_equal(da, 0.5 * w)


def test_names_are_unique_and_no_words_of_c():
    @njit
    def kernel(value, seed, double, t, t_0, α):
        return value * seed * double * t[0] * t_0 * α

    text = ad.autodiff(kernel, *[ad.Const] * 5, ad.Active).cdef("(f8, f8, f8, UniTuple(f8, 1), f8, f8)")
    names = [part.split()[-1].lstrip("*") for part in text.split("(")[1].split(")")[0].split(",")]
    assert names == ["value", "seed_", "double_", "t_0", "t_0_", "u3b1", "u3b1_adjoint", "seed", "value_"]
    cffi.FFI().cdef(text)


def test_results_in_a_tuple():
    @njit
    def several(x, n):
        return (x * x, n), x > 1.0

    reverse = ad.autodiff(several, ad.Active, ad.Const)
    assert reverse.cdef("(f4, i8)") == (
        "int32_t several_derivative(float x, float *x_adjoint, int64_t n, float seed_0_0, float *value_0_0, "
        "int64_t *value_0_1, uint8_t *value_1);"
    )
    adjoint, value, count = ffi.new("float *"), ffi.new("float *"), ffi.new("int64_t *")
    assert reverse.cffi("(f4, i8)")(3.0, adjoint, 7, 0.5, value, count, ffi.NULL) == 0
    assert (adjoint[0], value[0], count[0]) == (3.0, 9.0, 7)
    forward = ad.autodiff(several, ad.Duplicated, ad.Const, mode=ad.Forward)
    assert forward.cffi("(f4, i8)")(3.0, 0.5, 7, adjoint, value, count, ffi.NULL) == 0
    assert (adjoint[0], value[0], count[0]) == (3.0, 9.0, 7)


def test_what_an_exception_holds_is_freed():
    @njit
    def picky(x, n):
        if n < 0:
            raise ValueError("below zero", n)
        return x * x

    function = ad.autodiff(picky, ad.Active, ad.Const).cffi("(f8, i8)")
    adjoint = ffi.new("double *")
    before = rtsys.get_allocation_stats()
    for n in range(-20, 0):
        assert function(1.0, adjoint, n, 1.0, ffi.NULL) > 0
    after = rtsys.get_allocation_stats()
    assert (after.alloc - before.alloc, after.free - before.free) == (40, 40)


def test_kernel_without_result_or_arguments_with_results(fake):
    @njit
    def scale(t, flag, x):
        t[0][0] *= t[1] * x

    it = ad.autodiff(scale, ad.Const, ad.Const, ad.Active)
    assert it.cdef("void(Tuple((float32[::1], float64)), boolean, float64)") == (
        "int32_t scale_derivative(float *t_0, int64_t t_0_n0, double t_1, uint8_t flag, double x, double *x_adjoint);"
    )
