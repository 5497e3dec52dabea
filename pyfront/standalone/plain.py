"""Numba functions as LLVM IR that is neither differentiated nor run here: the parts of rules, for another program.

What Numba has compiled for this process is optimized, and lowered for its processor. So a third target, derived from
that of capture, compiles a function again, and keeps the IR as lowering wrote it. It differs from capture in two
things: nothing is stated, and no function is replaced by its rule.

Addresses of this process that Numba puts into its code, for objects that stand for functions, say, are refused where
something uses them (``modules``).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba.core import compiler, cpu, externals, targetconfig, types, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.target_extension import CPU, dispatcher_registry, jit_registry, target_override, target_registry
from numba.core.utils import threadsafe_cached_property

from pyfront.errors import ExportError, with_help
from pyfront.numba_target import CaptureCodegen, CaptureContext, CaptureDispatcher, CaptureTarget, _reachable

TARGET = "pyfront.plain"


class PlainTypingContext(typing.Context):
    """The CPU's typing, in which every dispatcher is replaced by its twin on this target."""

    def resolve_value_type(self, val: Any) -> types.Type:
        return _with_twin(super().resolve_value_type(val))

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        return super().resolve_function_type(_with_twin(func), args, kws)


class PlainContext(CaptureContext):
    """The CPU's lowering, to IR alone."""

    def init(self) -> None:
        cpu_target.target_context.refresh()
        self.is32bit = False
        self._internal_codegen = CaptureCodegen("pyfront.plain")
        externals.c_math_functions.install(self)

    def get_function(self, fn: Any, sig: Any, _firstcall: bool = True) -> Any:
        return cpu.CPUContext.get_function(self, _with_twin(fn), sig, _firstcall)

    def get_ufunc_info(self, ufunc_key: Any) -> Any:
        return cpu.CPUContext.get_ufunc_info(self, ufunc_key)


class PlainTarget(CaptureTarget):
    @threadsafe_cached_property
    def typing_context(self) -> PlainTypingContext:
        return PlainTypingContext()

    @threadsafe_cached_property
    def target_context(self) -> PlainContext:
        return PlainContext(self.typing_context, TARGET)


class Plain(CPU):
    """The token of this target; what is implemented for the CPU is implemented for it."""


target_registry[TARGET] = Plain


class PlainDispatcher(CaptureDispatcher):
    """Compiles to IR and records it; cannot be called."""

    targetdescr = PlainTarget(TARGET)


dispatcher_registry[Plain] = PlainDispatcher


def _plain_jit(**options: Any) -> Callable[[Callable[..., Any]], PlainDispatcher]:
    """The decorator with which Numba compiles ``overload`` implementations for this target."""
    for unused in ("cache", "pipeline_class"):
        options.pop(unused, None)
    locals = options.pop("locals", None)
    return lambda py_func: PlainDispatcher(py_func, locals, options)


jit_registry[Plain] = _plain_jit

_twins: weakref.WeakKeyDictionary[Dispatcher, PlainDispatcher] = weakref.WeakKeyDictionary()


def _with_twin(numba_type: Any) -> Any:
    """The type of a dispatcher as that of its twin here."""
    if not isinstance(numba_type, types.Dispatcher) or isinstance(numba_type.dispatcher, PlainDispatcher):
        return numba_type
    dispatcher = numba_type.dispatcher
    if not isinstance(dispatcher, CPUDispatcher):
        raise ExportError(
            with_help(
                f"a part of a rule calls `{getattr(dispatcher, '__name__', dispatcher)}`, which cannot be exported",
                "call an @njit function in its place",
            )
        )
    twin = _twins.get(dispatcher)
    if twin is None:
        twin = _twins[dispatcher] = PlainDispatcher(dispatcher.py_func, dispatcher.locals, dispatcher.targetoptions)
    return types.Dispatcher(twin)


@global_compiler_lock
def module_of(function: Callable[..., Any], argument_types: tuple[types.Type, ...], symbol: str) -> llvm.ModuleRef:
    """The unoptimized module of a Python function and all that it calls, in which it is called ``symbol``."""
    flags = compiler.Flags()
    flags.nrt = True
    flags.error_model = "python"
    dispatcher = PlainDispatcher(function, {}, {})
    with target_override(TARGET), targetconfig.ConfigStack().enter(flags):
        dispatcher.compile(argument_types)
    result = dispatcher.overloads[argument_types]
    module = result.library.raw_module.clone()
    for library in _reachable(result.library):
        if library is not result.library:
            module.link_in(library._get_module_for_linking(), preserve=True)
    module.get_function(result.fndesc.llvm_func_name).name = symbol
    return module
