"""Operators: from a function to the function that is its derivative.

An `Operator` is made once for each function and choice of arguments. It can be called from Python, from compiled code,
and be given to another operator, for which it is a `Source` as a user's function is. Its subclasses say which `Program`
there is for a signature; all else is common.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numba.core import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

from pyfront import kernel as kernels
from pyfront.errors import ArgumentError, ArityError, with_help
from pyfront.operators import program as programs
from pyfront.operators.argnums import Argnums, normalize
from pyfront.operators.calls import Calls
from pyfront.operators.form import Call, Form, Output, Source, UserFunction
from pyfront.operators.prepared import Prepared
from pyfront.operators.program import Program, array
from pyfront.operators.tree import Tree, flatten, indices, is_row, row

_CACHE = "_pyfront_operators"

PLAIN = frozenset({float, int, bool, np.ndarray, np.float64, np.float32, np.int64, np.int32, np.bool_})
"""Types of arguments that are leaves, so that a call need not look any closer."""

T = TypeVar("T")


def source_of(function: Any, out: int | str | None = None) -> Source:
    """What is differentiated when a user hands over ``function``."""
    if isinstance(function, Operator):
        if out is not None:
            raise ArgumentError(f"`{function.name}` returns its result, so it has no argument for out=")
        return function
    dispatcher = kernels.as_dispatcher(function)
    if isinstance(out, bool) or not (out is None or isinstance(out, (int, str))):
        raise ArgumentError(
            with_help(
                f"out={out!r} is neither the position nor the name of an argument",
                "an array to be filled is given in the call of the operator: grad(f)(x, out=g)",
            )
        )
    return remembered(dispatcher, ("source", out), lambda: UserFunction(dispatcher, out))


def origin(source: Source) -> tuple[Any, int | None]:
    """The arguments of `source_of` that give ``source``, for pickling."""
    return (source.dispatcher, source.out) if isinstance(source, UserFunction) else (source, None)


def remembered(owner: Any, key: Hashable, make: Callable[[], T]) -> T:
    """What ``make`` made for this key the first time; it lives as long as ``owner``."""
    known = owner.__dict__.setdefault(_CACHE, {})
    if key not in known:
        with global_compiler_lock:
            if key not in known:
                known[key] = make()
    found: T = known[key]
    return found


def take_apart(args: Sequence[Any]) -> tuple[tuple[Tree, ...], list[Any]]:
    """The structures of arguments, and all their leaves."""
    leaves: list[Any] = []
    return tuple(flatten(value, leaves) for value in args), leaves


class Operator(abc.ABC):
    """A derivative of ``source`` by the arguments that ``argnums`` names, as a function of the same arguments."""

    def __init__(self, label: str, source: Source, argnums: int | Sequence[int] | None) -> None:
        self.label = label
        self.source = source
        self.name = f"{label}_{source.name}"
        self.function = source.function
        self.parameters = source.parameters
        self.argnums: Argnums = normalize(label, source, argnums)
        self.__name__ = self.name
        self.__doc__ = f"The {label} of `{source.name}`."
        self._count = len(self.parameters)
        self._fresh = self.compiled().fresh

    @property
    def out(self) -> int | None:
        """The argument of ``source`` that takes its result; here it tells no more than a shape and what is in it."""
        return self.source.out

    def __call__(self, *args: Any, out: Any = None, **named: Any) -> Any:
        """The result, in new arrays, or in those that ``out`` gives; arguments by position or by name."""
        if named:
            args = self._by_position(args, named)
        if out is None and len(args) == self._count and PLAIN.issuperset(map(type, args)):
            return self._call_plain(args)
        trees, leaves = take_apart(args)
        return self._calls(trees, leaves).call(leaves, out)

    def prepare(self, *args: Any, **named: Any) -> Prepared:
        """Compile and allocate for arguments like these; see `pyfront.prepare`."""
        args = self._by_position(args, named)
        trees, leaves = take_apart(args)
        return Prepared(self._calls(trees, leaves), leaves, trees)

    def __repr__(self) -> str:
        return f"<{self.label} of {self.source.name}, argnums {self.argnums}>"

    @property
    def _numba_type_(self) -> types.Type:
        """The type of the operator in compiled code."""
        return types.Dispatcher(self._fresh)

    @property
    def as_kernel(self) -> Dispatcher:
        """The operator for `autodiff`."""
        return self._fresh

    def form(self, call: Call) -> Form:
        """The operator as a kernel that another operator differentiates."""
        return remembered(self, call, lambda: _form(self._program(replace(call, is_owned=True))))

    def compiled(self) -> Calls:
        """The calls from compiled code, in which there are no lists and dicts, and shapes are not known in advance."""
        return self._calls_of_structure(row(self._count))

    def _call_plain(self, args: tuple[Any, ...]) -> Any:
        """The usual call: every argument is a number or an array."""
        return self._fresh(*args)

    def _by_position(self, args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments of a call in the order of the parameters."""
        remaining = self.parameters[len(args) :]
        for name in named:
            if name not in remaining:
                problem = "is given twice" if name in self.parameters else "is no argument"
                raise ArityError(
                    with_help(
                        f"`{self.name}`: `{name}` {problem}",
                        f"`{self.function}` has the arguments {', '.join(self.parameters)}",
                    )
                )
        given = remaining[: len(named)]
        if missing := [name for name in given if name not in named]:
            raise ArityError(
                with_help(f"`{self.name}`: `{missing[0]}` is not given, but a later argument is", "pass it as well")
            )
        return (*args, *(named[name] for name in given))

    @abc.abstractmethod
    def _program(self, call: Call) -> Program:
        """What is done for arguments of these types, whatever their shapes."""

    def _calls(self, trees: tuple[Tree, ...], leaves: Sequence[Any]) -> Calls:
        """The calls that are best for arguments like these."""
        return self._calls_of_structure(trees)

    def _calls_of_structure(self, trees: tuple[Tree, ...]) -> Calls:
        def make() -> Calls:
            restructure = self._calls_of_structure if is_row(trees) else None
            return Calls(
                self.name, self._leaf_parameters(trees), lambda given: self._program(Call(trees, given)), restructure
            )

        return remembered(self, trees, make)

    def _leaf_parameters(self, trees: tuple[Tree, ...]) -> tuple[str, ...]:
        if trees == row(self._count):
            return self.parameters
        return tuple(f"a{leaf}" for tree in trees for leaf in indices(tree))


def _form(program: Program) -> Form:
    """A program as a kernel: its results are the outputs."""
    inputs = tuple(range(len(program.parameters)))
    kernel = njit(programs.kernel(program))
    if len(program.results) == 1 and not program.result_buffers:
        return Form(kernel, inputs, (), program.template, value=program.results[0].type)
    outputs = tuple(
        Output(result.buffer.type, result.buffer.shape)
        if result.buffer
        else Output(array(result.type, 1), "(1,)", is_cell=True)
        for result in program.results
    )
    return Form(
        kernel,
        inputs,
        outputs,
        program.template,
        prelude=program.prelude,
        measured=program.measured,
        namespace={"measure": program.namespace["measure"]} if program.measured else {},
    )
