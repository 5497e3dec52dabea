"""The derivative's own functions as LLVM IR: seam 2 seen from a caller.

A derivative is one function, or in split mode two. The parameters of each are groups in a fixed order, `_ORDER`, which
is written down here once: a function's type and a call of it are both made from it. All callers, Numba's convention
(``entry``, ``batch_entry``, ``split_entry``) and the flat C signature (``cabi``), call with `emit_call`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from pyfront.arguments import Leaf
from pyfront.compiled import Differentiated

STATUS = ir.IntType(32)
INDEX = ir.IntType(64)
POINTER = ir.IntType(8).as_pointer()


class Part(enum.Enum):
    """A function of a derivative."""

    WHOLE = "the derivative in one piece"
    FORWARD = "the forward half"
    REVERSE = "the reverse half"

    @property
    def suffix(self) -> str:
        """What is behind the derivative's symbol in its name."""
        from pyfront import engine

        contract = engine.load().contract
        return {Part.WHOLE: "", Part.FORWARD: contract.forward_half, Part.REVERSE: contract.reverse_half}[self]


class Group(enum.Enum):
    """Parameters that belong together."""

    EXCINFO = "where the kernel's exception is put"
    PRIMAL = "the kernel's own parameters"
    OUTPUTS = "per argument, and in its order, where its shadow, its adjoints or its tangents are"
    SEED = "the seed, or where the seeds are"
    TANGENT = "where the tangent of the result is stored"
    VALUE = "where the result is stored"
    TAPE_OUT = "where the address of the tape is stored"
    TAPE = "the tape"


_ORDER = {
    Part.WHOLE: (Group.EXCINFO, Group.PRIMAL, Group.OUTPUTS, Group.SEED, Group.TANGENT, Group.VALUE),
    Part.FORWARD: (Group.EXCINFO, Group.PRIMAL, Group.VALUE, Group.TAPE_OUT),
    Part.REVERSE: (Group.TAPE, Group.OUTPUTS, Group.SEED),
}

Values = Mapping[Group, Sequence[ir.Value]]


def _types(context: Any, compiled: Differentiated, group: Group) -> list[ir.Type]:
    """The types of a group's parameters; pointers that the derivative adds to the primal's are generic."""
    if group is Group.PRIMAL:
        packer = context.get_arg_packer(tuple(argument.type for argument in compiled.arguments))
        return list(packer.argument_types)
    if group is Group.OUTPUTS:
        return [POINTER] * sum(len(argument.varied_leaves) for argument in compiled.arguments)
    if group is Group.SEED and compiled.seed_by_value and compiled.takes_seed:
        return [context.get_value_type(compiled.numbers[0].type)]
    exists = {
        Group.SEED: compiled.takes_seed,
        Group.TANGENT: compiled.forward and compiled.returns_float,
        Group.VALUE: compiled.returns is not types.none,
    }
    return [POINTER] if exists.get(group, True) else []


def function_type(context: Any, compiled: Differentiated, part: Part = Part.WHOLE) -> ir.FunctionType:
    """The type of one of the derivative's functions."""
    return ir.FunctionType(STATUS, [type_ for group in _ORDER[part] for type_ in _types(context, compiled, group)])


def emit_call(
    context: Any, builder: ir.IRBuilder, compiled: Differentiated, part: Part, callee: ir.Value, values: Values
) -> ir.Value:
    """Call ``callee``, which is ``part`` of the derivative; the status is returned. Of ``values`` it takes its own."""
    arguments: list[ir.Value] = []
    for group in _ORDER[part]:
        expected = _types(context, compiled, group)
        for value, type_ in zip(values.get(group, ())[: len(expected)], expected, strict=True):
            arguments.append(builder.bitcast(value, POINTER) if type_ == POINTER else value)
    return builder.call(callee, arguments)


def by_address(context: Any, builder: ir.IRBuilder, compiled: Differentiated, part: Part, address: int) -> ir.Value:
    """A function of a loaded derivative as a callee.

    The address is one of Numba's dynamic globals, so Numba knows that code with this call cannot be cached on disk.
    """
    value = context.add_dynamic_addr(builder, address, info=compiled.symbol + part.suffix)
    return builder.bitcast(value, function_type(context, compiled, part).as_pointer())


def slot_type(context: Any, type_: types.Type) -> ir.Type:
    """How a value lies in the memory through which a derivative returns it."""
    return context.get_return_type(type_)


def spill(context: Any, builder: ir.IRBuilder, type_: types.Type, value: ir.Value) -> ir.Value:
    """Stack memory that holds a scalar, for a derivative that reads it through a pointer."""
    slot = cgutils.alloca_once(builder, slot_type(context, type_))
    builder.store(context.get_return_value(builder, type_, value), slot)
    return slot


def element(builder: ir.IRBuilder, value: ir.Value, path: Leaf | Sequence[int]) -> ir.Value:
    """What is at ``path`` in a possibly nested tuple value, or a leaf of it."""
    for index in path.path if isinstance(path, Leaf) else path:
        value = builder.extract_value(value, index)
    return value
