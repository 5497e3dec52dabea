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

Implement = Callable[[tuple[types.Type, ...]], Callable[..., Any]]
"""From the types of the arguments, literals made plain, to the function that is compiled for them."""


class Specialized(CPUDispatcher):
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

    @property
    def implementation(self) -> Callable[..., Any]:
        """From the types of the arguments, and those of keywords, to the function that is compiled for them."""
        found: Callable[..., Any] = self._compiler._get_implementation
        return found


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
