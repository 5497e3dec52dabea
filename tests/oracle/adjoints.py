"""What reverse mode promises about one call, compared.

The promises (API.md): the adjoints of active scalars and the shadows on exit are those of the oracle; primal arrays,
Const ones included, and the primal result are what a plain compiled call leaves, bit for bit; the arena is empty
afterwards; a second call gives the same bits; no step of the plan changes the gradient by a bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.arguments import Allocations
from oracle.case import Case, has_derivative, in_order
from oracle.compare import assert_beside_untouched, assert_close, bits_of
from oracle.structure import numbers_of

PLAN_STEPS = ("reload", "recompute", "mincut", "snapshot")
# Steps that change the order of sums: they are compared with the oracle, and the others bit for bit without them.
REORDERING = ("lanes", "strips")


@dataclass
class Pulled:
    """The result of one call: memory of the arguments and of their shadows afterwards, adjoints in order, value."""

    memory: list[np.ndarray]
    shadows: list[np.ndarray]
    adjoints: tuple[float, ...]
    value: Any

    def bits(self) -> list[bytes]:
        """All of it as bytes."""
        return [array.tobytes() for array in (*self.memory, *self.shadows)] + bits_of((*self.adjoints, self.value))

    def inputs(self, call: Allocations) -> np.ndarray:
        """The adjoints of the inputs: the locations in order, then the active scalars."""
        return in_order(call, self.shadows, self.adjoints)


class Adjoints:
    """The engine's reverse derivative of the kernel for the annotations of a call; `like` is a result of the kernel."""

    def __init__(
        self,
        kernel: Callable[..., Any],
        call: Allocations,
        like: Any = None,
        seed: Any = 0.0,
        disable: tuple[str, ...] = (),
    ) -> None:
        import pyfront as ad

        annotation = {"const": ad.Const, "active": ad.Active, "duplicated": ad.Duplicated}
        self.call = call
        self.returns = like is not None
        self.seeds = {"seed": seed} if has_derivative(like) else {}
        self.function = ad.autodiff(
            kernel,
            *(annotation[argument.kind] for argument in call.arguments),
            mode=ad.ReverseWithPrimal if self.returns else ad.Reverse,
            **({"disable": disable} if disable else {}),
        )

    def run(self, memory: list[np.ndarray], shadows: list[np.ndarray]) -> Any:
        """One call on this memory, as the arguments lie in it."""
        call = self.call
        actual: list[Any] = []
        for argument, value, shadow in zip(call.arguments, call.views(memory), call.views(shadows), strict=True):
            actual.extend((value, shadow) if argument.kind == "duplicated" else (value,))
        return self.function(*actual, **self.seeds)

    def reorders(self) -> bool:
        """Whether the plan has a step that changes the order of sums."""
        plan = self.function.inspect_plan()
        plans = plan.values() if isinstance(plan, dict) else [plan]
        return any(f"\n{step}\n" in text for text in plans for step in REORDERING)

    def __call__(self, shadows: list[np.ndarray]) -> Pulled:
        """One call on fresh copies, which must leave nothing on the arena."""
        from pyfront import engine

        memory, shadow_memory = self.call.memory(), [flat.copy() for flat in shadows]
        result = self.run(memory, shadow_memory)
        assert engine.load().arena_in_use() == 0, "the call left something on the arena"
        value, adjoints = result if self.returns else (None, result)
        count = sum(argument.kind == "active" for argument in self.call.arguments)
        if count == 0:
            assert adjoints is None, f"no active argument, but adjoints {adjoints!r}"
            adjoints = ()
        assert count <= 1 or len(adjoints) == count
        adjoints = numbers_of(adjoints)
        assert len(adjoints) == len(self.call.active)
        return Pulled(memory, shadow_memory, adjoints, value)


def check_reverse(case: Case, without: tuple[str, ...], each_step: bool) -> Pulled:
    """Compares reverse mode with the oracle, the plain kernel and itself without the steps of the plan."""

    def derivative(disable: tuple[str, ...] = ()) -> Adjoints:
        return Adjoints(case.kernel, case.call, case.value, case.seed, disable)

    adjoints = derivative()
    result = first = adjoints(case.shadows)
    assert_gradient(case, first)
    case.assert_primal(first.memory, first.value)
    assert adjoints(case.shadows).bits() == first.bits(), "a second call gives other bits"

    base: tuple[str, ...] = ()
    if without and adjoints.reorders():
        base = REORDERING
        first = derivative(base)(case.shadows)
        assert_gradient(case, first)
    configurations = [without] if without else []
    if each_step:
        configurations.extend((step,) for step in PLAN_STEPS)
    for disable in configurations:
        outcome = derivative(base + disable)(case.shadows)
        assert outcome.bits() == first.bits(), f"without the plan steps {disable} the gradient has other bits"
    return result


def assert_gradient(case: Case, pulled: Pulled) -> None:
    """Adjoints and shadows are the oracle's; a shadow outside of what the arguments show is untouched."""
    assert_beside_untouched(pulled.shadows, case.shadows, case.call.covered())
    want, got = case.want, pulled.inputs(case.call)
    # Inner products along random directions also round when they sum up what the engine gave.
    rounding = np.abs(want.directions.T) @ np.abs(got) + want.magnitude
    assert_close(want.directions.T @ got, want.adjoint, want.scale, rounding, case.width, "adjoints")
