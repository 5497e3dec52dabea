"""Every operator on every scenario it has a meaning for, allocating, into the caller's arrays, and prepared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pyfront as ad

from .scenarios import BY_SCALAR, GRID, OF_FLOAT, Scenario

CLOSE = {"rtol": 1e-11, "atol": 1e-12}


def scenario_parameters(scenarios: list[Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scenario", scenarios, ids=str)


def untouched(scenario: Scenario, call: Callable[..., Any]) -> Any:
    """The result of a call that must not change its arguments."""
    arguments = tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in scenario.arguments)
    result = call(*arguments)
    for given, original in zip(arguments, scenario.arguments, strict=True):
        np.testing.assert_array_equal(given, original)
    return result


def check(scenario: Scenario, operator: Any, expected: Any) -> None:
    """The three ways to call an operator agree with ``expected``, in value, shape and type."""
    result = untouched(scenario, operator)
    np.testing.assert_allclose(result, expected, **CLOSE)
    assert np.shape(result) == np.shape(expected)
    assert isinstance(result, np.ndarray if np.ndim(expected) else float)
    if np.ndim(expected):
        target = np.full((*np.shape(expected), 2), np.nan)[..., 0]
        assert untouched(scenario, lambda *args: operator(*args, out=target)) is target
        np.testing.assert_array_equal(target, result)
    prepared = ad.prepare(operator, *scenario.arguments)
    first = untouched(scenario, prepared)
    np.testing.assert_array_equal(first, result)
    again = untouched(scenario, prepared)
    np.testing.assert_array_equal(again, result)
    assert again is not first or not np.ndim(expected)


@scenario_parameters(GRID)
def test_jacobian_by_columns(scenario: Scenario) -> None:
    check(scenario, ad.jacfwd(scenario.f, **scenario.keywords), scenario.jacobian(scenario.x))


@scenario_parameters(GRID)
def test_jacobian_by_rows(scenario: Scenario) -> None:
    check(scenario, ad.jacrev(scenario.f, **scenario.keywords), scenario.jacobian(scenario.x))


@scenario_parameters(GRID)
def test_jacobian(scenario: Scenario) -> None:
    check(scenario, ad.jacobian(scenario.f, **scenario.keywords), scenario.jacobian(scenario.x))


@scenario_parameters(BY_SCALAR)
def test_derivative(scenario: Scenario) -> None:
    check(scenario, ad.derivative(scenario.f, **scenario.keywords), scenario.jacobian(scenario.x))


@scenario_parameters(BY_SCALAR)
def test_second_derivative(scenario: Scenario) -> None:
    step = 1e-6
    slope = (scenario.jacobian(scenario.x + step) - scenario.jacobian(scenario.x - step)) / (2 * step)
    result = untouched(scenario, ad.second_derivative(scenario.f, **scenario.keywords))
    np.testing.assert_allclose(result, slope, rtol=1e-8, atol=1e-9)
    assert np.shape(result) == np.shape(slope)


@scenario_parameters(OF_FLOAT)
def test_gradient(scenario: Scenario) -> None:
    check(scenario, ad.grad(scenario.f), scenario.jacobian(scenario.x))


@scenario_parameters(OF_FLOAT)
def test_value_and_gradient(scenario: Scenario) -> None:
    value, gradient = untouched(scenario, ad.value_and_grad(scenario.f))
    np.testing.assert_allclose(value, scenario.value(scenario.x), **CLOSE)
    np.testing.assert_allclose(gradient, scenario.jacobian(scenario.x), **CLOSE)
    prepared = ad.prepare(ad.value_and_grad(scenario.f), *scenario.arguments)
    np.testing.assert_array_equal(prepared(scenario.x)[0], value)
    np.testing.assert_array_equal(prepared(scenario.x)[1], gradient)


@scenario_parameters(OF_FLOAT)
def test_hessian(scenario: Scenario) -> None:
    assert scenario.hessian is not None
    check(scenario, ad.hessian(scenario.f), scenario.hessian(scenario.x))


@scenario_parameters(OF_FLOAT)
def test_hessian_times_vector(scenario: Scenario, rng: np.random.Generator) -> None:
    assert scenario.hessian is not None
    direction = rng.normal(size=np.shape(scenario.x)) if np.ndim(scenario.x) else 1.7
    expected = np.tensordot(scenario.hessian(scenario.x), direction, np.ndim(scenario.x))
    result = untouched(scenario, lambda x: ad.hvp(scenario.f, x, direction))
    np.testing.assert_allclose(result, expected, **CLOSE)
    prepared = ad.prepare(ad.hvp, scenario.f, scenario.x, direction)
    np.testing.assert_array_equal(prepared(scenario.x, direction), result)
    np.testing.assert_array_equal(prepared(scenario.x, direction), result)
    (of_tuple,) = ad.hvp(scenario.f, (scenario.x,), (direction,))
    np.testing.assert_array_equal(of_tuple, result)


@scenario_parameters(GRID)
def test_pushforward(scenario: Scenario, rng: np.random.Generator) -> None:
    direction = rng.normal(size=np.shape(scenario.x)) if np.ndim(scenario.x) else -0.6
    tangents = (direction,) if scenario.out is None else (None, direction)
    expected = np.tensordot(scenario.jacobian(scenario.x), direction, np.ndim(scenario.x))
    value, tangent = untouched(scenario, lambda *a: ad.jvp(scenario.f, a, tangents, **scenario.keywords))
    np.testing.assert_allclose(value, scenario.value(scenario.x), **CLOSE)
    np.testing.assert_allclose(tangent, expected, **CLOSE)
    prepared = ad.prepare(ad.jvp, scenario.f, scenario.arguments, tangents, **scenario.keywords)
    for _ in range(2):
        np.testing.assert_array_equal(prepared(scenario.arguments, tangents)[0], value)
        np.testing.assert_array_equal(prepared(scenario.arguments, tangents)[1], tangent)


@scenario_parameters(GRID)
def test_pullback(scenario: Scenario, rng: np.random.Generator) -> None:
    value, pullback = untouched(scenario, lambda *a: ad.vjp(scenario.f, *a, **scenario.keywords))
    np.testing.assert_allclose(value, scenario.value(scenario.x), **CLOSE)
    prepared_value, prepared = ad.prepare(ad.vjp, scenario.f, *scenario.arguments, **scenario.keywords)(
        *scenario.arguments
    )
    np.testing.assert_array_equal(prepared_value, value)
    for _ in range(2):
        cotangent = rng.normal(size=np.shape(value)) if np.ndim(value) else 0.9
        before = np.copy(cotangent)
        *others, result = pullback(cotangent)
        assert others == [None] * len(others)
        np.testing.assert_array_equal(cotangent, before)
        expected = np.tensordot(cotangent, scenario.jacobian(scenario.x), np.ndim(value))
        np.testing.assert_allclose(result, expected, **CLOSE)
        assert np.shape(result) == np.shape(scenario.x)
        np.testing.assert_array_equal(prepared(cotangent)[-1], result)
