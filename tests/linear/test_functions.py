"""Every function that Numba calls BLAS or LAPACK for: adjoints against tangents, tangents against differences.

The kernels are sums of all that a function returns, weighted, so that every result has a seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit

import pyfront as ad

RNG = np.random.default_rng(11)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def positive(n: int) -> np.ndarray:
    a = normal(n, n)
    return a @ a.T + n * np.eye(n)


def with_real_eigenvalues(n: int) -> np.ndarray:
    v = np.linalg.qr(normal(n, n))[0] + 0.2 * normal(n, n)
    return v @ np.diag(np.arange(1.0, n + 1)) @ np.linalg.inv(v)


def with_singular_values(m: int, n: int, values: list[float]) -> np.ndarray:
    u, v = np.linalg.qr(normal(m, m))[0], np.linalg.qr(normal(n, n))[0]
    k = len(values)
    return u[:, :k] @ np.diag(values) @ v[:, :k].T


TRUNCATED = [12.0, 8.0, 0.4]
"""Singular values of which the last is below a tenth of the first, and not zero."""


@njit
def weighted(a):
    """A sum in which no element of a matrix has the weight of another."""
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += np.cos(1.0 + i + 2.7 * j) * a[i, j]
    return total


@njit
def weighted_vector(a):
    total = 0.0
    for i in range(a.shape[0]):
        total += np.cos(1.0 + 2.7 * i) * a[i]
    return total


def solve_vector(a, b):
    return weighted_vector(np.linalg.solve(a, b))


def solve_matrix(a, b):
    return weighted(np.linalg.solve(a, b))


def inv(a):
    return weighted(np.linalg.inv(a))


def det(a):
    return np.linalg.det(a)


def slogdet(a):
    return np.linalg.slogdet(a)[1]


def cholesky(a):
    return weighted(np.linalg.cholesky(a))


def qr(a):
    q, r = np.linalg.qr(a)
    return weighted(q) + weighted(r)


def eigh(a):
    w, v = np.linalg.eigh(a)
    return weighted_vector(w) + weighted(v * v)


def only_values(a):
    return weighted_vector(np.linalg.eigh(a)[0])


def eigvalsh(a):
    return weighted_vector(np.linalg.eigvalsh(a))


def eig(a):
    """Of pairs of a value and its vector, in whatever order LAPACK has them."""
    w, v = np.linalg.eig(a)
    total = 0.0
    for j in range(w.shape[0]):
        for i in range(w.shape[0]):
            total += w[j] ** 2 * np.cos(1.0 + i) * v[i, j] ** 2
    return total


def eigvals(a):
    w = np.linalg.eigvals(a)
    return np.sum(w**3)


def svd(a):
    u, s, vt = np.linalg.svd(a, False)
    return weighted(u * u) + weighted_vector(s) + weighted(vt * vt)


def full_svd(a):
    s = np.linalg.svd(a)[1]
    return weighted_vector(s)


def pinv(a):
    return weighted(np.linalg.pinv(a))


def pinv_truncated(a):
    return weighted(np.linalg.pinv(a, 0.1))


def lstsq(a, b):
    x, squares, _, _ = np.linalg.lstsq(a, b)
    return weighted_vector(x) + weighted_vector(squares)


def lstsq_truncated(a, b):
    x, _, _, s = np.linalg.lstsq(a, b, 0.1)
    return weighted(x) + weighted_vector(s)


def norms(a, x):
    total = np.linalg.norm(x) + np.linalg.norm(x, 2) + np.linalg.norm(x, 1) + np.linalg.norm(x, np.inf)
    total += np.linalg.norm(x, 3) + np.linalg.norm(x, -np.inf)
    total += np.linalg.norm(a) + np.linalg.norm(a, 1) + np.linalg.norm(a, np.inf) + np.linalg.norm(a, 2)
    return total + np.linalg.norm(a, -2) + np.linalg.norm(a, -1) + np.linalg.norm(a, -np.inf)


def conditions(a):
    return np.linalg.cond(a) + np.linalg.cond(a, 1) + np.linalg.cond(a, -2)


def powers(a):
    return weighted(np.linalg.matrix_power(a, 3)) + weighted(np.linalg.matrix_power(a, -2)) + np.trace(a)


def outer_products(a, x):
    return weighted(np.outer(x, a[0])) + weighted(np.kron(a, a)) + np.vdot(x, a[1])


def solution(a, b):
    return np.sum(np.linalg.lstsq(a, b)[0])


def all_left_vectors(a):
    return weighted(np.linalg.svd(a)[0])


def polar(a):
    u, _, vt = np.linalg.svd(a)
    return weighted(u @ vt)


def one_eigenvector(a):
    return weighted(np.linalg.eig(a)[1][:, :1])


CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    "solve": (solve_vector, (normal(4, 4) + 3 * np.eye(4), normal(4))),
    "solve, columns": (solve_matrix, (normal(3, 3) + 3 * np.eye(3), normal(3, 2))),
    "inv": (inv, (normal(3, 3) + 3 * np.eye(3),)),
    "det": (det, (normal(3, 3),)),
    "slogdet": (slogdet, (normal(3, 3),)),
    "cholesky": (cholesky, (positive(4),)),
    "cholesky, blocks": (cholesky, (positive(150),)),
    "qr, tall": (qr, (normal(5, 3),)),
    "qr, wide": (qr, (normal(3, 5),)),
    "eigh": (eigh, (positive(4),)),
    "eigh, values alone": (only_values, (np.diag([1.0, 1.0, 2.0]),)),
    "eigvalsh": (eigvalsh, (positive(4),)),
    "eig": (eig, (with_real_eigenvalues(3),)),
    "eigvals": (eigvals, (with_real_eigenvalues(3),)),
    "svd, tall": (svd, (normal(4, 3),)),
    "svd, wide": (svd, (normal(2, 4),)),
    "svd, full": (full_svd, (normal(4, 2),)),
    "pinv, tall": (pinv, (normal(4, 3),)),
    "pinv, wide, truncated": (pinv_truncated, (with_singular_values(3, 4, TRUNCATED),)),
    "lstsq": (lstsq, (normal(5, 3), normal(5))),
    "lstsq, wide, truncated": (lstsq_truncated, (with_singular_values(3, 4, TRUNCATED), normal(3, 2))),
    "norm": (norms, (normal(3, 4), normal(3))),
    "cond": (conditions, (np.array([[4.0, 1.0, 0.5], [0.3, 3.0, 1.0], [1.0, 0.2, 6.0]]),)),
    "matrix_power": (powers, (normal(2, 2) + 2 * np.eye(2),)),
    "outer": (outer_products, (normal(2, 3), normal(3))),
}
UNEQUAL = {"eigh, values alone"}
"""Where two eigenvalues are equal differences do not see the derivative of each."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::numba.NumbaPerformanceWarning")
def test_adjoints_tangents_and_differences(name: str) -> None:
    function, arguments = CASES[name]
    kernel = njit(function)
    given = [np.copy(argument) for argument in arguments]
    draw = np.random.default_rng(len(name))  # of the case alone, whichever tests run before it
    directions = [draw.normal(size=argument.shape) for argument in arguments]
    shadows = [np.zeros_like(argument) for argument in arguments]
    notes = [ad.Duplicated] * len(given)
    reverse = ad.autodiff(kernel, *notes, mode=ad.ReverseWithPrimal)
    value, _ = reverse(*(part for pair in zip(given, shadows) for part in pair))
    assert value == kernel(*arguments)
    forward = ad.autodiff(kernel, *notes, mode=ad.ForwardWithPrimal)
    again, tangent = forward(*(part for pair in zip(given, directions) for part in pair))
    assert again == value
    product = sum(np.sum(shadow * direction) for shadow, direction in zip(shadows, directions))
    scale = sum(np.sum(np.abs(shadow * direction)) for shadow, direction in zip(shadows, directions))
    assert product == pytest.approx(tangent, abs=1e-12 * scale)
    for argument, before in zip(given, arguments):
        assert argument.tobytes() == before.tobytes()
    if name in UNEQUAL:
        return
    steps = (1e-3, -1e-3, 2e-3, -2e-3)
    at = [kernel(*(a + h * d for a, d in zip(arguments, directions))) for h in steps]
    difference = (8 * (at[0] - at[1]) - (at[2] - at[3])) / 12e-3
    assert tangent == pytest.approx(difference, rel=2e-7, abs=2e-8 * scale)


def test_a_singular_matrix_has_cofactors() -> None:
    a = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
    da = np.zeros((3, 3))
    ad.autodiff(njit(det), ad.Duplicated)(a, da)
    want = [[4.0, 4.0, -4.0], [-2.0, -2.0, 2.0], [0.0, 0.0, 0.0]]
    assert da == pytest.approx(np.array(want), abs=1e-12)


def test_one_argument_alone() -> None:
    a, b = CASES["solve"][1]
    both = [np.zeros_like(a), np.zeros_like(b)]
    kernel = njit(solve_vector)
    ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)(a, both[0], b, both[1])
    da, db = np.zeros_like(a), np.zeros_like(b)
    ad.autodiff(kernel, ad.Duplicated, ad.Const)(a, da, b)
    ad.autodiff(kernel, ad.Const, ad.Duplicated)(a, b, db)
    assert da.tobytes() == both[0].tobytes()
    assert db.tobytes() == both[1].tobytes()


def test_what_lapack_refuses_is_raised() -> None:
    a, b = np.zeros((3, 3)), np.ones(3)
    with pytest.raises(np.linalg.LinAlgError):
        ad.autodiff(njit(solve_vector), ad.Duplicated, ad.Duplicated)(a, a.copy(), b, b.copy())


def test_a_matrix_of_lower_rank_in_single_precision() -> None:
    """What `lstsq` takes for zero is no divisor, whatever `pinv` would take for zero."""
    a = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]], np.float32)
    b = np.array([1.0, 0.0, 2.0], np.float32)
    da, db = np.zeros_like(a), np.zeros_like(b)
    ad.autodiff(njit(solution), ad.Duplicated, ad.Duplicated)(a, da, b, db)
    # x = (c, c) with c = uᵀ b / (2 uᵀ u), u the column
    assert db == pytest.approx(np.array([1.0, 2.0, 1.0]) / 6, rel=1e-5)
    assert np.sum(a * da) == pytest.approx(-0.5, rel=1e-5)


def test_vectors_that_belong_to_no_singular_value_have_no_derivative() -> None:
    a = np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 0.0], [1.0, 1.0]])
    da = np.zeros_like(a)
    ad.autodiff(njit(all_left_vectors), ad.Duplicated)(a, da)
    assert np.isnan(da).all()


def test_vectors_of_equal_eigenvalues_have_no_derivative() -> None:
    a = np.diag([1.0, 1.0, 2.0])
    da = np.zeros_like(a)
    ad.autodiff(njit(one_eigenvector), ad.Duplicated)(a, da)
    assert np.isnan(da).any()


def test_what_does_not_depend_on_the_choice_of_vectors_has_a_derivative() -> None:
    """The orthogonal factor of a matrix, at one whose singular values are all equal."""
    a, da, direction = np.eye(3), np.zeros((3, 3)), normal(3, 3)
    kernel = njit(polar)
    ad.autodiff(kernel, ad.Duplicated)(a, da)
    weights = np.cos(1.0 + np.arange(3.0)[:, None] + 2.7 * np.arange(3.0))
    assert da == pytest.approx((weights - weights.T) / 2, abs=1e-14)
    skew = direction - direction.T
    assert ad.autodiff(kernel, ad.Duplicated, mode=ad.Forward)(a, skew) == pytest.approx(np.sum(weights * skew))
