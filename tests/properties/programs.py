"""Random kernels as Python source text: a signature, a few features, a body, a result.

`program(number)` draws the same program each time. Programs are small on purpose: a wrong derivative then points at its
cause, and compiling is what limits how many can be tried.
"""

from __future__ import annotations

from dataclasses import dataclass

from oracle.arguments import Annotated

from properties import parameters
from properties.drawing import LARGEST, Drawing
from properties.features import FEATURES, PLAIN
from properties.parameters import Signature, draw_signature

CALLS = 4

PRELUDE = """\
import math

import numpy as np
from numba import njit
from properties.helpers import KNOTS, STRAIGHT, alone, both, clip, counted, doubled, either, every_other, first_or_raise
from properties.helpers import halves, mix, relax, root_or_raise, soft_minimum, tail, total
from properties.helpers import adjoints_of_total, slope_of_bump, slopes_of_mix, tangents_of_relax
from properties.recursive import by_views, ebb, eliminated, exchanged, falls, fraction, lent, parted, powered, reduced
from properties.recursive import remainder, settle, stacked, tree, with_rules, woven
from properties.ruled import curve, level, level_of, pressed, waves


"""


@dataclass(frozen=True)
class Program:
    """Source of the kernel `kernel`, and what is known of it."""

    number: int
    source: str
    signature: Signature
    features: tuple[str, ...]
    fastmath: bool
    result: str

    @property
    def aliased(self) -> bool:
        """Whether Duplicated arguments share memory, which compiled code refuses."""
        aliasing = self.signature.aliasing
        return aliasing is not None and aliasing.first != "work"

    @property
    def narrow(self) -> bool:
        """Whether something in it is rounded to float32."""
        rounds = {"narrow arrays", "tuples"}.intersection(self.features) or self.result == "mixed"
        return (
            bool(rounds)
            or "np.float32(" in self.source
            or any(parameter.dtype == "f4" for parameter in self.signature.parameters)
        )

    def arguments(self, call: int) -> list[Annotated]:
        """The annotated arguments of a call, 0 to CALLS - 1."""
        return parameters.arguments(self.signature, self.number, call)


def draw_result(d: Drawing) -> str:
    """The form of the result; every return statement has it."""
    forms = (
        ["mixed", "mixed", "nested"] if d.has("tuples") else ["float", "float", "float", "none", "none", "one", "pair"]
    )
    form = d.pick(forms)

    def returns() -> str:
        first = d.bounded(LARGEST, 1)
        if form == "none":
            return "return"
        if form == "one":
            return f"return ({first},)"
        if form == "pair":
            return f"return {first}, {d.bounded(LARGEST, 1)}"
        if form == "mixed":
            return f"return {first}, n, np.float32({d.bounded(LARGEST, 1)})"
        if form == "nested":
            return f"return (z, ({first},)), {d.bounded(LARGEST, 1)}, ({d.condition()},)"
        return f"return {first}"

    d.returns = returns
    return form


def program(number: int) -> Program:
    """The random kernel of this number."""
    d = Drawing(number, PLAIN, FEATURES)
    signature = draw_signature(d)
    result = draw_result(d)
    # A local variable, so that there is something to assign.
    d.emit(f"s = {d.pick(['0.0', '0.5', d.scope.scalars[0]])}")
    d.scope.scalars.append("s")
    if not d.one_in(4):
        d.pick(PLAIN.statements[-4:-1])(d)
    while d.budget > 0:
        d.statement()
    if result != "none":
        d.emit(d.returns())
    # Numba's powers with an int32 for exponent are a function that is not there under `fastmath`.
    fastmath = d.one_in(10) and not d.has("masked") and not any("** z" in line for line in d.lines)
    head = f"@njit{'(fastmath=True)' if fastmath else ''}\ndef kernel({signature.text}):\n"
    source = PRELUDE + head + "\n".join(d.lines) + "\n"
    return Program(number, source, signature, tuple(f.name for f in d.features), fastmath, result)
