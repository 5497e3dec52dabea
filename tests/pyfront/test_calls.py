"""What reaches the derivative, and what comes back: both forms of `autodiff`, modes, keywords, seeds, tuples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit

import pyfront as ad


@njit
def weighted(a, x, n):
    total = 0.0
    for i in range(n):
        total += a * x[i]
        x[i] *= 2.0
    return total


@njit
def fill(x, y):
    for i in range(x.size):
        y[i] = x[i]


@njit
def product(a, b):
    return a * b


@njit
def count(x):
    return x.size


def arrays():
    return np.arange(1.0, 4.0), np.zeros(3)


def test_class_form_returns_the_bare_adjoint_of_one_active_argument(fake):
    derivative = ad.autodiff(weighted, ad.Active, ad.Duplicated, ad.Const)
    x, dx = arrays()
    assert derivative(2.0, x, dx, 3) == 1.0
    assert x.tolist() == [2.0, 4.0, 6.0]
    assert dx.tolist() == [1.0, 0.0, 0.0]


def test_value_form_differentiates_at_once_and_compiles_once(fake):
    for _ in range(2):
        x, dx = arrays()
        assert ad.autodiff(weighted, ad.Active(2.0), ad.Duplicated(x, dx), ad.Const(3)) == 1.0
        assert dx[0] == 1.0
    assert len([request for request in fake.requests if "weighted" in request["primal"]]) <= 1


def test_no_active_argument_returns_none(fake):
    x, dx = arrays()
    y, dy = arrays()
    assert ad.autodiff(fill, ad.Duplicated, ad.Duplicated)(x, dx, y, dy) is None
    assert (dx[0], dy[0]) == (1.0, 2.0)


def test_several_active_arguments_return_a_tuple(fake):
    assert ad.autodiff(product, ad.Active, ad.Active)(2.0, 3.0) == (1.0, 2.0)


def test_with_primal_puts_the_value_first(fake):
    with_primal = ad.autodiff(product, ad.Active, ad.Active, mode=ad.ReverseWithPrimal)
    assert with_primal(2.0, 3.0) == (6.0, (1.0, 2.0))
    x, dx = arrays()
    value, adjoint = ad.autodiff(weighted, ad.Active, ad.Duplicated, ad.Const, mode=ad.ReverseWithPrimal)(2.0, x, dx, 3)
    assert (value, adjoint) == (12.0, 1.0)
    y, dy = arrays()
    nothing = ad.autodiff(fill, ad.Duplicated, ad.Duplicated, mode=ad.ReverseWithPrimal)(x, dx, y, dy)
    assert nothing == (None, None)


def test_integer_results_are_passengers(fake):
    x, dx = arrays()
    assert ad.autodiff(count, ad.Duplicated, mode=ad.ReverseWithPrimal)(x, dx) == (3, None)


def test_seed(fake):
    derivative = ad.autodiff(product, ad.Active, ad.Active)
    assert derivative(2.0, 3.0, seed=0.5) == (0.5, 1.0)
    assert derivative(2.0, 3.0, seed=2) == (2.0, 4.0)
    assert derivative(2.0, b=3.0, seed=0.5) == (0.5, 1.0)


def test_keywords_are_the_kernels_names_and_d_names(fake):
    derivative = ad.autodiff(weighted, ad.Active, ad.Duplicated, ad.Const)
    x, dx = arrays()
    assert derivative(n=3, x=x, dx=dx, a=2.0) == 1.0


def test_names_of_shadows_are_unique(fake):
    def kernel(x, dx, seed):
        x[0] = dx[0] * seed

    derivative = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated, ad.Active)
    assert list(derivative.__signature__.parameters) == ["x", "dx_", "dx", "ddx", "seed_"]


def test_float32(fake):
    result = ad.autodiff(product, ad.Active, ad.Active)(np.float32(2.0), np.float32(3.0), seed=0.5)
    assert result == (0.5, 1.0)
    assert fake.requests[-1]["results"] == [{"type": "f32", "offset": 0}]


def test_tuples_are_split_into_their_elements(fake):
    @njit
    def kernel(parameters, sizes, arrays):
        return parameters[0] * parameters[1][0] + sizes[0] + arrays[1][0]

    x, y = np.ones(2), np.ones((2, 2), dtype=np.float32)[0]
    derivative = ad.autodiff(kernel, ad.Active, ad.Const, ad.Duplicated)
    dx, dy = np.zeros(2), np.zeros(2, dtype=np.float32)
    assert derivative((2.0, (3.0,)), (1, True), (x, y), (dx, dy)) == (1.0, (2.0,))
    assert (dx[0], dy[0]) == (1.0, 2.0)
    names = [entry["name"] for entry in fake.requests[-1]["args"]]
    assert names == ["parameters[0]", "parameters[1][0]", "sizes[0]", "sizes[1]", "arrays[0]", "arrays[1]"]
    assert [entry["param"] for entry in fake.requests[-1]["args"]] == [2, 3, 4, 5, 6, 13]


def test_integers_in_an_active_tuple_are_passengers(fake):
    derivative = ad.autodiff(njit(lambda t: t[0] * t[1]), ad.Active)
    assert derivative((2, 3.0)) == (None, 1.0)
    assert [entry["annotation"] for entry in fake.requests[-1]["args"]] == ["const", "active"]


def test_plain_functions_are_jitted_once(fake):
    def kernel(x):
        return math.sin(x)

    assert ad.autodiff(kernel, ad.Active) is ad.autodiff(kernel, ad.Active)
    assert ad.autodiff(kernel, ad.Active)(1.0) == 1.0


def test_lambda(fake):
    assert ad.autodiff(lambda x: x * x, ad.Active)(3.0) == 1.0


def test_each_signature_is_compiled_once(fake):
    derivative = ad.autodiff(fill, ad.Duplicated, ad.Duplicated, disable=("mincut",))
    for dtype in (np.float64, np.float32, np.float64):
        x = np.zeros(3, dtype)
        derivative(x, x.copy(), x.copy(), x.copy())
    assert len(fake.requests) == 2
    assert len(derivative.signatures) == 2
    assert fake.requests[0]["disable"] == ["mincut"]


def test_shadow_of_another_layout_with_equal_strides(fake):
    derivative = ad.autodiff(fill, ad.Duplicated, ad.Duplicated)
    x, y = np.zeros((2, 3))[0], np.zeros(3)
    dx = np.zeros(6)[::1][:3]
    derivative(x, dx, y, np.zeros((3, 1))[:, 0])
    assert dx[0] == 1.0


def test_readonly_const(fake):
    x = np.ones(3)
    x.flags.writeable = False
    y, dy = arrays()
    ad.autodiff(fill, ad.Const, ad.Duplicated)(x, y, dy)
    assert dy[0] == 1.0


def test_inspection(fake):
    derivative = ad.autodiff(fill, ad.Duplicated, ad.Duplicated, disable=("reload",))
    assert derivative.inspect_plan() == {}
    derivative(*arrays(), *arrays())
    assert derivative.inspect_plan().startswith("plan of")
    assert "define" in derivative.inspect_llvm()
    wide = "void(float32[::1], float32[::1])"
    assert derivative.inspect_plan(wide).startswith("plan of")
    assert list(derivative.inspect_plan()) == derivative.signatures


def test_release_memory(fake):
    ad.release_memory()
    assert fake.released == 1


@pytest.mark.parametrize("mode", [ad.Reverse, ad.ReverseWithPrimal])
def test_repr_names_kernel_and_annotations(mode):
    assert repr(ad.autodiff(product, ad.Active, ad.Const, mode=mode)) == (
        f"<derivative of product(Active, Const), mode {mode.value}>"
    )
