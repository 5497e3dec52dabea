"""Times a kernel and its derivative side by side, and checks the derivative that was timed.

The quantity differentiated is the same for every kernel: its return value, if that is a float, plus the sum over all
duplicated arrays of (weights * final contents). The weights are the shadows on entry, so a kernel that only returns a
value, one that only mutates, and one that does both are treated alike.

Invariant: each timed call starts from the same arguments, and restoring them is never timed.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numba
import numpy as np

import pyfront as ad
from benchmarks.problem import Problem
from pyfront import engine, numba_target

BATCH_SECONDS = 1e-3
STEPS = (1e-4, 1e-5, 1e-6, 1e-7)


class Calls:
    """The primal and the derivative of a problem on arguments that can be put back to where they began."""

    def __init__(self, problem: Problem, size: Mapping[str, int]) -> None:
        self.problem = problem
        self.initial = problem.make_args(**size)
        self.arguments = problem.make_args(**size)
        random = np.random.default_rng(0)
        self.weights = [
            random.uniform(0.0, 1.0, value.shape) if annotation is ad.Duplicated else None
            for annotation, value in zip(problem.annotations, self.initial, strict=True)
        ]
        self.shadows = [None if weights is None else weights.copy() for weights in self.weights]
        self.derivative = ad.autodiff(problem.kernel, *problem.annotations)
        self.primal_call = self.arguments
        self.derivative_call = tuple(
            item
            for value, shadow in zip(self.arguments, self.shadows, strict=True)
            for item in ((value,) if shadow is None else (value, shadow))
        )

    def restore(self) -> None:
        """Put all arguments and shadows back."""
        for current, begin in zip((*self.arguments, *self.shadows), (*self.initial, *self.weights), strict=True):
            if isinstance(current, np.ndarray):
                np.copyto(current, begin)

    def primal(self) -> Any:
        return self.problem.kernel(*self.primal_call)

    def gradient(self) -> tuple[float, ...]:
        """Adjoints of the active scalars; those of the arrays are in `shadows` afterwards."""
        adjoints = self.derivative(*self.derivative_call)
        if adjoints is None:
            return ()
        return adjoints if isinstance(adjoints, tuple) else (adjoints,)

    def functional(self, direction: list[Any], step: float) -> float:
        """The differentiated quantity, by a plain call, with the arguments moved along a direction."""
        moved = [
            value + step * move if move is not None else np.copy(value) if isinstance(value, np.ndarray) else value
            for value, move in zip(self.initial, direction, strict=True)
        ]
        result = self.problem.kernel(*moved)
        total = result if isinstance(result, float) else 0.0
        pairs = ((weights, value) for weights, value in zip(self.weights, moved, strict=True) if weights is not None)
        return total + sum(float(np.vdot(weights, value)) for weights, value in pairs)

    def difference(self, direction: list[Any]) -> float:
        """The derivative along a direction by central differences of fourth order, from plain calls alone.

        The step is the one whose result agrees best with that of the step before it.
        """
        stencil = ((1.0, 8.0 / 12.0), (2.0, -1.0 / 12.0))
        results = [
            sum(f * (self.functional(direction, d * h) - self.functional(direction, -d * h)) for d, f in stencil) / h
            for h in STEPS
        ]
        return min(itertools.pairwise(results), key=lambda pair: abs(pair[0] - pair[1]))[1]

    def error_against_differences(self) -> float:
        """Relative error of the gradient along one random direction."""
        random = np.random.default_rng(1)
        moves: list[Any] = []
        for annotation, value in zip(self.problem.annotations, self.initial, strict=True):
            move = random.uniform(0.0, 1.0, np.shape(value)) * np.mean(np.abs(value))
            moves.append(None if annotation is ad.Const else move if move.ndim else float(move))
        expected = self.difference(moves)

        self.restore()
        adjoints = iter(self.gradient())
        actual = 0.0
        for annotation, move, shadow in zip(self.problem.annotations, moves, self.shadows, strict=True):
            if annotation is ad.Active:
                actual += next(adjoints) * move
            elif annotation is ad.Duplicated:
                actual += float(np.vdot(shadow, move))
        return abs(actual - expected) / abs(expected)

    def peak_memory(self) -> int:
        """The most bytes that the arena held during one call of the derivative."""
        self.restore()
        arena = engine.load()
        arena.arena_reset_peak()
        self.gradient()
        return arena.arena_peak()


@dataclass(frozen=True)
class CompileTime:
    """Seconds until a first call can run: Numba's for the primal, and for the derivative ours and all of it."""

    primal: float
    ours: float
    derivative: float


@dataclass(frozen=True)
class Row:
    """What was measured of one problem; seconds and bytes."""

    problem: Problem
    size: Mapping[str, int]
    primal: float
    gradient: float
    peak: int
    compile_time: CompileTime
    error: float

    @property
    def ratio(self) -> float:
        return self.gradient / self.primal


def seconds(call: Callable[[], Any], repeat: int) -> float:
    """Seconds per call of `repeat` calls: processor time of this thread, which other processes do not lengthen."""
    began = time.thread_time_ns()
    for _ in range(repeat):
        call()
    return (time.thread_time_ns() - began - clock_cost()) * 1e-9 / repeat


@functools.cache
def clock_cost() -> int:
    """Nanoseconds that pass between two readings of the clock."""
    return int(statistics.median(-(time.thread_time_ns() - time.thread_time_ns()) for _ in range(1000)))


def interleaved(calls: Calls, samples: int) -> tuple[float, float]:
    """Median seconds of the primal and of the gradient, sampled in turn so that noise falls on both.

    A kernel with scalar arguments only has nothing to restore, so its calls can be timed in batches.
    """
    batch = 1
    if not any(isinstance(value, np.ndarray) for value in calls.initial):
        batch = max(1, int(BATCH_SECONDS / seconds(calls.primal, 10)))
    taken: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    try:
        for _ in range(samples):
            for call, times in zip((calls.primal, calls.gradient), taken, strict=True):
                calls.restore()
                times.append(seconds(call, batch))
    finally:
        gc.enable()
    return statistics.median(taken[0]), statistics.median(taken[1])


@dataclass(frozen=True)
class Floor:
    """Seconds per call of kernels that have next to nothing to do."""

    scalar_primal: float
    scalar_gradient: float
    array_primal: float
    array_gradient: float


@numba.njit
def square(x):
    return x * x


@numba.njit
def increment(x):
    x[0] += 1.0


def floor(samples: int, repeat: int = 10_000) -> Floor:
    """The overhead of a call from Python, for one scalar and for one array."""
    array, shadow = np.zeros(4), np.zeros(4)
    of_square, of_increment = ad.autodiff(square, ad.Active), ad.autodiff(increment, ad.Duplicated)
    calls = (lambda: square(2.0), lambda: of_square(2.0), lambda: increment(array), lambda: of_increment(array, shadow))
    for call in calls:
        call()
    taken = [[seconds(call, repeat) for call in calls] for _ in range(samples)]
    return Floor(*(statistics.median(times) for times in zip(*taken, strict=True)))


class OwnTime:
    """Adds up the seconds that capture and engine take while it is entered."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> OwnTime:
        self._patches = contextlib.ExitStack()
        for owner, name in ((numba_target, "capture"), (engine.Engine, "differentiate")):
            self._patches.enter_context(mock.patch.object(owner, name, self._timed(getattr(owner, name))))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.process_time() - began

        return wrapper


def compile_both(calls: Calls) -> CompileTime:
    """Compile the kernel, then its derivative, neither of which was compiled before."""
    signature = tuple(numba.typeof(argument) for argument in calls.initial)
    began = time.process_time()
    calls.problem.kernel.compile(signature)
    primal = time.process_time() - began
    with OwnTime() as own:
        began = time.process_time()
        calls.gradient()
        derivative = time.process_time() - began
    return CompileTime(primal, own.seconds, derivative)


def measure(problem: Problem, size: Mapping[str, int], samples: int) -> Row:
    """One row of the table."""
    calls = Calls(problem, size)
    times = compile_both(calls)
    error = calls.error_against_differences()
    peak = calls.peak_memory()
    primal, gradient = interleaved(calls, samples)
    return Row(problem, size, primal, gradient, peak, times, error)
