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
from pyfront.compiled import FORWARD_HALF, REVERSE_HALF, Differentiated, Halves
from pyfront.dispatch import EntryDispatcher, Specialize, call_types, seed_type
from pyfront.entry import Body, Executable, Shape

_ADDRESS = types.uintp


class _ForwardTarget(Executable):
    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Halves) -> ir.Value:
        primal = context.get_arg_packer(tuple(argument.type for argument in derivative.arguments)).argument_types
        value = [] if derivative.returns is types.none else [native.POINTER]
        parameters = [native.POINTER, *primal, *value, native.POINTER]
        symbol = derivative.symbol + FORWARD_HALF
        return _callee(context, builder, derivative.forward_address, symbol, parameters)


class _ReverseTarget(Executable):
    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Halves) -> ir.Value:
        pointers = sum(
            len(argument.leaves) for argument in derivative.arguments if argument.is_active or argument.is_duplicated
        )
        seed = [context.get_value_type(derivative.returns)] if derivative.takes_seed else []
        parameters = [native.POINTER, *[native.POINTER] * pointers, *seed]
        symbol = derivative.symbol + REVERSE_HALF
        return _callee(context, builder, derivative.reverse_address, symbol, parameters)


def _callee(context: Any, builder: ir.IRBuilder, address: int, symbol: str, parameters: Sequence[ir.Type]) -> ir.Value:
    function = ir.FunctionType(native.STATUS, parameters)
    return builder.bitcast(context.add_dynamic_addr(builder, address, info=symbol), function.as_pointer())


class ForwardBody(Body):
    """Writes the body of an entry that runs the kernel and returns its value and a tape."""

    _tape: ir.Value

    @staticmethod
    def result_type(compiled: Differentiated, shape: Shape) -> types.Type:
        return types.BaseTuple.from_types([compiled.returns, _ADDRESS])

    def _take(self, values: list[ir.Value]) -> None:
        self._primal = values
        self._shadow = [None] * len(values)

    def _slots(self) -> native.Slots:
        returns = self._compiled.returns
        self._tape = self._slot(_ADDRESS)
        return native.Slots(adjoints=[], tangent=None, value=None if returns is types.none else self._slot(returns))

    def _call(self, slots: native.Slots) -> ir.Value:
        outputs = [slots.value, self._tape] if slots.value else [self._tape]
        pointers = [self._builder.bitcast(pointer, native.POINTER) for pointer in outputs]
        excinfo = self._builder.bitcast(self._builder.function.args[1], native.POINTER)
        return self._builder.call(self._callee, [excinfo, *self._primal_parameters(), *pointers])

    def _result(self, slots: native.Slots) -> ir.Value:
        value = self._load(self._compiled.returns, slots.value) if slots.value else self._context.get_dummy_value()
        return self._context.make_tuple(self._builder, self._restype, [value, self._load(_ADDRESS, self._tape)])


class ReverseBody(Body):
    """Writes the body of an entry that runs the reverse sweep on a tape."""

    _tape: ir.Value

    def _take(self, values: list[ir.Value]) -> None:
        self._tape = values.pop(-2 if self._shape.seeded else -1)
        super()._take(values)

    def _call(self, slots: native.Slots) -> ir.Value:
        builder = self._builder
        arguments = [builder.inttoptr(self._tape, native.POINTER)]
        arguments += [builder.bitcast(pointer, native.POINTER) for pointer in self._outputs(slots)]
        seed = self._seed_value()
        return builder.call(self._callee, arguments if seed is None else [*arguments, seed])

    def _slots(self) -> native.Slots:
        slots = super()._slots()
        slots.value = None
        return slots


class ForwardDispatcher(EntryDispatcher):
    """The entries of the forward half, by the types of the kernel's arguments."""

    _target = _ForwardTarget()

    def __init__(self, shape: Shape, specialize: Specialize) -> None:
        super().__init__(shape, specialize, specialize)

    def _canonical(self, given: tuple[types.Type, ...]) -> tuple[Differentiated, tuple[types.Type, ...]]:
        compiled = self._specialize(given, self._shape.may_alias)
        return compiled, tuple(argument.type for argument in compiled.arguments)

    def _build(self, compiled: Differentiated, canonical: tuple[types.Type, ...]) -> Any:
        return entry.build(compiled, self._shape, canonical, ForwardBody, self._target)


class ReverseDispatcher(EntryDispatcher):
    """The entries of the reverse half, by the types of the arguments and their shadows."""

    _target = _ReverseTarget()

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
