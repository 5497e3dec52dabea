"""The oracle's own linear algebra: values are NumPy's, derivatives differences in forty digits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from oracle import linear
from oracle.dual import Dual

RNG = np.random.default_rng(3)
SQUARE = RNG.normal(size=(3, 3)) + 3.0 * np.eye(3)
POSITIVE = SQUARE @ SQUARE.T
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
B = RNG.normal(size=(3, 2))

CASES = {
    "dot": (linear.dot, np.dot, (SQUARE, B)),
    "dot of vectors": (linear.dot, np.dot, (SQUARE[0], B[:, 1])),
    "vdot": (linear.vdot, np.vdot, (SQUARE, POSITIVE)),
    "solve": (linear.solve, np.linalg.solve, (SQUARE[::-1], B)),
    "inv": (linear.inv, np.linalg.inv, (SQUARE,)),
    "det": (linear.det, np.linalg.det, (SQUARE,)),
    "det of a singular matrix": (linear.det, np.linalg.det, (SINGULAR,)),
    "cholesky": (linear.cholesky, np.linalg.cholesky, (POSITIVE,)),
    "norm": (linear.norm, np.linalg.norm, (B,)),
}


def elements(value):
    """The numbers of a result, in a row."""
    return list(np.ravel(np.asarray(value, dtype=object)))


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    function, plain, arguments = CASES[name]
    directions = [RNG.normal(size=a.shape) for a in arguments]
    dual = np.vectorize(lambda value, row: Dual(value, np.array([row]), np.array([abs(row)])), otypes=[object])
    got = elements(function(*(dual(a, d) for a, d in zip(arguments, directions, strict=True))))
    values = [number.value if isinstance(number, Dual) else number for number in got]
    np.testing.assert_allclose(values, np.ravel(plain(*arguments)), rtol=1e-12, atol=1e-12)

    with mpmath.workdps(40):
        step = mpmath.mpf(10) ** -15
        exact = np.vectorize(mpmath.mpf, otypes=[object])

        def at(sign):
            moved = (exact(a) + exact(d) * (sign * step) for a, d in zip(arguments, directions, strict=True))
            return elements(function(*moved))

        want = [float((high - low) / (2 * step)) for high, low in zip(at(1), at(-1), strict=True)]
    tangents = [number.tangent[0] if isinstance(number, Dual) and number.tangent is not None else 0.0 for number in got]
    np.testing.assert_allclose(tangents, want, rtol=1e-11, atol=1e-12)


def test_what_lapack_refuses_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        linear.solve(np.zeros((2, 2)), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError):
        linear.cholesky(-np.eye(2))


def test_a_product_of_nothing_is_zero():
    assert np.array_equal(linear.dot(np.empty((2, 0)), np.empty((0, 3))), np.zeros((2, 3)))
    assert math.copysign(1.0, linear.vdot(np.empty(0), np.empty(0))) == 1.0
