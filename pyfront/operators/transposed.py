"""Pullbacks: `vjp`, which runs a function once and its reverse sweep as often as asked.

The two halves of a split derivative do the work: the forward half on copies of the arguments, the reverse half on the
tape that it left. All of it is Python; a prepared `vjp` instead runs compiled programs, which need no tape and run the
function again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numba.core import types

from pyfront.annotations import Active
from pyfront.errors import ShapeError, StructureError, with_help
from pyfront.operators import sweeps
from pyfront.operators.argnums import is_float
from pyfront.operators.calls import Calls, types_of
from pyfront.operators.directions import check_direction
from pyfront.operators.form import Call, Form, Source, is_copied
from pyfront.operators.operator import remembered, source_of, take_apart
from pyfront.operators.prepared import Prepared
from pyfront.operators.program import Program
from pyfront.operators.tree import EMPTY, Leaf, Tree, flatten_like, indices, pack, relabel, row, unflatten
from pyfront.split import autodiff_split
from pyfront.tape import Tape


def vjp(f: Callable[..., Any], *primals: Any, out: int | str | None = None) -> tuple[Any, Pullback]:
    """``(value, pullback)`` of ``f``; ``pullback(cotangent)`` returns a tuple with one cotangent per primal.

    The pullback can be called any number of times; what it needs is kept until it is no longer referred to. A primal
    that is no float has the cotangent ``None``, and so has the argument that ``out`` names, which is as in `jacobian`.

    >>> import pyfront as ad
    >>> value, pullback = ad.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    return transposed(source_of(f, out))(primals)


def transposed(source: Source) -> Transposed:
    """The value and pullback of ``source``, the same object each time."""
    return remembered(source, "vjp", lambda: Transposed(source))


class Transposed:
    """Value and pullback of a source."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._name = f"vjp_{source.name}"

    def __call__(self, primals: Sequence[Any]) -> tuple[Any, Pullback]:
        trees, leaves = take_apart(primals)
        given = types_of(self._name, leaves)
        return remembered(self, (trees, given), lambda: _Halves(self._source, Call(trees, given)))(leaves)

    def prepare(self, primals: Sequence[Any]) -> Callable[..., tuple[Any, Callable[[Any], Any]]]:
        """The same for arguments like these, with compilation and allocation done."""
        trees, leaves = take_apart(primals)
        value = Prepared(self._value_calls(trees), leaves, trees)
        template = value.template
        results: list[Any] = flatten_like(template, value(*primals), "result")
        kept = [leaf.copy(order="K") if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
        calls = self._pullback_calls(trees, len(results))
        sweep = Prepared(calls, [*kept, *results], row(len(kept) + len(results)))

        def pullback(cotangent: Any) -> Any:
            return sweep(*kept, *flatten_like(template, cotangent, "the cotangent"))

        def call(*primals: Any) -> tuple[Any, Callable[[Any], Any]]:
            result = value(*primals)
            for index, leaf in enumerate(take_apart(primals)[1]):
                if isinstance(leaf, np.ndarray):
                    np.copyto(kept[index], leaf)
                else:
                    kept[index] = leaf
            return result, pullback

        return call

    def _value_calls(self, trees: tuple[Tree, ...]) -> Calls:
        def build(given: tuple[types.Type, ...]) -> Program:
            seen = Call(trees, given).copied()
            program = sweeps.evaluation(self._name, self._source.form(seen), seen)
            return replace(program, reread=program.parameters)

        count = sum(1 for tree in trees for _ in indices(tree))
        parameters = [f"a{leaf}" for leaf in range(count)]
        return remembered(self, ("value", trees), lambda: Calls(self._name, parameters, build))

    def _pullback_calls(self, trees: tuple[Tree, ...], results: int) -> Calls:
        count = sum(1 for tree in trees for _ in indices(tree))
        cotangents = [f"t{index}" for index in range(results)]

        def build(given: tuple[types.Type, ...]) -> Program:
            seen = Call(trees, given[:count]).copied()
            form = self._source.form(seen)
            check_cotangents(self._source, form, given[count:])
            return sweeps.pullback(self._name, form, seen, cotangents)

        parameters = [*(f"a{leaf}" for leaf in range(count)), *cotangents]
        return remembered(self, ("pullback", trees, results), lambda: Calls(self._name, parameters, build))


class _Halves:
    """The two halves for arguments of one signature, and how a call's leaves and results map to theirs."""

    def __init__(self, source: Source, call: Call) -> None:
        seen = call.copied()
        self.source = source
        self.form = source.form(seen)
        self.active = [leaf for leaf in self.form.inputs if is_float(seen.types[leaf])]
        self.is_array = [isinstance(type_, types.Array) for type_ in seen.types]
        self._is_copied = [is_copied(type_) for type_ in seen.types]
        annotations = sweeps.annotate(self.form, seen, self.active, Active)
        self._forward, self.reverse = autodiff_split(self.form.kernel, *annotations)
        self._shapes = self.form.shapes(len(call.types))
        places = {leaf: Leaf(index) for index, leaf in enumerate(self.active)}
        self.template = pack([relabel(tree, lambda leaf: places.get(leaf, EMPTY)) for tree in call.trees])

    def __call__(self, leaves: Sequence[Any]) -> tuple[Any, Pullback]:
        passed = [_contiguous(leaf) if copied else leaf for leaf, copied in zip(leaves, self._is_copied, strict=True)]
        outputs: list[Any] = []
        for output, shape in zip(self.form.outputs, self._shapes(*leaves), strict=True):
            if output.initial is not None:
                outputs.append(passed[output.initial])
            else:
                outputs.append(np.empty(shape, np.dtype(str(output.type.dtype))))
        inputs = [passed[leaf] for leaf in self.form.inputs]
        value, tape = self._forward(*outputs, *inputs)
        results = [
            float(array[0]) if output.is_cell else array
            for output, array in zip(self.form.outputs, outputs, strict=True)
        ]
        return unflatten(self.form.template, results or [value]), Pullback(self, tape, outputs, passed)


class Pullback:
    """The transposed derivative of a function at one point; made by `vjp`, it can be called any number of times."""

    def __init__(self, halves: _Halves, tape: Tape, outputs: Sequence[Any], passed: Sequence[Any]) -> None:
        self._halves = halves
        self._tape = tape
        self._outputs = outputs
        self._passed = passed

    @property
    def nbytes(self) -> int:
        """Bytes of memory on the tape that it keeps."""
        return self._tape.nbytes

    def __call__(self, cotangent: Any) -> Any:
        """One cotangent per argument of the function, from one of the structure of its result."""
        halves = self._halves
        given = flatten_like(halves.form.template, cotangent, "the cotangent")
        check_cotangents(halves.source, halves.form, types_of("vjp", given))
        seeds = [
            self._seed(output.is_cell, array, value)
            for output, array, value in zip(halves.form.outputs, self._outputs, given, strict=False)
        ]
        shadows = {leaf: np.zeros_like(self._passed[leaf]) for leaf in halves.active if halves.is_array[leaf]}
        arguments = (*seeds, *shadows.values())
        if halves.form.value is not None:
            adjoints = halves.reverse(*arguments, seed=float(given[0]), tape=self._tape)
        else:
            adjoints = halves.reverse(*arguments, tape=self._tape)
        scalars = iter(adjoints if isinstance(adjoints, tuple) else (adjoints,))
        found = [shadows[leaf] if leaf in shadows else next(scalars) for leaf in halves.active]
        return unflatten(halves.template, found)

    def __repr__(self) -> str:
        return f"<pullback of {self._halves.source.name}>"

    @staticmethod
    def _seed(is_cell: bool, array: Any, value: Any) -> Any:
        """The adjoint of an output, in memory of its own: the reverse sweep consumes it."""
        if is_cell:
            return np.full_like(array, value)
        if np.shape(value) != array.shape:
            raise ShapeError(
                with_help(
                    f"`vjp`: the cotangent has shape {np.shape(value)}, the result {array.shape}",
                    "pass an array of the shape of the result",
                )
            )
        seed = np.empty_like(array)
        seed[...] = value
        return seed


def check_cotangents(source: Source, form: Form, given: Sequence[types.Type]) -> None:
    """Refuse cotangents that do not fit the results, by their types."""
    expected = [output.type.dtype if output.is_cell else output.type for output in form.outputs] or [form.value]
    for primal, its in zip(expected, given, strict=True):
        if its == types.none:
            raise StructureError(f"`vjp`: each result of `{source.name}` needs a cotangent: pass zeros, not None")
        check_direction("vjp", "cotangent", f"the result of `{source.name}`", primal, its)


def _contiguous(array: Any) -> Any:
    """A copy in Fortran order if the array is, else in C order."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    return np.array(array, order="F" if fortran else "C")
