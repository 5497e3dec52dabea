"""What the rules do with matrices besides calling a library: copies, transposes and sums.

Plain loops and copies, which the engine differentiates as they stand. Everything here runs in Python too, and is
compiled where compiled code calls it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable

Array = Any
"""An array, or in compiled code the value of one."""


def adjoint(a: Array) -> Array:
    """The conjugate transpose: a view, where numbers are real."""
    return np.conj(a).T if np.iscomplexobj(a) else a.T


@overload(adjoint, strict=False)
def _adjoint(a: Any) -> Any:
    if isinstance(a.dtype, types.Complex):
        return lambda a: np.conj(a).T
    return lambda a: a.T


def contiguous(a: Array) -> Array:
    """``a`` itself if its type says that it has no gaps, else a copy: what libraries take."""
    return a if a.flags.c_contiguous or a.flags.f_contiguous else np.ascontiguousarray(a)


@overload(contiguous, strict=False)
def _contiguous(a: Any) -> Any:
    if a.layout == "A":
        return lambda a: np.ascontiguousarray(a)
    return lambda a: a


@register_jitable
def leading(a: Array) -> int:
    """Elements from one row of a matrix to the next, as BLAS is told; 0 if that does not describe the matrix."""
    rows, columns = a.shape
    width: int = max(1, columns)
    if rows <= 1 and (columns <= 1 or a.strides[1] == a.itemsize):
        return width
    if columns > 1 and a.strides[1] != a.itemsize:
        return 0
    step = a.strides[0] // a.itemsize
    if step < width or step * a.itemsize != a.strides[0]:
        return 0
    return int(step)


@register_jitable
def add_scaled(total: Array, a: Array, factor: Any) -> None:
    """``total += factor * a`` of vectors or matrices, with no memory in between."""
    if total.ndim == 1:
        for i in range(total.shape[0]):
            total[i] += factor * a[i]
    else:
        for i in range(total.shape[0]):
            for j in range(total.shape[1]):
                total[i, j] += factor * a[i, j]


@register_jitable
def inner(a: Array, b: Array) -> Any:
    """The sum of the products of the elements of two matrices."""
    total = a.dtype.type(0)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j] * b[i, j]
    return total


@register_jitable
def symmetric_of_lower(a: Array) -> Array:
    """The symmetric matrix with the lower triangle of ``a``, which is all that LAPACK reads."""
    n = a.shape[0]
    result = np.empty((n, n), a.dtype)
    for i in range(n):
        for j in range(i + 1):
            result[i, j] = a[i, j]
            result[j, i] = a[i, j]
    return result


@register_jitable
def add_to_lower(total: Array, a: Array) -> None:
    """The transpose of `symmetric_of_lower`: what belongs to both triangles is added to the one that is read."""
    for i in range(a.shape[0]):
        total[i, i] += a[i, i]
        for j in range(i):
            total[i, j] += a[i, j] + a[j, i]


@register_jitable
def identity(n: int, like: Array) -> Array:
    """The identity of size ``n`` with the element type of ``like``."""
    result = np.zeros((n, n), like.dtype)
    for i in range(n):
        result[i, i] = 1
    return result


@register_jitable
def scaled_columns(a: Array, factors: Array) -> Array:
    """``a @ diag(factors)``."""
    result = np.empty(a.shape, a.dtype)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            result[i, j] = a[i, j] * factors[j]
    return result


@register_jitable
def product(a: Array, b: Array) -> Array:
    """``a @ b`` of matrices of any layout."""
    return np.dot(contiguous(a), contiguous(b))


@register_jitable
def add_adjoint(total: Array, a: Array, factor: float) -> None:
    """``total += factor * a^H`` of real matrices."""
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += factor * a[j, i]


@register_jitable
def half_of_lower(a: Array) -> Array:
    """The lower triangle of ``a``, its diagonal halved, zeros above: the Φ of Cholesky's derivative."""
    result = np.zeros(a.shape, a.dtype)
    for i in range(a.shape[0]):
        for j in range(i):
            result[i, j] = a[i, j]
        result[i, i] = a[i, i] / 2
    return result


def given(seed: Array | None, value: Array) -> Array:
    """The adjoint of one of several results: zeros if there is none."""
    return np.zeros_like(value) if seed is None else seed


@overload(given, strict=False)
def _given(seed: Any, value: Any) -> Any:
    if isinstance(seed, types.NoneType):
        return lambda seed, value: np.zeros(value.shape, value.dtype)
    return lambda seed, value: seed


def number(seed: Any) -> Any:
    """The same for a number."""
    return 0.0 if seed is None else seed


@overload(number, strict=False)
def _number(seed: Any) -> Any:
    if isinstance(seed, types.NoneType):
        return lambda seed: 0.0
    return lambda seed: seed
