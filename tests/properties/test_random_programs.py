"""Random kernels: the derivatives of both modes are right, and no step of the plan changes a bit of the gradient.

PYFRONT_FUZZ_PROGRAMS is how many programs there are (360), PYFRONT_FUZZ_SEED the seed of the first batch (0),
PYFRONT_FUZZ_SECONDS keeps each batch going with fresh seeds for that long, PYFRONT_FUZZ=1 until a program fails and
from a seed that nobody has tried; PYFRONT_FUZZ_REDUCE=1 makes a failing program smaller. A failure prints seed, number
and source of its program; PYFRONT_FUZZ_NUMBER=... runs just that one. The source under test also lies in the temporary
directory, in case the process dies.
"""

from __future__ import annotations

import itertools
import linecache
import os
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from oracle import active, check, const, dup
from oracle.arguments import Annotated

from properties.programs import SIZE, Program, program
from properties.reduction import reduced

BATCHES = 24
PROGRAMS = int(os.environ.get("PYFRONT_FUZZ_PROGRAMS", "360"))
ENDLESS = os.environ.get("PYFRONT_FUZZ") == "1"
FIRST_SEED = int(os.environ.get("PYFRONT_FUZZ_SEED", time.time_ns() if ENDLESS else 0))
SECONDS = float(os.environ.get("PYFRONT_FUZZ_SECONDS", "inf" if ENDLESS else "0"))
REDUCE = os.environ.get("PYFRONT_FUZZ_REDUCE") == "1"
NUMBER = os.environ.get("PYFRONT_FUZZ_NUMBER")
# The seeds of one round are those of all batches.
ROUND = 1000


def vector(layout: str, random: np.random.Generator, size: int) -> np.ndarray:
    """Random numbers in this layout."""
    if layout == "strided":
        return random.uniform(-1.5, 1.5, 2 * size)[::2]
    if layout == "reversed":
        return random.uniform(-1.5, 1.5, size)[::-1]
    return random.uniform(-1.5, 1.5, size)


def arguments(kernel: Program, call: int) -> list[Annotated]:
    """The arguments of one call of the program."""
    random = np.random.default_rng(call)
    a, b = vector(kernel.layout, random, SIZE), vector(kernel.layout, random, SIZE)
    if kernel.aliased:
        memory = vector(kernel.layout, random, SIZE + 1)
        a, b = memory[:-1], memory[1:]
    x, y = random.uniform(-1.5, 1.5, 2)
    return [
        active(float(x)),
        active(float(y)),
        dup(a),
        dup(b),
        dup(random.uniform(-1.5, 1.5, (SIZE, SIZE))),
        const(random.uniform(-1.5, 1.5, SIZE)),
        const(random.integers(0, SIZE, SIZE)),
        const(SIZE),
        const(int(random.integers(0, 4))),
        const(int(random.integers(1, 4))),
    ]


def load(kernel: Program) -> object:
    """The compiled kernel of a program; tracebacks and diagnostics show its lines."""
    path = Path(tempfile.gettempdir()) / f"pyfront-program-{os.getpid()}.py"
    path.write_text(kernel.source)
    linecache.checkcache(str(path))
    scope: dict[str, object] = {"__name__": "program"}
    exec(compile(kernel.source, str(path), "exec"), scope)
    return scope["kernel"]


def run(kernel: Program) -> None:
    """Two calls; the first one also without all steps of the plan."""
    compiled = load(kernel)
    check(compiled, *arguments(kernel, 1))
    check(compiled, *arguments(kernel, 2), without=())


def failure(kernel: Program) -> str | None:
    """The kind of failure of a program, without what depends on numbers and names."""
    try:
        run(kernel)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else ""
        return f"{type(error).__name__}: {re.sub(r'[^a-zA-Z ]+', '#', re.sub(r'/[^ ]*', '#', first))[:80]}"
    return None


def run_number(number: int, label: str) -> None:
    """The program of this number, with its source on failure."""
    kernel = program(number)
    try:
        run(kernel)
    except BaseException as error:
        if REDUCE:
            kind = failure(kernel)
            kernel = reduced(kernel, lambda smaller: failure(smaller) == kind)
        error.add_note(f"{label}program {number}, layout {kernel.layout}, aliased {kernel.aliased}:\n{kernel.source}")
        raise


def run_batch(first: int, count: int) -> None:
    """So many programs from this seed."""

    @seed(first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**60))
    def every_program(number: int) -> None:
        run_number(number, f"seed {first}, ")

    every_program()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_programs(batch):
    if NUMBER is not None:
        if batch == 0:
            run_number(int(NUMBER), "")
        return
    end = time.monotonic() + SECONDS
    for turn in itertools.count():
        run_batch(FIRST_SEED + turn * ROUND + batch, PROGRAMS // BATCHES)
        if time.monotonic() >= end:
            break


def test_a_number_gives_the_same_program_each_time():
    assert [program(number) for number in range(20)] == [program(number) for number in range(20)]


def test_reduction_keeps_what_fails():
    """The smallest part of a program that has a `while` and a store to `b`."""
    kernel = next(p for p in map(program, itertools.count()) if "while" in p.source and "        b[" in p.source)

    def fails(candidate: Program) -> bool:
        try:
            compile(candidate.source, "candidate", "exec")
        except SyntaxError:
            return False
        return "while" in candidate.source and " b[" in candidate.source.split("def kernel")[1]

    smaller = reduced(kernel, fails)
    assert fails(smaller)
    assert len(smaller.source.split("def kernel")[1].splitlines()) <= 4
