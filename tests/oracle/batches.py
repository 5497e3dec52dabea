"""What a batch promises: each lane is the derivative that a call with this lane's shadows alone gives.

In forward mode the lanes are several tangents, given as a tuple per argument or as one array with a leading batch axis;
in reverse mode they are several adjoints, the result's own one seed for all or one per lane. A batch takes one more
derivative, which is why only a part of all cases is checked, the same part each time. Arguments of a batch may not
share memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.adjoints import Adjoints
from oracle.case import Case, in_order, seeds_of
from oracle.compare import assert_beside_untouched, assert_close
from oracle.structure import floats_of
from oracle.tangents import Tangents, draw_direction

# One case in so many is checked in batches.
EVERY = 12
TANGENTS = 3
ADJOINTS = 2
SEED = 0.75


@dataclass
class Lanes:
    """The result of a batch: memory of the arguments, per lane memory of the shadows, per scalar its lanes, value."""

    memory: list[np.ndarray]
    shadows: list[list[np.ndarray]]
    scalars: list[Sequence[float]]
    value: Any


class Batch:
    """The engine's derivative of a case's kernel for several shadows at once."""

    def __init__(self, case: Case, *, forward: bool, stacked: bool = False) -> None:
        import pyfront as ad

        scalar = ad.BatchDuplicated if forward else ad.Active
        annotation = {"const": ad.Const, "active": scalar, "duplicated": ad.BatchDuplicated}
        self.case = case
        self.forward = forward
        self.pack: Callable[[list[Any]], Any] = np.stack if stacked else tuple
        modes = (ad.Forward, ad.ForwardWithPrimal) if forward else (ad.Reverse, ad.ReverseWithPrimal)
        self.function = ad.autodiff(
            case.kernel,
            *(annotation[argument.kind] for argument in case.call.arguments),
            mode=modes[case.returns],
        )

    def __call__(self, shadows: list[list[np.ndarray]], scalars: Sequence[Sequence[Any]], seed: Any = None) -> Lanes:
        """One call on fresh copies; `shadows` and `scalars` are per lane."""
        from pyfront import engine

        case, call = self.case, self.case.call
        memory = call.memory()
        lanes = [[flat.copy() for flat in lane] for lane in shadows]
        views = [call.views(lane) for lane in lanes]
        stacks: list[tuple[int, Any]] = []
        its_scalar = iter(zip(*scalars, strict=True))
        actual: list[Any] = []
        for k, (argument, value) in enumerate(zip(call.arguments, call.views(memory), strict=True)):
            actual.append(value)
            if argument.kind == "duplicated":
                actual.append(self.pack([lane[k] for lane in views]))
                stacks.append((k, actual[-1]))
            elif argument.kind == "active" and self.forward:
                actual.append(next(its_scalar))
        result = self.function(*actual, **({} if seed is None else {"seed": seed}))
        assert engine.load().arena_in_use() == 0, "the call left something on the arena"
        for k, stack in stacks:
            for lane, shadow in zip(views, stack, strict=True):
                lane[k][...] = shadow
        value, numbers = result if case.returns else (None, result)
        return Lanes(memory, lanes, self.numbers(numbers), value)

    def numbers(self, result: Any) -> list[Sequence[float]]:
        """Per scalar of the result its lanes."""
        if result is None:
            return []
        count = sum(argument.kind == "active" for argument in self.case.call.arguments)
        if self.forward and isinstance(self.case.value, tuple):
            return list(zip(*map(floats_of, result), strict=True))
        return [result] if self.forward or count == 1 else list(result)


def check_batches(case: Case) -> None:
    """Compares batches of both modes with single calls, for a part of all cases."""
    turn, odd = case.draw() % EVERY, case.draw() // EVERY % 2 == 1
    kinds = {argument.kind for argument in case.call.arguments}
    shown = [place[0] for place in case.call.places if place is not None]
    if len(set(shown)) < len(shown):
        return
    if turn == 0 and kinds & {"active", "duplicated"}:
        check_tangents(case, stacked=odd)
    if turn == 1 and "duplicated" in kinds:
        check_adjoints(case, seed_per_lane=odd)


def check_tangents(case: Case, *, stacked: bool, single: bool = True) -> None:
    """A batch of directions, compared with single calls or with the oracle."""
    random = np.random.default_rng(11)
    directions = [draw_direction(case, random) for _ in range(TANGENTS)]
    if single:
        tangents = Tangents(case.kernel, case.call, case.value)
        wanted = [tangents(direction).outputs(case.call) for direction in directions]
    else:
        wanted = [case.want.tangents @ direction.weights for direction in directions]
    batch = Batch(case, forward=True, stacked=stacked)
    lanes = batch([direction.memory for direction in directions], [direction.scalars for direction in directions])
    case.assert_primal(lanes.memory, lanes.value)
    for number, (direction, want) in enumerate(zip(directions, wanted, strict=True)):
        assert_beside_untouched(lanes.shadows[number], direction.memory, case.call.covered())
        results = [result[number] for result in lanes.scalars] or [0.0]
        weights = np.abs(direction.weights)
        assert_close(
            in_order(case.call, lanes.shadows[number], results),
            want,
            np.abs(want) if single else np.abs(case.want.tangents) @ weights,
            case.want.magnitudes @ weights,
            case.width,
            f"tangents of lane {number}",
        )


def check_adjoints(case: Case, *, seed_per_lane: bool, single: bool = True) -> None:
    """A batch of adjoints of the outputs, compared with single calls or with the oracle."""
    random = np.random.default_rng(13)
    shadows = [case.call.shadows(random) for _ in range(ADJOINTS)]
    seeds = [
        seeds_of(case.value, SEED * (2.0 if seed_per_lane and lane else 1.0)) if case.returns_float else 0.0
        for lane in range(ADJOINTS)
    ]
    outputs = [in_order(case.call, lane, floats_of(seed)) for lane, seed in zip(shadows, seeds, strict=True)]
    if single:
        alone = [
            Adjoints(case.kernel, case.call, case.value, seed)(lane).inputs(case.call)
            for lane, seed in zip(shadows, seeds, strict=True)
        ]
        wanted = [case.want.directions.T @ inputs for inputs in alone]
        scales = [np.abs(case.want.directions.T) @ np.abs(inputs) for inputs in alone]
    else:
        wanted = [weights @ case.want.tangents for weights in outputs]
        scales = [np.abs(weights) @ np.abs(case.want.tangents) for weights in outputs]
    seed: Any = (tuple(seeds) if seed_per_lane else seeds[0]) if case.returns_float else None
    lanes = Batch(case, forward=False)(shadows, [[] for _ in shadows], seed)
    case.assert_primal(lanes.memory, lanes.value)
    for number, lane in enumerate(shadows):
        assert_beside_untouched(lanes.shadows[number], lane, case.call.covered())
        adjoints = in_order(case.call, lanes.shadows[number], [adjoint[number] for adjoint in lanes.scalars])
        magnitude = np.abs(outputs[number]) @ case.want.magnitudes
        assert_close(
            case.want.directions.T @ adjoints,
            wanted[number],
            scales[number],
            scales[number] + np.abs(case.want.directions.T) @ np.abs(adjoints) + magnitude,
            case.width,
            f"adjoints of lane {number}",
        )
