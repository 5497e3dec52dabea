"""What a split derivative promises about one call, compared.

The promises: the forward half leaves arrays and result as a plain call does; whatever the caller then writes into the
arrays, the reverse half gives the adjoints of the oracle, and those of the derivative in one piece bit for bit where
no step of the plan changes the order of sums; a second reverse half on the same tape gives the same bits; nothing is
left on the arena, and no tape once it is closed.

A split derivative is one more to compile, which is why only a part of all cases is checked, the same part each time;
with PYFRONT_SPLIT_ALL=1 all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from oracle.adjoints import REORDERING, Pulled, assert_gradient
from oracle.arguments import Allocations
from oracle.case import Case
from oracle.structure import numbers_of

# One case in so many is checked in halves, and not those that are checked in batches.
EVERY, TURN = 6, 2


def halves(kernel: Callable[..., Any], call: Allocations) -> tuple[Any, Any]:
    """The halves of the kernel's derivative for the annotations of a call."""
    import pyfront as ad

    annotation = {"const": ad.Const, "active": ad.Active, "duplicated": ad.Duplicated}
    return ad.autodiff_split(kernel, *(annotation[argument.kind] for argument in call.arguments))


def check_split(case: Case, whole: Pulled) -> None:
    """Compares the halves with `whole`, the result of the derivative in one piece, for a part of all cases."""
    if case.draw() % EVERY == TURN or os.environ.get("PYFRONT_SPLIT_ALL") == "1":
        compare(case, whole)


def compare(case: Case, whole: Pulled | None) -> None:
    """The halves of this case, also with `whole` if it is known."""
    from pyfront import engine

    forward, reverse = halves(case.kernel, case.call)
    live = engine.load().live_tapes()
    memory = case.call.memory()
    value, tape = forward(*case.call.views(memory))
    case.assert_primal(memory, value)
    before = [flat.copy() for flat in memory]
    for flat in memory:
        flat.view(np.uint8)[...] = 0xFF
    runs = [_reversed(case, reverse, tape, before, value) for _ in range(3)]
    for flat in memory:
        assert (flat.view(np.uint8) == 0xFF).all(), "the reverse half wrote into an array of the forward call"
    assert_gradient(case, runs[0])
    for run in runs[1:]:
        assert run.bits() == runs[0].bits(), "another reverse half on the same tape gives other bits"
    if whole and not any(f"\n{step}\n" in plan for plan in reverse.inspect_plan().values() for step in REORDERING):
        assert runs[0].bits() == whole.bits(), "split and whole derivative differ"
    tape.close()
    assert engine.load().live_tapes() == live
    assert engine.load().arena_in_use() == 0


def _reversed(case: Case, reverse: Any, tape: Any, memory: list[np.ndarray], value: Any) -> Pulled:
    """One run of the reverse half on fresh shadows; `memory` and `value` are what the forward half left."""
    shadows = [flat.copy() for flat in case.shadows]
    given = [
        shadow
        for argument, shadow in zip(case.call.arguments, case.call.views(shadows), strict=True)
        if argument.kind == "duplicated"
    ]
    adjoints = reverse(*given, tape, **({"seed": case.seed} if case.returns_float else {}))
    numbers = numbers_of(adjoints) if case.call.active else ()
    return Pulled(memory, shadows, numbers, value)
