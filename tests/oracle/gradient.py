"""The tangents and the adjoints of a call, from one run of the kernel on dual numbers.

Reverse mode promises: adjoint of input j = sum over outputs i of seed_i * d out_i / d in_j. Inputs are the locations of
duplicated arrays before the call and the active scalars; outputs are the same locations after it and the return value.
Forward tangents give that sum for every input at once when there are few inputs (the directions are the unit vectors),
else along random directions, which the adjoints must match as inner products. Forward mode promises the tangents of the
outputs themselves, along any combination of the directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.arguments import Allocations
from oracle.dual import KINKS, Dual, value_of
from oracle.namespace import on_duals
from oracle.structure import floats_of, mapped

MOST_UNIT_DIRECTIONS = 96
RANDOM_DIRECTIONS = 6


@dataclass
class Expected:
    """What the derivative must give, along the columns of `directions`.

    `tangents` has one row per output (the locations in order, then the floats of the result), `magnitudes` the same
    with absolute terms all the way back (see `oracle.dual`); `adjoint` is the sum over outputs that the seeds weigh,
    `scale` the sum of its absolute terms, `magnitude` that of the magnitudes. `kinks` are the functions that were
    evaluated where they have no single derivative.
    """

    value: Any
    memory: list[np.ndarray]
    directions: np.ndarray
    tangents: np.ndarray
    magnitudes: np.ndarray
    adjoint: np.ndarray
    scale: np.ndarray
    magnitude: np.ndarray
    kinks: tuple[str, ...] = ()


def directions_for(inputs: int, random: np.random.Generator) -> np.ndarray:
    """One row per input: unit vectors, or a few random directions when there are many inputs."""
    if inputs <= MOST_UNIT_DIRECTIONS:
        return np.eye(inputs)
    return random.uniform(-1.0, 1.0, (inputs, RANDOM_DIRECTIONS))


def constant(value: Any) -> Any:
    """A number without a tangent; a function that calls with duals."""
    return on_duals(value) if callable(value) else value_of(value)


def expected(
    kernel: Callable[..., Any], call: Allocations, shadows: list[np.ndarray], seed: Any, random: np.random.Generator
) -> Expected:
    """Runs the kernel on duals and pulls the seeds back through its tangents.

    `seed` is the result's adjoint, in its structure, or a function from the result to it.
    """
    covered = call.covered()
    inputs = sum(len(positions) for positions in covered) + len(call.active)
    directions = directions_for(inputs, random)
    rows = iter(range(inputs))

    def varied(number: float) -> Dual:
        row = directions[next(rows)]
        return Dual(float(number), row, np.abs(row))

    memory = [flat.astype(object) if flat.dtype.kind == "f" else flat for flat in call.memory()]
    for flat, positions in zip(memory, covered, strict=True):
        for position in positions:
            flat[position] = varied(flat[position])
    values = call.views(memory)
    for k, argument in enumerate(call.arguments):
        if argument.kind == "active":
            values[k] = mapped(varied, argument.value)
        elif not isinstance(argument.value, np.ndarray):
            values[k] = mapped(constant, argument.value)

    KINKS.clear()
    with np.errstate(all="ignore"):
        value = on_duals(kernel)(*values)

    outputs = [
        (float(shadow[position]), flat[position])
        for flat, shadow, positions in zip(memory, shadows, covered, strict=True)
        for position in positions
    ]
    plain_value = mapped(value_of, value)
    seeds = seed(plain_value) if callable(seed) else seed
    outputs.extend(zip(floats_of(seeds), floats_of(value), strict=True))
    tangents, magnitudes = np.zeros((2, len(outputs), directions.shape[1]))
    for row, (_, output) in enumerate(outputs):
        if isinstance(output, Dual) and output.tangent is not None:
            tangents[row] = output.tangent
            magnitudes[row] = output.magnitude
    # Columns of NaN are the caller's to refuse.
    weights = np.array([weight for weight, _ in outputs])
    plain = [
        np.array([value_of(number) for number in flat], dtype=owner.dtype)
        for flat, owner in zip(memory, call.owners, strict=True)
    ]
    with np.errstate(all="ignore"):
        adjoint, scale = weights @ tangents, np.abs(weights) @ np.abs(tangents)
        magnitude = np.abs(weights) @ magnitudes
    return Expected(
        value=plain_value,
        memory=plain,
        directions=directions,
        tangents=tangents,
        magnitudes=magnitudes,
        adjoint=adjoint,
        scale=scale,
        magnitude=magnitude,
        kinks=tuple(KINKS),
    )
