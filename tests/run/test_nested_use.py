"""A derivative called from compiled code, and derivatives that call each other's kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@njit
def energy(x, strength):
    s = 0.0
    for i in range(x.shape[0]):
        s += strength * x[i] ** 2 + 0.1 * x[i] ** 4
        if i > 0:
            s += 0.5 * x[i] * x[i - 1]
    return s


@njit
def wave(x):
    return math.sin(x) * x


@njit
def positive_root(x):
    if x < 0.0:
        raise ValueError("negative")
    return math.sqrt(x)


d_energy = ad.autodiff(energy, ad.Duplicated, ad.Const)
d_wave = ad.autodiff(wave, ad.Active)
d_root = ad.autodiff(positive_root, ad.Active)
d_wave_with_value = ad.autodiff(wave, ad.Active, mode=ad.ReverseWithPrimal)


@njit
def descend(x, rate, steps):
    gradient = np.zeros_like(x)
    for _ in range(steps):
        gradient[:] = 0.0
        d_energy(x, gradient, 1.0)
        for i in range(x.shape[0]):
            x[i] -= rate * gradient[i]
    return energy(x, 1.0)


@njit
def newton(x):
    for _ in range(30):
        x -= wave(x) / d_wave(x)
    return x


@njit
def slope_and_value(x):
    value, slope = d_wave_with_value(x)
    return value + 10.0 * slope


@njit
def seeded(x):
    return d_wave(x, seed=3.0)


@njit
def raising(x):
    return d_root(x) + 1.0


@njit
def sum_of_slopes(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += d_wave(a[i])
    return s


def test_gradient_descent_inside_of_njit():
    x = np.array([0.8, -0.6, 0.4])
    assert descend(x, 0.2, 200) < 1e-8
    y = np.array([0.8, -0.6, 0.4])
    for _ in range(200):
        gradient = np.zeros(3)
        d_energy(y, gradient, 1.0)
        y -= 0.2 * gradient
    np.testing.assert_array_equal(x, y)


def test_scalar_derivative_inside_of_njit():
    assert newton(3.0) == pytest.approx(math.pi, abs=1e-12)


def test_with_primal_inside_of_njit():
    x = 0.7
    assert slope_and_value(x) == pytest.approx(wave(x) + 10.0 * (math.sin(x) + x * math.cos(x)), rel=1e-14)


def test_seed_inside_of_njit():
    assert seeded(0.7) == 3.0 * d_wave(0.7)


def test_exception_passes_through_compiled_code():
    assert raising(4.0) == 1.25
    with pytest.raises(ValueError, match="negative"):
        raising(-4.0)


def test_many_calls_in_a_loop():
    a = np.linspace(-2.0, 2.0, 101)
    assert sum_of_slopes(a) == pytest.approx(sum(math.sin(x) + x * math.cos(x) for x in a), abs=1e-10)


@njit
def squares(p, q):
    for i in range(p.shape[0]):
        q[i] = p[i] * p[i]


d_squares = ad.autodiff(squares, ad.Duplicated, ad.Duplicated)


@njit
def exchanged(a, b, q, r):
    for _ in range(4):
        for i in range(r.shape[0]):
            r[i] = 1.0
        d_squares(a, b, q, r)  # b += 2 a
        a, b = b, a


def test_array_and_shadow_exchanged_by_the_loop_around():
    """What does not alias within one call of the derivative may alias between two: the loop is unrolled."""
    da, db = np.cos(np.arange(16.0)), np.sin(np.arange(16.0))
    a, b = np.linspace(0.2, 1.0, 16), np.linspace(-1.0, 1.0, 16)
    first, second = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for _ in range(4):
        first, second = second + 2.0 * first, first
    want = first[0] * da + second[0] * db, first[1] * da + second[1] * db
    derivative = ad.autodiff(exchanged, ad.Duplicated, ad.Duplicated, ad.Const, ad.Const)
    derivative(a, da, b, db, np.zeros(16), np.zeros(16))
    np.testing.assert_allclose(da, want[0], rtol=1e-12)
    np.testing.assert_allclose(db, want[1], rtol=1e-12)
