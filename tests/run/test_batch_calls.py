"""Calls of batches: types of results, seeds and tangents of scalars, and bad calls that must leave all memory alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@njit
def product(x, y):
    return x * y


@njit
def scaled_sum(x, a):
    s = 0.0
    for i in range(a.shape[0]):
        a[i] *= x
        s += a[i]
    return s


@njit
def squared(a, out):
    for i in range(a.shape[0]):
        out[i] = a[i] * a[i]


@njit
def through_workspace(a, work):
    s = 0.0
    for i in range(a.shape[0]):
        work[i] = a[i] * a[i]
        s += work[i] * work[0]
    return s


@njit
def refuses_negative(a):
    for i in range(a.shape[0]):
        if a[i] < 0.0:
            raise ValueError("negative")
        a[i] = math.sqrt(a[i])


@njit
def count(a):
    n = 0
    for i in range(a.shape[0]):
        a[i] *= 2.0
        n += 1
    return n


@njit
def of_tuple(p):
    return p[0] * p[1]


D, B = ad.Duplicated, ad.BatchDuplicated
pulled = ad.autodiff(scaled_sum, ad.Active, B)
pushed = ad.autodiff(scaled_sum, B, B, mode=ad.Forward)
squares = ad.autodiff(squared, B, B)


@njit
def two_gradients(x, a):
    first, second = np.zeros_like(a), np.ones_like(a)
    adjoints = pulled(x, a, (first, second))
    return adjoints[0], adjoints[1], first.sum(), second.sum()


def test_reverse_mode_gives_an_adjoint_per_lane():
    a, shadows = np.array([1.0, 2.0]), (np.zeros(2), np.ones(2))
    assert pulled(3.0, a, shadows) == (3.0, 6.0)
    np.testing.assert_array_equal(a, [3.0, 6.0])
    np.testing.assert_array_equal(shadows, [[3.0, 3.0], [6.0, 6.0]])


def test_reverse_mode_with_primal():
    derivative = ad.autodiff(scaled_sum, ad.Active, B, mode=ad.ReverseWithPrimal)
    assert derivative(3.0, np.array([1.0, 2.0]), (np.zeros(2), np.ones(2))) == (9.0, (3.0, 6.0))


def test_reverse_mode_without_active_arguments():
    shadows = np.zeros((2, 2))
    assert ad.autodiff(scaled_sum, ad.Const, B)(3.0, np.array([1.0, 2.0]), shadows) is None
    np.testing.assert_array_equal(shadows, np.full((2, 2), 3.0))


def test_several_active_arguments():
    @njit
    def kernel(x, y, a):
        return x * y * a[0]

    derivative = ad.autodiff(kernel, ad.Active, ad.Active, B)
    assert derivative(2.0, 3.0, np.ones(1), np.zeros((2, 1)), seed=(1.0, 10.0)) == ((3.0, 30.0), (2.0, 20.0))


@pytest.mark.parametrize("seed", [(2.0, -1.0), np.array([2.0, -1.0])])
def test_a_seed_per_lane(seed):
    assert pulled(3.0, np.array([1.0, 2.0]), np.zeros((2, 2)), seed=seed) == (6.0, -3.0)


def test_forward_mode_gives_a_tangent_per_lane():
    a, tangents = np.array([1.0, 2.0]), (np.zeros(2), np.ones(2))
    assert pushed(3.0, (1.0, 0.0), a, tangents) == (3.0, 6.0)
    np.testing.assert_array_equal(tangents, [[1.0, 2.0], [3.0, 3.0]])


def test_forward_mode_with_primal():
    derivative = ad.autodiff(product, B, ad.Const, mode=ad.ForwardWithPrimal)
    assert derivative(2.0, (1.0, -1.0, 0.5), 5.0) == (10.0, (5.0, -5.0, 2.5))


def test_kernel_that_returns_no_float():
    tangents = np.ones((2, 3))
    assert ad.autodiff(count, B, mode=ad.ForwardWithPrimal)(np.ones(3), tangents) == (3, None)
    np.testing.assert_array_equal(tangents, np.full((2, 3), 2.0))
    assert ad.autodiff(count, B, mode=ad.ReverseWithPrimal)(np.ones(3), tangents) == (3, None)
    np.testing.assert_array_equal(tangents, np.full((2, 3), 4.0))


@pytest.mark.parametrize("tangent", [(1.0, 2.0), [1.0, 2.0], np.array([1.0, 2.0]), np.arange(1.0, 5.0)[:2], (1, 2)])
def test_forms_of_a_batch_of_numbers(tangent):
    assert ad.autodiff(product, B, ad.Const, mode=ad.Forward)(2.0, tangent, 5.0) == (5.0, 10.0)


def test_float32():
    a, shadows = np.array([1.0, 2.0], np.float32), np.zeros((2, 2), np.float32)
    assert pulled(3.0, a, shadows) == (3.0, 3.0)
    np.testing.assert_array_equal(shadows, np.full((2, 2), 3.0))


def test_const_workspace():
    derivative = ad.autodiff(through_workspace, B, ad.Const, mode=ad.Forward)
    for _ in range(2):
        a, tangents, work = np.array([2.0, 3.0]), np.eye(2), np.full(2, 7.0)
        assert derivative(a, tangents, work) == (4.0 * 8.0 + 4.0 * 9.0, 6.0 * 4.0)


def test_values_form():
    a, shadows = np.array([1.0, 2.0]), np.zeros((2, 2))
    assert ad.autodiff(scaled_sum, ad.Active(3.0), B(a, shadows)) == (3.0, 3.0)
    np.testing.assert_array_equal(shadows, np.full((2, 2), 3.0))
    assert ad.autodiff(product, B(2.0, (1.0, 2.0)), ad.Const(5.0), mode=ad.Forward) == (5.0, 10.0)


def test_called_from_compiled_code():
    assert two_gradients(3.0, np.array([1.0, 2.0])) == (3.0, 6.0, 6.0, 12.0)


@pytest.mark.parametrize("mode", [ad.Reverse, ad.Forward])
def test_exception_leaves_the_shadows(mode):
    a, shadows = np.array([4.0, -4.0]), np.ones((3, 2))
    with pytest.raises(ValueError, match="negative"):
        ad.autodiff(refuses_negative, B, mode=mode)(a, shadows)
    np.testing.assert_array_equal(a, [2.0, -4.0])
    np.testing.assert_array_equal(shadows, np.ones((3, 2)))


def refused(kind, derivative, *arguments, **keywords):
    """The call raises AutodiffError and `kind`, and leaves every array as it was."""
    arrays = [array for argument in arguments for array in (argument if isinstance(argument, tuple) else (argument,))]
    arrays = [array for array in arrays if isinstance(array, np.ndarray)]
    before = [array.tobytes() for array in arrays]
    with pytest.raises(ad.AutodiffError) as caught:
        derivative(*arguments, **keywords)
    assert isinstance(caught.value, kind), f"{type(caught.value)} is no {kind}"
    assert [array.tobytes() for array in arrays] == before


def test_different_numbers_of_shadows():
    refused(ValueError, squares, np.ones(2), np.zeros((2, 2)), np.ones(2), np.zeros((3, 2)))
    refused(ValueError, squares, np.ones(2), (np.zeros(2),) * 1, np.ones(2), (np.zeros(2), np.zeros(2)))
    refused(ValueError, squares, np.ones(2), (np.zeros(2),), np.ones(2), np.zeros((2, 2)))
    refused(ValueError, pushed, 3.0, (1.0, 1.0, 1.0), np.ones(2), np.zeros((2, 2)))
    refused(ValueError, pushed, 3.0, np.ones(3), np.ones(2), np.zeros((2, 2)))


def test_mixed_with_single_shadows():
    refused(TypeError, lambda: ad.autodiff(squared, B, D)(np.ones(2), np.zeros((2, 2)), np.ones(2), np.zeros(2)))
    refused(TypeError, lambda: ad.autodiff(scaled_sum, D, B, mode=ad.Forward)(3.0, 1.0, np.ones(2), np.zeros((2, 2))))


def test_shadow_that_is_no_batch():
    refused(TypeError, pulled, 3.0, np.ones(2), 1.0)
    refused(Exception, pulled, 3.0, np.ones(2), np.zeros(2))
    refused(TypeError, pulled, 3.0, np.ones(2), None)
    refused(TypeError, pulled, 3.0, np.ones(2), (np.zeros(2), 1.0))
    refused(TypeError, pushed, 3.0, 1.0, np.ones(2), np.zeros((2, 2)))


@pytest.mark.parametrize("shape", [(2, 3), (2, 1), (3, 2), (2, 2, 1)])
def test_shape(shape):
    refused(ValueError, squares, np.ones(2), np.zeros((2, 2)), np.ones(2), np.zeros(shape))


def test_shape_of_one_lane():
    refused(ValueError, pulled, 3.0, np.ones(2), (np.zeros(2), np.zeros(3)))


def test_dtype():
    refused(TypeError, pulled, 3.0, np.ones(2), np.zeros((2, 2), np.float32))
    refused(TypeError, pulled, 3.0, np.ones(2), (np.zeros(2), np.zeros(2, np.float32)))
    refused(TypeError, pulled, 3.0, np.ones(2, np.int64), np.zeros((2, 2), np.int64))


def test_readonly_shadow():
    shadows = np.zeros((2, 2))
    shadows.flags.writeable = False
    refused(ValueError, pulled, 3.0, np.ones(2), shadows)


def test_shared_memory():
    a, shadow = np.ones(2), np.zeros(2)
    memory = np.zeros(3)
    refused(ValueError, pulled, 3.0, a, (shadow, shadow))
    refused(ValueError, pulled, 3.0, a, (memory[1:], memory[:2]))
    refused(ValueError, pulled, 3.0, a, (a, shadow))
    refused(ValueError, squares, a, np.zeros((2, 2)), a, np.zeros((2, 2)))
    refused(ValueError, pulled, 3.0, a, np.broadcast_to(shadow, (2, 2)))


def test_const_arrays_that_share_memory():
    """Refused if the kernel writes one of them; what it only reads may be one array."""

    @njit
    def through(a, first, second):
        for i in range(a.size):
            first[i] = a[i] * a[i]
        return second[0] + second[1]

    workspace, a = np.zeros(2), np.array([2.0, 3.0])
    da = np.zeros((2, 2))
    refused(ValueError, ad.autodiff(through, B, ad.Const, ad.Const), a, da, workspace, workspace)
    assert not workspace.any()
    assert not da.any()

    @njit
    def weighted(a, first, second):
        return a[0] * first[0] * second[1]

    w = a + 1.0
    ad.autodiff(weighted, B, ad.Const, ad.Const)(a, da, w, w)
    np.testing.assert_array_equal(da[:, 0], [12.0, 12.0])


def test_scalars_in_reverse_mode():
    refused(TypeError, ad.autodiff(product, B, ad.Const), 2.0, (1.0, 1.0), 5.0)


def test_active_in_forward_mode():
    refused(TypeError, ad.autodiff(scaled_sum, ad.Active, B, mode=ad.Forward), 3.0, np.ones(2), np.zeros((2, 2)))


def test_tuples():
    refused(TypeError, ad.autodiff(of_tuple, B, mode=ad.Forward), (1.0, 2.0), ((1.0, 0.0), (0.0, 1.0)))


def test_number_of_arguments():
    refused(TypeError, pulled, 3.0, np.ones(2))
    refused(TypeError, pulled, 3.0, np.ones(2), np.zeros((2, 2)), 1)
    refused(TypeError, lambda: ad.autodiff(scaled_sum, B))
