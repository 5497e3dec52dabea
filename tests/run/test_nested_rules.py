"""Derivatives of derivatives through functions whose derivative is said: what a rule says is differentiated itself.

Each kernel comes twice, with the rule and with plain code in its place, so the two nestings must agree to rounding.
"""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad

# --- the forms ---------------------------------------------------------------------------------------


@ad.custom_vjp
def scaled_sine(x, a):
    return np.sin(x) * a[0] + a[1] ** 2


def scaled_sine_forward(x, a):
    return np.sin(x) * a[0] + a[1] ** 2, (x, a)


def scaled_sine_backward(kept, cotangent):
    x, a = kept
    bar = np.zeros_like(a)
    bar[0] = cotangent * np.sin(x)
    bar[1] = 2 * cotangent * a[1]
    return cotangent * np.cos(x) * a[0], bar


scaled_sine.defvjp(scaled_sine_forward, scaled_sine_backward)


@ad.custom_jvp
def squares(x, n):
    return x * x * n


def squares_jvp(arguments, tangents):
    x, n = arguments
    return x * x * n, 2 * n * x * tangents[0]


squares.defjvp(squares_jvp)


@ad.custom_root(lambda x, a: x * x * x + x - a)
def cubic_root(x0, a):
    x = x0
    for _ in range(60):
        x -= (x * x * x + x - a) / (3 * x * x + 1)
    return x


@ad.custom_root(lambda x, a, b: np.array([x[0] ** 3 + x[1] - a, x[1] * np.exp(x[0]) - b[0]]))
def vector_root(x0, a, b):
    x = x0.copy()
    for _ in range(60):
        r0, r1 = x[0] ** 3 + x[1] - a, x[1] * np.exp(x[0]) - b[0]
        j00, j01, j10, j11 = 3 * x[0] ** 2, 1.0, x[1] * np.exp(x[0]), np.exp(x[0])
        det = j00 * j11 - j01 * j10
        x[0] -= (j11 * r0 - j01 * r1) / det
        x[1] -= (j00 * r1 - j10 * r0) / det
    return x


def in_place(x, A, n):
    total = 0.0
    for i in range(A.shape[0]):
        A[i] = A[i] * x
        total += A[i] ** n
    return total


plain, ruled = njit(in_place), njit(in_place)


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

# --- kernels -----------------------------------------------------------------------------------------


def vjp_ruled(a):
    total = 0.0
    for i in range(3):
        total += scaled_sine(a[i] * a[i + 1], a[i : i + 2]) * a[i]
        a[i] *= 0.9
    return total


def vjp_plain(a):
    total = 0.0
    for i in range(3):
        total += (np.sin(a[i] * a[i + 1]) * a[i] + a[i + 1] ** 2) * a[i]
        a[i] *= 0.9
    return total


def jvp_ruled(a):
    total = 1.0
    for i in range(4):
        if a[i] > 0:
            total *= squares(a[i], 3) + np.cos(a[3 - i])
    return total


def jvp_plain(a):
    total = 1.0
    for i in range(4):
        if a[i] > 0:
            total *= a[i] * a[i] * 3 + np.cos(a[3 - i])
    return total


def root_ruled(a):
    return cubic_root(1.0, a[0] * a[1]) * a[2] + vector_root(np.ones(2), a[3] + 2.0, a[:2] ** 2 + 1.0)[0]


def root_plain(a):
    x = 1.0
    for _ in range(60):
        x -= (x * x * x + x - a[0] * a[1]) / (3 * x * x + 1)
    y, z, p, q = 1.0, 1.0, a[3] + 2.0, a[0] ** 2 + 1.0
    for _ in range(60):
        r0, r1 = y**3 + z - p, z * np.exp(y) - q
        j00, j10, j11 = 3 * y**2, z * np.exp(y), np.exp(y)
        det = j00 * j11 - j10
        y, z = y - (j11 * r0 - r1) / det, z - (j00 * r1 - j10 * r0) / det
    return x * a[2] + y


def in_place_ruled(a):
    total = 0.0
    for k in range(3):
        total += ruled(a[0] + k * 0.1, a[1:][::-1], 2) * np.sin(a[0])
    return total


def in_place_plain(a):
    total = 0.0
    for k in range(3):
        total += plain(a[0] + k * 0.1, a[1:][::-1], 2) * np.sin(a[0])
    return total


PAIRS = {
    "custom_vjp": (vjp_ruled, vjp_plain),
    "custom_jvp": (jvp_ruled, jvp_plain),
    "custom_root": (root_ruled, root_plain),
    "define_rule": (in_place_ruled, in_place_plain),
}
POINT = np.array([0.7, 1.2, -0.4, 0.9])


def nestings(kernel, modes):
    """Second derivatives at one point, by each nesting that ends in one of these modes."""
    u, v = np.array([0.3, -1.0, 0.5, 0.2]), np.array([1.0, 0.4, -0.2, 0.6])
    both = [ad.Duplicated, ad.Duplicated]
    found = []
    for inner in modes:
        derivative = ad.autodiff(kernel, ad.Duplicated, mode=inner)
        for outer in (ad.Forward, ad.Reverse):
            a, ta, b, tb = POINT.copy(), u.copy(), v.copy(), np.zeros(4)
            value = ad.autodiff(derivative, *both, mode=outer)(a, ta, b, tb)
            found += [a, ta, b, tb, np.array([0.0 if value is None else value])]
    return np.concatenate(found)


@pytest.mark.parametrize("name", PAIRS)
def test_what_a_rule_says_is_differentiated(name):
    ruled_kernel, plain_kernel = map(njit, PAIRS[name])
    modes = [ad.Reverse] if name == "custom_vjp" else [ad.Reverse, ad.Forward]
    want = nestings(plain_kernel, modes)
    assert nestings(ruled_kernel, modes) == pytest.approx(want, rel=1e-10, abs=1e-11 * np.abs(want).max())
    # Of a batch: all columns at once.
    point = np.abs(POINT) + 0.1
    assert ad.hessian(ruled_kernel)(point) == pytest.approx(ad.hessian(plain_kernel)(point), rel=1e-10, abs=1e-10)


def test_third_derivatives():
    @njit
    def kernel(x):
        return squares(x, 1) * squares(x, 2) + scaled_sine(x, np.array([x, x * x]))

    def third(f):
        return ad.grad(ad.grad(ad.grad(f)))(0.7)

    plain_third = third(lambda x: 2 * x**4 + np.sin(x) * x + x**4)
    assert third(kernel) == pytest.approx(plain_third, rel=1e-12)


# --- what ends a call --------------------------------------------------------------------------------


@njit
def fragile(x):
    return x * x


def breaks(x, seed, tape):
    if seed > 1.0:
        raise ValueError("too much")
    return 2.0 * x * seed


ad.define_rule(fragile, augmented=lambda x: (x * x, None), reverse=breaks)


def test_what_a_part_raises_in_a_derivative_of_a_derivative():
    inner = ad.autodiff(njit(lambda x: fragile(x) * 1.0), ad.Active)
    outer = ad.autodiff(njit(lambda x, s: inner(x, seed=s)), ad.Active, ad.Active)
    assert outer(3.0, 1.0) == (2.0, 6.0)
    with pytest.raises(ValueError, match="too much"):
        outer(3.0, 2.0)


def test_a_mode_without_a_part_is_refused_by_line():
    forward = ad.autodiff(njit(lambda x: fragile(x) * 1.0), ad.Duplicated, mode=ad.Forward)
    with pytest.raises(ad.UnsupportedError, match=r"test_nested_rules.py:.*whose rule has no `tangent` part"):
        ad.autodiff(forward, ad.Active, ad.Const)(1.0, 1.0)


@njit
def keeps_a_list(x):
    return x * x


def remembers(x):
    kept = [x]
    kept.append(x)
    return x * x, kept[1]


ad.define_rule(keeps_a_list, augmented=remembers, reverse=lambda x, seed, kept: 2.0 * kept * seed)


def test_a_part_that_cannot_be_differentiated_is_refused_by_its_line():
    kernel = njit(lambda x: keeps_a_list(x) * 1.0)
    assert ad.grad(kernel)(3.0) == 6.0
    with pytest.raises(ad.UnsupportedError, match=r"test_nested_rules.py:.*a list or a set"):
        ad.grad(ad.grad(kernel))(3.0)


def test_random_numbers_are_drawn_once():
    @njit
    def noisy(x):
        return x[0] ** 3 * np.random.random() + x[1] ** 2

    @njit
    def seed(n):
        np.random.seed(n)

    @njit
    def draw():
        return np.random.random()

    hessian = ad.hessian(noisy)
    hessian(np.ones(2))
    seed(3)
    first = draw()
    seed(3)
    assert hessian(np.array([2.0, 1.0])) == pytest.approx(np.array([[12.0 * first, 0.0], [0.0, 2.0]]))
