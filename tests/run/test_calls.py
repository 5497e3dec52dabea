"""Calls of other compiled functions, closures, and constants from the module."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup

WEIGHTS = np.array([0.5, -1.5, 2.0])
TABLE = np.array([[1.0, 2.0], [3.0, -4.0]])
ORDER = np.array([2, 0, 1])
RATE = 0.3
COUNT = 4
PAIR = (1.5, -0.5)


@njit
def square(x):
    return x * x


@njit(inline="never")
def cube(x):
    return x * square(x)


@njit
def polynomial(x, y):
    return cube(x) + square(y) * x


@njit
def sum_and_product(x, y):
    return x + y, x * y


@njit
def several_results(x, y):
    s, p = sum_and_product(x, y)
    t, q = sum_and_product(s, p)
    return t * q


@njit
def halve(a):
    for i in range(a.shape[0]):
        a[i] = 0.5 * a[i] * a[i]


@njit
def dot(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * b[i]
    return s


@njit
def arrays_passed_down(a, b):
    halve(a)
    s = dot(a, b)
    halve(b[1:])
    return s * dot(a, b)


@njit
def make(n, x):
    t = np.empty(n)
    for i in range(n):
        t[i] = x * i + x * x
    return t


@njit
def array_returned(a, x):
    t = make(a.shape[0], x)
    u = make(a.shape[0], t[1])
    return dot(a, t) * u[0]


@njit
def give_back_argument(a):
    a[0] *= a[1]
    return a


@njit
def argument_returned(a):
    b = give_back_argument(a)
    b[1] = a[0] * b[1]
    return a[1] * b[0]


@njit
def array_and_scalar(a, x):
    return a[1:], a[0] * x


@njit
def tuple_of_array_and_scalar(a, x):
    tail, head = array_and_scalar(a, x)
    tail[0] *= head
    return tail[0] * tail[1]


@njit
def derivative_of_field(state, k, out):
    out[0] = state[1] * k
    out[1] = -math.sin(state[0]) * k


@njit
def stepper(state, n, k):
    out = np.empty(2)
    for _ in range(n):
        derivative_of_field(state, k, out)
        for i in range(2):
            state[i] += 0.1 * out[i]


@njit
def called_in_condition(a):
    s = 0.0
    for i in range(a.shape[0]):
        if square(a[i]) > 0.25:
            s += cube(a[i])
        else:
            s -= square(a[i])
    return s


@njit
def early(x, limit):
    for k in range(10):
        x = x * 1.2
        if x > limit:
            return x * k
    return x


@njit
def callee_with_early_return(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += early(a[i], 1.1) * a[i]
    return s


@njit
def global_arrays(a):
    s = 0.0
    for i in range(3):
        s += WEIGHTS[i] * a[i] * a[ORDER[i]]
        for j in range(2):
            s += TABLE[j, i % 2] * a[i]
    return s


@njit
def global_scalars(x):
    y = x
    for _ in range(COUNT):
        y = y * RATE + x * PAIR[0] - PAIR[1] * y * y
    return y


@njit
def with_default(x, factor=2.0):
    return x * factor


@njit
def keywords_and_defaults(x, y):
    return with_default(x) * with_default(factor=y, x=x)


def closure_over(factor, count, offsets):
    @njit
    def kernel(x):
        s = x
        for k in range(count):
            s = s * factor + x * offsets[k]
        return s

    return kernel


def closure_over_function(inner):
    @njit
    def kernel(a):
        for i in range(a.shape[0]):
            a[i] = inner(a[i]) * a[i]

    return kernel


@njit
def inner_function(a, x):
    def shift(y):
        return y * x + 1.0

    s = 0.0
    for i in range(a.shape[0]):
        s += shift(a[i]) * shift(s)
    return s


@njit
def function_as_argument(inner, x):
    return inner(x) * x


@njit
def passes_function(x):
    return function_as_argument(square, x) + function_as_argument(cube, x)


def plain_function(x, y):
    return x * y + x


def test_nested_calls():
    check(polynomial, active(0.7), active(1.1))


def test_several_results():
    check(several_results, active(0.7), active(1.1))


def test_arrays_passed_down(rng):
    check(arrays_passed_down, dup(rng.normal(size=3)), dup(rng.normal(size=3)), each_step=True)


def test_array_returned(rng):
    check(array_returned, dup(rng.normal(size=3)), active(0.6))


def test_argument_returned(rng):
    check(argument_returned, dup(rng.normal(size=2)))


def test_tuple_of_array_and_scalar(rng):
    check(tuple_of_array_and_scalar, dup(rng.normal(size=3)), active(0.7))


def test_right_hand_side_in_a_function(rng):
    check(stepper, dup(rng.normal(size=2)), const(4), active(0.8))


def test_call_in_a_condition(rng):
    check(called_in_condition, dup(rng.normal(size=5)))


def test_callee_with_early_return(rng):
    check(callee_with_early_return, dup(rng.uniform(0.1, 1.0, size=4)))


def test_global_arrays(rng):
    check(global_arrays, dup(rng.normal(size=3)))


def test_global_scalars():
    check(global_scalars, active(0.4))


def test_default_and_keyword_arguments():
    check(keywords_and_defaults, active(0.4), active(1.7))


def test_closure_over_constants():
    check(closure_over(0.6, 3, np.array([1.0, -2.0, 0.5])), active(0.8))


def test_closures_of_one_function_are_told_apart():
    check(closure_over(0.6, 2, np.array([1.0, -2.0])), active(0.8), without=())
    check(closure_over(-0.2, 1, np.array([3.0, -2.0])), active(0.8), without=())


def test_closure_over_function(rng):
    check(closure_over_function(cube), dup(rng.normal(size=3)))


def test_inner_function(rng):
    check(inner_function, dup(rng.normal(size=3)), active(0.5))


def test_function_as_argument():
    check(passes_function, active(0.9))


def test_plain_python_function():
    check(plain_function, active(0.9), active(0.3))
