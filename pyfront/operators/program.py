"""Programs: what an operator does for one signature, as data from which several functions are rendered.

A program is one or more sweeps over a kernel, written as statements on named buffers. It does not say where a buffer
comes from. That is what the renderings differ in:

- `fresh` allocates results and workspace: an ordinary call;
- `into` stores to result arrays of the caller (``out=``);
- `allocate` and `run` are the two halves of `fresh`, for `prepare`;
- `kernel` is a kernel of leaves that can be differentiated again.

Invariants: a parameter ``a<i>`` is never written, `copies` stand for it; statements of `body` refer to parameters and
buffers only, never to what `prelude` defines, so that they also hold where no prelude runs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core import types

from pyfront.errors import DtypeError, OverlapError, ReadonlyError, ShapeError, with_help
from pyfront.operators import text
from pyfront.operators.containers import expression
from pyfront.operators.tree import Tree, is_native
from pyfront.operators.views import at_address, overlaps


@dataclass(frozen=True)
class Buffer:
    """An array of a program; its type is writable, aligned, and in C or Fortran order."""

    name: str
    type: types.Array
    shape: str
    """A Python expression over parameters and the names that the prelude defines."""

    def allocation(self, shape: str) -> str:
        """The statement that allocates it."""
        dtype = text.dtype(self.type.dtype)
        if self.type.layout == "C":
            return f"{self.name} = np.empty({shape}, {dtype})"
        reverse = text.tuple_of([f"{shape}[{axis}]" for axis in reversed(range(self.type.ndim))])
        return f"{self.name} = np.empty({reverse}, {dtype}).T"


@dataclass(frozen=True)
class Copy:
    """A buffer that holds what the parameter ``source`` holds before the only sweep."""

    buffer: Buffer
    source: str


@dataclass(frozen=True)
class Result:
    """A result: the whole of a buffer, or a float, given by an expression that is evaluated after the body."""

    type: types.Type
    buffer: Buffer | None = None
    expression: str = ""


@dataclass(frozen=True)
class Program:
    """One signature of an operator."""

    name: str
    parameters: tuple[str, ...]
    prelude: tuple[str, ...]
    """Runs the primal to define the names in `measured`."""
    measured: tuple[str, ...]
    """The names of shapes that nothing else tells."""
    checks: tuple[str, ...]
    """Raise if arguments do not fit together; they come before the copies."""
    copies: tuple[Copy, ...]
    work: tuple[Buffer, ...]
    body: tuple[str, ...]
    results: tuple[Result, ...]
    template: Tree
    """The structure of the result; its leaves number `results`."""
    namespace: Mapping[str, Any]
    reread: tuple[str, ...] = ()
    """Parameters that are read again after results have been written."""
    types: tuple[types.Type, ...] = ()
    """Of the parameters, once it is known for which it was made."""

    @property
    def result_buffers(self) -> tuple[Buffer, ...]:
        return tuple(result.buffer for result in self.results if result.buffer)

    @property
    def workspace(self) -> tuple[Buffer, ...]:
        return (*(copy.buffer for copy in self.copies), *self.work)

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """All memory that a call needs."""
        return (*self.result_buffers, *self.workspace)

    def is_measured(self, buffer: Buffer) -> bool:
        """Whether its shape is known only from a run of the primal."""
        return any(name in buffer.shape for name in self.measured)

    @property
    def scalars(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.buffer is None)


def array(dtype: types.Type, ndim: int, layout: str = "C") -> types.Array:
    """The type of a buffer."""
    return types.Array(dtype, ndim, layout)


def fresh(program: Program) -> Callable[..., Any]:
    """Parameters to results, in the structure of the template if compiled code has it, else as a flat tuple."""
    values = [result.buffer.name if result.buffer else result.expression for result in program.results]
    namespace = dict(program.namespace)
    if is_native(program.template):
        returned = expression(program.template, values.__getitem__, namespace)
    else:
        returned = text.tuple_of(values)
    lines = [
        *program.prelude,
        *_allocations(program, program.buffers),
        *program.checks,
        *_copying(program),
        *program.body,
        f"return {returned}",
    ]
    return text.define(program.name, program.parameters, lines, namespace)


def into(program: Program, given: Sequence[types.Type]) -> Callable[..., Any]:
    """Arrays for the results and parameters to the tuple of scalar results.

    An array whose memory lies as the result's is written by the sweeps themselves, another one in the end.
    """
    targets = [f"out{index}" for index in range(len(given))]
    owned: list[Buffer] = []
    first: list[str] = []
    last: list[str] = []
    for target, type_, buffer in zip(targets, given, program.result_buffers, strict=True):
        _check_out(program.name, type_, buffer)
        if type_.layout == buffer.type.layout and type_.aligned:
            first.append(f"{buffer.name} = {target}")
        else:
            owned.append(buffer)
            last += text.copy(target, buffer.type, buffer.name)
    checks: list[str] = []
    for target, buffer in zip(targets, program.result_buffers, strict=True):
        checks += text.guard(
            f"{target}.shape != {buffer.shape}",
            "ShapeError",
            f"`{program.name}`: an array given as out= has not the shape of its result",
        )
    lines = [
        *program.prelude,
        *checks,
        *first,
        *_allocations(program, (*owned, *program.workspace)),
        *program.checks,
        *_copying(program),
        *program.body,
        *last,
        f"return {text.tuple_of([result.expression for result in program.scalars])}",
    ]
    namespace = {**program.namespace, "ShapeError": ShapeError}
    return text.define(program.name, (*targets, *program.parameters), lines, namespace)


def allocate(program: Program) -> Callable[..., Any]:
    """Parameters to the tuple of all buffers, results first."""
    lines = [
        *program.prelude,
        *_allocations(program, program.buffers),
        f"return {text.tuple_of([buffer.name for buffer in program.buffers])}",
    ]
    return text.define(program.name, program.parameters, lines, program.namespace)


def run(program: Program) -> Callable[..., Any]:
    """The address of a `table` and parameters to the tuple of scalar results; nothing is allocated.

    Addresses, and not arrays, for Numba gives each array that it is passed an object on the heap.
    """
    place = itertools.count()
    lines = [f"table = at(address, ({_table_size(program)},))"]
    for parameter, type_ in zip(program.parameters, program.types, strict=True):
        if isinstance(type_, types.Array):
            shape = text.tuple_of([f"table[{next(place)}]" for _ in range(type_.ndim)])
            message = f"`{program.name}` was prepared for arguments of other shapes"
            lines += text.guard(f"{parameter}.shape != {shape}", "ShapeError", message)
    namespace = {**program.namespace, "ShapeError": ShapeError, "at": at_address(types.Array(types.int64, 1, "C"))}
    for buffer in program.buffers:
        shape = buffer.shape
        if program.is_measured(buffer):
            shape = text.tuple_of([f"table[{next(place)}]" for _ in range(buffer.type.ndim)])
        namespace[f"at_{buffer.name}"] = at_address(buffer.type)
        lines.append(f"{buffer.name} = at_{buffer.name}(table[{next(place)}], {shape})")
    lines += [
        *_reread_checks(program),
        *program.checks,
        *_copying(program),
        *program.body,
        f"return {text.tuple_of([result.expression for result in program.scalars])}",
    ]
    namespace |= {"OverlapError": OverlapError, "overlaps": overlaps}
    return text.define(program.name, ("address", *program.parameters), lines, namespace)


def table(program: Program, leaves: Sequence[Any], buffers: Sequence[Any]) -> Any:
    """What `run` is to know: the shapes of array arguments; of each buffer its shape, if measured, and its address."""
    entries: list[int] = []
    for leaf, type_ in zip(leaves, program.types, strict=True):
        if isinstance(type_, types.Array):
            entries += leaf.shape
    for buffer, memory in zip(program.buffers, buffers, strict=True):
        if program.is_measured(buffer):
            entries += memory.shape
        entries.append(memory.ctypes.data)
    assert len(entries) == _table_size(program)
    return np.array(entries, np.int64)


def _table_size(program: Program) -> int:
    shapes: int = sum(type_.ndim for type_ in program.types if isinstance(type_, types.Array))
    measured: int = sum(buffer.type.ndim for buffer in program.buffers if program.is_measured(buffer))
    return shapes + measured + len(program.buffers)


def kernel(program: Program) -> Callable[..., Any]:
    """Result arrays, of one element for a scalar, and parameters that it may write, to nothing.

    A program whose only result is a scalar has no such array; its kernel returns the scalar.
    """
    returns = len(program.results) == 1 and not program.result_buffers
    outputs = [] if returns else [f"r{index}" for index in range(len(program.results))]
    given = {result.buffer: output for result, output in zip(program.results, outputs, strict=False) if result.buffer}
    known = {buffer.shape: f"{output}.shape" for buffer, output in given.items() if buffer}
    measured = any(program.is_measured(buffer) and buffer.shape not in known for buffer in program.work)
    lines = [
        *(program.prelude if measured else ()),
        *(f"{buffer.name} = {output}" for buffer, output in given.items() if buffer),
        *(f"{copy.buffer.name} = {copy.source}" for copy in program.copies),
        *(buffer.allocation(known.get(buffer.shape, buffer.shape)) for buffer in program.work),
        *program.checks,
        *program.body,
    ]
    if returns:
        lines.append(f"return {program.results[0].expression}")
    else:
        lines += [
            f"{output}[0] = {result.expression}"
            for result, output in zip(program.results, outputs, strict=True)
            if result.buffer is None
        ]
    return text.define(program.name, (*outputs, *program.parameters), lines, program.namespace)


def _allocations(program: Program, buffers: Sequence[Buffer]) -> list[str]:
    return [buffer.allocation(buffer.shape) for buffer in buffers]


def _copying(program: Program) -> list[str]:
    return [line for copy in program.copies for line in text.copy(copy.buffer.name, copy.buffer.type, copy.source)]


def _reread_checks(program: Program) -> list[str]:
    """Refuse a result of an earlier call where this call would read what it has just written."""
    lines: list[str] = []
    arrays = [
        name for name, type_ in zip(program.parameters, program.types, strict=True) if isinstance(type_, types.Array)
    ]
    for parameter in program.reread:
        for buffer in program.result_buffers if parameter in arrays else ():
            message = with_help(
                f"`{program.name}`: an argument is the result of an earlier call, and this call overwrites it",
                "pass a copy: result.copy()",
            )
            lines += text.guard(f"overlaps({parameter}, {buffer.name})", "OverlapError", message)
    return lines


def _check_out(name: str, given: types.Type, buffer: Buffer) -> None:
    """Refuse what cannot hold the result, by its type."""
    make = f"pass an array of {buffer.type.dtype} with {buffer.type.ndim} dimensions"
    if not isinstance(given, types.Array) or given.dtype != buffer.type.dtype:
        raise DtypeError(with_help(f"`{name}`: out= is {given}, which cannot hold the result", make))
    if given.ndim != buffer.type.ndim:
        raise ShapeError(with_help(f"`{name}`: out= has {given.ndim} dimensions", make))
    if not given.mutable:
        raise ReadonlyError(with_help(f"`{name}`: out= is readonly", make))
