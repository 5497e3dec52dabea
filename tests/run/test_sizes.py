"""Sizes of tapes and copies: products that do not fit in 64 bits, loops that end early or never run, narrow counters,
and arrays whose addresses do not tell their lengths.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from oracle import check, check_raises, const, dup

import pyfront as ad


@njit
def raises_inside(a, n, m):
    for i in range(n):
        for j in range(m):
            a[(i + j) % 3] = math.sin(a[(i + j) % 3])
            if i * m + j >= 200:
                raise ValueError("stop")


@njit
def raises_between(a, n, m):
    for i in range(n):
        if i >= 5:
            raise ValueError("stop")
        for j in range(m):
            a[j % 3] = math.sin(a[j % 3])


@njit
def grid(a, n, m):
    for i in range(n):
        for j in range(m):
            a[(i + j) % 3] = math.sin(a[(i + j) % 3])


@njit
def not_entered(a, n, entered, seldom):
    for k in range(6):
        if entered:
            for i in range(n):
                a[i % 3] = math.sin(a[i % 3])
        if k == seldom:
            for i in range(100000000000000):
                a[i % 3] = math.cos(a[i % 3])
                if i == 2:
                    break
    a[0] = a[0] * a[0]


@njit
def narrow(x, y, low, high):
    for i in range(x.shape[0]):
        s = x[i]
        for k in range(low, high):
            s = math.sin(s) + 0.1 * k
        y[i] = s * x[i]


@njit
def swapped(u, v, steps):
    tmp = np.empty(u.shape[0])
    for step in range(steps):
        for i in range(1, u.shape[0] - 1):
            tmp[i] = u[i - 1] * u[i] * u[i + 1]
        for i in range(1, u.shape[0] - 1):
            if v.shape[0] > 0:
                v[i % v.shape[0]] += 0.1 * tmp[i]
        if step != 1:
            u, v = v, u


@njit
def skipping(a, b):
    n = 0
    while n < a.size:
        if a[n] > 0.8:
            n += 2
            continue
        for j in range(n, b.size):
            if b[j] > 1.0:
                break
            a[n] *= b[j] * a[n]
        n += 1


def test_a_raise_ends_loops_whose_tape_would_not_fit(rng):
    for counts in ((2**47, 2**14), (2**14, 2**47), (2**62, 2**62), (3, 70)):
        check_raises(raises_inside, dup(rng.normal(size=3)), *map(const, counts))


def test_a_raise_between_loops_ends_the_outer_one(rng):
    for counts in ((10**14, 4), (2**60, 2**3), (7, 4)):
        check_raises(raises_between, dup(rng.normal(size=3)), *map(const, counts))


def test_a_tape_larger_than_memory_is_an_error_that_touches_no_shadow(rng):
    a, shadow = rng.normal(size=(2, 3))
    before = shadow.copy(), a.copy()
    for counts in ((2**47, 2**14), (2**31, 2**31), (2**63 - 1, 1)):
        with pytest.raises(MemoryError):
            ad.autodiff(grid, ad.Duplicated, ad.Const, ad.Const)(a, shadow, *counts)
    np.testing.assert_array_equal((shadow, a), before)
    check(grid, dup(rng.normal(size=3)), const(4), const(5))


def test_a_loop_that_is_not_entered_takes_no_memory(rng):
    check(not_entered, dup(rng.normal(size=3)), const(10**14), const(False), const(4))
    check(not_entered, dup(rng.normal(size=3)), const(3), const(True), const(9))


def test_a_narrow_counter_that_runs_no_iteration(rng):
    for bounds in ((0, 0), (3, 1), (1, 4)):
        check(narrow, dup(rng.normal(size=5)), dup(np.zeros(5)), *(const(np.int32(bound)) for bound in bounds))


def test_swapped_buffers_of_one_address_keep_their_own_lengths(rng):
    """The address tells which of two arrays a pointer is the first byte of, unless both have the same."""
    base, shadow = rng.uniform(0.5, 1.5, (2, 40))
    for length in (6, 0):
        check(swapped, dup(base, shadow), dup(base[:length], shadow[:length]), const(4))
    check(swapped, dup(base), dup(shadow[:7]), const(4))


def test_an_inner_tape_begins_after_the_outer_one_has_grown():
    """`continue` makes two loops of one, and the header of the outer, without code, is the preheader of the inner."""
    a, b = np.array([[0.81, 0.45, 0.44, 0.9, 0.61], [0.72, 1.1, 0.7, 0.85, 0.6]])
    check(skipping, dup(a), dup(b), without=("mincut",))
