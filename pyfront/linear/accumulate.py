"""``total += factor * (a @ b)`` by one BLAS call: what the adjoint and the tangent of every product consist of.

BLAS adds to its output by itself, so no product is stored in between. Transposes are views: a matrix of layout F is the
transpose of one of layout C, which costs a flag of the call and no copy. A block of a matrix has no gaps inside
of its rows or columns and is taken where it is; what else has gaps is copied first.

    add_product(dA, seed, b.T, 1.0)       matrix += matrix @ matrix     gemm
    add_product(db, a.T, seed, 1.0)       vector += matrix @ vector     gemv
    add_product(da, seed, b, 1.0)         matrix += vector vector^T     ger

In a derivative of a derivative it stays a call, with a row of its own: the derivative of a product that is added is two
such.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable
from numba.np.numpy_support import as_dtype

from pyfront.linear.dense import Array, add_scaled, adjoint, contiguous, leading
from pyfront.linear.fortran import NO_TRANSPOSE, TRANSPOSE, routine
from pyfront.linear.table import Rule, float_arrays


def add_product(total: Array, a: Array, b: Array, factor: float) -> None:
    """Adds ``factor * (a @ b)``, or of two vectors the outer product, to the array ``total``."""
    if total.shape:
        total += factor * (np.outer(a, b) if a.ndim == b.ndim == 1 else a @ b)


@overload(add_product, strict=False)
def _add_product(total: Any, a: Any, b: Any, factor: Any) -> Any:
    dimensions = (a.ndim, b.ndim)
    if dimensions == (1, 2):
        return lambda total, a, b, factor: add_product(total, b.T, a, factor)
    if total.ndim == 2 and total.layout == "F":
        return lambda total, a, b, factor: add_product(total.T, b.T, a.T, factor)
    if dimensions == (2, 2) and "A" in (total.layout, a.layout, b.layout):
        return _gemm_of_blocks(total)
    if a.layout == "A" or b.layout == "A":
        return lambda total, a, b, factor: add_product(total, contiguous(a), contiguous(b), factor)
    if total.layout == "A":

        def through_copy(total: Array, a: Array, b: Array, factor: float) -> None:
            product = np.zeros(total.shape, total.dtype)
            add_product(product, a, b, factor)
            add_scaled(total, product, total.dtype.type(1))

        return through_copy
    return {(2, 2): _gemm, (2, 1): _gemv, (1, 1): _ger}[dimensions](total, a, b)


def _gemm(total: Any, a: Any, b: Any) -> Any:
    """Fortran sees the transposes of arrays of layout C: it is given ``total^T += b^T a^T``."""
    gemm = routine("blas", "gemm", total.dtype)
    number = as_dtype(total.dtype).type
    a_is_c, b_is_c = a.layout == "C", b.layout == "C"
    of_a, of_b = (NO_TRANSPOSE if is_c else TRANSPOSE for is_c in (a_is_c, b_is_c))

    def impl(total: Array, a: Array, b: Array, factor: float) -> None:
        m, k = a.shape
        n = b.shape[1]
        if total.shape[0] != m or total.shape[1] != n or b.shape[0] != k:
            raise ValueError("the shapes of a product and of its factors differ")
        rows_a = max(1, k if a_is_c else m)
        rows_b = max(1, n if b_is_c else k)
        gemm((of_b, of_a, n, m, k, number(factor), b, rows_b, a, rows_a, number(1), total, max(1, n)))

    return impl


def _gemm_of_blocks(total: Any) -> Any:
    """The same where a matrix may be a block of another one, which shows in its strides."""
    gemm = routine("blas", "gemm", total.dtype)
    number = as_dtype(total.dtype).type

    def impl(total: Array, a: Array, b: Array, factor: float) -> None:
        m, k = a.shape
        n = b.shape[1]
        if total.shape[0] != m or total.shape[1] != n or b.shape[0] != k:
            raise ValueError("the shapes of a product and of its factors differ")
        by_rows, by_columns = leading(total), leading(total.T)
        a_by_rows, a_by_columns = leading(a), leading(a.T)
        b_by_rows, b_by_columns = leading(b), leading(b.T)
        if min(max(a_by_rows, a_by_columns), max(b_by_rows, b_by_columns), max(by_rows, by_columns)) == 0:
            product = np.zeros(total.shape, total.dtype)
            add_product(product, np.ascontiguousarray(a), np.ascontiguousarray(b), factor)
            add_scaled(total, product, total.dtype.type(1))
            return
        of_a, rows_a = (NO_TRANSPOSE, a_by_rows) if a_by_rows else (TRANSPOSE, a_by_columns)
        of_b, rows_b = (NO_TRANSPOSE, b_by_rows) if b_by_rows else (TRANSPOSE, b_by_columns)
        if by_rows:
            gemm((of_b, of_a, n, m, k, number(factor), b, rows_b, a, rows_a, number(1), total, by_rows))
        else:
            of_a = TRANSPOSE if of_a == NO_TRANSPOSE else NO_TRANSPOSE
            of_b = TRANSPOSE if of_b == NO_TRANSPOSE else NO_TRANSPOSE
            gemm((of_a, of_b, m, n, k, number(factor), a, rows_a, b, rows_b, number(1), total, by_columns))

    return impl


def _gemv(total: Any, a: Any, b: Any) -> Any:
    gemv = routine("blas", "gemv", total.dtype)
    number = as_dtype(total.dtype).type
    is_c = a.layout == "C"
    of_a = TRANSPOSE if is_c else NO_TRANSPOSE

    def impl(total: Array, a: Array, b: Array, factor: float) -> None:
        m, n = a.shape
        if total.shape[0] != m or b.shape[0] != n:
            raise ValueError("the shapes of a product and of its factors differ")
        rows, columns = (n, m) if is_c else (m, n)
        gemv((of_a, rows, columns, number(factor), a, max(1, rows), b, 1, number(1), total, 1))

    return impl


def _ger(total: Any, a: Any, b: Any) -> Any:
    ger = routine("blas", "geru" if isinstance(total.dtype, types.Complex) else "ger", total.dtype)
    number = as_dtype(total.dtype).type

    def impl(total: Array, a: Array, b: Array, factor: float) -> None:
        m, n = total.shape
        if a.shape[0] != m or b.shape[0] != n:
            raise ValueError("the shapes of a product and of its factors differ")
        ger((n, m, number(factor), b, 1, a, 1, total, max(1, n)))

    return impl


# --- the row ------------------------------------------------------------------------------------------


@register_jitable
def _add(total: Array, a: Array, b: Array, factor: float) -> None:
    add_product(total, a, b, factor)


@register_jitable
def _tangent(
    total: Array, dtotal: Array | None, a: Array, da: Array | None, b: Array, db: Array | None, factor: float
) -> tuple[None, None]:
    add_product(total, a, b, factor)
    if dtotal is not None:
        if da is not None:
            add_product(dtotal, da, b, factor)
        if db is not None:
            add_product(dtotal, a, db, factor)
    return None, None


@register_jitable
def _augmented(total: Array, a: Array, b: Array, factor: float) -> tuple[None, None]:
    add_product(total, a, b, factor)
    return None, None


@register_jitable
def _reverse(
    total: Array,
    dtotal: Array | None,
    a: Array,
    da: Array | None,
    b: Array,
    db: Array | None,
    factor: float,
    seed: None,
    tape: None,
) -> None:
    if dtotal is not None:
        if da is not None:
            add_product(da, dtotal, adjoint(b), factor)
        if db is not None:
            add_product(db, adjoint(a), dtotal, factor)


PRIVATE = tuple(
    Rule(
        add_product,
        "add_product(total, a, b, factor)",
        active=("total", "a", "b"),
        applies=float_arrays(*dimensions, others=1),
        primal=_add,
        tangent=_tangent,
        augmented=_augmented,
        reverse=_reverse,
        forward="ṫ += f (ȧ b + a ḃ)",
        backward="ā += f t̄ bᵀ; b̄ += f aᵀ t̄",
        written=("total",),
        internal=True,
    )
    for dimensions in ((2, 2, 2), (1, 2, 1), (1, 1, 2), (2, 1, 1))
)
