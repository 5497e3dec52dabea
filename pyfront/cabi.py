"""The flat C function of a derivative: ``dk.address``, ``dk.cdef`` and ``dk.cffi``.

    Const scalar      T x
    Active scalar     T x, T *x_adjoint                                  (stored)
    Duplicated scalar T x, T x_tangent                                   (forward mode)
    Const array       T *A, int64_t A_n0, ..., int64_t A_n{r-1}
    Duplicated array  T *A, T *A_shadow, int64_t A_n0, ..., int64_t A_n{r-1}
      not in C order  ... int64_t A_s0, ..., int64_t A_s{r-1}            (strides in bytes, the shadow's too)
    returned number   [double seed,] double *value                       (seed if it is a float; value may be NULL)
    the same, forward [double *tangent,] double *value                   (both may be NULL)

A batch of W shadows: `T *A_shadow` points to W arrays like A, one behind the other (after the strides, if there are
some, `int64_t A_shadow_s` is the way from one to the next in bytes), `T *x_adjoint`, `T *x_tangent`, `double *seed` and
`double *tangent` to W numbers. A kernel without derivative (every argument Const) has `double *value` alone.

A tuple is its elements one by one (``t_0``, ``t_1``, ``seed_0``, ``value_1``). The names of Python are kept, but for an
underscore behind those that C has taken, or that an earlier parameter has.

The function returns 0, or a status: that of the exception which the kernel raised, that of the derivative if there is
no memory for the tape (``core/Contract.h``), or one that says why the arrays do not fit, which is checked before
anything runs: `OVERLAP` if they share memory in a way that the derivative is not compiled for, `LAYOUT` if they are
not in the order of the signature.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import cffi
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.callconv import excinfo_ptr_t
from numba.core.registry import cpu_target
from numba.np import arrayobj

from pyfront import engine, native, results
from pyfront.arguments import Argument, Leaf
from pyfront.batch_entry import BatchBody
from pyfront.compiled import Compiled, Differentiated
from pyfront.entry import Body, Executable, Shape, Slots
from pyfront.errors import ArgumentError, LayoutError, OverlapError, UnsupportedError, with_help
from pyfront.link import OptimizedOnce
from pyfront.native import INDEX
from pyfront.scalars import C_KEYWORDS, SCALARS

OVERLAP = 20551
"""Status: arrays share memory in a way that the derivative is not compiled for."""

LAYOUT = 20552
"""Status: an array does not have the strides of its signature's memory order."""

_STATUS = {OverlapError: OVERLAP, ArgumentError: LAYOUT}
_ARGUMENTS, _ALLOCATED = 2, 4
"""Of Numba's ``excinfo_t``: the arguments of an exception that has some at run time, and whether that is so."""


class Role(enum.Enum):
    """What a parameter is."""

    VALUE = "a number"
    ARRAY = "the first element of an array"
    SHADOW = "the first element of its shadow"
    EXTENT = "the length of an axis"
    STRIDE = "the step along an axis, in bytes"
    SHADOW_STEP = "the way from one shadow of a batch to the next, in bytes"
    ADJOINT = "where the adjoint of a number is stored"
    TANGENT = "the tangent of a number"
    SEED = "the adjoint of the result"
    RESULT_TANGENT = "where the tangent of the result is stored"
    RESULT = "where the result is stored"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the C function."""

    name: str
    type: types.Type
    is_pointer: bool = False
    leaf: Leaf | None = None
    """The argument, or the element of one, of which it tells something."""
    role: Role = Role.VALUE
    axis: int = 0
    """Of an extent or a stride."""

    @property
    def declaration(self) -> str:
        constant = "const " if self.is_pointer and self.role in (Role.SEED, Role.TANGENT) else ""
        return f"{constant}{SCALARS[self.type].c} {'*' if self.is_pointer else ''}{self.name}"


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


def parameters(compiled: Differentiated) -> list[Parameter]:
    """The parameters of the C function, in order, each with a name of its own."""
    taken = set(C_KEYWORDS)
    result = []
    for parameter in _parameters(compiled):
        name = parameter.name
        while name in taken:
            name += "_"
        taken.add(name)
        result.append(replace(parameter, name=name))
    return result


def _parameters(compiled: Differentiated) -> Iterator[Parameter]:
    for argument in compiled.arguments:
        varied = argument.varied_leaves
        for leaf in argument.leaves:
            name = identifier(leaf.name)
            if isinstance(leaf.type, types.Array):
                yield from _array_parameters(name, leaf, leaf in varied, compiled.is_batch)
                continue
            if isinstance(leaf.type, types.Dispatcher):
                raise UnsupportedError(
                    with_help(
                        f"argument `{leaf.name}` is a function, which no C function can be given",
                        "differentiate a kernel that calls it by its name",
                    )
                )
            yield Parameter(name, leaf.type, False, leaf)
            if leaf in varied and argument.is_active:
                yield Parameter(f"{name}_adjoint", leaf.type, True, leaf, Role.ADJOINT)
            elif leaf in varied:
                yield Parameter(f"{name}_tangent", leaf.type, compiled.is_batch, leaf, Role.TANGENT)
    for number in compiled.numbers:
        if number.is_float and compiled.takes_seed:
            yield Parameter(_numbered("seed", number.path), number.type, compiled.is_batch, role=Role.SEED)
        elif number.is_float and gives_tangents(compiled):
            yield Parameter(_numbered("tangent", number.path), number.type, True, role=Role.RESULT_TANGENT)
    for number in compiled.numbers:
        yield Parameter(_numbered("value", number.path), number.type, True, role=Role.RESULT)


def _array_parameters(name: str, leaf: Leaf, varied: bool, batch: bool) -> Iterator[Parameter]:
    type_ = leaf.type
    yield Parameter(name, type_.dtype, True, leaf, Role.ARRAY)
    if varied:
        yield Parameter(f"{name}_shadow", type_.dtype, True, leaf, Role.SHADOW)
    for kind, role in (("n", Role.EXTENT), ("s", Role.STRIDE)):
        for axis in range(type_.ndim) if role is Role.EXTENT or type_.layout != "C" else ():
            yield Parameter(f"{name}_{kind}{axis}", types.int64, False, leaf, role, axis)
    if varied and batch and type_.layout != "C":
        yield Parameter(f"{name}_shadow_s", types.int64, False, leaf, Role.SHADOW_STEP)


def gives_tangents(compiled: Differentiated) -> bool:
    """Whether the result has a tangent: not that of a kernel without derivative."""
    return compiled.forward and any(argument.varied_leaves for argument in compiled.arguments)


def call_types(given: Sequence[types.Type], has_shadow: Sequence[bool], is_batch: bool) -> list[types.Type]:
    """The types of a call with arguments of these types, each followed by its shadow or its batch of shadows."""
    call: list[types.Type] = []
    for type_, shadowed in zip(given, has_shadow, strict=True):
        call.append(type_)
        if shadowed:
            call.append(_batch_type(type_) if is_batch else type_)
    return call


def _batch_type(type_: types.Type) -> types.Type:
    """The type as which the C function has a batch of shadows."""
    if isinstance(type_, types.Array):
        return type_.copy(ndim=type_.ndim + 1, layout="A", readonly=False)
    return types.Array(type_, 1, "C")


def build(compiled: Compiled, name: str) -> CFunction:
    """Compile the C function for a derivative. The caller holds Numba's compiler lock."""
    context = cpu_target.target_context.subtarget(enable_nrt=True)
    symbol = f"c.{compiled.symbol}"
    library = OptimizedOnce(context.codegen(), symbol)
    module = context.create_module(symbol)
    with context.push_code_library(library):
        emit(context, module, compiled, Executable().callee, symbol, BatchCBody if compiled.is_batch else CBody)
    library.add_ir_module(module)
    library.finalize()
    text = c_parameters(compiled)
    return CFunction(
        address=int(library.get_pointer_to_function(symbol)),
        declaration=f"int32_t {identifier(name)}({text});",
        type=f"int32_t (*)({text})",
        library=library,
    )


def c_parameters(compiled: Differentiated) -> str:
    """The parameter list of the C function."""
    return ", ".join(parameter.declaration for parameter in parameters(compiled)) or "void"


def emit(
    context: Any,
    module: ir.Module,
    compiled: Differentiated,
    callee: Callable[[Any, ir.IRBuilder, Any], ir.Value],
    symbol: str,
    body: type[Body],
    *,
    may_alias: bool = False,
) -> None:
    """Write the C function for a derivative, which ``callee`` gives, into a module."""
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
    shape = Shape(symbol, (), with_primal=True, seeded=compiled.takes_seed, may_alias=may_alias)
    derivative = callee(context, builder, compiled)
    body(context, builder, compiled, derivative, shape, (compiled.returns,), types.none).emit()


class CBody(Body):
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
                    self._take_array(leaf, argument, incoming, values, shadows if varied else None)
                    continue
                values.append(self._number(leaf.type, next(incoming)))
                if varied and argument.is_active:
                    adjoints.append(next(incoming))
                elif varied:
                    shadows.append(self._take_tangent(leaf, argument, next(incoming)))
            self._primal.append(self._tuple(argument.type, iter(values)))
            self._shadow.append(self._shadow_of(argument, shadows) if argument.is_duplicated else None)
            self._adjoint_pointers.append(adjoints)
        floats = [number for number in self._compiled.numbers if number.is_float]
        has_outer = self._compiled.takes_seed or gives_tangents(self._compiled)
        outer = [next(incoming) for _ in floats] if has_outer else []
        if self._compiled.takes_seed:
            self._seed_type = results.derivative_type(self._compiled.returns)
            self._take_seeds(outer)
        self._tangents = dict(zip(floats, outer, strict=True)) if gives_tangents(self._compiled) else {}
        self._stored = dict(zip(self._compiled.numbers, incoming, strict=True))

    def _take_seeds(self, outer: list[ir.Value]) -> None:
        self._seed = self._tuple(self._seed_type, iter(outer))

    def _take_tangent(self, leaf: Leaf, argument: Argument, value: ir.Value) -> ir.Value:
        return self._number(leaf.type, value)

    def _shadow_of(self, argument: Argument, shadows: list[ir.Value]) -> ir.Value:
        return self._tuple(argument.type, iter(shadows))

    def _take_array(
        self,
        leaf: Leaf,
        argument: Argument,
        incoming: Iterator[ir.Value],
        values: list[ir.Value],
        shadows: list[ir.Value] | None,
    ) -> None:
        """An array without owner; its shadow has the same extents and strides."""
        type_ = leaf.type
        data = next(incoming)
        shadow = next(incoming) if shadows is not None else None
        shape = [next(incoming) for _ in range(type_.ndim)]
        itemsize = self._context.get_constant(types.intp, self._itemsize(type_))
        strides = self._dense(type_.layout, shape, itemsize)
        if type_.layout != "C":
            given = [next(incoming) for _ in range(type_.ndim)]
            if type_.layout == "F":
                self._must_be(shape, given, strides)
            strides = given
        values.append(self._array(type_, data, shape, strides))
        if shadows is not None:
            assert shadow is not None
            shadows.append(self._take_shadow(type_, argument, incoming, shadow, shape, strides))

    def _take_shadow(
        self,
        type_: types.Array,
        argument: Argument,
        incoming: Iterator[ir.Value],
        data: ir.Value,
        shape: list[ir.Value],
        strides: list[ir.Value],
    ) -> ir.Value:
        return self._array(type_, data, shape, strides)

    def _array(self, type_: types.Array, data: ir.Value, shape: list[ir.Value], strides: list[ir.Value]) -> ir.Value:
        array = self._context.make_array(type_)(self._context, self._builder)
        itemsize = self._context.get_constant(types.intp, self._itemsize(type_))
        arrayobj.populate_array(array, data, shape, strides, itemsize, None)
        return array._getvalue()

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
        if type_ is types.boolean:
            # Whatever C counts as true.
            return cgutils.is_not_null(self._builder, value)
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
        width = self._compiled.width
        for number, to in self._tangents.items():
            assert slots.tangent is not None
            places = [self._lane(slots.tangent, number.type, number.offset, lane) for lane in range(width)]
            self._store(places, to)
        for number, to in self._stored.items():
            assert slots.value is not None
            place = cgutils.pointer_add(self._builder, slots.value, number.offset)
            self._store([self._builder.bitcast(place, to.type)], to)
        self._builder.ret(native.STATUS(0))

    def _store(self, places: list[ir.Value], to: ir.Value) -> None:
        """Store numbers of the result one behind the other, if the caller wants them."""
        builder = self._builder
        with builder.if_then(cgutils.is_not_null(builder, to)):
            for lane, place in enumerate(places):
                builder.store(builder.load(place), builder.gep(to, [INDEX(lane)]))

    def _fail(self, status: ir.Value) -> None:
        """Leave with the status; nobody will look at the exception."""
        builder = self._builder
        exception = builder.load(self._exception)
        said = cgutils.alloca_once_value(builder, status)
        with builder.if_then(cgutils.is_not_null(builder, exception), likely=False):
            fields = builder.load(exception)
            builder.store(self._status_of(fields, status), said)
            with builder.if_then(builder.icmp_signed(">", builder.extract_value(fields, _ALLOCATED), native.STATUS(0))):
                self._context.nrt.free(builder, builder.extract_value(fields, _ARGUMENTS))
                self._context.nrt.free(builder, builder.bitcast(exception, native.POINTER))
        builder.ret(builder.load(said))

    def _status_of(self, exception: ir.Value, status: ir.Value) -> ir.Value:
        """The status for an exception of the kernel."""
        return status

    def _raise(self, error: type[BaseException], *args: Any) -> None:
        self._release()
        if issubclass(error, MemoryError):
            status = engine.load().contract.out_of_memory
        else:
            status = next(_STATUS[base] for base in error.__mro__ if base in _STATUS)
        self._builder.ret(native.STATUS(status))


class BatchCBody(CBody, BatchBody):
    """The same for a batch: W shadows lie one behind the other, as do W numbers."""

    def _take_tangent(self, leaf: Leaf, argument: Argument, value: ir.Value) -> ir.Value:
        step = self._context.get_constant(types.intp, self._itemsize(argument.shadow_type))
        return self._array(argument.shadow_type, value, [INDEX(self._compiled.width)], [step])

    def _shadow_of(self, argument: Argument, shadows: list[ir.Value]) -> ir.Value:
        return shadows[0]

    def _take_shadow(
        self,
        type_: types.Array,
        argument: Argument,
        incoming: Iterator[ir.Value],
        data: ir.Value,
        shape: list[ir.Value],
        strides: list[ir.Value],
    ) -> ir.Value:
        builder = self._builder
        step = reduce(builder.mul, shape, INDEX(self._itemsize(type_))) if type_.layout == "C" else next(incoming)
        return self._array(argument.shadow_type, data, [INDEX(self._compiled.width), *shape], [step, *strides])

    def _take_seeds(self, outer: list[ir.Value]) -> None:
        self._seeds_at = outer

    def _seed_lanes(self) -> list[tuple[types.Type, ir.Value | None]]:
        builder, lanes = self._builder, []
        for lane in range(self._compiled.width):
            numbers = [builder.load(builder.gep(pointer, [INDEX(lane)])) for pointer in self._seeds_at]
            lanes.append((self._seed_type, self._tuple(self._seed_type, iter(numbers))))
        return lanes


def identifier(name: str) -> str:
    """A C identifier for an argument or an element of a tuple: ``t[0]`` as ``t_0``, Greek letters by their codes."""
    ascii_only = re.sub(r"[^\w\[\]]|[^\x00-\x7f]", lambda match: f"u{ord(match[0]):x}", name)
    return ascii_only.replace("[", "_").replace("]", "")


def _numbered(name: str, path: tuple[int, ...]) -> str:
    """The name of a number of the result: the bare word for a result that is a number."""
    return "_".join([name, *map(str, path)])
