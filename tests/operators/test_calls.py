"""How operators are called and passed on: the order of argnums, names of arguments, pickles, results as arguments."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

import pyfront as ad

X, Y = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])
A, B = 1.5, 2.0


def energy(a, x, b, y):
    return a * (x * x).sum() + b * b * (y * x).sum()


def field(a, x, b):
    return a * x * x * b * b


def field_into(out, x):
    for i in range(out.size):
        out[i] = x[i] * x[0]


def coupled(x):
    total = 0.0
    for i in range(x.size):
        total += np.sin(x[i]) * x[x.size - 1 - i] * x[0]
    return total


def product(x, matrix):
    result = np.zeros(x.size)
    for i in range(x.size):
        for j in range(x.size):
            result[i] += matrix[i, j] * x[j] * x[0]
    return result


@pytest.mark.parametrize("operator", [ad.grad, ad.jacfwd, ad.jacrev, ad.jacobian])
@pytest.mark.parametrize("argnums", [*itertools.permutations((0, 2)), (2, 1, 0), (3, 0, 2, 1), (-2, 0)])
def test_results_are_in_the_order_of_argnums(operator, argnums) -> None:
    partials = [(X * X).sum(), 2 * A * X + B * B * Y, 2 * B * (Y * X).sum(), B * B * X]
    for result, index in zip(operator(energy, argnums)(A, X, B, Y), argnums, strict=True):
        np.testing.assert_allclose(result, partials[index])


@pytest.mark.parametrize("operator", [ad.jacfwd, ad.jacrev, ad.jacobian])
@pytest.mark.parametrize("argnums", [(0, 2), (2, 0), (2, 1, 0)])
def test_blocks_are_in_the_order_of_argnums(operator, argnums) -> None:
    blocks = [X * X * B * B, np.diag(2 * A * X * B * B), 2 * A * X * X * B]
    for result, index in zip(operator(field, argnums)(A, X, B), argnums, strict=True):
        np.testing.assert_allclose(result, blocks[index])


def test_blocks_of_a_hessian_are_in_the_order_of_argnums() -> None:
    (yy, yx), (xy, xx) = ad.hessian(lambda x, y: x * x * y * y * y, (1, 0))(2.0, 3.0)
    np.testing.assert_allclose([yy, yx, xy, xx], [72.0, 108.0, 108.0, 54.0])


def test_arguments_by_name() -> None:
    def scaled(x, a, b=2.0):
        return a * x * x * b

    gradient = ad.grad(scaled)
    assert gradient(3.0, a=2.0) == gradient(a=2.0, x=3.0) == gradient(3.0, 2.0) == 24.0
    assert gradient(x=3.0, b=1.0, a=2.0) == 12.0
    assert gradient.prepare(3.0, a=2.0)(3.0, 2.0) == 24.0


@pytest.mark.parametrize(
    ("args", "named", "reason"),
    [((3.0,), {"x": 1.0}, "`x` is given twice"), ((3.0,), {"q": 1.0}, "no argument"), ((), {"a": 1.0}, "`x` is not")],
)
def test_names_that_do_not_fit(args, named, reason) -> None:
    with pytest.raises(ad.ArityError, match=reason):
        ad.grad(lambda x, a: a * x * x)(*args, **named)


@pytest.mark.parametrize(
    "operator",
    [ad.grad(energy, (2, 0)), ad.value_and_grad(energy, 1), ad.hessian(energy), ad.jacrev(energy, 3)]
    + [ad.derivative(energy), ad.second_derivative(energy, 2), ad.jacfwd(ad.grad(energy, 1), 0)],
)
def test_pickles_and_copies(operator) -> None:
    expected = operator(A, X, B, Y)
    for other in (pickle.loads(pickle.dumps(operator)), copy.deepcopy(operator)):
        assert (other.label, other.argnums) == (operator.label, operator.argnums)
        assert repr(other(A, X, B, Y)) == repr(expected)


def test_pickle_of_an_operator_in_place() -> None:
    jacobian = pickle.loads(pickle.dumps(ad.jacobian(field_into, out="out")))
    np.testing.assert_array_equal(jacobian(np.zeros(2), X[:2]), [[2.0, 0.0], [2.0, 1.0]])


@pytest.mark.parametrize("size", [3, 70])
def test_a_reused_jacobian_refuses_its_own_result(size: int) -> None:
    x = np.linspace(0.1, 1.0, size)
    gradient = ad.jacfwd(coupled).prepare(x, reuse=True)
    first = gradient(x)
    with pytest.raises(ad.OverlapError, match=r"pass a copy: result.copy\(\)"):
        gradient(first)
    np.testing.assert_allclose(gradient(gradient(x).copy()), ad.grad(coupled)(ad.grad(coupled)(x)))
    matrix = np.outer(x, x)
    for operator in (ad.jacfwd, ad.jacrev):
        jacobian = operator(product).prepare(x, matrix, reuse=True)
        with pytest.raises(ad.OverlapError, match="result of an earlier call"):
            jacobian(x, jacobian(x, matrix))


def test_a_captured_number_that_changes() -> None:
    """Numba takes captured values for constants; an operator made after a change sees the new one."""
    factor = 2.0

    def scaled(x):
        return factor * x * x

    assert ad.grad(scaled)(3.0) == 12.0
    factor = 5.0
    assert ad.grad(scaled)(3.0) == 30.0
    assert ad.autodiff(scaled, ad.Active(3.0)) == 30.0
    factor = 2.0
    assert ad.grad(scaled)(3.0) == 12.0
