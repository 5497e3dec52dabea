"""Specialization: Numba functions whose Python source is made for the types of their arguments.

A `Specialized` is an ordinary CPU dispatcher in every respect, called from Python, from compiled code and captured as a
kernel, but one: what it compiles for a signature is what ``implement`` returns for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from numba.core import types
from numba.core.dispatcher import Dispatcher, _FunctionCompiler
from numba.core.registry import CPUDispatcher

from pyfront.cache.entries import Cache, TypesOfArrays, types_of_call

Implement = Callable[[tuple[types.Type, ...]], Callable[..., Any]]
"""From the types of the arguments, literals made plain, to the function that is compiled for them."""


class Specialized(TypesOfArrays, CPUDispatcher):
    """A function called ``name``, implemented anew for each signature."""

    def __init__(
        self,
        name: str,
        parameters: Sequence[str],
        implement: Implement,
        defaults: tuple[Any, ...] = (),
        *,
        nogil: bool = False,
    ) -> None:
        namespace: dict[str, Any] = {"__name__": __name__}
        exec(f"def stub({', '.join(parameters)}): pass", namespace)
        stub = renamed(namespace["stub"], name)
        stub.__defaults__ = defaults or None
        super().__init__(stub, targetoptions={"nopython": True, "boundscheck": None, "nogil": nogil})
        self._compiler: _FunctionCompiler = _SpecializingCompiler(implement, self._compiler)
        self.cache: Cache | None = None
        self.said: Callable[[], Any] = _nothing
        """What its owner has to store with code in the cache."""

    @property
    def implementation(self) -> Callable[..., Any]:
        """From the types of the arguments, and those of keywords, to the function that is compiled for them."""
        found: Callable[..., Any] = self._compiler._get_implementation
        return found

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        """Called by the C dispatcher with the arguments of a call whose types it does not know."""
        if self.cache is None or kws:
            return super()._compile_for_args(*args, **kws)
        given = types_of_call(self, args)
        if given is None:
            return super()._compile_for_args(*args)
        found = self.cache.find(given)
        if found is not None:
            self._types_active_call.clear()
            self._insert([type_._code for type_ in given], found, False)
            return found
        entry_point = super()._compile_for_args(*args)
        overload = self.overloads.get(given)
        if overload is not None:
            self.cache.store(given, overload, self.said())
        return entry_point


def _nothing() -> None:
    return None


class _SpecializingCompiler(_FunctionCompiler):
    """Compiles as ``ordinary`` does, the stub's own compiler, but another function."""

    def __init__(self, implement: Implement, ordinary: _FunctionCompiler) -> None:
        super().__init__(
            ordinary.py_func, ordinary.targetdescr, ordinary.targetoptions, ordinary.locals, ordinary.pipeline_class
        )
        self._implement = implement

    def _get_implementation(self, args: tuple[types.Type, ...], kws: dict[str, types.Type]) -> Callable[..., Any]:
        return self._implement(tuple(types.unliteral(type_) for type_ in args))


class TwinnedDispatcher(Dispatcher):
    """A dispatcher that compiles no Python function but has a twin on the capture target (``numba_target``)."""

    @property
    def twin(self) -> Dispatcher:
        """The dispatcher that stands for this one in captured code."""
        raise NotImplementedError


def renamed(function: FunctionType, name: str) -> FunctionType:
    """``function``, called ``name`` from now on; that need be no identifier."""
    function.__name__ = function.__qualname__ = name
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
    return function
