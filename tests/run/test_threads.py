"""Threads: many call one derivative at once, with and without the GIL, and race for its first compilation."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numba import njit

import pyfront as ad
from pyfront import engine


def body(a, work, n):
    for _ in range(n):
        for i in range(a.shape[0]):
            work[i] = a[i] * a[i - 1]
        for i in range(a.shape[0]):
            a[i] = 0.5 * work[i] + 0.3 * a[i]
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] < 0.0:
            raise ValueError("negative")
        s += a[i]
    return s


def results(derivative, number: int) -> tuple[bytes, bytes]:
    """A call whose result depends on the number only."""
    a = np.random.default_rng(number).uniform(0.1, 1.0, 20 + number)
    shadow = np.zeros_like(a)
    derivative(a, shadow, np.empty_like(a), 30)
    assert engine.load().arena_in_use() == 0
    return a.tobytes(), shadow.tobytes()


@pytest.mark.parametrize("nogil", [False, True])
def test_many_threads_call_one_derivative(nogil):
    derivative = ad.autodiff(njit(nogil=nogil)(body), ad.Duplicated, ad.Const, ad.Const)
    alone = [results(derivative, number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            assert list(pool.map(lambda number: results(derivative, number), range(8))) == alone


def test_race_for_the_first_compilation():
    kernel = njit(nogil=True)(body)
    barrier = threading.Barrier(6)

    def call(number: int) -> tuple[bytes, bytes]:
        barrier.wait()
        return results(ad.autodiff(kernel, ad.Duplicated, ad.Const, ad.Const), number)

    with ThreadPoolExecutor(6) as pool:
        raced = list(pool.map(call, range(6)))
    derivative = ad.autodiff(kernel, ad.Duplicated, ad.Const, ad.Const)
    assert raced == [results(derivative, number) for number in range(6)]


def test_race_for_several_signatures():
    derivative = ad.autodiff(njit(body), ad.Duplicated, ad.Const, ad.Const)
    barrier = threading.Barrier(4)

    def call(number: int) -> np.ndarray:
        a = np.linspace(0.1, 1.0, 24).astype(np.float32 if number % 2 else np.float64)[:: 1 + number // 2]
        shadow = np.zeros(24, a.dtype)[:: 1 + number // 2]
        barrier.wait()
        derivative(a, shadow, np.empty_like(a), 3)
        return shadow.copy()

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(call, range(4)))
    barrier = threading.Barrier(1)
    for number, shadow in enumerate(together):
        np.testing.assert_array_equal(shadow, call(number))


def test_one_thread_raises_while_others_succeed():
    derivative = ad.autodiff(njit(nogil=True)(body), ad.Duplicated, ad.Const, ad.Const)
    alone = results(derivative, 1)

    def call(number: int):
        if number % 2:
            a = np.full(21, 0.5)
            a[3] = -100.0
            shadow = np.ones(21)
            with pytest.raises(ValueError, match="negative"):
                derivative(a, shadow, np.empty_like(a), 0)
            assert (shadow == 1.0).all()
            return alone
        return results(derivative, 1)

    with ThreadPoolExecutor(8) as pool:
        assert all(result == alone for result in pool.map(call, range(64)))


def test_memory_of_ended_threads_is_released():
    """An arena lives as long as its thread; that of this one is not touched by others."""
    derivative = ad.autodiff(njit(nogil=True)(body), ad.Duplicated, ad.Const, ad.Const)
    capacity = engine.load().arena_capacity()
    seen = []

    def call() -> None:
        seen.append(engine.load().arena_capacity())
        results(derivative, 3)

    for _ in range(3):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert seen == [0, 0, 0]
    assert engine.load().arena_capacity() == capacity


def test_another_thread_goes_on_during_a_call():
    """`nogil=True` of the kernel holds for its derivative, and for the derivative of that."""

    @njit(nogil=True)
    def long(x, n):
        for _ in range(n):
            x = x + 1e-9 * x * x
        return x

    first = ad.autodiff(long, ad.Active, ad.Const)
    second = ad.autodiff(first, ad.Duplicated, ad.Const, mode=ad.Forward)
    forward, reverse = ad.autodiff_split(long, ad.Active, ad.Const)

    def halves(n):
        return reverse(forward(0.5, n)[1])

    for call in (lambda n: first(0.5, n), lambda n: second(0.5, 1.0, n), halves):
        call(10)
        ended, ticks = threading.Event(), []

        def tick(ended=ended, ticks=ticks):
            while not ended.wait(0.001):
                ticks.append(time.perf_counter())

        thread = threading.Thread(target=tick)
        thread.start()
        begin = time.perf_counter()
        call(5_000_000)
        end = time.perf_counter()
        ended.set()
        thread.join()
        assert sum(begin < moment < end for moment in ticks) > 3
