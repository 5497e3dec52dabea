"""Kernels compiled for declared signatures: conversions of arguments and results are part of the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

import pyfront as ad


def body(x):
    return x * x + 2.0 * x


@njit("float64(int64)")
def of_integer(x):
    return x * x + 2.0 * x


@njit
def calls_declared(x):
    return of_integer(x) * x


CASES: list[tuple[Any, float, float]] = [
    (of_integer, 3.7, 0.0),
    (njit("int64(float64)")(body), 3.7, 0.0),
    (njit("float32(float32)")(body), 0.1, float(np.float32(2.2))),
    (njit(["float64(float64)", "float32(float32)"])(body), 0.1, 2.2),
    (calls_declared, 3.7, 15.0),
]


@pytest.mark.parametrize(("kernel", "x", "slope"), CASES)
def test_a_declared_signature_holds_for_the_derivative(kernel: Any, x: float, slope: float) -> None:
    value, adjoint = ad.autodiff(kernel, ad.Active, mode=ad.ReverseWithPrimal)(x)
    assert value == kernel(x)
    assert abs(adjoint - slope) <= 1e-7 * slope


def test_the_signature_of_the_arguments_is_chosen() -> None:
    kernel, x = njit(["float64(float64)", "float32(float32)"])(body), np.float32(0.1)
    value, _ = ad.autodiff(kernel, ad.Active, mode=ad.ReverseWithPrimal)(x)
    assert value == kernel(x) != kernel(float(x))


@njit("void(f8[:], f8[:])")
def squares(x, y):
    for i in range(x.size):
        y[i] = x[i] ** 2


def test_arrays_of_a_declared_layout() -> None:
    x, dx = np.arange(3.0), np.zeros(3)
    ad.autodiff(squares, ad.Duplicated, ad.Duplicated)(x, dx, np.zeros(3), np.ones(3))
    assert np.array_equal(dx, 2.0 * x)


def test_no_other_types_than_declared() -> None:
    with pytest.raises(TypingError, match="squares"):
        ad.autodiff(squares, ad.Duplicated, ad.Const)(np.zeros(3), np.zeros(3), 1.0)
