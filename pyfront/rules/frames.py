"""What a frame holds, word by word, where a derivative that will be differentiated again keeps it.

A frame is what the wrapped `forward` of a rule returns: the value, the arguments, the tape, strides. As memory it has
numbers and addresses side by side, which no outer derivative could tell apart. So the engine keeps each word as a value
of its own: one that the call was given it has already, the others it takes from the frame where `forward` has run, and
makes a frame of them where `reverse` does. Of the value `reverse` asks for shapes only, and nobody counts references.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target

from pyfront import results
from pyfront.results import Number
from pyfront.scalars import SCALARS

Path = tuple[int, ...]
VALUE, ARGUMENTS, TAPE, STRIDES = range(4)
"""The places in a frame."""

_DATA = 4
"""Of the words of an array: the address of its elements. Before it are the memory's owners, items and their size."""


def words(
    frame: types.Type, arrays: dict[Path, int], strided: Sequence[tuple[Path, types.Array]]
) -> Iterator[dict[str, Any]]:
    """The entries of a request.

    ``arrays``: the place, among the scalars and arrays that are passed, by the path; ``strided``: those whose strides
    are in the frame.
    """
    first = _operands(frame.types[ARGUMENTS])
    for found in results.places(frame):
        part, path = found.path[0], found.path[1:]
        if isinstance(found.type, types.Array):
            yield from _of_array(found, part, first.get(path, -1), arrays.get(path, -1))
        elif part == ARGUMENTS:
            offsets = _offsets(cpu_target.target_context.get_return_type(found.type))
            for index, (offset, _) in enumerate(offsets):
                yield _word("ptr", found.offset + offset, first[path] + index)
        elif part == STRIDES:
            of, array = strided[path[0]]
            yield _word("i64", found.offset, first[of] + _DATA + 1 + array.ndim + path[1])
        elif part == TAPE:
            for offset, type_ in _numbers(found.type):
                yield _word(SCALARS[type_].engine, found.offset + offset)


def _of_array(found: Number, part: int, operand: int, place: int) -> Iterator[dict[str, Any]]:
    rank = found.type.ndim
    strides = range(_DATA + 1 + rank, _DATA + 1 + 2 * rank)
    for word in (2, 3, _DATA, *range(_DATA + 1, _DATA + 1 + rank), *strides):
        type_ = "ptr" if word == _DATA else "i64"
        offset = found.offset + 8 * word
        if part == ARGUMENTS:
            moves = word == _DATA or (word in strides and found.type.layout == "A")
            yield _word(type_, offset, operand + word, place if moves else -1)
        elif part == TAPE or word != _DATA:
            yield _word(type_, offset)


def _word(type_: str, offset: int, operand: int = -1, place: int = -1) -> dict[str, Any]:
    entry = {"offset": offset, "operand": operand, "place": place}
    return entry if type_ == "ptr" else {"type": type_, **entry}


def _operands(arguments: types.BaseTuple) -> dict[Path, int]:
    """The first LLVM parameter of what is at a path."""
    found: dict[Path, int] = {}
    count = 0

    def walk(type_: types.Type, path: Path) -> None:
        nonlocal count
        if isinstance(type_, types.BaseTuple):
            for index, element in enumerate(type_.types):
                walk(element, (*path, index))
        else:
            found[path] = count
            count += parameters_of(type_)

    walk(arguments, ())
    return found


def parameters_of(type_: types.Type) -> int:
    """How many LLVM parameters a value takes, by Numba's data model."""

    def count(part: Any) -> int:
        return sum(map(count, part)) if isinstance(part, (tuple, list)) else 1

    return count(cpu_target.target_context.data_model_manager[type_].get_argument_type())


def _offsets(memory: Any, start: int = 0) -> Iterator[tuple[int, Any]]:
    """The numbers and addresses that a value is in memory, in the order of its parameters."""
    data = cpu_target.target_context.target_data
    if isinstance(memory, ir.BaseStructType):
        for index, element in enumerate(memory.elements):
            yield from _offsets(element, start + memory.get_element_offset(data, index))
    elif isinstance(memory, ir.ArrayType):
        for index in range(memory.count):
            yield from _offsets(memory.element, start + index * memory.element.get_abi_size(data))
    else:
        yield start, memory


def _numbers(type_: types.Type) -> Iterator[tuple[int, types.Type]]:
    """A number of a tape as the engine knows numbers."""
    if isinstance(type_, types.Complex):
        part = type_.underlying_float
        yield 0, part
        yield part.bitwidth // 8, part
    else:
        yield 0, type_
