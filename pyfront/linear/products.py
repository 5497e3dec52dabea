"""Products: `np.dot`, ``@``, `np.vdot`. The adjoint of a product is two products.

For matrices and vectors alike, with the outer product for two vectors (`add_product`):

    value = a b        ā += v̄ bᴴ        b̄ += aᴴ v̄
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.accumulate import add_product
from pyfront.linear.dense import Array, add_scaled, adjoint
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def dot(a: Array, b: Array) -> Any:
    return np.dot(a, b)


@register_jitable
def dot_tangent(a: Array, da: Array | None, b: Array, db: Array | None) -> tuple[Array, Array]:
    value = np.dot(a, b)
    tangent = np.zeros_like(value)
    if da is not None:
        add_product(tangent, da, b, 1.0)
    if db is not None:
        add_product(tangent, a, db, 1.0)
    return value, tangent


@register_jitable
def dot_augmented(a: Array, b: Array) -> tuple[Any, None]:
    return np.dot(a, b), None


@register_jitable
def dot_reverse(a: Array, da: Array | None, b: Array, db: Array | None, seed: Array, tape: None) -> None:
    if da is not None:
        add_product(da, seed, adjoint(b), 1.0)
    if db is not None:
        add_product(db, adjoint(a), seed, 1.0)


# --- of two vectors: a number ------------------------------------------------------------------------


@register_jitable
def vectors_tangent(a: Array, da: Array | None, b: Array, db: Array | None) -> tuple[Any, Any]:
    value = np.dot(a, b)
    tangent = a.dtype.type(0)
    if da is not None:
        tangent += np.dot(da, b)
    if db is not None:
        tangent += np.dot(a, db)
    return value, tangent


@register_jitable
def vectors_reverse(a: Array, da: Array | None, b: Array, db: Array | None, seed: Any, tape: None) -> None:
    if da is not None:
        add_scaled(da, b, seed)
    if db is not None:
        add_scaled(db, a, seed)


@register_jitable
def vdot(a: Array, b: Array) -> Any:
    return np.vdot(a, b)


@register_jitable
def vdot_augmented(a: Array, b: Array) -> tuple[Any, None]:
    return np.vdot(a, b), None


# --- into an array of the caller ---------------------------------------------------------------------


@register_jitable
def dot_into(a: Array, b: Array, out: Array) -> Array:
    return np.dot(a, b, out)


@register_jitable
def dot_into_tangent(
    a: Array, da: Array | None, b: Array, db: Array | None, out: Array, dout: Array | None
) -> tuple[Array, Array | None]:
    value = np.dot(a, b, out)
    if dout is not None:
        dout[...] = 0
        if da is not None:
            add_product(dout, da, b, 1.0)
        if db is not None:
            add_product(dout, a, db, 1.0)
    return value, dout


@register_jitable
def dot_into_augmented(a: Array, b: Array, out: Array) -> tuple[Array, None]:
    return np.dot(a, b, out), None


@register_jitable
def dot_into_reverse(
    a: Array, da: Array | None, b: Array, db: Array | None, out: Array, dout: Array | None, seed: None, tape: None
) -> None:
    """The result is ``out``, so its adjoint is the shadow of ``out``: zero of what was there before."""
    if dout is not None:
        if da is not None:
            add_product(da, dout, adjoint(b), 1.0)
        if db is not None:
            add_product(db, adjoint(a), dout, 1.0)
        dout[...] = 0


FORWARD, BACKWARD = "ȧ b + a ḃ", "ā += v̄ bᵀ; b̄ += aᵀ v̄"


def _product(function: Any, call: str, *dimensions: int) -> Rule:
    of_vectors = dimensions == (1, 1)
    return Rule(
        function,
        call,
        active=("a", "b"),
        applies=float_arrays(*dimensions),
        primal=dot,
        tangent=vectors_tangent if of_vectors else dot_tangent,
        augmented=dot_augmented,
        reverse=vectors_reverse if of_vectors else dot_reverse,
        forward=FORWARD,
        backward="ā += v̄ b; b̄ += v̄ a" if of_vectors else BACKWARD,
        degenerate=f"{dimensions[0]}-D by {dimensions[1]}-D.",
    )


def _product_into(*dimensions: int) -> Rule:
    return Rule(
        np.dot,
        "np.dot(a, b, out)",
        active=("a", "b", "out"),
        applies=float_arrays(*dimensions, sum(dimensions) - 2),
        primal=dot_into,
        tangent=dot_into_tangent,
        augmented=dot_into_augmented,
        reverse=dot_into_reverse,
        forward=FORWARD,
        backward=BACKWARD + "; then v̄ = 0, the shadow of `out`",
        degenerate=f"{dimensions[0]}-D by {dimensions[1]}-D.",
        written=("out",),
    )


RULES = (
    *(_product(np.dot, "np.dot(a, b)", m, n) for m in (1, 2) for n in (1, 2)),
    *(_product(operator.matmul, "a @ b", m, n) for m in (1, 2) for n in (1, 2)),
    Rule(
        np.vdot,
        "np.vdot(a, b)",
        active=("a", "b"),
        applies=float_arrays(1, 1),
        primal=vdot,
        tangent=vectors_tangent,
        augmented=vdot_augmented,
        reverse=vectors_reverse,
        forward=FORWARD,
        backward="ā += v̄ b; b̄ += v̄ a",
    ),
    *(_product_into(m, n) for m, n in ((1, 2), (2, 1), (2, 2))),
)
