"""Iterations to convergence and recurrences: Newton, bisection, fixed points, polynomials, fractions, series."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup


@njit
def horner(c, x):
    s = 0.0
    for i in range(c.shape[0] - 1, -1, -1):
        s = s * x + c[i]
    return s


@njit
def newton_square_root(x):
    y = x
    while abs(y * y - x) > 1e-12:
        y = 0.5 * (y + x / y)
    return y


@njit
def newton_polynomial_root(c, x):
    for _ in range(50):
        value, slope = 0.0, 0.0
        for i in range(c.shape[0] - 1, -1, -1):
            slope = slope * x + value
            value = value * x + c[i]
        change = value / slope
        x -= change
        if abs(change) < 1e-9:
            break
    return x


@njit
def bisection(c, low, high):
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        if horner(c, middle) > 0.0:
            high = middle
        else:
            low = middle
    return horner(c, low) / (horner(c, low) - horner(c, high)) * (high - low) + low


@njit
def fixed_point(x, k):
    y = x
    while True:
        following = math.cos(k * y) * x
        if abs(following - y) < 1e-8:
            break
        y = following
    return y


@njit
def secant(a, x0, x1):
    f0 = x0 * x0 * x0 - a
    f1 = x1 * x1 * x1 - a
    steps = 0
    while abs(f1) > 1e-7 and steps < 60:
        x0, x1 = x1, x1 - f1 * (x1 - x0) / (f1 - f0)
        f0, f1 = f1, x1 * x1 * x1 - a
        steps += 1
    return x1


@njit
def exponential_series(x):
    term, s = 1.0, 1.0
    n = 1
    while abs(term) > 1e-14:
        term *= x / n
        s += term
        n += 1
    return s


@njit
def continued_fraction(a):
    s = a[a.shape[0] - 1]
    for i in range(a.shape[0] - 2, -1, -1):
        s = a[i] + 1.0 / s
    return s


@njit
def arithmetic_geometric_mean(a, g):
    while abs(a - g) > 1e-13:
        a, g = 0.5 * (a + g), math.sqrt(a * g)
    return a


@njit
def kepler(m, e):
    x = m
    for _ in range(30):
        change = (x - e * math.sin(x) - m) / (1.0 - e * math.cos(x))
        x -= change
        if abs(change) < 1e-12:
            return x
    return x


@njit
def gradient_descent(x, rate, tolerance):
    steps = 0
    while True:
        norm = 0.0
        for i in range(x.shape[0]):
            g = x[i] ** 3 - x[i - 1] + 0.3
            x[i] -= rate * g
            norm += g * g
        steps += 1
        if norm < tolerance or steps > 100:
            break
    return steps


@njit
def fibonacci_like(x, n):
    a, b = 0.0, x
    for _ in range(n):
        a, b = b, a + b * x
    return a


@njit
def chebyshev(c, x):
    b1, b2 = 0.0, 0.0
    for k in range(c.shape[0] - 1, 0, -1):
        b1, b2 = c[k] + 2.0 * x * b1 - b2, b1
    return c[0] + x * b1 - b2


@njit
def prefix_sums(a):
    for i in range(1, a.shape[0]):
        a[i] += a[i - 1]


@njit
def prefix_products(a, out):
    p = 1.0
    for i in range(a.shape[0]):
        out[i] = p
        p *= a[i]
    p = 1.0
    for i in range(a.shape[0] - 1, -1, -1):
        out[i] *= p
        p *= a[i]


@njit
def running_maximum(a):
    best = a[0]
    for i in range(a.shape[0]):
        best = max(best, a[i])
        a[i] = best * a[i]


@njit
def mandelbrot(cx, cy, limit):
    x, y = 0.0, 0.0
    n = 0
    while x * x + y * y < 4.0 and n < limit:
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        n += 1
    return math.sqrt(x * x + y * y) + n


@njit
def simpson(x, n):
    h = x / n
    s = math.exp(-x * x) + 1.0
    for i in range(1, n):
        t = i * h
        s += (4.0 if i % 2 else 2.0) * math.exp(-t * t)
    return s * h / 3.0


@njit
def collatz_like(x, n):
    while n != 1:
        if n % 2 == 0:
            n //= 2
            x = x * x * 0.9
        else:
            n = 3 * n + 1
            x = x + 0.1
    return x


@njit
def line_search(x, direction, slope):
    step = 1.0
    start = x[0] * x[0] + x[1] ** 4
    while True:
        a, b = x[0] + step * direction[0], x[1] + step * direction[1]
        if a * a + b**4 <= start + 1e-4 * step * slope:
            break
        step *= 0.5
    x[0] += step * direction[0]
    x[1] += step * direction[1]
    return step * x[0]


def test_horner(rng):
    check(horner, dup(rng.normal(size=5)), active(0.7), each_step=True)


@pytest.mark.parametrize("x", [0.3, 2.0, 500.0])
def test_newton_square_root(x):
    check(newton_square_root, active(x))


def test_newton_polynomial_root():
    check(newton_polynomial_root, dup(np.array([-2.0, 0.5, 0.3, 1.0])), active(2.0))


def test_bisection():
    check(bisection, dup(np.array([-2.0, 0.5, 0.3, 1.0])), active(0.0), active(3.0))


def test_fixed_point():
    check(fixed_point, active(0.8), active(0.7))


def test_secant():
    check(secant, active(3.0), active(1.0), active(2.0))


def test_series_until_small():
    check(exponential_series, active(1.7), each_step=True)


def test_continued_fraction(rng):
    check(continued_fraction, dup(rng.uniform(1.0, 3.0, 5)))


def test_arithmetic_geometric_mean():
    check(arithmetic_geometric_mean, active(1.0), active(3.0))


def test_kepler():
    check(kepler, active(1.2), active(0.6))


def test_gradient_descent_returns_int(rng):
    check(gradient_descent, dup(rng.uniform(-1.0, 1.0, 3)), active(0.2), const(1e-3))


def test_fibonacci():
    check(fibonacci_like, active(0.7), const(8))


def test_chebyshev(rng):
    check(chebyshev, dup(rng.normal(size=5)), active(0.3))


def test_prefix_sums(rng):
    check(prefix_sums, dup(rng.normal(size=6)))


def test_prefix_and_suffix_products(rng):
    check(prefix_products, dup(rng.normal(size=5)), dup(np.zeros(5)))


def test_running_maximum(rng):
    check(running_maximum, dup(rng.normal(size=6)))


@pytest.mark.parametrize(("cx", "cy"), [(0.1, 0.2), (0.5, 0.6), (3.0, 3.0)])
def test_mandelbrot(cx, cy):
    check(mandelbrot, active(cx), active(cy), const(20), without=())


def test_simpson():
    check(simpson, active(1.2), const(8))


def test_path_decided_by_ints():
    check(collatz_like, active(0.9), const(6))


def test_line_search():
    check(line_search, dup(np.array([1.0, -1.5])), dup(np.array([-2.0, 13.5])), active(-5.0))
