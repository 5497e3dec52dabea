"""Every function of Python's `math` and of scalar NumPy that Numba has, and every arithmetic operator."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup

# Points inside of each function's domain, away from its kinks.
UNARY = {
    "acos": (-0.7, 0.3),
    "acosh": (1.2, 4.0),
    "asin": (-0.7, 0.3),
    "asinh": (-3.0, 0.4),
    "atan": (-3.0, 0.4),
    "atanh": (-0.6, 0.3),
    "cos": (-2.0, 0.4),
    "cosh": (-2.0, 0.4),
    "degrees": (-2.0, 0.4),
    "erf": (-1.1, 0.4),
    "erfc": (-1.1, 2.4),
    "exp": (-2.0, 1.4),
    "expm1": (-0.5, 1e-5),
    "fabs": (-2.0, 0.4),
    "gamma": (-1.4, 0.7, 3.3),
    "lgamma": (-1.4, 0.7, 3.3),
    "log": (0.2, 5.0),
    "log10": (0.2, 5.0),
    "log1p": (-0.5, 1e-5, 3.0),
    "log2": (0.2, 5.0),
    "radians": (-2.0, 40.0),
    "sin": (-2.0, 0.4),
    "sinh": (-2.0, 0.4),
    "sqrt": (0.04, 9.5),
    "tan": (-1.0, 0.4),
    "tanh": (-1.0, 0.4),
    "ceil": (-1.3, 0.4),
    "floor": (-1.3, 0.4),
    "trunc": (-1.3, 0.4),
}

NUMPY_UNARY = {
    "abs": (-2.0, 0.4),
    "absolute": (-2.0, 0.4),
    "arccos": UNARY["acos"],
    "arccosh": UNARY["acosh"],
    "arcsin": UNARY["asin"],
    "arcsinh": UNARY["asinh"],
    "arctan": UNARY["atan"],
    "arctanh": UNARY["atanh"],
    "cbrt": (-2.0, 0.4),
    "deg2rad": (-2.0, 40.0),
    "exp2": (-2.0, 1.4),
    "negative": (-2.0,),
    "rad2deg": (-2.0, 0.4),
    "reciprocal": (-2.0, 0.4),
    "rint": (-1.3, 0.6),
    "sign": (-1.3, 0.6),
    "square": (-1.3, 0.6),
    **{
        name: UNARY[name]
        for name in UNARY
        if name not in {"acos", "acosh", "asin", "asinh", "atan", "atanh", "erf", "erfc", "gamma", "lgamma"}
    },
}

BINARY = {
    "atan2": ((0.4, -1.2), (-0.7, 0.3)),
    "copysign": ((0.4, -1.2), (-0.7, -0.3)),
    "hypot": ((3.0, -4.0),),
    "pow": ((1.7, 2.3), (0.4, -1.5)),
}

REMAINDERS = ((5.3, 1.2), (-5.3, 1.2), (5.3, -1.2))

NUMPY_BINARY = {
    "add": ((0.4, -1.2),),
    "arctan2": BINARY["atan2"],
    "copysign": BINARY["copysign"],
    "divide": ((0.4, -1.2),),
    "fmax": ((0.4, -1.2), (-1.2, 0.4)),
    "fmin": ((0.4, -1.2), (-1.2, 0.4)),
    "fmod": REMAINDERS,
    "hypot": BINARY["hypot"],
    "logaddexp": ((0.4, -1.2), (-1.2, 3.0)),
    "maximum": ((0.4, -1.2), (-1.2, 0.4)),
    "minimum": ((0.4, -1.2), (-1.2, 0.4)),
    "mod": REMAINDERS,
    "multiply": ((0.4, -1.2),),
    "power": BINARY["pow"],
    "remainder": REMAINDERS,
    "subtract": ((0.4, -1.2),),
}

OPERATORS = {
    "x + y": ((1.7, -0.3),),
    "x - y": ((1.7, -0.3),),
    "x * y": ((1.7, -0.3),),
    "x / y": ((1.7, -0.3),),
    "x // y": ((1.7, -0.3), (-1.7, 0.3)),
    "x % y": ((1.7, -0.3), (-1.7, 0.3), (5.2, 1.1)),
    "x ** y": ((1.7, -0.3), (0.4, 2.5)),
    "divmod(x, y)[1] * divmod(x, y)[0]": ((5.2, 1.1),),
    "-x * +y": ((1.7, -0.3),),
    "abs(x) * abs(y)": ((1.7, -0.3),),
    "min(x, y) * max(x, y, 1.0)": ((1.7, -0.3), (-0.3, 0.6)),
    "round(x) * y": ((1.7, -0.3),),
    "float(int(x)) * y": ((1.7, -0.3),),
    "x ** 2 + y ** 3": ((1.7, -0.3),),
    "x ** -2 + y ** 0": ((1.7, -0.3),),
    "x ** 0.5 + 2.0 ** y": ((1.7, -0.3),),
    "x ** 1 + y ** 1.0": ((1.7, -0.3),),
    "(x > y) * x": ((1.7, -0.3),),
    "x if x != y else y": ((1.7, -0.3),),
}


def kernel_of(expression: str, *, names: str = "x, y"):
    """A kernel that returns the expression."""
    scope = {"math": math, "np": np}
    exec(f"def kernel({names}):\n    return {expression}\n", scope)
    return njit(scope["kernel"])


@pytest.mark.parametrize("name", UNARY)
def test_math_of_one(name):
    kernel = kernel_of(f"math.{name}(x) * x", names="x")
    for point in UNARY[name]:
        check(kernel, active(point), without=())


@pytest.mark.parametrize("name", NUMPY_UNARY)
def test_numpy_of_one(name):
    kernel = kernel_of(f"np.{name}(x) * x", names="x")
    for point in NUMPY_UNARY[name]:
        check(kernel, active(point), without=())


@pytest.mark.parametrize("name", BINARY)
def test_math_of_two(name):
    kernel = kernel_of(f"math.{name}(x, y) * x")
    for left, right in BINARY[name]:
        check(kernel, active(left), active(right), without=())


@pytest.mark.parametrize("name", NUMPY_BINARY)
def test_numpy_of_two(name):
    kernel = kernel_of(f"np.{name}(x, y) * x")
    for left, right in NUMPY_BINARY[name]:
        check(kernel, active(left), active(right), without=())


@pytest.mark.parametrize("expression", OPERATORS)
def test_operator(expression):
    kernel = kernel_of(expression)
    for left, right in OPERATORS[expression]:
        check(kernel, active(left), active(right), without=())


@pytest.mark.parametrize("name", ["sin", "exp", "sqrt", "log", "tanh", "atan"])
def test_math_in_float32(name):
    kernel = kernel_of(f"math.{name}(x) * x", names="x")
    check(kernel, active(np.float32(0.7)), without=())


@njit
def split(x):
    mantissa, exponent = math.frexp(x)
    return mantissa * x + exponent


@njit
def joined(x, n):
    return math.ldexp(x, n) * x


@njit
def whole_and_fraction(x):
    return (x - math.floor(x)) * (math.ceil(x) - x)


@njit
def run_time_power(x, n):
    return x**n


@njit
def power_of_int(n, x):
    return n**x


@njit
def power_at_zero(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] ** 2 + a[i] ** 3 + a[i] ** 1
    return s


@njit
def replaces_special_values(a):
    s = 0.0
    for i in range(a.shape[0]):
        if math.isnan(a[i]) or math.isinf(a[i]) or not math.isfinite(a[i]):
            a[i] = 0.0
        s += a[i] * a[i]
    return s


@njit
def clamp(a, low, high):
    for i in range(a.shape[0]):
        a[i] = min(max(a[i], low), high) * a[i]


@njit
def constants(x):
    return x * math.pi + x * x * math.e + math.tau * np.pi


@njit
def gcd_passenger(x, n, m):
    return x * math.gcd(n, m) * x


def test_frexp():
    check(split, active(5.3))


def test_ldexp():
    check(joined, active(0.7), const(3))


def test_fraction():
    check(whole_and_fraction, active(2.3))


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 7])
def test_run_time_integer_power(n):
    check(run_time_power, active(-0.7), const(n), without=())


def test_power_with_const_exponent_and_negative_base():
    check(run_time_power, active(-0.7), const(2.0))


def test_integer_base():
    check(power_of_int, const(3), active(1.3))


def test_powers_at_zero():
    check(power_at_zero, dup(np.array([0.0, 1.0, -2.0])))


def test_special_values_are_inactive_tests(rng):
    check(replaces_special_values, dup(rng.normal(size=3)))


def test_clamp(rng):
    check(clamp, dup(rng.normal(size=6)), active(-0.5), active(0.6))


def test_constants():
    check(constants, active(0.4))


def test_gcd_of_passengers():
    check(gcd_passenger, active(0.4), const(12), const(18))
