"""Capture: the unoptimized LLVM IR of a Numba kernel and of everything that it calls, as one linked module.

Numba's own modules are already inlined, unrolled and vectorized when one can first see them, and a derivative of
those is a derivative of the wrong program. So a second Numba target, derived from the CPU's, compiles the kernel:
same typing, same lowering, but its code libraries optimize nothing, never reach the execution engine, and remember
what they would have linked.

Invariants:
- Nothing that is captured can be executed: an "executable" of this target is a token that stands for a function's IR.
- Capture may begin while Numba infers the types of a function for the CPU (a derivative called from ``@njit`` code).
  It inherits no compile flags from that function. Templates of overloads remember the implementation that was
  resolved last, ours perhaps; inference resolves every call again in its last round, which puts that right.
- Every instruction that comes from a user's Python line carries that line as its debug location. There are no debug
  variables.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import llvmlite.binding as llvm
import numba
from numba.core import (
    callconv,
    codegen,
    compiler,
    cpu,
    debuginfo,
    externals,
    fastmathpass,
    ir,
    lowering,
    options,
    targetconfig,
    types,
    typing,
)
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import register_pass
from numba.core.descriptors import TargetDescriptor
from numba.core.dispatcher import Dispatcher, ObjModeLiftedWith, _FunctionCompiler
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.target_extension import CPU, dispatcher_registry, jit_registry, target_override, target_registry
from numba.core.typed_passes import BaseNativeLowering, NativeLowering
from numba.core.utils import threadsafe_cached_property

from pyfront import kernel as kernels
from pyfront import results, stated
from pyfront.errors import UnsupportedError, with_help
from pyfront.rules import library as numpy_rules
from pyfront.rules import sorting, unvaried
from pyfront.rules.captured import RuledFunction, stand_in
from pyfront.rules.parts import GENERATED, parts_of, resolve_captured
from pyfront.rules.registry import Rule, generation, rule_of
from pyfront.specialized import Specialized, TwinnedDispatcher

TARGET = "pyfront"

Implementation = Callable[[Any, Any], Callable[..., Any]]
"""From the types of a call to the function that is compiled, where that depends on them."""

_LIBRARIES = (os.path.dirname(numba.__file__) + os.sep, os.path.dirname(__file__) + os.sep, GENERATED)
"""What the files of functions begin with whose lines mean nothing to a user: Numba's, and ours."""


@dataclass(frozen=True)
class Capture:
    """The IR of one kernel for one signature."""

    primal: str
    """LLVM name of the kernel's function."""
    module: llvm.ModuleRef
    """The kernel and all that it calls; everything but the kernel is ``linkonce_odr``."""
    argument_types: tuple[types.Type, ...]
    return_type: types.Type
    environments: dict[str, Any] = field(repr=False)
    """Numba's environment objects by the name of the global that must point to them before code of the module runs."""
    callees: tuple[Callee, ...] = field(repr=False, default=())
    """The functions of users that the kernel calls, directly or not."""


@dataclass(frozen=True)
class Callee:
    """A function in a captured module."""

    symbol: str
    """Its LLVM name."""
    name: str
    argument_types: tuple[types.Type, ...]
    return_type: types.Type
    rule: Rule | None = None
    """Where it is declared only: its rule."""


@global_compiler_lock
def capture(kernel: Dispatcher, argument_types: tuple[types.Type, ...]) -> Capture:
    """Compile ``kernel`` for ``argument_types`` to unoptimized IR; Numba's typing errors pass through."""
    with _isolated():
        result = _compiled(kernel, tuple(argument_types))
        if _names(result.library, result.fndesc.llvm_func_name):
            # The engine differentiates a function that others call, and calls of it, each in its own way.
            caller = kernels.calling(kernel, kernels.name(kernel), kernels.parameters(kernel), kernel)
            result = _compiled(caller, tuple(argument_types))
    libraries = _reachable(result.library)
    module = result.library.raw_module.clone()
    environments: dict[str, Any] = {}
    for library in libraries:
        environments.update(library.environments)
        if library is not result.library:
            # LLVM's linker would leave out a function of which only an unresolved name speaks.
            recursive = any(_names(result.library, symbol) for symbol in library.functions)
            linked = library.raw_module.clone() if recursive else library._get_module_for_linking()
            module.link_in(linked, preserve=not recursive)
    module.verify()
    return Capture(
        primal=result.fndesc.llvm_func_name,
        module=module,
        argument_types=tuple(result.signature.args),
        return_type=result.signature.return_type,
        environments=environments,
        callees=tuple(
            callee
            for library in libraries
            for symbol, callee in library.functions.items()
            if symbol != result.fndesc.llvm_func_name
        ),
    )


@global_compiler_lock
def return_type(kernel: Dispatcher, argument_types: tuple[types.Type, ...]) -> types.Type:
    """What ``kernel`` returns for ``argument_types``; what is compiled to find out is kept for `capture`."""
    with _isolated():
        return _compiled(kernel, tuple(argument_types)).signature.return_type


def _compiled(kernel: Dispatcher, argument_types: tuple[types.Type, ...]) -> Any:
    """What ``kernel`` is compiled to for these types.

    A kernel with declared signatures has no others: for other types a function that calls it is compiled, which
    converts arguments and result as a plain call does.
    """
    twin = _twin(kernel)
    if twin._can_compile:
        twin.compile(argument_types)
    elif argument_types not in twin.overloads:
        caller = kernels.calling(kernel, kernels.name(kernel), kernels.parameters(kernel), kernel)
        return _compiled(caller, argument_types)
    return twin.overloads[argument_types]


@contextlib.contextmanager
def _isolated() -> Iterator[None]:
    """Compile for this target, with no flags of a function that Numba is compiling now."""
    flags = compiler.Flags()
    flags.nrt = True
    flags.error_model = "python"
    with target_override(TARGET), targetconfig.ConfigStack().enter(flags):
        yield


def _reachable(root: CaptureLibrary) -> list[CaptureLibrary]:
    """The capture libraries that ``root`` would link, itself first, each once; Numba's runtime stays declared.

    Numba links no function to itself: one that calls itself, or calls one that calls it, names it as unresolved.
    """
    found: list[CaptureLibrary] = []
    pending = [root]
    while pending:
        library = pending.pop()
        if any(library is known for known in found):
            continue
        found.append(library)
        pending.extend(lib for lib in reversed(library._linking_libraries) if isinstance(lib, CaptureLibrary))
        pending.extend(
            _defining[symbol]
            for variable in library.raw_module.global_variables
            if (symbol := variable.name.removeprefix(_UNRESOLVED)) != variable.name and symbol in _defining
        )
    return found


def _names(root: CaptureLibrary, symbol: str) -> bool:
    """Whether a library that ``root`` would link calls the function ``symbol`` of ``root``, or one of its own.

    Numba calls such a function by its name where it is defined, else by a name that is linked later.
    """
    own = str(root.raw_module.get_function(symbol)) if symbol in root.functions else ""
    return own.count(f"@{symbol}(") > 1 or any(
        variable.name == _UNRESOLVED + symbol
        for library in _reachable(root)
        for variable in library.raw_module.global_variables
    )


_UNRESOLVED = ".numba.unresolved$"

_defining: weakref.WeakValueDictionary[str, CaptureLibrary] = weakref.WeakValueDictionary()
"""Libraries by the LLVM names of the functions that they define."""


class CaptureLibrary(codegen.JITCodeLibrary):
    """A code library that keeps its module as lowering wrote it."""

    def __init__(self, owner: codegen.Codegen, name: str) -> None:
        super().__init__(owner, name)
        self.environments: dict[str, Any] = {}
        self.functions: dict[str, Callee] = {}
        """Those of users, by their LLVM names."""

    @property
    def raw_module(self) -> llvm.ModuleRef:
        return self._final_module

    def _optimize_functions(self, ll_module: llvm.ModuleRef) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        """Close the library without linking, optimizing or loading it."""
        self._raise_if_finalized()
        self._final_module.verify()
        self._finalized = True


@global_compiler_lock
def captured(function: Callable[..., Any], argument_types: tuple[types.Type, ...]) -> Any:
    """A function that is called in captured code by its name, as what Numba compiles it to for this target."""
    dispatcher = CaptureDispatcher(function)
    with _isolated():
        dispatcher.compile(argument_types)
    return dispatcher.overloads[argument_types]


def library_of(bitcode: bytes, name: str, symbol: str, environments: dict[str, Any]) -> CaptureLibrary:
    """A library of the derivative that ``bitcode`` defines as ``name``, for captured code that calls ``symbol``."""
    library = CaptureLibrary(CaptureDispatcher.targetdescr.target_context.codegen(), symbol)
    module = llvm.parse_bitcode(bitcode)
    module.verify()
    module.get_function(name).name = symbol
    for part in resolve_captured(module):
        library.add_linking_library(part)
    library.add_llvm_module(module)
    library.environments.update(environments)
    library.finalize()
    return library


class CaptureCodegen(codegen.JITCPUCodegen):
    _library_class = CaptureLibrary


class CaptureTypingContext(typing.Context):
    """The CPU's typing, in which every dispatcher is replaced by its twin on this target."""

    def resolve_value_type(self, val: Any) -> types.Type:
        try:
            resolved = super().resolve_value_type(val)
        except ValueError:
            if cpu_target.typing_context._lookup_global(val) is None:
                raise
            resolved = None
        name = getattr(val, "__name__", type(val).__name__)
        if resolved is None or not _is_capturable(resolved):
            raise self._unsupported(
                val, f"`{name}` ({type(val).__name__}) cannot be differentiated", "call an @njit function in its place"
            )
        return _with_twin(resolved)

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        ruled = unvaried.signature_of_block(func, args) or numpy_rules.signature_of(func, args, kws)
        if ruled is not None:
            return ruled
        resolved = super().resolve_function_type(_with_twin(func), args, kws)
        if resolved is not None and isinstance(resolved.return_type, types.Generator):
            raise self._unsupported(func, "a generator is not supported", "write a loop")
        return resolved

    def _unsupported(self, what: Any, message: str, help: str) -> UnsupportedError:
        """The error for a global value, or a dispatcher's type, at the line of the kernel that mentions it."""
        loc = next((loc for frame in self.callstack for loc in _mentions(frame, what)), None)
        place = f"{loc.filename}:{loc.line}: " if loc else ""
        return UnsupportedError(
            with_help(place + message, help), loc.filename if loc else None, loc.line if loc else None
        )


class _LineInfo(debuginfo.DIBuilder):
    """Line locations only: a declared variable would keep its stack slot alive through preparation."""

    def mark_variable(self, *args: Any, **kwargs: Any) -> None:
        return None


def _mentions(frame: Any, what: Any) -> Iterator[ir.Loc]:
    """The lines where a function that is being typed refers to a global, given as its value or a dispatcher's type."""
    function = what.dispatcher.py_func if isinstance(what, types.Dispatcher) else None
    for block in frame.typeinfer.blocks.values():
        for assignment in block.find_insts(ir.Assign):
            if not isinstance(assignment.value, (ir.Global, ir.FreeVar, ir.Const)):
                continue
            value = assignment.value.value
            if value is what or (function is not None and getattr(value, "py_func", None) is function):
                yield assignment.loc


class _CallConv(callconv.CPUCallConv):
    """Numba's, with a mark where a ``try`` begins, which the engine knows a function with one by."""

    def set_try_status(self, builder: Any) -> None:
        super().set_try_status(builder)
        (*_, store) = builder.block.instructions
        store.set_metadata("pyfront.try", builder.module.add_metadata([]))


class CaptureContext(cpu.CPUContext):
    """The CPU's lowering; only what happens to finished modules differs."""

    DIBuilder = _LineInfo
    is_capture = True
    """Intrinsics of the rules allocate here as kernels do."""

    @property
    def call_conv(self) -> _CallConv:
        return _CallConv(self)

    def init(self) -> None:
        # Numba's runtime library is compiled by whichever context asks first: that must be one that can execute.
        cpu_target.target_context.refresh()
        self.is32bit = False
        self._internal_codegen = CaptureCodegen("pyfront.capture")
        externals.c_math_functions.install(self)

    def get_function(self, fn: Any, sig: Any, _firstcall: bool = True) -> Any:
        rule = numpy_rules.rule_for(fn, sig.args)
        if rule is not None:
            return RuledFunction(self, rule, sig, _note)
        fn = _with_twin(fn)
        sort = sorting.implementation(self, fn, sig.as_function())
        if sort is not None:
            return sort
        return stated.builtin(fn, sig.as_function(), super().get_function(fn, sig, _firstcall))

    def get_ufunc_info(self, ufunc_key: Any) -> Any:
        return stated.ufunc_loops(ufunc_key, super().get_ufunc_info(ufunc_key))

    def post_lowering(self, mod: Any, library: CaptureLibrary) -> None:
        if self.fastmath:
            fastmathpass.rewrite_module(mod, self.fastmath)

    def get_executable(self, library: CaptureLibrary, fndesc: Any, env: Any) -> object:
        library.environments[self.get_env_name(fndesc)] = env
        symbol = fndesc.llvm_func_name
        _defining[symbol] = library
        library.functions[symbol] = Callee(
            symbol, fndesc.qualname.split(".")[-1], tuple(fndesc.argtypes), fndesc.restype
        )
        return _Token()

    def _compile_subroutine_no_cache(
        self, builder: Any, impl: Any, sig: Any, locals: dict[str, Any] | None = None, flags: Any = None
    ) -> Any:
        """As the base's, with the pipeline of this target, so that array expressions carry line locations too."""
        if flags is None:
            flags = compiler.Flags()
            flags.nrt = targetconfig.ConfigStack.top_or_none().nrt
        flags.no_compile = True
        _customize(flags, impl)
        library = self.codegen().create_library(impl.__name__)
        result = compiler.compile_extra(
            self.typing_context,
            self.subtarget(enable_debuginfo=False),
            impl,
            args=sig.args,
            return_type=sig.return_type,
            flags=flags,
            locals=locals or {},
            library=library,
            pipeline_class=CaptureCompiler,
        )
        library.environments[self.get_env_name(result.fndesc)] = result.environment
        self.active_code_library.add_linking_library(result.library)
        return result


class _Token:
    """Stands where Numba expects a function's address."""


def _customize(flags: compiler.Flags, function: Callable[..., Any]) -> compiler.Flags:
    """Ask for what capture needs: no wrappers, and line locations.

    Numba's own functions get none, nor do our rules: once inlined, their instructions carry the line of a user's call.
    """
    flags.no_cpython_wrapper = True
    flags.no_cfunc_wrapper = True
    flags.debuginfo = not function.__code__.co_filename.startswith(_LIBRARIES)
    flags.dbg_directives_only = True
    flags.dbg_extend_lifetimes = False
    flags.dbg_optnone = False
    return flags


class _CaptureLower(lowering.Lower):
    def _compute_def_location(self) -> Any:
        # Numba finds the first statement by parsing the function's whole file, for each function again.
        return self.func_ir.loc

    def _lower_call_ObjModeDispatcher(self, fnty: Any, expr: Any, signature: Any) -> Any:
        given = tuple(map(self.typeof, (argument.name for argument in expr.args)))
        args = [self.loadvar(argument.name) for argument in expr.args]
        rule = unvaried.rule_of_block(fnty.dispatcher, len(args))
        returned = parts_of(rule, given).value_type
        called = RuledFunction(self.context, rule, typing.signature(returned, *given), _note)
        return self.context.cast(self.builder, called(self.builder, args), returned, signature.return_type)


@register_pass(mutates_CFG=True, analysis_only=False)
class CaptureLowering(BaseNativeLowering):
    _name = "pyfront_lowering"

    @property
    def lowering_class(self) -> type[lowering.Lower]:
        return _CaptureLower


class CaptureCompiler(compiler.CompilerBase):
    """Numba's nopython pipeline with our lowering at its end."""

    def define_pipelines(self) -> list[Any]:
        manager = compiler.DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (CaptureLowering, name) if step is NativeLowering else (step, name) for step, name in manager.passes
        ]
        manager.finalize()
        return [manager]


class _CaptureFunctionCompiler(_FunctionCompiler):
    implementation: Implementation | None = None

    def _get_implementation(self, args: Any, kws: Any) -> Any:
        return self.implementation(args, kws) if self.implementation else self.py_func

    def _customize_flags(self, flags: compiler.Flags) -> compiler.Flags:
        return _customize(flags, self.py_func)


class CaptureTargetOptions(cpu.CPUTargetOptions):
    """The CPU's options. Parallel kernels are captured as the serial programs that they must agree with."""

    def finalize(self, flags: compiler.Flags, options: dict[str, Any]) -> None:
        super().finalize(flags, options)
        flags.auto_parallel = cpu.ParallelOptions(False)
        flags.enable_pyobject = False
        flags.enable_looplift = False


class CaptureTarget(TargetDescriptor):
    options: ClassVar[type[options.TargetOptions]] = CaptureTargetOptions

    @threadsafe_cached_property
    def typing_context(self) -> CaptureTypingContext:
        return CaptureTypingContext()

    @threadsafe_cached_property
    def target_context(self) -> CaptureContext:
        return CaptureContext(self.typing_context, TARGET)


class Pyfront(CPU):
    """The token of this target; what is implemented for the CPU is implemented for it."""


target_registry[TARGET] = Pyfront
stated.install(TARGET)
sorting.install(TARGET)


class CaptureDispatcher(Dispatcher):
    """Compiles to IR and records it; cannot be called."""

    targetdescr = CaptureTarget(TARGET)

    def __init__(
        self,
        py_func: Callable[..., Any],
        locals: dict[str, Any] | None = None,
        targetoptions: dict[str, Any] | None = None,
        implementation: Implementation | None = None,
    ) -> None:
        chosen = dict(targetoptions or {}, nopython=True)
        chosen.pop("debug", None)
        super().__init__(py_func, locals, chosen, pipeline_class=CaptureCompiler)
        self._compiler = _CaptureFunctionCompiler(py_func, self.targetdescr, chosen, self.locals, CaptureCompiler)
        self._compiler.implementation = implementation
        self.generation = generation()
        """The rules of what it calls are those of this time."""
        self.original: Dispatcher = self
        """The dispatcher of which this is the twin, if it is one."""

    def add_overload(self, cres: Any) -> None:
        self.overloads[tuple(cres.signature.args)] = cres


dispatcher_registry[Pyfront] = CaptureDispatcher


def _capture_jit(**options: Any) -> Callable[[Callable[..., Any]], CaptureDispatcher]:
    """The decorator with which Numba compiles ``overload`` implementations for this target."""
    for unused in ("cache", "pipeline_class"):
        options.pop(unused, None)
    locals = options.pop("locals", None)
    return lambda py_func: CaptureDispatcher(py_func, locals, options)


jit_registry[Pyfront] = _capture_jit


_twins: weakref.WeakKeyDictionary[Dispatcher, CaptureDispatcher] = weakref.WeakKeyDictionary()


def _twin(dispatcher: Dispatcher) -> Dispatcher:
    """The dispatcher of the same function on this target."""
    if isinstance(dispatcher, CaptureDispatcher):
        return dispatcher
    if isinstance(dispatcher, TwinnedDispatcher):
        return dispatcher.twin
    twin = _twins.get(dispatcher) if rule_of(dispatcher) is None else None
    if twin is None or twin.generation != generation():
        implementation = dispatcher.implementation if isinstance(dispatcher, Specialized) else None
        rule = rule_of(dispatcher)
        if rule is not None:
            return _ruled(dispatcher, rule)
        twin = CaptureDispatcher(dispatcher.py_func, dispatcher.locals, dispatcher.targetoptions, implementation)
        twin.original = dispatcher
        _twins[dispatcher] = twin
        if not dispatcher._can_compile:
            try:
                _declare(twin, dispatcher.nopython_signatures)
            except BaseException:
                del _twins[dispatcher]
                raise
    return twin


def _ruled(dispatcher: Dispatcher, rule: Rule) -> Dispatcher:
    """The dispatcher that stands for a function with a rule, the same as long as it has that one."""
    known = _ruled_twins.get(dispatcher)
    if known is None or known[0] is not rule:
        twin = CaptureDispatcher(stand_in(dispatcher, rule, _note), {}, {})
        twin.original = dispatcher
        known = _ruled_twins[dispatcher] = (rule, twin)
    return known[1]


def _note(
    library: Any, symbol: str, rule: Rule, argument_types: tuple[types.Type, ...], return_type: types.Type
) -> None:
    """Captured code of ``library`` calls a function with a rule by this name."""
    library.functions[symbol] = Callee(symbol, rule.name, tuple(argument_types), return_type, rule)


_ruled_twins: weakref.WeakKeyDictionary[Dispatcher, tuple[Rule, CaptureDispatcher]] = weakref.WeakKeyDictionary()


def _declare(twin: CaptureDispatcher, signatures: list[typing.Signature]) -> None:
    """Compile ``twin`` for the declared signatures, results included, and for no others."""
    for signature in signatures:
        twin.compile(signature)
    twin.disable_compile()


def _is_capturable(numba_type: types.Type) -> bool:
    """False for dispatchers that compile no Python function for the CPU and have no twin: object mode."""
    if isinstance(numba_type, types.BaseTuple):
        return all(map(_is_capturable, numba_type.types))
    if not isinstance(numba_type, types.Dispatcher):
        return True
    return isinstance(numba_type.dispatcher, (CPUDispatcher, CaptureDispatcher, TwinnedDispatcher, ObjModeLiftedWith))


def _with_twin(numba_type: Any) -> Any:
    """The type with the twins of the functions in it: one function, or a tuple of some."""
    if isinstance(numba_type, types.ObjModeDispatcher):
        return numba_type
    if isinstance(numba_type, types.Dispatcher) and _is_capturable(numba_type):
        return types.Dispatcher(_twin(numba_type.dispatcher))
    if isinstance(numba_type, types.BaseTuple) and _holds_functions(numba_type):
        return results.like(numba_type, list(map(_with_twin, numba_type.types)))
    return numba_type


def _holds_functions(numba_type: types.Type) -> bool:
    if isinstance(numba_type, types.BaseTuple):
        return any(map(_holds_functions, numba_type.types))
    return isinstance(numba_type, types.Dispatcher)


def twin_overloads(dispatcher: Dispatcher) -> int:
    """For how many types a function has been captured so far."""
    twin = _twins.get(dispatcher)
    return len(twin.overloads) if twin is not None else 0
