"""Entries: the functions that Numba's dispatchers and compiled code call for a derivative.

An entry follows Numba's calling convention. It is written directly in LLVM IR rather than compiled from Python: checks
the arrays, calls the derivative, packs the adjoints. It borrows its arguments and owns nothing, so an exception leaks
nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from llvmlite import ir
from numba.core import cgutils, compiler, funcdesc, types, typing
from numba.core.callconv import RETCODE_USEREXC
from numba.core.environment import Environment
from numba.core.registry import cpu_target

from pyfront import checks, native
from pyfront.arguments import SEED, Leaf
from pyfront.checks import Pair, Role, View
from pyfront.compiled import OUT_OF_MEMORY, Differentiated
from pyfront.link import OptimizedOnce

_serial = itertools.count()


@dataclass(frozen=True)
class Shape:
    """What an entry looks like from outside, whatever the types."""

    name: str
    parameters: tuple[str, ...]
    with_primal: bool
    seeded: bool
    may_alias: bool

    @property
    def all_parameters(self) -> tuple[str, ...]:
        return (*self.parameters, SEED) if self.seeded else self.parameters


class Target(Protocol):
    """What an entry is compiled to: code that runs, or IR that is differentiated again."""

    @property
    def context(self) -> Any:
        """Numba's target context."""

    def library(self, name: str) -> Any:
        """A code library for one entry."""

    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Any) -> ir.Value:
        """The derivative's function."""

    def finish(self, context: Any, library: Any, fndesc: Any, environment: Any) -> Any:
        """Finish the library; what Numba takes for the entry's address is returned."""


class Executable:
    """Code that runs: callable from Python and from ``@njit`` code."""

    @property
    def context(self) -> Any:
        return cpu_target.target_context

    def library(self, name: str) -> Any:
        return OptimizedOnce(self.context.codegen(), name)

    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Any) -> ir.Value:
        return native.by_address(context, builder, derivative)

    def finish(self, context: Any, library: Any, fndesc: Any, environment: Any) -> Any:
        context.create_cpython_wrapper(library, fndesc, environment, None)
        return context.get_executable(library, fndesc, environment)


def result_type(compiled: Differentiated, with_primal: bool) -> types.Type:
    """The type of the derivative's result.

    Reverse mode: None, the only adjoint, or a tuple of them. Forward mode: the tangent of a float result, else None.
    With primal a tuple of the value and that. In a batch each adjoint or tangent is a tuple of them.
    """

    def each(type_: types.Type) -> types.Type:
        return types.UniTuple(type_, compiled.width) if compiled.is_batch else type_

    if compiled.forward:
        tangent = each(compiled.returns) if compiled.returns_float else types.none
        return types.BaseTuple.from_types([compiled.returns, tangent]) if with_primal else tangent
    adjoints = [each(argument.type) for argument in native.active(compiled.arguments)]
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
    entry_point = target.finish(context, library, fndesc, environment)
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


class Body:
    """Writes the body of one entry."""

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
        self._take(context.call_conv.decode_arguments(builder, argument_types, builder.function))

    @staticmethod
    def result_type(compiled: Differentiated, shape: Shape) -> types.Type:
        return result_type(compiled, shape.with_primal)

    def _take(self, values: list[ir.Value]) -> None:
        """Take the arguments of the call."""
        self._seed = values.pop() if self._shape.seeded else None
        incoming = iter(values)
        for argument in self._compiled.arguments:
            self._primal.append(next(incoming))
            self._shadow.append(next(incoming) if argument.is_duplicated else None)

    def emit(self) -> None:
        builder, context, compiled = self._builder, self._context, self._compiled
        self._check()
        slots = self._slots()
        status = self._call(slots)
        with builder.if_then(builder.icmp_signed("!=", status, native.STATUS(0)), likely=False):
            self._release()
            with builder.if_then(builder.icmp_signed("==", status, native.STATUS(OUT_OF_MEMORY))):
                self._raise(MemoryError, f"no memory for the tape of `{compiled.kernel}`")
            builder.ret(status)
        self._store_back()
        self._release()
        result = self._result(slots)
        context.call_conv.return_value(builder, context.get_return_value(builder, self._restype, result))

    def _call(self, slots: native.Slots) -> ir.Value:
        outputs = self._outputs(slots)
        return native.emit_call(
            self._context,
            self._builder,
            self._compiled,
            self._callee,
            excinfo=self._builder.function.args[1],
            primal=self._primal_parameters(),
            outputs=outputs,
            seed=self._seed_value(),
            tangent=slots.tangent,
            value=slots.value,
        )

    def _primal_parameters(self) -> tuple[ir.Value, ...]:
        """The arguments of the kernel as its LLVM parameters."""
        packer = self._context.get_arg_packer(tuple(argument.type for argument in self._compiled.arguments))
        return tuple(packer.as_arguments(self._builder, self._primal))

    def _store_back(self) -> None:
        """Bring shadows that the derivative did not work on in place to where the caller has them."""

    def _release(self) -> None:
        """Give back what the entry allocated."""

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
        checks.emit_overlap_checks(self._builder, kernel, pairs, self._raise, may_alias=self._shape.may_alias)

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
        )

    def _slots(self) -> native.Slots:
        returns = self._compiled.returns
        return native.Slots(
            adjoints=[
                [self._lanes(leaf.type) for leaf in argument.leaves] if argument.is_active else []
                for argument in self._compiled.arguments
            ],
            tangent=self._lanes(returns) if self._compiled.forward and self._compiled.returns_float else None,
            value=None if returns is types.none else self._slot(returns),
        )

    def _slot(self, type_: types.Type) -> ir.Value:
        return cgutils.alloca_once(self._builder, native.slot_type(self._context, type_))

    def _lanes(self, type_: types.Type) -> ir.Value:
        """Stack memory for all adjoints or tangents of a scalar."""
        return self._slot(type_)

    def _outputs(self, slots: native.Slots) -> list[ir.Value]:
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

    def _seed_value(self) -> ir.Value | None:
        if not self._compiled.takes_seed:
            return None
        returns = self._compiled.returns
        if not isinstance(returns, types.BaseTuple):
            return self._seed or self._context.get_constant(returns, 1.0)
        seeds = self._seed
        if seeds is None:
            ones = [self._context.get_constant(type_, 1.0) for type_ in returns.types]
            seeds = self._context.make_tuple(self._builder, returns, ones)
        return native.spill(self._context, self._builder, returns, seeds)

    def _result(self, slots: native.Slots) -> ir.Value:
        packed = self._tangent(slots) if self._compiled.forward else self._adjoints(slots)
        if not self._shape.with_primal:
            return packed
        value = self._load(self._compiled.returns, slots.value) if slots.value else self._context.get_dummy_value()
        return self._context.make_tuple(self._builder, self._restype, [value, packed])

    def _tangent(self, slots: native.Slots) -> ir.Value:
        if slots.tangent is None:
            return self._context.get_dummy_value()
        return self._load(self._compiled.returns, slots.tangent)

    def _adjoints(self, slots: native.Slots) -> ir.Value:
        arguments = self._compiled.arguments
        adjoints = [
            self._adjoint(argument.type, pointers)
            for argument, pointers in zip(arguments, slots.adjoints, strict=True)
            if argument.is_active
        ]
        if not adjoints:
            return self._context.get_dummy_value()
        if len(adjoints) == 1:
            return adjoints[0]
        inner = self._restype.types[1] if self._shape.with_primal else self._restype
        return self._context.make_tuple(self._builder, inner, adjoints)

    def _adjoint(self, type_: types.Type, pointers: list[ir.Value]) -> ir.Value:
        """The adjoint of an active argument, of the argument's own type, from the slots of its leaves."""
        return self._packed(type_, iter(pointers))

    def _packed(self, type_: types.Type, pointers: Iterator[ir.Value]) -> ir.Value:
        if isinstance(type_, types.BaseTuple):
            elements = [self._packed(element, pointers) for element in type_.types]
            return self._context.make_tuple(self._builder, type_, elements)
        return self._load(type_, next(pointers))

    def _load(self, type_: types.Type, pointer: ir.Value) -> ir.Value:
        return self._context.get_returned_value(self._builder, type_, self._builder.load(pointer))

    def _raise(self, error: type[BaseException], message: str) -> None:
        self._context.call_conv.set_static_user_exc(self._builder, error, (message,))
        self._builder.ret(RETCODE_USEREXC)
