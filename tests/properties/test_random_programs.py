"""Random kernels: the derivatives of every mode are right, or refused.

PYFRONT_FUZZ_PROGRAMS is how many programs there are (400), PYFRONT_FUZZ_SEED where their numbers start (0, in
millions). Each program runs in a part of the modes, chosen by its number. A failure prints number, mode and source;
`python -m properties.bulk --number N --reduce` repeats it, in a process of its own, and makes it smaller, and the same
command with `--programs` is for many.
"""

from __future__ import annotations

import itertools
import os

import pytest

from properties.checking import ROTATION, examine
from properties.programs import program
from properties.reduction import smallest

BATCHES = 20
PROGRAMS = int(os.environ.get("PYFRONT_FUZZ_PROGRAMS", "400"))
FIRST = int(os.environ.get("PYFRONT_FUZZ_SEED", "0")) * 1_000_000


def numbers() -> list[int]:
    """The programs of this run."""
    return list(range(FIRST, FIRST + PROGRAMS))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_programs(batch):
    for number in numbers()[batch::BATCHES]:
        its = program(number)
        outcome = examine(its, ROTATION[number % len(ROTATION)], plain=number % 4 == 0)
        assert not outcome.wrong, f"program {number}: {outcome.wrong}\n{its.source}"


def test_most_calls_of_programs_are_compared():
    """The oracle has an answer for nearly every program, or the test above tests little."""
    outcomes = [examine(program(number), ("forward",), plain=False) for number in numbers()[:8]]
    assert sum(outcome.checks["forward"] > 0 for outcome in outcomes) >= 5, outcomes


def test_a_number_gives_the_same_program_each_time():
    assert [program(number) for number in range(20)] == [program(number) for number in range(20)]


def test_reduction_keeps_what_fails():
    """The smallest part of a program that has a `while` and a call of `math.sin`."""
    kernel = next(p for p in map(program, itertools.count()) if "while" in p.source and "math.sin" in p.source)

    def fails(candidate: object) -> bool:
        return "while" in candidate.source and "math.sin" in candidate.source

    smaller = smallest(kernel, fails)
    assert fails(smaller)
    assert len(smaller.source.split("def kernel")[1].splitlines()) <= 5
