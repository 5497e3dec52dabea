"""Kernels whose gradient was once wrong, or whose derivative failed where the kernel does not: one test per mistake."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad


@njit
def swap_in_stencil(p, q, x):
    for i in range(1, x.shape[0] - 2):
        q[i] = p[i - 1] + p[i] + x[i - 1] + x[i] + x[i + 1]
        p, q = q, p


@njit
def copy_of_copy(a, out):
    b = a.copy()
    c = b.copy()
    for i in range(a.shape[0]):
        out[i] = c[i] * c[i]


@njit
def new_state_each_step(x, w, n, steps):
    u = x
    for _ in range(steps):
        s = 0.0
        for i in range(n):
            for j in range(n):
                s += u[i] * u[j] * w[i]
        new = np.empty(64)
        for i in range(n):
            new[i] = w[i] * s / (1.0 + s * s)
        u = new
    total = 0.0
    for i in range(n):
        total += u[i] * u[i]
    return total


@njit
def untaken_product(x, w):
    return x * w if w < 1e300 else x


@njit
def running_product(a):
    for i in range(a.shape[0] - 1):
        a[i + 1, 0] = math.sin(a[i, 1]) * a[i, 0]


@njit
def running_product_flat(a):
    for i in range(a.shape[0] - 2):
        a[i + 1] = math.sin(a[i + 1]) * a[i]


@njit
def allocation_not_reached(x, n):
    s = x * x
    for _ in range(3):
        if n > 1000000:
            break
        p = np.empty(n)
        p[0] = s * x
        s = p[0] * p[0]
    return s


def test_buffers_swapped_within_a_stencil_loop_are_no_strips(rng):
    check(swap_in_stencil, dup(rng.normal(size=30)), dup(rng.normal(size=30)), dup(rng.normal(size=30)))


def test_a_float32_array_that_is_only_copied_keeps_its_element_type(rng):
    a, out = rng.normal(size=(2, 7)).astype(np.float32)
    check(copy_of_copy, dup(a), dup(out))


def test_a_buffer_allocated_in_the_loop_that_carries_it_can_be_snapshot(rng):
    check(new_state_each_step, dup(rng.normal(size=64)), dup(rng.normal(size=64)), const(9), const(4))


def test_an_infinite_factor_of_an_untaken_product_contributes_nothing():
    check(untaken_product, active(0.5), const(math.inf))


def test_an_argument_whose_elements_overlap_each_other_is_right_or_refused(rng):
    """The windows of a flat array: a[i, 1] and a[i + 1, 0] are one element."""

    def windows(flat):
        return np.lib.stride_tricks.as_strided(flat, (flat.size - 1, 2), (8, 8))

    a, shadow = rng.uniform(0.5, 1.5, (2, 7))
    want, want_shadow = a.copy(), shadow.copy()
    ad.autodiff(running_product_flat, ad.Duplicated)(want, want_shadow)
    try:
        ad.autodiff(running_product, ad.Duplicated)(windows(a), windows(shadow))
    except ad.AutodiffError:
        return
    np.testing.assert_allclose(a, want)
    np.testing.assert_allclose(shadow, want_shadow, rtol=1e-12)


def test_an_allocation_that_is_not_reached_takes_no_memory():
    check(allocation_not_reached, active(0.7), const(10**14))


def test_a_slice_assignment_in_a_loop_is_differentiated_twice():
    """Numba builds the message of a size mismatch through pointers unknown to the engine: no reason to refuse."""

    @njit
    def kernel(a, n):
        for _ in range(n):
            a[:4] = a[1:5] * a[:4]

    gradient = ad.autodiff(kernel, ad.Duplicated, ad.Const)
    second = ad.autodiff(gradient, ad.Duplicated, ad.Duplicated, ad.Const, mode=ad.Forward)
    start, move, seed = np.linspace(0.5, 1.5, 6), np.linspace(-1.0, 1.0, 6), np.linspace(1.0, 2.0, 6)

    def gradient_at(a):
        shadow = seed.copy()
        gradient(a, shadow, 3)
        return shadow

    tangent = np.zeros(6)
    second(start.copy(), move.copy(), seed.copy(), tangent, 3)
    step = 1e-5
    difference = (gradient_at(start + step * move) - gradient_at(start - step * move)) / (2.0 * step)
    np.testing.assert_allclose(tangent, difference, rtol=1e-7, atol=1e-8)
