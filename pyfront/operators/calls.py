"""Calls: the compiled functions behind an operator, for arguments of one structure.

Each of the renderings of ``program`` gets a dispatcher of its own when it is first needed. The usual call is that of
`Calls.fresh`: Numba's dispatcher, called from Python with the leaves of the arguments, does all the rest, checks
included. What it refuses is looked at again here, to say which array it was, and both shapes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba import typeof
from numba.core import errors, types

from pyfront.cache.entries import Cache
from pyfront.errors import DtypeError, ShapeError, with_help
from pyfront.operators import program as programs
from pyfront.operators import text
from pyfront.operators.compiled import Compiled
from pyfront.operators.containers import expression, trees_of_types
from pyfront.operators.form import leaf_names, types_of
from pyfront.operators.program import Program
from pyfront.operators.tree import Leaf, Tree, flatten_like, is_native, unflatten
from pyfront.specialized import Specialized

Build = Callable[[tuple[types.Type, ...]], Program]
"""From the types of the leaves to the program for them."""

Restructure = Callable[[tuple[Tree, ...]], "Calls"]
"""From the structures of arguments to the calls for these."""

Origin = tuple[Callable[..., "Calls"], tuple[Any, ...]]

Pattern = tuple[bool, ...]
"""For each result whether the caller gives an array."""

_TAKEN_APART = (types.BaseTuple, types.Omitted)


class Calls:
    """An operator for leaves of any types in one structure; ``labels`` are what messages call them.

    The structure of the result is the same for all types. ``origin`` is the function, and its arguments, that gives
    these calls again in another process. ``restructure`` gives the calls for leaves that are taken apart further:
    compiled code passes tuples as one argument.
    """

    def __init__(
        self,
        name: str,
        labels: Sequence[str],
        build: Build,
        origin: Origin,
        restructure: Restructure | None = None,
        defaults: tuple[Any, ...] = (),
        directions: int | None = None,
        *,
        nogil: bool,
        home: Any = None,
    ) -> None:
        self.name = name
        self.nogil = nogil
        self.directions = len(labels) if directions is None else directions
        """The number of the first leaf that is a tangent or a cotangent."""
        self.labels = tuple(labels)
        self._build = build
        self._origin = origin
        self._restructure = restructure
        self._template: Tree | None = None
        self._programs: dict[tuple[types.Type, ...], Program] = {}
        self._into: dict[Pattern, Specialized] = {}
        self.runs: dict[Any, Specialized] = {}
        self._names = [f"a{index}" for index in range(len(self.labels))]
        parameters = self.labels if restructure else self._names
        self._home = home
        self.fresh = Compiled(name, parameters, self._implement, self._implement_out, defaults, nogil=nogil)
        self.cached(self.fresh, "fresh")

    def __reduce__(self) -> Origin:
        return self._origin

    def cached(self, function: Specialized, *kind: Any) -> None:
        """Let the machine code of one of these functions be kept on disk, if that is asked for."""
        if self._home is not None:
            function.cache = Cache(self._home, (self, kind))
            function.said = lambda: pickle.dumps(self._template)

    def _found_template(self) -> Tree | None:
        """The structure of the result, as it was stored with code from the cache."""
        if self._template is None and self.fresh.cache is not None:
            self._template = next(map(pickle.loads, self.fresh.cache.said.values()), None)
        return self._template

    def program(self, given: tuple[types.Type, ...]) -> Program:
        """The program for leaves of these types."""
        known = self._programs.get(given)
        if known is None:
            known = self._programs[given] = replace(self._build(given), types=given)
            self._template = known.template
        return known

    @property
    def programs(self) -> dict[tuple[types.Type, ...], Program]:
        """The programs that there are, by the types of the leaves."""
        return self._programs

    def call(self, leaves: Sequence[Any]) -> Any:
        """The result in its structure."""
        try:
            result = self.fresh(*leaves)
        except errors.TypingError:
            self.types_of(leaves)
            raise
        except ShapeError:
            self.explain(leaves)
            raise
        template = self._template or self._found_template()
        assert template is not None
        return result if is_native(template) else unflatten(template, result)

    def call_into(self, leaves: Sequence[Any], out: Any) -> Any:
        """The result in its structure, in the caller's arrays."""
        template = self._template or self._found_template()
        if template is None:
            template = self.program(self.types_of(leaves)).template
        if type(out) is np.ndarray and isinstance(template, Leaf):
            given: Sequence[Any] = (out,)
        else:
            given = flatten_like(template, out, "out")
        arrays, pattern = self._targets(given)
        try:
            scalars = self.into(pattern)(*arrays, *leaves)
        except errors.TypingError:
            self.types_of(leaves)
            raise
        except ShapeError:
            self.explain(leaves, arrays)
            raise
        return assemble(template, pattern, arrays, scalars)

    def into(self, pattern: Pattern) -> Specialized:
        """The function of arrays for the results that ``pattern`` says, and leaves."""
        known = self._into.get(pattern)
        if known is None:
            count = sum(pattern)
            names = [*(f"out{index}" for index in range(count)), *self._names]

            def implement(given: tuple[types.Type, ...]) -> Callable[..., Any]:
                return programs.into(self.program(given[count:]), pattern, given[:count])

            known = self._into[pattern] = Specialized(self.name, names, implement, nogil=self.nogil)
            self.cached(known, "into", pattern)
        return known

    def types_of(self, leaves: Sequence[Any]) -> tuple[types.Type, ...]:
        """Numba's types of the leaves."""
        return types_of(self.name, leaves)

    def explain(self, leaves: Sequence[Any], arrays: Sequence[Any] = ()) -> None:
        """Raise the error that names the first array whose shape does not fit, and both shapes, if there is one."""
        program = self.program(self.types_of(leaves))
        explain(program, dict(zip(program.parameters, leaves, strict=True)), arrays)

    def _targets(self, given: Sequence[Any]) -> tuple[list[Any], Pattern]:
        """The caller's arrays, and for which results there are some."""
        for value in given:
            if value is not None and not isinstance(value, np.ndarray):
                raise DtypeError(f"`{self.name}`: out= must have an array for each result, not {value!r}")
        return [value for value in given if value is not None], tuple([value is not None for value in given])

    def _implement(self, given: tuple[types.Type, ...]) -> Callable[..., Any]:
        if self._restructure is None or not any(isinstance(type_, _TAKEN_APART) for type_ in given):
            return programs.fresh(self.program(given))
        restructured, leaves, namespace = self._restructured(given)
        namespace["restructured"] = restructured.fresh
        return text.define(self.name, self._names, [f"return restructured({', '.join(leaves)})"], namespace)

    def _implement_out(self, given: tuple[types.Type, ...]) -> Callable[..., Any]:
        """A call with ``out=`` in compiled code, where that comes last."""
        calls, leaves, namespace = self._restructured(given[:-1])
        _, leaf_types = trees_of_types(given[:-1])
        template = calls.program(tuple(leaf_types)).template
        (tree,), out_types = trees_of_types(given[-1:])
        places = leaf_names(["out"], [tree])
        present = [None if type_ == types.none else name for name, type_ in zip(places, out_types, strict=True)]
        targets = flatten_like(template, unflatten(tree, present), "out")
        pattern = tuple(target is not None for target in targets)
        namespace["into"] = calls.into(pattern)
        arrays = [target for target in targets if target is not None]
        scalars = iter(range(len(pattern)))
        values = [f"scalars[{next(scalars)}]" if target is None else target for target in targets]
        lines = [
            f"scalars = into({', '.join([*arrays, *leaves])})",
            f"return {expression(template, values.__getitem__, namespace)}",
        ]
        return text.define(self.name, [*self._names, "out"], lines, namespace)

    def _restructured(self, given: tuple[types.Type, ...]) -> tuple[Calls, list[str], dict[str, Any]]:
        """The calls for the leaves of these arguments, the expressions of the leaves, and what these refer to."""
        namespace: dict[str, Any] = {}
        names = list(self._names)
        given_types = list(given)
        while given_types and isinstance(given_types[-1], types.Omitted):
            given_types.pop()
        for index, type_ in enumerate(given_types):
            if isinstance(type_, types.Omitted):
                names[index] = f"default{index}"
                namespace[names[index]] = type_.value
                given_types[index] = typeof(type_.value)
        trees, _ = trees_of_types(given_types)
        calls = self._restructure(trees) if self._restructure else self
        return calls, leaf_names(names, trees), namespace


def assemble(template: Tree, pattern: Pattern, arrays: Sequence[Any], scalars: Sequence[Any]) -> Any:
    """The result in its structure, of the arrays and the numbers that a program left."""
    if isinstance(template, Leaf):
        return arrays[0] if pattern[0] else scalars[0]
    remaining_arrays, remaining_scalars = iter(arrays), iter(scalars)
    values = [next(remaining_arrays) if is_array else next(remaining_scalars) for is_array in pattern]
    return unflatten(template, values)


def explain(program: Program, values: Mapping[str, Any], arrays: Sequence[Any] = ()) -> None:
    """`Calls.explain` for the parameters with these values and the targets ``arrays``."""
    shapes = {name: np.shape(value) for name, value in values.items()}
    found = programs.shapes(program)(*values.values())
    shapes |= {buffer.name: shape for buffer, shape in zip(program.buffers, found, strict=True)}
    for target, buffer in zip(arrays, program.result_buffers, strict=False):
        if target.shape != shapes[buffer.name]:
            raise ShapeError(
                with_help(
                    f"`{program.name}`: an array given as out= has not the shape of its result: "
                    f"it has shape {target.shape}, the result {shapes[buffer.name]}",
                    f"pass np.empty({shapes[buffer.name]})",
                )
            )
    for fit in program.fits:
        if shapes[fit.given] != shapes[fit.like]:
            raise ShapeError(
                with_help(
                    f"`{program.name}`: {fit.what} has not the shape of {fit.owner}: "
                    f"it has shape {shapes[fit.given]}, {fit.owner} {shapes[fit.like]}",
                    f"pass an array of shape {shapes[fit.like]}",
                )
            )
