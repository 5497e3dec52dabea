"""Partial differential equations on grids, updated in place or between two arrays."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def heat_1d(u, new, r, n):
    for _ in range(n):
        for i in range(1, u.shape[0] - 1):
            new[i] = u[i] + r * (u[i - 1] - 2.0 * u[i] + u[i + 1])
        for i in range(1, u.shape[0] - 1):
            u[i] = new[i]


@njit
def heat_1d_in_place(u, r, n):
    for _ in range(n):
        left = u[0]
        for i in range(1, u.shape[0] - 1):
            middle = u[i]
            u[i] = middle + r * (left - 2.0 * middle + u[i + 1])
            left = middle


@njit
def heat_2d(u, v, r, n):
    rows, columns = u.shape
    for _ in range(n):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                v[i, j] = u[i, j] + r * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j])
        u, v = v, u


@njit
def heat_3d(u, v, r):
    a, b, c = u.shape
    for i in range(1, a - 1):
        for j in range(1, b - 1):
            for k in range(1, c - 1):
                v[i, j, k] = u[i, j, k] * u[i, j, k] + r * (
                    u[i - 1, j, k] + u[i + 1, j, k] + u[i, j - 1, k] + u[i, j + 1, k] + u[i, j, k - 1] + u[i, j, k + 1]
                )
    for i in range(1, a - 1):
        for j in range(1, b - 1):
            for k in range(1, c - 1):
                u[i, j, k] = v[i, j, k]


@njit
def varying_conductivity(u, k, n):
    for _ in range(n):
        for i in range(1, u.shape[0] - 1):
            u[i] += k[i] * (u[i + 1] - u[i]) - k[i - 1] * (u[i] - u[i - 1])


@njit
def burgers(u, viscosity, h, n):
    m = u.shape[0]
    new = np.empty_like(u)
    for _ in range(n):
        for i in range(m):
            up, down = u[(i + 1) % m], u[i - 1]
            new[i] = u[i] - h * u[i] * (up - down) + h * viscosity * (up - 2.0 * u[i] + down)
        u[:] = new


@njit
def upwind(u, h, n):
    m = u.shape[0]
    flux = np.empty(m + 1)
    for _ in range(n):
        for i in range(m + 1):
            left, right = u[(i - 1) % m], u[i % m]
            speed = 0.5 * (left + right)
            if speed > 0.0:
                flux[i] = 0.5 * left * left
            else:
                flux[i] = 0.5 * right * right
        for i in range(m):
            u[i] -= h * (flux[i + 1] - flux[i])


@njit
def red_black(u, f, sweeps):
    rows, columns = u.shape
    for _ in range(sweeps):
        for color in range(2):
            for i in range(1, rows - 1):
                for j in range(1 + (i + color) % 2, columns - 1, 2):
                    u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - f[i, j] * u[i, j])


@njit
def over_relaxation(u, f, omega, sweeps):
    for _ in range(sweeps):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                relaxed = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - f[i, j])
                u[i, j] = (1.0 - omega) * u[i, j] + omega * relaxed


@njit
def relax_until_converged(u, omega, tolerance):
    for sweep in range(200):
        largest = 0.0
        for i in range(1, u.shape[0] - 1):
            change = omega * (0.5 * (u[i - 1] + u[i + 1]) - u[i])
            u[i] += change
            largest = max(largest, abs(change))
        if largest < tolerance:
            return float(sweep)
    return -1.0


@njit
def brusselator(u, du, a, b, diffusion, h, n):
    size = u.shape[0]
    for _ in range(n):
        for i in range(size):
            for j in range(size):
                x, y = u[i, j, 0], u[i, j, 1]
                for s in range(2):
                    laplacian = (
                        u[i - 1, j, s]
                        + u[(i + 1) % size, j, s]
                        + u[i, j - 1, s]
                        + u[i, (j + 1) % size, s]
                        - 4.0 * u[i, j, s]
                    )
                    du[i, j, s] = diffusion * laplacian
                du[i, j, 0] += a + x * x * y - (b + 1.0) * x
                du[i, j, 1] += b * x - x * x * y
        for i in range(size):
            for j in range(size):
                for s in range(2):
                    u[i, j, s] += h * du[i, j, s]


@njit
def shallow_water(height, velocity, dt, n):
    m = height.shape[0]
    for _ in range(n):
        for i in range(1, m):
            velocity[i] -= dt * 9.81 * (height[i] - height[i - 1]) + dt * velocity[i] * abs(velocity[i])
        for i in range(m):
            right = 0.0 if i == m - 1 else velocity[i + 1] * 0.5 * (height[i] + height[i + 1])
            left = 0.0 if i == 0 else velocity[i] * 0.5 * (height[i] + height[i - 1])
            height[i] -= dt * (right - left)


@njit
def wave(past, now, c, n):
    m = now.shape[0]
    following = np.zeros(m)
    for _ in range(n):
        for i in range(1, m - 1):
            following[i] = 2.0 * now[i] - past[i] + c * c * (now[i - 1] - 2.0 * now[i] + now[i + 1])
        past, now, following = now, following, past
    s = 0.0
    for i in range(m):
        s += now[i] * now[i]
    return s


@njit
def cellular(u, threshold, n):
    rows, columns = u.shape
    for _ in range(n):
        for i in range(rows):
            for j in range(columns):
                s = u[i - 1, j] + u[(i + 1) % rows, j] + u[i, j - 1] + u[i, (j + 1) % columns]
                if s > threshold:
                    u[i, j] = math.tanh(u[i, j] * s)
                else:
                    u[i, j] *= 0.9


@njit
def flux_limited(u, h, n):
    m = u.shape[0]
    slope = np.zeros(m)
    for _ in range(n):
        for i in range(1, m - 1):
            left, right = u[i] - u[i - 1], u[i + 1] - u[i]
            slope[i] = 0.0 if left * right <= 0.0 else math.copysign(min(abs(left), abs(right)), left)
        for i in range(m - 2, 1, -1):
            u[i] -= h * (u[i] + 0.5 * slope[i] - u[i - 1] - 0.5 * slope[i - 1])


@njit
def restrict_and_prolong(fine, coarse):
    for i in range(1, coarse.shape[0] - 1):
        coarse[i] = 0.25 * fine[2 * i - 1] + 0.5 * fine[2 * i] * fine[2 * i] + 0.25 * fine[2 * i + 1]
    for i in range(coarse.shape[0] - 1):
        fine[2 * i] += coarse[i]
        fine[2 * i + 1] += 0.5 * (coarse[i] + coarse[i + 1])


def test_heat_1d(rng):
    check(heat_1d, dup(rng.normal(size=6)), const(np.zeros(6)), active(0.2), const(4), each_step=True)


def test_heat_1d_in_place(rng):
    check(heat_1d_in_place, dup(rng.normal(size=6)), active(0.2), const(4))


def test_heat_2d_with_swapped_arrays(rng):
    check(heat_2d, dup(rng.normal(size=(4, 5))), dup(rng.normal(size=(4, 5))), active(0.2), const(3))


def test_heat_2d_strided(rng):
    check(heat_2d, dup(rng.normal(size=(4, 10))[:, ::2]), dup(rng.normal(size=(4, 10))[:, ::2]), active(0.2), const(2))


def test_heat_3d(rng):
    check(heat_3d, dup(rng.normal(size=(3, 4, 3))), const(np.zeros((3, 4, 3))), active(0.1))


def test_varying_conductivity(rng):
    check(varying_conductivity, dup(rng.normal(size=6)), dup(rng.uniform(0.1, 0.3, 6)), const(3))


def test_burgers(rng):
    check(burgers, dup(rng.normal(size=6)), active(0.3), const(0.1), const(3))


def test_upwind(rng):
    check(upwind, dup(rng.normal(size=6)), active(0.1), const(3))


def test_red_black_gauss_seidel(rng):
    check(red_black, dup(rng.normal(size=(5, 5))), dup(rng.normal(size=(5, 5))), const(2), each_step=True)


def test_over_relaxation(rng):
    check(over_relaxation, dup(rng.normal(size=(4, 4))), dup(rng.normal(size=(4, 4))), active(1.4), const(3))


def test_relaxation_until_convergence(rng):
    check(relax_until_converged, dup(rng.normal(size=5)), active(1.2), const(1e-2))


def test_brusselator(rng):
    check(
        brusselator,
        dup(rng.uniform(0.5, 2.0, (3, 3, 2))),
        const(np.zeros((3, 3, 2))),
        active(1.0),
        active(3.0),
        active(0.1),
        const(0.05),
        const(2),
    )


def test_shallow_water(rng):
    check(shallow_water, dup(1.0 + 0.1 * rng.normal(size=5)), dup(0.1 * rng.normal(size=5)), active(0.02), const(4))


def test_wave_with_three_rotating_arrays(rng):
    check(wave, dup(rng.normal(size=5)), dup(rng.normal(size=5)), active(0.5), const(4))


def test_cellular_update(rng):
    check(cellular, dup(rng.normal(size=(3, 4))), active(0.1), const(2))


def test_flux_limiter(rng):
    check(flux_limited, dup(rng.normal(size=7)), active(0.2), const(2))


def test_multigrid_transfer(rng):
    check(restrict_and_prolong, dup(rng.normal(size=8)), dup(rng.normal(size=4)))
