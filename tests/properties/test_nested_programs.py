"""Random kernels differentiated twice: the four ways to nest the modes agree.

With F the kernel as a function of its duplicated arrays, every nesting gives the same number, the change along w of
<s, F' v>. Two reverse modes and two forward modes share little of their code, so agreement is evidence.

PYFRONT_FUZZ_NESTED is how many programs there are (8), PYFRONT_FUZZ_SEED where their numbers start (0, in millions).
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pytest
from oracle.arguments import Allocations

import pyfront as ad
from properties.checking import LeftOut, load, prepared
from properties.programs import Program, program
from properties.test_random_programs import FIRST

PROGRAMS = int(os.environ.get("PYFRONT_FUZZ_NESTED", "8"))
# Sums in different orders; the bound is that of the random programs, whose values stay near one.
TOLERANCE = 1e-9

Arrays = list[np.ndarray]


class Twice:
    """The second derivatives of one program at one point."""

    def __init__(self, kernel: Program) -> None:
        # Active scalars are constants here.
        self.call = Allocations(tuple(kernel.arguments(1)))
        kinds = [argument.kind == "duplicated" for argument in self.call.arguments]
        self.duplicated = [k for k, kind in enumerate(kinds) if kind]
        annotations = [ad.Duplicated if kind else ad.Const for kind in kinds]
        self.annotations = [each for kind in kinds for each in ([ad.Duplicated] * 2 if kind else [ad.Const])]
        compiled: Any = load(kernel)
        self.gradient = ad.autodiff(compiled, *annotations)
        self.slope = ad.autodiff(compiled, *annotations, mode=ad.Forward)

    def run(self, function: Any, mode: Any, *shadows: Arrays | None) -> tuple[Any, list[Arrays]]:
        """One call of the derivative of a derivative, and the views of its three shadows afterwards.

        The shadows are that of the primal, the inner derivative's own, and that of the latter; None stands for zeros.
        """
        zeros = [np.zeros_like(flat) for flat in self.call.memory()]
        memory = [self.call.views([flat.copy() for flat in shadow or zeros]) for shadow in shadows]
        actual: list[Any] = []
        for k, value in enumerate(self.call.views(self.call.memory())):
            actual += [value, *(lane[k] for lane in memory)] if k in self.duplicated else [value]
        result = ad.autodiff(function, *self.annotations, mode=mode)(*actual)
        return result, [[lane[k] for k in self.duplicated] for lane in memory]

    def weighed(self, left: Arrays, memory: Arrays) -> float:
        """The inner product of views with what lies in memory at their places."""
        views = self.call.views(memory)
        return sum(float((array * views[k]).sum()) for array, k in zip(left, self.duplicated, strict=True))

    def nestings(self, v: Arrays, w: Arrays, s: Arrays) -> dict[str, float]:
        """The same number, four times."""
        _, (_, _, changed) = self.run(self.gradient, ad.Forward, w, s, None)
        _, (pulled, _, _) = self.run(self.gradient, ad.Reverse, None, s, v)
        slope, (_, _, bent) = self.run(self.slope, ad.Forward, w, v, None)
        _, (adjoint, _, _) = self.run(self.slope, ad.Reverse, None, v, s)
        return {
            "forward over reverse": self.weighed(changed, v),
            "reverse over reverse": self.weighed(pulled, w),
            "forward over forward": self.weighed(bent, s) + (slope or 0.0),
            "reverse over forward": self.weighed(adjoint, w),
        }


def numbers() -> list[int]:
    """The programs: of float64, without arguments that alias, which compiled code refuses, and with a value at the
    point, as the oracle says."""

    def suits(number: int) -> bool:
        its = program(number)
        if its.aliased or its.narrow or its.result not in ("float", "none"):
            return False
        try:
            prepared(load(its), tuple(its.arguments(1)), plain=False)
        except (LeftOut, ValueError):
            return False
        return True

    return list(itertools.islice(filter(suits, itertools.count(FIRST)), PROGRAMS))


@pytest.mark.parametrize("number", numbers())
def test_nestings_agree(number):
    kernel = program(number)
    twice = Twice(kernel)
    random = np.random.default_rng(number)
    try:
        found = twice.nestings(*(twice.call.shadows(random) for _ in range(3)))
    except ad.UnsupportedError as error:
        if "a derivative of a derivative of a kernel that calls" not in str(error):
            raise
        pytest.skip(str(error))
    spread = max(found.values()) - min(found.values())
    assert spread <= TOLERANCE * max(1.0, *map(abs, found.values())), f"{found}\n{kernel.source}"
