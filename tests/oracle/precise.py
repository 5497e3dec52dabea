"""Derivatives of any order by differences in so many digits that they are exact to rounding.

The kernel's own Python source runs in CPython on numbers of mpmath; a central difference with a step of 1e-20 then errs
by 1e-40. Nothing is shared with the dual numbers but the way in which a kernel's names are replaced.

Invariant: a number that left mpmath would make the difference visibly wrong, never nearly right: one double among the
80 digits is an error of 1e-16 over a step of 1e-20.
"""

from __future__ import annotations

import itertools
import math
import types
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import numpy as np

from oracle.namespace import FLOAT, Numpy, elementwise, twin

DIGITS = 80
STEP = mpmath.mpf(10) ** -20

SCALAR = {
    name: getattr(mpmath, name)
    for name in (
        *("sqrt", "cbrt", "exp", "expm1", "log", "log1p", "log10", "erf", "erfc", "gamma", "hypot", "fmod"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    )
} | {"lgamma": mpmath.loggamma, "fabs": abs, "pow": lambda x, y: x**y}


class PreciseNumpy(Numpy):
    """`np` on numbers of mpmath."""

    def __getattr__(self, name: str) -> Any:
        return elementwise(SCALAR[name]) if name in SCALAR else super().__getattr__(name)


COUNTERPARTS = {
    id(math): types.SimpleNamespace(**{**vars(math), **SCALAR}),
    id(np): PreciseNumpy(),
    id(float): lambda number=0.0: number if isinstance(number, mpmath.mpf) else FLOAT(number),
    **{id(vars(math)[name]): function for name, function in SCALAR.items() if name in vars(math)},
}


def mixed_derivative(
    kernel: Callable[..., Any], x: np.ndarray, constants: Sequence[Any], directions: Sequence[np.ndarray]
) -> float:
    """The derivative of a float kernel in its first argument, an array, once along each of the directions."""
    function = twin(kernel, COUNTERPARTS, {})

    def number(value: float) -> Any:
        return mpmath.mpf(float(value))

    exact = np.vectorize(number, otypes=[object])
    with mpmath.workdps(DIGITS):
        total = number(0.0)
        for signs in itertools.product((1, -1), repeat=len(directions)):
            moved = exact(x)
            for sign, direction in zip(signs, directions, strict=True):
                moved = moved + exact(direction) * (sign * STEP)
            others = [
                constant.astype(object) if isinstance(constant, np.ndarray) and constant.dtype.kind == "f" else constant
                for constant in constants
            ]
            total += math.prod(signs) * function(moved, *others)
        return float(total / (2 * STEP) ** len(directions))
