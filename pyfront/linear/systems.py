"""Systems of linear equations whose matrix is factored once: solves that keep the factors, and solves with them.

The reverse sweep of `solve` needs one solve with the transposed matrix. LAPACK's factorization serves both, so it is
kept: `solve_and_factor` makes the call of Numba's `np.linalg.solve` (gesv, the same bits) and returns what LAPACK
leaves in its copy of the matrix; `solve_factored` uses it (getrs).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable
from numba.np import linalg as numbas
from numba.np.numpy_support import as_dtype

from pyfront.linear.dense import Array, leading
from pyfront.linear.fortran import (
    CONJUGATE_TRANSPOSE,
    GENERAL_DIAGONAL,
    INTEGER,
    LEFT,
    LOWER,
    NO_TRANSPOSE,
    TRANSPOSE,
    UPPER,
    routine,
)


def solve_and_factor(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """``np.linalg.solve(a, b)``, the factors L and U of ``a`` in one matrix, and the pivots."""
    return np.linalg.solve(a, b), np.array(a), np.empty(len(a), INTEGER)


@overload(solve_and_factor, strict=False)
def _solve_and_factor(a: Any, b: Any) -> Any:
    gesv = routine("lapack", "gesv", a.dtype)

    def impl(a: Array, b: Array) -> tuple[Array, Array, Array]:
        n = a.shape[1]
        require_finite(a)
        require_finite(b)
        numbas._system_check_dimensionally_valid(a, b)
        factors = numbas._copy_to_fortran_order(a)
        pivots = np.empty(n, INTEGER)
        x = _columns(b)
        if n > 0:
            numbas._inv_err_handler(gesv((n, x.shape[1], factors, n, pivots, x, n)))
        return _shaped_as(b, x), factors, pivots

    return impl


def require_finite(a: Array) -> None:
    """Raises what Numba's functions raise of infinities and NaN, in vector registers: theirs leaves at the first."""
    if not np.all(np.isfinite(a)):
        raise np.linalg.LinAlgError("Array must not contain infs or NaNs.")


@overload(require_finite, strict=False)
def _require_finite(a: Any) -> Any:
    if a.ndim == 1:
        return lambda a: require_finite(a[:, np.newaxis])
    if a.layout == "F":
        return lambda a: require_finite(a.T)

    def impl(a: Array) -> None:
        others = 0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                difference = a[i, j] - a[i, j]
                others += difference != difference
        if others:
            numbas._check_finite_matrix(a)

    return impl


def solve_factored(a: Array, factors: Array, pivots: Array, b: Array, transposed: bool) -> Array:
    """``a^-1 b``, or ``(a^H)^-1 b``, by the factorization of ``a``."""
    return np.linalg.solve(np.conj(a).T if transposed else a, b)


@overload(solve_factored, strict=False)
def _solve_factored(a: Any, factors: Any, pivots: Any, b: Any, transposed: Any) -> Any:
    getrs = routine("lapack", "getrs", a.dtype)

    def impl(a: Array, factors: Array, pivots: Array, b: Array, transposed: bool) -> Array:
        n = factors.shape[0]
        x = _columns(b)
        if n > 0:
            getrs((CONJUGATE_TRANSPOSE if transposed else NO_TRANSPOSE, n, x.shape[1], factors, n, pivots, x, n))
        return _shaped_as(b, x)

    return impl


def slogdet_and_factor(a: Array) -> tuple[tuple[Any, Any], Array, Array]:
    """``np.linalg.slogdet(a)``, the factors L and U of ``a`` in one matrix, and the pivots."""
    return tuple(np.linalg.slogdet(a)), np.array(a), np.empty(len(a), INTEGER)


@overload(slogdet_and_factor, strict=False)
def _slogdet_and_factor(a: Any) -> Any:
    getrf = numbas._LAPACK().numba_xxgetrf(a.dtype)
    kind = ord(numbas.get_blas_kind(a.dtype, "slogdet"))
    walk_diagonal = numbas._get_slogdet_diag_walker(a)

    def impl(a: Array) -> tuple[tuple[Any, Any], Array, Array]:
        n = a.shape[0]
        if n == 0 or n != a.shape[1]:
            return np.linalg.slogdet(a), numbas._copy_to_fortran_order(a), np.empty(n, INTEGER)
        numbas._check_finite_matrix(a)
        factors = numbas._copy_to_fortran_order(a)
        pivots = np.empty(n, INTEGER)
        if getrf(kind, n, n, factors.ctypes, n, pivots.ctypes) > 0:
            return (0.0, -np.inf), factors, pivots
        swaps = 0
        for k in range(n):
            swaps += pivots[k] != k + 1
        return walk_diagonal(n, factors, -1 if swaps & 1 else 1), factors, pivots

    return impl


def inverse_factored(a: Array, factors: Array, pivots: Array) -> Array:
    """``a^-1`` by the factorization of ``a``."""
    return np.linalg.inv(a)


@overload(inverse_factored, strict=False)
def _inverse_factored(a: Any, factors: Any, pivots: Any) -> Any:
    getri = numbas._LAPACK().numba_ez_xxgetri(a.dtype)
    kind = ord(numbas.get_blas_kind(a.dtype, "inv"))

    def impl(a: Array, factors: Array, pivots: Array) -> Array:
        n = factors.shape[0]
        inverse = numbas._copy_to_fortran_order(factors)
        if n > 0:
            numbas._inv_err_handler(getri(kind, n, inverse.ctypes, n, pivots.ctypes))
        numbas._dummy_liveness_func([inverse.size, pivots.size])
        return inverse

    return impl


def solve_triangular(a: Array, b: Array, lower: bool, transposed: bool) -> Array:
    """``a^-1 b``, or ``(a^H)^-1 b``, of a triangular matrix; NaN if its diagonal has a zero.

    The other triangle is not read.
    """
    triangle = np.tril(a) if lower else np.triu(a)
    if not np.all(np.diag(triangle)):
        return np.full(b.shape, np.nan, b.dtype)
    return np.linalg.solve(np.conj(triangle).T if transposed else triangle, b)


@overload(solve_triangular, strict=False)
def _solve_triangular(a: Any, b: Any, lower: Any, transposed: Any) -> Any:
    if a.layout != "F" and isinstance(a.dtype, types.Complex):
        return lambda a, b, lower, transposed: solve_triangular(np.asfortranarray(a), b, lower, transposed)
    if a.layout == "A":
        return lambda a, b, lower, transposed: solve_triangular(np.ascontiguousarray(a), b, lower, transposed)
    trtrs = routine("lapack", "trtrs", a.dtype)
    is_c = a.layout == "C"  # Fortran sees the transpose
    adjoint = CONJUGATE_TRANSPOSE if isinstance(a.dtype, types.Complex) else TRANSPOSE

    def impl(a: Array, b: Array, lower: bool, transposed: bool) -> Array:
        n = a.shape[0]
        x = _columns(b)
        if n > 0:
            triangle = LOWER if lower != is_c else UPPER
            operation = adjoint if transposed != is_c else NO_TRANSPOSE
            if trtrs((triangle, operation, GENERAL_DIAGONAL, n, x.shape[1], a, n, x, n)) != 0:
                x[:, :] = np.nan
        return _shaped_as(b, x)

    return impl


def divide_by_lower(b: Array, a: Array) -> None:
    """``b := b a^-1`` of a lower triangle, in place; both are matrices of layout C or blocks of rows of one.

    The upper triangle is not read. NaN or infinities if the diagonal has a zero.
    """
    b[:, :] = np.linalg.solve(np.tril(a).T, b.T).T


@overload(divide_by_lower, strict=False)
def _divide_by_lower(b: Any, a: Any) -> Any:
    trsm = routine("blas", "trsm", a.dtype)
    number = as_dtype(a.dtype).type

    def impl(b: Array, a: Array) -> None:
        m, n = b.shape
        rows_b, rows_a = leading(b), leading(a)
        if rows_a == 0 or rows_b == 0 or a.shape[0] != n or a.shape[1] != n:
            raise ValueError("a triangle divides a block of rows of its own width")
        # Fortran sees the transposes: an upper triangle on the left.
        trsm((LEFT, UPPER, NO_TRANSPOSE, GENERAL_DIAGONAL, n, m, number(1), a, rows_a, b, rows_b))

    return impl


@register_jitable
def _columns(b: Array) -> Array:
    """A copy of ``b`` as a matrix of layout F: one column for a vector."""
    n, columns = b.shape[0], numbas._system_compute_nrhs(b)
    x = np.empty((columns, n), b.dtype).T
    numbas._system_copy_in_b(x, b, columns)
    return x


def _shaped_as(b: Array, x: Array) -> Array:
    """The solution in the form in which Numba returns it."""
    raise NotImplementedError


@overload(_shaped_as, strict=False)
def _shaped_as_impl(b: Any, x: Any) -> Any:
    if b.ndim == 1:
        return lambda b, x: x.T.ravel()
    return lambda b, x: x
