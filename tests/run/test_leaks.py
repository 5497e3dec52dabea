"""Nothing is leaked: neither Numba's own allocations nor the arena, whether the kernel returns or raises."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys

import pyfront as ad
from pyfront import engine


@njit
def allocates(a, n):
    s = 0.0
    t = a.copy()
    for _ in range(n):
        u = np.empty_like(t)
        for i in range(t.shape[0]):
            u[i] = t[i] * t[i - 1]
        t = u
        s += t[0]
    return s


@njit
def raises_in_the_middle(a, n):
    t = np.zeros(a.shape[0])
    for k in range(n):
        u = np.ones(3)
        for i in range(a.shape[0]):
            t[i] += a[i] * u[0]
            if t[i] > 3.0:
                raise ValueError("too large", i)
    return t[0]


@njit
def grows_the_tape(a, n):
    x = a[0]
    k = 0
    while k < n:
        x = x * x * 0.5 + a[k % a.shape[0]] * 0.1
        k += 1
    a[0] = x


@njit
def callee_with_arrays(a):
    t = a * a
    return t[1:]


@njit
def returned_views(a):
    s = 0.0
    for _ in range(3):
        t = callee_with_arrays(a)
        s += t[0]
    return s


def balance() -> tuple[int, int]:
    """Numba's allocations that are not yet freed, and those of its bookkeeping."""
    stats = rtsys.get_allocation_stats()
    return stats.alloc - stats.free, stats.mi_alloc - stats.mi_free


@pytest.mark.parametrize(
    ("kernel", "arguments", "error"),
    [
        (allocates, (5,), None),
        (raises_in_the_middle, (20,), ValueError),
        (grows_the_tape, (5000,), None),
        (returned_views, (), None),
    ],
    ids=["allocates", "raises", "grows", "views"],
)
@pytest.mark.parametrize("disable", [(), ("reload", "recompute", "mincut", "snapshot")], ids=["planned", "taped"])
def test_nothing_is_leaked(kernel, arguments, error, disable):
    derivative = ad.autodiff(kernel, ad.Duplicated, *(ad.Const for _ in arguments), disable=disable)
    loaded = engine.load()

    def call() -> None:
        a, shadow = np.array([0.9, 0.8, 0.7, 0.6]), np.ones(4)
        expectation = contextlib.nullcontext() if error is None else pytest.raises(error)
        with expectation:
            derivative(a, shadow, *arguments)

    for _ in range(3):
        call()
    before, capacity = balance(), loaded.arena_capacity()
    for _ in range(50):
        call()
    assert balance() == before
    assert loaded.arena_in_use() == 0
    assert loaded.arena_capacity() == capacity, "the arena grows from call to call"


@njit
def depths(a, n):
    """Calls itself, with arrays of its own; returns one."""
    if n == 0:
        return a.copy()
    t = depths(a[1:].copy(), n - 1)
    u = np.empty(a.shape[0])
    for i in range(a.shape[0]):
        u[i] = t[i % t.shape[0]] * a[i]
    return u


@njit
def recursion(a):
    return depths(a, 2)[0]


@njit
def of_constants(a):
    """What the call returns has no derivative."""
    return a[0] * depths(np.ones(4), 2)[0]


@njit
def libraries(a):
    m = np.eye(4)
    m[0] = a
    a.sort()
    m[1] += np.linalg.solve(m, a)
    return np.dot(m, a)[1]


def split_call(kernel):
    forward, reverse = ad.autodiff_split(kernel, ad.Duplicated)

    def call(a, shadow):
        _, tape = forward(a)
        reverse(shadow, tape)
        tape.close()

    return call


@pytest.mark.parametrize("kernel", [recursion, of_constants, libraries], ids=lambda kernel: kernel.__name__)
@pytest.mark.parametrize("mode", ["reverse", "forward", "split"])
def test_calls_that_stay_calls_leave_nothing(kernel, mode):
    """Recursion allocates nothing but what Numba needs to be given the arrays."""
    calls = {
        "reverse": lambda: ad.autodiff(kernel, ad.Duplicated),
        "forward": lambda: ad.autodiff(kernel, ad.Duplicated, mode=ad.Forward),
        "split": lambda: split_call(kernel),
    }
    call, loaded = calls[mode](), engine.load()
    a, shadow = np.array([0.9, 0.8, 0.7, 0.6]), np.ones(4)
    for _ in range(3):
        call(a, shadow)
    before, capacity, count = balance(), loaded.arena_capacity(), rtsys.get_allocation_stats().alloc
    for _ in range(50):
        call(a, shadow)
    assert balance() == before
    assert loaded.arena_in_use() == 0
    assert loaded.arena_capacity() == capacity, "the arena grows from call to call"
    if kernel is not libraries:
        assert rtsys.get_allocation_stats().alloc - count <= 50 * 3


def test_arena_keeps_its_capacity_until_it_is_released():
    derivative = ad.autodiff(
        grows_the_tape, ad.Duplicated, ad.Const, disable=("reload", "recompute", "mincut", "snapshot")
    )
    loaded = engine.load()
    derivative(np.array([0.9, 0.8]), np.ones(2), 200_000)
    assert loaded.arena_capacity() >= 200_000 * 8
    ad.release_memory()
    assert loaded.arena_capacity() == 0
    shadow = np.ones(2)
    derivative(np.array([0.9, 0.8]), shadow, 10)
    assert loaded.arena_in_use() == 0


def test_peak_counts_the_tape():
    derivative = ad.autodiff(
        grows_the_tape, ad.Duplicated, ad.Const, disable=("reload", "recompute", "mincut", "snapshot")
    )
    loaded = engine.load()
    peaks = []
    for n in (1000, 100_000):
        loaded.arena_reset_peak()
        derivative(np.array([0.9, 0.8]), np.ones(2), n)
        peaks.append(loaded.arena_peak())
    assert 100_000 * 8 <= peaks[1] <= 100_000 * 8 * 32
    assert peaks[0] < peaks[1]
