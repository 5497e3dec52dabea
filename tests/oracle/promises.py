"""`check(kernel, *annotated arguments)`: everything that a reverse derivative promises about one call, compared.

The promises (API.md): the adjoints of active scalars and the shadows on exit are those of the oracle; primal arrays,
Const ones included, and the primal result are what a plain compiled call leaves, bit for bit; the arena is empty
afterwards; a second call gives the same bits; no step of the plan changes the gradient by a bit.

With PYFRONT_AUDIT_ORACLE=1 the engine is left out and the oracle itself is compared with finite differences of the
compiled kernel.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from oracle.arguments import Allocations, Annotated
from oracle.gradient import Expected, expected

PLAN_STEPS = ("reload", "recompute", "mincut", "snapshot")
# Steps that change the order of sums: they are compared with the oracle, and the others bit for bit without them.
REORDERING = ("lanes", "strips")

# Relative error allowed, by the bytes of the narrowest float.
TOLERANCE = {8: 1e-10, 4: 5e-5}
# Where terms cancel, exact methods differ by rounding of the terms: this many times their sum.
CANCELLATION = {8: 1e-14, 4: 1e-6}
# A zero of the gradient is compared with the size of its largest component.
FLOOR = 1e-6


@dataclass
class Outcome:
    """The result of one call: memory of the arguments and of their shadows afterwards, adjoints in order, value."""

    memory: list[np.ndarray]
    shadows: list[np.ndarray]
    adjoints: tuple[float, ...]
    value: Any

    def bits(self) -> list[bytes]:
        """All of it as bytes."""
        numbers = (*self.adjoints, self.value if self.value is not None else 0)
        return [array.tobytes() for array in (*self.memory, *self.shadows, *map(np.asarray, numbers))]


def check(
    kernel: Callable[..., Any],
    *arguments: Annotated,
    seed: float = 0.75,
    each_step: bool = False,
    without: tuple[str, ...] = PLAN_STEPS,
    width: int | None = None,
) -> None:
    """Compares the reverse derivative of one call with the oracle and with the plain kernel.

    `width` is 4 for a kernel that rounds to float32 inside, though none of its arguments is one. `without` are the
    plan steps switched off for the second derivative, whose bits must be those of the first (none: no second
    derivative); `each_step` also switches off every step alone.
    """
    if not hasattr(kernel, "py_func"):
        kernel = numba.njit(kernel)
    random = np.random.default_rng(len(arguments))
    call = Allocations(arguments)
    shadows = call.shadows(random)

    plain_memory = call.memory()
    plain_value = kernel(*call.views(plain_memory))
    returns_float = isinstance(plain_value, (float, np.floating))
    want = expected(kernel, call, shadows, seed if returns_float else 0.0, random)
    width = narrowest_float(call, plain_value) if width is None else width
    assert_oracle_ran_the_kernel(want, plain_memory, plain_value, width)
    if os.environ.get("PYFRONT_AUDIT_ORACLE") == "1":
        audit(kernel, call, shadows, seed if returns_float else 0.0, want, width)
        return

    derivative = Derivative(kernel, arguments, seed, plain_value)
    first = derivative(call, shadows)
    assert_gradient(want, first, call, shadows, width)
    assert_primal(first, plain_memory, plain_value)
    assert derivative(call, shadows).bits() == first.bits(), "a second call gives other bits"

    base: tuple[str, ...] = ()
    if without and derivative.reorders():
        base = REORDERING
        first = Derivative(kernel, arguments, seed, plain_value, base)(call, shadows)
        assert_gradient(want, first, call, shadows, width)
    configurations = [without] if without else []
    if each_step:
        configurations.extend((step,) for step in PLAN_STEPS)
    for disable in configurations:
        outcome = Derivative(kernel, arguments, seed, plain_value, base + disable)(call, shadows)
        assert outcome.bits() == first.bits(), f"without the plan steps {disable} the gradient has other bits"


class Derivative:
    """The engine's derivative of the kernel for these annotations; `like` is a result of the kernel."""

    def __init__(
        self,
        kernel: Callable[..., Any],
        arguments: tuple[Annotated, ...],
        seed: float = 0.75,
        like: Any = None,
        disable: tuple[str, ...] = (),
    ) -> None:
        import pyfront as ad

        annotation = {"const": ad.Const, "active": ad.Active, "duplicated": ad.Duplicated}
        self.returns = like is not None
        self.seeds = {"seed": seed} if isinstance(like, (float, np.floating)) else {}
        self.arguments = arguments
        self.function = ad.autodiff(
            kernel,
            *(annotation[argument.kind] for argument in arguments),
            mode=ad.ReverseWithPrimal if self.returns else ad.Reverse,
            **({"disable": disable} if disable else {}),
        )

    def run(self, call: Allocations, memory: list[np.ndarray], shadows: list[np.ndarray]) -> Any:
        """One call on this memory, as the arguments lie in it."""
        actual: list[Any] = []
        for argument, value, shadow in zip(self.arguments, call.views(memory), call.views(shadows), strict=True):
            actual.extend((value, shadow) if argument.kind == "duplicated" else (value,))
        return self.function(*actual, **self.seeds)

    def reorders(self) -> bool:
        """Whether the plan has a step that changes the order of sums."""
        plan = self.function.inspect_plan()
        plans = plan.values() if isinstance(plan, dict) else [plan]
        return any(f"\n{step}\n" in text for text in plans for step in REORDERING)

    def __call__(self, call: Allocations, shadows: list[np.ndarray]) -> Outcome:
        """One call on fresh copies, which must leave nothing on the arena."""
        from pyfront import engine

        memory, shadow_memory = call.memory(), [flat.copy() for flat in shadows]
        result = self.run(call, memory, shadow_memory)
        assert engine.load().arena_in_use() == 0, "the call left something on the arena"
        value, adjoints = result if self.returns else (None, result)
        count = sum(argument.kind == "active" for argument in self.arguments)
        if count == 0:
            assert adjoints is None, f"no active argument, but adjoints {adjoints!r}"
            adjoints = ()
        elif count == 1:
            adjoints = (adjoints,)
        assert isinstance(adjoints, tuple)
        assert len(adjoints) == count
        return Outcome(memory, shadow_memory, adjoints, value)


def check_raises(kernel: Callable[..., Any], *arguments: Annotated) -> BaseException:
    """The derivative raises what the kernel raises, leaves the arrays as the kernel does, and touches no shadow."""
    call = Allocations(arguments)
    plain_memory = call.memory()
    plain = raised(lambda: kernel(*call.views(plain_memory)))
    if os.environ.get("PYFRONT_AUDIT_ORACLE") == "1":
        return plain

    from pyfront import engine

    shadows = call.shadows(np.random.default_rng(0))
    for disable in ((), PLAN_STEPS):
        derivative = Derivative(kernel, arguments, disable=disable)
        memory, shadow_memory = call.memory(), [flat.copy() for flat in shadows]
        got = raised(lambda: derivative.run(call, memory, shadow_memory))
        same = type(got) is type(plain) and got.args == plain.args
        assert same, f"raised {got!r}, the kernel raises {plain!r}"
        assert_same_bits(memory, plain_memory, "an array differs from what the kernel leaves in it")
        assert_same_bits(shadow_memory, shadows, "a shadow was touched")
        assert engine.load().arena_in_use() == 0, "the call left something on the arena"
    return plain


def raised(call: Callable[[], Any]) -> BaseException:
    """The exception that the call raises."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("the call raised nothing")


def assert_same_bits(got: list[np.ndarray], want: list[np.ndarray], message: str) -> None:
    """Memory is the same, bit for bit."""
    for left, right in zip(got, want, strict=True):
        assert left.tobytes() == right.tobytes(), f"{message}:\n{left}\n{right}"


def narrowest_float(call: Allocations, value: Any) -> int:
    """Bytes of the narrowest float among arguments and result."""
    dtypes = [np.asarray(argument.value).dtype for argument in call.arguments] + [np.asarray(value).dtype]
    return min((dtype.itemsize for dtype in dtypes if dtype.kind == "f"), default=8)


def assert_oracle_ran_the_kernel(want: Expected, memory: list[np.ndarray], value: Any, width: int) -> None:
    """CPython on duals and the compiled kernel computed the same primal; otherwise the comparison means nothing."""
    close = {"rtol": 1e-9 if width == 8 else 1e-4, "atol": 1e-12 if width == 8 else 1e-5}
    for number, (got, plain) in enumerate(zip(want.memory, memory, strict=True)):
        np.testing.assert_allclose(got, plain, err_msg=f"oracle and kernel differ in allocation {number}", **close)
    if value is not None:
        np.testing.assert_allclose(want.value, value, err_msg="oracle and kernel differ in the result", **close)


def assert_gradient(want: Expected, outcome: Outcome, call: Allocations, shadows: list[np.ndarray], width: int) -> None:
    """Adjoints and shadows are the oracle's; a shadow outside of what the arguments show is untouched."""
    got: list[float] = []
    for after, before, positions in zip(outcome.shadows, shadows, call.covered(), strict=True):
        got.extend(float(number) for number in after[positions])
        outside = np.ones(after.size, bool)
        outside[positions] = False
        assert after[outside].tobytes() == before[outside].tobytes(), "memory beside a shadow was written"
    got.extend(float(adjoint) for adjoint in outcome.adjoints)
    adjoint = want.directions.T @ np.array(got)
    largest = float(np.max(want.scale, initial=0.0))
    # Inner products along random directions also round when they sum up what the engine gave.
    rounding = np.abs(want.directions.T) @ np.abs(got) + want.magnitude
    allowed = np.maximum(TOLERANCE[width] * np.maximum(want.scale, FLOOR * largest), CANCELLATION[width] * rounding)
    wrong = ~(np.abs(adjoint - want.adjoint) <= allowed)
    assert not wrong.any(), report(adjoint, want.adjoint, wrong)


def report(got: np.ndarray, want: np.ndarray, wrong: np.ndarray) -> str:
    """The components that are wrong, at most ten of them."""
    lines = [f"  [{k}] engine {got[k]!r:>24}   oracle {want[k]!r:>24}" for k in np.flatnonzero(wrong)[:10]]
    return "\n".join([f"{wrong.sum()} of {wrong.size} adjoints are wrong (arrays first, then scalars):", *lines])


def assert_primal(outcome: Outcome, memory: list[np.ndarray], value: Any) -> None:
    """Arrays and result are, bit for bit, those of the plain call."""
    for number, (got, plain) in enumerate(zip(outcome.memory, memory, strict=True)):
        assert got.tobytes() == plain.tobytes(), f"allocation {number} differs from a plain call:\n{got}\n{plain}"
    assert np.asarray(outcome.value).tobytes() == np.asarray(value).tobytes(), (
        f"value {outcome.value!r}, plain {value!r}"
    )


def audit(
    kernel: Callable[..., Any], call: Allocations, shadows: list[np.ndarray], seed: float, want: Expected, width: int
) -> None:
    """The oracle's adjoints along one random direction against a central difference of the compiled kernel."""
    random = np.random.default_rng(1)
    weights = random.uniform(-1.0, 1.0, want.adjoint.size)
    step = want.directions @ weights
    covered = call.covered()

    def objective(length: float) -> float:
        memory, rows = call.memory(), iter(step)
        for flat, positions in zip(memory, covered, strict=True):
            for position in positions:
                flat[position] += length * next(rows)
        values = call.views(memory)
        for k, argument in enumerate(call.arguments):
            if argument.kind == "active":
                values[k] = type(argument.value)(argument.value + length * next(rows))
        value = kernel(*values)
        total = seed * float(value) if seed else 0.0
        for flat, shadow, positions in zip(memory, shadows, covered, strict=True):
            total += float(shadow[positions] @ flat[positions].astype(np.float64))
        return total

    length = 1e-5 if width == 8 else 1e-2
    difference = (objective(length) - objective(-length)) / (2.0 * length)
    np.testing.assert_allclose(
        want.adjoint @ weights,
        difference,
        rtol=1e-6 if width == 8 else 1e-2,
        atol=float(1e-6 * (1 + want.scale.sum())) if width == 8 else float(1e-2 * (1 + want.scale.sum())),
    )
