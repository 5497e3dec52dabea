"""Arguments of all kinds: layouts, types, passengers; and how many directions there are."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys

import pyfront as ad


def norm(a):
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j] * a[i, j] * (i + 1)
            a[i, j] = 0.0
    return total


MATRIX = np.arange(12.0).reshape(3, 4)
LAYOUTS = {
    "C": MATRIX,
    "F": np.asfortranarray(MATRIX),
    "strided": np.repeat(MATRIX, 2, axis=1)[:, ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    a, weights = LAYOUTS[layout], np.array([1.0, 2.0, 3.0])[:, None]
    before = a.copy()
    np.testing.assert_allclose(ad.grad(norm)(a), 2 * weights * MATRIX)
    np.testing.assert_allclose(ad.jacfwd(norm)(a), 2 * weights * MATRIX)
    direction = np.asfortranarray(np.ones((3, 4)))
    np.testing.assert_allclose(ad.hvp(norm, a, direction), 2 * weights * np.ones((3, 4)))
    np.testing.assert_allclose(ad.jvp(norm, (a,), (direction,))[1], (2 * weights * MATRIX).sum())
    np.testing.assert_allclose(ad.vjp(norm, a)[1](1.0)[0], 2 * weights * MATRIX)
    diagonal = np.diag(np.repeat([2.0, 4.0, 6.0], 4)).reshape(3, 4, 3, 4)
    np.testing.assert_allclose(ad.hessian(norm)(a), diagonal)
    np.testing.assert_array_equal(a, before)


def test_readonly_arguments() -> None:
    a = MATRIX.copy()
    a.flags.writeable = False
    np.testing.assert_allclose(ad.grad(norm)(a)[0], 2 * MATRIX[0])
    np.testing.assert_allclose(ad.jacobian(norm)(a)[0], 2 * MATRIX[0])
    counts = np.array([1, 2, 3])
    counts.flags.writeable = False
    result = ad.grad(lambda x, n: (x * n).sum())(np.ones(3), counts)
    np.testing.assert_array_equal(result, [1.0, 2.0, 3.0])


def test_single_precision() -> None:
    x = np.array([1.0, 2.0], np.float32)

    def square(x):
        return (x * x).sum()

    def squares(x):
        return x * x

    gradient = ad.grad(square)(x)
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient, 2 * x)
    matrix = ad.jacobian(squares)(x)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.diag(2 * x))
    np.testing.assert_array_equal(ad.jacrev(squares)(x), np.diag(2 * x))
    np.testing.assert_array_equal(ad.hessian(square)(x), 2 * np.eye(2))
    assert ad.derivative(lambda t: t * t)(np.float32(3.0)) == 6.0


def test_passengers_are_not_changed() -> None:
    def scrambled(x, order, weights, flags, n):
        total = 0.0
        for i in range(order.size):
            if flags[i]:
                total += x[order[i]] ** n * weights[i]
            order[i], weights[i], flags[i] = 0, 0.0, False
        return total

    x, order, weights = np.array([1.0, 2.0, 3.0]), np.array([2, 0, 1]), np.array([1.0, 10.0, 100.0])
    flags = np.array([True, False, True])
    passengers = (order, weights, flags)
    copies = [a.copy() for a in passengers]
    np.testing.assert_allclose(ad.grad(scrambled)(x, *passengers, 2), [0.0, 400.0, 6.0])
    np.testing.assert_allclose(ad.jacfwd(scrambled)(x, *passengers, 2), [0.0, 400.0, 6.0])
    np.testing.assert_allclose(ad.hessian(scrambled)(x, *passengers, 2), np.diag([0.0, 200.0, 2.0]))
    np.testing.assert_allclose(ad.grad(scrambled, (0, 2))(x, *passengers, 2)[1], [9.0, 0.0, 4.0])
    prepared = ad.prepare(ad.grad(scrambled), x, *passengers, 2)
    for _ in range(2):
        np.testing.assert_allclose(prepared(x, *passengers, 2), [0.0, 400.0, 6.0])
    tangent = ad.jvp(scrambled, (x, *passengers, 2), (np.ones(3), None, None, None, None))[1]
    assert tangent == pytest.approx(406.0)
    cotangents = ad.vjp(scrambled, x, *passengers, 2)[1](1.0)
    assert [c is None for c in cotangents] == [False, True, False, True, True]
    for given, copy in zip(passengers, copies, strict=True):
        np.testing.assert_array_equal(given, copy)


def test_a_pullback_keeps_its_point() -> None:
    x = np.array([1.0, 2.0])
    _, pullback = ad.vjp(lambda x: x * x * x, x)
    x[:] = 7.0
    for _ in range(2):
        np.testing.assert_allclose(pullback(np.ones(2))[0], [3.0, 12.0])


def test_the_same_array_twice_is_two_arguments() -> None:
    def product(x, y):
        x *= 2.0
        return (x * y).sum()

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(ad.grad(product)(x, x), 2 * x)
    by_x, by_y = ad.grad(product, (0, 1))(x, x)
    np.testing.assert_allclose(by_x, by_y)


def test_only_what_is_written_is_copied() -> None:
    def reading(x):
        return (x * x).sum()

    def writing(x):
        x *= x
        return x.sum()

    x = np.array([1.0, 2.0])
    counts = []
    for function in (reading, writing):
        gradient = ad.grad(function)
        np.testing.assert_array_equal(gradient(x), 2 * x)
        before = rtsys.get_allocation_stats().mi_alloc
        gradient(x)
        counts.append(rtsys.get_allocation_stats().mi_alloc - before)
    assert counts == [2, 3]  # the argument, the result, and the copy


def test_an_array_that_is_passed_twice_is_only_read() -> None:
    def product(x, y):
        return (x * y).sum()

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ad.grad(product)(x, x), x)
    np.testing.assert_array_equal(ad.grad(product, (0, 1))(x, x), (x, x))
    np.testing.assert_array_equal(ad.jacfwd(product, (0, 1))(x, x), (x, x))
    np.testing.assert_array_equal(ad.vjp(product, x, x)[1](1.0), (x, x))


@pytest.mark.parametrize("size", [0, 1, 3, 64, 65, 100])
def test_any_number_of_directions(size: int) -> None:
    def coupled(x):
        result = np.empty_like(x)
        for i in range(x.size):
            result[i] = x[i] * x[x.size - 1 - i]
        return result

    x = np.linspace(0.5, 1.5, size)
    expected = np.zeros((size, size))
    for i in range(size):
        expected[i, i] += x[size - 1 - i]
        expected[i, size - 1 - i] += x[i]
    for operator in (ad.jacfwd, ad.jacrev, ad.jacobian):
        np.testing.assert_allclose(operator(coupled)(x), expected, atol=1e-14)


def test_wide_and_tall_jacobians() -> None:
    def product(x, m):
        result = np.zeros(m)
        for i in range(m):
            for j in range(x.size):
                result[i] += (i + 1) * x[j] * x[j]
        return result

    for size, rows in ((2, 70), (70, 2), (40, 33)):
        x = np.linspace(0.5, 1.5, size)
        expected = np.outer(np.arange(1.0, rows + 1), 2 * x)
        for operator in (ad.jacfwd, ad.jacrev, ad.jacobian):
            np.testing.assert_allclose(operator(product)(x, rows), expected)


def test_default_values_of_parameters() -> None:
    def power(x, n=3):
        return x**n

    assert ad.grad(power)(2.0) == pytest.approx(12.0)
    assert ad.grad(power)(2.0, 2) == pytest.approx(4.0)


def test_a_function_that_returns_and_writes() -> None:
    def both(y, x):
        y[0] = x * x
        return 1.0

    np.testing.assert_allclose(ad.derivative(both, out=0)(np.zeros(2), 3.0), [6.0, 0.0])


def test_the_result_may_be_any_argument() -> None:
    def into_last(x, n, y):
        for i in range(x.size):
            y[i] = x[i] ** n

    x = np.array([1.0, 2.0])
    for out in (2, -1, "y"):
        np.testing.assert_allclose(ad.jacobian(into_last, out=out)(x, 2, np.zeros(2)), np.diag(2 * x))
    np.testing.assert_allclose(ad.vjp(into_last, x, 2, np.zeros(2), out=2)[1](np.ones(2))[0], 2 * x)


def test_operators_are_made_once() -> None:
    def square(x):
        return x * x

    compiled = njit(square)
    assert ad.grad(square) is ad.grad(square)
    assert ad.grad(compiled, (0,)) is ad.grad(compiled, [0])
    assert ad.grad(compiled) is not ad.value_and_grad(compiled)
    assert ad.hessian(compiled) is ad.hessian(compiled)
