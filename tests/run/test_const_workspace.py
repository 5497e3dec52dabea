"""Const arrays that the kernel uses as workspace for active data: the derivative flows through, never a silent zero."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad


@njit
def through_workspace(a, work, out):
    for i in range(a.shape[0]):
        work[i] = a[i] * a[i]
    for i in range(a.shape[0]):
        out[i] = work[i] * work[0]


@njit
def accumulated_workspace(a, work):
    for i in range(a.shape[0]):
        work[i % 2] += a[i] * work[(i + 1) % 2]
    return work[0] * work[1]


@njit
def workspace_reused(a, work, steps):
    for _ in range(steps):
        for i in range(a.shape[0]):
            work[i] = math.sin(a[i]) * a[i - 1]
        for i in range(a.shape[0]):
            a[i] += 0.2 * work[i]


@njit
def two_workspaces_swapped(a, p, q, steps):
    for i in range(a.shape[0]):
        p[i] = a[i]
    for _ in range(steps):
        for i in range(1, a.shape[0]):
            q[i] = p[i] * p[i - 1] + 0.1 * q[i]
        p, q = q, p
    s = 0.0
    for i in range(a.shape[0]):
        s += p[i]
    return s


@njit
def matrix_workspace(a, work):
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            work[i, j] = a[i] * a[j]
    s = 0.0
    for i in range(a.shape[0]):
        s += work[i, -1 - i] * work[0, i]
    return s


@njit
def partly_written(x, table):
    table[1] = x * x
    s = 0.0
    for i in range(table.shape[0]):
        s += table[i] * table[i] * x
    return s


@njit
def stage_buffers(state, stages, h, n):
    for _ in range(n):
        for s in range(stages.shape[0]):
            for i in range(state.shape[0]):
                base = state[i]
                if s > 0:
                    base += h * 0.5 * stages[s - 1, i]
                stages[s, i] = -base * base + state[(i + 1) % state.shape[0]]
        for i in range(state.shape[0]):
            for s in range(stages.shape[0]):
                state[i] += h * stages[s, i] / stages.shape[0]


@njit
def sorted_in_workspace(a, work):
    for i in range(a.shape[0]):
        value = a[i]
        j = i - 1
        while j >= 0 and work[j] > value:
            work[j + 1] = work[j]
            j -= 1
        work[j + 1] = value
    return work[0] * work[a.shape[0] // 2]


def test_through_workspace(rng):
    check(through_workspace, dup(rng.normal(size=4)), const(np.zeros(4)), dup(np.zeros(4)), each_step=True)


def test_workspace_with_content(rng):
    check(accumulated_workspace, dup(rng.normal(size=5)), const(rng.normal(size=2)))


def test_workspace_reused_each_step(rng):
    check(workspace_reused, dup(rng.normal(size=4)), const(np.zeros(4)), const(3))


def test_workspaces_swapped(rng):
    check(
        two_workspaces_swapped, dup(rng.normal(size=4)), const(rng.normal(size=4)), const(rng.normal(size=4)), const(3)
    )


def test_matrix_workspace(rng):
    check(matrix_workspace, dup(rng.normal(size=3)), const(np.zeros((3, 3))))


def test_matrix_workspace_in_fortran_order(rng):
    check(matrix_workspace, dup(rng.normal(size=3)), const(np.zeros((3, 3), order="F")))


def test_strided_workspace(rng):
    check(through_workspace, dup(rng.normal(size=4)), const(np.zeros(8)[::2]), dup(np.zeros(4)))


def test_backward_strided_workspace(rng):
    check(through_workspace, dup(rng.normal(size=4)), const(np.zeros(8)[::-2]), dup(np.zeros(4)))


def test_partly_written_workspace(rng):
    check(partly_written, active(0.8), const(rng.normal(size=3)))


def test_stage_buffers(rng):
    check(stage_buffers, dup(rng.normal(size=3)), const(np.zeros((3, 3))), const(0.1), const(2))


def test_sorted_in_workspace(rng):
    check(sorted_in_workspace, dup(rng.normal(size=5)), const(np.zeros(5)))


def test_workspace_in_float32(rng):
    check(
        through_workspace,
        dup(rng.normal(size=4).astype(np.float32)),
        const(np.zeros(4, np.float32)),
        dup(np.zeros(4, np.float32)),
    )


@njit
def through_two_names(a, p, q, out):
    for i in range(a.shape[0]):
        p[i] = a[i] * a[i]
    for i in range(a.shape[0]):
        out[i] = q[i] * a[-1 - i]


@njit
def through_three_names(a, p, q, r, out):
    for i in range(a.shape[0]):
        p[i] = a[i] * a[i]
    for i in range(a.shape[0]):
        r[i] = q[i] * a[i]
    for i in range(a.shape[0]):
        out[i] = r[i] * q[i]


def test_one_array_passed_twice_as_workspace(rng):
    a, w = rng.normal(size=4), rng.normal(size=4)
    check(through_two_names, dup(a), const(w), const(w), dup(np.zeros(4)))


@pytest.mark.parametrize(
    "views",
    [
        lambda w: (w, w, w[:0]),
        lambda w: (w, w[:4], w[2:]),
        lambda w: (w[:4], w[2:], w[1:5]),  # the third joins the two
        lambda w: (w[:2], w[4:], w[1:5]),
        lambda w: (w[::-1], w[:4], w),
        lambda w: (w, np.zeros(6), w[2:]),
        lambda w: (w[:4].copy(), w[2:].copy(), w.copy()),
    ],
)
def test_workspaces_that_overlap(rng, views):
    a, w = rng.normal(size=4), rng.normal(size=6)
    p, q, r = views(w)
    a = a[: min(x.size for x in (p, q, r))]
    check(through_three_names, dup(a), const(p), const(q), const(r), dup(np.zeros(4)))


def test_workspaces_that_share_memory_as_other_types(rng):
    a, w = rng.normal(size=4), np.zeros(4)
    derivative = ad.autodiff(through_two_names, ad.Duplicated, ad.Const, ad.Const, ad.Duplicated)
    with pytest.raises(ad.OverlapError, match="`p` and `q` share memory as float64 and int64"):
        derivative(a, np.zeros(4), w, w.view(np.int64), np.zeros(4), np.ones(4))
