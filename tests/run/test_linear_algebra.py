"""Factorizations and solvers that work in place: pivoting, substitution, rotations, reflections, iterations."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def thomas(lower, diagonal, upper, b):
    n = b.shape[0]
    for i in range(1, n):
        w = lower[i] / diagonal[i - 1]
        diagonal[i] -= w * upper[i - 1]
        b[i] -= w * b[i - 1]
    b[n - 1] /= diagonal[n - 1]
    for i in range(n - 2, -1, -1):
        b[i] = (b[i] - upper[i] * b[i + 1]) / diagonal[i]


@njit
def cholesky(a):
    n = a.shape[0]
    for j in range(n):
        for k in range(j):
            a[j, j] -= a[j, k] * a[j, k]
        a[j, j] = math.sqrt(a[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                a[i, j] -= a[i, k] * a[j, k]
            a[i, j] /= a[j, j]


@njit
def log_determinant(a):
    cholesky(a)
    s = 0.0
    for i in range(a.shape[0]):
        s += 2.0 * math.log(a[i, i])
    return s


@njit
def lu_with_pivoting(a, pivots):
    n = a.shape[0]
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


@njit
def solve(a, b, pivots):
    n = a.shape[0]
    lu_with_pivoting(a, pivots)
    for k in range(n):
        p = pivots[k]
        b[k], b[p] = b[p], b[k]
    for i in range(n):
        for j in range(i):
            b[i] -= a[i, j] * b[j]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            b[i] -= a[i, j] * b[j]
        b[i] /= a[i, i]


@njit
def forward_substitution(lower, b):
    for i in range(b.shape[0]):
        s = b[i]
        for j in range(i):
            s -= lower[i, j] * b[j]
        b[i] = s / lower[i, i]


@njit
def back_substitution(upper, b):
    for i in range(b.shape[0] - 1, -1, -1):
        for j in range(i + 1, b.shape[0]):
            b[i] -= upper[i, j] * b[j]
        b[i] /= upper[i, i]


@njit
def givens(a):
    rows, columns = a.shape
    for j in range(columns):
        for i in range(rows - 1, j, -1):
            x, y = a[i - 1, j], a[i, j]
            r = math.hypot(x, y)
            c, s = x / r, y / r
            for k in range(j, columns):
                t = c * a[i - 1, k] + s * a[i, k]
                a[i, k] = -s * a[i - 1, k] + c * a[i, k]
                a[i - 1, k] = t


@njit
def householder(a, v):
    rows, columns = a.shape
    for j in range(columns):
        norm = 0.0
        for i in range(j, rows):
            v[i] = a[i, j]
            norm += v[i] * v[i]
        norm = math.sqrt(norm)
        v[j] += norm if v[j] > 0.0 else -norm
        square = 0.0
        for i in range(j, rows):
            square += v[i] * v[i]
        for k in range(j, columns):
            s = 0.0
            for i in range(j, rows):
                s += v[i] * a[i, k]
            s = 2.0 * s / square
            for i in range(j, rows):
                a[i, k] -= s * v[i]


@njit
def gram_schmidt(a):
    for j in range(a.shape[1]):
        column = a[:, j]
        for k in range(j):
            other = a[:, k]
            s = 0.0
            for i in range(a.shape[0]):
                s += column[i] * other[i]
            for i in range(a.shape[0]):
                column[i] -= s * other[i]
        s = 0.0
        for i in range(a.shape[0]):
            s += column[i] * column[i]
        s = math.sqrt(s)
        for i in range(a.shape[0]):
            column[i] /= s


@njit
def jacobi_eigenvalues(a, sweeps):
    n = a.shape[0]
    for _ in range(sweeps):
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(a[p, q]) < 1e-30:
                    continue
                theta = (a[q, q] - a[p, p]) / (2.0 * a[p, q])
                t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for k in range(n):
                    x, y = a[k, p], a[k, q]
                    a[k, p] = c * x - s * y
                    a[k, q] = s * x + c * y
                for k in range(n):
                    x, y = a[p, k], a[q, k]
                    a[p, k] = c * x - s * y
                    a[q, k] = s * x + c * y
    return a[0, 0]


@njit
def power_iteration(a, x, tolerance):
    n = x.shape[0]
    y = np.empty(n)
    value = 0.0
    for _ in range(50):
        norm = 0.0
        for i in range(n):
            s = 0.0
            for j in range(n):
                s += a[i, j] * x[j]
            y[i] = s
            norm += s * s
        norm = math.sqrt(norm)
        change = 0.0
        for i in range(n):
            change += abs(x[i] - y[i] / norm)
            x[i] = y[i] / norm
        value = norm
        if change < tolerance:
            break
    return value


@njit
def gauss_seidel(a, x, b, sweeps):
    n = x.shape[0]
    for _ in range(sweeps):
        for i in range(n):
            s = b[i]
            for j in range(n):
                if j != i:
                    s -= a[i, j] * x[j]
            x[i] = s / a[i, i]


@njit
def conjugate_gradient(a, x, b, steps):
    n = x.shape[0]
    r, p, q = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        r[i] = b[i]
        for j in range(n):
            r[i] -= a[i, j] * x[j]
        p[i] = r[i]
    rho = 0.0
    for i in range(n):
        rho += r[i] * r[i]
    for _ in range(steps):
        curvature = 0.0
        for i in range(n):
            q[i] = 0.0
            for j in range(n):
                q[i] += a[i, j] * p[j]
            curvature += p[i] * q[i]
        alpha = rho / curvature
        following = 0.0
        for i in range(n):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
            following += r[i] * r[i]
        beta = following / rho
        rho = following
        for i in range(n):
            p[i] = r[i] + beta * p[i]
    return rho


@njit
def gauss_jordan_inverse(a):
    n = a.shape[0]
    for k in range(n):
        pivot = 1.0 / a[k, k]
        a[k, k] = 1.0
        for j in range(n):
            a[k, j] *= pivot
        for i in range(n):
            if i != k:
                factor = a[i, k]
                a[i, k] = 0.0
                for j in range(n):
                    a[i, j] -= factor * a[k, j]


@njit
def determinant_3(m):
    return (
        m[0, 0] * (m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1])
        - m[0, 1] * (m[1, 0] * m[2, 2] - m[1, 2] * m[2, 0])
        + m[0, 2] * (m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0])
    )


@njit
def matrix_power(a, n):
    size = a.shape[0]
    result, base, t = np.eye(size), a.copy(), np.empty_like(a)
    while n > 0:
        if n % 2 == 1:
            for i in range(size):
                for j in range(size):
                    t[i, j] = 0.0
                    for k in range(size):
                        t[i, j] += result[i, k] * base[k, j]
            result, t = t, result
        for i in range(size):
            for j in range(size):
                t[i, j] = 0.0
                for k in range(size):
                    t[i, j] += base[i, k] * base[k, j]
        base, t = t, base
        n //= 2
    for i in range(size):
        for j in range(size):
            a[i, j] = result[i, j]


def dominant(rng, n):
    """A matrix for which no pivoting is needed."""
    return rng.uniform(-1.0, 1.0, (n, n)) + n * np.eye(n)


def positive_definite(rng, n):
    a = rng.normal(size=(n, n))
    return a @ a.T + n * np.eye(n)


def test_thomas(rng):
    check(
        thomas,
        dup(rng.normal(size=5)),
        dup(4.0 + rng.uniform(size=5)),
        dup(rng.normal(size=5)),
        dup(rng.normal(size=5)),
    )


def test_cholesky(rng):
    check(cholesky, dup(positive_definite(rng, 4)), each_step=True)


def test_log_determinant(rng):
    check(log_determinant, dup(positive_definite(rng, 3)))


def test_lu_with_pivoting(rng):
    check(lu_with_pivoting, dup(rng.normal(size=(4, 4))), const(np.zeros(4, np.int64)), each_step=True)


def test_solve(rng):
    check(solve, dup(rng.normal(size=(4, 4))), dup(rng.normal(size=4)), const(np.zeros(4, np.int64)))


def test_solve_in_fortran_order(rng):
    check(solve, dup(np.asfortranarray(rng.normal(size=(3, 3)))), dup(rng.normal(size=3)), const(np.zeros(3, np.int64)))


def test_forward_substitution(rng):
    check(forward_substitution, dup(dominant(rng, 4)), dup(rng.normal(size=4)))


def test_back_substitution(rng):
    check(back_substitution, dup(dominant(rng, 4)), dup(rng.normal(size=4)))


def test_givens_rotations(rng):
    check(givens, dup(rng.normal(size=(4, 3))))


def test_householder(rng):
    check(householder, dup(rng.normal(size=(4, 3))), const(np.zeros(4)))


def test_gram_schmidt(rng):
    check(gram_schmidt, dup(rng.normal(size=(4, 3))))


def test_jacobi_eigenvalues(rng):
    check(jacobi_eigenvalues, dup(positive_definite(rng, 3)), const(3))


def test_power_iteration_to_convergence(rng):
    check(power_iteration, dup(positive_definite(rng, 3)), dup(rng.uniform(0.5, 1.0, 3)), const(1e-3))


def test_gauss_seidel(rng):
    check(gauss_seidel, dup(dominant(rng, 4)), dup(rng.normal(size=4)), dup(rng.normal(size=4)), const(3))


def test_conjugate_gradient(rng):
    check(
        conjugate_gradient, dup(positive_definite(rng, 4)), dup(rng.normal(size=4)), dup(rng.normal(size=4)), const(3)
    )


def test_gauss_jordan_inverse(rng):
    check(gauss_jordan_inverse, dup(dominant(rng, 3)))


def test_determinant(rng):
    check(determinant_3, dup(rng.normal(size=(3, 3))))


def test_matrix_power_by_squaring(rng):
    check(matrix_power, dup(rng.normal(size=(2, 2))), const(5))


def test_scalar_times_everything(rng):
    @njit
    def shifted_solve(a, b, shift, pivots):
        for i in range(a.shape[0]):
            a[i, i] += shift
        solve(a, b, pivots)
        return b[0] * b[-1]

    check(
        shifted_solve, dup(rng.normal(size=(3, 3))), dup(rng.normal(size=3)), active(0.4), const(np.zeros(3, np.int64))
    )
