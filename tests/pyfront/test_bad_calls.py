"""Bad calls are refused with a typed error that names the argument, before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad
from pyfront import kernel as kernels


@njit
def fill(x, y):
    for i in range(x.shape[0]):
        y[i] = x[i]


@njit
def square(x):
    return x * x


@njit
def two(x, y, z):
    x[0] = y[0] * z[0]


def duplicated():
    return ad.autodiff(fill, ad.Duplicated, ad.Duplicated)


def readonly(array):
    array.flags.writeable = False
    return array


def ones(*shape, dtype=np.float64):
    return np.ones(shape, dtype=dtype)


UNSUITABLE = [
    (lambda: duplicated()(ones(3), ones(4), ones(3), ones(3)), ad.ShapeError, "`dx`"),
    (lambda: duplicated()(ones(3, 2), ones(2, 3), ones(3, 2), ones(3, 2)), ad.ShapeError, "`dx`"),
    (lambda: duplicated()(ones(6)[::2], ones(3), ones(3), ones(3)), ad.LayoutError, "`dx`"),
    (lambda: duplicated()(ones(3)[::-1], ones(3), ones(3), ones(3)), ad.LayoutError, "`dx`"),
    (lambda: duplicated()(ones(3, 2), ones(2, 3).T, ones(3, 2), ones(3, 2)), ad.LayoutError, "`dx` is in Fortran"),
    (lambda: duplicated()(ones(3), ones(3, 1), ones(3), ones(3)), ad.LayoutError, "`dx` has 2 dimensions"),
    (lambda: duplicated()(ones(3), ones(3, dtype=np.float32), ones(3), ones(3)), ad.DtypeError, "`dx` holds float32"),
    (lambda: duplicated()(ones(3), 1.0, ones(3), ones(3)), ad.DtypeError, "`dx` is not an array"),
    (lambda: duplicated()(ones(3), None, ones(3), ones(3)), ad.DtypeError, "`dx`"),
    (lambda: duplicated()(ones(3, dtype=np.int64), ones(3), ones(3), ones(3)), ad.DtypeError, "`x` holds int64"),
    (lambda: duplicated()(ones(3), ones(3), readonly(ones(3)), ones(3)), ad.ReadonlyError, "`y`"),
    (lambda: duplicated()(ones(3), ones(3), ones(3), readonly(ones(3))), ad.ReadonlyError, "`dy`"),
    (lambda: duplicated()(1.0, 1.0, ones(3), ones(3)), ad.AnnotationError, "`x` is a scalar"),
    (lambda: duplicated()(ones(3) + 0j, ones(3), ones(3), ones(3)), ad.UnsupportedError, "`x` is complex"),
    (lambda: duplicated()(np.array(1.0), np.array(1.0), ones(3), ones(3)), ad.UnsupportedError, "without dimensions"),
    (lambda: duplicated()(*[ones(3, dtype=np.float16)] * 4), ad.UnsupportedError, "`x` has type array(float16"),
    (lambda: duplicated()([1.0], [1.0], ones(3), ones(3)), ad.UnsupportedError, "`x`"),
    (lambda: duplicated()({}, {}, ones(3), ones(3)), ad.UnsupportedError, "`x` is a dict"),
    (lambda: duplicated()(object(), object(), ones(3), ones(3)), ad.UnsupportedError, "`x` is a object"),
    (lambda: duplicated()("x", "x", ones(3), ones(3)), ad.UnsupportedError, "`x`"),
    (lambda: duplicated()(ones(3), ones(3), ones(3)), ad.ArityError, "dy"),
    (lambda: duplicated()(ones(3), ones(3), ones(3), ones(3), 1), ad.ArityError, "too many"),
    (lambda: duplicated()(ones(3), ones(3), ones(3), dz=ones(3)), ad.ArityError, "dy"),
    (lambda: ad.autodiff(fill, ad.Active, ad.Const)(ones(3), ones(3)), ad.AnnotationError, "`x` is an array"),
    (lambda: ad.autodiff(square, ad.Active)(True), ad.AnnotationError, "`x` is a boolean"),
    (lambda: ad.autodiff(square, ad.Active)(1j), ad.UnsupportedError, "`x` is complex"),
    (lambda: ad.autodiff(square, ad.Duplicated)(1.0, 1.0), ad.AnnotationError, "annotate it Active"),
    (lambda: duplicated()(ones(3), ones(3), ones(3), ones(3), seed=1.0), ad.SeedError, "returns nothing"),
    (lambda: ad.autodiff(lambda x: x > 1.0, ad.Active)(2.0, seed=1.0), ad.SeedError, "no derivative"),
    (lambda: ad.autodiff(square, ad.Active)(2), ad.AnnotationError, "`x` is an integer (int64)"),
    (lambda: ad.autodiff(square, ad.Active)((2, True)), ad.AnnotationError, "no float in it"),
    (lambda: ad.autodiff(square, ad.Const), ad.AnnotationError, "every annotation is Const"),
    (lambda: ad.autodiff_split(square, ad.Const), ad.AnnotationError, "every annotation is Const"),
    (lambda: ad.autodiff(square, ad.Active, disable=("no such step",)), ad.PlanStepError, "no such step"),
    (
        lambda: duplicated()(ones(3), ones(4), ones(3), ones(3)),
        ad.ShapeError,
        "`dx` has the shape (4,), `x` has",
    ),
    (lambda: ad.autodiff(square, ad.Active)(2.0, seed=1j), ad.SeedError, "real number"),
    (lambda: ad.autodiff(square, ad.Active)(2.0, seed=ones(3)), ad.SeedError, "real number"),
    (lambda: ad.autodiff(lambda x: (x, np.ones(1)), ad.Active)(1.0), ad.UnsupportedError, "returns"),
    (lambda: ad.autodiff(lambda x: x.copy(), ad.Duplicated)(ones(3), ones(3)), ad.UnsupportedError, "returns"),
    (lambda: ad.autodiff(lambda x: x * 1j, ad.Active)(1.0), ad.UnsupportedError, "complex"),
]


@pytest.mark.parametrize(("call", "error", "text"), UNSUITABLE)
def test_unsuitable_arguments(fake, call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)
    assert isinstance(caught.value, ad.AutodiffError)


def test_errors_are_also_the_builtin_ones():
    assert issubclass(ad.ArityError, TypeError)
    assert issubclass(ad.DtypeError, TypeError)
    assert issubclass(ad.ShapeError, ValueError)
    assert issubclass(ad.OverlapError, ValueError)
    assert issubclass(ad.UnsupportedError, NotImplementedError)


def overlapping_shadow():
    x = ones(5)
    return x[:3], x[2:], ones(3), ones(3)


def shadow_over_other_array():
    y = ones(3)
    return ones(3), y, y, ones(3)


def one_shadow_for_two_arrays():
    shadow = ones(3)
    return ones(3), shadow, ones(3), shadow


def one_array_with_two_shadows():
    x = ones(3)
    return x, ones(3), x, ones(3)


def shifted_shadows():
    x, dx = ones(5), ones(5)
    return x[:3], dx[:3], x[2:], dx[1:4]


def swapped_shadows():
    x, dx = ones(5), ones(5)
    return x[:3], dx[2:], x[2:], dx[:3]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (overlapping_shadow, "the shadow `dx` overlaps the array `x`"),
        (shadow_over_other_array, "the shadow `dx` overlaps the array `y`"),
        (one_shadow_for_two_arrays, "the shadows `dx` and `dy` overlap"),
        (one_array_with_two_shadows, "the arrays `x` and `y` overlap"),
        (shifted_shadows, "the arrays `x` and `y` overlap"),
        (swapped_shadows, "overlap"),
    ],
)
def test_overlap_is_refused_before_anything_runs(fake, arguments, text):
    given = arguments()
    before = [array.copy() for array in given]
    with pytest.raises(ad.OverlapError) as caught:
        duplicated()(*given)
    assert text in str(caught.value)
    assert not isinstance(caught.value, ad.AliasedCallError)
    for array, copy in zip(given, before, strict=True):
        assert np.array_equal(array, copy)


def test_const_that_overlaps_a_duplicated_array(fake):
    x = ones(3)
    with pytest.raises(ad.OverlapError, match="`x` is Const but overlaps `y`"):
        ad.autodiff(fill, ad.Const, ad.Duplicated)(x, x, ones(3))


def test_const_that_overlaps_a_shadow(fake):
    x = ones(3)
    with pytest.raises(ad.OverlapError, match="the shadow `dy` overlaps the array `x`"):
        ad.autodiff(fill, ad.Const, ad.Duplicated)(x, ones(3), x)


def test_arguments_that_alias_alike_are_compiled_for_it(fake):
    derivative = ad.autodiff(two, ad.Duplicated, ad.Duplicated, ad.Duplicated)
    x, dx = ones(5), np.zeros(5)
    derivative(x[:3], dx[:3], x[2:], dx[2:], ones(3), ones(3))
    assert [request["may_alias"] for request in fake.requests] == [False, True]
    assert dx.tolist() == [1.0, 0.0, 2.0, 0.0, 0.0]
    derivative(x, dx, x, dx, x, dx)
    assert len(fake.requests) == 2


def test_const_arrays_that_alias_are_compiled_for_it(fake):
    names = kernels.parameters(two)
    fake.written = frozenset(names[1:2])
    x = ones(3)
    ad.autodiff(njit(two.py_func), ad.Duplicated, ad.Const, ad.Const)(ones(3), ones(3), x, x)
    assert [request["may_alias"] for request in fake.requests] == [False, True]


def test_const_arrays_that_are_only_read_may_alias(fake):
    x = ones(3)
    ad.autodiff(njit(two.py_func), ad.Duplicated, ad.Const, ad.Const)(ones(3), ones(3), x, x)
    assert [request["may_alias"] for request in fake.requests] == [False]


def test_empty_arrays_overlap_nothing(fake):
    memory = ones(5)
    duplicated()(memory[2:2], memory[2:2], memory, ones(5))


def test_reversed_views_have_extents_too(fake):
    x, dx = ones(6), ones(6)
    with pytest.raises(ad.OverlapError):
        duplicated()(x[::-1], x[::-1], ones(6), ones(6))
    duplicated()(x[2::-1], dx[2::-1], x[:2:-1], dx[:2:-1])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: ad.autodiff(fill, ad.Duplicated), ad.ArityError, "takes 2 arguments"),
        (lambda: ad.autodiff(fill, ad.Duplicated, 3), ad.AnnotationError, "not an annotation"),
        (lambda: ad.autodiff(fill, ad.Duplicated, float), ad.AnnotationError, "not an annotation"),
        (lambda: ad.autodiff(fill, ad.Duplicated, ad.BatchDuplicated), ad.AnnotationError, "are mixed"),
        (lambda: ad.autodiff(square, ad.Active, mode="reverse"), ad.ArgumentError, "mode must be"),
        (lambda: ad.autodiff(fill, ad.Const, ad.Const(3)), ad.AnnotationError, "mixed"),
        (lambda: ad.autodiff(3, ad.Active), ad.ArgumentError, "neither a Python function"),
        (lambda: ad.autodiff(lambda *a: a[0], ad.Active), ad.ArityError, "variadic"),
        (lambda: ad.autodiff(square, ad.Active)._for_signature("void(f8, f8)"), ad.ArityError, "the signature has 2"),
    ],
)
def test_unsuitable_requests(make, error, text):
    with pytest.raises(error, match=text):
        make()
