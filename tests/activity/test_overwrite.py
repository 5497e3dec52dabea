"""Overwrite facts of kernels as people write them: which lines the reverse sweep may read again."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest

from activity.facts import facts

VECTOR = "f8[::1]"
MATRIX = "f8[:,::1]"
Kernel = Callable[..., object]


def lu(A):
    n = A.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            A[i, k] = (
                A[i, k]  # overwritten
                / A[k, k]  # stable
            )
            for j in range(k + 1, n):
                A[i, j] = A[i, j] - (  # overwritten
                    A[i, k]  # stable
                    * A[k, j]  # stable
                )


def cholesky(A):
    n = A.shape[0]
    for j in range(n):
        for k in range(j):
            A[j, j] -= A[j, k] ** 2
        A[j, j] = math.sqrt(A[j, j])  # overwritten
        for i in range(j + 1, n):
            for k in range(j):
                A[i, j] = A[i, j] - (
                    A[i, k]  # stable
                    * A[j, k]  # stable
                )
            A[i, j] = (
                A[i, j]  # overwritten
                / A[j, j]  # stable
            )


def forward_substitution(L, x):
    n = L.shape[0]
    for i in range(n):
        for j in range(i):
            x[i] = x[i] - (
                L[i, j]  # stable
                * x[j]  # stable
            )
        x[i] = (
            x[i]  # overwritten
            / L[i, i]  # stable
        )


def backward_substitution(U, x):
    n = U.shape[0]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            x[i] = x[i] - (
                U[i, j]  # stable
                * x[j]  # stable
            )
        x[i] = (
            x[i]  # overwritten
            / U[i, i]  # stable
        )


def trajectory(U, rate, steps):
    n = U.shape[1]
    for t in range(steps):
        for i in range(1, n - 1):
            U[t + 1, i] = U[t, i] + rate * (  # stable
                U[t, i - 1]  # stable
                * U[t, i + 1]  # stable
            )


def runge_kutta_states(Y, h, steps):
    for t in range(steps):
        a = Y[t, 0]  # stable
        b = Y[t, 1]  # stable
        Y[t + 1, 0] = a + h * b * a
        Y[t + 1, 1] = b - h * a * b


def prefix_sum(s, a):
    for i in range(1, s.shape[0]):
        s[i] = s[i - 1] * a[i]  # stable


def suffix_product(s, a):
    for i in range(s.shape[0] - 2, -1, -1):
        s[i] = s[i + 1] * a[i]  # stable


def alignment(H, a, b):
    for i in range(1, H.shape[0]):
        for j in range(1, H.shape[1]):
            H[i, j] = (
                H[i - 1, j - 1]  # stable
                * a[i]
                + b[j]
                * H[i - 1, j]  # stable
                * H[i, j - 1]  # stable
            )


def matrix_chain(M, w):
    n = M.shape[0]
    for width in range(1, n):
        for i in range(n - width):
            total = 0.0
            for k in range(i, i + width):
                total += w[k] * (
                    M[i, k]  # stable
                    * M[k + 1, i + width]  # stable
                )
            M[i, i + width] = total


def even_from_odd(x):
    for i in range(x.shape[0] // 2):
        x[2 * i] = x[2 * i + 1] ** 2  # stable


def halves(x, n):
    for i in range(n):
        x[i] = x[i + n] ** 2  # stable


def blocks(x, count, width):
    for b in range(1, count):
        for i in range(width):
            x[b * width + i] = x[(b - 1) * width + i] ** 2  # stable


def local_rows(x, n, m):
    w = np.empty((n, m))
    for j in range(m):
        w[0, j] = x[j] ** 2
    for i in range(1, n):
        for j in range(m):
            w[i, j] = w[i - 1, j] ** 2  # stable
    for j in range(m):
        x[j] = w[n - 1, j]


def elementwise(x):
    for i in range(x.shape[0]):
        x[i] = x[i] ** 2  # overwritten


def gauss_seidel(u, steps):
    n, m = u.shape
    for t in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = (
                    u[i - 1, j]  # overwritten
                    * u[i + 1, j]  # overwritten
                )


def one_sweep(u):
    n, m = u.shape
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            u[i, j] = (
                u[i - 1, j]  # stable
                * u[i + 1, j]  # overwritten
                * u[i, j - 1]  # stable
                * u[i, j + 1]  # overwritten
            )


def periodic(u):
    for i in range(u.shape[0]):
        u[i] = u[i - 1] ** 2  # overwritten


def reversal(x):
    n = x.shape[0]
    for i in range(n):
        x[i] = x[n - 1 - i] ** 2  # overwritten


def flipped_columns(A):
    n, m = A.shape
    for i in range(n):
        for j in range(m):
            A[i, j] = A[i, m - 1 - j] ** 2  # overwritten


def two_widths(A):
    n, m = A.shape
    for i in range(1, n):
        for j in range(2 * m):
            if j >= m:
                A[i, j - m] = 2.0
            else:
                A[i - 1, j] = A[i, j] ** 2  # overwritten


def scatter(x, index):
    for i in range(index.shape[0]):
        j = index[i]
        x[j] = x[i] ** 2  # overwritten


KERNELS: list[tuple[Kernel, str]] = [
    (lu, MATRIX),
    (lu, "f8[::1,:]"),
    (lu, "f8[:,:]"),
    (lu, "f4[:,::1]"),
    (cholesky, MATRIX),
    (forward_substitution, f"{MATRIX}, {VECTOR}"),
    (forward_substitution, "f8[:,:], f8[:]"),
    (backward_substitution, f"{MATRIX}, {VECTOR}"),
    (trajectory, f"{MATRIX}, f8, i8"),
    (trajectory, "f8[:,:], f8, i8"),
    (runge_kutta_states, f"{MATRIX}, f8, i8"),
    (prefix_sum, f"{VECTOR}, {VECTOR}"),
    (suffix_product, f"{VECTOR}, {VECTOR}"),
    (alignment, f"{MATRIX}, {VECTOR}, {VECTOR}"),
    (matrix_chain, f"{MATRIX}, {VECTOR}"),
    (even_from_odd, VECTOR),
    (halves, f"{VECTOR}, i8"),
    (blocks, f"{VECTOR}, i8, i8"),
    (local_rows, f"{VECTOR}, i8, i8"),
    (elementwise, VECTOR),
    (gauss_seidel, f"{MATRIX}, i8"),
    (one_sweep, MATRIX),
    (periodic, VECTOR),
    (reversal, VECTOR),
    (flipped_columns, MATRIX),
    (two_widths, MATRIX),
    (scatter, f"{VECTOR}, i8[::1]"),
]


@pytest.mark.parametrize(("kernel", "signature"), KERNELS, ids=lambda value: getattr(value, "__name__", value))
def test_lines_are_as_their_comments_say(kernel: Kernel, signature: str) -> None:
    said = facts(kernel, signature)
    lines, first = inspect.getsourcelines(kernel)
    expected = {
        line: comment.strip()
        for line, text in enumerate(lines, first)
        for _, hash_mark, comment in [text.partition("#")]
        if hash_mark
    }
    assert expected == {line: "stable" if said.is_stable(line) else "overwritten" for line in expected}
