"""Functions whose derivative is said: their parts are called in the place of what would be differentiated."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad


def powers(x, A, n):
    total = 0.0
    for i in range(A.shape[0]):
        A[i] = A[i] * x
        total += A[i] ** n
    return total


plain, ruled = njit(powers), njit(powers)


def tangent(x, dx, A, dA, n):
    total = 0.0
    for i in range(A.shape[0]):
        dA[i] = dA[i] * x + A[i] * dx
        A[i] = A[i] * x
        total += n * A[i] ** (n - 1) * dA[i]
    return np.sum(A**n), total


def augmented(x, A, n):
    before = A.copy()
    return plain(x, A, n), before


def reverse(x, A, dA, n, seed, before):
    adjoint = 0.0
    for i in range(A.shape[0]):
        total = dA[i] + seed * n * A[i] ** (n - 1)
        adjoint += total * before[i]
        dA[i] = total * x
    return adjoint


ad.define_rule(ruled, tangent, augmented, reverse)


@njit
def with_rule(x, A):
    total = 0.0
    for k in range(3):
        total += ruled(x + k * 0.1, A, 2) * np.sin(x)
    return total


@njit
def without_rule(x, A):
    total = 0.0
    for k in range(3):
        total += plain(x + k * 0.1, A, 2) * np.sin(x)
    return total


def adjoints(kernel):
    A, dA = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3])
    value, adjoint = ad.autodiff(kernel, ad.Active, ad.Duplicated, mode=ad.ReverseWithPrimal)(0.7, A, dA)
    return np.array([value, adjoint, *A, *dA])


def tangents(kernel):
    A, dA = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3])
    found = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated, mode=ad.ForwardWithPrimal)(0.7, 0.5, A, dA)
    return np.array([*found, *A, *dA])


def split_adjoints(kernel):
    forward, backward = ad.autodiff_split(kernel, ad.Active, ad.Duplicated)
    A, dA = np.array([1.0, 2.0, 3.0]), np.array([0.1, -0.2, 0.3])
    value, tape = forward(0.7, A)
    A[:] = np.nan
    return np.array([value, backward(dA, tape), *dA])


@pytest.mark.parametrize("derivative", [adjoints, tangents, split_adjoints])
def test_a_rule_in_place_gives_what_the_engine_finds(derivative):
    assert derivative(with_rule) == pytest.approx(derivative(without_rule), rel=1e-13)


@njit
def solve(A, b):
    return np.linalg.solve(A, b)


def solve_tangent(A, dA, b, db):
    x = np.linalg.solve(A, b)
    return x, np.linalg.solve(A, db - dA @ x)


def solve_augmented(A, b):
    x = np.linalg.solve(A, b)
    return x, x


def solve_reverse(A, dA, b, db, seed, x):
    adjoint = np.linalg.solve(A.T.copy(), seed)
    db += adjoint
    dA -= np.outer(adjoint, x)


ad.define_rule(solve, solve_tangent, solve_augmented, solve_reverse)


@njit
def iterated(A, b):
    total = 0.0
    for _ in range(3):
        x = solve(A, b)
        for i in range(x.shape[0]):
            total += x[i] ** 2
            b[i] = np.sin(x[i])
        A[0, 0] *= 1.1
    return total


def test_a_rule_of_arrays_in_a_loop_that_overwrites_them():
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(4, 4)) + 4 * np.eye(4), rng.normal(size=4)
    dA, db = np.zeros((4, 4)), np.zeros(4)
    ad.autodiff(iterated, ad.Duplicated, ad.Duplicated)(A.copy(), dA, b.copy(), db)
    tA, tb = [rng.normal(size=(4, 4)) for _ in range(3)], [rng.normal(size=4) for _ in range(3)]
    batch = ad.autodiff(iterated, ad.BatchDuplicated, ad.BatchDuplicated, mode=ad.Forward)
    found = batch(A.copy(), tuple(t.copy() for t in tA), b.copy(), tuple(t.copy() for t in tb))
    assert found == pytest.approx([np.sum(dA * s) + np.sum(db * t) for s, t in zip(tA, tb)], rel=1e-12)
    h = 1e-6
    high, low = (iterated(A + s * h * tA[0], b + s * h * tb[0]) for s in (1, -1))
    assert found[0] == pytest.approx((high - low) / (2 * h), rel=1e-7)


def test_what_a_part_raises_is_raised():
    with pytest.raises(np.linalg.LinAlgError):
        ad.autodiff(iterated, ad.Duplicated, ad.Duplicated)(np.zeros((2, 2)), np.zeros((2, 2)), np.ones(2), np.zeros(2))


def residual_norm(b):
    x = np.linalg.solve(np.eye(2), b)
    return x[0] * x[1]


def test_second_derivatives():
    assert ad.hessian(residual_norm)(np.ones(2)) == pytest.approx(np.array([[0.0, 1.0], [1.0, 0.0]]))


@ad.custom_vjp
def in_reverse_only(x):
    return x * x


in_reverse_only.defvjp(lambda x: (x * x, x), lambda x, cotangent: (2.0 * x * cotangent,))


@njit
def calls_it(x):
    y = x + 1.0
    return in_reverse_only(y)


def test_a_missing_part_is_refused_where_the_function_is_called():
    assert ad.autodiff(calls_it, ad.Active)(0.5) == 3.0
    with pytest.raises(ad.UnsupportedError, match="whose rule has no `tangent` part") as caught:
        ad.autodiff(calls_it, ad.Duplicated, mode=ad.Forward)(0.5, 1.0)
    assert caught.value.file == __file__
    assert caught.value.line == calls_it.py_func.__code__.co_firstlineno + 3


@njit
def fragile(x):
    return x * x


def breaks(x, seed, tape):
    if seed > 1.0:
        raise ValueError("too much")
    return 2.0 * x * seed


ad.define_rule(fragile, augmented=lambda x: (x * x, None), reverse=breaks)


@njit
def with_fragile(x):
    return fragile(x) * 1.0


def test_what_is_raised_in_a_reverse_sweep():
    reverse = ad.autodiff(with_fragile, ad.Active)
    assert reverse(3.0) == 6.0
    with pytest.raises(ValueError, match="too much"):
        reverse(3.0, seed=2.0)
    forward, backward = ad.autodiff_split(with_fragile, ad.Active)
    _, tape = forward(3.0)
    assert backward(1.0, tape) == 6.0
    with pytest.raises(ad.RuleError, match="a part of a rule has raised in the reverse sweep"):
        backward(2.0, tape)
