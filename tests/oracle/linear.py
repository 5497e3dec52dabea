"""Products, solves and factorizations as a kernel sees them when it runs on dual numbers: the schoolbook's algorithms.

They take arrays of objects, whose elements may be any numbers with arithmetic, comparisons and powers. LAPACK and the
engine's table of linear algebra are not asked for anything.

Invariant: arguments are not written, and what cannot be computed raises what NumPy raises.
"""

from __future__ import annotations

import itertools
import types
from typing import Any

import numpy as np

from oracle.dual import KINKS, value_of


def dot(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> Any:
    """`np.dot`; into an array of the caller's, if there is one."""
    product = np.dot(a.astype(object), b.astype(object))
    if out is None:
        return product
    if product.shape != out.shape:
        raise ValueError("the output array has another shape than the product")
    out[...] = product
    return out


def vdot(a: np.ndarray, b: np.ndarray) -> Any:
    """`np.vdot`: of matrices too."""
    return dot(a.ravel(), b.ravel())


def square(a: np.ndarray) -> int:
    """The size of a square matrix."""
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise np.linalg.LinAlgError("the matrix is not square")
    return a.shape[0]


def identity(n: int) -> np.ndarray:
    """The identity, of objects."""
    return np.eye(n).astype(object)


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`np.linalg.solve`: Gaussian elimination with pivots from the column."""
    n = square(a)
    if b.shape[0] != n:
        raise ValueError("matrix and right side differ in size")
    left, right = a.astype(object), b.astype(object)
    for k in range(n):
        p = max(range(k, n), key=lambda i: abs(value_of(left[i, k])))
        if value_of(left[p, k]) == 0.0:
            raise np.linalg.LinAlgError("Matrix is singular to machine precision.")
        left[[k, p]], right[[k, p]] = left[[p, k]], right[[p, k]]
        for i in range(k + 1, n):
            factor = left[i, k] / left[k, k]
            left[i] = left[i] - factor * left[k]
            right[i] = right[i] - factor * right[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            right[k] = right[k] - left[k, j] * right[j]
        right[k] = right[k] / left[k, k]
    return right


def inv(a: np.ndarray) -> np.ndarray:
    """`np.linalg.inv`."""
    return solve(a, identity(square(a)))


def det(a: np.ndarray) -> Any:
    """`np.linalg.det` by Leibniz' formula, which has a derivative at singular matrices too."""
    n = square(a)
    total: Any = 0.0
    for order in itertools.permutations(range(n)):
        inversions = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        term: Any = -1.0 if inversions % 2 else 1.0
        for i in range(n):
            term = term * a[i, order[i]]
        total = total + term
    return total


def cholesky(a: np.ndarray) -> np.ndarray:
    """`np.linalg.cholesky`, which reads the lower triangle."""
    n = square(a)
    lower = np.zeros((n, n)).astype(object)
    for j in range(n):
        rest = a[j, j]
        for k in range(j):
            rest = rest - lower[j, k] * lower[j, k]
        if not value_of(rest) > 0.0:
            raise np.linalg.LinAlgError("Matrix is not positive definite.")
        lower[j, j] = rest**0.5
        for i in range(j + 1, n):
            rest = a[i, j]
            for k in range(j):
                rest = rest - lower[i, k] * lower[j, k]
            lower[i, j] = rest / lower[j, j]
    return lower


def norm(a: np.ndarray) -> Any:
    """`np.linalg.norm` of no order: Euclid's, or Frobenius'."""
    total: Any = 0.0
    for element in a.ravel():
        total = total + element * element
    if value_of(total) == 0.0:
        KINKS.append("norm")
        return 0.0
    return total**0.5


LINALG = types.SimpleNamespace(
    solve=solve, inv=inv, det=det, cholesky=cholesky, norm=norm, LinAlgError=np.linalg.LinAlgError
)
