"""The rules where users meet them: one-line kernels through Numba and the engine, in float64 and float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from rules.harness import FLOAT_TYPES, RULES, rules, samples
from rules.primals import derivative

import pyfront as ad

ROWS = rules.load(RULES).rows

# Each kernel and the row that it is the function of; the row's domain gives the points.
KERNELS = {
    **{f"math.{name}(x)": name for name in "sqrt exp expm1 log log2 log10 log1p".split()},
    **{f"math.{name}(x)": name for name in "sin cos tan asin acos atan".split()},
    **{f"math.{name}(x)": name for name in "sinh cosh tanh asinh acosh atanh erf erfc lgamma fabs".split()},
    "math.gamma(x)": "tgamma",
    "math.frexp(x)[0]": "frexp_mantissa",
    "math.atan2(y, x)": "atan2",
    "math.hypot(x, y)": "hypot",
    "math.pow(x, y)": "pow",
    "math.copysign(x, y)": "copysign",
    "math.nextafter(x, y)": "nextafter",
    "np.exp2(x)": "exp2",
    "np.floor(x)": "floor",
    "np.ceil(x)": "ceil",
    "np.trunc(x)": "trunc",
    "np.rint(x)": "rint",
    "np.fmod(x, y)": "frem",
    "np.maximum(x, y)": "maximum",
    "np.fmin(x, y)": "fmin",
    "np.nextafter(x, y)": "nextafter",
    "x + y": "fadd",
    "x - y": "fsub",
    "x * y": "fmul",
    "x / y": "fdiv",
    "-x": "fneg",
    "x ** y": "pow",
    "x % y": "mod",
    "np.logaddexp(x, y)": "logaddexp",
    "np.logaddexp2(x, y)": "logaddexp2",
    "np.sinc(x)": "sinc",
    "abs(x)": "fabs",
    "min(x, y)": "minimum",
    "max(x, y)": "maximum",
}
# (relative, absolute): in float32 the primal's own rounding reaches the partials that read the result.
TOLERANCES = {np.float64: (1e-10, 0.0), np.float32: (5e-5, 1e-6)}


def kernel_of(expression: str, params: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {"math": math, "np": np}
    exec(f"def kernel({params}):\n    return {expression}\n", scope)
    return njit(scope["kernel"])


def gradient(kernel: Callable[..., Any], *point: Any) -> tuple[float, ...]:
    adjoints = ad.autodiff(kernel, *(ad.Active for _ in point))(*point)
    return adjoints if len(point) > 1 else (adjoints,)


def tangents(kernel: Callable[..., Any], *point: Any) -> tuple[float, ...]:
    """The tangent of the result along each argument alone."""
    derived = ad.autodiff(kernel, *(ad.Duplicated for _ in point), mode=ad.Forward)

    def along(axis: int) -> float:
        return derived(*(number for k, x in enumerate(point) for number in (x, 1.0 if k == axis else 0.0)))

    return tuple(along(axis) for axis in range(len(point)))


@pytest.mark.parametrize("float_type", FLOAT_TYPES)
@pytest.mark.parametrize("expression", KERNELS)
def test_kernel(expression: str, float_type: type) -> None:
    row = ROWS[KERNELS[expression]]
    params = [p.name for p in row.params if p.name != "value"]  # which the library computes
    kernel = kernel_of(expression, ", ".join(params))
    relative, absolute = TOLERANCES[float_type]
    for point in samples(row, 10, float_type):
        arguments = [float_type(v) for v in point[: len(params)]]
        for got in (gradient(kernel, *arguments), tangents(kernel, *arguments)):
            for index, number in enumerate(got):
                wanted = derivative(row.name, point, index)
                assert abs(float(number) - wanted) <= relative * abs(wanted) + absolute, (point, index, number, wanted)


# Adjoints of exactly zero: a partial that is infinite or NaN contributes nothing.
NOT_TAKEN = {
    "max(math.sqrt(x), 1.0)": 0.0,
    "min(math.exp(x), 2.0)": 1000.0,
    "max(math.log(x), -1.0)": 0.0,
    "min(math.cosh(x), 2.0)": 1000.0,
    "max(x ** 0.5, 1.0)": 0.0,
    "math.hypot(x, 0.0 * x)": 0.0,
}


@pytest.mark.parametrize("expression", NOT_TAKEN)
def test_zero_adjoint_meets_no_infinity(expression: str) -> None:
    kernel = kernel_of(expression, "x")
    assert gradient(kernel, NOT_TAKEN[expression]) == (0.0,)
    assert tangents(kernel, NOT_TAKEN[expression]) == (0.0,)
    # No tangent goes in, so none comes out, however large the partial.
    assert ad.autodiff(kernel, ad.Duplicated, mode=ad.Forward)(NOT_TAKEN[expression], 0.0) == 0.0


# The branch that the primal took, at a tie or kink.
TIES = {
    ("abs(x)", (0.0,)): (1.0,),
    ("max(x, y)", (2.0, 2.0)): None,
    ("min(x, y)", (2.0, 2.0)): None,
    ("np.maximum(x, y)", (2.0, 2.0)): None,
    ("np.sign(x)", (0.0,)): (0.0,),
    ("x % 2.0", (3.0,)): (1.0,),
    ("x // 2.0", (4.0,)): (0.0,),
}


@pytest.mark.parametrize(("expression", "point"), TIES)
def test_tie(expression: str, point: tuple[float, ...]) -> None:
    kernel = kernel_of(expression, ", ".join("xy"[: len(point)]))
    got = gradient(kernel, *point)
    assert tangents(kernel, *point) == got
    wanted = TIES[expression, point]
    if wanted is None:  # one operand takes the whole adjoint
        assert sorted(got) == [0.0, 1.0]
    else:
        assert got == wanted
