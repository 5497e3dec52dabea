"""The compiled functions that random programs call; one copy for all programs, so that Numba compiles them once."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

KNOTS = np.linspace(-8.0, 8.0, 33)
STRAIGHT = 0.5 * KNOTS + 0.25

helper = njit(fastmath=False)
"""Said, because Numba would else compile a function with the flags of its first caller and keep that for all others."""


@helper
def mix(u, v):
    return 0.6 * u * math.cos(v) + 0.2 * v


@helper
def clip(u, limit):
    if u > limit:
        return limit + 0.1 * (u - limit)
    return u


@helper
def both(u, v):
    return 0.5 * (u + v), 0.3 * u * v


@helper
def relax(p, u):
    for j in range(1, p.shape[0]):
        p[j] = 0.5 * p[j] + 0.3 * p[j - 1] * u


@helper
def total(p):
    s = 0.0
    for j in range(p.shape[0]):
        s += p[j] * p[0]
    return s / p.shape[0]


@helper
def doubled(p):
    q = np.empty(p.shape[0])
    for j in range(p.shape[0]):
        q[j] = 0.2 * p[j] * p[p.shape[0] - 1 - j]
    return q


@helper
def either(u, v):
    if u == v:
        return u * v
    if u < 0.0:
        return 0.5 * u
    return v


@helper
def tail(p):
    return p[1:]


@helper
def every_other(p):
    return p[::2]


@helper
def halves(p):
    middle = p.shape[0] // 2
    p[middle] = 0.5 * p[middle]
    return p[:middle], 0.5 * p[middle] * p[0]


@helper
def root_or_raise(u):
    if u < 0.0:
        raise ValueError("random kernel")
    return math.sqrt(1.0 + u)


@helper
def soft_minimum(u, v):
    m = min(u, v)
    return m - 0.5 * math.log(math.exp(-(u - m) / 0.5) + math.exp(-(v - m) / 0.5))
