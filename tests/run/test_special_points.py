"""Points where Numba's library takes a literal or a branch of its own, or where a formula is 0 / 0.

What is wanted is written down from the mathematics: the derivative, or the one-sided one that docs/rules.md promises.
`which` picks an expression, so that two compilations serve all of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

import pyfront as ad

INF, NAN = math.inf, math.nan
EULER = 0.5772156649015329

# expression -> points (x, y) and the partials there
SCALARS: dict[str, list[tuple[tuple[float, float], tuple[float, float]]]] = {
    "x % y": [
        ((4.0, 2.0), (1.0, -2.0)),
        ((0.0, 2.0), (1.0, 0.0)),
        ((-4.0, 2.0), (1.0, 2.0)),
        ((4.0, -2.0), (1.0, 2.0)),
        ((-5.0, 2.0), (1.0, 3.0)),
    ],
    "x // y": [((4.0, 2.0), (0.0, 0.0)), ((0.0, 2.0), (0.0, 0.0))],
    "divmod(x, y)[0] + 3.0 * divmod(x, y)[1]": [((4.0, 2.0), (3.0, -6.0))],
    "np.mod(x, y)": [((4.0, 2.0), (1.0, -2.0)), ((-4.0, 2.0), (1.0, 2.0))],
    "np.divmod(x, y)[1]": [((4.0, 2.0), (1.0, -2.0))],
    "np.fmod(x, y)": [((4.0, 2.0), (1.0, -2.0)), ((-4.0, 2.0), (1.0, 2.0))],
    "np.floor_divide(x, y)": [((4.0, 2.0), (0.0, 0.0))],
    "np.logaddexp(x, y)": [((0.3, 0.3), (0.5, 0.5)), ((-INF, 1.0), (0.0, 1.0)), ((INF, 1.0), (1.0, 0.0))],
    "np.logaddexp2(x, y)": [((0.3, 0.3), (0.5, 0.5)), ((-INF, -INF), (0.5, 0.5))],
    "np.sinc(x)": [((0.0, 0.0), (0.0, 0.0)), ((1.0, 0.0), (-1.0, 0.0)), ((1e-9, 0.0), (-1e-9 * math.pi**2 / 3, 0.0))],
    "np.sign(x)": [((0.0, 0.0), (0.0, 0.0)), ((-0.0, 0.0), (0.0, 0.0)), ((2.0, 0.0), (0.0, 0.0))],
    "round(x, 2)": [((0.5, 0.0), (0.0, 0.0)), ((1e308, 0.0), (0.0, 0.0))],
    "np.round(x, 2)": [((0.5, 0.0), (0.0, 0.0)), ((1e308, 0.0), (0.0, 0.0))],
    "np.hypot(x, y)": [((0.0, 0.0), (0.0, 0.0)), ((-3.0, 0.0), (-1.0, 0.0))],
    "np.arctan2(x, y)": [((0.0, -1.0), (-1.0, 0.0)), ((1.0, 0.0), (0.0, -1.0)), ((0.0, 0.0), (NAN, NAN))],
    "np.copysign(x, y)": [((0.0, 1.0), (1.0, 0.0)), ((0.0, -1.0), (-1.0, 0.0))],
    "np.maximum(x, y)": [((2.0, 2.0), (1.0, 0.0)), ((NAN, 1.0), (1.0, 0.0))],
    "np.minimum(x, y)": [((2.0, 2.0), (1.0, 0.0)), ((1.0, NAN), (0.0, 1.0))],
    "np.fmax(x, y)": [((2.0, 2.0), (1.0, 0.0)), ((NAN, 1.0), (0.0, 1.0))],
    "np.fmin(x, y)": [((2.0, 2.0), (1.0, 0.0)), ((NAN, 1.0), (0.0, 1.0))],
    "max(x, y)": [((2.0, 2.0), (1.0, 0.0))],
    "min(x, y)": [((2.0, 2.0), (1.0, 0.0))],
    "np.nan_to_num(x)": [((0.0, 0.0), (1.0, 0.0)), ((NAN, 0.0), (0.0, 0.0)), ((INF, 0.0), (0.0, 0.0))],
    "abs(x)": [((0.0, 0.0), (1.0, 0.0)), ((-0.0, 0.0), (-1.0, 0.0))],
    "x ** 0": [((0.0, 0.0), (0.0, 0.0))],
    "x ** 1": [((0.0, 0.0), (1.0, 0.0))],
    "x ** 2": [((0.0, 0.0), (0.0, 0.0)), ((-3.0, 0.0), (-6.0, 0.0))],
    "x ** 3": [((0.0, 0.0), (0.0, 0.0)), ((-2.0, 0.0), (12.0, 0.0))],
    "x ** -2": [((-2.0, 0.0), (0.25, 0.0))],
    "x ** 0.5": [((4.0, 0.0), (0.25, 0.0)), ((0.0, 0.0), (INF, 0.0))],
    "x ** int(y)": [((0.0, 1.0), (1.0, 0.0)), ((0.0, 2.0), (0.0, 0.0)), ((-2.0, 3.0), (12.0, 0.0))],
    "x ** y": [
        ((0.0, 2.0), (0.0, 0.0)),
        ((0.0, 1.0), (1.0, 0.0)),
        ((1.0, 0.0), (0.0, 0.0)),
        ((-2.0, 3.0), (12.0, NAN)),
    ],
    "np.power(x, y)": [((0.0, 2.0), (0.0, 0.0)), ((0.0, 1.0), (1.0, 0.0))],
    "np.cbrt(x)": [((8.0, 0.0), (1 / 12, 0.0)), ((-8.0, 0.0), (1 / 12, 0.0)), ((0.0, 0.0), (INF, 0.0))],
    "np.sqrt(x)": [((0.0, 0.0), (INF, 0.0))],
    "np.square(x)": [((0.0, 0.0), (0.0, 0.0))],
    "np.reciprocal(x)": [((-2.0, 0.0), (-0.25, 0.0))],
    "np.exp2(x)": [((0.0, 0.0), (math.log(2), 0.0))],
    "np.log1p(x)": [((0.0, 0.0), (1.0, 0.0)), ((-1.0, 0.0), (INF, 0.0))],
    "np.expm1(x)": [((0.0, 0.0), (1.0, 0.0))],
    "np.arccosh(x)": [((1.0, 0.0), (INF, 0.0))],
    "np.arctanh(x)": [((0.0, 0.0), (1.0, 0.0)), ((1.0, 0.0), (INF, 0.0))],
    "np.arcsin(x)": [((1.0, 0.0), (INF, 0.0))],
    "np.tanh(x)": [((0.0, 0.0), (1.0, 0.0)), ((INF, 0.0), (0.0, 0.0))],
    "np.angle(x)": [((-1.0, 0.0), (0.0, 0.0))],
    "np.deg2rad(x)": [((0.0, 0.0), (math.pi / 180, 0.0))],
    "math.gamma(x)": [((1.0, 0.0), (-EULER, 0.0)), ((2.0, 0.0), (1.0 - EULER, 0.0))],
    "math.lgamma(x)": [((1.0, 0.0), (-EULER, 0.0)), ((2.0, 0.0), (1.0 - EULER, 0.0))],
    "math.erf(x)": [((0.0, 0.0), (2 / math.sqrt(math.pi), 0.0)), ((INF, 0.0), (0.0, 0.0))],
    "math.ldexp(x, 3)": [((0.0, 0.0), (8.0, 0.0))],
    "math.frexp(x)[0]": [((1.0, 0.0), (0.5, 0.0)), ((0.0, 0.0), (1.0, 0.0))],
    "np.spacing(x)": [((1.0, 0.0), (0.0, 0.0))],
    "np.nextafter(x, y)": [((1.0, 1.0), (1.0, 0.0))],
    "np.floor(x) + np.ceil(x) + np.trunc(x) + np.rint(x)": [((2.0, 0.0), (0.0, 0.0)), ((-0.5, 0.0), (0.0, 0.0))],
}


def chooser() -> Any:
    lines = ["def chooser(which, x, y):"]
    for place, expression in enumerate(SCALARS):
        lines += [f"    if which == {place}:", f"        return float({expression})"]
    scope: dict[str, Any] = {"np": np, "math": math}
    exec("\n".join([*lines, "    return 0.0"]), scope)
    return njit(error_model="numpy")(scope["chooser"])


def test_scalar_functions_at_their_special_points() -> None:
    kernel = chooser()
    reverse = ad.autodiff(kernel, ad.Const, ad.Active, ad.Active, mode=ad.ReverseWithPrimal)
    forward = ad.autodiff(kernel, ad.Const, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
    wrong = []
    for which, (expression, points) in enumerate(SCALARS.items()):
        for (x, y), want in points:
            value, got = reverse(which, x, y)
            tangents = forward(which, x, 1.0, y, 0.0), forward(which, x, 0.0, y, 1.0)
            for name, pair in (("reverse", got), ("forward", tangents)):
                if not np.allclose(pair, want, rtol=1e-10, atol=0.0, equal_nan=True):
                    wrong.append((name, expression, (x, y), pair, want))
            if not np.array_equal(value, kernel(which, x, y), equal_nan=True):
                wrong.append(("value", expression, (x, y), value, kernel(which, x, y)))
    assert not wrong


def gradient(kernel: Any, *arrays: np.ndarray, forward: bool = False) -> list[np.ndarray]:
    """Adjoints of the float arrays of a kernel that returns a float; its value is that of a plain call."""
    shadows = [np.zeros_like(a) for a in arrays]
    pairs = [part for pair in zip(arrays, shadows, strict=True) for part in pair]
    annotations = [ad.Duplicated] * len(arrays)
    value, _ = ad.autodiff(kernel, *annotations, mode=ad.ReverseWithPrimal)(*pairs)
    assert value == kernel(*arrays)
    if not forward:
        return shadows
    directions = [np.cos(np.arange(a.size)).reshape(a.shape) for a in arrays]
    pairs = [part for pair in zip(arrays, directions, strict=True) for part in pair]
    along = sum((s * d).sum() for s, d in zip(shadows, directions, strict=True))
    np.testing.assert_allclose(ad.autodiff(kernel, *annotations, mode=ad.Forward)(*pairs), along, rtol=1e-12)
    return shadows


@njit
def interpolated(x, xp, fp):
    return (np.interp(x, xp, fp) * np.arange(1.0, x.size + 1.0)).sum()


def test_interpolation_at_a_node() -> None:
    x, xp, fp = np.array([1.0, 2.0, 0.0, 4.0, 1.5]), np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.0, 1.0, 4.0, 16.0])
    dx, dxp, dfp = gradient(interpolated, x, xp, fp, forward=True)
    # The slope to the right of the node, and 0 where the polygon ends: each lies between those of the two sides.
    np.testing.assert_allclose(dx, [3.0, 12.0, 3.0, 0.0, 15.0])
    np.testing.assert_allclose(dxp, [-3.0, -3.0 - 7.5, -12.0 - 7.5, 0.0])
    np.testing.assert_allclose(dfp, [3.0, 1.0 + 2.5, 2.0 + 2.5, 4.0])


@njit
def quantiles(a, q):
    return (np.percentile(a, q) * np.array([1.0, 2.0, 3.0, 4.0])).sum()


def test_percentiles_at_both_ends_and_at_a_rank() -> None:
    a, q = np.array([5.0, 1.0, 2.0, 10.0, 3.0]), np.array([0.0, 25.0, 30.0, 100.0])
    da, dq = gradient(quantiles, a, q)
    np.testing.assert_allclose(dq, np.array([1.0, 2.0, 3.0, 4.0 * 5.0]) * 4 / 100)
    np.testing.assert_allclose(da, [0.0, 1.0, 2.0 + 3.0 * 0.8, 4.0, 3.0 * 0.2])


@njit
def unwrapped(p):
    return (np.unwrap(p) * np.arange(1.0, p.size + 1.0)).sum()


def test_unwrapping_a_step_of_half_a_period() -> None:
    (dp,) = gradient(unwrapped, np.array([0.0, math.pi, 2 * math.pi, 9.5, 3.0, 3.0 - math.pi]))
    assert np.array_equal(dp, np.arange(1.0, 7.0))


@njit
def remainders(x, y):
    return (x % y).sum() + (np.remainder(x, y) * x).sum()


def test_remainders_of_arrays_at_multiples() -> None:
    dx, dy = gradient(remainders, np.array([4.0, 0.0, -4.0]), np.array([2.0, 2.0, 2.0]), forward=True)
    assert np.array_equal(dx, 1.0 + np.array([4.0, 0.0, -4.0]))
    assert np.array_equal(dy, [-2.0 - 8.0, 0.0, 2.0 - 8.0])


@njit
def reductions(a, b):
    s = np.prod(a) + 2.0 * np.cumprod(a)[3] + 3.0 * np.max(b) + 5.0 * np.ptp(b) + 7.0 * np.median(a)
    return s + np.var(b) + np.trapezoid(a) + np.mean(np.clip(a, 0.0, 2.0))


def test_reductions_with_zeros_and_ties() -> None:
    a, b = np.array([2.0, 0.0, 3.0, 1.0]), np.full(3, 4.0)
    da, db = gradient(reductions, a, b)
    np.testing.assert_allclose(da, [3.5 + 0.75, 18.0 + 1.25, 1.0, 3.5 + 0.75])
    assert db.sum() == 3.0


def test_second_derivatives_at_special_points() -> None:
    assert abs(ad.second_derivative(lambda x: np.sinc(x))(0.0) + math.pi**2 / 3) < 1e-12
    hessian = ad.hessian(lambda z: np.logaddexp(z[0], z[1]))(np.array([0.3, 0.3]))
    np.testing.assert_allclose(hessian, [[0.25, -0.25], [-0.25, 0.25]], rtol=1e-12)
    assert np.array_equal(ad.hessian(lambda z: (z[0] % 2.0) ** 2)(np.array([4.0])), [[2.0]])


@njit(fastmath=True)
def fast_remainder(x, y):
    return x % y + np.logaddexp(x, x * 1.0)


def test_stated_derivatives_hold_under_fastmath() -> None:
    np.testing.assert_allclose(ad.autodiff(fast_remainder, ad.Active, ad.Active)(4.0, 2.0), (2.0, -2.0), rtol=1e-12)
