"""A load that is called stable is never overwritten: checked against the run of random kernels.

`PYFRONT_FUZZ_SECONDS=3600 pytest tests/activity/test_overwrite_sound.py` runs for an hour.
"""

from __future__ import annotations

import os
import time
from itertools import count
from typing import Any

import numba
import numpy as np
import pytest

from activity import affine_programs
from activity.affine_programs import SIGNATURE, Program
from activity.facts import facts

PROGRAMS = 60


def wrongly_stable(program: Program) -> tuple[list[int], int, int]:
    """Lines called stable that are not; lines that are stable; lines called so."""
    overwritten: set[int] = set()
    runs = 0
    for sizes in affine_programs.sizes():
        try:
            overwritten |= program.overwritten(sizes)
        except IndexError:
            continue
        runs += 1
    if not runs:
        return [], 0, 0
    names: dict[str, Any] = {"np": np}
    exec(compile(program.kernel(), "affine_program.py", "exec"), names)
    said = facts(numba.njit(names["kernel"]), SIGNATURE)
    called = [line for line in said.overwrite if said.is_stable(line)]
    return (
        [line for line in called if line in overwritten],
        len([line for line in said.overwrite if line not in overwritten]),
        len(called),
    )


@pytest.mark.parametrize("number", range(PROGRAMS))
def test_stable_loads_are_never_overwritten(number: int) -> None:
    program = affine_programs.draw(number)
    wrong, _, _ = wrongly_stable(program)
    assert not wrong, f"program {number}, lines {wrong}\n{program.kernel()}"


@pytest.mark.skipif("PYFRONT_FUZZ_SECONDS" not in os.environ, reason="runs as long as PYFRONT_FUZZ_SECONDS says")
def test_for_long() -> None:
    end = time.monotonic() + float(os.environ["PYFRONT_FUZZ_SECONDS"])
    stable = called_stable = 0
    for number in count(PROGRAMS):
        if time.monotonic() > end:
            break
        program = affine_programs.draw(number)
        wrong, truly, called = wrongly_stable(program)
        stable += truly
        called_stable += called
        assert not wrong, f"program {number}, lines {wrong}\n{program.kernel()}"
    print(f"{number} programs, {stable} lines with stable loads, {called_stable} of them found")
