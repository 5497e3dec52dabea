"""The functions that random programs call and that call themselves: calls of them stay calls.

Each ends: depths are counted, or what is left of an array gets shorter. Values stay small if what is given is.
"""

from __future__ import annotations

import math

import numpy as np

from properties.helpers import helper
from properties.ruled import curve, pressed


@helper
def fraction(p, u, k):
    """A number; the array is only read."""
    if k >= p.shape[0]:
        return 0.25 * u
    return 0.5 * p[k] / (1.5 + fraction(p, 0.5 * u, k + 1) ** 2)


@helper
def settle(p, u, k):
    """Writes its array on the way down and on the way up; how deep it goes depends on data."""
    if k <= 0 or abs(p[0]) < 0.125:
        return
    p[0] = 0.5 * p[0] + 0.25 * u
    settle(p, 0.5 * u + 0.25 * p[-1], k - 1)
    p[-1] = 0.5 * p[-1] + 0.3 * p[0] * u


@helper
def reduced(p, low, high):
    """A float and a count, from two calls."""
    if high <= low:
        return 0.0, 0
    if high - low == 1:
        return 0.5 * p[low], 1
    middle = (low + high) // 2
    left, n = reduced(p, low, middle)
    right, m = reduced(p, middle, high)
    p[low] = 0.5 * left + 0.25 * right * p[high - 1]
    return 0.5 * (left - right), n + m


@helper
def by_views(p, u):
    """Each call has its part of the array."""
    if p.shape[0] < 2:
        for j in range(p.shape[0]):
            p[j] = 0.6 * p[j] * math.cos(u)
        return
    middle = p.shape[0] // 2
    by_views(p[:middle], u)
    by_views(p[middle:], 0.5 * p[0])
    p[0] = 0.5 * p[0] + 0.3 * p[middle]


@helper
def woven(p):
    """A new array from those of two calls."""
    n = p.shape[0]
    if n <= 1:
        return p.copy()
    left, right = woven(p[: n // 2].copy()), woven(p[n // 2 :].copy())
    out = np.empty(n)
    for j in range(n):
        out[j] = 0.5 * left[j % left.shape[0]] + 0.25 * right[j % right.shape[0]] * p[j]
    return out


@helper
def parted(p, u, k):
    """Two new arrays and a number, whole numbers in one of the arrays."""
    if k <= 0:
        return p.copy(), np.zeros(p.shape[0], np.int64), 0.5 * u
    q, places, value = parted(p, 0.5 * u, k - 1)
    out, where = np.empty(p.shape[0]), np.empty(p.shape[0], np.int64)
    for j in range(p.shape[0]):
        where[j] = (places[j] + j) % p.shape[0]
        out[j] = 0.5 * q[where[j]] + 0.25 * value
    return out, where, 0.5 * value + 0.25 * q[0]


@helper
def remainder(p, k):
    """A view of what it was given, which is refused."""
    if k <= 0 or p.shape[0] < 2:
        return p
    return remainder(p[1:], k - 1)


@helper
def falls(p, u, k):
    """Raises at the bottom, after it has written."""
    if k <= 0:
        if p[0] * u > 0.75:
            raise ValueError("random kernel")
        return 0.5 * p[0]
    p[0] = 0.75 * p[0] + 0.125 * u
    value = falls(p, 0.5 * u + 0.25 * p[0], k - 1)
    p[-1] = 0.5 * p[-1] + 0.25 * value
    return value


@helper
def stacked(u, k):
    """Each call has an array of its own, of another size."""
    t = np.empty(k + 1)
    for j in range(k + 1):
        t[j] = 0.5 * u + 0.125 * j
    if k <= 0:
        return t[0]
    t[0] = 0.5 * stacked(0.5 * t[k], k - 1) + 0.3 * t[k] * t[0]
    return t[0]


@helper
def lent(p, t, k):
    """An array of the caller's that every call fills anew."""
    for j in range(t.shape[0]):
        t[j] = 0.25 * p[j % p.shape[0]] + 0.125 * k
    if k <= 0:
        return t[0]
    value = lent(p, t, k - 1)
    p[0] = 0.5 * p[0] + 0.25 * t[-1] * value
    return 0.5 * value + 0.25 * t[0]


@helper
def ebb(p, u, k):
    if k <= 0:
        return 0.5 * u
    return flow(p, math.sin(u), k - 1)


@helper
def flow(p, u, k):
    """With `ebb`: two that call each other."""
    if k <= 0:
        return u
    for j in range(p.shape[0]):
        p[j] = 0.75 * p[j] + 0.125 * u
    return 0.5 * ebb(p, p[k % p.shape[0]], k - 1) + 0.25 * ebb(p, u, k - 2)


@helper
def exchanged(p, q, k):
    """Two arrays that change places; they may be one."""
    if k <= 0:
        return 0.5 * p[0]
    n = min(p.shape[0], q.shape[0])
    for j in range(n):
        q[j] = 0.5 * q[j] + 0.2 * p[n - 1 - j]
    return 0.5 * exchanged(q, p, k - 1) + 0.25 * p[0]


@helper
def tree(p, i):
    """Calls in a loop, as many as there are children."""
    if i >= p.shape[0]:
        return 0.0
    s = 0.25 * p[i] * p[i]
    for j in range(2 * i + 1, min(2 * i + 3, p.shape[0])):
        s += 0.5 * tree(p, j)
    p[i] = 0.5 * s
    return s


@helper
def powered(m, k):
    """Products of BLAS in functions that call themselves."""
    if k <= 0:
        return m.copy()
    return 0.25 * (m @ powered(m, k - 1))


@helper
def eliminated(m, v, k):
    """Solves of LAPACK, with a matrix that changes on the way; `v` has the matrix' size."""
    if k <= 0:
        return v.copy()
    x = np.linalg.solve(m, v)
    m[0, k % m.shape[0]] += 0.125 * x[0]
    return 0.5 * x + 0.25 * eliminated(m, x, k - 1)


@helper
def with_rules(p, u, k):
    """Functions with rules in one that calls itself."""
    if k <= 0:
        return 0.5 * u
    value = pressed(0.5 * u, p)
    v, _ = curve(value, p[0])
    return 0.5 * v + 0.25 * with_rules(p, v, k - 1)
