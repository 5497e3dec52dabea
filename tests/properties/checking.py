"""One random program against the oracle, in one mode at a time.

`examine(program, modes)` runs each call of a program through the modes and says what came of it: how many checks there
were, what was wrong, what was refused and why, and what was left out (calls on which the kernel itself has no value,
or no single derivative).

What counts as wrong: a derivative that differs from the oracle's, another primal than the plain call's, an exception
that the kernel does not raise, an internal error. A refusal by a typed error is no mistake, but it is counted.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
from activity.machine import Unknown
from activity.runs import Refused, check_facts
from numba.core.errors import NumbaError
from oracle import halves
from oracle import operators as of_operators
from oracle.adjoints import PLAN_STEPS, Adjoints, check_reverse
from oracle.arguments import Allocations, Annotated
from oracle.batches import check_adjoints, check_tangents
from oracle.case import Case, has_derivative
from oracle.compare import bits_of
from oracle.promises import raised
from oracle.structure import floats_of, numbers_of
from oracle.tangents import Tangents, check_forward, random_tangents
from oracle.twice import check_second_order

from properties.programs import CALLS, Program
from pyfront import engine
from pyfront.errors import AutodiffError, EngineMismatch, EngineNotFound, InternalError

SEED = 0.75


@dataclass
class Outcome:
    """What came of one program."""

    checks: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, int, str]] = field(default_factory=list)
    """Mode, call, and what was wrong."""
    refused: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        return vars(self)


class LeftOut(Exception):
    """A call on which nothing can be compared, and why."""


def load(program: Program) -> Any:
    """The compiled kernel of a program; tracebacks and diagnostics show its lines."""
    path = Path(tempfile.gettempdir()) / f"pyfront-program-{os.getpid()}.py"
    path.write_text(program.source)
    linecache.checkcache(str(path))
    scope: dict[str, Any] = {"__name__": "program"}
    exec(compile(program.source, str(path), "exec"), scope)
    return scope["kernel"]


def prepared(kernel: Any, arguments: tuple[Annotated, ...], plain: bool, narrow: bool = False) -> Case:
    """The case, if the kernel has a value and a derivative there; `narrow`: something is rounded to float32."""
    width = 4 if narrow else None
    try:
        case = Case.of(kernel, arguments, SEED, width, plain=plain)
        if not plain and any(isinstance(number, int) for number in numbers_of(case.value)):
            # The sum of no objects is an integer, that of no floats is not: the compiled kernel knows.
            case = replace(Case.of(kernel, arguments, SEED, width, plain=True), plain=False)
    except ValueError as error:
        if "random kernel" in str(error):
            raise
        raise LeftOut(f"kernel raises {type(error).__name__}") from error
    except (ArithmeticError, IndexError) as error:
        raise LeftOut(f"kernel raises {type(error).__name__}") from error
    except NumbaError as error:
        raise LeftOut("Numba does not compile it") from error
    except TypeError as error:
        raise LeftOut(f"oracle: {str(error)[:80]}") from error
    except AssertionError as error:
        raise LeftOut("oracle and kernel differ") from error
    if case.want.kinks:
        raise LeftOut(f"kink of {case.want.kinks[0]}")
    results = [case.want.tangents, case.want.adjoint]
    shown = [flat[positions] for flat, positions in zip(case.memory, case.call.covered(), strict=True)]
    if not all(np.isfinite(numbers).all() for numbers in (*results, *shown)):
        raise LeftOut("not finite")
    if not np.isfinite(floats_of(case.value)).all():
        raise LeftOut("not finite")
    if len(floats_of(case.value)) != len(floats_of(case.want.value)):
        raise LeftOut("oracle: the sum of nothing, in a tuple")
    return case


# Modes.


def reverse(case: Case) -> None:
    check_reverse(case, (), False)


def without_steps(case: Case) -> None:
    check_reverse(case, PLAN_STEPS, False)


def forward(case: Case) -> None:
    check_forward(case, None)


def both_modes(case: Case) -> None:
    """Also the inner products of the two."""
    check_forward(case, check_reverse(case, (), False).inputs(case.call))


def separate(case: Case) -> None:
    """Arguments of a batch may not share memory, and compiled code refuses some that do."""
    shown = [place[0] for place in case.call.places if place is not None]
    if len(set(shown)) < len(shown):
        raise LeftOut("aliased")


def without_tuples(case: Case) -> None:
    """The checks of batches know no active tuples."""
    if any(argument.kind == "active" and isinstance(argument.value, tuple) for argument in case.call.arguments):
        raise LeftOut("an active tuple")


def batch_of_tangents(case: Case) -> None:
    separate(case)
    without_tuples(case)
    check_tangents(case, stacked=False, single=False)


def batch_of_adjoints(case: Case) -> None:
    separate(case)
    without_tuples(case)
    if not any(argument.kind == "duplicated" for argument in case.call.arguments):
        raise LeftOut("no array")
    check_adjoints(case, seed_per_lane=has_derivative(case.value), single=False)


def split(case: Case) -> None:
    halves.compare(case, None)


def nested(case: Case) -> None:
    separate(case)
    check_second_order(case)


def facts(case: Case) -> None:
    """No run contradicts what the engine's analyses say of the kernel."""
    try:
        check_facts(case)
    except (Unknown, Refused) as error:
        raise LeftOut(str(error)) from error


def operators(case: Case) -> None:
    if not isinstance(case.value, (float, np.floating)):
        raise LeftOut("no float")
    separate(case)
    of_operators.check_gradient(case)


MODES: dict[str, Callable[[Case], None]] = {
    "reverse": reverse,
    "forward": forward,
    "both": both_modes,
    "without steps": without_steps,
    "batch of tangents": batch_of_tangents,
    "batch of adjoints": batch_of_adjoints,
    "split": split,
    "nested": nested,
    "operators": operators,
    "facts": facts,
}

# Every program runs in these, by its number.
ROTATION = (
    ("reverse", "forward"),
    ("reverse", "batch of tangents"),
    ("both", "facts"),
    ("without steps", "facts"),
    ("reverse", "split"),
    ("reverse", "forward"),
    ("reverse", "batch of adjoints"),
    ("both", "facts"),
    ("forward", "nested"),
    ("reverse", "operators"),
)


def raising(kernel: Any, arguments: tuple[Annotated, ...], mode: str) -> None:
    """The derivative raises what the kernel raises, and leaves shadows and arena alone."""
    call = Allocations(arguments)
    shadows = call.shadows(np.random.default_rng(0))
    memory, after = call.memory(), [flat.copy() for flat in shadows]

    def run() -> None:
        if mode == "forward":
            Tangents(kernel, call).run(memory, after, random_tangents(call, np.random.default_rng(1)))
        else:
            Adjoints(kernel, call).run(memory, after)

    error = raised(run)
    if isinstance(error, AutodiffError):
        raise error
    plain = raised(lambda: kernel(*call.views(call.memory())))
    assert bits_of(error.args) == bits_of(plain.args), f"raised {error!r}, the kernel {plain!r}"
    assert engine.load().arena_in_use() == 0, "the call left something on the arena"
    same = mode == "forward" or all(a.tobytes() == b.tobytes() for a, b in zip(after, shadows, strict=True))
    assert same, "a shadow was touched"


def cases(program: Program, kernel: Any, outcome: Outcome, plain: bool) -> Iterator[tuple[int, Case | None, Any]]:
    """The calls that can be compared: number, case (none where the kernel raises) and arguments."""
    types: Any = None
    for call in range(CALLS):
        arguments = tuple(program.arguments(call))
        its = [numba.typeof(argument.value) for argument in arguments]
        if types is None:
            types = its
        if its != types:
            outcome.left_out["other types"] += 1
            continue
        try:
            yield call, prepared(kernel, arguments, plain, program.narrow), arguments
        except LeftOut as reason:
            outcome.left_out[str(reason)] += 1
        except ValueError:
            yield call, None, arguments


def compiles(kernel: Any, arguments: tuple[Annotated, ...]) -> bool:
    """Whether Numba compiles the kernel itself."""
    try:
        kernel.compile(tuple(numba.typeof(argument.value) for argument in arguments))
    except NumbaError:
        return False
    return True


def as_the_oracle(kernel: Any, arguments: tuple[Annotated, ...], *, raises: bool) -> bool:
    """Whether the compiled kernel itself does what CPython does; Numba loses some exceptions that a loop catches, and
    some that are raised after one was caught."""
    if raises:
        call = Allocations(arguments)
        try:
            kernel(*call.views(call.memory()))
        except ValueError:
            return True
        return False
    try:
        prepared(kernel, arguments, plain=True)
    except (LeftOut, ValueError):
        return False
    return True


def reason(error: BaseException) -> str:
    """A refusal without names and places."""
    text = re.sub(r"^.*?:\d+: ", "", str(error).splitlines()[0])
    return f"{type(error).__name__}: {re.sub(r'`[^`]*`', '`_`', text)[:100]}"


def examine(program: Program, modes: tuple[str, ...], plain: bool, only_call: int | None = None) -> Outcome:
    """All calls of a program in these modes; a mode ends with its first mistake or refusal."""
    outcome = Outcome()
    kernel = load(program)
    done: set[str] = set()
    for call, case, arguments in cases(program, kernel, outcome, plain and not program.fastmath):
        for mode in modes:
            if mode in done or (only_call is not None and call != only_call):
                continue
            if case is None and mode not in ("reverse", "forward"):
                continue
            try:
                if case is None:
                    raising(kernel, arguments, mode)
                else:
                    MODES[mode](case)
                outcome.checks[mode] += 1
            except LeftOut as why:
                outcome.left_out[f"{mode}: {why}"] += 1
            except (EngineMismatch, EngineNotFound):
                raise
            except InternalError as error:
                outcome.wrong.append((mode, call, f"InternalError: {str(error).splitlines()[0]}"))
                done.add(mode)
            except AutodiffError as error:
                outcome.refused[reason(error)] += 1
                done.add(mode)
            except NumbaError as error:
                if not compiles(kernel, arguments):
                    outcome.left_out["Numba does not compile it"] += 1
                    return outcome
                outcome.wrong.append((mode, call, f"{type(error).__name__}: {error}"))
                done.add(mode)
            except Exception as error:
                if not as_the_oracle(kernel, arguments, raises=case is None):
                    outcome.left_out["Numba and CPython differ"] += 1
                    continue
                outcome.wrong.append((mode, call, f"{type(error).__name__}: {error}"))
                done.add(mode)
                with contextlib.suppress(Exception):
                    engine.load().release_memory()
    return outcome
