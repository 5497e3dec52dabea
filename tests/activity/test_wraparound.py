"""Python's negative indexes: the wraparound is gone where an index cannot be negative, and only there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from activity.facts import facts

VECTOR = "f8[::1]"
MATRIX = "f8[:,::1]"
Kernel = Callable[..., object]


def stencil(u, v):
    n, m = u.shape
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            v[i, j] = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]


def backwards(x, y):
    for i in range(x.shape[0] - 1, -1, -1):
        y[i] = 2.0 * x[i]


def backwards_from_argument(x, y, n):
    for i in range(n - 1, -1, -1):
        y[i] = 2.0 * x[i]


def mirrored(x, y):
    n = x.shape[0]
    for i in range(n):
        y[i] = x[n - 1 - i]


def in_steps(x, n):
    for i in range(0, n, 2):
        x[i + 1] = x[i] * x[i + 2]


def triangular(A, y):
    n = y.shape[0]
    for i in range(n):
        for j in range(i, n):
            y[i] += A[i, j - i] + A[n - 1 - i, n - 1 - j]


def below_the_diagonal(A, y):
    n = A.shape[0]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            y[i] -= A[j, i] * y[j]


def neighbour_by_choice(x, y):
    n = x.shape[0]
    for i in range(n):
        behind = n - 1 if i == 0 else i - 1
        ahead = 0 if i == n - 1 else i + 1
        y[i] = x[ahead] - x[behind]


def neighbour_by_modulo(x, y):
    n = x.shape[0]
    for i in range(n):
        y[i] = x[(i + 1) % n]


def counted(x, y):
    i = 0
    while i < x.shape[0] - 1:
        y[i] = x[i + 1]
        i += 1


def previous(x, y):
    for i in range(x.shape[0]):
        y[i] = x[i - 1]


def previous_but_one(x, y):
    for i in range(1, x.shape[0]):
        y[i] = x[i - 2]


def from_anywhere(x, y, start, end):
    for i in range(start, end):
        y[i] = x[i]


def one_too_far_down(x, y):
    for i in range(x.shape[0] - 1, -2, -1):
        y[i] = x[i]


def gathered(x, y, index):
    for i in range(index.shape[0]):
        y[i] = x[index[i]]


def shifted(x, y, by):
    for i in range(x.shape[0]):
        y[i] = x[i + by]


NEVER_NEGATIVE: list[tuple[Kernel, str]] = [
    (stencil, f"{MATRIX}, {MATRIX}"),
    (stencil, "f8[:,:], f8[::1,:]"),
    (backwards, f"{VECTOR}, {VECTOR}"),
    (backwards_from_argument, f"{VECTOR}, {VECTOR}, i8"),
    (mirrored, f"{VECTOR}, {VECTOR}"),
    (in_steps, f"{VECTOR}, i8"),
    (triangular, f"{MATRIX}, {VECTOR}"),
    (below_the_diagonal, f"{MATRIX}, {VECTOR}"),
    (neighbour_by_choice, f"{VECTOR}, {VECTOR}"),
    (neighbour_by_modulo, f"{VECTOR}, {VECTOR}"),
    (counted, f"{VECTOR}, {VECTOR}"),
]
MAYBE_NEGATIVE: list[tuple[Kernel, str]] = [
    (previous, f"{VECTOR}, {VECTOR}"),
    (previous_but_one, f"{VECTOR}, {VECTOR}"),
    (from_anywhere, f"{VECTOR}, {VECTOR}, i8, i8"),
    (one_too_far_down, f"{VECTOR}, {VECTOR}"),
    (gathered, f"{VECTOR}, {VECTOR}, i8[::1]"),
    (shifted, f"{VECTOR}, {VECTOR}, i8"),
]


def wraparounds(kernel: Kernel, signature: str) -> list[str]:
    """The selects that add an extent or nothing."""
    return re.findall(r"= (select i1 %\S+, i64 %arg\.\S+\.5\.\d+, i64 0)\b", facts(kernel, signature).prepared)


@pytest.mark.parametrize(("kernel", "signature"), NEVER_NEGATIVE, ids=lambda value: getattr(value, "__name__", value))
def test_index_that_cannot_be_negative(kernel: Kernel, signature: str) -> None:
    assert wraparounds(kernel, signature) == []


@pytest.mark.parametrize(("kernel", "signature"), MAYBE_NEGATIVE, ids=lambda value: getattr(value, "__name__", value))
def test_index_that_may_be_negative(kernel: Kernel, signature: str) -> None:
    assert wraparounds(kernel, signature)
