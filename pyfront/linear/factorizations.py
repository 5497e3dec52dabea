"""`np.linalg.cholesky` and `np.linalg.qr`.

    a = L Lᵀ     L̇ = L Φ(L⁻¹ ȧ L⁻ᵀ)           ā += sym(L⁻ᵀ Φ(Lᵀ L̄) L⁻¹), in blocks
    a = q r      q̇, ṙ from q⁻¹ ȧ r⁻¹ = Ω + U  ā += (q̄ + q sym(r r̄ᵀ - q̄ᵀ q)) r⁻ᵀ

[Murray, Differentiation of the Cholesky decomposition, 2016; Walter and Lehmann, Algorithmic differentiation of linear
algebra functions, 2018; Roberts and Roberts, QR and LQ decomposition matrix backpropagation, 2020, for wide matrices]
Φ takes the lower triangle and halves the diagonal, Ω is skew, U an upper triangle.

NumPy reads the lower triangle of a matrix that it takes for symmetric. The derivative is that of this function: what
belongs to both triangles goes to the lower one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.accumulate import add_product
from pyfront.linear.dense import (
    Array,
    add_scaled,
    given,
    half_of_lower,
    product,
    symmetric_of_lower,
)
from pyfront.linear.systems import divide_by_lower, solve_triangular
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def cholesky(a: Array) -> Array:
    return np.linalg.cholesky(a)


@register_jitable
def cholesky_tangent(a: Array, da: Array) -> tuple[Array, Array]:
    factor = np.linalg.cholesky(a)
    left = solve_triangular(factor, symmetric_of_lower(da), True, False)
    both = solve_triangular(factor, left.T, True, False)
    return factor, product(factor, half_of_lower(both.T))


@register_jitable
def cholesky_augmented(a: Array) -> tuple[Array, Array]:
    factor = np.linalg.cholesky(a)
    # Both are copied to memory that lasts, each to its own.
    return factor, factor


BLOCK = 48
"""Rows of a block: what is inside of one is not worth a call of its own."""


@register_jitable
def _block_adjoint(d: Array, bar: Array) -> Array:
    """The adjoint of the lower triangle of a block, from that of its factor: D⁻ᵀ Φ(Dᵀ D̄) D⁻¹ and its transpose."""
    inner = half_of_lower(product(d.T, bar))
    divide_by_lower(inner, d)
    both = np.ascontiguousarray(inner.T)
    divide_by_lower(both, d)
    result = np.zeros(d.shape, d.dtype)
    for i in range(d.shape[0]):
        result[i, i] = both[i, i]
        for j in range(i):
            result[i, j] = both[i, j] + both[j, i]
    return result


@register_jitable
def _lower(a: Array) -> Array:
    result = np.zeros(a.shape, a.dtype)
    for i in range(a.shape[0]):
        for j in range(i + 1):
            result[i, j] = a[i, j]
    return result


@register_jitable
def cholesky_reverse(a: Array, da: Array, seed: Array, tape: Array) -> None:
    """Block by block from the last one on, as the factorization goes from the first: twice its operations.

    L = | .  .  . |
        | R  D  . |      C̄ = C̄ D⁻¹, B̄ -= C̄ R, [R̄ D̄] -= C̄ᵀ [B C], of D̄ the lower triangle,
        | B  C  . |      D̄ of its own factor, R̄ -= (D̄ + D̄ᵀ) R
    """
    n = a.shape[0]
    # What is above the diagonal is never read: of blocks on it the lower triangle is taken.
    bar = np.empty(a.shape, a.dtype)
    for i in range(n):
        for j in range(i + 1):
            bar[i, j] = seed[i, j]
    for block in range((n + BLOCK - 1) // BLOCK - 1, -1, -1):
        j, k = block * BLOCK, min(n, (block + 1) * BLOCK)
        r, d = tape[j:k, :j], np.ascontiguousarray(tape[j:k, j:k])
        of_c = bar[k:, j:k]
        if k < n:
            divide_by_lower(of_c, d)
            add_product(bar[k:, :j], of_c, r, -1.0)
            add_product(bar[j:k, :k], of_c.T, tape[k:, :k], -1.0)
        of_d = _block_adjoint(d, _lower(bar[j:k, j:k]))
        bar[j:k, j:k] = of_d
        add_product(bar[j:k, :j], of_d + of_d.T, r, -1.0)
    for i in range(n):
        for j in range(i + 1):
            da[i, j] += bar[i, j]


@register_jitable
def qr(a: Array) -> tuple[Array, Array]:
    return np.linalg.qr(a)


@register_jitable
def _divided(b: Array, r: Array) -> Array:
    """``b r⁻¹`` of an upper triangle."""
    return solve_triangular(r, b.T, False, True).T


@register_jitable
def qr_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    q, r = np.linalg.qr(a)
    k = q.shape[1]
    turned = _divided(np.ascontiguousarray(da[:, :k]), np.ascontiguousarray(r[:, :k]))
    inside = product(q.T, turned)
    skew = np.zeros((k, k), a.dtype)
    for i in range(k):
        for j in range(i):
            skew[i, j] = inside[i, j]
            skew[j, i] = -inside[i, j]
    upper = inside - skew
    dq = np.empty(q.shape, a.dtype)
    add = product(q, upper)
    for i in range(q.shape[0]):
        for j in range(k):
            dq[i, j] = turned[i, j] - add[i, j]
    dr = np.zeros(r.shape, a.dtype)
    dr[:, :k] = product(upper, np.ascontiguousarray(r[:, :k]))
    if r.shape[1] > k:
        rest = np.ascontiguousarray(da[:, k:]) - product(dq, np.ascontiguousarray(r[:, k:]))
        dr[:, k:] = product(q.T, rest)
    return (q, r), (dq, dr)


@register_jitable
def qr_augmented(a: Array) -> tuple[Any, Any]:
    q, r = np.linalg.qr(a)
    return (q, r), (np.copy(q), np.copy(r))


@register_jitable
def qr_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    q, r = tape
    k = q.shape[1]
    n = r.shape[1]
    of_q, of_r = np.zeros(q.shape, a.dtype), np.zeros((k, k), a.dtype)
    add_scaled(of_q, given(seed[0], q), a.dtype.type(1))
    of_all = given(seed[1], r)
    for i in range(k):
        for j in range(i, k):
            of_r[i, j] = of_all[i, j]
    if n > k:
        # What is right of the square part is qᵀ times columns of the matrix.
        wide = np.ascontiguousarray(of_all[:, k:])
        add_product(of_q, np.ascontiguousarray(a[:, k:]), np.ascontiguousarray(wide.T), 1.0)
        columns = product(q, wide)
        for i in range(a.shape[0]):
            for j in range(k, n):
                da[i, j] += columns[i, j - k]
    square = np.ascontiguousarray(r[:, :k])
    inside = product(square, of_r.T) - product(of_q.T, q)
    for i in range(k):
        for j in range(i):
            inside[j, i] = inside[i, j]
    add_product(of_q, q, inside, 1.0)
    # b r⁻ᵀ is the transpose of r⁻¹ bᵀ.
    columns = solve_triangular(square, of_q.T, False, False).T
    for i in range(a.shape[0]):
        for j in range(k):
            da[i, j] += columns[i, j]


RULES = (
    Rule(
        np.linalg.cholesky,
        "np.linalg.cholesky(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=cholesky,
        tangent=cholesky_tangent,
        augmented=cholesky_augmented,
        reverse=cholesky_reverse,
        forward="L Φ(L⁻¹ ȧ L⁻ᵀ)",
        backward="ā += lower(sym(L⁻ᵀ Φ(Lᵀ L̄) L⁻¹))",
        kept="L",
        degenerate="Reads the lower triangle of a, and gives it the adjoint of both. Raises where the call raises.",
    ),
    Rule(
        np.linalg.qr,
        "np.linalg.qr(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=qr,
        tangent=qr_tangent,
        augmented=qr_augmented,
        reverse=qr_reverse,
        forward="ȧ r⁻¹ = z, qᵀ z = Ω + U: q̇ = z - q U, ṙ = U r",
        backward="ā += (q̄ + q sym(r r̄ᵀ - q̄ᵀ q)) r⁻ᵀ",
        kept="q, r",
        degenerate="NaN where r is singular. Of a wide matrix, the square part comes first.",
    ),
)
