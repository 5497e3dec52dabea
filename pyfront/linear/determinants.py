"""`np.linalg.det` and `np.linalg.slogdet`.

det a          ȧ -> tr(cof(a)ᵀ ȧ)      cof(a) = det(a) a⁻ᵀ, which exists for singular matrices too
log |det a|    ȧ -> tr(a⁻¹ ȧ)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.dense import Array, inner, number, product, scaled_columns
from pyfront.linear.systems import add_inverse, inverse_factored, slogdet_and_factor
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def cofactors(a: Array, determinant: Any) -> Array:
    """``det(a) a⁻ᵀ``; of a singular matrix by its singular values."""
    if determinant != 0:
        return determinant * np.linalg.inv(a).T
    u, s, vt = np.linalg.svd(a)
    others = np.empty(s.shape, a.dtype)
    for i in range(s.shape[0]):
        others[i] = 1
        for j in range(s.shape[0]):
            if i != j:
                others[i] *= s[j]
    turns = np.linalg.det(u) * np.linalg.det(vt)
    return turns * product(scaled_columns(u, others), vt)


@register_jitable
def det(a: Array) -> Any:
    return np.linalg.det(a)


@register_jitable
def det_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    value = np.linalg.det(a)
    return value, inner(cofactors(a, value), da)


@register_jitable
def det_augmented(a: Array) -> tuple[Any, Any]:
    value = np.linalg.det(a)
    return value, value


@register_jitable
def det_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    partial = cofactors(a, tape)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            da[i, j] += seed * partial[i, j]


@register_jitable
def slogdet(a: Array) -> Any:
    return np.linalg.slogdet(a)


@register_jitable
def slogdet_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    (sign, value), factors, pivots = slogdet_and_factor(a)
    if np.isfinite(value):
        return (sign, value), (sign * 0, inner(inverse_factored(a, factors, pivots).T, da))
    return (sign, value), (sign * 0, sign * 0 + np.nan)


@register_jitable
def slogdet_augmented(a: Array) -> tuple[Any, Any]:
    value, factors, pivots = slogdet_and_factor(a)
    return value, (value[1], factors, pivots)


@register_jitable
def slogdet_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    add_inverse(a, da, number(seed[1]), tape)


RULES = (
    Rule(
        np.linalg.det,
        "np.linalg.det(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=det,
        tangent=det_tangent,
        augmented=det_augmented,
        reverse=det_reverse,
        forward="tr(cof(a)ᵀ ȧ)",
        backward="ā += d̄ cof(a)",
        kept="the determinant",
        degenerate="Right for singular matrices, whose cofactors come from singular values.",
    ),
    Rule(
        np.linalg.slogdet,
        "np.linalg.slogdet(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=slogdet,
        tangent=slogdet_tangent,
        augmented=slogdet_augmented,
        reverse=slogdet_reverse,
        forward="0, tr(a⁻¹ ȧ)",
        backward="ā += l̄ a⁻ᵀ",
        kept="the logarithm, the factors of a and their pivots",
        degenerate="NaN for singular matrices. The sign is flat.",
    ),
)
