"""`np.linalg.pinv` and `np.linalg.lstsq`, where the rank does not change.

    p = a⁺     ṗ = -p ȧ p + p pᵀ ȧᵀ (I - a p) + (I - p a) ȧᵀ pᵀ p
    x = a⁺ b   ẋ = p (ḃ - ȧ x) + p pᵀ ȧᵀ (b - a x) + (I - p a) ȧᵀ pᵀ x

[Golub and Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems, 1973]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.dense import Array, given, product
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def _without(space: Array, x: Array) -> Array:
    """``x - space @ x``."""
    return x - product(space, x)


@register_jitable
def _pinv_tangent(a: Array, da: Array, p: Array) -> Array:
    onto_columns, onto_rows = product(a, p), product(p, a)
    first = product(p, product(da, p))
    second = product(product(p, p.T), _without(onto_columns.T, da).T)
    third = product(_without(onto_rows, np.ascontiguousarray(da.T)), product(p.T, p))
    return second + third - first


@register_jitable
def _add_pinv_adjoint(a: Array, da: Array, p: Array, seed: Array) -> None:
    onto_columns, onto_rows = product(a, p), product(p, a)
    first = product(p.T, product(seed, p.T))
    second = product(_without(onto_columns, np.ascontiguousarray(seed.T)), product(p, p.T))
    third = product(product(p.T, p), _without(onto_rows.T, np.ascontiguousarray(seed)).T)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            da[i, j] += second[i, j] + third[i, j] - first[i, j]


@register_jitable
def pinv(a: Array) -> Array:
    return np.linalg.pinv(a)


@register_jitable
def pinv_tangent(a: Array, da: Array) -> tuple[Array, Array]:
    p = np.linalg.pinv(a)
    return p, _pinv_tangent(a, da, p)


@register_jitable
def pinv_augmented(a: Array) -> tuple[Array, Array]:
    p = np.linalg.pinv(a)
    return p, np.copy(p)


@register_jitable
def pinv_reverse(a: Array, da: Array, seed: Array, tape: Array) -> None:
    _add_pinv_adjoint(a, da, tape, seed)


@register_jitable
def pinv_of(a: Array, rcond: float) -> Array:
    return np.linalg.pinv(a, rcond)


@register_jitable
def pinv_of_tangent(a: Array, da: Array, rcond: float) -> tuple[Array, Array]:
    p = np.linalg.pinv(a, rcond)
    return p, _pinv_tangent(a, da, p)


@register_jitable
def pinv_of_augmented(a: Array, rcond: float) -> tuple[Array, Array]:
    p = np.linalg.pinv(a, rcond)
    return p, np.copy(p)


@register_jitable
def pinv_of_reverse(a: Array, da: Array, rcond: float, seed: Array, tape: Array) -> None:
    _add_pinv_adjoint(a, da, tape, seed)


# --- least squares: the solution and the squares of what is left; the rank and the singular values are passengers ----


@register_jitable
def _columns(b: Array) -> Array:
    return np.ascontiguousarray(b).reshape((b.shape[0], b.size // max(1, b.shape[0])))


@register_jitable
def _solution_tangent(a: Array, da: Array | None, b: Array, db: Array | None, x: Array) -> Array:
    p = np.linalg.pinv(a)
    columns, solution = _columns(b), _columns(x)
    change = np.zeros(solution.shape, x.dtype)
    if db is not None:
        change += product(p, _columns(db))
    if da is not None:
        left = columns - product(a, solution)
        change -= product(p, product(da, solution))
        change += product(product(p, p.T), product(da.T, left))
        change += _without(product(p, a), product(da.T, product(p.T, solution)))
    return change


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
def _add_solution_adjoint(a: Array, da: Array | None, b: Array, db: Array | None, x: Array, seed: Array) -> None:
    p = np.linalg.pinv(a)
    solution, bar = _columns(x), _columns(seed)
    back = product(p.T, bar)
    if db is not None:
        _add_columns(db, back)
    if da is not None:
        left = _columns(b) - product(a, solution)
        change = product(left, product(product(p, p.T), bar).T) - product(back, solution.T)
        change += product(product(p.T, solution), _without(product(p, a), bar).T)
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                da[i, j] += change[i, j]


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
            change = product(left, solution.T)
            for i in range(a.shape[0]):
                for j in range(a.shape[1]):
                    da[i, j] -= change[i, j]


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
def lstsq(a: Array, b: Array) -> Any:
    return np.linalg.lstsq(a, b)


@register_jitable
def _lstsq_tangents(a: Array, da: Array | None, b: Array, db: Array | None, value: Any) -> Any:
    change = _solution_tangent(a, da, b, db, value[0]).reshape(value[0].shape)
    squares = _squares_tangent(a, da, b, db, value[0], value[1])
    return change, squares, value[2], value[3]


@register_jitable
def lstsq_tangent(a: Array, da: Array | None, b: Array, db: Array | None) -> tuple[Any, Any]:
    value = np.linalg.lstsq(a, b)
    return value, _lstsq_tangents(a, da, b, db, value)


@register_jitable
def lstsq_augmented(a: Array, b: Array) -> tuple[Any, Any]:
    value = np.linalg.lstsq(a, b)
    return value, (np.copy(value[0]), np.copy(value[1]))


@register_jitable
def lstsq_reverse(a: Array, da: Array | None, b: Array, db: Array | None, seed: Any, tape: Any) -> None:
    x, squares = tape
    _add_solution_adjoint(a, da, b, db, x, given(seed[0], x))
    _add_squares_adjoint(a, da, b, db, x, given(seed[1], squares))


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
    return value, (np.copy(value[0]), np.copy(value[1]))


@register_jitable
def lstsq_of_reverse(
    a: Array, da: Array | None, b: Array, db: Array | None, rcond: float, seed: Any, tape: Any
) -> None:
    lstsq_reverse(a, da, b, db, seed, tape)


PINV = "-p ȧ p + p pᵀ ȧᵀ (I - a p) + (I - p a) ȧᵀ pᵀ p"
LSTSQ = "p (ḃ - ȧ x) + p pᵀ ȧᵀ (b - a x) + (I - p a) ȧᵀ pᵀ x"


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
        kept="p",
        degenerate="The rank is taken for constant; `rcond` is flat.",
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
        kept="x, the squares",
        degenerate="The rank is taken for constant; the rank and the singular values that are returned are passengers.",
        passengers=(2, 3),
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
