"""Kernels for derivatives of higher order: each a float of one array, which most of them overwrite, and of constants.

Invariant: `PROBLEMS` gives for each a point where it is smooth (no tie, no kink) and its constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit


@njit
def weighted(u):
    """Something that depends on every element, each in its own way, and is not linear."""
    s = 0.0
    for i in range(u.shape[0]):
        s += (1.0 + 0.3 * i) * u[i] * u[i] + 0.1 * u[i] * u[i - 1] * u[0]
    return s


@njit
def rosenbrock(x):
    s = 0.0
    for i in range(x.shape[0] - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@njit
def elementary(x):
    s = math.exp(0.3 * x[0]) * math.sin(x[1]) + math.log(2.0 + x[2] ** 2) * math.cos(x[0])
    s += math.atan2(x[1], 1.5 + x[2] * x[2]) * math.tanh(x[0]) + math.sqrt(1.0 + x[1] ** 2)
    return s + (1.5 + math.sin(x[2])) ** x[0] + x[0] / (2.0 + x[1] ** 2)


@njit
def special(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += math.erf(x[i]) * math.lgamma(2.0 + x[i] * x[i - 1]) + math.sinh(x[i]) * math.expm1(0.2 * x[i - 1])
    return s


@njit
def heat(u, r, steps):
    """Two arrays, swapped by name."""
    now, new = u, u.copy()
    for _ in range(steps):
        for i in range(1, u.shape[0] - 1):
            new[i] = now[i] + r * now[i] * (now[i - 1] - 2.0 * now[i] + now[i + 1])
        now, new = new, now
    return weighted(now)


@njit
def heat_in_place(u, r, steps):
    for _ in range(steps):
        left = u[0]
        for i in range(1, u.shape[0] - 1):
            middle = u[i]
            u[i] = middle + r * (left - 2.0 * middle + u[i + 1]) * (1.0 + middle * middle)
            left = middle
    return weighted(u)


@njit
def burgers(u, h, steps):
    flux = np.empty(u.shape[0] + 1)
    for _ in range(steps):
        for i in range(u.shape[0] + 1):
            left, right = u[i - 1], u[i % u.shape[0]]
            if left + right > 0.0:
                flux[i] = 0.5 * left * left
            else:
                flux[i] = 0.5 * right * right
        for i in range(u.shape[0]):
            u[i] -= h * (flux[i + 1] - flux[i])
    return weighted(u)


@njit
def brusselator(u, du, h, steps):
    """A Const workspace carries the derivative."""
    size = u.shape[0]
    for _ in range(steps):
        for i in range(size):
            for j in range(size):
                x, y = u[i, j, 0], u[i, j, 1]
                for s in range(2):
                    around = u[i - 1, j, s] + u[(i + 1) % size, j, s] + u[i, j - 1, s] + u[i, (j + 1) % size, s]
                    du[i, j, s] = 0.2 * (around - 4.0 * u[i, j, s])
                du[i, j, 0] += 1.0 + x * x * y - 2.7 * x
                du[i, j, 1] += 1.7 * x - x * x * y
        for i in range(size):
            for j in range(size):
                for s in range(2):
                    u[i, j, s] += h * du[i, j, s]
    total = 0.0
    for i in range(size):
        for j in range(size):
            total += u[i, j, 0] * u[i, j, 1] * (1.0 + i + 2.0 * j) + u[i, j, 0] ** 3
    return total


@njit
def gauss_seidel(u, f, tolerance):
    """Sweeps until nothing changes much."""
    change = 1.0
    while change > tolerance:
        change = 0.0
        for i in range(1, u.shape[0] - 1):
            new = 0.5 * (u[i - 1] + u[i + 1] - 0.1 * u[i] * u[i] - f[i])
            change = max(change, abs(new - u[i]))
            u[i] = new
    return weighted(u)


@njit
def red_black(u, sweeps):
    rows, columns = u.shape
    for _ in range(sweeps):
        for color in range(2):
            for i in range(1, rows - 1):
                for j in range(1 + (i + color) % 2, columns - 1, 2):
                    around = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
                    u[i, j] = 0.25 * (around - 0.2 * u[i, j] ** 2)
    s = 0.0
    for i in range(rows):
        s += weighted(u[i])
    return s


@njit
def log_determinant(a, pivots):
    n = a.shape[0]
    s = 0.0
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[p, k]):
                p = i
        pivots[k] = p
        if p != k:
            for j in range(n):
                a[k, j], a[p, j] = a[p, j], a[k, j]
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
        s += math.log(abs(a[k, k]))
    return s


@njit
def cholesky_solve(a, b):
    n = a.shape[0]
    x = b.copy()
    for j in range(n):
        for k in range(j):
            a[j, j] -= a[j, k] * a[j, k]
        a[j, j] = math.sqrt(a[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]
    for i in range(n):
        for j in range(i):
            x[i] -= a[i, j] * x[j]
        x[i] /= a[i, i]
    return weighted(x)


@njit
def lotka_volterra(u, du):
    du[0] = 1.5 * u[0] - u[0] * u[1]
    du[1] = -3.0 * u[1] + u[0] * u[1]


@njit
def rk4(u, h, steps):
    k1, k2, k3, k4, v = np.empty(2), np.empty(2), np.empty(2), np.empty(2), np.empty(2)
    for _ in range(steps):
        lotka_volterra(u, k1)
        for i in range(2):
            v[i] = u[i] + 0.5 * h * k1[i]
        lotka_volterra(v, k2)
        for i in range(2):
            v[i] = u[i] + 0.5 * h * k2[i]
        lotka_volterra(v, k3)
        for i in range(2):
            v[i] = u[i] + h * k3[i]
        lotka_volterra(v, k4)
        for i in range(2):
            u[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])
    return weighted(u)


@njit
def n_body(p, h, steps):
    """Positions move; velocities are an array of the kernel's own."""
    n = p.shape[0]
    v = np.zeros((n, 2))
    for _ in range(steps):
        for i in range(n):
            for j in range(i):
                dx, dy = p[i, 0] - p[j, 0], p[i, 1] - p[j, 1]
                r = math.sqrt(dx * dx + dy * dy + 0.01)
                f = h / (r * r * r)
                v[i, 0] -= f * dx
                v[i, 1] -= f * dy
                v[j, 0] += f * dx
                v[j, 1] += f * dy
        for i in range(n):
            p[i, 0] += h * v[i, 0]
            p[i, 1] += h * v[i, 1]
    s = 0.0
    for i in range(n):
        s += (1.0 + i) * p[i, 0] * p[i, 1] + v[i, 0] ** 2 * p[i, 1]
    return s


@njit
def implicit_euler(u, h, steps):
    """A Newton iteration inside of each step."""
    for _ in range(steps):
        for i in range(u.shape[0]):
            old = u[i]
            y = old
            change = 1.0
            while abs(change) > 1e-13:
                change = (y + h * y * y * y - old) / (1.0 + 3.0 * h * y * y)
                y -= change
            u[i] = y
    return weighted(u)


@njit
def fixed_point(x):
    """The loop ends when the data says so, by `break`."""
    y = x[0]
    for _ in range(200):
        new = math.cos(0.5 * y * x[1]) + 0.2 * x[2]
        if abs(new - y) < 1e-14:
            break
        y = new
    return y * y * x[0]


@njit
def sorting_network(a):
    for stage in range(a.shape[0]):
        for i in range(stage % 2, a.shape[0] - 1, 2):
            low, high = min(a[i], a[i + 1]), max(a[i], a[i + 1])
            a[i], a[i + 1] = low, high
    return weighted(a)


@njit
def merge_sort(a):
    n = a.shape[0]
    source, target = a.copy(), np.empty_like(a)
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or source[i] <= source[j]):
                    target[k] = source[i]
                    i += 1
                else:
                    target[k] = source[j]
                    j += 1
        source, target = target, source
        width *= 2
    return weighted(source)


@njit
def softmax(a):
    largest = a[0]
    for i in range(a.shape[0]):
        largest = max(largest, a[i])
    s = 0.0
    for i in range(a.shape[0]):
        a[i] = math.exp(a[i] - largest)
        s += a[i]
    for i in range(a.shape[0]):
        a[i] /= s
    return weighted(a)


@njit
def prefix_products(a):
    for i in range(1, a.shape[0]):
        a[i] *= a[i - 1]
    return weighted(a)


@njit
def growing_arrays(a):
    """An array per iteration, each larger than the last."""
    s = 1.0
    for n in range(1, a.shape[0] + 1):
        t = np.zeros(n)
        for i in range(n):
            t[i] = a[i] * s
        for i in range(n):
            s += 0.1 * t[i] * t[n - 1 - i]
    return s


@njit
def views(a):
    even, odd, backward = a[::2], a[1::2], a[::-1]
    for i in range(odd.shape[0]):
        even[i] *= odd[i]
        odd[i] += 0.3 * even[i] * even[i]
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * backward[i] * a[0]
    return s


@njit
def substitution(lower, b):
    """A triangular nest."""
    x = b.copy()
    for i in range(b.shape[0]):
        for j in range(i):
            x[i] -= lower[i, j] * x[j]
        x[i] /= lower[i, i]
    return weighted(x)


@njit
def recurrent(h, w, steps):
    """A network whose state is overwritten."""
    n = h.shape[0]
    new = np.empty(n)
    for _ in range(steps):
        for i in range(n):
            s = 0.0
            for j in range(n):
                s += w[i, j] * h[j]
            new[i] = math.tanh(s)
        for i in range(n):
            h[i] = new[i] + 0.1 * h[i] * h[i]
    return weighted(h)


@njit
def doubling(x, limit):
    """How often the loop runs, and what it skips, is decided by the data."""
    s = 0.0
    y = x[0]
    k = 0
    while y < limit:
        k += 1
        y = y * 1.7 + 0.1 * x[k % x.shape[0]] ** 2
        if k % 3 == 1:
            continue
        s += math.sin(y) * x[k % x.shape[0]]
    return s * y


@dataclass(frozen=True)
class Problem:
    """A kernel, where to take its derivatives, and the other arguments."""

    kernel: Callable[..., Any]
    x: np.ndarray
    constants: tuple[Any, ...] = ()


def problems() -> list[Problem]:
    """All problems, the same ones each time."""
    random = np.random.default_rng(2026)

    def numbers(*shape: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
        return random.uniform(low, high, shape)

    square = numbers(3, 3)
    return [
        Problem(rosenbrock, numbers(4)),
        Problem(elementary, numbers(3)),
        Problem(special, numbers(3, low=0.2)),
        Problem(heat, numbers(5), (0.2, 3)),
        Problem(heat_in_place, numbers(5), (0.2, 3)),
        Problem(burgers, numbers(5), (0.1, 2)),
        Problem(brusselator, numbers(2, 2, 2, low=0.5), (np.zeros((2, 2, 2)), 0.05, 2)),
        Problem(gauss_seidel, numbers(5), (numbers(5), 1e-3)),
        Problem(red_black, numbers(4, 4), (2,)),
        Problem(log_determinant, numbers(3, 3), (np.zeros(3, np.int64),)),
        Problem(cholesky_solve, square @ square.T + 2.0 * np.eye(3), (numbers(3),)),
        Problem(rk4, np.array([1.2, 0.8]), (0.1, 2)),
        Problem(n_body, numbers(3, 2), (0.1, 2)),
        Problem(implicit_euler, numbers(2, low=0.5), (0.3, 2)),
        Problem(fixed_point, np.array([0.7, 1.1, -0.4])),
        Problem(sorting_network, numbers(5)),
        Problem(merge_sort, numbers(5)),
        Problem(softmax, numbers(4)),
        Problem(prefix_products, numbers(5, low=0.5, high=1.5)),
        Problem(growing_arrays, numbers(4)),
        Problem(views, numbers(6)),
        Problem(substitution, numbers(3, 3) + 2.0 * np.eye(3), (numbers(3),)),
        Problem(recurrent, numbers(3), (numbers(3, 3), 2)),
        Problem(doubling, np.array([0.6, -0.8, 1.1]), (9.0,)),
    ]


PROBLEMS = {problem.kernel.__name__: problem for problem in problems()}
