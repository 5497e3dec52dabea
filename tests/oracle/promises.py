"""`check(kernel, *annotated arguments)`: everything that the derivatives of a kernel promise about one call, compared.

What reverse mode promises is in `adjoints`, in two halves in `halves`, forward mode in `tangents`, batches in
`batches`. With PYFRONT_AUDIT_ORACLE=1 the engine is left out and the oracle itself is compared with finite differences
of the compiled kernel.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.adjoints import PLAN_STEPS, Adjoints, check_reverse
from oracle.arguments import Allocations, Annotated
from oracle.batches import check_batches
from oracle.case import Case
from oracle.compare import assert_same_bits
from oracle.halves import check_split, halves
from oracle.structure import floats_of
from oracle.tangents import Tangents, check_forward, random_tangents


def check(
    kernel: Callable[..., Any],
    *arguments: Annotated,
    seed: float = 0.75,
    each_step: bool = False,
    without: tuple[str, ...] = PLAN_STEPS,
    width: int | None = None,
) -> None:
    """Compares the derivatives of one call with the oracle, with the plain kernel and with each other.

    `width` is 4 for a kernel that rounds to float32 inside, though none of its arguments is one. `without` are the
    plan steps switched off for the second reverse derivative, whose bits must be those of the first (none: no second
    derivative); `each_step` also switches off every step alone.
    """
    case = Case.of(kernel, arguments, seed, width)
    if os.environ.get("PYFRONT_AUDIT_ORACLE") == "1":
        audit(case)
        return
    pulled = check_reverse(case, without, each_step)
    check_forward(case, pulled.inputs(case.call))
    check_batches(case)
    check_split(case, pulled)


def check_raises(kernel: Callable[..., Any], *arguments: Annotated) -> BaseException:
    """The derivatives raise what the kernel raises and leave the arrays as the kernel does; in reverse mode no shadow
    is touched, in forward mode tangents are those of some moment of the kernel's run."""
    call = Allocations(arguments)
    plain_memory = call.memory()
    plain = raised(lambda: kernel(*call.views(plain_memory)))
    if os.environ.get("PYFRONT_AUDIT_ORACLE") == "1":
        return plain

    from pyfront import engine

    def assert_raises_the_same(run: Callable[[list[np.ndarray]], Any]) -> None:
        memory = call.memory()
        got = raised(lambda: run(memory))
        same = type(got) is type(plain) and got.args == plain.args
        assert same, f"raised {got!r}, the kernel raises {plain!r}"
        assert_same_bits(memory, plain_memory, "an array differs from what the kernel leaves in it")
        assert engine.load().arena_in_use() == 0, "the call left something on the arena"

    random = np.random.default_rng(0)
    shadows = call.shadows(random)
    for disable in ((), PLAN_STEPS):
        after = [flat.copy() for flat in shadows]
        adjoints = Adjoints(kernel, call, disable=disable)
        assert_raises_the_same(lambda memory: adjoints.run(memory, after))
        assert_same_bits(after, shadows, "a shadow was touched")
    forward, _ = halves(kernel, call)
    live = engine.load().live_tapes()
    assert_raises_the_same(lambda memory: forward(*call.views(memory)))
    assert engine.load().live_tapes() == live, "a tape is left"
    tangents = Tangents(kernel, call)
    assert_raises_the_same(lambda memory: tangents.run(memory, shadows, random_tangents(call, random)))
    return plain


def raised(call: Callable[[], Any]) -> BaseException:
    """The exception that the call raises."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("the call raised nothing")


def audit(case: Case) -> None:
    """The oracle's adjoints along one random direction against a central difference of the compiled kernel."""
    call, want = case.call, case.want
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
        value = case.kernel(*values)
        total = 0.0
        if case.returns_float:
            total = sum(s * float(v) for s, v in zip(floats_of(case.seed), floats_of(value), strict=True))
        for flat, shadow, positions in zip(memory, case.shadows, covered, strict=True):
            total += float(shadow[positions] @ flat[positions].astype(np.float64))
        return total

    length = 1e-5 if case.width == 8 else 1e-2
    difference = (objective(length) - objective(-length)) / (2.0 * length)
    np.testing.assert_allclose(
        want.adjoint @ weights,
        difference,
        rtol=1e-6 if case.width == 8 else 1e-2,
        atol=float(1e-6 * (1 + want.scale.sum())) if case.width == 8 else float(1e-2 * (1 + want.scale.sum())),
    )
