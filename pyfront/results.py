"""Results: the numbers that a kernel returns, and what is asked of them by structure.

A result is nothing, a number, or a possibly nested tuple of numbers. For the engine it is a list of numbers at offsets
(`numbers`); for a caller its seeds and tangents have its structure, with None where there is no derivative:

    return x, (n, np.float32(y))    seed or tangent  (1.0, (None, 0.5))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.registry import cpu_target

from pyfront.errors import SeedError, UnsupportedError, with_help
from pyfront.scalars import SCALARS


@dataclass(frozen=True)
class Number:
    """One number of a result."""

    type: types.Type
    path: tuple[int, ...]
    """How it is found in the tuple."""
    offset: int
    """Its byte in the memory of the result."""

    @property
    def is_float(self) -> bool:
        return isinstance(self.type, types.Float)


def return_type(kernel: str, type_: types.Type) -> types.Type:
    """The plain type that the kernel returns; refuses what has no place in a derivative's result."""
    plain = types.unliteral(type_)
    if _is_numbers(plain):
        return plain
    if isinstance(plain, types.Complex):
        raise UnsupportedError(f"`{kernel}` returns a complex number, which is not supported yet")
    raise UnsupportedError(
        with_help(
            f"`{kernel}` returns {plain}, which is not supported",
            "return a number, a tuple of numbers, or nothing; write other results to arrays of the caller",
        )
    )


def has_numbers_and_arrays(type_: types.Type) -> bool:
    """Whether a result is made of numbers and contiguous arrays of them, or nothing."""
    if isinstance(type_, types.BaseTuple):
        return bool(type_.types) and all(map(has_numbers_and_arrays, type_.types))
    if isinstance(type_, types.Array):
        return type_.dtype in SCALARS and type_.layout in "CF" and type_.ndim > 0
    return _is_numbers(type_)


def _is_numbers(type_: types.Type) -> bool:
    if isinstance(type_, types.BaseTuple):
        return bool(type_.types) and all(_is_numbers(element) for element in type_.types)
    return type_ is types.none or type_ in SCALARS


def numbers(returns: types.Type) -> tuple[Number, ...]:
    """The numbers of a result, in the order of its memory."""
    return tuple(places(returns))


def places(returns: types.Type) -> Iterator[Number]:
    """The same for a result that may hold arrays: where the struct of one begins."""
    context = cpu_target.target_context

    def of(type_: types.Type, memory: Any, path: tuple[int, ...], offset: int) -> Iterator[Number]:
        if not isinstance(type_, types.BaseTuple):
            if type_ is not types.none:
                yield Number(type_, path, offset)
            return
        for index, element in enumerate(type_.types):
            place = memory.gep(ir.IntType(32)(index))
            start = (
                memory.get_element_offset(context.target_data, index)
                if isinstance(memory, ir.BaseStructType)
                else index * place.get_abi_size(context.target_data)
            )
            yield from of(element, place, (*path, index), offset + start)

    return of(returns, context.get_return_type(returns), (), 0)


def derivative_type(returns: types.Type) -> types.Type:
    """The type of a tangent of the result: its structure, with None for what has no derivative."""
    if isinstance(returns, types.BaseTuple):
        return like(returns, map(derivative_type, returns.types))
    return returns if isinstance(returns, types.Float) else types.none


def seed_type(kernel: str, returns: types.Type, given: types.Type, place: str = "the seed") -> types.Type:
    """The type as which one seed of the result is taken; raises if it does not have the structure of the result.

    Within a tuple None is the seed of what has none: its adjoint is zero.
    """
    plain = types.unliteral(given)
    if isinstance(returns, types.BaseTuple):
        parts = plain.types if isinstance(plain, types.BaseTuple) else ()
        if len(parts) != len(returns.types):
            raise SeedError(
                f"`{kernel}` returns {returns}: {place} must be a tuple of {len(returns.types)} as that is, not {plain}"
            )
        return like(
            returns,
            (
                part if part is types.none else seed_type(kernel, element, part, f"{place}[{index}]")
                for index, (element, part) in enumerate(zip(returns.types, parts, strict=True))
            ),
        )
    if not isinstance(returns, types.Float):
        raise SeedError(
            with_help(f"`{kernel}`: {place} is for a result of type {returns}, which has no derivative", "pass None")
        )
    if not isinstance(plain, (types.Float, types.Integer)):
        raise SeedError(f"`{kernel}`: {place} must be a real number, not {plain}")
    return returns


def has_structure(returns: types.Type, given: types.Type) -> bool:
    """Whether ``given`` has the tuples of ``returns``, whatever the numbers are; None stands for anything."""
    if not isinstance(returns, types.BaseTuple) or not isinstance(given, types.BaseTuple):
        return given is types.none or isinstance(returns, types.BaseTuple) == isinstance(given, types.BaseTuple)
    return len(returns.types) == len(given.types) and all(map(has_structure, returns.types, given.types))


def like(structure: types.BaseTuple, elements: Iterable[types.Type]) -> types.Type:
    """A tuple type of other elements, named if ``structure`` is."""
    return types.BaseTuple.from_types(list(elements), getattr(structure, "instance_class", None))
