"""What a compiled function does to the arrays that it is given.

Whether a call of a function with a rule changes an array decides what a derivative must copy, and whether an inactive
function may be given the array at all. So it is asked of the function itself: of the IR that Numba has compiled for
the signature. The pointer to an array's data is followed through everything that is made of it:

    %p = getelementptr double, ptr %data, i64 %i     %p is made of %data
    %x = load double, ptr %p                         reads
    store double %x, ptr %p                          writes
    store ptr %p, ptr %where                         out of sight: may write
    call void @f(ptr %p)                             what f does with it; of a function without a body, what is known

Invariant: an effect is never less than the true one. What is not known to be harmless may write.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Iterator
from typing import Any

from numba.core import types
from numba.core.registry import cpu_target

from pyfront.scalars import SCALARS

FIRST_PARAMETER = 2
"""In Numba's calling convention, behind the result and the exception."""

_DATA = 4
"""Behind an array's meminfo, parent, number of items and size of an item."""


class Effect(enum.IntEnum):
    NOTHING = 0
    READS = 1
    MAY_WRITE = 2
    """It cannot be seen."""
    WRITES = 3


_ADDRESSES = ("getelementptr", "bitcast", "addrspacecast", "phi", "select", "freeze", "ptrtoint", "inttoptr")
_ARITHMETIC = ("add", "sub", "mul", "udiv", "sdiv", "urem", "srem", "shl", "lshr", "ashr", "and", "or", "xor")
_CONVERSIONS = ("trunc", "zext", "sext")
_AGGREGATES = ("extractelement", "insertelement", "shufflevector", "extractvalue", "insertvalue")
_MADE_OF = frozenset((*_ADDRESSES, *_ARITHMETIC, *_CONVERSIONS, *_AGGREGATES))
"""What such an instruction gives may lead to the memory that its operands lead to."""

_COPIES = ("llvm.memcpy.", "llvm.memmove.")
_READERS = ("llvm.masked.gather.", "llvm.masked.load.")
_WRITERS = ("llvm.memset.", "llvm.masked.scatter.", "llvm.masked.store.")
_HARMLESS = tuple(f"llvm.{name}" for name in ("lifetime.", "assume", "prefetch", "umax.", "umin.", "smax.", "smin."))
"""Intrinsics that touch no memory. The values of some are made of their operands."""

_LIBRARY = {
    "numba_xxdot": (3, 4),
    "numba_xxgemv": (5, 7),
    "numba_xxgemm": (7, 9),
    "numba_xxnrm2": (2,),
    "NRT_Free": (0,),  # of a copy that overlapping assignments go through: never an argument's memory
}
"""Functions of Numba's library, and the arguments that these write nothing through."""


def effects(compiled: Any, argument_types: tuple[types.Type, ...]) -> list[Effect]:
    """The effect of a compiled function on each array of numbers among its arguments, those in tuples included."""
    places = list(_data_parameters(argument_types))
    try:
        module = compiled.library._get_module_for_linking()
        function = module.get_function(compiled.fndesc.llvm_func_name)
    except (AttributeError, NameError):  # no IR is left of the code
        return [Effect.MAY_WRITE] * len(places)
    defined = {f.name: f for f in module.functions if not f.is_declaration}
    return [_Walk(defined).of(function, place) for place in places]


def _data_parameters(argument_types: tuple[types.Type, ...]) -> Iterator[int]:
    """The LLVM parameters that point to the data of arrays."""
    manager = cpu_target.target_context.data_model_manager

    def count(part: Any) -> int:
        return sum(map(count, part)) if isinstance(part, (tuple, list)) else 1

    def walk(type_: types.Type, at: int) -> Iterator[int]:
        if isinstance(type_, types.BaseTuple):
            for element in type_.types:
                yield from walk(element, at)
                at += count(manager[element].get_argument_type())
        elif isinstance(type_, types.Array) and type_.dtype in SCALARS:
            yield at + _DATA

    at = FIRST_PARAMETER
    for type_ in argument_types:
        yield from walk(type_, at)
        at += count(manager[type_].get_argument_type())


def _address(value: Any) -> int:
    """What tells two values of LLVM's apart."""
    address = ctypes.cast(value._ptr, ctypes.c_void_p).value
    assert address is not None
    return address


class _Walk:
    """Follows a pointer through the functions of a module."""

    def __init__(self, defined: dict[str, Any]) -> None:
        self._defined = defined
        self._entered: set[tuple[str, int]] = set()
        """What is being followed, or has been, adds nothing when it is met again."""

    def of(self, function: Any, parameter: int) -> Effect:
        if (function.name, parameter) in self._entered:
            return Effect.NOTHING
        self._entered.add((function.name, parameter))
        instructions = [(i, list(i.operands)) for block in function.blocks for i in block.instructions]
        made = {_address(list(function.arguments)[parameter])}
        size = 0
        while size != len(made):  # a phi may come before what it is made of
            size = len(made)
            for instruction, operands in instructions:
                if _makes(instruction, operands) and any(_address(operand) in made for operand in operands):
                    made.add(_address(instruction))
        found = Effect.NOTHING
        for instruction, operands in instructions:
            for place, operand in enumerate(operands):
                if _address(operand) in made:
                    found = max(found, self._of_use(instruction, operands, place))
        return found

    def _of_use(self, instruction: Any, operands: list[Any], place: int) -> Effect:
        opcode = instruction.opcode
        if opcode == "load":
            return Effect.READS
        if opcode == "icmp" or _makes(instruction, operands):
            return Effect.NOTHING
        if opcode == "store" and place == 1:
            return Effect.WRITES
        if opcode != "call":
            return Effect.MAY_WRITE
        callee = operands[-1].name
        if callee in self._defined and len(operands) - 1 == len(list(self._defined[callee].arguments)):
            return self.of(self._defined[callee], place)
        if callee.startswith(_COPIES):
            return Effect.READS if place == 1 else Effect.WRITES
        if callee.startswith(_WRITERS):
            return Effect.WRITES
        is_read = callee.startswith(_READERS) or place in _LIBRARY.get(callee, ())
        return Effect.READS if is_read else Effect.MAY_WRITE


def _makes(instruction: Any, operands: list[Any]) -> bool:
    if instruction.opcode == "call":
        return str(operands[-1].name).startswith(_HARMLESS)
    return instruction.opcode in _MADE_OF
