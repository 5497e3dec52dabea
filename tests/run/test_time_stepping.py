"""Differential equations in time: fixed and adaptive steps, events, symplectic schemes, states kept in place."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def lotka_volterra(u, p, du):
    du[0] = p[0] * u[0] - p[1] * u[0] * u[1]
    du[1] = -p[2] * u[1] + p[3] * u[0] * u[1]


@njit
def euler(u, p, h, n):
    du = np.empty(2)
    for _ in range(n):
        lotka_volterra(u, p, du)
        for i in range(2):
            u[i] += h * du[i]


@njit
def rk4(u, p, h, n):
    m = u.shape[0]
    k1, k2, k3, k4, v = np.empty(m), np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    for _ in range(n):
        lotka_volterra(u, p, k1)
        for i in range(m):
            v[i] = u[i] + 0.5 * h * k1[i]
        lotka_volterra(v, p, k2)
        for i in range(m):
            v[i] = u[i] + 0.5 * h * k2[i]
        lotka_volterra(v, p, k3)
        for i in range(m):
            v[i] = u[i] + h * k3[i]
        lotka_volterra(v, p, k4)
        for i in range(m):
            u[i] += h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])


@njit
def misfit(u, p, h, substeps, data):
    s = 0.0
    for k in range(data.shape[0]):
        for i in range(2):
            d = math.log(u[i]) - math.log(data[k, i])
            s += d * d
        rk4(u, p, h, substeps)
    return s


@njit
def leapfrog(x, v, h, n):
    for i in range(x.shape[0]):
        v[i] -= 0.5 * h * math.sin(x[i])
    for _ in range(n):
        for i in range(x.shape[0]):
            x[i] += h * v[i]
        for i in range(x.shape[0]):
            v[i] -= h * math.sin(x[i]) * (1.0 + 0.1 * x[i - 1])


@njit
def forces(position, mass, force):
    n = position.shape[0]
    for i in range(n):
        for d in range(2):
            force[i, d] = 0.0
    for i in range(n):
        for j in range(i):
            dx = position[i, 0] - position[j, 0]
            dy = position[i, 1] - position[j, 1]
            r2 = dx * dx + dy * dy + 0.05
            f = mass[i] * mass[j] / (r2 * math.sqrt(r2))
            force[i, 0] -= f * dx
            force[i, 1] -= f * dy
            force[j, 0] += f * dx
            force[j, 1] += f * dy


@njit
def verlet(position, velocity, mass, force, h, n):
    forces(position, mass, force)
    for _ in range(n):
        for i in range(position.shape[0]):
            for d in range(2):
                velocity[i, d] += 0.5 * h * force[i, d] / mass[i]
                position[i, d] += h * velocity[i, d]
        forces(position, mass, force)
        for i in range(position.shape[0]):
            for d in range(2):
                velocity[i, d] += 0.5 * h * force[i, d] / mass[i]


A = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [1 / 5, 0.0, 0.0, 0.0, 0.0, 0.0],
        [3 / 40, 9 / 40, 0.0, 0.0, 0.0, 0.0],
        [44 / 45, -56 / 15, 32 / 9, 0.0, 0.0, 0.0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0.0, 0.0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0.0],
        [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)
ERROR = np.array([71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])


@njit
def dormand_prince(u, p, end, tolerance):
    m = u.shape[0]
    k = np.empty((7, m))
    v = np.empty(m)
    t, h = 0.0, 0.2
    steps = 0
    while t < end and steps < 100:
        steps += 1
        if t + h > end:
            h = end - t
        lotka_volterra(u, p, k[0])
        for s in range(1, 7):
            for i in range(m):
                v[i] = u[i]
                for j in range(s):
                    v[i] += h * A[s, j] * k[j, i]
            lotka_volterra(v, p, k[s])
        error = 0.0
        for i in range(m):
            e = 0.0
            for s in range(7):
                e += h * ERROR[s] * k[s, i]
            scaled = e / (tolerance * (1.0 + abs(u[i])))
            error += scaled * scaled
        error = math.sqrt(error / m)
        if error <= 1.0:
            t += h
            for i in range(m):
                u[i] = v[i]
        h *= min(5.0, max(0.2, 0.9 * error**-0.2))
    return t


@njit
def lorenz_96(u, forcing, h, n):
    m = u.shape[0]
    k = np.empty((4, m))
    v = np.empty(m)
    for _ in range(n):
        for s in range(4):
            for i in range(m):
                v[i] = u[i]
                if s == 3:
                    v[i] += h * k[2, i]
                elif s > 0:
                    v[i] += 0.5 * h * k[s - 1, i]
            for i in range(m):
                k[s, i] = (v[(i + 1) % m] - v[i - 2]) * v[i - 1] - v[i] + forcing
        for i in range(m):
            u[i] += h / 6.0 * (k[0, i] + 2.0 * k[1, i] + 2.0 * k[2, i] + k[3, i])


@njit
def lorenz_63(u, p, h, n):
    for _ in range(n):
        x, y, z = u[0], u[1], u[2]
        u[0] = x + h * p[0] * (y - x)
        u[1] = y + h * (x * (p[1] - z) - y)
        u[2] = z + h * (x * y - p[2] * z)


@njit
def bouncing_ball(height, restitution, h, n):
    y, v = height, 0.0
    for _ in range(n):
        v -= 9.81 * h
        y += h * v
        if y < 0.0:
            y = -y * restitution
            v = -v * restitution
    return y * v


@njit
def implicit_euler(u, stiffness, h, n):
    for _ in range(n):
        for i in range(u.shape[0]):
            old = u[i]
            y = old
            change = 1.0
            while abs(change) > 1e-10:
                change = (y + h * stiffness * y * y * y - old) / (1.0 + 3.0 * h * stiffness * y * y)
                y -= change
            u[i] = y


@njit
def adams_bashforth(u, h, n):
    m = u.shape[0]
    last, now = np.zeros(m), np.zeros(m)
    for step in range(n):
        for i in range(m):
            now[i] = -u[i] * u[(i + 1) % m]
        for i in range(m):
            if step == 0:
                u[i] += h * now[i]
            else:
                u[i] += h * (1.5 * now[i] - 0.5 * last[i])
        last, now = now, last


@njit
def van_der_pol_with_trajectory(path, mu, h):
    for t in range(path.shape[0] - 1):
        x, v = path[t, 0], path[t, 1]
        path[t + 1, 0] = x + h * v
        path[t + 1, 1] = v + h * (mu * (1.0 - x * x) * v - x)


@njit
def geometric_brownian(paths, noise, rate, volatility, h):
    payoff = 0.0
    for k in range(paths.shape[0]):
        for t in range(noise.shape[1]):
            paths[k] *= math.exp((rate - 0.5 * volatility**2) * h + volatility * math.sqrt(h) * noise[k, t])
        payoff += max(paths[k] - 1.0, 0.0)
    return payoff / paths.shape[0]


P = np.array([0.55, 0.28, 0.84, 0.26])


def test_euler():
    check(euler, dup(np.array([1.5, 0.8])), dup(P), active(0.1), const(5), each_step=True)


def test_rk4():
    check(rk4, dup(np.array([1.5, 0.8])), dup(P), active(0.1), const(3), each_step=True)


def test_misfit_of_trajectory(rng):
    check(misfit, dup(np.array([1.5, 0.8])), dup(P), const(0.1), const(2), const(rng.uniform(0.5, 2.0, (3, 2))))


def test_leapfrog(rng):
    check(leapfrog, dup(rng.normal(size=3)), dup(rng.normal(size=3)), active(0.1), const(4))


def test_verlet_n_body(rng):
    check(
        verlet,
        dup(rng.normal(size=(3, 2))),
        dup(rng.normal(size=(3, 2))),
        dup(rng.uniform(0.5, 1.0, 3)),
        const(np.zeros((3, 2))),
        const(0.05),
        const(2),
    )


def test_adaptive_dormand_prince():
    check(dormand_prince, dup(np.array([1.5, 0.8])), dup(P), active(3.0), const(1e-4))


def test_lorenz_96(rng):
    check(lorenz_96, dup(rng.normal(size=5)), active(8.0), const(0.02), const(2))


def test_lorenz_63(rng):
    check(lorenz_63, dup(np.array([1.0, 2.0, 15.0])), dup(np.array([10.0, 28.0, 8 / 3])), active(0.01), const(10))


def test_bouncing_ball():
    check(bouncing_ball, active(1.3), active(0.8), active(0.02), const(60))


def test_implicit_euler_with_newton(rng):
    check(implicit_euler, dup(rng.uniform(0.5, 1.5, 3)), active(2.0), const(0.2), const(2))


def test_adams_bashforth(rng):
    check(adams_bashforth, dup(rng.normal(size=3)), active(0.1), const(4))


def test_trajectory_kept_in_the_array(rng):
    check(van_der_pol_with_trajectory, dup(rng.normal(size=(5, 2))), active(0.7), const(0.1))


def test_geometric_brownian_motion(rng):
    check(
        geometric_brownian, dup(np.full(4, 1.0)), const(rng.normal(size=(4, 3))), active(0.05), active(0.3), const(0.25)
    )
