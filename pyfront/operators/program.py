"""Programs: what an operator does for one signature, as data from which several functions are rendered.

A program is one or more sweeps over a kernel, written as statements on named buffers. It does not say where a buffer
comes from. That is what the renderings differ in:

- `fresh` allocates results and workspace: an ordinary call;
- `into` stores to result arrays of the caller (``out=``);
- `run` has its workspace, and if asked its results, from a table of addresses: a prepared call (``prepared``);
- `kernel` is a kernel of leaves that can be differentiated again.

Invariants: a parameter ``a<i>`` is never written, `copies` stand for it; statements of `body` refer to parameters and
buffers only, never to what `prelude` defines, so that they also hold where no prelude runs; no statement writes to an
array before all shapes are known to fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numba.core import types

from pyfront.derivative import Derivative
from pyfront.errors import ArgumentError, DtypeError, OverlapError, ReadonlyError, ShapeError, with_help
from pyfront.operators import text
from pyfront.operators.containers import expression
from pyfront.operators.tree import Tree, is_native
from pyfront.operators.views import at_address, folded, overlaps

Shape = tuple[int, ...]


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
class Fit:
    """A demand on a call: the array parameter ``given`` has the shape of ``like``, a parameter or a buffer."""

    given: str
    like: str
    what: str
    owner: str
    """What the two are in a message: "the tangent of argument `x`", "its argument"."""


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
    fits: tuple[Fit, ...]
    """Checked before the copies."""
    copies: tuple[Copy, ...]
    work: tuple[Buffer, ...]
    body: tuple[str, ...]
    results: tuple[Result, ...]
    template: Tree
    """The structure of the result; its leaves number `results`."""
    namespace: Mapping[str, Any]
    derivative: Derivative | None = None
    """What `body` calls by that name, unless it calls the function itself."""
    call_types: tuple[types.Type, ...] = ()
    """Of the arguments of that call."""
    reread: tuple[str, ...] = ()
    """Parameters that are read again after results have been written."""
    types: tuple[types.Type, ...] = ()
    """Of the parameters, once it is known for which it was made."""

    def inspect_llvm(self) -> str:
        """The LLVM IR of the derivative."""
        assert self.derivative
        text: str = self.derivative.compiled(self.call_types).library.get_llvm_str()
        return text

    def inspect_plan(self) -> str:
        """The plan of the derivative."""
        assert self.derivative
        return self.derivative.compiled(self.call_types).plan

    @property
    def arrays(self) -> tuple[str, ...]:
        """The parameters that are arrays."""
        pairs = zip(self.parameters, self.types, strict=True)
        return tuple(name for name, type_ in pairs if isinstance(type_, types.Array))

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

    def kept(self, *, reuse: bool) -> tuple[Buffer, ...]:
        """The memory that a prepared call has in advance."""
        return self.buffers if reuse else self.workspace

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
    namespace = {**program.namespace, "ShapeError": ShapeError}
    lines = [
        *program.prelude,
        *_allocations(program.buffers),
        *_checks(program),
        *_copying(program),
        *program.body,
        _return(program, namespace),
    ]
    return text.define(program.name, program.parameters, lines, namespace)


def into(program: Program, pattern: Sequence[bool], given: Sequence[types.Type]) -> Callable[..., Any]:
    """Arrays for the results and parameters to the tuple of scalar results.

    ``pattern`` says for which results there are arrays, ``given`` of which types. An array whose memory lies as the
    result's is written by the sweeps themselves, another one in the end.
    """
    _check_pattern(program, pattern)
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
        *_target_overlaps(program, targets, given),
        *program.prelude,
        *checks,
        *first,
        *_allocations((*owned, *program.workspace)),
        *_checks(program),
        *_copying(program),
        *program.body,
        *last,
        f"return {text.tuple_of([result.expression for result in program.scalars])}",
    ]
    namespace = {**program.namespace, "ShapeError": ShapeError, "OverlapError": OverlapError}
    namespace |= {"overlaps": overlaps, "folded": folded}
    return text.define(program.name, (*targets, *program.parameters), lines, namespace)


def run(program: Program, *, reuse: bool) -> Callable[..., Any]:
    """The address of a table and parameters to results; workspace is not allocated.

    With ``reuse`` the results are not either, and what is returned is the tuple of scalars. Addresses, and not arrays,
    for Numba gives each array that it is passed an object on the heap.
    """
    place = itertools.count()
    lines: list[str] = []
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
        if buffer in program.kept(reuse=reuse):
            namespace[f"at_{buffer.name}"] = at_address(buffer.type)
            lines.append(f"{buffer.name} = at_{buffer.name}(table[{next(place)}], {shape})")
        else:
            lines.append(buffer.allocation(shape))
    lines += [*(_reread_checks(program) if reuse else ()), *_checks(program), *_copying(program), *program.body]
    if reuse:
        lines.append(f"return {text.tuple_of([result.expression for result in program.scalars])}")
    else:
        lines.append(_return(program, namespace))
    namespace |= {"OverlapError": OverlapError, "overlaps": overlaps}
    lines = [f"table = at(address, ({next(place)},))", *lines]
    return text.define(program.name, ("address", *program.parameters), lines, namespace)


def table(
    program: Program, arguments: Sequence[Shape], buffers: Sequence[Shape], addresses: Mapping[str, int]
) -> Iterator[int]:
    """What `run` is to know: the shapes of array arguments; of each buffer its shape, if measured, and its address.

    ``addresses`` has those of the buffers that are kept, by name.
    """
    for shape, type_ in zip(arguments, program.types, strict=True):
        if isinstance(type_, types.Array):
            yield from shape
    for buffer, shape in zip(program.buffers, buffers, strict=True):
        if program.is_measured(buffer):
            yield from shape
        if buffer.name in addresses:
            yield addresses[buffer.name]


def shapes(program: Program) -> Callable[..., Any]:
    """The Python function from parameters to the shapes of all buffers."""
    returned = text.tuple_of([buffer.shape for buffer in program.buffers])
    return text.define(program.name, program.parameters, [*program.prelude, f"return {returned}"], program.namespace)


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
        *_checks(program),
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
    namespace = {**program.namespace, "ShapeError": ShapeError}
    return text.define(program.name, (*outputs, *program.parameters), lines, namespace)


def _return(program: Program, namespace: dict[str, Any]) -> str:
    """The statement that returns the results, as `fresh` does."""
    values = [result.buffer.name if result.buffer else result.expression for result in program.results]
    if is_native(program.template):
        return f"return {expression(program.template, values.__getitem__, namespace)}"
    return f"return {text.tuple_of(values)}"


def _allocations(buffers: Sequence[Buffer]) -> list[str]:
    return [buffer.allocation(buffer.shape) for buffer in buffers]


def _checks(program: Program) -> list[str]:
    return [
        line
        for fit in program.fits
        for line in text.guard(
            f"{fit.given}.shape != {fit.like}.shape",
            "ShapeError",
            f"`{program.name}`: {fit.what} has not the shape of {fit.owner}",
        )
    ]


def _copying(program: Program) -> list[str]:
    return [line for copy in program.copies for line in text.copy(copy.buffer.name, copy.buffer.type, copy.source)]


def _reread_checks(program: Program) -> list[str]:
    """Refuse a result of an earlier call where this call would read what it has just written."""
    lines: list[str] = []
    for parameter in program.reread:
        for buffer in program.result_buffers if parameter in program.arrays else ():
            message = with_help(
                f"`{program.name}`: an argument is the result of an earlier call, and this call overwrites it",
                "pass a copy: result.copy()",
            )
            lines += text.guard(f"overlaps({parameter}, {buffer.name})", "OverlapError", message)
    return lines


def _target_overlaps(program: Program, targets: Sequence[str], given: Sequence[types.Type]) -> list[str]:
    """Refuse targets that share memory with each other, with an argument or among their own elements."""
    lines: list[str] = []
    for index, target in enumerate(targets):
        if given[index].layout == "A":
            message = with_help(
                f"`{program.name}`: elements of an array given as out= overlap each other",
                "pass an array in which each element has its own memory",
            )
            lines += text.guard(f"folded({target})", "OverlapError", message)
        for other in (*program.arrays, *targets[:index]):
            message = with_help(
                f"`{program.name}`: an array given as out= shares memory with another array of the call",
                "pass an array with memory of its own",
            )
            lines += text.guard(f"overlaps({target}, {other})", "OverlapError", message)
    return lines


def _check_pattern(program: Program, pattern: Sequence[bool]) -> None:
    """Refuse ``out=`` that has arrays for other results than those which are arrays."""
    if not program.result_buffers:
        raise ArgumentError(
            with_help(f"`{program.name}`: the result is a number, which out= cannot hold", "leave out out=")
        )
    for result, is_given in zip(program.results, pattern, strict=True):
        if is_given and result.buffer is None:
            raise ArgumentError(
                with_help(f"`{program.name}`: out= has an array for a result that is a number", "pass None there")
            )
        if not is_given and result.buffer is not None:
            raise DtypeError(f"`{program.name}`: out= must have an array for each result, not None")


def _check_out(name: str, given: types.Type, buffer: Buffer) -> None:
    """Refuse what cannot hold the result, by its type."""
    make = f"pass an array of {buffer.type.dtype} with {buffer.type.ndim} dimensions"
    if not isinstance(given, types.Array) or given.dtype != buffer.type.dtype:
        raise DtypeError(with_help(f"`{name}`: out= is {given}, which cannot hold the result", make))
    if given.ndim != buffer.type.ndim:
        raise ShapeError(with_help(f"`{name}`: out= has {given.ndim} dimensions", make))
    if not given.mutable:
        raise ReadonlyError(with_help(f"`{name}`: out= is readonly", make))
