"""Eigenvalues and singular values: `np.linalg.eigh`, `eigvalsh`, `eig`, `eigvals`, `svd`.

    a V = V diag(w), V orthogonal      ẇ = diag(M), V̇ = V (F∘M), M = Vᵀ ȧ V, F_ij = 1 / (w_j - w_i)
    a V = V diag(w)                    the same with V⁻¹ in the place of Vᵀ, columns of length one
    a = U diag(s) Vᵀ                   F_ij = 1 / (s_j² - s_i²)

[Giles, An extended collection of matrix derivative results, 2008; Townsend, Differentiating the singular value
decomposition, 2016]

Equal values have no vectors of their own, so those have no derivative: a direction that would turn them into each other
gives NaN (`quotients`), any other what is right. Functions of the values alone are right where they have a derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core.extending import register_jitable
from numba.np import linalg as numbas

from pyfront.linear.accumulate import add_product
from pyfront.linear.dense import (
    Array,
    add_to_lower,
    given,
    product,
    scaled_columns,
    symmetric_of_lower,
)
from pyfront.linear.quotients import quotients
from pyfront.linear.systems import solve_and_factor, solve_factored
from pyfront.linear.table import Rule, float_arrays


@register_jitable
def _over_gaps(m: Array, w: Array) -> Array:
    """``F ∘ m`` with F_ij = 1 / (w_j - w_i), zero on the diagonal."""
    return _off_diagonal(m, w, -1)


@register_jitable
def _off_diagonal(m: Array, w: Array, sign: int) -> Array:
    """``m_ij / (w_j ± w_i)``, zero on the diagonal."""
    off, divisors = np.zeros(m.shape, m.dtype), np.ones(m.shape, m.dtype)
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            if i != j:
                off[i, j] = m[i, j]
                divisors[i, j] = w[j] + w[i] if sign > 0 else w[j] - w[i]
    return quotients(off, divisors)


@register_jitable
def _diagonal(m: Array) -> Array:
    result = np.empty(m.shape[0], m.dtype)
    for i in range(m.shape[0]):
        result[i] = m[i, i]
    return result


@register_jitable
def _symmetric(m: Array) -> Array:
    result = np.empty(m.shape, m.dtype)
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            result[i, j] = (m[i, j] + m[j, i]) / 2
    return result


# --- symmetric matrices ------------------------------------------------------------------------------


@register_jitable
def eigh(a: Array) -> Any:
    return np.linalg.eigh(a)


@register_jitable
def eigh_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    w, v = np.linalg.eigh(a)
    m = product(v.T, product(symmetric_of_lower(da), v))
    return (w, v), (_diagonal(m), product(v, _over_gaps(m, w)))


@register_jitable
def eigh_augmented(a: Array) -> tuple[Any, Any]:
    w, v = np.linalg.eigh(a)
    return (w, v), (np.copy(w), np.copy(v))


@register_jitable
def eigh_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    w, v = tape
    of_values, of_vectors = given(seed[0], w), given(seed[1], v)
    m = _over_gaps(product(v.T, of_vectors), w)
    for i in range(w.shape[0]):
        m[i, i] += of_values[i]
    add_to_lower(da, _symmetric(product(v, product(m, v.T))))


@register_jitable
def eigvalsh(a: Array) -> Array:
    return np.linalg.eigvalsh(a)


@register_jitable
def eigvalsh_tangent(a: Array, da: Array) -> tuple[Array, Array]:
    v = np.linalg.eigh(a)[1]
    return np.linalg.eigvalsh(a), _diagonal(product(v.T, product(symmetric_of_lower(da), v)))


@register_jitable
def eigvalsh_augmented(a: Array) -> tuple[Array, Array]:
    return np.linalg.eigvalsh(a), np.linalg.eigh(a)[1]


@register_jitable
def eigvalsh_reverse(a: Array, da: Array, seed: Array, tape: Array) -> None:
    add_to_lower(da, _symmetric(product(scaled_columns(tape, seed), tape.T)))


# --- any matrix with real eigenvalues ----------------------------------------------------------------


@register_jitable
def _factored(v: Array) -> tuple[Array, Array]:
    """The factors and pivots of V. Solves with them take NaN, as of what has no derivative, for what it is."""
    _, factors, pivots = solve_and_factor(v, np.zeros(v.shape[0], v.dtype))
    return factors, pivots


@register_jitable
def eig(a: Array) -> Any:
    return np.linalg.eig(a)


@register_jitable
def eig_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    w, v = np.linalg.eig(a)
    factors, pivots = _factored(v)
    m = solve_factored(v, factors, pivots, product(da, v), False)
    dv = product(v, _over_gaps(m, w))
    for j in range(v.shape[1]):
        along = v.dtype.type(0)
        for i in range(v.shape[0]):
            along += v[i, j] * dv[i, j]
        for i in range(v.shape[0]):
            dv[i, j] -= along * v[i, j]
    return (w, v), (_diagonal(m), dv)


@register_jitable
def eig_augmented(a: Array) -> tuple[Any, Any]:
    w, v = np.linalg.eig(a)
    factors, pivots = _factored(v)
    return (w, v), (np.copy(w), np.copy(v), factors, pivots)


@register_jitable
def eig_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    w, v, factors, pivots = tape
    of_values, of_vectors = given(seed[0], w), given(seed[1], v)
    across = np.empty(v.shape, v.dtype)
    for j in range(v.shape[1]):
        along = v.dtype.type(0)
        for i in range(v.shape[0]):
            along += v[i, j] * of_vectors[i, j]
        for i in range(v.shape[0]):
            across[i, j] = of_vectors[i, j] - along * v[i, j]
    m = _over_gaps(product(v.T, across), w)
    for i in range(w.shape[0]):
        m[i, i] += of_values[i]
    change = solve_factored(v, factors, pivots, product(m, v.T), True)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            da[i, j] += change[i, j]


@register_jitable
def eigvals(a: Array) -> Array:
    return np.linalg.eigvals(a)


@register_jitable
def eigvals_tangent(a: Array, da: Array) -> tuple[Array, Array]:
    v = np.linalg.eig(a)[1]
    factors, pivots = _factored(v)
    return np.linalg.eigvals(a), _diagonal(solve_factored(v, factors, pivots, product(da, v), False))


@register_jitable
def eigvals_augmented(a: Array) -> tuple[Array, Any]:
    v = np.linalg.eig(a)[1]
    factors, pivots = _factored(v)
    return np.linalg.eigvals(a), (v, factors, pivots)


@register_jitable
def eigvals_reverse(a: Array, da: Array, seed: Array, tape: Any) -> None:
    v, factors, pivots = tape
    change = solve_factored(v, factors, pivots, scaled_columns(v, seed).T, True)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            da[i, j] += change[i, j]


# --- singular values ---------------------------------------------------------------------------------
#
# F_ij (x s_j + y s_i) = ((x + y) / (s_j - s_i) + (x - y) / (s_j + s_i)) / 2. Only the first part has a pole at equal
# singular values, and of what does not depend on the choice of their vectors, as U Vᵀ, its numerator is zero.


@register_jitable
def _over_differences(m: Array, s: Array) -> Array:
    return _over_gaps(m, s) / 2


@register_jitable
def _over_sums(m: Array, s: Array) -> Array:
    return _off_diagonal(m, s, 1) / 2


@register_jitable
def _outside(x: Array, bar: Array, s: Array) -> Array:
    """``(I - x xᵀ) x̄ diag(s)⁻¹``."""
    if x.shape[0] == x.shape[1]:
        # Of a square matrix nothing is outside but what rounding leaves.
        return np.zeros(bar.shape, bar.dtype)
    divisors = np.empty(bar.shape, bar.dtype)
    for i in range(bar.shape[0]):
        for j in range(bar.shape[1]):
            divisors[i, j] = s[j]
    return quotients(bar - product(x, product(x.T, bar)), divisors)


@register_jitable
def svd(a: Array) -> Any:
    return np.linalg.svd(a)


@register_jitable
def svd_of(a: Array, full_matrices: Any) -> Any:
    return np.linalg.svd(a, full_matrices)


@register_jitable
def _svd_tangent(a: Array, da: Array, u: Array, s: Array, vt: Array) -> Any:
    """Of the columns of U and rows of Vᵀ that belong to a singular value; NaN for the others, which are arbitrary."""
    k = s.shape[0]
    left, right = np.ascontiguousarray(u[:, :k]), np.ascontiguousarray(vt[:k].T)
    turned = product(da, right)
    m = product(left.T, turned)
    ds = _diagonal(m)
    together, apart = _over_differences(m + m.T, s), _over_sums(m - m.T, s)
    inside_u, inside_v = product(left, together + apart), product(right, together - apart)
    du, dv = np.full(u.shape, np.nan, a.dtype), np.full(vt.shape, np.nan, a.dtype)
    outside_u = _outside(left, turned, s)
    outside_v = _outside(right, product(da.T, left), s)
    for j in range(k):
        for i in range(u.shape[0]):
            du[i, j] = inside_u[i, j] + outside_u[i, j]
        for i in range(vt.shape[1]):
            dv[j, i] = inside_v[i, j] + outside_v[i, j]
    return du, ds, dv


@register_jitable
def svd_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    u, s, vt = np.linalg.svd(a)
    return (u, s, vt), _svd_tangent(a, da, u, s, vt)


@register_jitable
def svd_of_tangent(a: Array, da: Array, full_matrices: Any) -> tuple[Any, Any]:
    u, s, vt = np.linalg.svd(a, full_matrices)
    return (u, s, vt), _svd_tangent(a, da, u, s, vt)


@register_jitable
def svd_augmented(a: Array) -> tuple[Any, Any]:
    u, s, vt = np.linalg.svd(a)
    return (u, s, vt), (np.copy(u), np.copy(s), np.copy(vt))


@register_jitable
def svd_of_augmented(a: Array, full_matrices: Any) -> tuple[Any, Any]:
    u, s, vt = np.linalg.svd(a, full_matrices)
    return (u, s, vt), (np.copy(u), np.copy(s), np.copy(vt))


@register_jitable
def _skew(x: Array, bar: Array) -> Array:
    """``xᵀ x̄ - x̄ᵀ x``: what turns the columns of x into each other."""
    m = product(x.T, bar)
    return m - m.T


@register_jitable
def svd_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    u, s, vt = tape
    k = s.shape[0]
    left, right = np.ascontiguousarray(u[:, :k]), np.ascontiguousarray(vt[:k].T)
    of_u, of_s, of_vt = given(seed[0], u), given(seed[1], s), given(seed[2], vt)
    _refuse_arbitrary(da, of_u[:, k:])
    _refuse_arbitrary(da, of_vt[k:])
    bar_u, bar_v = np.ascontiguousarray(of_u[:, :k]), np.ascontiguousarray(of_vt[:k].T)
    of_left, of_right = _skew(left, bar_u), _skew(right, bar_v)
    m = _over_differences(of_left + of_right, s) + _over_sums(of_left - of_right, s)
    for i in range(k):
        m[i, i] += of_s[i]
    add_product(da, _outside(left, bar_u, s), np.ascontiguousarray(right.T), 1.0)
    add_product(da, left, np.ascontiguousarray(_outside(right, bar_v, s).T), 1.0)
    add_product(da, product(left, m), np.ascontiguousarray(right.T), 1.0)


@register_jitable
def _refuse_arbitrary(da: Array, seed: Array) -> None:
    """Vectors that belong to no singular value have no derivative: no element has one, then."""
    total = np.sum(quotients(np.copy(seed), np.zeros(seed.shape, seed.dtype)))
    for i in range(da.shape[0]):
        for j in range(da.shape[1]):
            da[i, j] += total


@register_jitable
def svd_of_reverse(a: Array, da: Array, full_matrices: Any, seed: Any, tape: Any) -> None:
    svd_reverse(a, da, seed, tape)


@register_jitable
def singular_values(a: Array) -> Array:
    return numbas._compute_singular_values(a)


@register_jitable
def singular_values_tangent(a: Array, da: Array) -> tuple[Array, Array]:
    u, _, vt = np.linalg.svd(a, False)
    return numbas._compute_singular_values(a), _diagonal(product(u.T, product(da, vt.T)))


@register_jitable
def singular_values_augmented(a: Array) -> tuple[Array, Any]:
    u, _, vt = np.linalg.svd(a, False)
    return numbas._compute_singular_values(a), (u, vt)


@register_jitable
def singular_values_reverse(a: Array, da: Array, seed: Array, tape: Any) -> None:
    u, vt = tape
    add_product(da, scaled_columns(u, seed), vt, 1.0)


EQUAL = (
    "NaN for vectors of equal values that the direction, or the adjoint, mixes. Where their adjoint is exactly zero "
    "they give nothing, and no limit is sought: none for V log(w) Vᵀ at the identity."
)

RULES = (
    Rule(
        np.linalg.eigh,
        "np.linalg.eigh(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=eigh,
        tangent=eigh_tangent,
        augmented=eigh_augmented,
        reverse=eigh_reverse,
        forward="M = Vᵀ ȧ V: ẇ = diag(M), V̇ = V (F∘M)",
        backward="ā += lower(sym(V (diag(w̄) + F∘(Vᵀ V̄)) Vᵀ))",
        kept="w, V",
        degenerate="Reads the lower triangle of a, and gives it the adjoint of both. " + EQUAL,
    ),
    Rule(
        np.linalg.eigvalsh,
        "np.linalg.eigvalsh(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=eigvalsh,
        tangent=eigvalsh_tangent,
        augmented=eigvalsh_augmented,
        reverse=eigvalsh_reverse,
        forward="diag(Vᵀ ȧ V)",
        backward="ā += lower(V diag(w̄) Vᵀ)",
        kept="V",
        degenerate="Reads the lower triangle of a.",
    ),
    Rule(
        np.linalg.eig,
        "np.linalg.eig(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=eig,
        tangent=eig_tangent,
        augmented=eig_augmented,
        reverse=eig_reverse,
        forward="M = V⁻¹ ȧ V: ẇ = diag(M), V̇ = V (F∘M), across V",
        backward="ā += V⁻ᵀ (diag(w̄) + F∘(Vᵀ V̄ across V)) Vᵀ",
        kept="w, V, the factors of V and their pivots",
        degenerate="Raises for eigenvalues that are not real, as Numba does, and where V is singular. " + EQUAL,
    ),
    Rule(
        np.linalg.eigvals,
        "np.linalg.eigvals(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=eigvals,
        tangent=eigvals_tangent,
        augmented=eigvals_augmented,
        reverse=eigvals_reverse,
        forward="diag(V⁻¹ ȧ V)",
        backward="ā += V⁻ᵀ diag(w̄) Vᵀ",
        kept="V, its factors and their pivots",
        degenerate="Raises for eigenvalues that are not real, as Numba does, and where V is singular.",
    ),
    Rule(
        np.linalg.svd,
        "np.linalg.svd(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=svd,
        tangent=svd_tangent,
        augmented=svd_augmented,
        reverse=svd_reverse,
        forward="M = Uᵀ ȧ V, D = diag(s): ṡ = diag(M), U̇ = U F∘(M D + D Mᵀ), V̇ = V F∘(D M + Mᵀ D) and what is outside",
        backward="K = Uᵀ Ū - Ūᵀ U, L = Vᵀ V̄ - V̄ᵀ V: ā += U (F∘K D + D F∘L + diag(s̄)) Vᵀ and what is outside",
        kept="U, s, Vᵀ",
        degenerate="NaN for vectors that belong to no singular value. " + EQUAL,
    ),
    Rule(
        np.linalg.svd,
        "np.linalg.svd(a, full_matrices)",
        active=("a",),
        applies=float_arrays(2, others=1),
        primal=svd_of,
        tangent=svd_of_tangent,
        augmented=svd_of_augmented,
        reverse=svd_of_reverse,
        forward="the same",
        backward="the same",
        kept="U, s, Vᵀ",
        degenerate="The same.",
    ),
    Rule(
        numbas._compute_singular_values,
        "singular values(a)",
        active=("a",),
        applies=float_arrays(2),
        primal=singular_values,
        tangent=singular_values_tangent,
        augmented=singular_values_augmented,
        reverse=singular_values_reverse,
        forward="diag(Uᵀ ȧ V)",
        backward="ā += U diag(s̄) Vᵀ",
        kept="U, Vᵀ",
        degenerate="In `np.linalg.norm`, `cond` and `matrix_rank`.",
        internal=True,
    ),
)
