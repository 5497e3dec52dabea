"""The oracle's own partials against 40-digit derivatives, and what a dual number must not do."""

from __future__ import annotations

import math
import operator
from typing import Any

import mpmath
import numpy as np
import pytest

from oracle.dual import Dual
from oracle.namespace import MATH, NUMPY, on_duals

DIGITS = 40

UNARY: dict[str, tuple[Any, tuple[float, ...]]] = {
    "sqrt": (mpmath.sqrt, (0.04, 9.5)),
    "cbrt": (mpmath.cbrt, (0.04, 9.5)),
    "exp": (mpmath.exp, (-20.0, 0.0, 14.0)),
    "exp2": (lambda x: mpmath.mpf(2) ** x, (-20.0, 0.0, 14.0)),
    "expm1": (mpmath.expm1, (-2.0, 1e-9, 3.0)),
    "log": (mpmath.log, (1e-9, 0.3, 1e9)),
    "log1p": (mpmath.log1p, (-0.7, 1e-9, 3.0)),
    "log2": (lambda x: mpmath.log(x, 2), (1e-9, 0.3, 1e9)),
    "log10": (mpmath.log10, (1e-9, 0.3, 1e9)),
    "sin": (mpmath.sin, (-9.0, 1e-9, 3.0)),
    "cos": (mpmath.cos, (-9.0, 1e-9, 3.0)),
    "tan": (mpmath.tan, (-1.4, 1e-9, 3.0)),
    "asin": (mpmath.asin, (-0.99, 1e-9, 0.6)),
    "acos": (mpmath.acos, (-0.99, 1e-9, 0.6)),
    "atan": (mpmath.atan, (-9.0, 1e-9, 3.0)),
    "sinh": (mpmath.sinh, (-9.0, 1e-9, 3.0)),
    "cosh": (mpmath.cosh, (-9.0, 1e-9, 3.0)),
    "tanh": (mpmath.tanh, (-9.0, 1e-9, 3.0)),
    "asinh": (mpmath.asinh, (-9.0, 1e-9, 3.0)),
    "acosh": (mpmath.acosh, (1.01, 3.0)),
    "atanh": (mpmath.atanh, (-0.99, 1e-9, 0.6)),
    "erf": (mpmath.erf, (-2.0, 1e-9, 3.0)),
    "erfc": (mpmath.erfc, (-2.0, 1e-9, 3.0)),
    "gamma": (mpmath.gamma, (-1.4, 0.7, 5.5)),
    "lgamma": (lambda x: mpmath.log(abs(mpmath.gamma(x))), (-1.4, 0.7, 5.5)),
    "degrees": (mpmath.degrees, (1.0,)),
    "radians": (mpmath.radians, (1.0,)),
    "fabs": (abs, (-0.5, 0.5)),
}

BINARY: dict[str, tuple[Any, Any, tuple[tuple[float, float], ...]]] = {
    "add": (operator.add, operator.add, ((0.5, -3.0),)),
    "sub": (operator.sub, operator.sub, ((0.5, -3.0),)),
    "mul": (operator.mul, operator.mul, ((0.5, -3.0),)),
    "div": (operator.truediv, operator.truediv, ((0.5, -3.0),)),
    "pow": (operator.pow, mpmath.power, ((1.7, 2.3), (0.4, -1.5), (3.0, 2.0))),
    "mod": (operator.mod, lambda x, y: x - y * mpmath.floor(x / y), ((5.3, 1.2), (-5.3, 1.2), (5.3, -1.2))),
    "fmod": (NUMPY.fmod, lambda x, y: x - y * int(x / y), ((5.3, 1.2), (-5.3, 1.2), (5.3, -1.2))),
    "atan2": (MATH.atan2, mpmath.atan2, ((0.4, -1.2), (-0.7, 0.3))),
    "hypot": (MATH.hypot, mpmath.hypot, ((3.0, -4.0),)),
    "copysign": (MATH.copysign, lambda x, y: abs(x) * mpmath.sign(y), ((0.4, -1.2), (-0.7, -0.3))),
    "logaddexp": (NUMPY.logaddexp, lambda x, y: mpmath.log(mpmath.exp(x) + mpmath.exp(y)), ((0.4, -1.2), (-1.2, 30.0))),
    "maximum": (NUMPY.maximum, max, ((0.4, -1.2), (-1.2, 0.4))),
    "minimum": (NUMPY.minimum, min, ((0.4, -1.2), (-1.2, 0.4))),
}


def varied(value: float, direction: int = 0, directions: int = 1) -> Dual:
    row = np.eye(directions)[direction]
    return Dual(value, row, np.abs(row))


@pytest.mark.parametrize("name", UNARY)
def test_partial_of_one(name):
    exact, points = UNARY[name]
    for x in points:
        got = getattr(MATH, name, getattr(NUMPY, name, None))(varied(x))
        with mpmath.workdps(DIGITS):
            value, partial = exact(mpmath.mpf(x)), mpmath.diff(exact, mpmath.mpf(x))
        assert got.value == pytest.approx(float(value), rel=1e-13)
        assert got.tangent[0] == pytest.approx(float(partial), rel=1e-12)
        assert got.magnitude[0] >= abs(got.tangent[0])


@pytest.mark.parametrize("name", BINARY)
def test_partials_of_two(name):
    function, exact, points = BINARY[name]
    for x, y in points:
        got = function(varied(x, 0, 2), varied(y, 1, 2))
        with mpmath.workdps(DIGITS):
            value = exact(mpmath.mpf(x), mpmath.mpf(y))
            partials = [float(mpmath.diff(exact, (mpmath.mpf(x), mpmath.mpf(y)), order)) for order in ((1, 0), (0, 1))]
        assert got.value == pytest.approx(float(value), rel=1e-13)
        np.testing.assert_allclose(got.tangent, partials, rtol=1e-12, atol=1e-15)


def test_tangent_is_never_lost_in_silence():
    with pytest.raises(TypeError):
        float(varied(1.0))
    with pytest.raises(TypeError):
        np.zeros(3)[0] = varied(1.0)
    with pytest.raises(TypeError):
        math.sin(varied(1.0))


def test_comparisons_are_by_value():
    assert varied(1.0) < varied(2.0) <= 2.0 < varied(3.0)
    assert varied(1.0) == 1.0 != varied(2.0)
    assert sorted([varied(2.0), 1.0, varied(0.5)], key=lambda d: d)[0].value == 0.5
    assert int(varied(2.7)) == 2
    assert round(varied(2.7)) == 3
    assert math.floor(varied(-0.5)) == -1


def test_arithmetic_with_numpy_scalars_and_arrays():
    d, a = varied(2.0), np.array([varied(3.0), 1.0], dtype=object)
    for result in (np.float64(3.0) * d, d * np.float64(3.0), np.int64(3) * d):
        assert type(result) is Dual
        assert result.value == 6.0
        assert result.tangent[0] == 3.0
    assert (a * d)[0].tangent[0] == (d * a)[0].tangent[0] == 5.0
    before = a
    a *= d
    assert a is before, "in place stays in place"
    assert a[0].value == 6.0


def test_magnitude_counts_terms_that_cancel():
    x = varied(3.0)
    y = x * x - x * x
    assert y.tangent[0] == 0.0
    assert y.magnitude[0] == 12.0


def test_globals_closures_and_callees_are_replaced():
    offset = np.array([1.0, 2.0])

    def inner(x):
        return math.sin(x) * offset[1]

    def kernel(x):
        t = np.zeros(2)
        t[0] = float(x)
        return inner(t[0]) + np.sum(np.exp(t))

    inner.py_func = inner
    got = on_duals(kernel)(varied(0.5))
    assert got.tangent[0] == pytest.approx(2.0 * math.cos(0.5) + math.exp(0.5), rel=1e-15)
