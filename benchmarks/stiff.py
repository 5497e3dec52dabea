"""A stiff system in SciPy's BDF method: what the Jacobian costs when SciPy or pyfront computes it, dense or sparse.

The Brusselator of ``examples/stiff_brusselator.py``: the same tolerances and time span for all, so that all take about
the same steps and what differs is the Jacobian and the linear algebra that it allows. The time of both is taken apart.

Invariants: everything is compiled before it is timed; seconds are processor time of all threads.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import BDF, solve_ivp

from examples.stiff_brusselator import SPAN, TOLERANCES, Brusselator, Counted, jacobian_options

QUICK, REFERENCE = 8, 32
ENOUGH_SECONDS = 3.0
TIMES = 47


@dataclass(frozen=True)
class StiffRow:
    """One way to get the Jacobian. Seconds of the whole solution and of parts of it, and how often these ran."""

    jacobian: str
    unknowns: int
    seconds: float
    jacobian_seconds: float
    factorization_seconds: float
    substitution_seconds: float
    rates: int
    """Calls of the right-hand side, those for differences included."""
    jacobians: int
    factorizations: int
    difference: float
    """The largest from the first row's solution, relative to the largest concentration."""


class Stopwatch:
    """Adds up the seconds that functions take."""

    def __init__(self) -> None:
        self.seconds = {"jacobian": 0.0, "factorization": 0.0, "substitution": 0.0}

    def on(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time added to that of ``part``."""

        def timed(*arguments: Any) -> Any:
            began = time.process_time()
            result = function(*arguments)
            self.seconds[part] += time.process_time() - began
            return result

        return timed


class WatchedBDF(BDF):
    """SciPy's method, with a watch on its parts; the first Jacobian is evaluated where the argument is checked."""

    def __init__(self, *arguments: Any, watch: Stopwatch, **options: Any) -> None:
        self._watch = watch
        super().__init__(*arguments, **options)
        self.lu = watch.on("factorization", self.lu)
        self.solve_lu = watch.on("substitution", self.solve_lu)

    def _validate_jac(self, jac: Any, sparsity: Any) -> Any:
        function, first = self._watch.on("jacobian", super()._validate_jac)(jac, sparsity)
        return self._watch.on("jacobian", function), first


@dataclass(frozen=True)
class Run:
    """One solution, the seconds that it took, and those of its parts."""

    solution: Any
    seconds: float
    parts: dict[str, float]
    rates: int


def run(system: Brusselator, options: dict[str, Any]) -> Run:
    """Solve the system once."""
    watch, rates = Stopwatch(), Counted(system.rates)
    began = time.process_time()
    solution = solve_ivp(
        rates,
        SPAN,
        system.initial,
        method=WatchedBDF,
        t_eval=np.linspace(*SPAN, TIMES),
        watch=watch,
        **TOLERANCES,
        **options,
    )
    return Run(solution, time.process_time() - began, watch.seconds, rates.count)


def measure(quick: bool) -> list[StiffRow]:
    """A row for each way; short solutions are repeated, and the one of median length counts."""
    system = Brusselator(QUICK if quick else REFERENCE)
    system.rates(0.0, system.initial)
    system.dense_jacobian(0.0, system.initial)
    system.sparse_jacobian(0.0, system.initial)
    rows: list[StiffRow] = []
    reference = None
    for name, options in jacobian_options(system).items():
        runs = [run(system, options)]
        while not quick and sum(each.seconds for each in runs) < ENOUGH_SECONDS:
            runs.append(run(system, options))
        median = statistics.median_low(each.seconds for each in runs)
        chosen = next(each for each in runs if each.seconds == median)
        found = chosen.solution
        reference = found.y if reference is None else reference
        rows.append(
            StiffRow(
                jacobian=name,
                unknowns=system.size,
                seconds=chosen.seconds,
                jacobian_seconds=chosen.parts["jacobian"],
                factorization_seconds=chosen.parts["factorization"],
                substitution_seconds=chosen.parts["substitution"],
                rates=chosen.rates,
                jacobians=found.njev,
                factorizations=found.nlu,
                difference=float(np.abs(found.y - reference).max() / np.abs(reference).max()),
            )
        )
    return rows
