"""Calls: the compiled functions behind an operator, for arguments of one structure.

Each of the renderings of ``program`` gets a dispatcher of its own when it is first needed. The usual call is that of
`Calls.fresh`: Numba's dispatcher, called from Python with the leaves of the arguments, does all the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba import typeof
from numba.core import errors, types

from pyfront.errors import ArgumentError, DtypeError, OverlapError, UnsupportedError, with_help
from pyfront.operators import program as programs
from pyfront.operators import text
from pyfront.operators.containers import trees_of_types
from pyfront.operators.form import leaf_names
from pyfront.operators.program import Program
from pyfront.operators.tree import Tree, flatten_like, is_native, unflatten
from pyfront.specialized import Implement, Specialized

Build = Callable[[tuple[types.Type, ...]], Program]
"""From the types of the leaves to the program for them."""

Restructure = Callable[[tuple[Tree, ...]], "Calls"]
"""From the structures of arguments to the calls for these."""


class Calls:
    """An operator for leaves of any types in one structure; ``parameters`` name the leaves.

    The structure of the result is the same for all types. ``restructure`` gives the calls for leaves that are taken
    apart further: compiled code passes tuples as one argument.
    """

    def __init__(
        self, name: str, parameters: Sequence[str], build: Build, restructure: Restructure | None = None
    ) -> None:
        self.name = name
        self._count = len(parameters)
        self._build = build
        self._restructure = restructure
        self._template: Tree | None = None
        self._programs: dict[tuple[types.Type, ...], Program] = {}
        self._runs: dict[tuple[types.Type, ...], Specialized] = {}
        self._into: dict[int, Specialized] = {}
        self.fresh = Specialized(name, parameters, self._implement)
        self._allocate = self._specialized(0, lambda given: programs.allocate(self.program(given)))

    def program(self, given: tuple[types.Type, ...]) -> Program:
        """The program for leaves of these types."""
        known = self._programs.get(given)
        if known is None:
            known = self._programs[given] = replace(self._build(given), types=given)
            self._template = known.template
        return known

    def call(self, leaves: Sequence[Any], out: Any = None) -> Any:
        """The result in its structure; in the caller's arrays where ``out`` gives some."""
        if out is not None:
            return self._call_into(leaves, out)
        try:
            result = self.fresh(*leaves)
        except errors.TypingError:
            self.types_of(leaves)
            raise
        template = self._template
        assert template is not None
        return result if is_native(template) else unflatten(template, result)

    def buffers(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """All the memory that a call with arguments like these needs, results first."""
        self.types_of(leaves)
        buffers: tuple[Any, ...] = self._allocate(*leaves)
        return buffers

    def run(self, given: tuple[types.Type, ...]) -> Specialized:
        """The function of a table and leaves, for leaves of these types only."""
        if given not in self._runs:
            self._runs[given] = self._specialized(1, lambda _: programs.run(self.program(given)))
        return self._runs[given]

    def types_of(self, leaves: Sequence[Any]) -> tuple[types.Type, ...]:
        """Numba's types of the leaves."""
        return types_of(self.name, leaves)

    def _implement(self, given: tuple[types.Type, ...]) -> Callable[..., Any]:
        if self._restructure is None or not any(isinstance(type_, types.BaseTuple) for type_ in given):
            return programs.fresh(self.program(given))
        trees, _ = trees_of_types(given)
        parameters = [f"a{index}" for index in range(self._count)]
        leaves = ", ".join(leaf_names(parameters, trees))
        namespace = {"restructured": self._restructure(trees).fresh}
        return text.define(self.name, parameters, [f"return restructured({leaves})"], namespace)

    def _specialized(self, extra: int, implement: Implement) -> Specialized:
        """A function with ``extra`` parameters before the leaves."""
        names = [*(f"extra{index}" for index in range(extra)), *(f"a{index}" for index in range(self._count))]
        return Specialized(self.name, names, implement)

    def _call_into(self, leaves: Sequence[Any], out: Any) -> Any:
        program = self.program(self.types_of(leaves))
        arrays = self._targets(program, out)
        count = len(arrays)
        self._check_overlap(arrays, leaves)
        if count not in self._into:
            self._into[count] = self._specialized(
                count, lambda given: programs.into(self.program(given[count:]), given[:count])
            )
        return assemble(program, arrays, self._into[count](*arrays, *leaves))

    def _check_overlap(self, arrays: Sequence[Any], leaves: Sequence[Any]) -> None:
        for index, target in enumerate(arrays):
            for other in (*leaves, *arrays[:index]):
                if isinstance(other, np.ndarray) and np.may_share_memory(target, other):
                    raise OverlapError(
                        with_help(
                            f"`{self.name}`: an array given as out= shares memory with another array of the call",
                            "pass an array with memory of its own",
                        )
                    )

    def _targets(self, program: Program, out: Any) -> list[Any]:
        """The caller's arrays in the order of the result buffers."""
        if not program.result_buffers:
            raise ArgumentError(
                with_help(f"`{self.name}`: the result is a number, which out= cannot hold", "leave out out=")
            )
        given = flatten_like(program.template, out, "out")
        for result, value in zip(program.results, given, strict=True):
            is_array = result.buffer is not None
            if not is_array and value is not None:
                raise ArgumentError(
                    with_help(f"`{self.name}`: out= has an array for a result that is a number", "pass None there")
                )
            if is_array and not isinstance(value, np.ndarray):
                raise DtypeError(f"`{self.name}`: out= must have an array for each result, not {value!r}")
        return [value for result, value in zip(program.results, given, strict=True) if result.buffer]


def assemble(program: Program, arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
    """The result in its structure, of the arrays and the numbers that a program left."""
    remaining_arrays, remaining_scalars = iter(arrays), iter(scalars)
    values = [next(remaining_arrays) if result.buffer else next(remaining_scalars) for result in program.results]
    return unflatten(program.template, values)


def types_of(operator: str, leaves: Sequence[Any]) -> tuple[types.Type, ...]:
    """Numba's types of the leaves."""
    result = []
    for leaf in leaves:
        try:
            result.append(typeof(leaf))
        except (ValueError, errors.NumbaTypeError) as error:
            raise UnsupportedError(
                with_help(
                    f"`{operator}`: an argument is a {type(leaf).__name__}, which Numba cannot pass",
                    "pass numbers, NumPy arrays, or tuples, lists and dicts of them",
                )
            ) from error
    return tuple(result)
