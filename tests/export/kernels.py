"""The kernels of the exported library that every caller of these tests uses."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad


@njit
def shot(state, distance, drag, dt, steps):
    """Fly from `state` = (x, y, vx, vy), in place; the squared miss."""
    if steps < 0:
        raise ValueError("steps below zero", steps)
    if drag < 0.0:
        raise ArithmeticError("no such drag")
    for _ in range(steps):
        speed = np.sqrt(state[2] ** 2 + state[3] ** 2)
        state[0] += dt * state[2]
        state[1] += dt * state[3]
        state[2] -= dt * drag * speed * state[2]
        state[3] -= dt * (drag * speed * state[3] + 9.81)
    return (state[0] - distance) ** 2 + state[1] ** 2


@njit
def mixed(int, A, flag, w, t, v):
    """Names that C has, float32, bool, integers, a tuple, strides, and several results */ /* in a tuple."""
    s = np.float32(0)
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = A[i, j] * A[i, j] if flag else A[i, j]
            s += np.float32(t[0] * A[i, j] * w[j, i]) + np.float32(v[i % 2])
    return s, (int * 2, t[1] * t[0])


@njit
def heat(u, alpha, steps):
    for _ in range(steps):
        for i in range(1, u.size - 1):
            u[i] += alpha * (u[i - 1] - 2.0 * u[i] + u[i + 1])


@njit
def norm(x, a):
    s = 0.0
    y = np.zeros(x.size)
    for i in range(x.size):
        y[i] = a * x[i] * x[i]
        s += np.sin(y[i])
    return s


SHOT = "(f8[::1], f8, f8, f8, i8)"
MIXED = "(i4, f8[::1, :], b1, f4[:, :], Tuple((f8, f4)), i2[::1])"
HEAT = "(f8[::1], f8, i8)"
NORM = "(f8[:], f8)"

WIDTH = 3

shot_derivative = ad.autodiff(shot, ad.Duplicated, ad.Const, ad.Active, ad.Const, ad.Const)
mixed_derivative = ad.autodiff(mixed, ad.Const, ad.Duplicated, ad.Const, ad.Const, ad.Active, ad.Const)
heat_derivative = ad.autodiff(heat, ad.Duplicated, ad.Active, ad.Const)
heat_tangent = ad.autodiff(heat, ad.Duplicated, ad.Duplicated, ad.Const, mode=ad.Forward)
norm_batch = ad.autodiff(norm, ad.BatchDuplicated, ad.Active)
norm_tangents = ad.autodiff(norm, ad.BatchDuplicated, ad.BatchDuplicated, mode=ad.Forward)

FUNCTIONS = {
    "shot": (shot_derivative, SHOT),
    "mixed": (mixed_derivative, MIXED),
    "heat": (heat_derivative, HEAT),
    "heat_tangent": (heat_tangent, HEAT),
    "norm": (norm_batch.of_width(WIDTH), NORM),
    "norm_tangents": (norm_tangents.of_width(WIDTH), NORM),
}
