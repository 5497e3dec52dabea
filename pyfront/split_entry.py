"""Entries of split derivatives: what Python calls for the forward half and for the reverse half.

    forward   the kernel's arguments                          ->  (value, address of the tape)
    reverse   those again, each with its shadow; tape [, seed] ->  the adjoints

The reverse entry gets the kernel's arguments only to check the shadows against them, so that both halves have the
checks, and the errors, of a derivative in one piece. The address of a tape is an integer here; that it is one is seen
to by ``split``, whose objects alone call these entries: compiled code cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import types

from pyfront import native
from pyfront.compiled import Differentiated, Halves
from pyfront.entry import Body, Executable, Slots
from pyfront.native import Group, Part
from pyfront.shape import Shape

_ADDRESS = types.uintp


class HalfTarget(Executable):
    """One half of a derivative, as `Body.part` of its entry says which."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Halves) -> ir.Value:
        return native.by_address(context, builder, derivative, self._part, derivative.addresses[self._part.suffix])


class ForwardBody(Body):
    """Writes the body of an entry that runs the kernel and returns its value and a tape."""

    part = Part.FORWARD
    _tape: ir.Value

    @staticmethod
    def result_type(compiled: Differentiated, shape: Shape) -> types.Type:
        return types.BaseTuple.from_types([compiled.returns, _ADDRESS])

    def _assign(self, values: list[ir.Value]) -> None:
        self._primal = values
        self._shadow = [None] * len(values)

    def _values(self, slots: Slots) -> dict[Group, Sequence[ir.Value]]:
        self._tape = self._slot(_ADDRESS)
        return {**super()._values(slots), Group.TAPE_OUT: [self._tape]}

    def _outputs(self, slots: Slots) -> list[ir.Value]:
        return []

    def _result(self, slots: Slots) -> ir.Value:
        elements = [self._value(slots), self._load(_ADDRESS, self._tape)]
        return self._context.make_tuple(self._builder, self._restype, elements)


class ReverseBody(Body):
    """Writes the body of an entry that runs the reverse sweep on a tape."""

    part = Part.REVERSE
    _tape: ir.Value

    def _assign(self, values: list[ir.Value]) -> None:
        self._tape = values.pop(-2 if self._shape.seeded else -1)
        super()._assign(values)

    def _values(self, slots: Slots) -> dict[Group, Sequence[ir.Value]]:
        return {**super()._values(slots), Group.TAPE: [self._builder.inttoptr(self._tape, native.POINTER)]}
