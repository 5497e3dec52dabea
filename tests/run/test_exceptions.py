"""A kernel that raises: the derivative raises the same, no shadow is touched, nothing stays on the arena."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import njit
from oracle import active, check, check_raises, const, dup

import pyfront as ad


class Diverged(Exception):
    """An exception class of the user's own."""


@njit
def refuses_negative(a):
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] < 0.0:
            raise ValueError("negative input")
        a[i] = math.sqrt(a[i])
        s += a[i]
    return s


@njit
def divides(x, y):
    return x / y + y


@njit
def divides_elements(a, b):
    for i in range(a.shape[0]):
        a[i] = a[i] / b[i]


@njit
def integer_division(x, n):
    return x * (10 // n) + x * (10 % n)


@njit(boundscheck=True)
def reads_at(a, i):
    return a[i] * a[0]


@njit(boundscheck=True)
def writes_at(a, index):
    for k in range(index.shape[0]):
        a[index[k]] = a[0] * a[0]


@njit
def asserts(x):
    # As a statement, pytest would rewrite it.
    if not x > 0.0:
        raise AssertionError("x must be positive")
    return x * x


@njit
def own_exception(x, limit):
    n = 0
    while x > 1e-3:
        x = x * x
        n += 1
        if n > limit:
            raise Diverged("no convergence", 42)
    return x


@njit
def without_message(x):
    if x < 0.0:
        raise OverflowError
    return x * x


@njit
def with_run_time_arguments(a, limit):
    for i in range(a.shape[0]):
        if a[i] > limit:
            raise ValueError("too large at", i)
        a[i] *= a[i]


@njit
def inner(a, i):
    if a[i] > 1.0:
        raise ValueError("inner failed")
    a[i] = a[i] * 0.5
    return a[i]


@njit
def raised_in_callee(a):
    t = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        t[i] = inner(a, i) * a[0]
    return t[0]


@njit
def raised_while_arrays_are_held(a, n):
    t = a.copy()
    for k in range(n):
        u = np.empty_like(t)
        for i in range(t.shape[0]):
            u[i] = t[i] * t[i - 1]
        if k == 3:
            raise RuntimeError("third step")
        t = u
    return t[0]


@njit
def checks_shapes(a, b):
    if a.shape[0] != b.shape[0]:
        raise ValueError("shapes differ")
    for i in range(a.shape[0]):
        a[i] *= b[i]


@njit
def raises_always(x):
    raise NotImplementedError("never")


@njit
def broadcasts(a, b):
    a[:] = a * b


@njit
def fails_late(a, n):
    k = 0
    while True:
        a[k % a.shape[0]] = a[k % a.shape[0]] * 0.9 + 0.01
        k += 1
        if k == n:
            raise StopIteration("after many steps")
        if a[0] < 0.2:
            return a[0]


def test_raise_after_some_elements_were_changed(rng):
    check_raises(refuses_negative, dup(np.array([1.0, 4.0, -1.0, 9.0])))


def test_no_raise_on_good_input(rng):
    check(refuses_negative, dup(rng.uniform(0.5, 1.5, 4)))


def test_zero_division():
    assert isinstance(check_raises(divides, active(1.0), active(0.0)), ZeroDivisionError)
    check(divides, active(1.0), active(0.5))


def test_zero_division_in_array(rng):
    check_raises(divides_elements, dup(rng.normal(size=4)), dup(np.array([1.0, 2.0, 0.0, 3.0])))


def test_integer_zero_division():
    check_raises(integer_division, active(1.0), const(0))
    check(integer_division, active(1.0), const(3))


def test_index_error_on_read(rng):
    assert isinstance(check_raises(reads_at, dup(rng.normal(size=3)), const(3)), IndexError)
    check(reads_at, dup(rng.normal(size=3)), const(2))


def test_index_error_on_write(rng):
    check_raises(writes_at, dup(rng.normal(size=3)), const(np.array([1, 2, 7])))


def test_assertion():
    check_raises(asserts, active(-1.0))
    check(asserts, active(2.0))


def test_exception_class_of_the_users_own():
    check_raises(own_exception, active(2.0), const(5))
    check(own_exception, active(0.8), const(20))


def test_exception_without_message():
    check_raises(without_message, active(-1.0))


def test_exception_with_run_time_arguments():
    error = check_raises(with_run_time_arguments, dup(np.array([0.5, 0.6, 3.0])), const(1.0))
    assert error.args == ("too large at", 2)


def test_raise_in_called_function():
    check_raises(raised_in_callee, dup(np.array([0.5, 0.6, 3.0])))
    check(raised_in_callee, dup(np.array([0.5, 0.6, 0.3])))


def test_raise_while_local_arrays_are_held(rng):
    check_raises(raised_while_arrays_are_held, dup(rng.normal(size=3)), const(9))
    check(raised_while_arrays_are_held, dup(rng.normal(size=3)), const(3))


def test_shapes_checked_by_the_kernel(rng):
    check_raises(checks_shapes, dup(rng.normal(size=3)), dup(rng.normal(size=2)))


def test_kernel_that_always_raises():
    check_raises(raises_always, active(1.0))


def test_broadcast_error(rng):
    check_raises(broadcasts, dup(rng.normal(size=3)), dup(rng.normal(size=2)))


def test_raise_after_the_tape_grew(rng):
    check_raises(fails_late, dup(rng.uniform(0.5, 1.0, 500)), const(3000))


def test_call_that_succeeds_after_one_that_failed(rng):
    good = rng.uniform(0.5, 1.5, 4)
    for _ in range(2):
        check_raises(refuses_negative, dup(np.array([1.0, -1.0])))
        check(refuses_negative, dup(good), without=())


@njit
def root(x):
    if x < 0.0:
        raise ValueError("negative")
    return math.sqrt(x)


@njit
def twice_root(x):
    return 2.0 * root(x)


@njit
def caught_in_a_loop(a, b):
    """The handler sees what was written before the raise; one `try` is in another."""
    s = 0.0
    for i in range(a.shape[0]):
        local = np.empty(2)
        try:
            b[i] = a[i] * a[i]
            local[0] = b[i] * a[i]
            try:
                s += twice_root(a[i]) * b[i]
            except Exception:
                local[0] *= 3.0
            else:
                s *= 1.5
            b[i] *= 2.0
        except Exception:
            s += 3.0 * a[i] * b[i] * local[0]
    return s


@njit
def not_caught(x, y):
    """What is called in a `try` here is called without one there; the handler may raise too."""
    try:
        z = root(x)
    except Exception:
        z = x * root(y)
    if z > 3.0:
        raise OverflowError("too large")
    return z * root(y + 1.0)


def test_caught_where_it_is_called(rng):
    check(caught_in_a_loop, dup(np.array([2.0, -0.5, -3.0, 0.7])), dup(rng.normal(size=4)))


@pytest.mark.parametrize("y", [0.5, -0.5])
def test_caught_and_not_caught(y):
    check(not_caught, active(0.5), active(y))
    check(not_caught, active(-0.5), active(abs(y)))


def test_not_caught():
    assert isinstance(check_raises(not_caught, active(0.5), active(-2.0)), ValueError)
    assert isinstance(check_raises(not_caught, active(16.0), active(1.0)), OverflowError)


def test_what_a_derivative_raises_is_caught():
    of_root = ad.autodiff(root, ad.Active)

    @njit
    def slope_or_cube(x):
        try:
            y = of_root(x)
        except Exception:
            y = x * x * x
        return y

    for x, want in ((2.0, -0.25 * 2.0**-1.5), (-2.0, 12.0)):
        assert ad.autodiff(slope_or_cube, ad.Active)(x) == pytest.approx(want, rel=1e-14)
        assert ad.autodiff(slope_or_cube, ad.Duplicated, mode=ad.Forward)(x, 1.0) == pytest.approx(want, rel=1e-14)


def test_run_time_arguments_through_a_derivative():
    of_picky = ad.autodiff(picky, ad.Active, ad.Const)

    @njit
    def scaled(x, n):
        return of_picky(x, n) * x

    for mode, arguments in ((ad.Reverse, (-2.0, 5)), (ad.Forward, (-2.0, 1.0, 5))):
        kind = ad.Duplicated if mode is ad.Forward else ad.Active
        with pytest.raises(ValueError, match="negative") as caught:
            ad.autodiff(scaled, kind, ad.Const, mode=mode)(*arguments)
        assert caught.value.args == ("negative", 5)


@njit
def picky(x, n):
    if x < 0.0:
        raise ValueError("negative", n)
    return x * x


def test_an_exception_with_run_time_arguments_is_caught():
    """Nobody reads what it carries; in a loop LLVM does not see that, and it is refused by its line."""

    @njit
    def one(x, n):
        try:
            y = picky(x, n)
        except Exception:
            y = 3.0 * x
        return y

    assert ad.autodiff(one, ad.Active, ad.Const)(-2.0, 5) == 3.0

    @njit
    def several(x, n):
        s = 0.0
        for _ in range(n):
            try:
                s += picky(x, n)
            except Exception:
                s += 3.0 * x
        return s

    with pytest.raises(ad.UnsupportedError, match="an exception that may be caught") as refusal:
        ad.autodiff(several, ad.Active, ad.Const)(-2.0, 5)
    assert refusal.value.line == picky.py_func.__code__.co_firstlineno + 3
