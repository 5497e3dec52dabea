"""Branches on data and on passengers: if/elif/else, early return, conditional expressions, nested and chained tests."""

from __future__ import annotations

import math

import pytest
from numba import njit
from oracle import active, check, const, dup


@njit
def ladder(x):
    if x < -1.0:
        y = x * x
    elif x < 0.5:
        y = math.sin(x)
    elif x < 2.0:
        y = x * x * x
        x = y + 1.0
    else:
        y = 1.0
    return y * x


@njit
def without_else(x):
    y = x
    if x > 1.0:
        y = x * x
    return y * 2.0


@njit
def early_return(x, y):
    if x > 1.0:
        return x * y
    z = math.exp(x)
    if y > 1.0:
        return z * y
    return z + y


@njit
def nested(x, y):
    if x > 0.0:
        if y > 0.0:
            z = x * y
        else:
            z = x - y * y
    else:
        if y > x:
            z = y * y * x
        else:
            z = 2.0
    return z * x


@njit
def conditional_expression(x, y):
    return (x * y if x > y else x + y) * (x if y > 0.0 else y)


@njit
def logical(x, y):
    s = 0.0
    if x > 0.0 and y > 0.0:
        s += x * y
    if x > 1.0 or y > 1.0:
        s += x * x
    if not (x > y):
        s += y * y
    if 0.0 < x < 1.0:
        s += x * x * x
    return s


@njit
def branch_in_loop(a, x):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] > 0.3:
            s += a[i] * a[i]
        elif a[i] > -0.3:
            s -= x * a[i]
        else:
            s *= x
    return s


@njit
def branch_decided_by_state(a):
    s = 0.2
    for i in range(a.shape[0]):
        if s > 0.5:
            s = s * 0.6 + a[i] * a[i] * 0.1
        else:
            s = s + abs(a[i])
        a[i] = s * a[i]
    return s


@njit
def conditional_store(a, b):
    for i in range(a.shape[0]):
        if a[i] > b[i]:
            a[i] = a[i] * b[i]
        else:
            b[i] = b[i] * b[i]


@njit
def compare_and_swap(a):
    for i in range(a.shape[0] - 1):
        if a[i] > a[i + 1]:
            a[i], a[i + 1] = a[i + 1], a[i]
    return a[0] * a[-1]


@njit
def choice_by_int(x, kind):
    if kind == 0:
        return math.sin(x)
    if kind == 1:
        return math.cos(x)
    if kind == 2:
        return x * x
    return x


@njit
def only_one_side_stores(a, x, write):
    if write:
        a[0] = x * x
        a[1] = a[0] * a[1]
    return a[0] * a[1]


@njit
def condition_overwritten_later(a):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] > 0.0:
            s += a[i] * a[i]
        a[i] = -a[i] * s
    return s


@njit
def many_ways_to_meet(x, y):
    z = x
    if x > 0.0:
        z = z * y
    if y > 0.0:
        z = z * x
    if x > y:
        z = z + y
    if z > 0.5:
        z = z * z
    return z


@njit
def returns_in_else(x):
    if x > 0.0:
        y = x * x
    else:
        return -x
    return y + 1.0


@pytest.mark.parametrize("x", [-2.0, 0.1, 1.5, 3.0])
def test_ladder(x):
    check(ladder, active(x), without=())


def test_ladder_without_plan_steps():
    check(ladder, active(1.5), each_step=True)


def test_without_else():
    check(without_else, active(0.4))
    check(without_else, active(1.4))


@pytest.mark.parametrize(("x", "y"), [(2.0, 0.5), (0.5, 2.0), (0.5, 0.7)])
def test_early_return(x, y):
    check(early_return, active(x), active(y), without=())


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.6), (0.5, -0.6), (-0.5, 0.6), (-0.5, -0.6)])
def test_nested(x, y):
    check(nested, active(x), active(y), without=())


def test_conditional_expression():
    check(conditional_expression, active(0.5), active(0.3))
    check(conditional_expression, active(0.5), active(-0.3))


def test_logical_operators():
    check(logical, active(0.5), active(0.8))
    check(logical, active(1.5), active(-0.8))


def test_branch_in_loop(rng):
    check(branch_in_loop, dup(rng.normal(size=8)), active(0.7), each_step=True)


def test_branch_decided_by_the_running_state(rng):
    check(branch_decided_by_state, dup(rng.normal(size=8)))


def test_conditional_store(rng):
    check(conditional_store, dup(rng.normal(size=6)), dup(rng.normal(size=6)))


def test_compare_and_swap(rng):
    check(compare_and_swap, dup(rng.normal(size=6)))


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_choice_by_int(kind):
    check(choice_by_int, active(0.6), const(kind), without=())


def test_store_on_one_side(rng):
    check(only_one_side_stores, dup(rng.normal(size=2)), active(0.6), const(True))
    check(only_one_side_stores, dup(rng.normal(size=2)), active(0.6), const(False))


def test_condition_on_memory_overwritten_later(rng):
    check(condition_overwritten_later, dup(rng.normal(size=6)))


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.6), (0.9, -0.6), (-0.5, 0.6)])
def test_many_ways_to_meet(x, y):
    check(many_ways_to_meet, active(x), active(y), without=())


def test_return_in_else():
    check(returns_in_else, active(0.5))
    check(returns_in_else, active(-0.5))
