"""What calls of functions with a rule do to memory, to other processes, and to kernels that ask too much of a rule."""

from __future__ import annotations

import multiprocessing

import cffi
import numpy as np
import pytest
from numba import float64, int64, njit, objmode, types

import pyfront as ad
from pyfront.rules import registry
from pyfront.rules.effects import Effect, effects


def ruled(function, **parts):
    dispatcher = njit(function)
    ad.define_rule(dispatcher, **parts)
    return dispatcher


@njit
def writes_in_recursion(a, b, n):
    if n > 0:
        b[0] = a[n]
        return writes_in_recursion(a, b, n - 1)
    return np.sum(a[::-1])


@njit
def shape_of(t, a):
    return t[1].shape[0] + int(a @ a)


@njit
def view_of(a):
    return a[1:]


vector, strided = float64[::1], float64[:]


@pytest.mark.parametrize(
    ("function", "given", "want"),
    [
        (writes_in_recursion, (strided, vector, int64), [Effect.READS, Effect.WRITES]),
        (shape_of, (types.Tuple((int64, vector)), vector), [Effect.NOTHING, Effect.READS]),
        (view_of, (vector,), [Effect.MAY_WRITE]),
    ],
)
def test_what_a_function_does_to_its_arrays(function, given, want):
    function.compile(given)
    assert effects(function.overloads[given], given) == want


@ad.inactive
@njit
def is_positive(x):
    return x[0] > 0


@ad.inactive
@njit
def reset(x):
    x[0] = 1.0


def test_an_inactive_function_may_read_what_has_a_derivative():
    def squares(x):
        total = 0.0
        for i in range(x.shape[0]):
            if is_positive(x):
                total += x[i] ** 2
            x[i] = total
        return total

    ad.check(squares, ad.Duplicated(np.array([1.0, 2.0, 3.0]), None), quiet=True)

    def overwritten(x):
        reset(x)
        return x[0] * x[1]

    with pytest.raises(ad.UnsupportedError, match="inactive and writes an array that has a derivative") as caught:
        ad.autodiff(overwritten, ad.Duplicated)(np.ones(2), np.ones(2))
    assert caught.value.file == __file__


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        ({"tangent": lambda x, dx: (x, dx)}, "no `augmented` and no `reverse` part, which reverse mode needs"),
        ({"augmented": lambda x: (x, None)}, "no `reverse` part, which reverse mode needs"),
        ({"reverse": lambda x, seed, tape: seed}, "no `augmented` part, which reverse mode needs"),
    ],
)
def test_a_missing_part_is_named(parts, missing):
    function = ruled(lambda x: x, **parts)
    for derivative in (
        ad.autodiff(lambda x: function(x), ad.Active),
        ad.autodiff_split(lambda x: function(x), ad.Active)[0],
    ):
        with pytest.raises(ad.UnsupportedError, match=missing):
            derivative(2.0)
    if "tangent" not in parts:
        with pytest.raises(ad.UnsupportedError, match="no `tangent` part, which forward mode needs"):
            ad.autodiff(lambda x: function(x), ad.BatchDuplicated, mode=ad.Forward)(2.0, (1.0, 2.0))


def test_what_a_part_returns_is_what_the_function_returns():
    counts = ruled(lambda x: x, augmented=lambda x: (1, None), reverse=lambda x, seed, tape: seed)
    assert ad.autodiff(lambda x: counts(x), ad.Active, mode=ad.ReverseWithPrimal)(3.5) == (1.0, 1.0)
    wrong = ruled(lambda x, y: x * y, augmented=lambda x, y: (x * y, None), reverse=lambda x, y, seed, tape: y * seed)
    with pytest.raises(
        ad.UnsupportedError, match=r"(?s)`reverse` .* a tuple of 2 is wanted.*seed, tape\) -> \(adjoint of x"
    ):
        ad.autodiff(lambda x, y: wrong(x, y), ad.Active, ad.Active)(2.0, 3.0)
    shadowless = ruled(
        lambda a: a.sum(), augmented=lambda a: (a.sum(), None), reverse=lambda a, da, seed, tape: np.full(2, seed)
    )
    with pytest.raises(ad.UnsupportedError, match=r"(?s)`reverse` .*seed, tape\) -> None"):
        ad.autodiff(lambda a: shadowless(a), ad.Duplicated)(np.ones(2), np.zeros(2))


@njit("float64(float64)")
def declared(x):
    return x * x


ad.define_rule(declared, augmented=lambda x: (x * x, None), reverse=lambda x, seed, tape: 2 * x * seed)


def test_declared_signatures():
    assert ad.autodiff(lambda x: declared(x), ad.Active)(3.0) == 6.0
    with pytest.raises(ad.UnsupportedError, match=r"`declared`, .* declared for other types than \(int64\)"):
        ad.autodiff(lambda x, n: x * declared(n), ad.Active, ad.Const)(3.0, 2)


def double(a):
    for i in range(a.shape[0]):
        a[i] *= 2
    return a


def test_memory_of_an_argument_is_not_returned():
    doubled = ruled(double, augmented=lambda a: (double_in_place(a), None), reverse=lambda a, da, seed, tape: None)

    def kernel(x):
        y = doubled(x)
        y[0] = 5.0  # which a copy of the result would not pass on to x
        return x[0] * x[1]

    with pytest.raises(ad.RuleError, match="returns an argument or a view of one"):
        ad.autodiff(kernel, ad.Duplicated)(np.ones(2), np.zeros(2))


double_in_place = njit(double)


@ad.custom_vjp
def overwriting(x):
    x[0] *= 2
    return x[0] * x[1]


overwriting.defvjp(lambda x: (overwriting(x), x.copy()), lambda kept, cotangent: (cotangent * kept,))


def test_a_function_of_values_writes_nothing():
    with pytest.raises(ad.UnsupportedError, match="for a function of values, but which writes an argument"):
        ad.autodiff(lambda x: overwriting(x), ad.Duplicated)(np.ones(2), np.zeros(2))


def scale(a, c):
    total = 0.0
    for i in range(a.shape[0]):
        a[i] = a[i] * c
        total += a[i] * a[i]
    return total


def scale_reverse(a, da, c, seed, before):
    adjoint = 0.0
    for i in range(a.shape[0]):
        bar = da[i] + 2 * a[i] * seed
        adjoint += bar * before[i]
        da[i] = bar * c
    return adjoint


plain_scale = njit(scale)


def test_a_strided_array_that_is_overwritten_after_the_call():
    """What is kept of it is contiguous; its shadow is not."""

    def scale_augmented(a, c):
        before = a.copy()
        return plain_scale(a, c), before

    with_rule = ruled(scale, augmented=scale_augmented, reverse=scale_reverse)
    found = []
    for function in (with_rule, plain_scale):

        def kernel(x, c):
            total = 0.0
            for _ in range(2):
                total += function(x[::2], c) * x[1]
                x[0] += x[1]
            return total

        x, dx = np.arange(1.0, 9.0), np.zeros(8)
        forward, reverse = ad.autodiff_split(njit(kernel), ad.Duplicated, ad.Active)
        _, tape = forward(x, 0.7)
        x[:] = np.nan
        found.append([reverse(dx, tape), *dx])
    assert found[0] == pytest.approx(found[1], rel=1e-13)


def test_another_rule_is_seen_by_new_derivatives(monkeypatch):
    # Afterwards the derivatives that other tests have made are the ones that `autodiff` finds.
    monkeypatch.setattr(registry, "_generation", registry.generation())
    function = njit(lambda x: x * x)
    kernel = njit(lambda x: function(x) + x)
    assert ad.grad(kernel)(2.0) == 5.0
    for factor in (30, 50):
        ad.define_rule(function, augmented=lambda x: (x * x, None), reverse=lambda x, seed, tape: factor * seed)
        assert ad.grad(kernel)(2.0) == factor + 1
        assert ad.autodiff(kernel, ad.Active)(2.0) == factor + 1


def test_a_rule_goes_with_its_function_to_another_process():
    inner = ruled(lambda x: x * x, augmented=lambda x: (inner(x), None), reverse=lambda x, seed, tape: 30 * seed)
    kernel = njit(lambda x: inner(x) + x)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        operators = [ad.grad(kernel), ad.autodiff(kernel, ad.Active), ad.grad(overwriting)]
        assert [pool.apply(operator, (2.0,)) for operator in operators[:2]] == [31.0, 31.0]
        with pytest.raises(ad.UnsupportedError, match="writes an argument"):
            pool.apply(operators[2], (np.ones(2),))


fragile = njit(lambda x: x * x)


def breaks(x, seed, tape):
    if seed > 1.0:
        raise ValueError("too much")
    return 2.0 * x * seed


ad.define_rule(fragile, augmented=lambda x: (x * x, None), reverse=breaks)


@njit
def descends(x, n):
    return fragile(x) if n == 0 else descends(x, n - 1)


@njit
def raises_in_reverse(x):
    return fragile(x)


def test_what_is_raised_in_a_reverse_sweep_reaches_c():
    """A function that calls itself is reversed by a half of its own, where the exception ends."""
    for kernel, given, status in ((raises_in_reverse, (), 1), (descends, (3,), 20553)):
        annotations = [ad.Active, *[ad.Const for _ in given]]
        derivative = ad.autodiff(kernel, *annotations)
        function = derivative.cffi((float64, *[int64 for _ in given]))
        ffi = cffi.FFI()
        adjoint, value = ffi.new("double *"), ffi.new("double *")
        assert function(3.0, adjoint, *given, 2.0, value) == status
        assert function(3.0, adjoint, *given, 1.0, value) == 0
        assert (adjoint[0], value[0]) == (6.0, 9.0)


def test_what_is_raised_in_a_reverse_sweep_reaches_compiled_code_and_batches():
    derivative = ad.autodiff(raises_in_reverse, ad.Active)

    @njit
    def call(x, seed):
        return derivative(x, seed=seed)

    assert call(3.0, 1.0) == 6.0
    with pytest.raises(ValueError, match="too much"):
        call(3.0, 2.0)
    batch = ad.autodiff(lambda x, out: raises_in_reverse(x), ad.Active, ad.BatchDuplicated)
    with pytest.raises(ValueError, match="too much"):
        batch(3.0, np.zeros(1), (np.zeros(1), np.zeros(1)), seed=(1.0, 2.5))
    with pytest.raises(ad.RuleError):
        ad.autodiff(descends, ad.Active, ad.Const)(3.0, 2, seed=2.0)


def clock():
    import time

    return time.perf_counter()


def test_an_objmode_block_without_what_has_a_derivative():
    def timed(x, w):
        with objmode(begin="float64", doubled="float64[:]"):
            begin = clock()
            doubled = 2.0 * w[::-1]
        total = 0.0
        for i in range(3):
            total += doubled[i] * x[i] ** 2
        with objmode(end="float64"):
            end = clock()
        return total + 0.0 * (end - begin)

    x, w = np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0])
    dx = np.zeros(3)
    ad.autodiff(timed, ad.Duplicated, ad.Const)(x, dx, w)
    assert dx.tolist() == [400.0, 80.0, 12.0]
    assert ad.autodiff(timed, ad.Duplicated, ad.Const, mode=ad.Forward)(x, np.ones(3), w) == 492.0

    def through(x, w):
        w[0] = x[0]
        with objmode(y="float64"):  # refused
            y = w[0]
        return y * x[1]

    with pytest.raises(ad.UnsupportedError, match="`objmode` with what a derivative is taken in") as caught:
        ad.autodiff(through, ad.Duplicated, ad.Const)(x, dx, w)
    assert caught.value.line == through.__code__.co_firstlineno + 2
