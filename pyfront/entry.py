"""Entries: the functions that Numba's dispatchers and compiled code call for a derivative.

An entry follows Numba's calling convention. It is written directly in LLVM IR rather than compiled from Python: checks
the arrays, calls the derivative, packs the adjoints. It borrows its arguments and owns nothing, so an exception leaks
nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llvmlite import ir
from numba.core import cgutils, compiler, funcdesc, types, typing
from numba.core.callconv import RETCODE_USEREXC
from numba.core.environment import Environment
from numba.core.registry import cpu_target

from pyfront import checks, engine, explain, native
from pyfront.arguments import Leaf
from pyfront.checks import Pair, Role, View
from pyfront.compiled import Differentiated
from pyfront.errors import RuleError
from pyfront.link import OptimizedOnce
from pyfront.native import Group, Part
from pyfront.results import Number, derivative_type
from pyfront.shape import Shape as Shape

_serial = itertools.count()


class Target(Protocol):
    """What an entry is compiled to: code that runs, or IR that is differentiated again."""

    @property
    def context(self) -> Any:
        """Numba's target context."""

    def library(self, name: str) -> Any:
        """A code library for one entry."""

    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Any) -> ir.Value:
        """The derivative's function."""

    def finish(self, context: Any, library: Any, fndesc: Any, environment: Any, nogil: bool) -> Any:
        """Finish the library; what Numba takes for the entry's address is returned."""


class Executable:
    """Code that runs: callable from Python and from ``@njit`` code."""

    @property
    def context(self) -> Any:
        return cpu_target.target_context

    def library(self, name: str) -> Any:
        return OptimizedOnce(self.context.codegen(), name)

    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Any) -> ir.Value:
        return native.by_address(context, builder, derivative, Part.WHOLE, derivative.address)

    def finish(self, context: Any, library: Any, fndesc: Any, environment: Any, nogil: bool) -> Any:
        context.create_cpython_wrapper(library, fndesc, environment, None, release_gil=nogil)
        return context.get_executable(library, fndesc, environment)


def result_type(compiled: Differentiated, with_primal: bool) -> types.Type:
    """The type of the derivative's result.

    Reverse mode: None, the only adjoint, or a tuple of them. Forward mode: the tangent of the result, else None. With
    primal a tuple of the value and that. In a batch each adjoint or tangent is a tuple of them.
    """

    def each(type_: types.Type) -> types.Type:
        derivative = derivative_type(type_)
        return types.UniTuple(derivative, compiled.width) if compiled.is_batch else derivative

    if compiled.forward:
        packed = each(compiled.returns) if compiled.returns_float else types.none
    else:
        adjoints = [each(argument.type) for argument in compiled.arguments if argument.is_active]
        packed = adjoints[0] if len(adjoints) == 1 else types.BaseTuple.from_types(adjoints) if adjoints else types.none
    return types.BaseTuple.from_types([compiled.returns, packed]) if with_primal else packed


def build(
    compiled: Differentiated,
    shape: Shape,
    argument_types: tuple[types.Type, ...],
    body: type[Body],
    target: Target,
) -> Any:
    """Compile the entry for these types, as ``body`` writes it, and register it with Numba."""
    restype = body.result_type(compiled, shape)
    fndesc = funcdesc.FunctionDescriptor(
        native=True,
        modname="pyfront",
        qualname=shape.name,
        unique_name=f"{shape.name}.{next(_serial)}",
        doc=None,
        typemap={},
        restype=restype,
        calltypes={},
        args=shape.all_parameters,
        kws=(),
        argtypes=argument_types,
        global_dict={"__name__": "pyfront"},
        uid=next(_serial),
    )
    environment = Environment.from_fndesc(fndesc)
    context = target.context.subtarget(environment=environment, fndesc=fndesc, enable_nrt=True)
    library = target.library(fndesc.unique_name)
    module = context.create_module(fndesc.unique_name)
    function = context.declare_function(module, fndesc)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    with context.push_code_library(library):
        callee = target.callee(context, builder, compiled)
        body(context, builder, compiled, callee, shape, argument_types, restype).emit()
    library.add_ir_module(module)
    entry_point = target.finish(context, library, fndesc, environment, compiled.nogil)
    target.context.insert_user_function(entry_point, fndesc, [library])
    return compiler.compile_result(
        typing_context=target.context.typing_context,
        target_context=target.context,
        entry_point=entry_point,
        signature=typing.signature(restype, *argument_types),
        objectmode=False,
        fndesc=fndesc,
        library=library,
        environment=environment,
    )


@dataclass
class Slots:
    """Memory of one call into which the derivative stores what it returns."""

    adjoints: list[list[ir.Value]]
    """One list per argument: a pointer per varied leaf of an active argument, else empty."""
    tangent: ir.Value | None
    """Forward mode, for a result with floats: memory like that of the result."""
    value: ir.Value | None


class Body:
    """Writes the body of one entry; the calls of other kinds (batches, halves, C) override what differs."""

    part = Part.WHOLE

    def __init__(
        self,
        context: Any,
        builder: ir.IRBuilder,
        compiled: Differentiated,
        callee: ir.Value,
        shape: Shape,
        argument_types: tuple[types.Type, ...],
        restype: types.Type,
    ) -> None:
        self._context = context
        self._builder = builder
        self._compiled = compiled
        self._callee = callee
        self._shape = shape
        self._restype = restype
        self._seed: ir.Value | None = None
        self._seed_type = argument_types[-1] if shape.seeded else compiled.returns
        self._primal: list[ir.Value] = []
        self._shadow: list[ir.Value | None] = []
        self._take(argument_types)

    @staticmethod
    def result_type(compiled: Differentiated, shape: Shape) -> types.Type:
        return result_type(compiled, shape.with_primal)

    def emit(self) -> None:
        builder = self._builder
        self._check()
        slots = self._slots()
        status = self._call(slots)
        with builder.if_then(builder.icmp_signed("!=", status, native.STATUS(0)), likely=False):
            self._release()
            self._fail(status)
        self._store_back()
        self._release()
        self._return(slots)

    # What comes in -------------------------------------------------------------------------------

    def _take(self, argument_types: tuple[types.Type, ...]) -> None:
        """Take the arguments of the call."""
        self._assign(list(self._context.call_conv.decode_arguments(self._builder, argument_types, self._function)))

    def _assign(self, values: list[ir.Value]) -> None:
        self._seed = values.pop() if self._shape.seeded else None
        incoming = iter(values)
        for argument in self._compiled.arguments:
            self._primal.append(next(incoming))
            self._shadow.append(next(incoming) if argument.is_duplicated else None)

    @property
    def _function(self) -> ir.Function:
        return self._builder.function

    def _check(self) -> None:
        pairs: list[Pair] = []
        for argument, primal, shadow in zip(self._compiled.arguments, self._primal, self._shadow, strict=True):
            shadows = argument.shadow_leaves or (None,) * len(argument.leaves)
            for leaf, shadow_leaf in zip(argument.leaves, shadows, strict=True):
                if not leaf.is_array:
                    continue
                role = Role.PRIMAL if argument.is_duplicated else Role.CONST
                its_shadow = self._view(shadow, shadow_leaf, Role.SHADOW) if shadow_leaf and shadow else None
                pairs.append(Pair(self._view(primal, leaf, role), its_shadow))
        kernel = self._compiled.kernel
        checks.emit_layout_checks(self._builder, kernel, pairs, self._raise)
        aliased = None if self._shape.may_alias else self._raise_aliased
        checks.emit_overlap_checks(self._builder, kernel, pairs, self._raise, aliased)

    def _view(self, value: ir.Value, leaf: Leaf, role: Role) -> View:
        builder = self._builder
        array = self._context.make_array(leaf.type)(self._context, builder, native.element(builder, value, leaf))
        return View(
            name=leaf.name,
            type=leaf.type,
            role=role,
            data=builder.ptrtoint(array.data, ir.IntType(64)),
            shape=tuple(cgutils.unpack_tuple(builder, array.shape)),
            strides=tuple(cgutils.unpack_tuple(builder, array.strides)),
            itemsize=self._context.get_abi_sizeof(self._context.get_data_type(leaf.type.dtype)),
            written=role is not Role.CONST or leaf.name in self._compiled.written,
        )

    # The call ------------------------------------------------------------------------------------

    def _call(self, slots: Slots) -> ir.Value:
        return native.emit_call(
            self._context, self._builder, self._compiled, self.part, self._callee, self._values(slots)
        )

    def _values(self, slots: Slots) -> dict[Group, Sequence[ir.Value]]:
        """What the derivative is called with."""
        seed = self._seeds()
        return {
            Group.EXCINFO: [self._excinfo()],
            Group.PRIMAL: self._primal_parameters(),
            Group.OUTPUTS: self._outputs(slots),
            Group.SEED: [] if seed is None else [seed],
            Group.TANGENT: [] if slots.tangent is None else [slots.tangent],
            Group.VALUE: [] if slots.value is None else [slots.value],
        }

    def _excinfo(self) -> ir.Value:
        return self._function.args[1]

    def _primal_parameters(self) -> tuple[ir.Value, ...]:
        """The arguments of the kernel as its LLVM parameters."""
        packer = self._context.get_arg_packer(tuple(argument.type for argument in self._compiled.arguments))
        return tuple(packer.as_arguments(self._builder, self._primal))

    def _slots(self) -> Slots:
        returns = self._compiled.returns
        return Slots(
            adjoints=[
                [self._lanes(leaf.type) for leaf in argument.varied_leaves] if argument.is_active else []
                for argument in self._compiled.arguments
            ],
            tangent=self._lanes(returns) if self._compiled.forward and self._compiled.returns_float else None,
            value=None if returns is types.none else self._slot(returns),
        )

    def _slot(self, type_: types.Type) -> ir.Value:
        return cgutils.alloca_once(self._builder, native.slot_type(self._context, type_))

    def _lanes(self, type_: types.Type) -> ir.Value:
        """Stack memory for all adjoints or tangents of a value: each of its numbers once per lane."""
        slot = native.slot_type(self._context, type_)
        return cgutils.alloca_once(self._builder, ir.ArrayType(slot, self._compiled.width))

    def _lane(self, memory: ir.Value, type_: types.Type, offset: int = 0, lane: int = 0) -> ir.Value:
        """In such memory, the place of one number, which lies at ``offset`` of the value."""
        slot = native.slot_type(self._context, type_)
        place = offset * self._compiled.width + lane * self._context.get_abi_sizeof(slot)
        return self._builder.bitcast(cgutils.pointer_add(self._builder, memory, place), slot.as_pointer())

    def _outputs(self, slots: Slots) -> list[ir.Value]:
        """The derivative's pointers: per argument its adjoint slots, or where its shadows are."""
        result: list[ir.Value] = []
        for argument, shadow, adjoints in zip(self._compiled.arguments, self._shadow, slots.adjoints, strict=True):
            result += adjoints
            for leaf in argument.shadow_leaves:
                value = native.element(self._builder, shadow, leaf)
                if leaf.is_array:
                    result.append(self._context.make_array(leaf.type)(self._context, self._builder, value).data)
                else:
                    result.append(native.spill(self._context, self._builder, leaf.type, value))
        return result

    def _seeds(self) -> ir.Value | None:
        """The seed, or the memory of the seeds, for a derivative that takes some."""
        compiled, builder = self._compiled, self._builder
        if not compiled.takes_seed:
            return None
        lanes = self._seed_lanes()
        memory = None if compiled.seed_by_value else self._lanes(compiled.returns)
        for number in compiled.numbers:
            if not number.is_float:
                continue
            for lane, (type_, seed) in enumerate(lanes):
                value = self._seed_of(number, type_, seed)
                if memory is None:
                    return value
                builder.store(value, self._lane(memory, number.type, number.offset, lane))
        return memory

    def _seed_lanes(self) -> list[tuple[types.Type, ir.Value | None]]:
        """The seed of each lane with its type; None is one for each float."""
        return [(self._seed_type, self._seed)]

    def _seed_of(self, number: Number, type_: types.Type, seed: ir.Value | None) -> ir.Value:
        """The adjoint of one number in a seed of the result; zero where it has None."""
        if seed is None:
            return self._context.get_constant(number.type, 1.0)
        for index in number.path:
            if type_ is types.none:
                break
            seed, type_ = self._builder.extract_value(seed, index), type_.types[index]
        return self._context.get_constant(number.type, 0.0) if type_ is types.none else seed

    def _store_back(self) -> None:
        """Bring shadows that the derivative did not work on in place to where the caller has them."""

    def _release(self) -> None:
        """Give back what the entry allocated."""

    # What goes out -------------------------------------------------------------------------------

    def _return(self, slots: Slots) -> None:
        result = self._context.get_return_value(self._builder, self._restype, self._result(slots))
        self._context.call_conv.return_value(self._builder, result)

    def _result(self, slots: Slots) -> ir.Value:
        packed = self._tangent(slots) if self._compiled.forward else self._adjoints(slots)
        if not self._shape.with_primal:
            return packed
        return self._context.make_tuple(self._builder, self._restype, [self._value(slots), packed])

    def _value(self, slots: Slots) -> ir.Value:
        if slots.value is None:
            return self._context.get_dummy_value()
        return self._load(self._compiled.returns, slots.value)

    def _tangent(self, slots: Slots) -> ir.Value:
        if slots.tangent is None:
            return self._context.get_dummy_value()
        places = [(number.offset, slots.tangent) for number in self._compiled.numbers if number.is_float]
        return self._each_lane(self._compiled.returns, places)

    def _adjoints(self, slots: Slots) -> ir.Value:
        adjoints = [
            self._each_lane(argument.type, [(0, pointer) for pointer in pointers])
            for argument, pointers in zip(self._compiled.arguments, slots.adjoints, strict=True)
            if argument.is_active
        ]
        if not adjoints:
            return self._context.get_dummy_value()
        if len(adjoints) == 1:
            return adjoints[0]
        inner = self._restype.types[1] if self._shape.with_primal else self._restype
        return self._context.make_tuple(self._builder, inner, adjoints)

    def _each_lane(self, type_: types.Type, places: list[tuple[int, ir.Value]]) -> ir.Value:
        """The derivative of a value of this type, given offset and memory of each of its floats."""
        return self._packed(type_, iter(places), 0)

    def _packed(self, type_: types.Type, places: Iterator[tuple[int, ir.Value]], lane: int) -> ir.Value:
        if isinstance(type_, types.BaseTuple):
            elements = [self._packed(element, places, lane) for element in type_.types]
            return self._context.make_tuple(self._builder, derivative_type(type_), elements)
        if not isinstance(type_, types.Float):
            return self._context.get_dummy_value()
        offset, memory = next(places)
        return self._load(type_, self._lane(memory, type_, offset, lane))

    def _load(self, type_: types.Type, pointer: ir.Value) -> ir.Value:
        return self._context.get_returned_value(self._builder, type_, self._builder.load(pointer))

    def _fail(self, status: ir.Value) -> None:
        """Leave the call with the status of the derivative."""
        builder = self._builder
        contract = engine.load().contract
        with builder.if_then(builder.icmp_signed("==", status, native.STATUS(contract.out_of_memory))):
            self._raise(MemoryError, explain.no_memory(self._compiled.kernel))
        with builder.if_then(builder.icmp_signed("==", status, native.STATUS(contract.rule_failed))):
            self._raise(RuleError, explain.rule_failed(self._compiled.kernel))
        builder.ret(status)

    def _raise_aliased(self, error: type[BaseException], *args: Any) -> None:
        self._raise(error, *args, self._shape.serial)

    def _raise(self, error: type[BaseException], *args: Any) -> None:
        self._context.call_conv.set_static_user_exc(self._builder, error, args)
        self._builder.ret(RETCODE_USEREXC)
