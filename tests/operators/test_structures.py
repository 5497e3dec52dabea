"""Arguments that are tuples, named tuples, lists and dicts: results have the same structure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

import pyfront as ad


class Layer(NamedTuple):
    weights: np.ndarray
    bias: float


def network(parameters, inputs):
    hidden = np.empty(parameters["first"].weights.shape[0])
    for i in range(hidden.size):
        total = parameters["first"].bias
        for j in range(inputs.size):
            total += parameters["first"].weights[i, j] * inputs[j]
        hidden[i] = np.tanh(total)
    total = parameters["last"][1]
    for i in range(hidden.size):
        total += parameters["last"][0][i] * hidden[i]
    return total * total


@pytest.fixture
def parameters(rng: np.random.Generator) -> dict[str, object]:
    return {"last": [rng.normal(size=3), 0.4], "first": Layer(rng.normal(size=(3, 2)), -0.2)}


def expected_gradient(parameters, inputs):
    (weights, bias), (last, offset) = parameters["first"], parameters["last"]
    hidden = np.tanh(weights @ inputs + bias)
    value = last @ hidden + offset
    inner = 2 * value * last * (1 - hidden**2)
    return {"first": Layer(np.outer(inner, inputs), inner.sum()), "last": [2 * value * hidden, 2 * value]}


def test_gradient_has_the_structure_of_its_argument(parameters, rng) -> None:
    inputs = rng.normal(size=2)
    value, gradient = ad.value_and_grad(network)(parameters, inputs)
    expected = expected_gradient(parameters, inputs)
    assert list(gradient) == ["first", "last"]
    assert type(gradient["first"]) is Layer
    assert type(gradient["last"]) is list
    np.testing.assert_allclose(gradient["first"].weights, expected["first"].weights, rtol=1e-12)
    assert gradient["first"].bias == pytest.approx(expected["first"].bias, rel=1e-12)
    np.testing.assert_allclose(gradient["last"][0], expected["last"][0], rtol=1e-12)
    assert gradient["last"][1] == pytest.approx(expected["last"][1], rel=1e-12)
    assert value == pytest.approx((expected["last"][1] / 2) ** 2)


def test_the_order_of_keys_does_not_matter(parameters, rng) -> None:
    inputs = rng.normal(size=2)
    reversed_keys = dict(reversed(parameters.items()))
    first, second = ad.grad(network)(parameters, inputs), ad.grad(network)(reversed_keys, inputs)
    np.testing.assert_array_equal(first["last"][0], second["last"][0])


def test_directions_have_the_structure_of_their_argument(parameters, rng) -> None:
    inputs = rng.normal(size=2)
    direction = {"first": Layer(rng.normal(size=(3, 2)), 0.3), "last": [rng.normal(size=3), -1.0]}
    expected = expected_gradient(parameters, inputs)
    slope = (
        (expected["first"].weights * direction["first"].weights).sum()
        + expected["first"].bias * direction["first"].bias
        + expected["last"][0] @ direction["last"][0]
        + expected["last"][1] * direction["last"][1]
    )
    assert ad.jvp(network, (parameters, inputs), (direction, None))[1] == pytest.approx(slope, rel=1e-12)
    for_parameters, for_inputs = ad.vjp(network, parameters, inputs)[1](2.0)
    np.testing.assert_allclose(for_parameters["last"][0], 2 * expected["last"][0], rtol=1e-12)
    assert for_inputs.shape == inputs.shape
    product, nothing = ad.hvp(network, (parameters, inputs), (direction, None))
    assert nothing is None
    step = 1e-6
    moved = [
        ad.grad(network)(
            {
                "first": Layer(
                    parameters["first"].weights + sign * step * direction["first"].weights,
                    parameters["first"].bias + sign * step * direction["first"].bias,
                ),
                "last": [
                    parameters["last"][0] + sign * step * direction["last"][0],
                    parameters["last"][1] + sign * step * direction["last"][1],
                ],
            },
            inputs,
        )
        for sign in (1, -1)
    ]
    difference = (moved[0]["first"].weights - moved[1]["first"].weights) / (2 * step)
    np.testing.assert_allclose(product["first"].weights, difference, rtol=1e-6, atol=1e-8)


def test_part_of_a_structure_may_stand_still(parameters, rng) -> None:
    inputs = rng.normal(size=2)
    _, tangent = ad.jvp(network, (parameters, inputs), ({"first": None, "last": [None, 1.0]}, None))
    assert tangent == pytest.approx(expected_gradient(parameters, inputs)["last"][1], rel=1e-12)


def test_a_gradient_into_given_arrays(parameters, rng) -> None:
    inputs = rng.normal(size=2)
    expected = expected_gradient(parameters, inputs)
    out = {"first": Layer(np.empty((3, 2)), None), "last": [np.empty(3), None]}
    result = ad.grad(network)(parameters, inputs, out=out)
    assert result["first"].weights is out["first"].weights
    np.testing.assert_allclose(out["last"][0], expected["last"][0], rtol=1e-12)
    assert result["last"][1] == pytest.approx(expected["last"][1])


def test_prepared_for_a_structure(parameters, rng) -> None:
    inputs = rng.normal(size=2)
    prepared = ad.prepare(ad.grad(network), parameters, inputs)
    first = prepared(parameters, inputs)
    np.testing.assert_allclose(first["last"][0], expected_gradient(parameters, inputs)["last"][0], rtol=1e-12)
    assert prepared(parameters, inputs)["last"][0] is not first["last"][0]
    reused = ad.prepare(ad.grad(network), parameters, inputs, reuse=True)
    assert reused(parameters, inputs)["last"][0] is reused(parameters, inputs)["last"][0]
    with pytest.raises(ad.StructureError, match="another structure"):
        prepared(list(parameters.values()), inputs)


def test_hessian_of_a_dict_is_a_dict_of_dicts() -> None:
    def quadratic(p):
        return p["a"].sum() ** 2 * p["b"]

    a = np.array([1.0, 2.0])
    blocks = ad.hessian(quadratic)({"a": a, "b": 3.0})
    np.testing.assert_allclose(blocks["a"]["a"], np.full((2, 2), 6.0))
    np.testing.assert_allclose(blocks["a"]["b"], np.full(2, 6.0))
    np.testing.assert_allclose(blocks["b"]["a"], np.full(2, 6.0))
    assert blocks["b"]["b"] == 0.0


def test_jacobian_by_several_arguments_crosses_their_borders(rng) -> None:
    def mixed(s, pair, matrix):
        result = np.empty(matrix.shape[0])
        for i in range(matrix.shape[0]):
            result[i] = s * pair[0][i] * pair[1]
            for j in range(matrix.shape[1]):
                result[i] += matrix[i, j] * matrix[i, j] * s
        return result

    rows, columns = 5, 30
    s, pair, matrix = 1.5, (rng.normal(size=rows), -0.7), rng.normal(size=(rows, columns))
    for operator in (ad.jacfwd, ad.jacrev, ad.jacobian):
        by_s, (by_first, by_second), by_matrix = operator(mixed, (0, 1, 2))(s, pair, matrix)
        np.testing.assert_allclose(by_s, pair[0] * pair[1] + (matrix**2).sum(axis=1), rtol=1e-12)
        np.testing.assert_allclose(by_first, np.diag(np.full(rows, s * pair[1])), rtol=1e-12)
        np.testing.assert_allclose(by_second, s * pair[0], rtol=1e-12)
        np.testing.assert_allclose(by_matrix, np.einsum("ij,ik->ikj", 2 * s * matrix, np.eye(rows)), rtol=1e-12)


def test_none_is_an_empty_structure() -> None:
    def optional(x, flag):
        if flag is None:
            return x * x
        return x

    assert ad.grad(optional)(3.0, None) == 6.0


def test_keys_are_strings() -> None:
    with pytest.raises(ad.StructureError, match="not a string"):
        ad.grad(lambda p: p[1])({1: 2.0})


def test_dicts_in_dicts() -> None:
    def nested(p):
        return p["scale"] * p["layer"]["w"][0].sum() * p["layer"]["inner"]["b"]

    weights = np.array([1.0, 2.0])
    gradient = ad.grad(nested)({"scale": 2.0, "layer": {"w": [weights, 5.0], "inner": {"b": 3.0}}})
    assert gradient["scale"] == 9.0
    assert gradient["layer"]["inner"] == {"b": 6.0}
    np.testing.assert_array_equal(gradient["layer"]["w"][0], [6.0, 6.0])
    assert gradient["layer"]["w"][1] == 0.0
