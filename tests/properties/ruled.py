"""The functions that random programs call and that have rules; the rules are right, as the oracle holds, which runs the
functions themselves."""

from __future__ import annotations

import math

import numpy as np
from oracle.dual import value_of
from oracle.namespace import REPLACED

import pyfront as ad
from properties.helpers import helper


@helper
def pressed(u, p):
    """Changes its array, and returns a sum of what it has become."""
    total = 0.0
    for j in range(p.shape[0]):
        p[j] = 0.5 * u * p[j]
        total += 0.25 * p[j] * p[j]
    return total


@helper
def pressed_tangent(u, du, p, dp):
    total = dot = 0.0
    for j in range(p.shape[0]):
        dp[j] = 0.5 * (du * p[j] + u * dp[j])
        p[j] = 0.5 * u * p[j]
        total += 0.25 * p[j] * p[j]
        dot += 0.5 * p[j] * dp[j]
    return total, dot


@helper
def pressed_augmented(u, p):
    before = p.copy()
    total = 0.0
    for j in range(p.shape[0]):
        p[j] = 0.5 * u * p[j]
        total += 0.25 * p[j] * p[j]
    return total, before


@helper
def pressed_reverse(u, p, dp, seed, before):
    adjoint = 0.0
    for j in range(p.shape[0]):
        inner = dp[j] + 0.5 * seed * p[j]
        adjoint += 0.5 * inner * before[j]
        dp[j] = 0.5 * u * inner
    return adjoint


ad.define_rule(pressed, pressed_tangent, pressed_augmented, pressed_reverse)


@ad.custom_vjp
@helper
def waves(p, u):
    """A new array."""
    q = np.empty(p.shape[0])
    for j in range(p.shape[0]):
        q[j] = math.sin(u * p[j])
    return q


@helper
def waves_forward(p, u):
    q = np.empty(p.shape[0])
    for j in range(p.shape[0]):
        q[j] = math.sin(u * p[j])
    return q, (p.copy(), u)


@helper
def waves_backward(kept, cotangent):
    p, u = kept
    p_bar, u_bar = np.empty(p.shape[0]), 0.0
    for j in range(p.shape[0]):
        slope = math.cos(u * p[j]) * cotangent[j]
        p_bar[j] = u * slope
        u_bar += p[j] * slope
    return p_bar, u_bar


waves.defvjp(waves_forward, waves_backward)


@ad.custom_jvp
@helper
def curve(u, v):
    """Two numbers."""
    return 0.5 * math.sin(u) * v, 0.25 * u + 0.5 * math.cos(v)


@helper
def curve_jvp(arguments, tangents):
    u, v = arguments
    du, dv = tangents
    value = 0.5 * math.sin(u) * v, 0.25 * u + 0.5 * math.cos(v)
    return value, (0.5 * math.cos(u) * v * du + 0.5 * math.sin(u) * dv, 0.25 * du - 0.5 * math.sin(v) * dv)


curve.defjvp(curve_jvp)


@helper
def level(u, v):
    """A number that no derivative reaches, in spite of what it is made of."""
    return 0.5 * max(u, abs(v))


@helper
def level_of(p):
    """The same of an array: refused where that has a derivative, since it might be written."""
    most = 0.0
    for j in range(p.shape[0]):
        most = max(most, abs(p[j]))
    return 0.5 * most


ad.inactive(level)
ad.inactive(level_of)


def level_without_tangents(u, v):
    return 0.5 * max(value_of(u), abs(value_of(v)))


def level_of_without_tangents(p):
    return 0.5 * max([0.0, *(abs(value_of(element)) for element in p)])


REPLACED.update({id(level): level_without_tangents, id(level_of): level_of_without_tangents})
