"""Linking: the engine's bitcode becomes executable code of Numba's JIT.

The derivative has a code library of its own in the JIT's engine. It is optimized exactly once, and callers reach it
by address: they never link its IR, so it is neither optimized again with each caller nor inlined into one (inlining
would lose what the engine says of its parameters).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

import llvmlite.binding as llvm
from numba.core import codegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

from pyfront.compile_report import Stopwatch
from pyfront.rules import parts


class OptimizedOnce(codegen.JITCodeLibrary):
    """A code library that is optimized by one run of O3 for the host, where Numba's run several pipelines."""

    packs_scalars = False
    """Whether LLVM may pack scalar operations of straight code into vectors. In forward mode value and tangent go side
    by side, which pays; in reverse mode it costs as often as it pays (see docs/benchmarks.md for the kernels)."""

    def __init__(self, owner: codegen.Codegen, name: str) -> None:
        super().__init__(owner, name)
        self.optimizing = Stopwatch()
        self.parts: list[Any] = []
        """The libraries of the parts of rules that this one calls."""
        self.captured: Any = None
        """The capture of what was differentiated."""

    def _optimize_functions(self, ll_module: llvm.ModuleRef) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        builder = self._codegen._pass_builder(slp_vectorize=self.packs_scalars)
        with self.optimizing.running():
            builder.getModulePassManager().run(self._final_module, builder)

    def _verify_declare_only_symbols(self) -> None:
        """Find missing symbols while that is an exception: the JIT would end the process."""
        for function in self._final_module.functions:
            name = function.name
            if not function.is_declaration or name.startswith("llvm."):
                continue
            if not self._codegen._engine.is_symbol_defined(name) and llvm.address_of_symbol(name) is None:
                raise RuntimeError(f"symbol not found: {name}")


@global_compiler_lock
def load(
    bitcode: bytes, symbols: Mapping[str, str], environments: dict[str, Any], *, packs_scalars: bool = False
) -> OptimizedOnce:
    """Optimize and load the module that defines the keys of ``symbols``, under their values.

    The values are unique in the process.
    """
    owner = cpu_target.target_context.codegen()
    library = OptimizedOnce(owner, next(iter(symbols.values())))
    library.packs_scalars = packs_scalars
    module = llvm.parse_bitcode(bitcode)
    module.verify()
    library.parts = parts.resolve(module)
    defined = {function.name for function in module.functions if not function.is_declaration}
    for name, symbol in symbols.items():
        if name not in defined:
            raise RuntimeError(f"it does not define {name}")
        module.get_function(name).name = symbol
    runtime = {function.name for function in rtsys.library.get_defined_functions()}
    if any(function.is_declaration and function.name in runtime for function in module.functions):
        library.add_linking_library(rtsys.library)
    library.add_llvm_module(module)
    library.finalize()
    globals_ = {variable.name for variable in library._final_module.global_variables if not variable.is_declaration}
    for variable, environment in environments.items():
        if variable in globals_:
            owner.set_env(variable, environment)
            _environments[variable] = environment
    return library


_loaded: dict[int, tuple[weakref.ref[OptimizedOnce], str]] = {}
_environments: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def address(library: OptimizedOnce, name: str) -> int:
    """The address of a function of a loaded library."""
    found = int(library.get_pointer_to_function(name))
    if found not in _loaded:
        _loaded[found] = (weakref.ref(library), name)
        weakref.finalize(library, _loaded.pop, found, None)
    return found


def at(address: int) -> tuple[OptimizedOnce, str] | None:
    """The library whose function is at an address, and its name."""
    reference, name = _loaded.get(address, (lambda: None, ""))
    library = reference()
    return None if library is None else (library, name)


def environment(variable: str) -> Any:
    """The environment to which loaded code refers by this name, None if there is none."""
    return _environments.get(variable)
