"""`np.linalg.solve` and `np.linalg.inv`: one factorization in both sweeps, and one solve with its transpose.

x = a⁻¹ b       ẋ = a⁻¹ (ḃ - ȧ x)       y = a⁻ᴴ x̄,  b̄ += y,  ā -= y xᴴ
x = a⁻¹         ẋ = -x ȧ x              ā -= xᴴ x̄ xᴴ
"""

from __future__ import annotations

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.accumulate import add_product
from pyfront.linear.dense import Array, add_scaled, adjoint, contiguous
from pyfront.linear.systems import solve_and_factor, solve_factored
from pyfront.linear.table import Rule, float_arrays

Tape = tuple[Array, ...]


@register_jitable
def solve(a: Array, b: Array) -> Array:
    return np.linalg.solve(a, b)


@register_jitable
def solve_tangent(a: Array, da: Array | None, b: Array, db: Array | None) -> tuple[Array, Array]:
    x, factors, pivots = solve_and_factor(a, b)
    right = np.zeros_like(x)
    if db is not None:
        add_scaled(right, db, right.dtype.type(1))
    if da is not None:
        add_product(right, da, x, -1.0)
    return x, solve_factored(a, factors, pivots, right, False)


@register_jitable
def solve_augmented(a: Array, b: Array) -> tuple[Array, Tape]:
    x, factors, pivots = solve_and_factor(a, b)
    return x, (np.copy(x), factors, pivots)


@register_jitable
def solve_reverse(a: Array, da: Array | None, b: Array, db: Array | None, seed: Array, tape: Tape) -> None:
    x, factors, pivots = tape
    right = solve_factored(a, factors, pivots, seed, True)
    if db is not None:
        add_scaled(db, right, right.dtype.type(1))
    if da is not None:
        add_product(da, right, adjoint(x), -1.0)


@register_jitable
def inv(a: Array) -> Array:
    return np.linalg.inv(a)


@register_jitable
def inv_tangent(a: Array, da: Array) -> tuple[Array, Array]:
    x = np.linalg.inv(a)
    tangent = np.zeros_like(x)
    add_product(tangent, np.dot(x, contiguous(da)), x, -1.0)
    return x, tangent


@register_jitable
def inv_augmented(a: Array) -> tuple[Array, Array]:
    x = np.linalg.inv(a)
    return x, np.copy(x)


@register_jitable
def inv_reverse(a: Array, da: Array, seed: Array, tape: Array) -> None:
    x = adjoint(tape)
    add_product(da, np.dot(x, contiguous(seed)), x, -1.0)


RULES = (
    *(
        Rule(
            np.linalg.solve,
            "np.linalg.solve(a, b)",
            active=("a", "b"),
            applies=float_arrays(2, columns),
            primal=solve,
            tangent=solve_tangent,
            augmented=solve_augmented,
            reverse=solve_reverse,
            forward="a⁻¹ (ḃ - ȧ x)",
            backward="y = a⁻ᵀ x̄; b̄ += y; ā -= y xᵀ",
            kept="x, the factors of a and their pivots",
            degenerate="Raises where the call raises." if columns == 1 else "One solve for all columns.",
        )
        for columns in (1, 2)
    ),
    Rule(
        np.linalg.inv,
        "np.linalg.inv(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=inv,
        tangent=inv_tangent,
        augmented=inv_augmented,
        reverse=inv_reverse,
        forward="-x ȧ x",
        backward="ā -= xᵀ x̄ xᵀ",
        kept="x",
        degenerate="Raises where the call raises.",
    ),
)
