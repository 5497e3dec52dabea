"""Infinities and NaN in values that are discarded: zero is strong, in both modes, through memory, loops and branches.

The kernels are `f(x, w)`: `w` holds what is infinite or not a number, `wanted` is the gradient in `x`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad

inf, nan = math.inf, math.nan

Kernel = Callable[..., float]
CASES: list[tuple[Kernel, list[float], list[float], list[float]]] = []


def discards(x: list[float], w: list[float], wanted: list[float]) -> Callable[[Kernel], Kernel]:
    """Registers a kernel with its arguments and its gradient."""

    def register(kernel: Kernel) -> Kernel:
        CASES.append((kernel, x, w, wanted))
        return kernel

    return register


@discards([3.0, 2.0, 5.0], [0.5, inf, nan], [0.5, 1.0, 1.0])
def array_read_under_a_condition(x, w):
    t = np.empty(3)
    s = 0.0
    for i in range(3):
        t[i] = x[i] * w[i]
    for i in range(3):
        s += t[i] if w[i] < 1e300 else x[i]
    return s


@discards([3.0, 2.0, 5.0], [0.5, 2.0, inf], [1.0, 2.0, 0.0])
def array_read_in_part(x, w):
    t = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        t[i] = x[i] * w[i]
    s = t[0]
    for i in range(x.shape[0] - 1):
        s += t[i]
    return s


@discards([3.0, 2.0, 5.0], [0.5, inf, nan], [0.5, 1.0, 0.0])
def element_overwritten(x, w):
    t = np.empty(3)
    for i in range(3):
        t[i] = x[i] * w[i]
    t[1] = x[1]
    t[2] = 1.0
    return t[0] + t[1] + t[2]


@discards([3.0, 2.0], [inf, 2.0], [0.0, 2.0])
def array_of_an_iteration_without_reader(x, w):
    t = np.empty(2)
    s = 0.0
    for k in range(2):
        for i in range(2):
            t[i] = x[k] * w[k]
        if k == 1:
            for i in range(2):
                s += 0.5 * t[i]
    return s


@discards([0.5, 1.0], [inf, 0.0], [2.0, 0.0])
def value_of_a_loop_through_a_phi(x, w):
    if w[0] > 0.0:
        v = x[0]
        for _ in range(3):
            v = math.sin(v)
        v = v * w[0]
    else:
        v = x[0] + x[1]
    return v if w[1] > 0.0 else 2.0 * x[0]


@discards([1e200, 2.0], [1e200, 3.0], [0.0, 3.0])
def rejected_step_that_overflows(x, w):
    s = 0.0
    for k in range(2):
        trial = x[k] * w[k] * w[k]
        trial = trial * trial / (x[k] * w[k] * w[k])
        if trial < 1e300:
            s += trial / w[k]
    return s


@njit
def product(a, b, out):
    out[0] = a * b
    return a * b


@discards([1.0, 2.0], [nan, 3.0], [1.0, 3.0])
def result_of_a_callee(x, w):
    out = np.empty(1)
    s = 0.0
    for i in range(2):
        r = product(x[i], w[i], out)
        s += x[i] if np.isnan(r) else out[0]
    return s


@discards([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [inf] * 6, [0.0] * 6)
def what_a_function_absorbs(x, w):
    s = math.tanh(x[0] * w[0]) + math.atan(x[1] * w[1]) + math.exp(-x[2] * w[2])
    return s + 1.0 / (x[3] * w[3]) + (x[4] * w[4]) ** -1.5 + min(x[5] * w[5], 5.0)


@discards([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0])
def roots_at_zero(x, w):
    t = np.empty(2)
    for i in range(2):
        t[i] = np.sqrt(x[i])
    return t[0] * w[0] + t[1] * w[1] + math.sqrt(x[2] * x[2] + x[3] * x[3])


@discards([0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 6.0, 0.0])
def root_at_zero_under_a_power(x, w):
    """The control of an integrator's step where the error is zero; a root with another reader, too."""
    r, q = math.sqrt(x[0] * x[0]), math.sqrt(x[2] * x[2])
    s = min(5.0, max(0.2, r**-0.2)) * x[1]
    power = q**-1.5
    return s + (q if w[0] == 0.0 else power) + (x[1] if w[0] == 0.0 else math.log(r))


@discards([3.0, 2.0], [inf, 0.0], [0.0, 1.0])
def quotient_beside_its_divisor(x, w):
    y = x[0] * w[0]
    for _ in range(3):
        y = y + x[1] / y
    return x[1] + 1.0 / y + math.exp(-y)


@pytest.mark.parametrize(("kernel", "x", "w", "wanted"), CASES, ids=[case[0].__name__ for case in CASES])
def test_what_is_discarded_contributes_nothing(
    kernel: Kernel, x: list[float], w: list[float], wanted: list[float]
) -> None:
    compiled, shadow = njit(kernel), np.zeros(len(x))
    ad.autodiff(compiled, ad.Duplicated, ad.Const)(np.array(x), shadow, np.array(w))
    np.testing.assert_allclose(shadow, wanted, rtol=1e-10)
    # Each lane is guarded for itself.
    lanes = ad.autodiff(compiled, ad.BatchDuplicated, ad.Const, mode=ad.Forward)
    got = lanes(np.array(x), tuple(np.eye(len(x))), np.array(w))
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_lanes_of_adjoints_and_halves() -> None:
    kernel, x, w, wanted = CASES[0]
    compiled = njit(kernel)
    shadows = np.zeros(3), np.zeros(3)
    ad.autodiff(compiled, ad.BatchDuplicated, ad.Const)(np.array(x), shadows, np.array(w), seed=(2.0, 0.0))
    np.testing.assert_allclose(shadows, [2.0 * np.array(wanted), np.zeros(3)], rtol=1e-10)
    forward, reverse = ad.autodiff_split(compiled, ad.Duplicated, ad.Const)
    shadow = np.zeros(3)
    _, tape = forward(np.array(x), np.array(w))
    reverse(shadow, tape)
    np.testing.assert_allclose(shadow, wanted, rtol=1e-10)


def test_a_nan_that_reaches_the_result_stays() -> None:
    """No derivative is made up where the result is not a number."""

    def products(x, w):
        return x * x * w

    assert math.isnan(ad.autodiff(njit(products), ad.Active, ad.Const)(1.0, nan))
    assert math.isnan(ad.autodiff(njit(products), ad.Duplicated, ad.Const, mode=ad.Forward)(nan, 1.0, 1.0))


@njit
def soft_dtw(D, gamma):
    """The soft alignment cost of Cuturi and Blondel, with a border of infinities."""
    n, m = D.shape
    beta = 1.0 / gamma
    R = np.full((n + 1, m + 1), np.inf)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            a = -R[i - 1, j - 1] / gamma
            b = -R[i - 1, j] * beta
            c = -R[i, j - 1] * beta
            top = max(a, max(b, c))
            R[i, j] = D[i - 1, j - 1] - gamma * (
                math.log(math.exp(a - top) + math.exp(b - top) + math.exp(c - top)) + top
            )
    return R[n, m]


def test_soft_minimum_with_infinite_borders() -> None:
    """By the costs and by the temperature, in every mode; the derivatives by themselves once more."""
    D = np.random.default_rng(1).uniform(0.0, 1.0, (3, 4))
    check(soft_dtw, dup(D), active(0.7))
    slope = ad.autodiff(soft_dtw, ad.Const, ad.Active)
    tangent = ad.autodiff(soft_dtw, ad.Const, ad.Duplicated, mode=ad.Forward)
    over_reverse = ad.autodiff(slope, ad.Const, ad.Duplicated, mode=ad.Forward)(D, 0.7, 1.0)
    over_forward = ad.autodiff(tangent, ad.Const, ad.Active, ad.Const)(D, 0.7, 1.0)
    step = 1e-5
    difference = (slope(D, 0.7 + step) - slope(D, 0.7 - step)) / (2.0 * step)
    np.testing.assert_allclose([over_reverse, over_forward], difference, rtol=1e-8)
    np.testing.assert_allclose(over_reverse, over_forward, rtol=1e-10)


def test_oracle_and_engine_agree_on_masks() -> None:
    """The same promise by another way: dual numbers on the kernel's Python function."""

    def masked(x, inverse, y):
        t = np.empty(x.shape[0])
        for i in range(x.shape[0]):
            t[i] = x[i] * inverse[i]
        for i in range(x.shape[0]):
            if inverse[i] < 1e300:
                y[i] = t[i]
            else:
                y[i] = x[i]

    check(njit(masked), dup(np.array([3.0, 3.0])), const(np.array([0.5, inf])), dup(np.zeros(2)))
