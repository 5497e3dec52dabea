"""Operators inside compiled code, and operators of operators."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

import pyfront as ad


class Point(NamedTuple):
    x: np.ndarray
    scale: float


@njit
def cubes(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i] * x[i]
    x[:] = 0.0
    return total


@njit
def wave(t):
    return np.sin(t) * t * t


@njit
def weighted(p, q):
    return (p.x * p.x).sum() * p.scale + q[0] * q[1][0]


gradient = ad.grad(cubes)
slope = ad.derivative(wave)
table = ad.jacobian(njit(lambda x: x * x * x))
of_points = ad.grad(weighted, (0, 1))
hessian_of_points = ad.hessian(weighted)
X = np.array([0.5, -1.0, 2.0])


def test_a_gradient_in_compiled_code() -> None:
    @njit
    def length(x):
        g = gradient(x)
        return (g * g).sum()

    assert length(X) == pytest.approx((9 * X**4).sum())
    np.testing.assert_allclose(ad.grad(length)(X), 36 * X**3)
    np.testing.assert_allclose(ad.hessian(length)(X), np.diag(108 * X**2))


def test_a_jacobian_in_compiled_code() -> None:
    @njit
    def trace(x):
        return np.trace(table(x))

    assert trace(X) == pytest.approx((3 * X**2).sum())

    @njit
    def sum_of_diagonal(x):
        matrix = table(x)
        total = 0.0
        for i in range(x.size):
            total += matrix[i, i]
        return total

    np.testing.assert_allclose(ad.grad(sum_of_diagonal)(X), 6 * X)


def test_more_columns_than_a_batch_in_compiled_code() -> None:
    @njit
    def call(x):
        return table(x)

    x = np.linspace(-1.0, 1.0, 37)
    np.testing.assert_allclose(call(x), np.diag(3 * x**2), atol=1e-14)


def test_structures_in_compiled_code() -> None:
    @njit
    def call(x, scale):
        by_point, by_pair = of_points(Point(x, scale), (3.0, x))
        return by_point.x, by_point.scale, by_pair[0], by_pair[1]

    by_x, by_scale, by_factor, by_row = call(X, 2.0)
    np.testing.assert_allclose(by_x, 4 * X)
    assert by_scale == pytest.approx((X * X).sum())
    assert by_factor == X[0]
    np.testing.assert_array_equal(by_row, [3.0, 0.0, 0.0])

    @njit
    def curvature(x):
        return hessian_of_points(Point(x, 2.0), (3.0, x)).x.x[0, 0] * x[0]

    assert curvature(X) == pytest.approx(4 * X[0])
    np.testing.assert_allclose(ad.grad(curvature)(X), [4.0, 0.0, 0.0])


def test_third_derivatives() -> None:
    t = 0.7
    third = -np.cos(t) * t * t - 6 * t * np.sin(t) + 6 * np.cos(t)
    d = ad.derivative
    assert d(d(d(wave)))(t) == pytest.approx(third, rel=1e-12)
    assert ad.grad(ad.grad(ad.grad(wave)))(t) == pytest.approx(third, rel=1e-12)
    assert ad.second_derivative(slope)(t) == pytest.approx(third, rel=1e-12)
    assert ad.jacrev(ad.second_derivative(wave))(t) == pytest.approx(third, rel=1e-12)


@pytest.mark.parametrize("outer", [ad.jacfwd, ad.jacrev, ad.jacobian], ids=lambda f: f.__name__)
@pytest.mark.parametrize("inner", [ad.grad, ad.jacfwd, ad.jacrev, ad.jacobian], ids=lambda f: f.__name__)
def test_all_ways_to_a_hessian(outer, inner) -> None:
    np.testing.assert_allclose(outer(inner(cubes))(X), np.diag(6 * X), atol=1e-14)


def test_derivatives_of_hessians() -> None:
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6.0
    np.testing.assert_allclose(ad.jacfwd(ad.hessian(cubes))(X), expected)
    np.testing.assert_allclose(ad.jacrev(ad.hessian(cubes))(X), expected)


def test_products_with_operators() -> None:
    direction = np.array([1.0, -2.0, 0.5])
    value, tangent = ad.jvp(gradient, (X,), (direction,))
    np.testing.assert_allclose(value, 3 * X**2)
    np.testing.assert_allclose(tangent, 6 * X * direction)
    value, pullback = ad.vjp(ad.value_and_grad(cubes), X)
    assert value[0] == pytest.approx((X**3).sum())
    (result,) = pullback((2.0, direction))
    np.testing.assert_allclose(result, 6 * X**2 + 6 * X * direction)


def test_jacobian_of_value_and_gradient_has_their_structure() -> None:
    by_value, by_gradient = ad.jacfwd(ad.value_and_grad(cubes))(X)
    np.testing.assert_allclose(by_value, 3 * X**2)
    np.testing.assert_allclose(by_gradient, np.diag(6 * X))


def test_an_operator_is_a_kernel() -> None:
    assert ad.autodiff(slope, ad.Active)(0.7) == pytest.approx(ad.second_derivative(wave)(0.7))


def test_a_derivative_is_a_function() -> None:
    dk = ad.autodiff(wave, ad.Active)
    assert ad.derivative(dk)(0.7) == pytest.approx(ad.second_derivative(wave)(0.7))


def test_no_confusion_of_perturbations() -> None:
    inner_slope = ad.derivative(njit(lambda y, x: x + y))

    @njit
    def classic(x):
        return x * inner_slope(1.0, x)

    assert ad.derivative(classic)(5.0) == 1.0


@njit
def squares(x):
    return x * x


@njit
def squares_into(out, x):
    for i in range(x.size):
        out[i] = x[i] * x[i]


@njit
def weighted_sum(x, n, a=2.0):
    return (x * x).sum() * n * a


V = np.array([1.0, 0.0, 2.0])
value_and_gradient = ad.value_and_grad(cubes)
by_default = ad.grad(weighted_sum)
rows = ad.jacobian(squares_into, out=0)


def test_out_in_compiled_code() -> None:
    @njit
    def call(x):
        target, matrix = np.empty_like(x), np.empty((x.size, x.size))
        value, same = value_and_gradient(x, out=(None, target))
        rows(x, x, out=matrix)
        return value + same[0] + target.sum() + matrix[1, 1]

    assert call(X) == pytest.approx((X**3).sum() + 3 * X[0] ** 2 + (3 * X**2).sum() + 2 * X[1])
    np.testing.assert_allclose(ad.grad(call)(X), 3 * X**2 + 6 * X + [6 * X[0], 2.0, 0.0])

    with pytest.raises(ad.ShapeError, match="has not the shape of its result"):
        njit(lambda x: gradient(x, out=np.empty(2)))(X)


def test_products_in_compiled_code() -> None:
    @njit
    def call(x, v):
        value, tangent = ad.jvp(cubes, (x,), (v,))
        _, moved = ad.jvp(squares_into, (v, x), (None, v), out=0)
        several = ad.hvp(weighted_sum, (x, 3, 1.0), (v, None, None))
        return value + tangent, ad.hvp(cubes, x, v), moved, several[0]

    total, product, moved, several = call(X, V)
    assert total == pytest.approx((X**3).sum() + (3 * X**2 * V).sum())
    np.testing.assert_allclose(product, 6 * X * V)
    np.testing.assert_allclose(moved, 2 * X * V)
    np.testing.assert_allclose(several, 6 * V)
    np.testing.assert_allclose(ad.grad(njit(lambda x, v: ad.jvp(cubes, (x,), (v,))[1]))(X, V), 6 * X * V)
    with pytest.raises(ad.StructureError, match=r"write \(x,\) for one argument"):
        njit(lambda x: ad.jvp(cubes, x, x))(X)
    with pytest.raises(ad.UnsupportedError, match="name an @njit function or an operator"):
        njit(lambda x: ad.hvp(3, x, x))(X)


def test_pullbacks_in_compiled_code() -> None:
    @njit
    def call(x, v):
        value, pullback = ad.vjp(squares, x)
        return value.sum() + (pullback(v)[0] * pullback(x)[0]).sum()

    assert call(X, V) == pytest.approx((X**2).sum() + (4 * V * X**3).sum())
    np.testing.assert_allclose(ad.grad(call)(X, V), 2 * X + 12 * V * X**2)
    with pytest.raises(ad.UnsupportedError, match="cannot be handed to Python"):
        njit(lambda x: ad.vjp(squares, x)[1])(X)


def test_prepared_operators_in_compiled_code() -> None:
    of_cubes, product = gradient.prepare(X), ad.prepare(ad.hvp, cubes, X, V)
    pushforward, transposed = ad.prepare(ad.jvp, squares, (X,), (V,)), ad.prepare(ad.vjp, squares, X)

    @njit
    def call(x, v):
        return of_cubes(x), product(x, v), pushforward((x,), (v,))[1], transposed(x)[1](v)[0]

    for found, expected in zip(call(X, V), (3 * X**2, 6 * X * V, 2 * X * V, 2 * X * V), strict=True):
        np.testing.assert_allclose(found, expected)


def test_defaults_and_names_in_compiled_code() -> None:
    @njit
    def call(x):
        return by_default(x, 3) + by_default(x, n=3, a=1.0)

    np.testing.assert_allclose(call(X), 18 * X)
    np.testing.assert_allclose(by_default(X, 3), 12 * X)


def test_a_half_of_a_split_derivative_in_compiled_code_is_refused() -> None:
    forward, _ = ad.autodiff_split(cubes, ad.Duplicated)
    with pytest.raises(ad.UnsupportedError, match="called from Python only"):
        njit(lambda x: forward(x))(X)
