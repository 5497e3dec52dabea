"""Passing: which arguments of a call are copied before a kernel sees them.

What the kernel writes is copied before each sweep, so that the caller's arrays stay as they are. Of the arrays that it
only reads, one is passed as it is: a second one might be the same array, which a derivative could not handle. The
others are copied once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numba.core import types

from pyfront import kernel as kernels
from pyfront.annotations import Annotation, Interleaved
from pyfront.arguments import call_parameters
from pyfront.derivative import Derivative
from pyfront.operators import text
from pyfront.operators.form import Call, Form, is_copied
from pyfront.operators.program import Buffer, Copy


@dataclass(frozen=True)
class Passing:
    """What happens to each array that has a copy ``c<leaf>``."""

    each_time: tuple[int, ...]
    once: tuple[int, ...]
    never: tuple[int, ...]
    """At most one; ``c<leaf>`` is the argument itself."""

    @staticmethod
    def of_copies(form: Form, call: Call) -> Passing:
        """Everything that a kernel might write is copied each time."""
        return Passing(tuple(leaf for leaf in form.inputs if is_copied(call.types[leaf])), (), ())

    def aliases(self) -> list[str]:
        """Statements that define ``c<leaf>`` where no copy is made."""
        return [f"c{leaf} = a{leaf}" for leaf in self.never]

    def copies(self, call: Call, leaves: Sequence[int]) -> list[Copy]:
        """Copies that a program makes before its only sweep, or its first one."""
        return [Copy(buffer, f"a{leaf}") for leaf, buffer in zip(leaves, self.buffers(call, leaves), strict=True)]

    def buffers(self, call: Call, leaves: Sequence[int]) -> list[Buffer]:
        """The memory of copies."""
        return [Buffer(f"c{leaf}", call.types[leaf], f"a{leaf}.shape") for leaf in leaves]

    def restoring(self, call: Call) -> list[str]:
        """Statements that copy again what a sweep may have written."""
        return [line for leaf in self.each_time for line in text.copy(f"c{leaf}", call.types[leaf], f"a{leaf}")]


@dataclass(frozen=True)
class Sweep:
    """A derivative of the kernel of ``form``, with one annotation per parameter, called with the leaves of ``call``."""

    derivative: Derivative
    annotations: tuple[type[Annotation], ...]
    form: Form
    call: Call

    @property
    def given(self) -> tuple[types.Type, ...]:
        """The types of its arguments, shadows included."""
        result: list[types.Type] = []
        for primal, annotation in zip(self._primals, self.annotations, strict=True):
            result.append(primal)
            if annotation.has_shadow:
                result.append(_shadow(primal, annotation))
        return tuple(result)

    def written(self) -> frozenset[int]:
        """The leaves that the kernel may write."""
        found = self.derivative.written(self.given)
        names = iter(call_parameters(kernels.parameters(self.form.kernel), self.annotations))
        primals: list[str] = []
        for annotation in self.annotations:
            primals.append(next(names))
            if annotation.has_shadow:
                next(names)
        inputs = primals[len(self.form.outputs) :]
        return frozenset(leaf for leaf, name in zip(self.form.inputs, inputs, strict=True) if name in found)

    @property
    def _primals(self) -> list[types.Type]:
        outputs = [output.type for output in self.form.outputs]
        return [*outputs, *(self.call.types[leaf] for leaf in self.form.inputs)]


def passing(sweep: Sweep) -> Passing:
    """How the arguments of a call get to the derivative."""
    form, call = sweep.form, sweep.call
    if call.is_owned:
        return Passing.of_copies(form, call)
    arrays = [leaf for leaf in form.inputs if is_copied(call.types[leaf])]
    written = sweep.written()
    read = [leaf for leaf in arrays if leaf not in written]
    suitable = [leaf for leaf in read if call.passed[leaf] == call.types[leaf]]
    never = sorted(suitable, key=lambda leaf: -call.types[leaf].ndim)[:1]
    return Passing(
        tuple(leaf for leaf in arrays if leaf in written),
        tuple(leaf for leaf in read if leaf not in never),
        tuple(never),
    )


def _shadow(primal: types.Type, annotation: type[Annotation]) -> types.Type:
    if not issubclass(annotation, Interleaved):
        return primal
    if isinstance(primal, types.Array):
        return types.Array(primal.dtype, primal.ndim + 1, "C")
    return types.Array(primal, 1, "C")
