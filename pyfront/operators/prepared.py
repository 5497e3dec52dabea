"""Prepared calls: all that can be done before the first call is done, and every call uses the same workspace.

A `PreparedCall` works on leaves; what users hold are the objects around one, `Prepared` and its kin, which have the
structure of an operator's arguments.

The workspace belongs to a thread: another one that calls gets its own at its first call, so that a prepared operator
may be shared. A copy, or what comes out of a pickle, has a workspace of its own too, made from the types and shapes
for which the original was prepared.

Invariant: an array that has been returned is never written again, unless ``reuse`` was asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.dispatcher import Dispatcher
from numba.np import numpy_support

from pyfront.errors import ArityError, DtypeError, ShapeError, StructureError, with_help
from pyfront.operators import program as programs
from pyfront.operators.calls import Calls, assemble, explain
from pyfront.operators.directions import as_floats
from pyfront.operators.form import present
from pyfront.operators.program import Buffer, Shape
from pyfront.operators.tree import Tree, flatten, is_native, row, unflatten
from pyfront.specialized import Specialized

Types = tuple[types.Type, ...]


class PreparedCall:
    """A call for leaves of the types ``given`` and the shapes ``shapes``; those of all buffers are known, too."""

    def __init__(
        self, calls: Calls, given: Types, shapes: tuple[Shape, ...], buffers: tuple[Shape, ...], reuse: bool
    ) -> None:
        self.name = calls.name
        self.reuse = reuse
        self.state = (calls, given, shapes, buffers, reuse)
        """The arguments of another one with memory of its own."""
        self._labels = calls.labels
        self._directions = calls.directions
        self._shapes = shapes
        self._buffer_shapes = buffers
        self._program = calls.program(given)
        self._is_ready = is_native(self._program.template)
        self._memory = threading.local()
        self._run = _run(calls, given, reuse)

    @staticmethod
    def like(calls: Calls, leaves: Sequence[Any], reuse: bool) -> PreparedCall:
        """The call for arguments like these, which has been made once."""
        given = calls.types_of(leaves)
        buffers = programs.shapes(calls.program(given))(*leaves)
        prepared = PreparedCall(calls, given, tuple(map(np.shape, leaves)), buffers, reuse)
        prepared(*leaves)
        return prepared

    def __call__(self, *leaves: Any) -> Any:
        """The result in its structure."""
        memory = self._memory
        try:
            address = memory.address
        except AttributeError:
            address = self._allocate()
        try:
            found = self._run(address, *leaves)
        except ShapeError:
            self._explain(leaves)
            raise
        except DtypeError:
            converted = as_floats(leaves, self._program.types, self._directions)
            if converted is None:
                raise
            return self(*converted)
        except TypeError as error:
            if len(leaves) != len(self._labels):
                raise ArityError(f"`{self.name}` takes {len(self._labels)} arguments, got {len(leaves)}") from error
            raise
        if not self.reuse:
            return found if self._is_ready else unflatten(self._program.template, found)
        if found:
            return assemble(self._program.template, memory.pattern, memory.results, found)
        return memory.result

    def inspect_llvm(self) -> str:
        """The optimized LLVM IR of the derivative that is called."""
        return self._program.inspect_llvm()

    def inspect_plan(self) -> str:
        """The plan of that derivative."""
        return self._program.inspect_plan()

    def _allocate(self) -> int:
        """Give this thread its memory, and return the address of the table that tells where it is."""
        program, memory = self._program, self._memory
        shapes = dict(zip(program.buffers, self._buffer_shapes, strict=True))
        arrays = {buffer.name: _empty(buffer, shapes[buffer]) for buffer in program.kept(reuse=self.reuse)}
        addresses = {name: array.ctypes.data for name, array in arrays.items()}
        entries = programs.table(program, self._shapes, self._buffer_shapes, addresses)
        table = np.array([*entries], np.int64)
        if self.reuse:
            memory.results = [arrays[buffer.name] for buffer in program.result_buffers]
            memory.pattern = tuple(result.buffer is not None for result in program.results)
            memory.result = None if program.scalars else assemble(program.template, memory.pattern, memory.results, ())
        memory.kept = (table, arrays)
        memory.address = table.ctypes.data
        address: int = memory.address
        return address

    def _explain(self, leaves: Sequence[Any]) -> None:
        for label, leaf, shape in zip(self._labels, leaves, self._shapes, strict=True):
            if np.shape(leaf) != shape:
                raise ShapeError(
                    with_help(
                        f"`{self.name}` was prepared for arguments of other shapes: "
                        f"`{label}` has shape {np.shape(leaf)}, it was prepared for {shape}",
                        "prepare it for these as well",
                    )
                )
        explain(self._program, dict(zip(self._program.parameters, leaves, strict=True)))


class Prepared:
    """An operator for arguments of one structure, with their types and shapes.

    A call allocates nothing but its result; with ``reuse`` not even that, and then the arrays in it are the same ones
    in each call of a thread. It can be copied, pickled and called from any thread.

    In compiled code it is the operator itself, which needs no preparation there.
    """

    def __init__(self, operator: Any, call: PreparedCall, trees: tuple[Tree, ...]) -> None:
        self.operator = operator
        self._call = call
        self._trees = trees
        self._is_row = trees == row(len(trees))
        present(self, operator.__wrapped__, operator.__doc__)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.operator, self._call.state, self._trees)

    def __call__(self, /, *args: Any, **named: Any) -> Any:
        """The result for arguments of the prepared types and shapes, by position or by name."""
        if named:
            args = self.operator.by_position(args, named)
        if self._is_row:
            return self._call(*args)
        return self._call(*leaves_like(self._call.name, args, self._trees))

    @property
    def _numba_type_(self) -> types.Type:
        found: types.Type = self.operator._numba_type_
        return found

    @property
    def as_kernel(self) -> Dispatcher:
        """The operator for `autodiff`."""
        found: Dispatcher = self.operator.as_kernel
        return found

    def inspect_llvm(self) -> str:
        """The optimized LLVM IR of the derivative that is called."""
        return self._call.inspect_llvm()

    def inspect_plan(self) -> str:
        """Where its reverse sweep gets each value that it needs, as text."""
        return self._call.inspect_plan()

    def __repr__(self) -> str:
        return f"<{self._call.name}, prepared>"


def _again(operator: Any, state: tuple[Any, ...], trees: tuple[Tree, ...]) -> Prepared:
    return Prepared(operator, PreparedCall(*state), trees)


def leaves_like(name: str, args: Sequence[Any], trees: tuple[Tree, ...]) -> list[Any]:
    """The leaves of arguments that must have these structures."""
    leaves: list[Any] = []
    if tuple(flatten(value, leaves) for value in args) != trees:
        raise other_structure(name)
    return leaves


def other_structure(name: str) -> StructureError:
    """What is raised for arguments of another structure than the prepared one."""
    return StructureError(
        with_help(f"`{name}` was prepared for arguments of another structure", "prepare it for these as well")
    )


class _Run(Specialized):
    """A function of one signature. Arguments of other types are taken where no value can be lost."""

    def __init__(
        self, calls: Calls, given: Types, reuse: bool, implement: Callable[[Types], Callable[..., Any]]
    ) -> None:
        names = ["address", *(f"a{index}" for index in range(len(given)))]
        super().__init__(calls.name, names, implement, nogil=calls.nogil)
        self._labels = ["address", *calls.labels]
        self._signature = (types.int64, *given)
        calls.cached(self, "run", given, reuse)
        self._entry_point = None if self.cache is None else self.cache.find(self._signature)
        if self._entry_point is not None:
            self._insert([type_._code for type_ in self._signature], self._entry_point, False)
            return
        self.compile(self._signature)
        overload = self.overloads[self._signature]
        self._entry_point = overload.entry_point
        if self.cache is not None:
            self.cache.store(self._signature, overload)

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        """Called by the C dispatcher with arguments that are not of the types of the signature."""
        self._types_active_call.clear()
        convert = self.typingctx.can_convert
        for label, value, wanted in zip(self._labels, args, self._signature, strict=True):
            try:
                given = self.typeof_pyval(value)
            except (ValueError, errors.NumbaError):
                given = types.pyobject
            if isinstance(given, types.Array) and not given.mutable:
                given = given.copy(readonly=False)  # nothing writes to an argument
            how = None if given is types.pyobject else convert(given, wanted)
            if how is None or how.name not in ("exact", "promote", "safe"):
                what = type(value).__name__ if given is types.pyobject else given
                raise DtypeError(
                    with_help(
                        f"`{self.py_func.__name__}` was prepared for arguments of other types: `{label}` is "
                        f"{what}, it was prepared for {wanted}",
                        "prepare it for these as well",
                    )
                )
        return self._entry_point


def _run(calls: Calls, given: Types, reuse: bool) -> _Run:
    """The function of a table's address and leaves of these types, the same one each time."""
    known = calls.runs.get((given, reuse))
    if known is None:
        known = _Run(calls, given, reuse, lambda _: programs.run(calls.program(given), reuse=reuse))
        known = calls.runs.setdefault((given, reuse), known)
    run: _Run = known
    return run


def _empty(buffer: Buffer, shape: Shape) -> Any:
    return np.empty(shape, numpy_support.as_dtype(buffer.type.dtype), buffer.type.layout)
