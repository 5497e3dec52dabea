"""Prepared operators: nothing is compiled or allocated after the preparation."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba.core.runtime import rtsys

import pyfront as ad
from pyfront import engine


def energy(x):
    u = x.copy()
    for _ in range(4):
        for i in range(1, u.size):
            u[i] = u[i] * u[i - 1] + np.sin(u[i])
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

# How to prepare, the arguments of a call, and how many of them are arrays.
CALLS: dict[str, tuple[Callable[[], Callable[..., Any]], tuple[Any, ...], int]] = {
    "grad": (lambda: ad.prepare(ad.grad(energy), X), (X,), 1),
    "value_and_grad": (lambda: ad.prepare(ad.value_and_grad(energy), X), (X,), 1),
    "hvp": (lambda: ad.prepare(ad.hvp, energy, X, V), (X, V), 2),
    "hessian": (lambda: ad.prepare(ad.hessian(energy), X), (X,), 1),
    "jvp": (lambda: ad.prepare(ad.jvp, field_into, (V, X), (None, V), out=0), ((V, X), (None, V)), 3),
    "jacfwd": (lambda: ad.prepare(ad.jacfwd(field_into, out=0), V, X), (V, X), 2),
    "jacrev": (lambda: ad.prepare(ad.jacrev(field_into, out=0), V, X), (V, X), 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_allocate_nothing(name: str) -> None:
    prepare, arguments, arrays = CALLS[name]
    call = prepare()
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
    assert after.alloc - before.alloc == after.mi_alloc - before.mi_alloc == 2 * arrays
    assert engine.load().arena_capacity() == capacity
    assert engine.load().arena_in_use() == 0
    assert peak < X.nbytes


def test_the_pullback_allocates_nothing() -> None:
    prepared = ad.prepare(ad.vjp, field_into, V, X, out=0)
    _, pullback = prepared(V, X)
    pullback(V)
    before = rtsys.get_allocation_stats()
    value, pullback = prepared(V, X + 1)
    first = pullback(V)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc == after.mi_alloc - before.mi_alloc == 2 + 3
    assert prepared(V, X)[0] is value
    assert pullback(V)[1] is first[1]


def test_the_pullback_is_of_the_last_point() -> None:
    prepared = ad.prepare(ad.vjp, field, X)
    for point in (X, 2 * X):
        _, pullback = prepared(point)
        np.testing.assert_allclose(pullback(V)[0], 2 * point[::-1])


def test_results_are_the_same_arrays_each_time() -> None:
    prepared = ad.grad(energy).prepare(X)
    first = prepared(X)
    kept = first.copy()
    assert prepared(2 * X) is first
    assert not np.array_equal(first, kept)
    np.testing.assert_array_equal(prepared(X), kept)


def test_other_shapes_and_types_are_refused() -> None:
    prepared = ad.prepare(ad.grad(energy), X)
    with pytest.raises(ad.ShapeError, match="prepared for arguments of other shapes"):
        prepared(X[:-1].copy())
    with pytest.raises(ad.DtypeError, match="prepared for arguments of other types"):
        prepared(X.astype(np.float32))
    with pytest.raises(ad.DtypeError, match="prepared for arguments of other types"):
        prepared(X.reshape(2, -1))
    with pytest.raises(ad.ArityError):
        prepared(X, X)
    product = ad.prepare(ad.hvp, energy, X, V)
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
