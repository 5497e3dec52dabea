"""Forward mode of every benchmark kernel: one tangent, a batch of eight, and forward over reverse.

All of them move the same arguments along one random direction per tangent; the first tangent is checked against a
central difference of plain calls, the others are of the same code.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import pyfront as ad
from benchmarks.measure import BATCH_SECONDS, Calls, seconds
from benchmarks.problem import Problem

WIDTH = 8


@dataclass(frozen=True)
class ForwardRow:
    """What was measured of one problem; seconds."""

    problem: Problem
    size: Mapping[str, int]
    primal: float
    tangent: float
    batch: float
    gradient: float
    second: float | None
    error: float


class ForwardCalls(Calls):
    """The forward derivatives of a problem, on arguments that can be put back to where they began."""

    def __init__(self, problem: Problem, size: Mapping[str, int]) -> None:
        super().__init__(problem, size)
        random = np.random.default_rng(1)
        self.moves: list[Any] = []
        for annotation, value in zip(problem.annotations, self.initial, strict=True):
            move = random.uniform(0.0, 1.0, np.shape(value)) * np.mean(np.abs(value))
            self.moves.append(None if annotation is ad.Const else move if move.ndim else float(move))
        self.tangents = [move.copy() if isinstance(move, np.ndarray) else move for move in self.moves]
        self.batches = [_batch_of(move) for move in self.moves]
        self.tangent_of = self._autodiff(ad.Duplicated, ad.Forward)
        self.batch_of = self._autodiff(ad.BatchDuplicated, ad.Forward)
        self.second_of = self._second() if problem.has_second else None
        self.second_tangents = [None if weights is None else np.zeros_like(weights) for weights in self.weights]
        self.tangent_call = self._with(self.tangents)
        self.batch_call = self._with(self.batches)
        self.second_call = self._second_arguments()

    def restore(self) -> None:
        super().restore()
        for tangent, batch, second, move in zip(
            self.tangents, self.batches, self.second_tangents, self.moves, strict=True
        ):
            if isinstance(move, np.ndarray):
                np.copyto(tangent, move)
                np.copyto(batch, move)
                second[...] = 0.0

    def tangent(self) -> Any:
        return self.tangent_of(*self.tangent_call)

    def batch(self) -> Any:
        return self.batch_of(*self.batch_call)

    def second(self) -> Any:
        """A Hessian times the direction: the tangent of the gradient."""
        assert self.second_of is not None
        return self.second_of(*self.second_call)

    def _second_arguments(self) -> list[Any]:
        arguments: list[Any] = []
        for value, tangent, shadow, second in zip(
            self.arguments, self.tangents, self.shadows, self.second_tangents, strict=True
        ):
            arguments += [value] if tangent is None else [value, tangent]
            arguments += [] if shadow is None else [shadow, second]
        return arguments

    def error(self) -> float:
        """Relative error of the tangent, weighted as `Calls.functional` is, against a difference."""
        expected = self.difference(self.moves)
        self.restore()
        result = self.tangent()
        actual = result if isinstance(result, float) else 0.0
        for weights, tangent in zip(self.weights, self.tangents, strict=True):
            if weights is not None:
                actual += float(np.vdot(weights, tangent))
        return abs(actual - expected) / abs(expected)

    def _with(self, shadows: list[Any]) -> list[Any]:
        pairs = zip(self.arguments, shadows, strict=True)
        return [item for value, shadow in pairs for item in ((value,) if shadow is None else (value, shadow))]

    def _autodiff(self, annotation: type, mode: ad.Mode) -> Any:
        annotations = (ad.Const if a is ad.Const else annotation for a in self.problem.annotations)
        return ad.autodiff(self.problem.kernel, *annotations, mode=mode)

    def _second(self) -> Any:
        annotations: list[type] = []
        for annotation in self.problem.annotations:
            annotations += [ad.Const] if annotation is ad.Const else [ad.Duplicated]
            annotations += [ad.Duplicated] if annotation is ad.Duplicated else []
        return ad.autodiff(self.derivative, *annotations, mode=ad.Forward)


def _batch_of(move: Any) -> Any:
    if move is None:
        return None
    if isinstance(move, float):
        return (move,) * WIDTH
    return np.repeat(move[np.newaxis], WIDTH, axis=0)


def measure(problem: Problem, size: Mapping[str, int], samples: int) -> ForwardRow:
    """One row: medians of calls in turn, so that noise falls on all of them."""
    calls = ForwardCalls(problem, size)
    timed: list[Callable[[], Any]] = [calls.primal, calls.tangent, calls.batch, calls.gradient]
    if problem.has_second:
        timed.append(calls.second)
    for call in timed:
        calls.restore()
        call()
    batch = 1
    if not any(isinstance(value, np.ndarray) for value in calls.initial):
        batch = max(1, int(BATCH_SECONDS / seconds(calls.primal, 10)))
    taken: list[list[float]] = [[] for _ in timed]
    for _ in range(samples):
        for call, times in zip(timed, taken, strict=True):
            calls.restore()
            times.append(seconds(call, batch))
    medians = [statistics.median(times) for times in taken]
    second = medians[4] if problem.has_second else None
    return ForwardRow(problem, size, *medians[:4], second=second, error=calls.error())
