"""The flat C function: address, declaration, cffi."""

from __future__ import annotations

import cffi
import numpy as np
import pytest
from numba import float64, int64, njit

import pyfront as ad
from pyfront.cabi import OVERLAP

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


def test_strided_signatures_take_c_order(fake):
    function = derivative().cffi((float64, float64[:, :], float64[:], int64))
    A, dA, w = np.ones((2, 3)), np.zeros((2, 3)), np.arange(3.0)
    expected = A.copy()
    kernel(2.0, expected, w, 1)
    assert function(2.0, ffi.new("double *"), doubles(A), doubles(dA), 2, 3, doubles(w), 3, 1, 1.0, ffi.NULL) == 0
    assert np.array_equal(A, expected)


def test_fortran_order_is_refused(fake):
    with pytest.raises(ad.LayoutError, match="`A` is in Fortran order"):
        derivative().cdef((float64, float64[::1, :], float64[::1], int64))


def test_kernel_without_result_or_arguments_with_results(fake):
    @njit
    def scale(t, flag):
        t[0][0] *= t[1]

    it = ad.autodiff(scale, ad.Const, ad.Const)
    assert it.cdef("void(Tuple((float32[::1], float64)), boolean)") == (
        "int32_t scale_derivative(float *t_0, int64_t t_0_n0, double t_1, uint8_t flag);"
    )
