"""The call of a derivative as LLVM IR: seam 2 seen from a caller.

Both callers, Numba's convention (``entry``) and the flat C signature (``cabi``), write their call with this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from pyfront.arguments import Argument, Leaf
from pyfront.compiled import Compiled, Differentiated

STATUS = ir.IntType(32)
POINTER = ir.IntType(8).as_pointer()


@dataclass
class Slots:
    """Stack memory of one call: where the derivative stores adjoints or tangent, and the primal result."""

    adjoints: list[list[ir.Value]]
    """One list per argument: a pointer per leaf of an active argument, else empty."""
    tangent: ir.Value | None
    """Forward mode: for the tangent of a float result."""
    value: ir.Value | None


def function_type(context: Any, compiled: Differentiated) -> ir.FunctionType:
    """The derivative's own signature; every pointer that it adds to the primal's parameters is generic."""
    primal = context.get_arg_packer(tuple(argument.type for argument in compiled.arguments)).argument_types
    outputs = sum(
        len(argument.leaves) for argument in compiled.arguments if argument.is_active or argument.is_duplicated
    )
    tail: list[ir.Type] = [POINTER] * outputs
    if compiled.takes_seed and compiled.seed_by_value:
        tail.append(context.get_value_type(compiled.returns))
    elif compiled.returns_float:
        tail.append(POINTER)
    if compiled.returns is not types.none:
        tail.append(POINTER)
    return ir.FunctionType(STATUS, [POINTER, *primal, *tail])


def emit_call(
    context: Any,
    builder: ir.IRBuilder,
    compiled: Differentiated,
    callee: ir.Value,
    *,
    excinfo: ir.Value,
    primal: Sequence[ir.Value],
    outputs: Sequence[ir.Value],
    seed: ir.Value | None = None,
    tangent: ir.Value | None = None,
    value: ir.Value | None,
) -> ir.Value:
    """Call the derivative, which is ``callee``; the status is returned. ``seed`` is a pointer if there are several."""
    arguments = [builder.bitcast(excinfo, POINTER), *primal]
    arguments += [builder.bitcast(pointer, POINTER) for pointer in outputs]
    if compiled.takes_seed:
        assert seed is not None
        arguments.append(seed if compiled.seed_by_value else builder.bitcast(seed, POINTER))
    elif compiled.returns_float:
        assert tangent is not None
        arguments.append(builder.bitcast(tangent, POINTER))
    if compiled.returns is not types.none:
        assert value is not None
        arguments.append(builder.bitcast(value, POINTER))
    return builder.call(callee, arguments)


def by_address(context: Any, builder: ir.IRBuilder, compiled: Compiled) -> ir.Value:
    """A loaded derivative as a callee.

    The address is one of Numba's dynamic globals, so Numba knows that code with this call cannot be cached on disk.
    """
    address = context.add_dynamic_addr(builder, compiled.address, info=compiled.symbol)
    return builder.bitcast(address, function_type(context, compiled).as_pointer())


def slot_type(context: Any, type_: types.Type) -> ir.Type:
    """How a scalar lies in the memory through which a derivative returns it."""
    return context.get_return_type(type_)


def spill(context: Any, builder: ir.IRBuilder, type_: types.Type, value: ir.Value) -> ir.Value:
    """Stack memory that holds a scalar, for a derivative that reads it through a pointer."""
    slot = cgutils.alloca_once(builder, slot_type(context, type_))
    builder.store(context.get_return_value(builder, type_, value), slot)
    return slot


def element(builder: ir.IRBuilder, value: ir.Value, leaf: Leaf) -> ir.Value:
    """The leaf of a possibly nested tuple value."""
    for index in leaf.path:
        value = builder.extract_value(value, index)
    return value


def active(arguments: Sequence[Argument]) -> list[Argument]:
    return [argument for argument in arguments if argument.is_active]
