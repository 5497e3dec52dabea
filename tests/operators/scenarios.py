"""The scenario grid: functions of every shape, each with its derivatives written out by hand with NumPy.

Scalar, vector and matrix in; scalar, vector and matrix out; out of place and in place; and every one of them writes to
its arguments where it can, so that an operator which handed over the caller's memory would be found out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
LIFT = np.array([0.7, -1.3, 0.4])


@dataclass(frozen=True)
class Scenario:
    """``f`` at ``x``; ``out`` is the initial content of the result where ``f(out, x)`` writes it."""

    name: str
    f: Callable[..., Any]
    x: Any
    value: Callable[[Any], Any]
    jacobian: Callable[[Any], Any]
    """Of shape result + argument."""
    hessian: Callable[[Any], Any] | None = None
    """Of a function that returns a float."""
    out: Array | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (self.x,) if self.out is None else (self.out, self.x)

    @property
    def keywords(self) -> dict[str, Any]:
        return {} if self.out is None else {"out": 0}

    def __str__(self) -> str:
        return self.name


def scalar_to_scalar(x):
    return np.sin(x) * x * x


def scalar_to_vector(x):
    result = np.empty(3)
    for i in range(3):
        result[i] = LIFT[i] * np.exp(x * LIFT[i])
    return result


def scalar_to_matrix(x):
    result = np.empty((2, 3))
    for i in range(2):
        for j in range(3):
            result[i, j] = np.sin(x * (i + 1)) * LIFT[j]
    return result


def vector_to_scalar(x):
    total = 0.0
    for i in range(x.size):
        x[i] = x[i] * x[i] * x[i]
        total += x[i] * LIFT[i % 3]
    product = x[0] * x[1]
    x[:] = 0.0
    return total + product


def vector_to_vector(x):
    result = np.empty_like(x)
    for i in range(x.size):
        result[i] = np.sin(x[i]) * x[(i + 1) % x.size]
    x[0] = -1.0
    return result


def vector_to_matrix(x):
    result = np.empty((x.size, 2))
    for i in range(x.size):
        result[i, 0] = x[i] * x[0]
        result[i, 1] = np.exp(x[i])
    x *= 0.0
    return result


def matrix_to_scalar(x):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = x[i, j] * x[i, j]
            total += x[i, j] * x[i, j] * (i + j + 1)
    return total


def matrix_to_vector(x):
    result = np.zeros(x.shape[0])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            result[i] += x[i, j] * x[i, j] * LIFT[j]
            x[i, j] = 0.0
    return result


def matrix_to_matrix(x):
    result = np.empty((x.shape[1], x.shape[0]))
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            result[j, i] = np.cos(x[i, j]) * x[i, 0]
    return result


def scalar_into_vector(out, x):
    for i in range(out.size):
        out[i] = out[i] + x * x * LIFT[i]


def vector_into_vector(out, x):
    for i in range(x.size):
        x[i] = np.sin(x[i])
        out[i] = out[i] * 2.0 + x[i] * LIFT[i]
    out[0] *= x[1]


def vector_into_matrix(out, x):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] += x[i] * x[j]


def matrix_into_vector(out, x):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i] += x[i, j] * x[i, j]
            x[i, j] = 0.0


def matrix_into_matrix(out, x):
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = np.exp(x[i, j]) * x[0, 0]


def _vector_to_vector_jacobian(x):
    n = x.size
    result = np.zeros((n, n))
    for i in range(n):
        result[i, i] += np.cos(x[i]) * x[(i + 1) % n]
        result[i, (i + 1) % n] += np.sin(x[i])
    return result


def _vector_to_matrix_jacobian(x):
    n = x.size
    result = np.zeros((n, 2, n))
    for i in range(n):
        result[i, 0, i] += x[0]
        result[i, 0, 0] += x[i]
        result[i, 1, i] = np.exp(x[i])
    return result


def _vector_to_scalar_jacobian(x):
    powers = x**3
    result = np.array([LIFT[i % 3] for i in range(x.size)])
    result[0] += powers[1]
    result[1] += powers[0]
    return result * 3 * x**2


def _vector_to_scalar_hessian(x):
    powers = x**3
    inner = np.array([LIFT[i % 3] for i in range(x.size)])
    inner[0] += powers[1]
    inner[1] += powers[0]
    result = np.diag(inner * 6 * x)
    result[0, 1] += 9 * x[0] ** 2 * x[1] ** 2
    result[1, 0] += 9 * x[0] ** 2 * x[1] ** 2
    return result


def _weights(x):
    return np.add.outer(np.arange(x.shape[0]), np.arange(x.shape[1])) + 1.0


def _diagonal(weights):
    """The tensor D[i, j, k, l] with ``weights`` where (i, j) == (k, l)."""
    rows, columns = weights.shape
    return np.einsum("ij,ik,jl->ijkl", weights, np.eye(rows), np.eye(columns))


def _matrix_to_vector_jacobian(x):
    return np.einsum("ij,ik->ikj", 2 * x * LIFT, np.eye(x.shape[0]))


def _matrix_to_matrix_jacobian(x):
    rows, columns = x.shape
    result = np.zeros((columns, rows, rows, columns))
    for i in range(rows):
        for j in range(columns):
            result[j, i, i, j] -= np.sin(x[i, j]) * x[i, 0]
            result[j, i, i, 0] += np.cos(x[i, j])
    return result


def _vector_into_vector_jacobian(x, out):
    sines = np.sin(x)
    result = np.diag(np.cos(x) * LIFT)
    first = out[0] * 2 + sines[0] * LIFT[0]
    result[0] *= sines[1]
    result[0, 1] += first * np.cos(x[1])
    return result


def _vector_into_vector_value(x, out):
    result = out * 2 + np.sin(x) * LIFT
    result[0] *= np.sin(x[1])
    return result


def _matrix_into_matrix_jacobian(x):
    result = _diagonal(np.exp(x) * x[0, 0])
    result[:, :, 0, 0] += np.exp(x)
    return result


def _returning(vector: np.ndarray, matrix: np.ndarray) -> list[Scenario]:
    return [
        Scenario(
            "scalar_to_scalar",
            scalar_to_scalar,
            0.7,
            lambda x: np.sin(x) * x * x,
            lambda x: np.cos(x) * x * x + 2 * x * np.sin(x),
            lambda x: -np.sin(x) * x * x + 4 * x * np.cos(x) + 2 * np.sin(x),
        ),
        Scenario(
            "scalar_to_vector",
            scalar_to_vector,
            0.7,
            lambda x: LIFT * np.exp(x * LIFT),
            lambda x: LIFT**2 * np.exp(x * LIFT),
        ),
        Scenario(
            "scalar_to_matrix",
            scalar_to_matrix,
            0.7,
            lambda x: np.outer(np.sin(x * np.array([1, 2])), LIFT),
            lambda x: np.outer(np.array([1, 2]) * np.cos(x * np.array([1, 2])), LIFT),
        ),
        Scenario(
            "vector_to_scalar",
            vector_to_scalar,
            vector,
            lambda x: (x**3 * LIFT).sum() + x[0] ** 3 * x[1] ** 3,
            _vector_to_scalar_jacobian,
            _vector_to_scalar_hessian,
        ),
        Scenario(
            "vector_to_vector",
            vector_to_vector,
            vector,
            lambda x: np.sin(x) * np.roll(x, -1),
            _vector_to_vector_jacobian,
        ),
        Scenario(
            "vector_to_matrix",
            vector_to_matrix,
            vector,
            lambda x: np.stack([x * x[0], np.exp(x)], axis=1),
            _vector_to_matrix_jacobian,
        ),
        Scenario(
            "matrix_to_scalar",
            matrix_to_scalar,
            matrix,
            lambda x: (x**4 * _weights(x)).sum(),
            lambda x: 4 * x**3 * _weights(x),
            lambda x: _diagonal(12 * x**2 * _weights(x)),
        ),
        Scenario(
            "matrix_to_vector",
            matrix_to_vector,
            matrix,
            lambda x: (x * x * LIFT).sum(axis=1),
            _matrix_to_vector_jacobian,
        ),
        Scenario(
            "matrix_to_matrix",
            matrix_to_matrix,
            matrix,
            lambda x: (np.cos(x) * x[:, :1]).T,
            _matrix_to_matrix_jacobian,
        ),
    ]


def _in_place(vector: np.ndarray, matrix: np.ndarray) -> list[Scenario]:
    base, table = np.array([0.2, 0.5, -0.3]), np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]])
    eye = np.eye(3)
    return [
        Scenario(
            "scalar_into_vector",
            scalar_into_vector,
            0.7,
            lambda x: base + x * x * LIFT,
            lambda x: 2 * x * LIFT,
            out=base,
        ),
        Scenario(
            "vector_into_vector",
            vector_into_vector,
            vector,
            lambda x: _vector_into_vector_value(x, base),
            lambda x: _vector_into_vector_jacobian(x, base),
            out=base,
        ),
        Scenario(
            "vector_into_matrix",
            vector_into_matrix,
            vector,
            lambda x: table + np.outer(x, x),
            lambda x: np.einsum("ik,j->ijk", eye, x) + np.einsum("i,jk->ijk", x, eye),
            out=table,
        ),
        Scenario(
            "matrix_into_vector",
            matrix_into_vector,
            matrix,
            lambda x: base[:2] + (x * x).sum(axis=1),
            lambda x: np.einsum("ij,ik->ikj", 2 * x, np.eye(2)),
            out=base[:2].copy(),
        ),
        Scenario(
            "matrix_into_matrix",
            matrix_into_matrix,
            matrix,
            lambda x: np.exp(x) * x[0, 0],
            _matrix_into_matrix_jacobian,
            out=table[:2].copy(),
        ),
    ]


VECTOR, MATRIX = np.array([0.6, -0.8, 1.1]), np.array([[0.3, -0.5, 0.9], [1.2, 0.4, -0.7]])
GRID = [*_returning(VECTOR, MATRIX), *_in_place(VECTOR, MATRIX)]
OF_FLOAT = [scenario for scenario in GRID if scenario.hessian is not None]
BY_SCALAR = [scenario for scenario in GRID if np.ndim(scenario.x) == 0]
