"""Operators on small and large functions: what a user waits for, against the plain call.

The functions are those of the peers' tables: a right-hand side of 20 equations, a Rosenbrock function, a scalar.
Prepared calls allocate nothing; the others return new arrays.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

import pyfront as ad
from benchmarks.measure import BATCH_SECONDS, seconds

EQUATIONS = 20
UNKNOWNS = 100_000


@dataclass(frozen=True)
class OperatorRow:
    """One operator; seconds per call, and the plain call or gradient that it is compared with."""

    title: str
    against: str
    reference: float
    call: float
    prepared: float | None

    @property
    def ratio(self) -> float:
        return (self.prepared or self.call) / self.reference


@numba.njit
def tendency(out, y, forcing):
    """The right-hand side of Lorenz's equations of 1996, in place."""
    n = y.size
    for i in range(n):
        out[i] = (y[(i + 1) % n] - y[i - 2]) * y[i - 1] - y[i] + forcing


@numba.njit
def rosenbrock(x):
    total = 0.0
    for i in range(x.size - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


@numba.njit
def wave(x):
    return math.sin(x) * x


def measure(samples: int, *, quick: bool = False) -> list[OperatorRow]:
    """All rows; each row's calls are timed in turn."""
    unknowns = 1_000 if quick else UNKNOWNS
    y, out = np.linspace(0.0, 1.0, EQUATIONS) ** 2, np.empty(EQUATIONS)
    small = np.array([1.2, 1.0, 0.7])
    large, direction = np.linspace(0.5, 1.5, unknowns), np.linspace(-1.0, 1.0, unknowns)

    jacobian, hessian = ad.jacobian(tendency, out=0), ad.hessian(rosenbrock)
    derivative, second = ad.derivative(wave), ad.second_derivative(wave)
    prepared_jacobian, prepared_hessian = (
        jacobian.prepare(out, y, 8.0, reuse=True),
        hessian.prepare(small, reuse=True),
    )
    gradient = ad.grad(rosenbrock).prepare(large, reuse=True)
    product = ad.prepare(ad.hvp, rosenbrock, large, direction, reuse=True)
    return [
        _row(
            f"`jacobian`, {EQUATIONS} equations",
            "the right-hand side",
            samples,
            lambda: tendency(out, y, 8.0),
            lambda: jacobian(out, y, 8.0),
            lambda: prepared_jacobian(out, y, 8.0),
        ),
        _row(
            f"`hvp`, Rosenbrock, n={unknowns:,}",
            "its prepared gradient",
            samples,
            lambda: gradient(large),
            lambda: ad.hvp(rosenbrock, large, direction),
            lambda: product(large, direction),
        ),
        _row("`derivative` of sin(x) x", "the plain call", samples, lambda: wave(0.7), lambda: derivative(0.7)),
        _row("`second_derivative` of sin(x) x", "the plain call", samples, lambda: wave(0.7), lambda: second(0.7)),
        _row(
            "`hessian`, Rosenbrock, n=3",
            "the plain call",
            samples,
            lambda: rosenbrock(small),
            lambda: hessian(small),
            lambda: prepared_hessian(small),
        ),
    ]


def _row(title: str, against: str, samples: int, *calls: Callable[[], Any]) -> OperatorRow:
    for call in calls:
        call()
    repeat = [max(1, int(BATCH_SECONDS / max(seconds(call, 3), 1e-9))) for call in calls]
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(samples):
        for call, times, count in zip(calls, taken, repeat, strict=True):
            times.append(seconds(call, count))
    medians = [statistics.median(times) for times in taken]
    return OperatorRow(title, against, medians[0], medians[1], medians[2] if len(medians) > 2 else None)
