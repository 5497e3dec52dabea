"""Loops: any step, bounds that depend on outer loops or on data, zero trips, break/continue/return/else, while."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup


@njit
def stepped(a, start, stop, step):
    s = 1.0
    for i in range(start, stop, step):
        s = s * a[i] + a[i]
    return s


@njit
def triangular(a):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(i):
            s += a[i] * a[j]
        for j in range(i + 1, a.shape[0]):
            a[j] *= a[i]
    return s


@njit
def triangular_product(a):
    for i in range(a.shape[0]):
        t = 1.0
        for j in range(i, -1, -1):
            t = t * a[j] + 0.1
        a[i] = t


@njit
def deep(x, n):
    s = x
    for i in range(n):
        for j in range(i + 1):
            for k in range(j, n):
                s = math.sin(s) + x * (i + 2 * j - k)
    return s


@njit
def ragged(a, lengths):
    s = 0.0
    for i in range(lengths.shape[0]):
        t = a[i]
        for _ in range(lengths[i]):
            t = t * t + 0.1
        s += t
    return s


@njit
def recurrence(x, n):
    y = x
    for _ in range(n):
        y = 3.1 * y * (1.0 - y)
    return y


@njit
def two_carried(x, n):
    a, b = 1.0, x
    for _ in range(n):
        a, b = b, a * b + x
    return a * b


@njit
def continues(a):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] < 0.0:
            continue
        s += a[i] * a[i]
        if s > 2.0:
            continue
        s *= 1.5
    return s


@njit
def breaks(a, limit):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * a[i]
        if s > limit:
            break
        a[i] = s * a[i]
    return s


@njit
def breaks_out_of_inner(a, limit):
    total = 0.0
    for i in range(a.shape[0]):
        s = a[i]
        for j in range(a.shape[0]):
            s = s * s + a[j] * 0.5
            if s > limit:
                total += s
                break
        total += s * a[i]
    return total


@njit
def returns_from_nest(a, limit):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            s += a[i] * a[j] * a[j]
            if s > limit:
                return s * a[i]
            a[j] *= 0.9
    return -s


@njit
def for_else(a, limit):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * a[i]
        if s > limit:
            s = s * a[0]
            break
    else:
        s = s * s
    return s


@njit
def two_exits(a, low, high):
    s = 1.0
    k = 0
    while True:
        s = s * 1.3 + a[k % a.shape[0]] * 0.2
        k += 1
        if s > high:
            s = s * a[0]
            break
        if s < low:
            s = s - a[1] * a[1]
            break
    return s


@njit
def while_data(x, limit):
    y = x
    while y < limit:
        y = y * y + 0.5 * x
    return y


@njit
def while_counter(x, n):
    y = x
    k = 0
    while k < n:
        y = math.sin(y) * x
        k += 2
    return y


@njit
def while_never(x):
    while x > 100.0:
        x = x * 0.5
    return x * x


@njit
def while_in_for(a, limit):
    s = 0.0
    for i in range(a.shape[0]):
        y = abs(a[i]) + 0.1
        while y < limit:
            y = y * 1.7 + 0.01
            s += y * y
        a[i] = y
    return s


@njit
def while_in_while(x, outer, inner):
    s = x
    t = x
    while s < outer:
        t = x
        while t < inner:
            t = t * 1.4 + 0.05 * s
        s = s + t * x
    return s * t


@njit
def for_in_while(a, limit):
    norm = 0.0
    while norm < limit:
        norm = 0.0
        for i in range(a.shape[0]):
            a[i] = a[i] * 1.5 + 0.1
            norm += a[i] * a[i]
    return norm


@njit
def while_with_everything(a, limit):
    k = 0
    s = 0.0
    while True:
        k += 1
        if k % 3 == 0:
            continue
        for i in range(a.shape[0]):
            if i == k:
                continue
            s += a[i] * a[i] * 0.3
            if s > limit:
                return s * a[i]
        if k > 20:
            break
        a[k % a.shape[0]] *= 1.2
    return s


@njit
def parameter_as_loop_variable(x, n, m):
    s = x
    for n in range(m):
        s = s * x + n
    return s * n


@njit
def bound_changed_inside(x, n):
    s = x
    for i in range(n):
        n = n - 1
        s = s * x + n * 0.1 + i
    return s


@njit
def index_used_after(a):
    s = 0.0
    k = 0
    for i in range(a.shape[0]):
        k = i
        s += a[i] * a[i]
        if s > 1.0:
            break
    return s * a[k]


@njit
def over_array(a):
    s = 1.0
    for value in a:
        s = s * value + value
    return s


@njit
def zipped(a, b):
    s = 0.0
    for k, (u, v) in enumerate(zip(a, b)):
        s += u * v * k
    return s


@njit
def carried_and_stored(a):
    s = 0.0
    p = 1.0
    for i in range(a.shape[0]):
        p *= a[i]
        s += p
        a[i] = p * s
    return s * p


@njit
def last_value_only(a):
    last = 0.0
    for i in range(a.shape[0]):
        last = a[i] * a[i]
    return last * last


@njit
def empty_inner(a, n):
    s = a[0]
    for i in range(a.shape[0]):
        for j in range(n, i):
            s = s * a[j] + a[i]
        s = s + a[i] * a[i]
    return s


@njit
def countdown_condition(x, n):
    while n:
        x = x * x + 0.1
        n -= 1
    return x


@pytest.mark.parametrize(
    ("start", "stop", "step"),
    [
        (0, 7, 1),
        (0, 7, 2),
        (1, 7, 3),
        (6, -1, -1),
        (6, 0, -2),
        (5, 5, 1),
        (5, 2, 1),
        (2, 5, -1),
        (0, 7, 100),
        (6, -1, -100),
    ],
)
def test_run_time_step(rng, start, stop, step):
    check(stepped, dup(rng.normal(size=7)), const(start), const(stop), const(step), without=())


def test_triangular(rng):
    check(triangular, dup(rng.normal(size=5)), each_step=True)


def test_triangular_downwards(rng):
    check(triangular_product, dup(rng.normal(size=5)))


@pytest.mark.parametrize("n", [0, 1, 3])
def test_three_deep(n):
    check(deep, active(0.4), const(n))


def test_inner_bounds_from_integer_array(rng):

    check(ragged, dup(rng.uniform(-0.5, 0.5, size=4)), const(np.array([3, 0, 1, 5])))


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_recurrence(n):
    check(recurrence, active(0.4), const(n))


def test_two_carried_scalars():
    check(two_carried, active(0.7), const(6), each_step=True)


def test_continue(rng):
    check(continues, dup(rng.normal(size=8)))


@pytest.mark.parametrize("limit", [-1.0, 1.5, 100.0])
def test_break(rng, limit):
    check(breaks, dup(rng.normal(size=6)), const(limit))


def test_break_out_of_inner_loop(rng):
    check(breaks_out_of_inner, dup(rng.uniform(0.2, 0.9, size=4)), const(0.8))


@pytest.mark.parametrize("limit", [0.05, 1.0, 100.0])
def test_return_from_nest(rng, limit):
    check(returns_from_nest, dup(rng.uniform(0.2, 0.9, size=4)), const(limit))


@pytest.mark.parametrize("limit", [1.0, 100.0])
def test_for_else(rng, limit):
    check(for_else, dup(rng.normal(size=5)), const(limit))


@pytest.mark.parametrize("sign", [1.0, -30.0])
def test_two_exits(rng, sign):
    check(two_exits, dup(sign * rng.uniform(0.2, 0.9, size=3)), const(-5.0), const(6.0))


@pytest.mark.parametrize("x", [0.9, 1.3, 8.0])
def test_while_on_data(x):
    check(while_data, active(x), const(5.0))


def test_while_with_counter():
    check(while_counter, active(0.9), const(7))


def test_while_that_never_runs():
    check(while_never, active(2.0))


def test_while_in_for(rng):
    check(while_in_for, dup(rng.normal(size=4)), const(2.0), each_step=True)


def test_while_in_while():
    check(while_in_while, active(0.4), const(3.0), const(1.5))


def test_for_in_while(rng):
    check(for_in_while, dup(rng.normal(size=3)), const(9.0))


def test_while_with_everything(rng):
    check(while_with_everything, dup(rng.uniform(0.3, 0.6, size=4)), const(6.0))
    check(while_with_everything, dup(rng.uniform(0.01, 0.02, size=4)), const(600.0))


def test_parameter_as_loop_variable():
    check(parameter_as_loop_variable, active(0.9), const(100), const(4))


def test_bound_changed_inside():
    check(bound_changed_inside, active(0.9), const(5))


def test_index_used_after_the_loop(rng):
    check(index_used_after, dup(rng.normal(size=5)))


def test_iteration_over_array(rng):
    check(over_array, dup(rng.normal(size=5)))


def test_zip_and_enumerate(rng):
    check(zipped, dup(rng.normal(size=5)), dup(rng.normal(size=5)))


def test_carried_and_stored(rng):
    check(carried_and_stored, dup(rng.normal(size=5)))


def test_last_value_only(rng):
    check(last_value_only, dup(rng.normal(size=5)))


def test_inner_loop_that_mostly_runs_zero_times(rng):
    check(empty_inner, dup(rng.normal(size=5)), const(3))


def test_countdown():
    check(countdown_condition, active(0.6), const(4))
