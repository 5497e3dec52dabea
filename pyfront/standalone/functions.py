"""What is exported: for each derivative its C function, and beside it that of the kernel.

The kernel is exported as a derivative in forward mode in which nothing has a tangent: what the engine writes then is
the kernel, with its memory on the arena and the rules' functions in place of what they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.core.registry import cpu_target

from pyfront import cabi, native
from pyfront.annotations import Const
from pyfront.arguments import Argument
from pyfront.compiled import Differentiated, differentiate
from pyfront.link import OptimizedOnce
from pyfront.modes import Mode


@dataclass(frozen=True)
class Function:
    """One C function of a library."""

    name: str
    code: Differentiated
    mode: Mode | None
    """Of a derivative; None for the kernel itself."""
    doc: str
    alias: str | None = None
    """Another name of it."""

    @property
    def is_primal(self) -> bool:
        return self.mode is None

    @property
    def parameters(self) -> list[cabi.Parameter]:
        return cabi.parameters(self.code)

    @property
    def declaration(self) -> str:
        return f"int32_t {self.name}({cabi.c_parameters(self.code)})"

    @property
    def inner(self) -> str:
        """The name of the function that it calls."""
        return f"{self.name}.body"


def primal_of(derivative: Differentiated, kernel: Any) -> Differentiated:
    """The kernel of a derivative as code like it. Its arrays may overlap, as in a plain call."""
    constant = [Argument(argument.name, Const, argument.type) for argument in derivative.arguments]
    code: Differentiated = differentiate(kernel, constant, forward=True, may_alias=True, disable=())
    return code


def wrapper(functions: Sequence[Function], name: str, texts: dict[int, str]) -> str:
    """The module of the functions that C calls, as text."""
    context = cpu_target.target_context.subtarget(enable_nrt=True)
    library = OptimizedOnce(context.codegen(), f"export.{name}")
    module = context.create_module(f"export.{name}")
    for function in functions:
        body = _BatchBody if function.code.is_batch else _Body

        def callee(
            context: Any, builder: ir.IRBuilder, code: Differentiated, function: Function = function
        ) -> ir.Function:
            return cgutils.get_or_insert_function(module, native.function_type(context, code), function.inner)

        with context.push_code_library(library):
            cabi.emit(context, module, function.code, callee, function.name, body, may_alias=function.is_primal)
    _emit_error(module, f"{name}_error", texts)
    _emit_release(module, f"{name}_release")
    aliases = "".join(
        f"\n@{function.alias} = weak alias {_signature(module, function.name)}, ptr @{function.name}\n"
        for function in functions
        if function.alias
    )
    return str(module) + aliases


def _signature(module: ir.Module, name: str) -> str:
    return str(module.globals[name].ftype)


class _Body(cabi.CBody):
    """Writes a function that any program can call: an exception's status is the number in place of its pickle."""

    def _status_of(self, exception: ir.Value, status: ir.Value) -> ir.Value:
        return _number_in(self._builder, exception)


class _BatchBody(cabi.BatchCBody):
    """The same for a batch."""

    def _status_of(self, exception: ir.Value, status: ir.Value) -> ir.Value:
        return _number_in(self._builder, exception)


def _number_in(builder: ir.IRBuilder, exception: ir.Value) -> ir.Value:
    place = builder.bitcast(builder.extract_value(exception, 0), native.STATUS.as_pointer())
    return builder.load(place, align=1)


def _emit_error(module: ir.Module, name: str, texts: dict[int, str]) -> None:
    """`const char *name(int32_t status)`: what a status means."""
    function = ir.Function(module, ir.FunctionType(native.POINTER, [native.STATUS]), name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def give(text: str) -> None:
        data = bytearray(text.encode() + b"\0")
        constant = cgutils.global_constant(
            module, f"{name}.text", ir.Constant(ir.ArrayType(ir.IntType(8), len(data)), data)
        )
        builder.ret(builder.bitcast(constant, native.POINTER))

    default = function.append_basic_block("unknown")
    switch = builder.switch(function.args[0], default)
    for status, text in texts.items():
        block = function.append_basic_block()
        switch.add_case(native.STATUS(status), block)
        builder.position_at_end(block)
        give(text)
    builder.position_at_end(default)
    give("unknown status")


def _emit_release(module: ir.Module, name: str) -> None:
    """`void name(void)`: gives back the memory that this thread keeps."""
    nothing = ir.FunctionType(ir.VoidType(), [])
    builder = ir.IRBuilder(ir.Function(module, nothing, name).append_basic_block("entry"))
    builder.call(cgutils.get_or_insert_function(module, nothing, "pyfront_release"), [])
    builder.ret_void()
