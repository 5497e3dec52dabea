"""Kernels of scalars only: straight lines, float32, ints and bools as passengers."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const


@njit
def product(x, y):
    return x * y


@njit
def rational(x, y, z):
    top = x * y - z
    bottom = x * x + y * y + 1.0
    return top / bottom + z / (x - 3.0)


@njit
def reassigned(x):
    y = x * x
    x = y + math.sin(x)
    y = x * y
    x = x - y / 7.0
    return x * y


@njit
def shared_subexpressions(x, y):
    a = math.exp(x * y)
    b = a * a
    c = b + a
    return c * a - b * c


@njit
def counts(x, n):
    return x * n + n // 2 - (n % 3) * x * x


@njit
def flags(x, positive, n):
    if positive and n > 2:
        return x * x
    return -x


@njit
def powers_of_two_bits(x, n):
    return x * (1 << n) + x * x * (n & 5) - x / (n ^ 9)


@njit
def narrow(x, y):
    return x * y + np.float32(2.0) * x - y / x


@njit
def widened(x, y):
    return x * y + math.exp(y)


@njit
def rounded(x):
    return np.float64(np.float32(x)) * x


@njit
def to_int_and_back(x):
    n = int(x * 10.0)
    return x * float(n) + n


@njit
def ignores_one(x, y):
    return x + 1.0 + 0.0 * y


@njit
def constant_result(x):
    return 3.5


@njit
def identity(x):
    return x


@njit
def unused_branch(x, y):
    big = x > 1e6
    return y if big else x


@njit
def many(a, b, c, d, e, f, g, h):
    return a * b + b * c * d - e / f + g * h * a * a - h


def test_product():
    check(product, active(1.5), active(-0.7))


def test_product_with_one_const():
    check(product, active(1.5), const(-0.7))
    check(product, const(1.5), active(-0.7))


def test_rational():
    check(rational, active(0.3), active(-1.2), active(0.8), each_step=True)


def test_reassigned_names():
    check(reassigned, active(0.9))


def test_shared_subexpressions():
    check(shared_subexpressions, active(0.4), active(0.6))


def test_int_passenger():
    check(counts, active(0.37), const(11))


def test_int32_passenger():
    check(counts, active(0.37), const(np.int32(8)))


def test_bool_passenger():
    check(flags, active(1.3), const(True), const(4))
    check(flags, active(1.3), const(False), const(4))


def test_bit_operations_on_passengers():
    check(powers_of_two_bits, active(1.3), const(3))


def test_float32():
    check(narrow, active(np.float32(1.25)), active(np.float32(-0.75)))


def test_float32_with_float64():
    check(widened, active(np.float32(1.25)), active(0.3))


def test_conversion_to_float32_and_back():
    check(rounded, active(1.25), width=4)


def test_conversion_to_int_and_back():
    check(to_int_and_back, active(0.77))


def test_zero_factor():
    check(ignores_one, active(2.0), active(3.0))


def test_result_that_depends_on_nothing():
    check(constant_result, active(2.0))


def test_result_that_is_the_argument():
    check(identity, active(2.0))


def test_untaken_value():
    check(unused_branch, active(2.0), active(5.0))


def test_eight_active_scalars():
    check(many, *(active(0.3 + 0.2 * k) for k in range(8)))


def test_zero_seed():
    check(product, active(1.5), active(-0.7), seed=0.0)


def test_negative_seed():
    check(product, active(1.5), active(-0.7), seed=-2.5)
