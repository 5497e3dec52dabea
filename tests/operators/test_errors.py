"""Bad input to operators: typed errors that say what to call instead."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from numba import njit, types

import pyfront as ad

X = np.array([1.0, 2.0, 3.0])


def square(x):
    return (x * x).sum()


def squares(x):
    return x * x


def squares_into(y, x):
    for i in range(x.size):
        y[i] = x[i] * x[i]


def scaled(x, n):
    return n * (x * x).sum()


@pytest.mark.parametrize("argnums", [2, -3, (0, 2)])
def test_argnums_out_of_range(argnums) -> None:
    with pytest.raises(ad.ArgnumsError, match=r"out of range\n  help: `scaled` has the arguments x, n"):
        ad.grad(scaled, argnums)


@pytest.mark.parametrize(
    ("argnums", "reason"), [((0, 0), "twice"), ((0, -2), "twice"), ((), "empty"), (1.5, "integer")]
)
def test_argnums_that_make_no_sense(argnums, reason) -> None:
    with pytest.raises(ad.ArgnumsError, match=reason):
        ad.grad(scaled, argnums)


def test_negative_argnums_count_from_the_end() -> None:
    np.testing.assert_array_equal(ad.grad(lambda n, x: n * (x * x).sum(), -1)(2, X), 4 * X)


def test_the_result_is_no_input() -> None:
    with pytest.raises(ad.ArgnumsError, match="`y` is the result of `squares_into`"):
        ad.jacobian(squares_into, 0, out=0)
    with pytest.raises(ad.StructureError, match="pass None in its place"):
        ad.jvp(squares_into, (X, X), (X, X), out="y")


def test_integers_have_no_derivative() -> None:
    with pytest.raises(ad.DtypeError, match=r"argument `n` of `scaled` is an integer.*\n  help: pass a float"):
        ad.grad(scaled, 1)(X, 3)
    with pytest.raises(ad.DtypeError, match=r"argument `x` of `square` is of type array\(int64"):
        ad.hessian(square)(np.arange(3))
    with pytest.raises(ad.DtypeError, match="must be None"):
        ad.jvp(scaled, (X, 3), (X, 1.0))
    with pytest.raises(ad.DtypeError, match=r"`p\['n'\]`"):
        ad.grad(lambda p: p["n"] * p["x"])({"n": 2, "x": 1.0})


def test_a_result_that_is_no_float() -> None:
    with pytest.raises(ad.ResultError, match="use jacobian for all derivatives, or vjp"):
        ad.grad(squares)(X)
    with pytest.raises(ad.ResultError, match="use jacobian"):
        ad.hvp(squares, X, X)
    with pytest.raises(ad.ResultError, match=r"return a float: float\(result\)"):
        ad.grad(lambda x: x.size)(X)
    with pytest.raises(ad.ResultError, match=r"returns nothing.*\n.*say which: out=0"):
        ad.jacobian(squares_into, 1)(X, X)
    with pytest.raises(ad.ResultError, match="return one float or one array"):
        ad.jacobian(lambda x: (x, x))(X)
    with pytest.raises(ad.DtypeError, match="array of int64"):
        ad.jacobian(lambda x: np.arange(x.size))(X)


def test_out_names_an_argument() -> None:
    for out in (2, -3, "z"):
        with pytest.raises(ad.ArgumentError, match="names no argument\n  help: `squares_into` has the arguments y, x"):
            ad.jacobian(squares_into, out=out)
    with pytest.raises(ad.ArgumentError, match="neither the position nor the name"):
        ad.jacobian(squares_into, out=X)
    with pytest.raises(ad.ResultError, match="names `y`, which is not an array"):
        ad.jacobian(squares_into, out="y")(1.0, X)
    with pytest.raises(ad.DtypeError, match="holds int64"):
        ad.jacobian(squares_into, out="y")(np.arange(3), X)
    with pytest.raises(ad.ArgumentError, match="no argument for out="):
        ad.jacobian(ad.grad(square), out=0)


def test_derivative_is_by_a_number() -> None:
    with pytest.raises(ad.DtypeError, match=r"`x` of `square` is an array.*\n.*use grad, jacobian or hessian"):
        ad.derivative(square)(X)
    with pytest.raises(ad.DtypeError, match="is an array"):
        ad.second_derivative(square)(X)


def test_tangents_fit_their_arguments() -> None:
    with pytest.raises(ad.ArityError, match="2 primals, so there must be 2 tangents, not 1"):
        ad.jvp(scaled, (X, 3), (X,))
    with pytest.raises(ad.StructureError, match=r"must be a tuple.*\n  help: write \(x,\)"):
        ad.jvp(square, X, X)
    with pytest.raises(ad.ShapeError, match=r"shape \(2,\), argument `x` \(3,\)"):
        ad.jvp(square, (X,), (X[:2],))
    with pytest.raises(ad.ShapeError, match="1 dimensions, not 2"):
        ad.jvp(square, (X,), (np.eye(3),))
    with pytest.raises(ad.DtypeError, match=r"array of float64, not array\(float32"):
        ad.jvp(square, (X,), (X.astype(np.float32),))
    with pytest.raises(ad.DtypeError, match="must be an array"):
        ad.jvp(square, (X,), (1.0,))
    with pytest.raises(ad.DtypeError, match="must be a number"):
        ad.jvp(lambda x: x * x, (1.0,), (X,))
    with pytest.raises(ad.StructureError, match="must be one number or array"):
        ad.jvp(square, (X,), ((X,),))
    with pytest.raises(ad.ArityError, match="`hvp`: there are 2 primals"):
        ad.hvp(scaled, (X, 3), (X,))


def test_cotangents_fit_the_result() -> None:
    _, pullback = ad.vjp(squares, X)
    with pytest.raises(ad.ShapeError, match="cotangent"):
        pullback(X[:2])
    with pytest.raises(ad.DtypeError, match="must be an array"):
        pullback(1.0)
    with pytest.raises(ad.StructureError, match="pass zeros, not None"):
        pullback(None)
    with pytest.raises(ad.StructureError, match="must be one number or array"):
        pullback((X, X))
    _, pullback = ad.vjp(square, X)
    with pytest.raises(ad.DtypeError, match="must be a number"):
        pullback(X)


def test_out_arrays_fit_the_result() -> None:
    gradient = ad.grad(square)
    with pytest.raises(ad.ShapeError, match=r"out=.* has shape \(2,\), the result \(3,\)"):
        gradient(X, out=np.empty(2))
    with pytest.raises(ad.ShapeError, match=r"out=.* has shape \(3, 3\), the result \(3,\)"):
        gradient(X, out=np.empty((3, 3)))
    with pytest.raises(ad.DtypeError, match="cannot hold the result"):
        gradient(X, out=np.empty(3, np.float32))
    with pytest.raises(ad.DtypeError, match="an array for each result"):
        gradient(X, out=1.0)
    with pytest.raises(ad.OverlapError, match="shares memory"):
        gradient(X, out=X)
    with pytest.raises(ad.OverlapError, match="shares memory"):
        ad.grad(lambda x, y: (x * y).sum(), (0, 1))(X, 2 * X, out=(X[:0], X))
    with pytest.raises(ad.ArgumentError, match="the result is a number"):
        ad.derivative(lambda x: x * x)(1.0, out=np.empty(1))
    readonly = np.empty(3)
    readonly.flags.writeable = False
    with pytest.raises(ad.ReadonlyError, match="readonly"):
        gradient(X, out=readonly)
    with pytest.raises(ad.StructureError, match="tuple of 2 elements"):
        ad.grad(lambda x, y: (x * y).sum(), (0, 1))(X, 2 * X, out=np.empty(3))


def test_arguments_that_do_not_fit_the_function() -> None:
    with pytest.raises(ad.ArityError, match="takes 1 arguments"):
        ad.grad(square)(X, X)
    with pytest.raises(ad.ArgnumsError, match="not given"):
        ad.grad(square)()
    with pytest.raises(ad.ArityError, match=r"takes 2 arguments \(x, n\), got 1"):
        ad.grad(scaled)(X)
    with pytest.raises(ad.UnsupportedError, match="complex"):
        ad.grad(scaled)(X, 1j)
    with pytest.raises(ad.UnsupportedError, match="not supported"):
        ad.grad(scaled)(X, object())
    with pytest.raises(ad.ArgumentError, match="neither a Python function nor"):
        ad.grad(3.0)


def test_exceptions_of_the_function_pass_through() -> None:
    def checked(x):
        if x[0] < 0.0:
            raise ValueError("negative")
        return np.sqrt(x[0])

    for call in (
        lambda x: ad.grad(checked)(x),
        lambda x: ad.hessian(checked)(x),
        lambda x: ad.jvp(checked, (x,), (x,)),
        lambda x: ad.vjp(checked, x),
    ):
        with pytest.raises(ValueError, match="negative"):
            call(np.array([-1.0]))
        call(np.array([1.0]))


def test_a_bare_primal_is_no_tuple() -> None:
    with pytest.raises(ad.StructureError, match=r"write \(x,\) for one argument"):
        ad.jvp(lambda x: x * x, 2.0, 1.0)
    with pytest.raises(ad.StructureError, match=r"write \(x,\) for one argument"):
        ad.prepare(ad.jvp, lambda x: x * x, (2.0,), (1.0,))(2.0, 1.0)


def test_preparation_of_too_few_arguments() -> None:
    for operator in (ad.jvp, ad.vjp, ad.hvp):
        arguments = () if operator is ad.vjp else (square,)
        with pytest.raises(ad.ArityError, match="write prepare"):
            ad.prepare(operator, *arguments)


def test_arrays_without_dimensions() -> None:
    zero = np.array(2.0)
    for call in (lambda f: ad.grad(f)(zero), lambda f: ad.hessian(f)(zero), lambda f: ad.jvp(f, (zero,), (zero,))):
        with pytest.raises(ad.UnsupportedError, match="`x` is an array without dimensions"):
            call(lambda x: x[()] * x[()])


def test_what_numba_cannot_pass() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    with pytest.raises(ad.UnsupportedError, match="MaskedArray, which Numba cannot pass"):
        ad.jvp(lambda x: x.sum(), (masked,), (X[:2],))


def test_none_has_no_derivative() -> None:
    with pytest.raises(ad.DtypeError, match="`x` is to be differentiated by, but is None"):
        ad.grad(lambda x: 1.0)(None)


def test_a_point_in_place_of_argnums() -> None:
    with pytest.raises(ad.ArgnumsError, match=r"help: the point comes afterwards: derivative\(f\)\(x\)"):
        ad.derivative(lambda x: x * x, 3.0)


def test_a_result_of_another_shape_than_the_function_writes() -> None:
    small, point = np.full(2, 7.0), (np.empty(2), X)
    for call in (
        lambda: ad.jacobian(squares_into, out=0)(*point),
        lambda: ad.jacrev(squares_into, out=0).prepare(*point),
        lambda: ad.jvp(squares_into, point, (None, X), out=0),
        lambda: ad.vjp(squares_into, *point, out=0),
        lambda: ad.prepare(ad.vjp, squares_into, *point, out=0, reuse=True),
    ):
        with pytest.raises(ad.ShapeError, match=r"out of bounds, with `y` of shape \(2,\), `x` of shape \(3,\)"):
            call()
    np.testing.assert_array_equal(small, 7.0)
    np.testing.assert_array_equal(ad.jacobian(squares_into, out=0)(np.empty(4), X)[:3], np.diag(2 * X))


def test_out_whose_elements_overlap_each_other() -> None:
    folded = np.lib.stride_tricks.as_strided(np.zeros(4), (3,), (0,))
    with pytest.raises(ad.OverlapError, match="overlap each other"):
        ad.grad(square)(X, out=folded)
    np.testing.assert_array_equal(ad.grad(square)(X, out=np.zeros(6)[::-2]), 2 * X)


def test_types_that_numba_does_not_pass() -> None:
    with pytest.raises(ad.DtypeError, match="`x` of `square` is of a type that Numba cannot pass"):
        ad.grad(square)(X.astype(">f8"))
    assert ad.grad(square, np.int64(0)) is ad.grad(square)
    with pytest.raises(ad.ArgnumsError, match="a default value is a constant"):
        ad.grad(lambda x, a=2.0: x * a, 1)(1.0)


def test_names_of_a_users_that_generated_code_has_too() -> None:
    def kernel(x):
        return x * x

    def range(np, out):
        return np * out

    def shadow(callee):
        return callee * callee * callee

    assert ad.jacfwd(kernel)(X).tolist() == np.diag(2 * X).tolist()
    assert ad.derivative(kernel)(2.0) == 4.0
    assert ad.jvp(range, (X, X), (X, None))[1].tolist() == (X * X).tolist()
    assert ad.vjp(range, X, 2.0)[1](X)[0].tolist() == (2.0 * X).tolist()
    assert ad.derivative(ad.autodiff(shadow, ad.Active))(2.0) == 12.0


def test_an_operator_presents_its_function() -> None:
    def documented(x, scale=2.0):
        """What it computes."""
        return (x * x).sum() * scale

    compiled = njit(documented)
    for operator in (ad.grad(compiled), ad.hessian(compiled), ad.grad(compiled).prepare(X)):
        assert inspect.signature(operator) == inspect.signature(documented)
        assert (operator.__doc__, operator.__name__) == ("What it computes.", "documented")
    assert ad.grad(compiled).__wrapped__ is compiled
    assert ad.jacobian(documented).__wrapped__ is documented
    gradient = ad.grad(compiled)
    assert gradient.inspect_plan().startswith("plan reverse")
    assert "define" in gradient.inspect_llvm((types.float64[::1], types.float64))
    gradient(X)
    assert len(gradient.inspect_plan()) == 2
    for prepared in (
        gradient.prepare(X),
        ad.prepare(ad.hvp, documented, X, X),
        ad.prepare(ad.vjp, documented, X),
        ad.prepare(ad.vjp, documented, X, reuse=True),
    ):
        assert prepared.inspect_plan().startswith("plan")
        assert "define" in prepared.inspect_llvm()
    assert inspect.signature(prepared) == inspect.signature(documented)
