"""Second derivatives through BLAS and LAPACK: along a line, against differences of the exact gradient.

Forward over reverse is the derivative of what `tests/linear/test_functions` holds the first derivatives to; reverse
over reverse, of the same matrix of second derivatives, is its transpose and therefore equal to it.
"""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad
from linear.test_functions import CASES, det, normal, weighted

SECOND = ["solve", "cholesky", "qr, wide", "eigh", "svd, tall", "pinv, tall", "lstsq"]


def moved(arguments, directions, length):
    return [argument + length * direction for argument, direction in zip(arguments, directions)]


def gradient(derivative, arguments):
    shadows = [np.zeros_like(argument) for argument in arguments]
    derivative(*(part for pair in zip(arguments, shadows) for part in pair))
    return shadows


def change(derivative, arguments, directions):
    """Of the gradient along a direction: forward over reverse."""
    forward = ad.autodiff(derivative, *[ad.Duplicated] * (2 * len(arguments)), mode=ad.Forward)
    changes = [np.zeros_like(argument) for argument in arguments]
    call = []
    for argument, direction, found in zip(arguments, directions, changes):
        call += [argument.copy(), direction.copy(), np.zeros_like(argument), found]
    forward(*call)
    return changes


def pulled_back(derivative, arguments, directions):
    """The adjoint of the gradient: reverse over reverse."""
    reverse = ad.autodiff(derivative, *[ad.Duplicated] * (2 * len(arguments)))
    adjoints = [np.zeros_like(argument) for argument in arguments]
    call = []
    for argument, direction, found in zip(arguments, directions, adjoints):
        call += [argument.copy(), found, np.zeros_like(argument), direction.copy()]
    reverse(*call)
    return adjoints


def drawn(name):
    function, arguments = CASES[name]
    draw = np.random.default_rng(len(name))
    derivative = ad.autodiff(njit(function), *[ad.Duplicated] * len(arguments))
    return derivative, arguments, [draw.normal(size=argument.shape) for argument in arguments]


@pytest.mark.parametrize("name", SECOND)
@pytest.mark.filterwarnings("ignore::numba.NumbaPerformanceWarning")
def test_the_change_of_a_gradient(name):
    derivative, arguments, directions = drawn(name)
    found = np.concatenate([part.ravel() for part in change(derivative, arguments, directions)])
    steps = (1e-4, -1e-4, 2e-4, -2e-4)
    at = [
        np.concatenate([part.ravel() for part in gradient(derivative, moved(arguments, directions, step))])
        for step in steps
    ]
    difference = (8 * (at[0] - at[1]) - (at[2] - at[3])) / 12e-4
    assert found == pytest.approx(difference, abs=1e-8 * np.abs(difference).max())


@pytest.mark.parametrize("name", ["solve", "eigh"])
def test_reverse_over_reverse(name):
    derivative, arguments, directions = drawn(name)
    want = change(derivative, arguments, directions)
    for one, other in zip(pulled_back(derivative, arguments, directions), want):
        assert one == pytest.approx(other, abs=1e-12 * np.abs(other).max())


def overwritten(a, b):
    total = 0.0
    for _ in range(2):
        x = np.linalg.solve(a[:3, ::2].copy(), b[::2])
        y = a[1:, ::-2] @ x
        for i in range(3):
            total += x[i] * y[i]
            b[2 * i] = np.sin(y[i])
        a[0, 0] *= 1.1
    return total


def test_what_is_overwritten_and_strided():
    """A batch: all columns of a Hessian."""
    kernel = njit(overwritten)
    a, b = normal(4, 6), normal(6)
    a[:3, ::2] += 3 * np.eye(3)
    hessian, slope = ad.hessian(kernel, argnums=1)(a, b), ad.grad(kernel, argnums=1)
    assert hessian == pytest.approx(hessian.T, abs=1e-13 * np.abs(hessian).max())
    for i, h in enumerate(1e-5 * np.eye(6)):
        difference = (slope(a, b + h) - slope(a, b - h)) / 2e-5
        assert hessian[i] == pytest.approx(difference, abs=1e-7 * np.abs(hessian).max())


def without_elements(a):
    empty = np.zeros((0, 3))
    z = empty @ a
    w = empty.T @ z + a @ a
    return w[0, 1] * w[1, 2] + np.sum(np.linalg.solve(np.eye(0), z[:, :0]))


def test_arrays_without_elements():
    a, u = normal(3, 3), normal(3, 3)
    derivative = ad.autodiff(njit(without_elements), ad.Duplicated)
    (found,) = change(derivative, [a], [u])
    want = np.zeros((3, 3))
    square, moving = a @ a, a @ u + u @ a
    for (i, j), (k, m) in (((0, 1), (1, 2)), ((1, 2), (0, 1))):
        # w_ij w_km, of which w_ij is differentiated: a_i and a^j
        want[i] += moving[k, m] * a[:, j] + square[k, m] * u[:, j]
        want[:, j] += moving[k, m] * a[i] + square[k, m] * u[i]
    assert found == pytest.approx(want, abs=1e-13)


def test_a_seed_that_is_zero_has_a_derivative():
    """The gradient of log(det)^2 vanishes where det is 1, its derivative does not."""
    kernel = njit(lambda a: np.linalg.slogdet(a)[1] ** 2)
    a = np.diag([2.0, 0.5, 1.0])
    g = np.linalg.inv(a).T
    assert ad.hessian(kernel)(a) == pytest.approx(2 * np.multiply.outer(g, g), abs=1e-14)


def test_a_matrix_that_is_singular_has_second_cofactors():
    a = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
    hessian = ad.hessian(njit(det))(a)
    sign = np.array([[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)])
    want = np.einsum("ikp,jmq,pq->ijkm", sign, sign, a)
    assert hessian == pytest.approx(want, abs=1e-12)


def test_third_derivatives():
    def function(x):
        a = np.ones((2, 2))
        a[0, 0], a[1, 0], a[1, 1] = x, 0.5, x * x
        return weighted(np.linalg.inv(a)) + np.linalg.slogdet(a @ a)[1]

    third = ad.grad(ad.grad(ad.grad(function)))

    def inverse_by_hand(x):
        det_ = x**3 - 0.5
        w = np.array([[np.cos(1.0 + i + 2.7 * j) for j in range(2)] for i in range(2)])
        return (w[0, 0] * x**2 - w[0, 1] - 0.5 * w[1, 0] + w[1, 1] * x) / det_ + 2 * np.log(np.abs(det_))

    by_hand = ad.grad(ad.grad(ad.grad(inverse_by_hand)))
    assert third(1.3) == pytest.approx(by_hand(1.3), rel=1e-11)
