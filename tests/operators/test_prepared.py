"""Prepared operators: nothing but the result is allocated after the preparation, and with ``reuse`` not even that."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys

import pyfront as ad
from pyfront import engine


def energy(x):
    u = x.copy()
    for _ in range(4):
        for i in range(1, u.size):
            u[i] = 0.1 * u[i] * u[i - 1] + np.sin(u[i])
        x[0] = 0.0
    return u.sum()


def field(x):
    result = np.empty_like(x)
    for i in range(x.size):
        result[i] = x[i] * x[x.size - 1 - i]
    return result


def field_into(out, x):
    for i in range(x.size):
        out[i] = x[i] * x[x.size - 1 - i]


SIZE = 500
X, V = np.linspace(0.1, 0.9, SIZE), np.ones(SIZE)

# How to prepare, the arguments of a call, how many of them are arrays, and how many of the results.
CALLS: dict[str, tuple[Callable[[bool], Callable[..., Any]], tuple[Any, ...], int, int]] = {
    "grad": (lambda r: ad.prepare(ad.grad(energy), X, reuse=r), (X,), 1, 1),
    "value_and_grad": (lambda r: ad.prepare(ad.value_and_grad(energy), X, reuse=r), (X,), 1, 1),
    "hvp": (lambda r: ad.prepare(ad.hvp, energy, X, V, reuse=r), (X, V), 2, 1),
    "hessian": (lambda r: ad.prepare(ad.hessian(energy), X, reuse=r), (X,), 1, 1),
    "jvp": (
        lambda r: ad.prepare(ad.jvp, field_into, (V, X), (None, V), out=0, reuse=r),
        ((V, X), (None, V)),
        3,
        2,
    ),
    "jacfwd": (lambda r: ad.prepare(ad.jacfwd(field_into, out=0), V, X, reuse=r), (V, X), 2, 1),
    "jacrev": (lambda r: ad.prepare(ad.jacrev(field_into, out=0), V, X, reuse=r), (V, X), 2, 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_allocate_nothing_but_the_result(name: str) -> None:
    prepare, arguments, arrays, results = CALLS[name]
    for reuse in (False, True):
        call = prepare(reuse)
        for _ in range(3):
            call(*arguments)
        gc.collect()
        before, capacity = rtsys.get_allocation_stats(), engine.load().arena_capacity()
        tracemalloc.start()
        try:
            call(*arguments)
            call(*arguments)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        after = rtsys.get_allocation_stats()
        # Numba gives each array that comes from Python an object of its own.
        expected = 2 * (arrays if reuse else arrays + results)
        assert after.alloc - before.alloc == after.mi_alloc - before.mi_alloc == expected
        assert engine.load().arena_capacity() == capacity
        assert engine.load().arena_in_use() == 0
        assert peak < X.nbytes or not reuse


def test_a_reused_pullback_allocates_nothing() -> None:
    prepared = ad.prepare(ad.vjp, field_into, V, X, out=0, reuse=True)
    _, pullback = prepared(V, X)
    pullback(V)
    before = rtsys.get_allocation_stats()
    value, pullback = prepared(V, X + 1)
    first = pullback(V)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc == after.mi_alloc - before.mi_alloc == 2 + 3
    assert prepared(V, X)[0] is value
    assert pullback(V)[1] is first[1]
    prepared = ad.prepare(ad.vjp, lambda x: x * x, X, reuse=True)
    for point in (X, 2 * X):
        value, pullback = prepared(point)
        np.testing.assert_allclose(pullback(V)[0], 2 * point)
    with pytest.raises(ad.OverlapError, match="result of an earlier call"):
        prepared(value)


def test_each_pullback_is_of_its_point() -> None:
    prepared = ad.prepare(ad.vjp, field, X)
    points = (X, 2 * X)
    pullbacks = [prepared(point)[1] for point in points]
    for point, pullback in zip(points, pullbacks, strict=True):
        np.testing.assert_allclose(pullback(V)[0], 2 * point[::-1])
    with pytest.raises(ad.ShapeError, match=r"`x` has shape \(499,\), it was prepared for \(500,\)"):
        prepared(X[:-1])


def test_results_are_new_arrays_unless_reuse_is_asked_for() -> None:
    gradient = ad.grad(energy)
    at_x, at_half = gradient(X), gradient(0.5 * X)
    assert np.isfinite(at_x).all()
    assert not np.array_equal(at_x, at_half)
    prepared = gradient.prepare(X)
    first, second = prepared(X), prepared(0.5 * X)
    np.testing.assert_array_equal(first, at_x)
    np.testing.assert_array_equal(second, at_half)
    reused = gradient.prepare(X, reuse=True)
    first = reused(X)
    assert reused(0.5 * X) is first
    np.testing.assert_array_equal(first, at_half)


def in_worker(arguments: tuple[Any, ...]) -> Any:
    call, *points = arguments
    return call(*points)


def cubes(x):
    return (x * x * x).sum()


def test_copies_pickles_and_workers_are_prepared_on_their_own() -> None:
    x, v = np.array([1.0, -2.0, 0.5]), np.array([1.0, 0.0, 2.0])
    gradient, product = ad.grad(cubes).prepare(x), ad.prepare(ad.hvp, cubes, x, v)
    reused = ad.grad(cubes).prepare(x, reuse=True)
    jacobian, pushforward = ad.hessian(cubes).prepare(x), ad.prepare(ad.jvp, cubes, (x,), (v,))
    expected = [
        (gradient, (2 * x,), 12 * x * x),
        (product, (2 * x, v), 12 * x * v),
        (jacobian, (2 * x,), np.diag(12 * x)),
        (pushforward, ((2 * x,), (v,)), (8 * (x**3).sum(), 12 * (x * x * v).sum())),
        (reused, (2 * x,), 12 * x * x),
    ]
    for call, points, value in expected:
        for other in (copy.copy(call), copy.deepcopy(call), pickle.loads(pickle.dumps(call))):
            kept = call(*points)
            np.testing.assert_allclose(other(*points), value)
            assert isinstance(kept, tuple) or not np.shares_memory(other(*points), kept)
    for kind in (True, False):
        prepared = pickle.loads(pickle.dumps(ad.prepare(ad.vjp, cubes, x, reuse=kind)))
        np.testing.assert_allclose(prepared(2 * x)[1](1.0)[0], 12 * x * x)
    with pytest.raises(ad.TapeError, match="cannot be copied"):
        copy.copy(ad.vjp(cubes, x)[1])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map_async(in_worker, [(call, *points) for call, points, _ in expected[:2]]).get(120)
    for result, (_, _, value) in zip(found, expected, strict=False):
        np.testing.assert_allclose(result, value)


def test_threads_share_a_prepared_operator() -> None:
    @njit(nogil=True)
    def power(x):
        total = 0.0
        for _ in range(200):
            for i in range(x.size):
                total += x[i] * x[i] * x[i]
        return total

    assert all(operator._fresh.targetoptions["nogil"] for operator in (ad.grad(power), ad.hessian(power)))
    points = [np.full(200, float(k)) for k in range(8)]
    for reuse in (False, True):
        prepared = ad.grad(power).prepare(points[0], reuse=reuse)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda point: prepared(point).copy(), points * 5))
        for result, point in zip(found, points * 5, strict=True):
            np.testing.assert_allclose(result, 600.0 * point * point)


def test_other_shapes_and_types_are_refused() -> None:
    prepared = ad.prepare(ad.grad(energy), X)
    with pytest.raises(ad.ShapeError, match=r"other shapes: `x` has shape \(499,\), it was prepared for \(500,\)"):
        prepared(X[:-1].copy())
    with pytest.raises(ad.DtypeError, match=r"other types: `x` is array\(float32"):
        prepared(X.astype(np.float32))
    with pytest.raises(ad.DtypeError, match="other types"):
        prepared((X,))
    readonly = X.copy()
    readonly.flags.writeable = False
    np.testing.assert_array_equal(prepared(readonly), prepared(x=X))
    scaled = ad.grad(lambda x, n: x * x * n).prepare(2.0, 3)
    assert scaled(4, 3) == 24.0
    with pytest.raises(ad.DtypeError, match="`n` is float64, it was prepared for int64"):
        scaled(4.0, 2.5)
    with pytest.raises(ad.DtypeError, match="prepared for arguments of other types"):
        prepared(X.reshape(2, -1))
    with pytest.raises(ad.ArityError):
        prepared(X, X)
    product = ad.prepare(ad.hvp, energy, X, V)
    np.testing.assert_array_equal(product(X, np.ones(SIZE, np.int8)), product(X, V))
    with pytest.raises(ad.ShapeError):
        product(X, V[:-1].copy())
    with pytest.raises(ad.StructureError):
        ad.prepare(ad.jvp, field, (X,), (V,))((X,), (None,))


def test_a_result_of_another_shape_is_refused() -> None:
    def positive(x):
        return x[x > 0.0]

    prepared = ad.prepare(ad.jacfwd(positive), np.array([1.0, 2.0]))
    with pytest.raises(ad.ShapeError, match="another shape"):
        prepared(np.array([1.0, -2.0]))


def test_what_cannot_be_prepared() -> None:
    with pytest.raises(ad.ArgumentError, match="takes an operator"):
        ad.prepare(energy, X)
    with pytest.raises(ad.ArgumentError, match="takes an operator"):
        ad.prepare(ad.grad, energy, X)
