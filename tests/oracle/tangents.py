"""What forward mode promises about one call, compared.

The promises: the tangents of arrays and of the result are those of the oracle along a random direction; a tangent array
is touched only where the arguments show it; primal arrays and the result are what a plain call leaves, bit for bit; the
arena is empty afterwards; a second call gives the same bits. And, whatever the oracle says, the tangents that come out,
weighed by the seeds, are those that went in, weighed by the adjoints of reverse mode (the inner-product identity).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.arguments import Allocations
from oracle.case import Case, has_derivative, in_order
from oracle.compare import CANCELLATION, assert_beside_untouched, assert_close, bits_of
from oracle.structure import floats_of, packed

# One case in so many also runs without the final values of its arrays.
NO_NEED_EVERY = 16


@dataclass(frozen=True)
class Direction:
    """A tangent of all inputs: the combination with these weights of the oracle's directions."""

    weights: np.ndarray
    memory: list[np.ndarray]
    scalars: list[Any]


@dataclass
class Pushed:
    """The result of one call: memory of the arguments and of their tangents afterwards, result and its tangent."""

    memory: list[np.ndarray]
    tangents: list[np.ndarray]
    value: Any
    tangent: Any

    def bits(self) -> list[bytes]:
        """All of it as bytes."""
        return [array.tobytes() for array in (*self.memory, *self.tangents)] + bits_of((self.value, self.tangent))

    def outputs(self, call: Allocations) -> np.ndarray:
        """The tangents of the outputs: the locations in order, then the result."""
        return in_order(call, self.tangents, floats_of(self.tangent))


def draw_direction(case: Case, random: np.random.Generator) -> Direction:
    """A random direction; what lies beside the locations is random as well."""
    weights = random.uniform(-1.0, 1.0, case.want.directions.shape[1])
    rows = iter(case.want.directions @ weights)
    memory = case.call.shadows(random)
    for flat, positions in zip(memory, case.call.covered(), strict=True):
        flat[positions] = [next(rows) for _ in positions]
    return Direction(weights, memory, typed(case.call, list(rows)))


def random_tangents(call: Allocations, random: np.random.Generator) -> list[Any]:
    """Random tangents of the active scalars."""
    return typed(call, list(random.uniform(-1.0, 1.0, len(call.active))))


def typed(call: Allocations, tangents: list[float]) -> list[Any]:
    """Tangents of the active arguments, each of the type of its argument."""
    rest = iter(tangents)
    return [packed(argument.value, rest) for argument in call.arguments if argument.kind == "active"]


class Tangents:
    """The engine's forward derivative of the kernel for the annotations of a call, each that wants one `Duplicated`.

    `like` is a result of the kernel.
    """

    def __init__(self, kernel: Callable[..., Any], call: Allocations, like: Any = None, no_need: bool = False) -> None:
        import pyfront as ad

        array = ad.DuplicatedNoNeed if no_need else ad.Duplicated
        annotation = {"const": ad.Const, "active": ad.Duplicated, "duplicated": array}
        self.call = call
        self.like = like
        self.function = ad.autodiff(
            kernel,
            *(annotation[argument.kind] for argument in call.arguments),
            mode=ad.Forward if like is None else ad.ForwardWithPrimal,
        )

    def run(self, memory: list[np.ndarray], tangents: list[np.ndarray], scalars: Sequence[Any]) -> Any:
        """One call on this memory, as the arguments lie in it; each that has a tangent is followed by it."""
        call, its_scalar = self.call, iter(scalars)
        actual: list[Any] = []
        for argument, value, tangent in zip(call.arguments, call.views(memory), call.views(tangents), strict=True):
            actual.append(value)
            if argument.kind != "const":
                actual.append(tangent if argument.kind == "duplicated" else next(its_scalar))
        return self.function(*actual)

    def __call__(self, direction: Direction) -> Pushed:
        """One call on fresh copies, which must leave nothing on the arena."""
        from pyfront import engine

        memory, tangents = self.call.memory(), [flat.copy() for flat in direction.memory]
        result = self.run(memory, tangents, direction.scalars)
        assert engine.load().arena_in_use() == 0, "the call left something on the arena"
        value, tangent = (None, result) if self.like is None else result
        if not has_derivative(self.like):
            assert tangent is None, f"the kernel returns nothing that has a tangent, but tangent {tangent!r}"
        return Pushed(memory, tangents, value, tangent)


def check_forward(case: Case, adjoints: np.ndarray | None) -> None:
    """Compares forward mode with the oracle, with the plain kernel and, if given, the adjoints of reverse mode."""
    direction = draw_direction(case, np.random.default_rng(7))
    tangents = Tangents(case.kernel, case.call, case.value)
    pushed = tangents(direction)
    assert_tangents(case, direction, pushed)
    case.assert_primal(pushed.memory, pushed.value)
    if adjoints is not None:
        assert_identity(case, direction, pushed, adjoints)
    assert tangents(direction).bits() == pushed.bits(), "a second call of the forward derivative gives other bits"
    if adjoints is not None and case.draw() % NO_NEED_EVERY == 0:
        assert_tangents(case, direction, Tangents(case.kernel, case.call, case.value, no_need=True)(direction))


def assert_tangents(case: Case, direction: Direction, pushed: Pushed) -> None:
    """Tangents are the oracle's, and memory beside them is untouched."""
    assert_beside_untouched(pushed.tangents, direction.memory, case.call.covered())
    weights = np.abs(direction.weights)
    assert_close(
        pushed.outputs(case.call),
        case.want.tangents @ direction.weights,
        np.abs(case.want.tangents) @ weights,
        case.want.magnitudes @ weights,
        case.width,
        "tangents",
    )


def assert_identity(case: Case, direction: Direction, pushed: Pushed, adjoints: np.ndarray) -> None:
    """Seeds times tangents out is adjoints times tangents in, to rounding."""
    out = case.seeds * pushed.outputs(case.call)
    into = adjoints * in_order(case.call, direction.memory, direction.scalars)
    terms = np.abs(out).sum() + np.abs(into).sum()
    terms += np.abs(case.seeds) @ case.want.magnitudes @ np.abs(direction.weights)
    difference = abs(out.sum() - into.sum())
    assert difference <= CANCELLATION[case.width] * terms, (
        f"the inner products differ by {difference}: {out.sum()} of the outputs, {into.sum()} of the inputs"
    )
