"""The compiled functions that random programs call; one copy for all programs, so that Numba compiles them once.

Some are derivatives that the engine makes. The oracle has no engine: it runs what is written by hand beside them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle.namespace import MATH, REPLACED

import pyfront as ad

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


@helper
def counted(u, k):
    return 0.5 * u, k + 1, np.float32(0.25 * u)


@helper
def alone(u):
    return (0.5 * u,)


@helper
def first_or_raise(p, u):
    if p[0] * u > 0.75:
        raise ValueError("random kernel", u, p)
    return 0.5 * p[0] * u


@helper
def bump(u):
    return math.sin(u) * math.exp(-u * u)


# Derivatives.

slope_of_bump = ad.autodiff(bump, ad.Active)
slopes_of_mix = ad.autodiff(mix, ad.Active, ad.Active)
adjoints_of_total = ad.autodiff(total, ad.Duplicated)
tangents_of_relax = ad.autodiff(relax, ad.Duplicated, ad.Duplicated, mode=ad.Forward)


def slope_of_bump_by_hand(u):
    return (MATH.cos(u) - 2.0 * u * MATH.sin(u)) * MATH.exp(-u * u)


def slopes_of_mix_by_hand(u, v):
    return 0.6 * MATH.cos(v), 0.2 - 0.6 * u * MATH.sin(v)


def adjoints_of_total_by_hand(p, dp):
    share = 1.0 / p.shape[0]
    for j in range(p.shape[0]):
        dp[j] += share * p[0]
        dp[0] += share * p[j]


def tangents_of_relax_by_hand(p, dp, u, du):
    for j in range(1, p.shape[0]):
        dp[j] = 0.5 * dp[j] + 0.3 * (dp[j - 1] * u + p[j - 1] * du)
        p[j] = 0.5 * p[j] + 0.3 * p[j - 1] * u


REPLACED.update(
    {
        id(slope_of_bump): slope_of_bump_by_hand,
        id(slopes_of_mix): slopes_of_mix_by_hand,
        id(adjoints_of_total): adjoints_of_total_by_hand,
        id(tangents_of_relax): tangents_of_relax_by_hand,
    }
)
