"""`np.linalg.pinv` and `np.linalg.lstsq`: the inverse on the singular values above a threshold, zero on the others.

    a = U diag(s) Vᵀ    p = V diag(g) Uᵀ, g = 1 / s of the singular values that are kept, else 0    x = p b

Written in the singular vectors, M = Uᵀ ȧ V and N = Vᵀ ṗ U, the derivative pairs two singular values at a time:

    N_ij = F_ij M_ji + H_ij M_ij        both kept: F = 0, H = -1 / (s_i s_j); none: 0
                                        s_p kept, s_q not: F = 1 / (s_p² - s_q²), H = (s_q / s_p) F

and a direction outside of U, or of V, is paired with a singular value of zero. Where those that are not kept are zero
this is the formula of Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems,
1973; it holds for those that `rcond` cuts off as well, as long as none passes the threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.accumulate import add_product
from pyfront.linear.dense import Array, add_scaled, given, product, scaled_columns
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def _singular_vectors(a: Array) -> tuple[Array, Array, Array]:
    """U, s and V, without what belongs to no singular value."""
    u, s, vt = np.linalg.svd(a, False)
    return np.ascontiguousarray(u), s, np.ascontiguousarray(vt.T)


@register_jitable
def _kept_above(s: Array, rcond: float) -> int:
    """How many singular values Numba's `pinv` inverts."""
    kept = 0
    while kept < s.shape[0] and s[kept] > s[0] * rcond:
        kept += 1
    return kept


@register_jitable
def _inverted(s: Array, kept: int, power: int) -> Array:
    """The powers of 1 / s of the singular values that are kept, zero for the others."""
    result = np.zeros(s.shape, s.dtype)
    for i in range(kept):
        result[i] = (1 / s[i]) ** power
    return result


@register_jitable
def _paired(m: Array, s: Array, kept: int) -> Array:
    """``F ∘ mᵀ + H ∘ m``. F and H are symmetric, so this map is its own transpose."""
    result = np.zeros(m.shape, m.dtype)
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            first, second = min(i, j), max(i, j)
            if second < kept:
                result[i, j] = -m[i, j] / s[i] / s[j]
            elif first < kept:
                of_both = (s[first] - s[second]) * (s[first] + s[second])
                result[i, j] = (m[j, i] + s[second] / s[first] * m[i, j]) / of_both
    return result


@register_jitable
def _across(x: Array, columns: Array, inside: Array, factors: Array) -> Array:
    """``(columns - x inside) diag(factors)``: what is outside of the columns of x, divided."""
    rest = np.copy(columns)
    add_product(rest, x, inside, -1.0)
    return scaled_columns(rest, factors)


@register_jitable
def _tangent(da: Array, u: Array, s: Array, v: Array, kept: int) -> Array:
    """ṗ."""
    turned = product(da, v)
    m = product(u.T, turned)
    squares = _inverted(s, kept, 2)
    result = product(product(v, _paired(m, s, kept)), u.T)
    add_product(result, v, _across(u, turned, m, squares).T, 1.0)
    add_product(result, _across(v, product(da.T, u), np.ascontiguousarray(m.T), squares), u.T, 1.0)
    return result


@register_jitable
def _add_adjoint(da: Array, u: Array, s: Array, v: Array, kept: int, left: Array, right: Array) -> None:
    """Adds to ā, given ``left`` = p̄ᵀ V and ``right`` = p̄ U."""
    n = product(v.T, right)
    squares = _inverted(s, kept, 2)
    add_product(da, product(u, _paired(n, s, kept)), v.T, 1.0)
    add_product(da, _across(u, left, np.ascontiguousarray(n.T), squares), v.T, 1.0)
    add_product(da, u, _across(v, right, n, squares).T, 1.0)


# --- the pseudo-inverse ------------------------------------------------------------------------------


@register_jitable
def pinv_of(a: Array, rcond: float) -> Array:
    return np.linalg.pinv(a, rcond)


@register_jitable
def pinv_of_tangent(a: Array, da: Array, rcond: float) -> tuple[Array, Array]:
    p = np.linalg.pinv(a, rcond)
    tangent = np.zeros_like(p)
    if a.size > 0:
        u, s, v = _singular_vectors(a)
        add_scaled(tangent, _tangent(da, u, s, v, _kept_above(s, rcond)), a.dtype.type(1))
    return p, tangent


@register_jitable
def pinv_of_augmented(a: Array, rcond: float) -> tuple[Array, None]:
    return np.linalg.pinv(a, rcond), None


@register_jitable
def pinv_of_reverse(a: Array, da: Array, rcond: float, seed: Array, tape: None) -> None:
    if a.size > 0:
        u, s, v = _singular_vectors(a)
        _add_adjoint(da, u, s, v, _kept_above(s, rcond), product(seed.T, v), product(seed, u))


RCOND = 1e-15
"""Of `pinv` in Numba, for any type of float."""


@register_jitable
def pinv(a: Array) -> Array:
    return np.linalg.pinv(a)


@register_jitable
def pinv_tangent(a: Array, da: Array) -> Any:
    return pinv_of_tangent(a, da, RCOND)


@register_jitable
def pinv_augmented(a: Array) -> tuple[Array, None]:
    return np.linalg.pinv(a), None


@register_jitable
def pinv_reverse(a: Array, da: Array, seed: Array, tape: None) -> None:
    pinv_of_reverse(a, da, RCOND, seed, tape)


# --- least squares: the solution, the squares of what is left, the rank (a passenger), the singular values ------------


@register_jitable
def _columns(b: Array) -> Array:
    return np.ascontiguousarray(b).reshape((b.shape[0], b.size // max(1, b.shape[0])))


@register_jitable
def _add_columns(total: Array, columns: Array) -> None:
    if total.ndim == 1:
        for i in range(total.shape[0]):
            total[i] += columns[i, 0]
    else:
        for i in range(columns.shape[0]):
            for j in range(columns.shape[1]):
                total[i, j] += columns[i, j]


@register_jitable
def _squares_tangent(a: Array, da: Array | None, b: Array, db: Array | None, x: Array, squares: Array) -> Array:
    columns, solution = _columns(b), _columns(x)
    left = columns - product(a, solution)
    moved = np.zeros(left.shape, x.dtype)
    if db is not None:
        moved += _columns(db)
    if da is not None:
        moved -= product(da, solution)
    change = np.zeros(squares.shape, x.dtype)
    for j in range(squares.shape[0]):
        for i in range(left.shape[0]):
            change[j] += 2 * left[i, j] * moved[i, j]
    return change


@register_jitable
def _add_squares_adjoint(a: Array, da: Array | None, b: Array, db: Array | None, x: Array, seed: Array) -> None:
    if seed.shape[0] > 0:
        solution = _columns(x)
        left = _columns(b) - product(a, solution)
        for i in range(left.shape[0]):
            for j in range(left.shape[1]):
                left[i, j] *= 2 * seed[j]
        if db is not None:
            _add_columns(db, left)
        if da is not None:
            add_product(da, left, solution.T, -1.0)


@register_jitable
def _lstsq_tangents(a: Array, da: Array | None, b: Array, db: Array | None, value: Any) -> Any:
    x, squares, rank, _ = value
    u, s, v = _singular_vectors(a)
    p = product(scaled_columns(v, _inverted(s, rank, 1)), u.T)
    change = np.zeros(_columns(x).shape, x.dtype)
    values = np.zeros(s.shape, s.dtype)
    if db is not None:
        add_product(change, p, _columns(db), 1.0)
    if da is not None:
        add_product(change, _tangent(da, u, s, v, rank), _columns(b), 1.0)
        turned = product(da, v)
        for j in range(s.shape[0]):
            for i in range(u.shape[0]):
                values[j] += u[i, j] * turned[i, j]
    return change.reshape(x.shape), _squares_tangent(a, da, b, db, x, squares), rank, values


@register_jitable
def lstsq_reverse(a: Array, da: Array | None, b: Array, db: Array | None, seed: Any, tape: Any) -> None:
    x, squares, rank = tape
    u, s, v = _singular_vectors(a)
    bar = _columns(given(seed[0], x))
    of_bar = product(v.T, bar)
    if db is not None:
        _add_columns(db, product(scaled_columns(u, _inverted(s, rank, 1)), of_bar))
    if da is not None:
        columns = _columns(b)
        of_columns = product(u.T, columns)
        _add_adjoint(da, u, s, v, rank, product(columns, of_bar.T), product(bar, of_columns.T))
        add_product(da, scaled_columns(u, given(seed[3], s)), v.T, 1.0)
    _add_squares_adjoint(a, da, b, db, x, given(seed[1], squares))


@register_jitable
def _tape(value: Any) -> Any:
    return np.copy(value[0]), np.copy(value[1]), value[2]


@register_jitable
def lstsq(a: Array, b: Array) -> Any:
    return np.linalg.lstsq(a, b)


@register_jitable
def lstsq_tangent(a: Array, da: Array | None, b: Array, db: Array | None) -> tuple[Any, Any]:
    value = np.linalg.lstsq(a, b)
    return value, _lstsq_tangents(a, da, b, db, value)


@register_jitable
def lstsq_augmented(a: Array, b: Array) -> tuple[Any, Any]:
    value = np.linalg.lstsq(a, b)
    return value, _tape(value)


@register_jitable
def lstsq_of(a: Array, b: Array, rcond: float) -> Any:
    return np.linalg.lstsq(a, b, rcond)


@register_jitable
def lstsq_of_tangent(a: Array, da: Array | None, b: Array, db: Array | None, rcond: float) -> tuple[Any, Any]:
    value = np.linalg.lstsq(a, b, rcond)
    return value, _lstsq_tangents(a, da, b, db, value)


@register_jitable
def lstsq_of_augmented(a: Array, b: Array, rcond: float) -> tuple[Any, Any]:
    value = np.linalg.lstsq(a, b, rcond)
    return value, _tape(value)


@register_jitable
def lstsq_of_reverse(
    a: Array, da: Array | None, b: Array, db: Array | None, rcond: float, seed: Any, tape: Any
) -> None:
    lstsq_reverse(a, da, b, db, seed, tape)


PINV = "V (F∘Mᵀ + H∘M) Uᵀ and what is outside of U and V, M = Uᵀ ȧ V"
LSTSQ = "p ḃ + ṗ b; ṡ = diag(Uᵀ ȧ V); of the squares 2 (b - a x)ᵀ (ḃ - ȧ x)"


def _pinv(call: str, others: int, *parts: Any) -> Rule:
    primal, tangent, augmented, reverse = parts
    return Rule(
        np.linalg.pinv,
        call,
        active=("a",),
        applies=float_arrays(2, others=others),
        primal=primal,
        tangent=tangent,
        augmented=augmented,
        reverse=reverse,
        forward=PINV,
        backward="its transpose",
        degenerate="Right for any rank, and where `rcond` cuts singular values off; flat in `rcond`.",
    )


def _lstsq(call: str, columns: int, others: int, *parts: Any) -> Rule:
    primal, tangent, augmented, reverse = parts
    return Rule(
        np.linalg.lstsq,
        call,
        active=("a", "b"),
        applies=float_arrays(2, columns, others=others),
        primal=primal,
        tangent=tangent,
        augmented=augmented,
        reverse=reverse,
        forward=LSTSQ,
        backward="its transpose",
        kept="x, the squares, the rank",
        degenerate="As `pinv`. The rank is a passenger.",
        passengers=(2,),
    )


RULES = (
    _pinv("np.linalg.pinv(a)", 0, pinv, pinv_tangent, pinv_augmented, pinv_reverse),
    _pinv("np.linalg.pinv(a, rcond)", 1, pinv_of, pinv_of_tangent, pinv_of_augmented, pinv_of_reverse),
    *(
        row
        for columns in (1, 2)
        for row in (
            _lstsq("np.linalg.lstsq(a, b)", columns, 0, lstsq, lstsq_tangent, lstsq_augmented, lstsq_reverse),
            _lstsq(
                "np.linalg.lstsq(a, b, rcond)",
                columns,
                1,
                lstsq_of,
                lstsq_of_tangent,
                lstsq_of_augmented,
                lstsq_of_reverse,
            ),
        )
    ),
)
