"""The compiled functions that random programs call; one copy for all programs, so that Numba compiles them once."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit
def mix(u, v):
    return 0.6 * u * math.cos(v) + 0.2 * v


@njit
def clip(u, limit):
    if u > limit:
        return limit + 0.1 * (u - limit)
    return u


@njit
def both(u, v):
    return 0.5 * (u + v), 0.3 * u * v


@njit
def relax(p, u):
    for j in range(1, p.shape[0]):
        p[j] = 0.5 * p[j] + 0.3 * p[j - 1] * u


@njit
def total(p):
    s = 0.0
    for j in range(p.shape[0]):
        s += p[j] * p[0]
    return s / p.shape[0]


@njit
def doubled(p):
    q = np.empty(p.shape[0])
    for j in range(p.shape[0]):
        q[j] = 0.2 * p[j] * p[p.shape[0] - 1 - j]
    return q
