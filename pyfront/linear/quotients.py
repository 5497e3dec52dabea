"""Quotients of matrices, element by element, in which a zero numerator wins.

Where eigenvalues or singular values meet, a derivative divides by zero, and what is divided says whether something is
asked of a direction that has no derivative. So 0 / 0 is 0 here, and anything else over 0 is NaN, of derivatives too:

    q = m / d        q̇ = (ṁ - ḋ q) / d        g = q̄ / d,  m̄ += g,  d̄ -= g q

As code a branch for zero would be differentiated as a branch. In a derivative of a derivative `quotients` stays a call,
and its row has quotients itself.
"""

from __future__ import annotations

import numpy as np
from numba.core.extending import register_jitable

from pyfront.linear.dense import Array, add_scaled
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def quotients(m: Array, d: Array) -> Array:
    """``m / d``; 0 for 0 / 0, NaN for others over 0."""
    result = np.empty(m.shape, m.dtype)
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if m[i, j] == 0:
                result[i, j] = m[i, j]
            elif d[i, j] == 0:
                result[i, j] = np.nan
            else:
                result[i, j] = m[i, j] / d[i, j]
    return result


@register_jitable
def _quotients(m: Array, d: Array) -> Array:
    return quotients(m, d)


@register_jitable
def _less_products(a: Array | None, b: Array, q: Array) -> Array:
    """``a - b q``, and no NaN of q where nothing is asked of it."""
    result = np.zeros(b.shape, b.dtype)
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            if a is not None:
                result[i, j] = a[i, j]
            if b[i, j] != 0 or np.isfinite(q[i, j]):
                result[i, j] -= b[i, j] * q[i, j]
    return result


@register_jitable
def _tangent(m: Array, dm: Array | None, d: Array, dd: Array | None) -> tuple[Array, Array]:
    q = quotients(m, d)
    if dd is not None:
        return q, quotients(_less_products(dm, dd, q), d)
    if dm is not None:
        return q, quotients(dm, d)
    return q, np.zeros_like(q)


@register_jitable
def _augmented(m: Array, d: Array) -> tuple[Array, Array]:
    q = quotients(m, d)
    return q, np.copy(q)


@register_jitable
def _reverse(m: Array, dm: Array | None, d: Array, dd: Array | None, seed: Array, tape: Array) -> None:
    g = quotients(seed, d)
    if dm is not None:
        add_scaled(dm, g, g.dtype.type(1))
    if dd is not None:
        add_scaled(dd, _less_products(None, g, tape), g.dtype.type(1))


PRIVATE = (
    Rule(
        quotients,
        "quotients(m, d)",
        active=("m", "d"),
        applies=float_arrays(2, 2),
        primal=_quotients,
        tangent=_tangent,
        augmented=_augmented,
        reverse=_reverse,
        forward="(ṁ - ḋ q) / d",
        backward="g = q̄ / d; m̄ += g; d̄ -= g q",
        kept="q",
        degenerate="0 / 0 is 0, others over 0 are NaN.",
        internal=True,
    ),
)
