"""Kernels: the dispatcher behind what a user hands to `autodiff`, and its parameters.

A derivative is a kernel too: its dispatcher is that of a function which does nothing but call it.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Protocol, runtime_checkable

from numba import njit
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher

from pyfront.errors import ArgumentError, ArityError, with_help


@runtime_checkable
class HasKernel(Protocol):
    """What is no function, but stands for a kernel: a derivative, an operator."""

    @property
    def as_kernel(self) -> Dispatcher:
        """The kernel, the same one each time."""


def as_dispatcher(kernel: Any) -> Dispatcher:
    """``kernel`` itself if it is compiled by Numba, else its jitted twin, the same one each time."""
    if isinstance(kernel, CPUDispatcher):
        return kernel
    if isinstance(kernel, FunctionType):
        with global_compiler_lock:
            return _jitted(kernel, _captured(kernel))
    if isinstance(kernel, HasKernel):
        return kernel.as_kernel
    raise ArgumentError(
        with_help(
            f"cannot differentiate {kernel!r}: it is neither a Python function nor an @njit function",
            "pass the function itself, and its arguments in the derivative's call",
        )
    )


class _Same:
    """An object that is captured: the same one, whatever is in it."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


def _captured(function: FunctionType) -> tuple[Any, ...]:
    """The values of the free variables and globals of ``function``: numbers by their bits, all else by identity."""
    known = function.__globals__
    values = [known[name] for name in function.__code__.co_names if name in known]
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):
            values.append(cell.cell_contents)
    return tuple(
        (type(value), repr(value)) if isinstance(value, (bool, int, float, str)) else _Same(value) for value in values
    )


@functools.lru_cache(maxsize=256)
def _jitted(function: FunctionType, captured: tuple[Any, ...], nogil: bool = False) -> Dispatcher:
    """``function`` jitted. The most recent ones are kept, so that the value form of `autodiff` compiles them once.

    Numba takes what a function captures for constants, so for other values there is another dispatcher.
    """
    dispatcher = njit(nogil=nogil)(function)
    if not isinstance(dispatcher, CPUDispatcher):
        raise ArgumentError(with_help("Numba's compiler is switched off", "unset NUMBA_DISABLE_JIT"))
    return dispatcher


def calling(callee: Callable[..., Any], name: str, parameters: tuple[str, ...], original: Dispatcher) -> Dispatcher:
    """A jitted function that returns ``callee(*parameters)``; its line and its `nogil` are those of ``original``."""
    code = original.py_func.__code__
    callee_name = "callee"
    while callee_name in (name, *parameters):
        callee_name += "_"
    tree = ast.parse(f"def {name}({', '.join(parameters)}): return {callee_name}({', '.join(parameters)})")
    ast.increment_lineno(tree, code.co_firstlineno - 1)
    namespace: dict[str, Any] = {"__name__": __name__, callee_name: callee}
    exec(compile(tree, code.co_filename, "exec"), namespace)
    function: FunctionType = namespace[name]
    function.__doc__ = original.py_func.__doc__
    return _jitted(function, _captured(function), bool(original.targetoptions.get("nogil")))


def name(kernel: Dispatcher) -> str:
    """The kernel's name in messages and symbols."""
    return str(kernel.py_func.__name__).strip("<>")


def parameters(kernel: Dispatcher) -> tuple[str, ...]:
    """The names of the kernel's parameters, which must all be positional."""
    result = []
    for parameter in inspect.signature(kernel.py_func).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            raise ArityError(
                with_help(
                    f"`{name(kernel)}`: parameter `{parameter.name}` is variadic or keyword-only",
                    "give the kernel a fixed number of positional parameters",
                )
            )
        result.append(parameter.name)
    return tuple(result)
