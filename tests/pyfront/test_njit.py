"""Derivatives called from compiled code."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

import pyfront as ad


@njit
def product(a, b):
    return a * b


@njit
def heat(u, a, steps):
    v = np.empty_like(u)
    for _ in range(steps):
        v[1:-1] = u[1:-1] + a * (u[2:] - 2.0 * u[1:-1] + u[:-2])
        u[:] = v


product_derivative = ad.autodiff(product, ad.Active, ad.Active)


def test_global(fake):
    @njit
    def caller(x):
        da, db = product_derivative(x, 2.0)
        return da + 10.0 * db

    assert caller(3.0) == 21.0


def test_seed_keyword(fake):
    @njit
    def caller(x, seed):
        return product_derivative(x, 2.0, seed=seed)[1] + product_derivative(x, 2.0)[0]

    assert caller(3.0, 0.5) == 2.0
    assert caller(3.0, 2) == 5.0


def test_closure_and_keywords(fake):
    derivative = ad.autodiff(product, ad.Active, ad.Const)

    def make():
        @njit
        def caller(x):
            return derivative(b=2.0, a=x)

        return caller

    assert make()(3.0) == 1.0


def test_argument(fake):
    @njit
    def caller(derivative, x):
        return derivative(x, x)[1]

    assert caller(product_derivative, 2.0) == 2.0


def test_in_a_function_that_was_half_compiled(fake):
    """Capture happens while the caller is typed: what the caller resolved before is still found when it is lowered."""
    derivative = ad.autodiff(heat, ad.Duplicated, ad.Const, ad.Const)

    @njit(fastmath=True)
    def caller(u, du):
        v = np.empty_like(u)
        w = u.copy()
        v[1:-1] = w[2:] + 0.5 * (u[2:] - 2.0 * w[1:-1])
        derivative(u, du, 0.25, 2)
        w = np.empty_like(v)
        return (u.copy() + v).sum() + np.zeros(3)[0] + w.size

    du = np.zeros(8)
    caller(np.ones(8), du)
    assert du[0] == 1.0


def test_capture_does_not_inherit_fastmath(fake):
    derivative = ad.autodiff(lambda x: x + 1.0 - x, ad.Active)

    @njit(fastmath=True)
    def caller(x):
        return derivative(x)

    caller(1.0)
    compiled = next(iter(derivative._compiled.by_types().values()))
    assert "fadd fast" not in str(compiled.captured.module)


def test_errors_of_types_come_out_unchanged(fake):
    @njit
    def caller(x):
        return product_derivative(x, 1.0)

    with pytest.raises(ad.AnnotationError, match="`a` is an array"):
        caller(np.ones(3))


def test_run_time_errors(fake):
    derivative = ad.autodiff(heat, ad.Duplicated, ad.Const, ad.Const)

    @njit
    def caller(u, du):
        derivative(u, du, 0.25, 2)

    with pytest.raises(ad.ShapeError, match="`du`"):
        caller(np.ones(8), np.ones(7))


def test_legal_aliasing_is_refused(fake):
    @njit
    def add(x, y):
        x[0] += y[0]

    derivative = ad.autodiff(add, ad.Duplicated, ad.Duplicated)

    @njit
    def caller(x, dx):
        derivative(x, dx, x, dx)

    with pytest.raises(ad.AliasedCallError, match="call the derivative from Python"):
        caller(np.ones(2), np.zeros(2))


def test_numbas_own_errors_pass_through(fake):
    def kernel(x):
        return x.no_such_attribute

    with pytest.raises(TypingError, match="no_such_attribute"):
        ad.autodiff(kernel, ad.Active)(1.0)
