"""Operators: from a function to the function that is its derivative.

An `Operator` is made once for each function and choice of arguments. It can be called from Python, from compiled code,
and be given to another operator, for which it is a `Source` as a user's function is. Its subclasses say which `Program`
there is for a signature; all else is common.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np
from numba import njit
from numba.core import sigutils, types
from numba.core.dispatcher import Dispatcher

from pyfront import kernel as kernels
from pyfront.errors import ArgumentError, ArityError, with_help
from pyfront.operators import program as programs
from pyfront.operators.argnums import Argnums, normalize
from pyfront.operators.calls import Calls
from pyfront.operators.compiled import OUT
from pyfront.operators.containers import trees_of_types
from pyfront.operators.form import Call, Form, Output, Source, UserFunction, leaf_labels, present, user_function
from pyfront.operators.memory import everything_remembered, remembered
from pyfront.operators.prepared import Prepared, PreparedCall
from pyfront.operators.program import Program, array
from pyfront.operators.tree import Tree, flatten, row

PLAIN = frozenset({float, int, bool, np.ndarray, np.float64, np.float32, np.int64, np.int32, np.bool_})
"""Types of arguments that are leaves, so that a call need not look any closer."""


def source_of(function: Any, out: int | str | None = None, *, cache: bool = False) -> Source:
    """What is differentiated when a user hands over ``function``; with ``cache`` code of it is kept on disk."""
    if isinstance(function, Prepared):
        function = function.operator
    if isinstance(function, (Operator, UserFunction)):
        if out is not None:
            raise ArgumentError(f"`{function.name}` returns its result, so it has no argument for out=")
        return _kept_on_disk(function) if cache and function.home is None else function
    dispatcher = kernels.as_dispatcher(function)
    if isinstance(out, bool) or not (out is None or isinstance(out, (int, str))):
        raise ArgumentError(
            with_help(
                f"out={out!r} is neither the position nor the name of an argument",
                "an array to be filled is given in the call of the operator: grad(f)(x, out=g)",
            )
        )
    wrapped = function if isinstance(function, (FunctionType, Dispatcher)) else dispatcher.py_func
    return user_function(dispatcher, out, wrapped, cache)


def _kept_on_disk(function: Operator | UserFunction) -> Any:
    """The same operator on a function of which code is kept on disk."""
    if isinstance(function, UserFunction):
        return user_function(function.dispatcher, function.out, function.wrapped, True)
    remake: Any = function.__reduce__()
    make, arguments = remake
    is_source = (Operator, UserFunction)
    return make(*(source_of(each, cache=True) if isinstance(each, is_source) else each for each in arguments))


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
        self.defaults = source.defaults
        self.nogil = source.nogil
        self.home = source.home
        self.argnums: Argnums = normalize(label, source, argnums)
        self._count = len(self.parameters)
        present(self, source.wrapped, f"The {label} of `{source.name}`.")
        self._of_row = self._calls_of_structure(row(self._count))
        self._fresh = self._of_row.fresh
        self._fresh.operator = self

    @property
    def wrapped(self) -> Any:
        """What another operator on this one presents: this operator."""
        return self

    @property
    def out(self) -> int | None:
        """The argument of ``source`` that takes its result; here it tells no more than a shape and what is in it."""
        return self.source.out

    def __call__(self, /, *args: Any, out: Any = None, **named: Any) -> Any:
        """The result, in new arrays, or in those that ``out`` gives; arguments by position or by name."""
        if named:
            args = self.by_position(args, named)
        if len(args) == self._count and PLAIN.issuperset(map(type, args)):
            return self._call_plain(args) if out is None else self._plain(args).call_into(args, out)
        trees, leaves = take_apart(args)
        calls = self._calls(trees, leaves)
        return calls.call(leaves) if out is None else calls.call_into(leaves, out)

    def prepare(self, /, *args: Any, reuse: bool = False, **named: Any) -> Prepared:
        """Compile and allocate for arguments like these; see `pyfront.prepare`."""
        trees, leaves = take_apart(self.by_position(args, named))
        return Prepared(self, PreparedCall.like(self._calls(trees, leaves), leaves, reuse), trees)

    def inspect_llvm(self, signature: Any = None) -> Any:
        """The optimized LLVM IR of the derivative that is called for arguments of these types.

        Without ``signature`` for the only types of arguments that there were yet, or a dict for all of them.
        """
        return self._inspect(signature, "inspect_llvm")

    def inspect_plan(self, signature: Any = None) -> Any:
        """Where the derivative's reverse sweep gets each value that it needs, as text; as `inspect_llvm`."""
        return self._inspect(signature, "inspect_plan")

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

    def check_shapes(self, trees: tuple[Tree, ...], leaves: Sequence[Any]) -> None:
        """As the function's: an operator passes on its arguments."""
        self.source.check_shapes(trees, leaves)

    def by_position(self, args: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """All arguments of a call in the order of the parameters; the defaults of those left out before the last."""
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
        if not named:
            return args
        last = max(map(remaining.index, named))
        known = {**dict(zip(self.parameters[self._count - len(self.defaults) :], self.defaults, strict=True)), **named}
        given = remaining[: last + 1]
        if missing := [name for name in given if name not in known]:
            help = "pass it as well"
            if missing[0] == OUT:
                help = "pass it by position: out= is an array for the derivative"
            raise ArityError(with_help(f"`{self.name}`: `{missing[0]}` is not given, but a later argument is", help))
        return (*args, *(known[name] for name in given))

    def _call_plain(self, args: tuple[Any, ...]) -> Any:
        """The usual call: every argument is a number or an array."""
        return self._fresh(*args)

    def _plain(self, args: tuple[Any, ...]) -> Calls:
        """The calls for numbers and arrays."""
        return self._of_row

    @abc.abstractmethod
    def _program(self, call: Call) -> Program:
        """What is done for arguments of these types, whatever their shapes."""

    def _calls(self, trees: tuple[Tree, ...], leaves: Sequence[Any]) -> Calls:
        """The calls that are best for arguments like these."""
        return self._calls_of_structure(trees)

    def _calls_of_structure(self, trees: tuple[Tree, ...]) -> Calls:
        def make() -> Calls:
            is_compiled = trees == row(self._count)
            return Calls(
                self.name,
                leaf_labels(self.parameters, trees),
                lambda given: self._program(Call(trees, given)),
                (self._calls_of_structure, (trees,)),
                self._calls_of_structure if is_compiled else None,
                self.defaults if is_compiled else (),
                nogil=self.nogil,
                home=self.home,
            )

        return remembered(self, trees, make)

    def _inspect(self, signature: Any, read: str) -> Any:
        if signature is None:
            programs = {
                given: program
                for calls in everything_remembered(self)
                if isinstance(calls, Calls)
                for given, program in calls.programs.items()
            }
            found = {given: getattr(program, read)() for given, program in programs.items()}
            return next(iter(found.values())) if len(found) == 1 else found
        given, _ = sigutils.normalize_signature(signature)
        trees, leaf_types = trees_of_types(given)
        return getattr(self._calls_of_structure(trees).program(tuple(leaf_types)), read)()


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
