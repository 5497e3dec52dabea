"""Bad calls: each raises an error of ours, of the expected built-in kind, before any memory is touched."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@njit
def kernel(x, a, n):
    for i in range(a.shape[0]):
        a[i] = a[i] * x * n
    return x * a[0]


@njit
def two_arrays(a, b):
    for i in range(a.shape[0]):
        a[i] = a[i] * b[i]


@njit
def of_matrix(m):
    s = 0.0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            s += m[i, j] * m[i, j]
    return s


@njit
def counts(x, n):
    return n + 1


@njit
def of_tuple(p):
    return p[0] * p[1]


def refused(kind, derivative, *arguments, **keywords):
    """The call raises AutodiffError and `kind`, and leaves every array as it was; gives back the error."""
    arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
    before = [array.tobytes() for array in arrays]
    with pytest.raises(ad.AutodiffError) as caught:
        derivative(*arguments, **keywords)
    assert isinstance(caught.value, kind), f"{type(caught.value)} is no {kind}"
    assert [array.tobytes() for array in arrays] == before
    return caught.value


@pytest.fixture(scope="module")
def derivative():
    return ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const)


@pytest.fixture(scope="module")
def pair():
    return ad.autodiff(two_arrays, ad.Duplicated, ad.Duplicated)


@pytest.fixture(scope="module")
def matrix():
    return ad.autodiff(of_matrix, ad.Duplicated)


def test_too_few_annotations():
    refused(TypeError, lambda: ad.autodiff(kernel, ad.Active, ad.Duplicated)(1.0, np.ones(3), np.ones(3)))


def test_too_many_annotations():
    refused(
        TypeError,
        lambda: ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, ad.Const)(1.0, np.ones(3), np.ones(3), 1, 1),
    )


def test_too_few_arguments(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3))


def test_missing_shadow(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), 2)


def test_too_many_arguments(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3), 2, 3)


def test_unknown_keyword(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3), 2, unknown=1)


def test_annotation_that_is_none():
    refused(TypeError, lambda: ad.autodiff(kernel, ad.Active, float, ad.Const)(1.0, np.ones(3), np.ones(3), 2))


def test_kernel_that_is_no_function():
    refused(Exception, lambda: ad.autodiff(3.0, ad.Active))


def test_shadow_of_other_dtype(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3, np.float32), 2)
    refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3, np.int64), 2)


def test_shadow_that_is_a_scalar(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), 1.0, 2)


def test_duplicated_integer_array(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3, np.int64), np.ones(3, np.int64), 2)


def test_duplicated_scalar(derivative):
    refused(TypeError, derivative, 1.0, 2.0, 1.0, 2)


def test_active_array(derivative):
    refused(TypeError, derivative, np.ones(3), np.ones(3), np.ones(3), 2)


def test_active_bool(derivative):
    refused(TypeError, derivative, True, np.ones(3), np.ones(3), 2)


def test_shadow_of_other_rank(derivative):
    refused(Exception, derivative, 1.0, np.ones(4), np.ones((2, 2)), 2)


@pytest.mark.parametrize("size", [2, 4, 0])
def test_shadow_of_other_shape(derivative, size):
    refused(ValueError, derivative, 1.0, np.ones(3), np.ones(size), 2)


def test_shadow_of_transposed_shape(matrix):
    refused(ValueError, matrix, np.ones((2, 3)), np.ones((3, 2)))


def test_shadow_of_other_layout(matrix):
    refused(ValueError, matrix, np.ones((2, 3)), np.ones((2, 3), order="F"))


def test_shadow_of_other_strides(matrix):
    refused(ValueError, matrix, np.ones((2, 6))[:, ::2], np.ones((4, 3))[::2])


def test_shadow_that_runs_the_other_way(derivative):
    refused(ValueError, derivative, 1.0, np.ones(6)[::2], np.ones(6)[::-2], 2)


def test_array_as_its_own_shadow(derivative):
    a = np.ones(3)
    refused(ValueError, derivative, 1.0, a, a, 2)


def test_shadow_that_overlaps_its_array(derivative):
    memory = np.arange(5.0)
    refused(ValueError, derivative, 1.0, memory[:3], memory[2:], 2)


def test_shadow_that_overlaps_another_array(pair):
    memory = np.arange(5.0)
    refused(ValueError, pair, memory[:3], np.ones(3), np.ones(3), memory[2:])


def test_one_shadow_for_two_arrays(pair):
    shadow = np.ones(3)
    refused(ValueError, pair, np.ones(3), shadow, np.ones(3), shadow)


def test_overlapping_arrays_with_separate_shadows(pair):
    memory = np.arange(4.0)
    refused(ValueError, pair, memory[1:], np.ones(3), memory[:-1], np.ones(3))


def test_overlapping_arrays_with_shadows_that_overlap_otherwise(pair):
    memory, shadow = np.arange(5.0), np.ones(5)
    refused(ValueError, pair, memory[1:4], shadow[2:], memory[:3], shadow[:3])


def test_const_array_that_overlaps_a_duplicated_one():
    derivative = ad.autodiff(two_arrays, ad.Duplicated, ad.Const)
    a = np.arange(3.0)
    refused(ValueError, derivative, a, np.ones(3), a)


def test_readonly_primal(derivative):
    a = np.ones(3)
    a.flags.writeable = False
    refused(ValueError, derivative, 1.0, a, np.ones(3), 2)


def test_readonly_shadow(derivative):
    shadow = np.ones(3)
    shadow.flags.writeable = False
    refused(ValueError, derivative, 1.0, np.ones(3), shadow, 2)


def test_seed_for_a_kernel_that_returns_nothing(pair):
    refused(TypeError, pair, np.ones(3), np.ones(3), np.ones(3), np.ones(3), seed=1.0)


def test_seed_for_a_kernel_that_returns_an_int():
    refused(TypeError, ad.autodiff(counts, ad.Active, ad.Const), 1.0, 2, seed=1.0)


def test_seed_that_is_no_number(derivative):
    refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3), 2, seed=np.ones(3))


def test_complex_scalar(derivative):
    refused(NotImplementedError, derivative, 1.0 + 2.0j, np.ones(3), np.ones(3), 2)


def test_complex_array(derivative):
    refused(NotImplementedError, derivative, 1.0, np.ones(3, complex), np.ones(3, complex), 2)


def test_argument_that_numba_cannot_pass(derivative):
    refused(Exception, derivative, 1.0, np.ones(3), np.ones(3), object())


def test_plan_step_that_does_not_exist():
    def call():
        ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, disable=("nothing",))(1.0, np.ones(3), np.ones(3), 2)

    refused(ValueError, call)


def test_good_call_after_bad_ones(derivative):
    a, shadow = np.array([1.0, 2.0, 3.0]), np.ones(3)
    for _ in range(3):
        refused(ValueError, derivative, 1.0, a, np.ones(2), 2)
    assert derivative(1.5, a, shadow, 2) == 18.0
    np.testing.assert_array_equal(a, [3.0, 6.0, 9.0])
    np.testing.assert_array_equal(shadow, [7.5, 3.0, 3.0])


# Forward mode.


@pytest.fixture(scope="module")
def tangent():
    return ad.autodiff(kernel, ad.Duplicated, ad.Duplicated, ad.Const, mode=ad.Forward)


def test_active_in_forward_mode():
    derivative = ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, mode=ad.Forward)
    error = refused(TypeError, derivative, 1.0, np.ones(3), np.ones(3), 2)
    assert "Duplicated" in str(error)


def test_missing_tangent(tangent):
    refused(TypeError, tangent, 1.0, np.ones(3), np.ones(3), 2)
    refused(TypeError, tangent, 1.0, 1.0, np.ones(3), 2)


def test_too_many_tangents(tangent):
    refused(TypeError, tangent, 1.0, 1.0, np.ones(3), np.ones(3), 2, 0)


def test_tangent_of_a_scalar_that_is_an_array(tangent):
    refused(TypeError, tangent, 1.0, np.ones(1), np.ones(3), np.ones(3), 2)


def test_tangent_of_a_scalar_that_is_a_tuple(tangent):
    refused(TypeError, tangent, 1.0, (1.0,), np.ones(3), np.ones(3), 2)


def test_tangent_of_a_scalar_that_is_no_number(tangent):
    refused(TypeError, tangent, 1.0, None, np.ones(3), np.ones(3), 2)
    refused(TypeError, tangent, 1.0, 1.0j, np.ones(3), np.ones(3), 2)


def test_tangent_of_a_bool(tangent):
    refused(TypeError, tangent, True, 1.0, np.ones(3), np.ones(3), 2)


def test_tangent_of_an_array_that_is_a_scalar(tangent):
    refused(TypeError, tangent, 1.0, 1.0, np.ones(3), 1.0, 2)


def test_tangent_of_other_dtype(tangent):
    refused(TypeError, tangent, 1.0, 1.0, np.ones(3), np.ones(3, np.float32), 2)


def test_tangent_of_an_integer_array(tangent):
    refused(TypeError, tangent, 1.0, 1.0, np.ones(3, np.int64), np.ones(3, np.int64), 2)


@pytest.mark.parametrize("size", [2, 4, 0])
def test_tangent_of_other_shape(tangent, size):
    refused(ValueError, tangent, 1.0, 1.0, np.ones(3), np.ones(size), 2)


def test_tangent_of_other_rank(tangent):
    refused(Exception, tangent, 1.0, 1.0, np.ones(4), np.ones((2, 2)), 2)


def test_tangent_that_overlaps_its_array(tangent):
    memory = np.arange(5.0)
    refused(ValueError, tangent, 1.0, 1.0, memory[:3], memory[2:], 2)


def test_one_tangent_for_two_arrays():
    derivative = ad.autodiff(two_arrays, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
    shadow = np.ones(3)
    refused(ValueError, derivative, np.ones(3), shadow, np.ones(3), shadow)


def test_readonly_tangent(tangent):
    shadow = np.ones(3)
    shadow.flags.writeable = False
    refused(ValueError, tangent, 1.0, 1.0, np.ones(3), shadow, 2)


def test_tuple_with_tangents_of_other_length():
    derivative = ad.autodiff(of_tuple, ad.Duplicated, mode=ad.Forward)
    refused(TypeError, derivative, (1.0, 2.0), (1.0,))
    refused(TypeError, derivative, (1.0, 2.0), 1.0)


def test_seed_in_forward_mode(tangent):
    refused(TypeError, tangent, 1.0, 1.0, np.ones(3), np.ones(3), 2, seed=1.0)


def test_mode_that_is_none():
    refused(Exception, lambda: ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, mode="forward"))
