"""Batches of shadows: every lane is the derivative that a single call gives, in all the ways of passing a batch."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from numba import njit

import pyfront as ad
from pyfront import engine
from pyfront.annotations import interleaved

FORWARD, REVERSE = ad.ForwardWithPrimal, ad.ReverseWithPrimal


@njit
def relax(a, w, sweeps):
    """In place, through a local array, with a value and a tail of columns that nothing touches."""
    old = np.empty_like(a)
    total = 0.0
    for _ in range(sweeps):
        old[:] = a
        for i in range(1, a.shape[0] - 1):
            for j in range(a.shape[1]):
                a[i, j] = old[i, j] + w * math.sin(old[i - 1, j]) * old[i + 1, j]
        total += a[1, 0] * w
    return total


@njit
def chain(x, steps):
    """A recurrence that no compiler vectorizes along the loop."""
    a, b = x[0], x[1]
    for _ in range(steps):
        a, b = a + 0.01 * b * a, b - 0.01 * math.sin(a)
    x[0] = a
    x[1] = b


@njit
def total(x):
    s = 0.0
    for i in range(x.size):
        s += x[i] * x[i]
    return s


def arrays(shape, width, seed=3):
    random = np.random.default_rng(seed)
    return random.uniform(0.2, 1.0, shape), random.uniform(-1.0, 1.0, (width, *shape)), random.uniform(-1.0, 1.0, width)


def singles(mode, a, shadows, numbers):
    """Each lane alone: the arrays afterwards, the shadows, the results."""
    scalar = ad.Duplicated if mode is FORWARD else ad.Active
    derivative = ad.autodiff(relax, ad.Duplicated, scalar, ad.Const, mode=mode, disable=("lanes", "strips"))
    results, after = [], []
    for shadow, number in zip(shadows, numbers, strict=True):
        primal, shadow = a.copy(), shadow.copy()
        if mode is FORWARD:
            results.append(derivative(primal, shadow, 0.3, number, 3))
        else:
            results.append(derivative(primal, shadow, 0.3, 3, seed=number))
        after.append(shadow)
    return primal, after, results


def batch(mode, a, shadows, numbers):
    scalar = ad.BatchDuplicated if mode is FORWARD else ad.Active
    derivative = ad.autodiff(relax, ad.BatchDuplicated, scalar, ad.Const, mode=mode)
    if mode is FORWARD:
        return derivative(a, shadows, 0.3, numbers, 3)
    return derivative(a, shadows, 0.3, 3, seed=numbers)


def layouts(shadows):
    """The same batch, as a caller may have it."""
    wide = np.zeros((*shadows.shape, 2))
    wide[..., 1] = shadows
    order = np.empty(shadows.shape[::-1])
    order.T[...] = shadows
    backwards = shadows[:, ::-1].copy()[:, ::-1]
    return {
        "tuple": tuple(shadow.copy() for shadow in shadows),
        "list": [shadow.copy() for shadow in shadows],
        "array": shadows.copy(),
        "strided": wide[..., 1],
        "transposed": order.T,
        "backwards": backwards,
        "mixed": (np.asfortranarray(shadows[0]), *(wide[1:, ..., 1])),
    }


@pytest.mark.parametrize("mode", [FORWARD, REVERSE])
@pytest.mark.parametrize("layout", ["tuple", "list", "array", "strided", "transposed", "backwards", "mixed"])
def test_every_layout(mode, layout):
    a, shadows, numbers = arrays((5, 3), 3)
    primal, after, results = singles(mode, a, shadows, numbers)
    given = layouts(shadows)[layout]
    value, derivatives = batch(mode, a, given, numbers if layout == "array" else tuple(numbers))
    np.testing.assert_array_equal(a, primal)
    assert isinstance(derivatives, tuple)
    for lane, (shadow, result) in enumerate(zip(after, results, strict=True)):
        assert value == result[0]
        np.testing.assert_allclose(derivatives[lane], result[1], rtol=1e-13)
        np.testing.assert_allclose(given[lane], shadow, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("mode", [FORWARD, REVERSE])
@pytest.mark.parametrize("width", [1, 2, 5, 8, 13, 64])
def test_every_width(mode, width):
    a, shadows, numbers = arrays((4, 2), width)
    _, after, results = singles(mode, a, shadows, numbers)
    _, derivatives = batch(mode, a, shadows, numbers)
    np.testing.assert_allclose(derivatives, [result[1] for result in results], rtol=1e-13)
    np.testing.assert_allclose(shadows, after, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("order", ["C", "F", "A"])
def test_every_layout_of_the_primal(order):
    plain, shadows, numbers = arrays((5, 3), 2)
    primal, after, _ = singles(FORWARD, plain, shadows, numbers)
    a = {"C": plain, "F": np.asfortranarray(plain), "A": np.zeros((10, 3))[::-2]}[order]
    a[...] = plain
    batch(FORWARD, a, shadows, numbers)
    np.testing.assert_array_equal(a, primal)
    np.testing.assert_allclose(shadows, after, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty_arrays(shape):
    a, shadows, numbers = np.zeros(shape), np.zeros((2, *shape)), (1.0, 2.0)
    derivative = ad.autodiff(relax, ad.BatchDuplicated, ad.BatchDuplicated, ad.Const, mode=ad.Forward)
    assert derivative(a, shadows, 0.3, numbers, 0) == (0.0, 0.0)


def test_one_seed_for_all_lanes():
    x, shadows = np.array([1.0, 2.0]), np.zeros((2, 2))
    derivative = ad.autodiff(total, ad.BatchDuplicated)
    assert derivative(x, shadows) is None
    np.testing.assert_array_equal(shadows, [[2.0, 4.0], [2.0, 4.0]])
    derivative(x, shadows, seed=0.5)
    np.testing.assert_array_equal(shadows, [[3.0, 6.0], [3.0, 6.0]])


def test_values_form():
    x, first, second = np.array([1.0, 2.0]), np.zeros(2), np.ones(2)
    ad.autodiff(total, ad.BatchDuplicated(x, (first, second)))
    np.testing.assert_array_equal((first, second), [[2.0, 4.0], [3.0, 5.0]])


def test_keywords_and_pickling():
    derivative = pickle.loads(pickle.dumps(ad.autodiff(total, ad.BatchDuplicated)))
    x, shadows = np.array([1.0, 2.0]), np.zeros((3, 2))
    derivative(dx=shadows, x=x)
    np.testing.assert_array_equal(shadows, [[2.0, 4.0]] * 3)
    assert "plan reverse width 3" in derivative.inspect_plan()[3]


def test_interleaved_memory_is_used_as_it_is():
    a, shadows, numbers = arrays((5, 3), 4)
    _, after, _ = singles(FORWARD, a, shadows, numbers)
    ours = np.ascontiguousarray(np.moveaxis(shadows, 0, -1))
    derivative = ad.autodiff(relax, interleaved(4), interleaved(4), ad.Const, mode=ad.Forward)
    derivative(a, ours, 0.3, numbers, 3)
    np.testing.assert_allclose(np.moveaxis(ours, -1, 0), after, rtol=1e-13, atol=1e-300)


def test_from_compiled_code():
    derivative = ad.autodiff(total, ad.BatchDuplicated, mode=ad.Forward)

    @njit
    def slopes(x, first, second):
        return derivative(x, (first, second))

    assert slopes(np.array([1.0, 2.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0])) == (2.0, 4.0)


def test_a_batch_inside_a_differentiated_kernel():
    columns = ad.autodiff(chain, ad.BatchDuplicated, ad.Const, mode=ad.Forward)

    @njit
    def determinant(x):
        y, first, second = x.copy(), np.array([1.0, 0.0]), np.array([0.0, 1.0])
        columns(y, (first, second), 5)
        return first[0] * second[1] - first[1] * second[0]

    x, dx = np.array([0.4, 0.9]), np.zeros(2)
    ad.autodiff(determinant, ad.Duplicated)(x, dx)
    for i in range(2):
        step = np.zeros(2)
        step[i] = 1e-5
        difference = (determinant(x + step) - determinant(x - step)) / 2e-5
        assert dx[i] == pytest.approx(difference, rel=1e-7)


def _cpu_flags():
    with open("/proc/cpuinfo") as info:
        return next((line.split() for line in info if line.startswith("flags")), [])


@pytest.mark.skipif("avx2" not in _cpu_flags(), reason="vector registers of this width are AVX2's")
@pytest.mark.parametrize("mode", [ad.Forward, ad.Reverse])
def test_lanes_are_vectors_in_the_machine_code(mode):
    """The recurrence itself has no vector instructions; its batch works on whole registers."""
    single = ad.autodiff(chain, ad.Duplicated, ad.Const, mode=mode)
    batched = ad.autodiff(chain, ad.BatchDuplicated, ad.Const, mode=mode)
    single(np.ones(2), np.ones(2), 3)
    batched(np.ones(2), np.ones((8, 2)), 3)
    counts = []
    for derivative in (single, batched.of_width(8)):
        (compiled,) = derivative._compiled.by_types().values()
        lines = compiled.library.get_asm_str().splitlines()
        counts.append(sum("mulpd" in line and ("ymm" in line or "zmm" in line) for line in lines))
    assert counts[0] == 0
    assert counts[1] > 0


def refused(error, text, call):
    with pytest.raises(error, match=text):
        call()


def test_bad_batches():
    two = ad.autodiff(relax, ad.BatchDuplicated, ad.BatchDuplicated, ad.Const, mode=ad.Forward)
    one = ad.autodiff(total, ad.BatchDuplicated)
    a, x = np.ones((3, 2)), np.ones(3)
    refused(ad.ShapeError, "holds 3 shadows", lambda: two(a, np.ones((2, 3, 2)), 1.0, (1.0, 2.0, 3.0), 1))
    refused(ad.ShapeError, "has not the shape", lambda: two(a, np.ones((2, 3, 2)), 1.0, np.ones(3), 1))
    refused(ad.ShapeError, "has not the shape", lambda: one(x, np.ones((2, 4))))
    refused(ad.ShapeError, "has not the shape", lambda: one(x, (np.ones(3), np.ones(4))))
    refused(ad.ShapeError, "a batch of 0 shadows", lambda: one(x, ()))
    refused(ad.ShapeError, "a batch of 65 shadows", lambda: one(x, np.ones((65, 3))))
    refused(ad.LayoutError, "1 dimensions; a batch of shadows of `x` has 2", lambda: one(x, np.ones(3)))
    refused(ad.DtypeError, "is no batch", lambda: one(x, 1.0))
    refused(ad.DtypeError, "holds float32", lambda: one(x, np.ones((2, 3), np.float32)))
    refused(ad.DtypeError, "not an array", lambda: one(x, (np.ones(3), 1.0)))
    refused(
        ad.AnnotationError,
        "cannot be Duplicated in reverse mode",
        lambda: ad.autodiff(total, ad.BatchDuplicated)(1.0, (1.0, 2.0)),
    )
    refused(ad.AnnotationError, "is a tuple", lambda: one((x, x), ((x, x), (x, x))))
    refused(ad.SeedError, "seed", lambda: one(x, np.ones((2, 3)), seed=(1.0, 2.0, 3.0)))
    refused(ad.ShapeError, "the seeds must be 2", lambda: one(x, np.ones((2, 3)), seed=np.ones(3)))
    assert engine.load().arena_in_use() == 0
    refused(ad.ArityError, "takes", lambda: one(x))
    refused(ad.UnsupportedError, "no C function", lambda: one.address("f8(f8[::1])"))


def test_shadows_that_share_memory():
    one = ad.autodiff(total, ad.BatchDuplicated)
    x, shadow = np.ones(3), np.ones(3)
    refused(ad.OverlapError, "share memory", lambda: one(x, (shadow, shadow)))
    refused(ad.OverlapError, "share memory", lambda: one(x, (shadow, x)))
    refused(ad.OverlapError, "share memory", lambda: one(x, (np.ones(3), shadow[::-1], shadow)))
    readonly = np.broadcast_to(shadow, (2, 3))
    refused(ad.ReadonlyError, "readonly", lambda: one(x, readonly))
    overlapping = np.lib.stride_tricks.as_strided(np.ones(4), (2, 3), (8, 8))
    refused(ad.OverlapError, "overlap each other", lambda: one(x, overlapping))


def test_compiled_code_must_know_the_width():
    derivative = ad.autodiff(total, ad.BatchDuplicated)

    @njit
    def call(x, shadows):
        derivative(x, shadows)

    refused(ad.AnnotationError, "does not know how many", lambda: call(np.ones(3), np.ones((2, 3))))


def test_a_raise_leaves_the_shadows():
    @njit
    def fails(x):
        x[0] *= 2.0
        if x[1] < 0.0:
            raise ValueError("negative")

    x, shadows = np.array([1.0, -1.0]), np.ones((2, 2))
    with pytest.raises(ValueError, match="negative"):
        ad.autodiff(fails, ad.BatchDuplicated)(x, shadows)
    np.testing.assert_array_equal(shadows, np.ones((2, 2)))
    assert engine.load().arena_in_use() == 0
