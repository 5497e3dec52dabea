"""The flat C function of a derivative: ``dk.address``, ``dk.cdef`` and ``dk.cffi``.

    Const scalar      T x
    Active scalar     T x, T *x_adjoint                                  (stored)
    Duplicated scalar T x, T x_tangent                                   (forward mode)
    Const array       T *A, int64_t A_n0, ..., int64_t A_n{r-1}
    Duplicated array  T *A, T *A_shadow, int64_t A_n0, ..., int64_t A_n{r-1}
      not in C order  ... int64_t A_s0, ..., int64_t A_s{r-1}            (strides in bytes, the shadow's too)
    returned number   [double seed,] double *value                       (seed if it is a float; value may be NULL)
    the same, forward [double *tangent,] double *value                   (both may be NULL)

A tuple is its elements one by one (``t_0``, ``t_1``, ``seed_0``, ``value_1``). The names of Python are kept, but for an
underscore behind those that C has taken, or that an earlier parameter has.

The function returns 0, or a status: that of the exception which the kernel raised, that of the derivative if there is
no memory for the tape (``core/Contract.h``), or one that says why the arrays do not fit, which is checked before
anything runs: `OVERLAP` if they share memory in a way that the derivative is not compiled for, `LAYOUT` if they are
not in the order of the signature.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import cffi
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.callconv import excinfo_ptr_t
from numba.core.registry import cpu_target
from numba.np import arrayobj

from pyfront import native, results
from pyfront.arguments import Leaf
from pyfront.compiled import Compiled
from pyfront.entry import Body, Executable, Shape, Slots
from pyfront.errors import ArgumentError, LayoutError, OverlapError, UnsupportedError, with_help
from pyfront.link import OptimizedOnce
from pyfront.native import INDEX
from pyfront.results import Number
from pyfront.scalars import C_KEYWORDS, SCALARS

OVERLAP = 20551
"""Status: arrays share memory in a way that the derivative is not compiled for."""

LAYOUT = 20552
"""Status: an array does not have the strides of its signature's memory order."""

_STATUS = {OverlapError: OVERLAP, ArgumentError: LAYOUT}
_ARGUMENTS, _ALLOCATED = 2, 4
"""Of Numba's ``excinfo_t``: the arguments of an exception that has some at run time, and whether that is so."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of the C function."""

    name: str
    type: types.Type
    is_pointer: bool = False

    @property
    def declaration(self) -> str:
        return f"{SCALARS[self.type].c} {'*' if self.is_pointer else ''}{self.name}"


@dataclass(frozen=True)
class CFunction:
    """A derivative's C function in this process."""

    address: int
    declaration: str
    type: str
    library: Any

    def cffi(self) -> Any:
        """As a cffi function pointer."""
        ffi = cffi.FFI()
        return ffi.cast(self.type, self.address)


def parameters(compiled: Compiled) -> list[Parameter]:
    """The parameters of the C function, in order, each with a name of its own."""
    taken = set(C_KEYWORDS)
    result = []
    for parameter in _parameters(compiled):
        name = parameter.name
        while name in taken:
            name += "_"
        taken.add(name)
        result.append(Parameter(name, parameter.type, parameter.is_pointer))
    return result


def _parameters(compiled: Compiled) -> Iterator[Parameter]:
    for argument in compiled.arguments:
        varied = argument.varied_leaves
        for leaf in argument.leaves:
            name = _identifier(leaf.name)
            if isinstance(leaf.type, types.Array):
                yield Parameter(name, leaf.type.dtype, is_pointer=True)
                if leaf in varied:
                    yield Parameter(f"{name}_shadow", leaf.type.dtype, is_pointer=True)
                for kind in "n" if leaf.type.layout == "C" else "ns":
                    for axis in range(leaf.type.ndim):
                        yield Parameter(f"{name}_{kind}{axis}", types.int64)
                continue
            if isinstance(leaf.type, types.Dispatcher):
                raise UnsupportedError(
                    with_help(
                        f"argument `{leaf.name}` is a function, which no C function can be given",
                        "differentiate a kernel that calls it by its name",
                    )
                )
            yield Parameter(name, leaf.type)
            if leaf in varied and argument.is_active:
                yield Parameter(f"{name}_adjoint", leaf.type, is_pointer=True)
            elif leaf in varied:
                yield Parameter(f"{name}_tangent", leaf.type)
    for number in compiled.numbers:
        if number.is_float and compiled.takes_seed:
            yield Parameter(_numbered("seed", number.path), number.type)
        elif number.is_float:
            yield Parameter(_numbered("tangent", number.path), number.type, is_pointer=True)
    for number in compiled.numbers:
        yield Parameter(_numbered("value", number.path), number.type, is_pointer=True)


def build(compiled: Compiled, name: str) -> CFunction:
    """Compile the C function for a derivative. The caller holds Numba's compiler lock."""
    context = cpu_target.target_context.subtarget(enable_nrt=True)
    symbol = f"c.{compiled.symbol}"
    library = OptimizedOnce(context.codegen(), symbol)
    module = context.create_module(symbol)
    declared = parameters(compiled)
    lltypes = [native.slot_type(context, parameter.type) for parameter in declared]
    signature = [
        lltype.as_pointer() if parameter.is_pointer else lltype
        for parameter, lltype in zip(declared, lltypes, strict=True)
    ]
    function = ir.Function(module, ir.FunctionType(native.STATUS, signature), symbol)
    for value, parameter in zip(function.args, declared, strict=True):
        value.name = parameter.name
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    shape = Shape(name, (), with_primal=True, seeded=compiled.takes_seed, may_alias=False)
    with context.push_code_library(library):
        callee = Executable().callee(context, builder, compiled)
        _Body(context, builder, compiled, callee, shape, (compiled.returns,), types.none).emit()
    library.add_ir_module(module)
    library.finalize()
    name = _identifier(name)
    text = ", ".join(parameter.declaration for parameter in declared) or "void"
    return CFunction(
        address=int(library.get_pointer_to_function(symbol)),
        declaration=f"int32_t {name}({text});",
        type=f"int32_t (*)({text})",
        library=library,
    )


class _Body(Body):
    """Writes the body: as an entry's, but C parameters in, a status and stored results out."""

    def _take(self, argument_types: tuple[types.Type, ...]) -> None:
        incoming = iter(self._function.args)
        self._adjoint_pointers: list[list[ir.Value]] = []
        self._contiguous: list[ir.Value] = []
        for argument in self._compiled.arguments:
            values: list[ir.Value] = []
            shadows: list[ir.Value] = []
            adjoints: list[ir.Value] = []
            for leaf in argument.leaves:
                varied = leaf in argument.varied_leaves
                if leaf.is_array:
                    self._take_array(leaf, incoming, values, shadows if varied else None)
                    continue
                values.append(self._number(leaf.type, next(incoming)))
                if varied and argument.is_active:
                    adjoints.append(next(incoming))
                elif varied:
                    shadows.append(self._number(leaf.type, next(incoming)))
            self._primal.append(self._tuple(argument.type, iter(values)))
            self._shadow.append(self._tuple(argument.type, iter(shadows)) if argument.is_duplicated else None)
            self._adjoint_pointers.append(adjoints)
        floats = [number for number in self._compiled.numbers if number.is_float]
        outer = [next(incoming) for _ in floats]
        if self._compiled.takes_seed:
            self._seed_type = results.derivative_type(self._compiled.returns)
            self._seed = self._tuple(self._seed_type, iter(outer))
        self._tangents = dict(zip(floats, outer, strict=True)) if self._compiled.forward else {}
        self._stored = dict(zip(self._compiled.numbers, incoming, strict=True))

    def _take_array(
        self, leaf: Leaf, incoming: Iterator[ir.Value], values: list[ir.Value], shadows: list[ir.Value] | None
    ) -> None:
        """An array without owner; its shadow has the same extents and strides."""
        builder, type_ = self._builder, leaf.type
        data = [next(incoming)]
        if shadows is not None:
            data.append(next(incoming))
        shape = [next(incoming) for _ in range(type_.ndim)]
        itemsize = self._context.get_constant(types.intp, self._itemsize(type_))
        strides = self._dense(type_.layout, shape, itemsize)
        if type_.layout != "C":
            given = [next(incoming) for _ in range(type_.ndim)]
            if type_.layout == "F":
                self._must_be(shape, given, strides)
            strides = given
        for pointer, into in zip(data, (values, shadows), strict=False):
            array = self._context.make_array(type_)(self._context, builder)
            arrayobj.populate_array(array, pointer, shape, strides, itemsize, None)
            assert into is not None
            into.append(array._getvalue())

    def _must_be(self, shape: list[ir.Value], given: list[ir.Value], strides: list[ir.Value]) -> None:
        """Remember to check that the strides are those of contiguous memory, wherever a step is made."""
        builder = self._builder
        several = reduce(builder.mul, shape)
        for extent, one, other in zip(shape, given, strides, strict=True):
            steps = builder.icmp_signed(">", extent, INDEX(1))
            filled = builder.icmp_signed("!=", several, INDEX(0))
            differs = builder.icmp_signed("!=", one, other)
            self._contiguous.append(builder.and_(builder.and_(steps, filled), differs))

    def _check(self) -> None:
        if self._contiguous:
            with self._builder.if_then(reduce(self._builder.or_, self._contiguous), likely=False):
                self._raise(LayoutError, "")
        super()._check()

    def _itemsize(self, type_: types.Array) -> int:
        return int(self._context.get_abi_sizeof(self._context.get_data_type(type_.dtype)))

    def _dense(self, layout: str, shape: list[ir.Value], itemsize: ir.Value) -> list[ir.Value]:
        """The strides of contiguous memory."""
        extents = shape if layout == "F" else shape[::-1]
        strides = list(itertools.accumulate(extents[:-1], self._builder.mul, initial=itemsize))
        return strides if layout == "F" else strides[::-1]

    def _number(self, type_: types.Type, value: ir.Value) -> ir.Value:
        return self._context.get_returned_value(self._builder, type_, value)

    def _tuple(self, type_: types.Type, leaves: Iterator[ir.Value]) -> ir.Value:
        """A value of this type from its leaves; None has none."""
        if isinstance(type_, types.BaseTuple):
            elements = [self._tuple(element, leaves) for element in type_.types]
            return self._context.make_tuple(self._builder, type_, elements)
        return self._context.get_dummy_value() if type_ is types.none else next(leaves)

    def _excinfo(self) -> ir.Value:
        """No exception, until the derivative puts one there: statuses below zero, or without memory, have none."""
        self._exception = cgutils.alloca_once_value(self._builder, ir.Constant(excinfo_ptr_t, None))
        return self._exception

    def _slots(self) -> Slots:
        slots = super()._slots()
        slots.adjoints = self._adjoint_pointers
        return slots

    def _return(self, slots: Slots) -> None:
        for number, to in self._tangents.items():
            assert slots.tangent is not None
            self._store(number, slots.tangent, to)
        for number, to in self._stored.items():
            assert slots.value is not None
            self._store(number, slots.value, to)
        self._builder.ret(native.STATUS(0))

    def _store(self, number: Number, memory: ir.Value, to: ir.Value) -> None:
        """Store a number of the result, if the caller wants it."""
        with self._builder.if_then(cgutils.is_not_null(self._builder, to)):
            self._builder.store(self._builder.load(self._lane(memory, number.type, number.offset)), to)

    def _fail(self, status: ir.Value) -> None:
        """Leave with the status; nobody will look at the exception."""
        builder = self._builder
        exception = builder.load(self._exception)
        with builder.if_then(cgutils.is_not_null(builder, exception), likely=False):
            fields = builder.load(exception)
            with builder.if_then(builder.icmp_signed(">", builder.extract_value(fields, _ALLOCATED), native.STATUS(0))):
                self._context.nrt.free(builder, builder.extract_value(fields, _ARGUMENTS))
                self._context.nrt.free(builder, builder.bitcast(exception, native.POINTER))
        builder.ret(status)

    def _raise(self, error: type[BaseException], *args: Any) -> None:
        status = next(_STATUS[base] for base in error.__mro__ if base in _STATUS)
        self._builder.ret(native.STATUS(status))


def _identifier(name: str) -> str:
    """A C identifier for an argument or an element of a tuple: ``t[0]`` as ``t_0``, Greek letters by their codes."""
    ascii_only = re.sub(r"[^\w\[\]]|[^\x00-\x7f]", lambda match: f"u{ord(match[0]):x}", name)
    return ascii_only.replace("[", "_").replace("]", "")


def _numbered(name: str, path: tuple[int, ...]) -> str:
    """The name of a number of the result: the bare word for a result that is a number."""
    return "_".join([name, *map(str, path)])
