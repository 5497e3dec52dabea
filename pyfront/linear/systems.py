"""Systems of linear equations whose matrix is factored once: solves that keep the factors, and solves with them.

The reverse sweep of `solve` needs one solve with the transposed matrix. LAPACK's factorization serves both, so it is
kept: `solve_and_factor` makes the call of Numba's `np.linalg.solve` (gesv, the same bits) and returns what LAPACK
leaves in its copy of the matrix; `solve_factored` uses it (getrs).

In a derivative of a derivative they stay calls, each with a row of its own. The factors carry no derivative there: the
matrix, which every solve with them is given too, does.

    y = a⁻¹ b        ẏ = a⁻¹ (ḃ - ȧ y)        w = a⁻ᵀ ȳ,  b̄ += w,  ā -= w yᵀ
    y = a⁻ᵀ b        ẏ = a⁻ᵀ (ḃ - ȧᵀ y)       w = a⁻¹ ȳ,  b̄ += w,  ā -= y wᵀ
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable
from numba.np import linalg as numbas
from numba.np.numpy_support import as_dtype

from pyfront.linear.accumulate import add_product
from pyfront.linear.dense import Array, add_scaled, adjoint, contiguous, inner, leading, number
from pyfront.linear.fortran import (
    CONJUGATE_TRANSPOSE,
    GENERAL_DIAGONAL,
    INTEGER,
    LEFT,
    LOWER,
    NO_TRANSPOSE,
    TRANSPOSE,
    UPPER,
    routine,
)
from pyfront.linear.table import Rule


def solve_and_factor(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """``np.linalg.solve(a, b)``, the factors L and U of ``a`` in one matrix, and the pivots."""
    return np.linalg.solve(a, b), np.array(a), np.empty(len(a), INTEGER)


@overload(solve_and_factor, strict=False)
def _solve_and_factor(a: Any, b: Any) -> Any:
    gesv = routine("lapack", "gesv", a.dtype)

    def impl(a: Array, b: Array) -> tuple[Array, Array, Array]:
        n = a.shape[1]
        require_finite(a)
        require_finite(b)
        numbas._system_check_dimensionally_valid(a, b)
        factors = numbas._copy_to_fortran_order(a)
        pivots = np.empty(n, INTEGER)
        x = _columns(b)
        if n > 0:
            numbas._inv_err_handler(gesv((n, x.shape[1], factors, n, pivots, x, n)))
        return _shaped_as(b, x), factors, pivots

    return impl


def require_finite(a: Array) -> None:
    """Raises what Numba's functions raise of infinities and NaN, in vector registers: theirs leaves at the first."""
    if not np.all(np.isfinite(a)):
        raise np.linalg.LinAlgError("Array must not contain infs or NaNs.")


@overload(require_finite, strict=False)
def _require_finite(a: Any) -> Any:
    if a.ndim == 1:
        return lambda a: require_finite(a[:, np.newaxis])
    if a.layout == "F":
        return lambda a: require_finite(a.T)

    def impl(a: Array) -> None:
        others = 0
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                difference = a[i, j] - a[i, j]
                others += difference != difference
        if others:
            numbas._check_finite_matrix(a)

    return impl


def solve_factored(a: Array, factors: Array, pivots: Array, b: Array, transposed: bool) -> Array:
    """``a^-1 b``, or ``(a^H)^-1 b``, by the factorization of ``a``."""
    return np.linalg.solve(np.conj(a).T if transposed else a, b)


@overload(solve_factored, strict=False)
def _solve_factored(a: Any, factors: Any, pivots: Any, b: Any, transposed: Any) -> Any:
    getrs = routine("lapack", "getrs", a.dtype)

    def impl(a: Array, factors: Array, pivots: Array, b: Array, transposed: bool) -> Array:
        n = factors.shape[0]
        x = _columns(b)
        if n > 0:
            getrs((CONJUGATE_TRANSPOSE if transposed else NO_TRANSPOSE, n, x.shape[1], factors, n, pivots, x, n))
        return _shaped_as(b, x)

    return impl


def slogdet_and_factor(a: Array) -> tuple[tuple[Any, Any], Array, Array]:
    """``np.linalg.slogdet(a)``, the factors L and U of ``a`` in one matrix, and the pivots."""
    return tuple(np.linalg.slogdet(a)), np.array(a), np.empty(len(a), INTEGER)


@overload(slogdet_and_factor, strict=False)
def _slogdet_and_factor(a: Any) -> Any:
    getrf = numbas._LAPACK().numba_xxgetrf(a.dtype)
    kind = ord(numbas.get_blas_kind(a.dtype, "slogdet"))
    walk_diagonal = numbas._get_slogdet_diag_walker(a)

    def impl(a: Array) -> tuple[tuple[Any, Any], Array, Array]:
        n = a.shape[0]
        if n == 0 or n != a.shape[1]:
            return np.linalg.slogdet(a), numbas._copy_to_fortran_order(a), np.empty(n, INTEGER)
        numbas._check_finite_matrix(a)
        factors = numbas._copy_to_fortran_order(a)
        pivots = np.empty(n, INTEGER)
        if getrf(kind, n, n, factors.ctypes, n, pivots.ctypes) > 0:
            return (0.0, -np.inf), factors, pivots
        swaps = 0
        for k in range(n):
            swaps += pivots[k] != k + 1
        return walk_diagonal(n, factors, -1 if swaps & 1 else 1), factors, pivots

    return impl


def inverse_factored(a: Array, factors: Array, pivots: Array) -> Array:
    """``a^-1`` by the factorization of ``a``."""
    return np.linalg.inv(a)


@overload(inverse_factored, strict=False)
def _inverse_factored(a: Any, factors: Any, pivots: Any) -> Any:
    getri = numbas._LAPACK().numba_ez_xxgetri(a.dtype)
    kind = ord(numbas.get_blas_kind(a.dtype, "inv"))

    def impl(a: Array, factors: Array, pivots: Array) -> Array:
        n = factors.shape[0]
        inverse = numbas._copy_to_fortran_order(factors)
        if n > 0:
            numbas._inv_err_handler(getri(kind, n, inverse.ctypes, n, pivots.ctypes))
        numbas._dummy_liveness_func([inverse.size, pivots.size])
        return inverse

    return impl


def solve_triangular(a: Array, b: Array, lower: bool, transposed: bool) -> Array:
    """``a^-1 b``, or ``(a^H)^-1 b``, of a triangular matrix; NaN if its diagonal has a zero.

    The other triangle is not read.
    """
    triangle = np.tril(a) if lower else np.triu(a)
    if not np.all(np.diag(triangle)):
        return np.full(b.shape, np.nan, b.dtype)
    return np.linalg.solve(np.conj(triangle).T if transposed else triangle, b)


@overload(solve_triangular, strict=False)
def _solve_triangular(a: Any, b: Any, lower: Any, transposed: Any) -> Any:
    if a.layout != "F" and isinstance(a.dtype, types.Complex):
        return lambda a, b, lower, transposed: solve_triangular(np.asfortranarray(a), b, lower, transposed)
    if a.layout == "A":
        return lambda a, b, lower, transposed: solve_triangular(np.ascontiguousarray(a), b, lower, transposed)
    trtrs = routine("lapack", "trtrs", a.dtype)
    is_c = a.layout == "C"  # Fortran sees the transpose
    adjoint = CONJUGATE_TRANSPOSE if isinstance(a.dtype, types.Complex) else TRANSPOSE

    def impl(a: Array, b: Array, lower: bool, transposed: bool) -> Array:
        n = a.shape[0]
        x = _columns(b)
        if n > 0:
            triangle = LOWER if lower != is_c else UPPER
            operation = adjoint if transposed != is_c else NO_TRANSPOSE
            if trtrs((triangle, operation, GENERAL_DIAGONAL, n, x.shape[1], a, n, x, n)) != 0:
                x[:, :] = np.nan
        return _shaped_as(b, x)

    return impl


def divide_by_lower(b: Array, a: Array) -> None:
    """``b := b a^-1`` of a lower triangle, in place; both are matrices of layout C or blocks of rows of one.

    The upper triangle is not read. NaN or infinities if the diagonal has a zero.
    """
    b[:, :] = np.linalg.solve(np.tril(a).T, b.T).T


@overload(divide_by_lower, strict=False)
def _divide_by_lower(b: Any, a: Any) -> Any:
    trsm = routine("blas", "trsm", a.dtype)
    number = as_dtype(a.dtype).type

    def impl(b: Array, a: Array) -> None:
        m, n = b.shape
        rows_b, rows_a = leading(b), leading(a)
        if rows_a == 0 or rows_b == 0 or a.shape[0] != n or a.shape[1] != n:
            raise ValueError("a triangle divides a block of rows of its own width")
        # Fortran sees the transposes: an upper triangle on the left.
        trsm((LEFT, UPPER, NO_TRANSPOSE, GENERAL_DIAGONAL, n, m, number(1), a, rows_a, b, rows_b))

    return impl


@register_jitable
def _columns(b: Array) -> Array:
    """A copy of ``b`` as a matrix of layout F: one column for a vector."""
    n, columns = b.shape[0], numbas._system_compute_nrhs(b)
    x = np.empty((columns, n), b.dtype).T
    numbas._system_copy_in_b(x, b, columns)
    return x


def _shaped_as(b: Array, x: Array) -> Array:
    """The solution in the form in which Numba returns it."""
    raise NotImplementedError


@overload(_shaped_as, strict=False)
def _shaped_as_impl(b: Any, x: Any) -> Any:
    if b.ndim == 1:
        return lambda b, x: x.T.ravel()
    return lambda b, x: x


# --- the rows -----------------------------------------------------------------------------------------


@register_jitable
def _right_side(y: Array, da: Array | None, db: Array | None, transposed: bool) -> Array:
    """``ḃ - ȧ y``, or ``ḃ - ȧᵀ y``."""
    right = np.zeros_like(y)
    if db is not None:
        add_scaled(right, db, right.dtype.type(1))
    if da is not None:
        if transposed:
            add_product(right, adjoint(da), y, -1.0)
        else:
            add_product(right, da, y, -1.0)
    return right


@register_jitable
def _add_adjoints(da: Array | None, db: Array | None, w: Array, y: Array, transposed: bool) -> None:
    if db is not None:
        add_scaled(db, w, w.dtype.type(1))
    if da is not None:
        if transposed:
            add_product(da, y, adjoint(w), -1.0)
        else:
            add_product(da, w, adjoint(y), -1.0)


@register_jitable
def _factoring(a: Array, b: Array) -> tuple[Array, Array, Array]:
    return solve_and_factor(a, b)


@register_jitable
def _factoring_tangent(a: Array, da: Array | None, b: Array, db: Array | None) -> tuple[Any, Any]:
    y, factors, pivots = solve_and_factor(a, b)
    dy = solve_factored(a, factors, pivots, _right_side(y, da, db, False), False)
    return (y, factors, pivots), (dy, factors, pivots)


@register_jitable
def _factoring_augmented(a: Array, b: Array) -> tuple[Any, Any]:
    y, factors, pivots = solve_and_factor(a, b)
    return (y, factors, pivots), (np.copy(y), np.copy(factors), np.copy(pivots))


@register_jitable
def _factoring_reverse(a: Array, da: Array | None, b: Array, db: Array | None, seed: Any, tape: Any) -> None:
    _factoring_adjoint(a, da, b, db, seed[0], tape)


@register_jitable
def _factoring_adjoint(a: Array, da: Array | None, b: Array, db: Array | None, seed: Array | None, tape: Any) -> None:
    """Of the factors alone nothing is asked."""
    if seed is not None:
        y, factors, pivots = tape
        _add_adjoints(da, db, solve_factored(a, factors, pivots, seed, True), y, False)


@register_jitable
def _factored(a: Array, factors: Array, pivots: Array, b: Array, transposed: bool) -> Array:
    return solve_factored(a, factors, pivots, b, transposed)


@register_jitable
def _factored_tangent(
    a: Array, da: Array | None, factors: Array, pivots: Array, b: Array, db: Array | None, transposed: bool
) -> tuple[Array, Array]:
    y = solve_factored(a, factors, pivots, b, transposed)
    return y, solve_factored(a, factors, pivots, _right_side(y, da, db, transposed), transposed)


@register_jitable
def _factored_augmented(a: Array, factors: Array, pivots: Array, b: Array, transposed: bool) -> tuple[Array, Array]:
    y = solve_factored(a, factors, pivots, b, transposed)
    return y, np.copy(y)


@register_jitable
def _factored_reverse(
    a: Array,
    da: Array | None,
    factors: Array,
    pivots: Array,
    b: Array,
    db: Array | None,
    transposed: bool,
    seed: Array,
    tape: Array,
) -> None:
    _add_adjoints(da, db, solve_factored(a, factors, pivots, seed, not transposed), tape, transposed)


@register_jitable
def _triangle(a: Array, lower: bool) -> Array:
    result = np.zeros(a.shape, a.dtype)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if i == j or (j < i) == lower:
                result[i, j] = a[i, j]
    return result


@register_jitable
def _triangular(a: Array, b: Array, lower: bool, transposed: bool) -> Array:
    return solve_triangular(a, b, lower, transposed)


@register_jitable
def _triangular_tangent(
    a: Array, da: Array | None, b: Array, db: Array | None, lower: bool, transposed: bool
) -> tuple[Array, Array]:
    y = solve_triangular(a, b, lower, transposed)
    if da is None:
        right = _right_side(y, None, db, transposed)
    else:
        right = _right_side(y, _triangle(da, lower), db, transposed)
    return y, solve_triangular(a, right, lower, transposed)


@register_jitable
def _triangular_augmented(a: Array, b: Array, lower: bool, transposed: bool) -> tuple[Array, Array]:
    y = solve_triangular(a, b, lower, transposed)
    return y, np.copy(y)


@register_jitable
def _triangular_reverse(
    a: Array,
    da: Array | None,
    b: Array,
    db: Array | None,
    lower: bool,
    transposed: bool,
    seed: Array,
    tape: Array,
) -> None:
    w = solve_triangular(a, seed, lower, not transposed)
    if da is None:
        _add_adjoints(None, db, w, tape, transposed)
    else:
        whole = np.zeros(a.shape, a.dtype)
        _add_adjoints(whole, db, w, tape, transposed)
        add_scaled(da, _triangle(whole, lower), a.dtype.type(1))


@register_jitable
def _inverting(a: Array, factors: Array, pivots: Array) -> Array:
    return inverse_factored(a, factors, pivots)


@register_jitable
def _inverting_tangent(a: Array, da: Array, factors: Array, pivots: Array) -> tuple[Array, Array]:
    x = inverse_factored(a, factors, pivots)
    dx = np.zeros_like(x)
    add_product(dx, np.dot(x, contiguous(da)), x, -1.0)
    return x, dx


@register_jitable
def _inverting_augmented(a: Array, factors: Array, pivots: Array) -> tuple[Array, Array]:
    x = inverse_factored(a, factors, pivots)
    return x, np.copy(x)


@register_jitable
def _inverting_reverse(a: Array, da: Array, factors: Array, pivots: Array, seed: Array, tape: Array) -> None:
    add_product(da, np.dot(adjoint(tape), contiguous(seed)), adjoint(tape), -1.0)


@register_jitable
def _logarithm(a: Array) -> tuple[Any, Array, Array]:
    return slogdet_and_factor(a)


@register_jitable
def _logarithm_tangent(a: Array, da: Array) -> tuple[Any, Any]:
    value, factors, pivots = slogdet_and_factor(a)
    dot = value[1] * 0
    if np.isfinite(value[1]):
        dot += inner(inverse_factored(a, factors, pivots).T, da)
    else:
        dot += np.nan
    return (value, factors, pivots), ((value[0] * 0, dot), factors, pivots)


@register_jitable
def _logarithm_augmented(a: Array) -> tuple[Any, Any]:
    value, factors, pivots = slogdet_and_factor(a)
    return (value, factors, pivots), (value[1], np.copy(factors), np.copy(pivots))


@register_jitable
def _logarithm_reverse(a: Array, da: Array, seed: Any, tape: Any) -> None:
    add_inverse(a, da, number(seed[0][1]), tape)


@register_jitable
def add_inverse(a: Array, da: Array, factor: Any, tape: Any) -> None:
    """``da += factor * a⁻ᵀ``, NaN where there is no inverse and something is asked of it."""
    logarithm, factors, pivots = tape
    if np.isfinite(logarithm):
        # Also of a seed that is zero by chance, which has a derivative.
        add_scaled(da, inverse_factored(a, factors, pivots).T, factor)
    elif factor != 0:
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                da[i, j] += np.nan


@register_jitable
def _dividing(b: Array, a: Array) -> None:
    divide_by_lower(b, a)


@register_jitable
def _dividing_tangent(b: Array, db: Array | None, a: Array, da: Array | None) -> tuple[None, None]:
    divide_by_lower(b, a)
    if db is not None:
        # Of a batch, the lanes of a matrix lie between each other.
        moved = np.zeros(b.shape, b.dtype)
        add_scaled(moved, db, b.dtype.type(1))
        if da is not None:
            add_product(moved, b, _triangle(da, True), -1.0)
        divide_by_lower(moved, a)
        db[:, :] = moved
    return None, None


@register_jitable
def _dividing_augmented(b: Array, a: Array) -> tuple[None, None]:
    divide_by_lower(b, a)
    return None, None


@register_jitable
def _dividing_reverse(b: Array, db: Array | None, a: Array, da: Array | None, seed: None, tape: None) -> None:
    """The result is ``b``: its shadow becomes that of what was there before."""
    if db is not None:
        w = solve_triangular(a, db.T, True, False).T
        db[:, :] = w
        if da is not None:
            whole = np.zeros(a.shape, a.dtype)
            add_product(whole, b.T, w, -1.0)
            add_scaled(da, _triangle(whole, True), a.dtype.type(1))


def _takes(*kinds: Any) -> Any:
    """Whether arguments are of these kinds: the dimensions of an array of floats, or a class of Numba's types."""

    def is_of(kind: Any, argument: Any) -> bool:
        if isinstance(kind, int):
            return isinstance(argument, types.Array) and (argument.ndim, type(argument.dtype)) == (kind, types.Float)
        return isinstance(argument, kind)

    return lambda arguments: len(arguments) == len(kinds) and all(map(is_of, kinds, arguments))


FORWARD, BACKWARD = "a⁻¹ (ḃ - ȧ y)", "w = a⁻ᵀ ȳ; b̄ += w; ā -= w yᵀ"

PRIVATE = (
    Rule(
        inverse_factored,
        "inverse_factored(a, factors, pivots)",
        active=("a",),
        applies=_takes(2, 2, types.Array),
        primal=_inverting,
        tangent=_inverting_tangent,
        augmented=_inverting_augmented,
        reverse=_inverting_reverse,
        forward="-x ȧ x",
        backward="ā -= xᵀ x̄ xᵀ",
        kept="x",
        internal=True,
    ),
    Rule(
        slogdet_and_factor,
        "slogdet_and_factor(a)",
        active=("a",),
        applies=_takes(2),
        primal=_logarithm,
        tangent=_logarithm_tangent,
        augmented=_logarithm_augmented,
        reverse=_logarithm_reverse,
        forward="0, tr(a⁻¹ ȧ)",
        backward="ā += l̄ a⁻ᵀ",
        kept="the logarithm, the factors of a and their pivots",
        degenerate="NaN for singular matrices. The sign is flat; the factors and the pivots are passengers.",
        passengers=(1, 2),
        internal=True,
    ),
    Rule(
        divide_by_lower,
        "divide_by_lower(b, a)",
        active=("b", "a"),
        applies=_takes(2, 2),
        primal=_dividing,
        tangent=_dividing_tangent,
        augmented=_dividing_augmented,
        reverse=_dividing_reverse,
        forward="(ḃ - y ȧ) a⁻¹",
        backward="w = ȳ a⁻ᵀ; ā -= yᵀ w; b̄ = w",
        degenerate="Of a, and of its adjoint, the lower triangle.",
        written=("b",),
        internal=True,
    ),
    *(
        row
        for columns in (1, 2)
        for row in (
            Rule(
                solve_and_factor,
                "solve_and_factor(a, b)",
                active=("a", "b"),
                applies=_takes(2, columns),
                primal=_factoring,
                tangent=_factoring_tangent,
                augmented=_factoring_augmented,
                reverse=_factoring_reverse,
                forward=FORWARD,
                backward=BACKWARD,
                kept="y, the factors of a and their pivots",
                degenerate="The factors and the pivots are passengers.",
                passengers=(1, 2),
                internal=True,
            ),
            Rule(
                solve_factored,
                "solve_factored(a, factors, pivots, b, transposed)",
                active=("a", "b"),
                applies=_takes(2, 2, types.Array, columns, types.Boolean),
                primal=_factored,
                tangent=_factored_tangent,
                augmented=_factored_augmented,
                reverse=_factored_reverse,
                forward=FORWARD,
                backward=BACKWARD,
                kept="y",
                internal=True,
            ),
            Rule(
                solve_triangular,
                "solve_triangular(a, b, lower, transposed)",
                active=("a", "b"),
                applies=_takes(2, columns, types.Boolean, types.Boolean),
                primal=_triangular,
                tangent=_triangular_tangent,
                augmented=_triangular_augmented,
                reverse=_triangular_reverse,
                forward=FORWARD,
                backward=BACKWARD,
                kept="y",
                degenerate="Of a, and of its adjoint, one triangle. NaN where its diagonal has a zero.",
                internal=True,
            ),
        )
    ),
)
