"""Rules in JAX's forms, and roots of equations."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@ad.custom_vjp
def clipped(x, y):
    """Its derivative is said to be that of the function without the bounds."""
    return min(max(x * y, -1.0), 1.0)


def clipped_forward(x, y):
    return clipped(x, y), (x, y)


def clipped_backward(kept, cotangent):
    x, y = kept
    return y * cotangent, x * cotangent


clipped.defvjp(clipped_forward, clipped_backward)


@njit
def twice_clipped(x, y):
    return clipped(x, y) * x


def test_custom_vjp_of_numbers():
    assert clipped(3.0, 2.0) == 1.0
    got = ad.autodiff(twice_clipped, ad.Active, ad.Active)(3.0, 2.0)
    assert got == pytest.approx((3.0 * 2.0 + 1.0, 3.0 * 3.0))
    assert ad.grad(clipped)(3.0, 2.0) == 2.0
    with pytest.raises(ad.UnsupportedError, match="`clipped`, whose rule has no `tangent` part"):
        ad.autodiff(twice_clipped, ad.Duplicated, ad.Duplicated, mode=ad.Forward)(3.0, 1.0, 2.0, 0.0)


@ad.custom_vjp
def normalized(x, n):
    return x / np.sqrt(np.sum(x * x)), n


def normalized_forward(x, n):
    length = np.sqrt(np.sum(x * x))
    return (x / length, n), (x, length)


def normalized_backward(kept, cotangent):
    x, length = kept
    return (cotangent[0] - x * np.sum(x * cotangent[0]) / length**2) / length, None


normalized.defvjp(normalized_forward, normalized_backward)


@njit
def with_normalized(x, w):
    total = 0.0
    for k in range(2):
        y, n = normalized(x, k)
        for i in range(x.shape[0]):
            total += w[i] * y[i] * (n + 1)
            x[i] = y[i] + k
    return total


@njit
def without_rule(x, w):
    total = 0.0
    for k in range(2):
        length = np.sqrt(np.sum(x * x))
        for i in range(x.shape[0]):
            y = x[i] / length
            total += w[i] * y * (k + 1)
            x[i] = y + k
    return total


def test_custom_vjp_of_arrays_in_a_tuple():
    x, w = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.7, -0.2])
    found = []
    for kernel in (with_normalized, without_rule):
        dx, dw = np.array([0.1, 0.0, -0.2]), np.zeros(3)
        ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)(x.copy(), dx, w, dw)
        found.append(np.concatenate((dx, dw)))
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@ad.custom_jvp
def power(x, n, v):
    return x**n * np.sum(v)


def power_jvp(arguments, tangents):
    x, n, v = arguments
    dx, _, dv = tangents
    return x**n * np.sum(v), n * x ** (n - 1) * np.sum(v) * dx + x**n * np.sum(dv)


power.defjvp(power_jvp)


@njit
def with_power(x, v):
    return np.sin(power(x, 3, v)) * x


def test_custom_jvp_in_both_modes():
    x, v = 1.3, np.array([0.2, 0.4])
    dv = np.zeros(2)
    adjoint = ad.autodiff(with_power, ad.Active, ad.Duplicated)(x, v, dv)
    inside = x**3 * 0.6
    assert adjoint == pytest.approx(np.cos(inside) * 3 * x**2 * 0.6 * x + np.sin(inside), rel=1e-14)
    assert dv == pytest.approx(np.full(2, np.cos(inside) * x**4), rel=1e-14)
    tangent = ad.autodiff(with_power, ad.Duplicated, ad.Duplicated, mode=ad.Forward)(x, 0.5, v, np.array([1.0, 2.0]))
    assert tangent == pytest.approx(0.5 * adjoint + np.dot(dv, [1.0, 2.0]), rel=1e-14)


def test_a_form_without_its_parts_is_refused():
    @ad.custom_vjp
    def empty(x):
        return x

    with pytest.raises(ad.UnsupportedError, match="`empty`, whose rule has no `augmented` and no `reverse` part"):
        ad.autodiff(njit(lambda x: empty(x)), ad.Active)(1.0)


@ad.custom_root(lambda x, a, n: x**n - a)
def nth_root(x0, a, n):
    x = x0
    for _ in range(100):
        step = (x**n - a) / (n * x ** (n - 1))
        x -= step
        if abs(step) < 1e-15:
            break
    return x


def test_a_root_of_one_equation():
    want = 8.0 ** (-2 / 3) / 3
    assert ad.grad(nth_root, argnums=1)(1.0, 8.0, 3) == pytest.approx(want, rel=1e-13)
    assert ad.grad(nth_root, argnums=0)(1.0, 8.0, 3) == 0.0
    forward = ad.autodiff(nth_root, ad.Const, ad.Duplicated, ad.Const, mode=ad.Forward)
    assert forward(1.0, 8.0, 2.0, 3) == pytest.approx(2 * want, rel=1e-13)


@njit
def implicit(x, y0, h, k):
    """A step of the implicit Euler method for a chain of reactions."""
    out = np.empty(2)
    out[0] = x[0] - y0[0] + h * k[0] * x[0] ** 2
    out[1] = x[1] - y0[1] - h * (k[0] * x[0] ** 2 - k[1] * x[1])
    return out


def newton(x0, y0, h, k):
    x = x0.copy()
    for _ in range(30):
        r = implicit(x, y0, h, k)
        jacobian = np.zeros((2, 2))
        jacobian[0, 0] = 1 + 2 * h * k[0] * x[0]
        jacobian[1, 0] = -2 * h * k[0] * x[0]
        jacobian[1, 1] = 1 + h * k[1]
        x -= np.linalg.solve(jacobian, r)
        if np.max(np.abs(r)) < 1e-14:
            break
    return x


by_theorem = ad.custom_root(implicit)(newton)
by_krylov = ad.custom_root(implicit, linear_solver="gmres")(njit(newton))
through_the_loop = njit(newton)


@njit
def steps_by_theorem(y, h, k):
    for _ in range(4):
        x = by_theorem(y, y, h, k)
        for i in range(2):
            y[i] = x[i]


@njit
def steps_through_the_loop(y, h, k):
    for _ in range(4):
        x = through_the_loop(y, y, h, k)
        for i in range(2):
            y[i] = x[i]


@njit
def steps_by_krylov(y, h, k):
    for _ in range(4):
        x = by_krylov(y, y, h, k)
        for i in range(2):
            y[i] = x[i]


def test_a_system_against_the_newton_loop_differentiated():
    found = []
    for kernel in (steps_by_theorem, steps_by_krylov, steps_through_the_loop):
        y, dy, k, dk = np.array([1.0, 0.2]), np.array([0.3, 1.0]), np.array([0.7, 0.4]), np.zeros(2)
        dh = ad.autodiff(kernel, ad.Duplicated, ad.Active, ad.Duplicated)(y, dy, 0.5, k, dk)
        ty, tk = np.array([0.1, -0.2]), np.array([0.5, 0.25])
        y2 = np.array([1.0, 0.2])
        ad.autodiff(kernel, ad.Duplicated, ad.Duplicated, ad.Duplicated, mode=ad.Forward)(y2, ty, 0.5, 1.0, k, tk)
        found.append(np.concatenate((y, dy, [dh], dk, ty)))
    assert found[0] == pytest.approx(found[2], rel=1e-10, abs=1e-12)
    assert found[1] == pytest.approx(found[2], rel=1e-10, abs=1e-12)


def test_a_singular_system_is_left_unsolved():
    singular = ad.custom_root(lambda x, a: (x - x) * a, linear_solver="gmres")(lambda x0, a: x0)
    with pytest.raises(np.linalg.LinAlgError, match="GMRES has left a residual"):
        ad.grad(singular, argnums=1)(1.0, 4.0)
    with pytest.raises(ad.ArgumentError, match="no linear solver 'cg'"):
        ad.custom_root(lambda x, a: x - a, linear_solver="cg")


def test_a_residual_with_other_arguments_is_refused():
    with pytest.raises(ad.ArgumentError, match="differ in their number of arguments"):
        ad.custom_root(lambda x: x)(lambda x0, a: x0)
