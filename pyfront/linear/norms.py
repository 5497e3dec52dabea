"""The Euclidean norm, which Numba takes from BLAS: in `np.linalg.norm` of vectors, and of matrices without ``ord``.

The other orders are loops of Numba's, or singular values (`spectral`), and need no rule of their own.
"""

from __future__ import annotations

from typing import Any

from numba.core.extending import register_jitable
from numba.np import linalg as numbas

from pyfront.linear.dense import Array, add_scaled
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def norm(a: Array) -> Any:
    return numbas._oneD_norm_2(a)


@register_jitable
def norm_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    value = numbas._oneD_norm_2(a)
    tangent = a.dtype.type(0)
    if value > 0:
        for i in range(a.shape[0]):
            tangent += a[i] / value * da[i]
    return value, tangent


@register_jitable
def norm_augmented(a: Array) -> tuple[Any, Any]:
    value = numbas._oneD_norm_2(a)
    return value, value


@register_jitable
def norm_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    if tape > 0:
        add_scaled(da, a, seed / tape)


RULES = (
    Rule(
        numbas._oneD_norm_2,
        "Euclidean norm(a)",
        active=("a",),
        applies=float_arrays(1),
        primal=norm,
        tangent=norm_tangent,
        augmented=norm_augmented,
        reverse=norm_reverse,
        forward="aᵀ ȧ / |a|",
        backward="ā += v̄ a / |a|",
        kept="the norm",
        degenerate="At 0 the derivative is 0. In `np.linalg.norm`.",
        internal=True,
    ),
)
