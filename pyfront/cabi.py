"""The flat C function of a derivative: ``dk.address``, ``dk.cdef`` and ``dk.cffi``.

    Const scalar      T x
    Active scalar     T x, T *x_adjoint                                  (stored)
    Duplicated scalar T x, T x_tangent                                   (forward mode)
    Const array       T *A, int64_t A_n0, ..., int64_t A_n{r-1}          (C order)
    Duplicated array  T *A, T *A_shadow, int64_t A_n0, ..., int64_t A_n{r-1}
    returned scalar   [double seed,] double *value                       (seed if it is a float; value may be NULL)
    the same, forward [double *tangent,] double *value                   (both may be NULL)

It returns 0, or a status: that of the exception which the kernel raised, `OUT_OF_MEMORY`, or `OVERLAP` if arrays
overlap in a way that the derivative is not compiled for (checked before anything runs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import cffi
from llvmlite import ir
from numba.core import types
from numba.core.callconv import excinfo_ptr_t
from numba.core.registry import cpu_target

from pyfront import checks, native
from pyfront.arguments import Leaf
from pyfront.checks import Pair, Role, View
from pyfront.compiled import Compiled
from pyfront.errors import LayoutError, UnsupportedError, with_help
from pyfront.link import OptimizedOnce
from pyfront.scalars import SCALARS

OVERLAP = 20551
"""Status: arrays share memory in a way that the derivative is not compiled for."""

_INDEX = ir.IntType(64)


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


def parameters(compiled: Compiled) -> Iterator[Parameter]:
    """The parameters of the C function, in order."""
    for argument in compiled.arguments:
        for leaf in argument.leaves:
            name = _identifier(leaf.name)
            if isinstance(leaf.type, types.Array):
                yield Parameter(name, leaf.type.dtype, is_pointer=True)
                if argument.is_duplicated:
                    yield Parameter(f"{name}_shadow", leaf.type.dtype, is_pointer=True)
                for dimension in range(leaf.type.ndim):
                    yield Parameter(f"{name}_n{dimension}", types.int64)
            else:
                yield Parameter(name, leaf.type)
                if argument.is_active:
                    yield Parameter(f"{name}_adjoint", leaf.type, is_pointer=True)
                elif argument.is_duplicated:
                    yield Parameter(f"{name}_tangent", leaf.type)
    if compiled.takes_seed:
        yield Parameter("seed", compiled.returns)
    elif compiled.returns_float:
        yield Parameter("tangent", compiled.returns, is_pointer=True)
    if compiled.returns is not types.none:
        yield Parameter("value", compiled.returns, is_pointer=True)


def check_layouts(compiled: Compiled) -> None:
    """Raise unless every array is one that C-ordered memory satisfies."""
    for argument in compiled.arguments:
        for leaf in argument.leaves:
            if leaf.is_array and leaf.type.layout == "F":
                raise LayoutError(
                    with_help(
                        f"`{compiled.kernel}`: argument `{leaf.name}` is in Fortran order, "
                        "but the arrays of the C function are in C order",
                        "give the signature with [:,::1]",
                    )
                )


def build(compiled: Compiled, name: str) -> CFunction:
    """Compile the C function for a derivative. The caller holds Numba's compiler lock."""
    check_layouts(compiled)
    if isinstance(compiled.returns, types.BaseTuple):
        raise UnsupportedError(
            with_help(
                f"`{compiled.kernel}` returns a tuple, so its derivative has no C function",
                "write the results to an array that the caller passes",
            )
        )
    context = cpu_target.target_context.subtarget(enable_nrt=True)
    symbol = f"c.{compiled.symbol}"
    module = context.create_module(symbol)
    declared = list(parameters(compiled))
    lltypes = [native.slot_type(context, parameter.type) for parameter in declared]
    signature = [
        lltype.as_pointer() if parameter.is_pointer else lltype
        for parameter, lltype in zip(declared, lltypes, strict=True)
    ]
    function = ir.Function(module, ir.FunctionType(native.STATUS, signature), symbol)
    for value, parameter in zip(function.args, declared, strict=True):
        value.name = parameter.name
    _Body(context, ir.IRBuilder(function.append_basic_block("entry")), compiled).emit()
    library = OptimizedOnce(context.codegen(), symbol)
    library.add_ir_module(module)
    library.finalize()
    text = ", ".join(parameter.declaration for parameter in declared) or "void"
    return CFunction(
        address=int(library.get_pointer_to_function(symbol)),
        declaration=f"int32_t {name}({text});",
        type=f"int32_t (*)({text})",
        library=library,
    )


class _Body:
    """Writes the body: parameters in, seam 2 out."""

    def __init__(self, context: Any, builder: ir.IRBuilder, compiled: Compiled) -> None:
        self._context = context
        self._builder = builder
        self._compiled = compiled
        self._incoming = iter(builder.function.args)
        self._primal: list[ir.Value] = []
        self._outputs: list[ir.Value] = []
        self._pairs: list[Pair] = []

    def emit(self) -> None:
        builder, compiled = self._builder, self._compiled
        for argument in compiled.arguments:
            for leaf in argument.leaves:
                if leaf.is_array:
                    self._array(leaf, has_shadow=argument.is_duplicated)
                else:
                    self._primal.append(next(self._incoming))
                    if argument.is_active:
                        self._outputs.append(next(self._incoming))
                    elif argument.is_duplicated:
                        self._outputs.append(self._spilled(next(self._incoming)))
        checks.emit_overlap_checks(builder, compiled.kernel, self._pairs, self._fail, may_alias=False)
        excinfo = builder.alloca(excinfo_ptr_t)
        builder.store(ir.Constant(excinfo_ptr_t, None), excinfo)
        seed = next(self._incoming) if compiled.takes_seed else None
        status = native.emit_call(
            self._context,
            builder,
            compiled,
            native.by_address(self._context, builder, compiled),
            excinfo=excinfo,
            primal=self._primal,
            outputs=self._outputs,
            seed=seed,
            tangent=self._result() if compiled.returns_float and compiled.forward else None,
            value=self._result() if compiled.returns is not types.none else None,
        )
        builder.ret(status)

    def _spilled(self, value: ir.Value) -> ir.Value:
        slot = self._builder.alloca(value.type)
        self._builder.store(value, slot)
        return slot

    def _result(self) -> ir.Value:
        """Where the result goes: the caller's memory, or the stack if there is none."""
        given = next(self._incoming)
        spare = self._builder.alloca(given.type.pointee)
        missing = self._builder.icmp_unsigned("==", given, ir.Constant(given.type, None))
        return self._builder.select(missing, spare, given)

    def _array(self, leaf: Leaf, *, has_shadow: bool) -> None:
        """The LLVM parameters of a C-ordered array without owner."""
        builder, type_ = self._builder, leaf.type
        data = next(self._incoming)
        shadow = next(self._incoming) if has_shadow else None
        shape = [next(self._incoming) for _ in range(type_.ndim)]
        itemsize = self._context.get_abi_sizeof(self._context.get_data_type(type_.dtype))
        strides: list[ir.Value] = [_INDEX(itemsize)]
        for extent in reversed(shape[1:]):
            strides.insert(0, builder.mul(strides[0], extent))
        null = ir.Constant(native.POINTER, None)
        self._primal += [null, null, reduce(builder.mul, shape), _INDEX(itemsize), data, *shape, *strides]

        def view(name: str, role: Role, pointer: ir.Value) -> View:
            contiguous = type_.copy(layout="C")
            return View(
                name, contiguous, role, builder.ptrtoint(pointer, _INDEX), tuple(shape), tuple(strides), itemsize
            )

        its_shadow = None
        if shadow is not None:
            self._outputs.append(shadow)
            its_shadow = view(f"{leaf.name}_shadow", Role.SHADOW, shadow)
        self._pairs.append(Pair(view(leaf.name, Role.PRIMAL if has_shadow else Role.CONST, data), its_shadow))

    def _fail(self, error: type[BaseException], message: str) -> None:
        self._builder.ret(native.STATUS(OVERLAP))


def _identifier(name: str) -> str:
    """A C identifier for an argument or an element of a tuple, ``t[0]`` as ``t_0``."""
    return name.replace("[", "_").replace("]", "")
