"""What is hard to take out of a process: recursion, derivatives in kernels, rules, special functions, exceptions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

import pyfront as ad
from export.test_library import load, of


@njit
def recursive(x, n):
    return x if n <= 0 else np.sin(recursive(x, n - 1)) + x * recursive(x * 0.5, n - 2)


@njit
def cubic(x):
    return x * x * np.sin(x)


cubic_derivative = ad.autodiff(cubic, ad.Active)


@njit
def nested(x):
    return cubic_derivative(x) * x


@njit
def special(x):
    return math.gamma(x) + math.lgamma(x) + math.erf(x) + np.sinc(x) + math.erfc(x) + math.frexp(x)[0] + x**2.5


@njit
def long(x, n):
    s = x
    for _ in range(n):
        s = np.sin(s) * x
    return s


@njit
def catching(x, n):
    try:
        if n < 0:
            raise ValueError("below zero")
        y = x * x
    except Exception:
        y = x * x * x
    return y


@njit
def raising(x, n):
    if n < 0:
        raise ValueError("n is " + str(n))
    return x * x


@njit
def scale(x, A):
    A[0] = A[0] * x
    return x * A[1]


@njit
def scale_augmented(x, A):
    tape = A.copy()
    return scale(x, A), (tape, x)


@njit
def scale_reverse(x, A, dA, seed, tape):
    before, factor = tape
    dx = seed * before[1] + dA[0] * before[0]
    dA[1] += seed * factor
    dA[0] *= factor
    return dx


ad.define_rule(scale, augmented=scale_augmented, reverse=scale_reverse)


@njit
def ruled(x, A):
    return scale(x, A) + scale(x * x, A) + A[0]


@njit
def choosing(flag, k, u, A):
    s = 0.0
    for i in range(A.size):
        s += A[i] * (k + u) if flag else -A[i]
    return s, flag, k, u


@njit
def product(a, b):
    for i in range(a.size):
        a[i] *= b[i]


@njit
def cube(u):
    u[:] = u * u * u


FUNCTIONS = {
    "recursive": (ad.autodiff(recursive, ad.Active, ad.Const), "f8(f8, i8)"),
    "nested": (ad.autodiff(nested, ad.Active), "(f8,)"),
    "second": (ad.autodiff(ad.autodiff(special, ad.Active), ad.Active), "(f8,)"),
    "special": (ad.autodiff(special, ad.Active), "(f8,)"),
    "long_": (ad.autodiff(long, ad.Active, ad.Const), "(f8, i8)"),
    "catching": (ad.autodiff(catching, ad.Active, ad.Const), "(f8, i8)"),
    "raising": (ad.autodiff(raising, ad.Active, ad.Const), "(f8, i8)"),
    "ruled": (ad.autodiff(ruled, ad.Active, ad.Duplicated), "(f8, f8[::1])"),
    "choosing": (ad.autodiff(choosing, ad.Const, ad.Const, ad.Const, ad.Duplicated), "(b1, i1, u2, f4[:])"),
    "product": (ad.autodiff(product, ad.Duplicated, ad.Duplicated), "(f8[::1], f8[::1])"),
    "cube": (ad.autodiff(cube, ad.Duplicated), "(f8[:, :, ::1],)"),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    ad.export(folder, "hostile", FUNCTIONS)
    return load(folder, "hostile")


@pytest.mark.parametrize(
    ("name", "kernel", "arguments"),
    [
        ("recursive", recursive, (0.7, 6)),
        ("nested", nested, (0.7,)),
        ("second", FUNCTIONS["special"][0], (1.7,)),
        ("special", special, (1.7,)),
        ("catching", catching, (2.0, -1)),
        ("catching", catching, (2.0, 1)),
        ("raising", raising, (3.0, 0)),
    ],
)
def test_scalars(library, name, kernel, arguments):
    ffi, lib = library
    adjoint, value, alone = ffi.new("double *"), ffi.new("double *"), ffi.new("double *")
    assert getattr(lib, name)(arguments[0], adjoint, *arguments[1:], 1.0, value) == 0
    assert adjoint[0] == FUNCTIONS[name][0](*arguments)
    assert getattr(lib, f"{name}_primal")(*arguments, alone) == 0
    assert value[0] == alone[0] == kernel(*arguments)


def test_a_rule(library):
    ffi, lib = library
    A, dA = np.array([1.5, 2.5]), np.array([0.1, 0.2])
    B, dB, C = A.copy(), dA.copy(), A.copy()
    adjoint, value = ffi.new("double *"), ffi.new("double *")
    expected = FUNCTIONS["ruled"][0](0.7, A, dA)
    assert lib.ruled(0.7, adjoint, of(ffi, B), of(ffi, dB), 2, 1.0, value) == 0
    assert adjoint[0] == expected
    assert value[0] == ruled(0.7, C)
    np.testing.assert_array_equal(np.stack([B, dB]), np.stack([A, dA]))


def test_no_memory_for_the_tape(library):
    ffi, lib = library
    adjoint, value = ffi.new("double *", 7.0), ffi.new("double *", 7.0)
    assert lib.long_(1.7, adjoint, 2**61, 1.0, value) == 20550
    assert (adjoint[0], value[0]) == (7.0, 7.0)
    assert lib.long_(1.7, adjoint, 10, 1.0, value) == 0


def test_an_exception_with_text_made_at_run_time(library):
    ffi, lib = library
    status = lib.raising(1.0, ffi.new("double *"), -4, 1.0, ffi.NULL)
    assert ffi.string(lib.hostile_error(status)).startswith(b"ValueError: ... (raising, test_hostile.py:")


def test_small_types(library):
    """A bool is whatever C calls true; numbers keep their sign; an array may run backwards."""
    ffi, lib = library
    A, dA = np.arange(6, dtype="f4"), np.zeros(6, "f4")
    results = [ffi.new(f"{kind} *") for kind in ("double", "uint8_t", "int8_t", "uint16_t")]
    backwards = (of(ffi, A[::-2]), of(ffi, dA[::-2]), 3, -8)
    assert lib.choosing(2, -3, 60000, *backwards, 1.0, *results) == 0
    assert [result[0] for result in results[1:]] == [1, -3, 60000]
    assert list(dA) == [0.0, 59997.0] * 3


def test_aliases(library):
    """A derivative that is not compiled for them says so; the kernel takes them."""
    ffi, lib = library
    a, da = np.arange(4.0) + 1, np.ones(4)
    assert lib.product(of(ffi, a), of(ffi, da), 4, of(ffi, a), of(ffi, da), 4) == 20551
    assert lib.product_primal(of(ffi, a), 4, of(ffi, a), 4) == 0
    assert list(a) == [1.0, 4.0, 9.0, 16.0]


def test_ranks_and_empty_axes(library):
    ffi, lib = library
    u = np.arange(24.0).reshape(2, 3, 4)
    du = np.ones_like(u)
    assert lib.cube(of(ffi, u), of(ffi, du), 2, 3, 4) == 0
    np.testing.assert_array_equal(du.ravel(), 3 * np.arange(24.0) ** 2)
    assert lib.cube(of(ffi, u), of(ffi, du), 2, 0, 4) == 0


def test_another_processor_without_its_long_double(tmp_path):
    derivative, signature = FUNCTIONS["second"]
    with pytest.raises(ad.ExportError, match=r"derivatives of np\.sinc"):
        derivative.export(tmp_path, "f", signature, triple="aarch64-linux-gnu", shared=False)
