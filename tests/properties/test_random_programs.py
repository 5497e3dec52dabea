"""Random kernels: the reverse derivative is right, and no step of the plan changes a bit of it.

PYFRONT_FUZZ_PROGRAMS is the number of programs (500), PYFRONT_FUZZ_SEED the first seed (0; each batch of programs has
its own), PYFRONT_FUZZ_SECONDS keeps each batch going with fresh seeds for that long, PYFRONT_FUZZ_SHRINK=1 makes
hypothesis look for the smallest failing program. A failure prints seed and source; the source under test also lies in
the temporary directory, in case the process dies.
"""

from __future__ import annotations

import itertools
import linecache
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from oracle import active, check, const, dup
from oracle.arguments import Annotated
from properties.programs import SIZE, Program, programs

BATCHES = 20
PROGRAMS = int(os.environ.get("PYFRONT_FUZZ_PROGRAMS", "500"))
FIRST_SEED = int(os.environ.get("PYFRONT_FUZZ_SEED", "0"))
SECONDS = float(os.environ.get("PYFRONT_FUZZ_SECONDS", "0"))
SHRINK = [Phase.shrink] if os.environ.get("PYFRONT_FUZZ_SHRINK") == "1" else []
# Each round of seeds is for all batches together.
ROUND = 1000


def vector(program: Program, random: np.random.Generator, size: int) -> np.ndarray:
    """Random numbers in the program's layout."""
    if program.layout == "strided":
        return random.uniform(-1.5, 1.5, 2 * size)[::2]
    if program.layout == "reversed":
        return random.uniform(-1.5, 1.5, size)[::-1]
    return random.uniform(-1.5, 1.5, size)


def arguments(program: Program, number: int) -> list[Annotated]:
    """The arguments of one call of the program."""
    random = np.random.default_rng(number)
    a, b = vector(program, random, SIZE), vector(program, random, SIZE)
    if program.aliased:
        memory = vector(program, random, SIZE + 1)
        a, b = memory[:-1], memory[1:]
    x, y = random.uniform(-1.5, 1.5, 2)
    m = random.uniform(-1.5, 1.5, (SIZE, SIZE))
    return [
        active(float(x)),
        active(float(y)),
        dup(a),
        dup(b),
        dup(m if number % 2 or program.layout != "strided" else m),
        const(random.uniform(-1.5, 1.5, SIZE)),
        const(random.integers(0, SIZE, SIZE)),
        const(SIZE),
        const(int(random.integers(0, 4))),
        const(int(random.integers(1, 4))),
    ]


def load(program: Program) -> object:
    """The compiled kernel of a program; tracebacks and diagnostics show its lines."""
    path = Path(tempfile.gettempdir()) / f"pyfront-program-{os.getpid()}.py"
    path.write_text(program.source)
    linecache.checkcache(str(path))
    scope: dict[str, object] = {"__name__": "program"}
    exec(compile(program.source, str(path), "exec"), scope)
    return scope["kernel"]


def run(program: Program) -> None:
    """Two calls; the first one also without all steps of the plan."""
    kernel = load(program)
    check(kernel, *arguments(program, 1))
    check(kernel, *arguments(program, 2), without=())


def run_batch(first: int, count: int) -> None:
    """So many programs from this seed."""

    @seed(first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, *SHRINK],
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def every_program(program: Program) -> None:
        try:
            run(program)
        except BaseException as error:
            error.add_note(f"seed {first}, layout {program.layout}, aliased {program.aliased}:\n{program.source}")
            raise

    every_program()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_programs(batch):
    end = time.monotonic() + SECONDS
    for turn in itertools.count():
        run_batch(FIRST_SEED + turn * ROUND + batch, PROGRAMS // BATCHES)
        if time.monotonic() >= end:
            break
