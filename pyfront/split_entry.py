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

from pyfront import entry, native
from pyfront.compiled import Differentiated, Halves
from pyfront.dispatch import EntryDispatcher, Specialize, call_types, seed_type
from pyfront.entry import Body, Executable, Shape, Slots
from pyfront.native import Group, Part

_ADDRESS = types.uintp


class _HalfTarget(Executable):
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


class ForwardDispatcher(EntryDispatcher):
    """The entries of the forward half, by the types of the kernel's arguments."""

    _target = _HalfTarget(Part.FORWARD)

    def __init__(self, shape: Shape, specialize: Specialize) -> None:
        super().__init__(shape, specialize, specialize)

    def _canonical(self, given: tuple[types.Type, ...]) -> tuple[Differentiated, tuple[types.Type, ...]]:
        compiled = self._specialize(given, self._shape.may_alias)
        return compiled, tuple(argument.type for argument in compiled.arguments)

    def _build(self, compiled: Differentiated, canonical: tuple[types.Type, ...]) -> Any:
        return entry.build(compiled, self._shape, canonical, ForwardBody, self._target)


class ReverseDispatcher(EntryDispatcher):
    """The entries of the reverse half, by the types of the arguments and their shadows."""

    _target = _HalfTarget(Part.REVERSE)

    def __init__(self, shape: Shape, specialize: Specialize) -> None:
        super().__init__(shape, specialize, specialize)

    def _canonical(self, given: tuple[types.Type, ...]) -> tuple[Differentiated, tuple[types.Type, ...]]:
        count = len(self._shape.parameters) - 1
        compiled = self._specialize(given[:count], self._shape.may_alias)
        canonical = (*call_types(compiled.arguments), _ADDRESS)
        if self._shape.seeded:
            canonical += (seed_type(compiled, given[-1]),)
        return compiled, canonical

    def _build(self, compiled: Differentiated, canonical: tuple[types.Type, ...]) -> Any:
        return entry.build(compiled, self._shape, canonical, ReverseBody, self._target)
