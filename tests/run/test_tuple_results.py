"""Kernels that return several numbers, as the derivatives of kernels with several active scalars do."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@njit
def polar(r, phi):
    return r * math.cos(phi), r * math.sin(phi)


@njit
def moments(a, scale):
    a[0] *= scale
    first = second = 0.0
    for i in range(a.size):
        first += a[i]
        second += a[i] * a[i]
    return first, second, scale


@njit
def volume(x, y, z):
    return x * y * z + math.sin(x) * y


R, PHI = 2.0, 0.7
JACOBIAN = np.array([[math.cos(PHI), -R * math.sin(PHI)], [math.sin(PHI), R * math.cos(PHI)]])


def test_reverse_mode_takes_a_seed_for_each():
    derivative = ad.autodiff(polar, ad.Active, ad.Active)
    for seed in ((1.0, 0.0), (0.0, 1.0), (2, -0.5)):
        np.testing.assert_allclose(derivative(R, PHI, seed=seed), np.array(seed) @ JACOBIAN, rtol=1e-15)
    np.testing.assert_allclose(derivative(R, PHI), np.ones(2) @ JACOBIAN, rtol=1e-15)


def test_forward_mode_returns_a_tangent_for_each():
    derivative = ad.autodiff(polar, ad.Duplicated, ad.Duplicated, mode=ad.ForwardWithPrimal)
    value, tangent = derivative(R, 0.3, PHI, -0.2)
    assert value == polar(R, PHI)
    np.testing.assert_allclose(tangent, JACOBIAN @ [0.3, -0.2], rtol=1e-15)


def test_a_number_that_does_not_vary_has_the_tangent_zero():
    derivative = ad.autodiff(moments, ad.Duplicated, ad.Const, mode=ad.Forward)
    a, da = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    assert derivative(a, da, 3.0) == (0.5, 5.0, 0.0)


def test_with_arrays_that_are_overwritten():
    derivative = ad.autodiff(moments, ad.Duplicated, ad.Active, mode=ad.ReverseWithPrimal)
    a, da = np.array([1.0, 2.0]), np.zeros(2)
    value, of_scale = derivative(a, da, 3.0, seed=(1.0, 0.5, 10.0))
    assert value == (5.0, 13.0, 3.0)
    assert of_scale == 1.0 + 3.0 + 10.0
    np.testing.assert_array_equal(da, [3.0 + 9.0, 1.0 + 2.0])


def test_in_float32():
    derivative = ad.autodiff(polar, ad.Active, ad.Active)
    got = derivative(np.float32(R), np.float32(PHI), seed=(1.0, 0.0))
    np.testing.assert_allclose(got, JACOBIAN[0], rtol=1e-6)


def test_from_compiled_code():
    derivative = ad.autodiff(polar, ad.Active, ad.Active)

    @njit
    def rows(r, phi):
        return derivative(r, phi, seed=(1.0, 0.0)), derivative(r, phi, seed=(0.0, 1.0))

    np.testing.assert_allclose(rows(R, PHI), JACOBIAN, rtol=1e-15)


@pytest.mark.parametrize("mode", [ad.Forward, ad.Reverse])
def test_the_gradient_of_several_scalars_is_differentiated_again(mode):
    gradient = ad.autodiff(volume, ad.Active, ad.Active, ad.Active)
    x, y, z = 1.0, 2.0, 3.0
    hessian = np.array([[-math.sin(x) * y, z + math.cos(x), y], [z + math.cos(x), 0.0, x], [y, x, 0.0]])
    kind = ad.Duplicated if mode is ad.Forward else ad.Active
    second = ad.autodiff(gradient, kind, kind, kind, mode=mode)
    for i, unit in enumerate(np.eye(3)):
        if mode is ad.Forward:
            got = second(x, unit[0], y, unit[1], z, unit[2])
        else:
            got = second(x, y, z, seed=tuple(unit))
        np.testing.assert_allclose(got, hessian[i], rtol=1e-14)


class Pair(NamedTuple):
    first: float
    count: int


@njit
def mixed(x, n):
    return np.float32(x * x), (x * n, n, x > 1.0), (3.0 * x,)


@njit
def named(x, n):
    return Pair(x * x * n, n)


X, N = 1.5, 4
SEED = (2.0, (0.5, None, None), (None,))
BY_SEED = 2.0 * 2.0 * X + 0.5 * N
TANGENT = (2.0 * X, (float(N), None, None), (3.0,))


def test_one_number_in_a_tuple():
    """Its seed is passed as that of a number is: the engine knows numbers only."""

    @njit
    def square(x):
        return (x * x,)

    derivative = ad.autodiff(square, ad.Active, mode=ad.ReverseWithPrimal)
    assert derivative(3.0) == ((9.0,), 6.0)
    assert derivative(3.0, seed=(0.5,)) == ((9.0,), 3.0)


def test_numbers_of_all_types_in_reverse_mode():
    derivative = ad.autodiff(mixed, ad.Active, ad.Const, mode=ad.ReverseWithPrimal)
    assert derivative(X, N) == (mixed(X, N), 2.0 * X + N + 3.0)
    assert derivative(X, N, seed=SEED) == (mixed(X, N), BY_SEED)
    forward, reverse = ad.autodiff_split(mixed, ad.Active, ad.Const)
    value, tape = forward(X, N)
    assert value == mixed(X, N)
    assert reverse(tape) == 2.0 * X + N + 3.0
    assert reverse(SEED, tape) == BY_SEED
    assert ad.autodiff(named, ad.Active, ad.Const)(X, N, seed=(0.5, None)) == X * N


def test_numbers_of_all_types_in_forward_mode():
    derivative = ad.autodiff(mixed, ad.Duplicated, ad.Const, mode=ad.ForwardWithPrimal)
    assert derivative(X, 1.0, N) == (mixed(X, N), TANGENT)
    tangent = ad.autodiff(named, ad.Duplicated, ad.Const, mode=ad.Forward)(X, 1.0, N)
    assert tangent == (2.0 * X * N, None)
    assert isinstance(tangent, Pair)


def test_numbers_of_all_types_in_batches():
    batch = ad.autodiff(mixed, ad.BatchDuplicated, ad.Const, mode=ad.ForwardWithPrimal)
    value, tangents = batch(X, (1.0, 0.0, 1.0), N)
    zero = (0.0, (0.0, None, None), (0.0,))
    assert (value, tangents) == (mixed(X, N), (TANGENT, zero, TANGENT))

    @njit
    def of_array(a, n):
        return mixed(a[0], n)

    a, da = np.array([X]), np.zeros((3, 1))
    ad.autodiff(of_array, ad.BatchDuplicated, ad.Const)(a, da, N, seed=(SEED, (None, (1.0, None, None), (1,)), SEED))
    np.testing.assert_array_equal(da[:, 0], [BY_SEED, N + 3.0, BY_SEED])
    da[:] = 0.0
    ad.autodiff(of_array, ad.BatchDuplicated, ad.Const)(a, da, N, seed=SEED)
    np.testing.assert_array_equal(da[:, 0], [BY_SEED] * 3)


def test_numbers_of_all_types_in_a_derivative_of_a_derivative():
    tangent = ad.autodiff(mixed, ad.Duplicated, ad.Const, mode=ad.Forward)
    adjoint = ad.autodiff(tangent, ad.Active, ad.Active, ad.Const)
    assert adjoint(X, 1.0, N, seed=SEED) == (2.0 * 2.0, BY_SEED)


def test_what_is_refused():
    derivative = ad.autodiff(polar, ad.Active, ad.Active)
    for seed in (1.0, (1.0,), (1.0, 2.0, 3.0)):
        with pytest.raises(ad.SeedError, match="the seed must be a tuple of 2"):
            derivative(R, PHI, seed=seed)
    with pytest.raises(ad.SeedError, match=r"the seed\[1\]\[1\] is for a result of type int64"):
        ad.autodiff(mixed, ad.Active, ad.Const)(X, N, seed=(1.0, (1.0, 1.0, None), (1.0,)))

    @njit
    def array(x):
        return x, np.ones(3)

    with pytest.raises(ad.UnsupportedError, match="a tuple of numbers, or nothing"):
        ad.autodiff(array, ad.Active)(1.0)
