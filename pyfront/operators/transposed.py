"""Pullbacks: `vjp`, which runs a function once and its reverse sweep as often as asked.

The two halves of a split derivative do the work, each called by a compiled function that also makes the copies and the
shadows it needs: the forward one returns the address of a tape, which the `Pullback` owns, and the arrays that the
reverse one will check shadows against.

Compiled code cannot own a tape. There, and where ``prepare(..., reuse=True)`` is to use the same memory each time, a
pullback keeps the point, and each of its calls runs the function again.
"""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numba.core import errors, types

from pyfront import runtime
from pyfront.annotations import Active
from pyfront.cache.entries import Cache
from pyfront.errors import DtypeError, ShapeError, StructureError, TapeError, with_help
from pyfront.operators import sweeps, text
from pyfront.operators.argnums import is_float
from pyfront.operators.calls import Calls
from pyfront.operators.compiled_pullback import in_compiled_code
from pyfront.operators.containers import expression
from pyfront.operators.directions import check_direction
from pyfront.operators.form import Call, Form, Source, leaf_labels, present, types_of
from pyfront.operators.memory import remembered
from pyfront.operators.operator import PLAIN, source_of, take_apart
from pyfront.operators.prepared import PreparedCall, leaves_like
from pyfront.operators.program import Buffer, Program
from pyfront.operators.tree import Leaf, Tree, flatten_like, indices, is_native, pack, row, unflatten
from pyfront.specialized import Specialized
from pyfront.split import ReverseHalf, autodiff_split

Types = tuple[types.Type, ...]


def vjp(
    f: Callable[..., Any], *primals: Any, out: int | str | None = None, cache: bool = False
) -> tuple[Any, Pullback]:
    """``(value, pullback)`` of ``f``; ``pullback(cotangent)`` returns a tuple with one cotangent per primal.

    The pullback can be called any number of times; what it needs is kept until it is no longer referred to. A primal
    that is no float has the cotangent ``None``, and so has the argument that ``out`` names, which is as in `jacobian`.

    >>> import pyfront as ad
    >>> value, pullback = ad.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    return transposed(source_of(f, out, cache=cache))(*primals)


def transposed(source: Source) -> Transposed:
    """The value and pullback of ``source``, the same object each time."""
    return remembered(source, "vjp", lambda: Transposed(source))


class Transposed:
    """Value and pullback of a source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = f"vjp_{source.name}"
        self._plain: dict[int, _Structure] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return transposed, (self.source,)

    def __call__(self, *primals: Any) -> tuple[Any, Pullback]:
        if self.source.out is not None:
            self.source.check_shapes(*take_apart(primals))
        if PLAIN.issuperset(map(type, primals)):
            structure = self._plain.get(len(primals))
            if structure is None:
                structure = self._plain[len(primals)] = self.structure(row(len(primals)))
            return structure(primals)
        trees, leaves = take_apart(primals)
        return self.structure(trees)(leaves)

    def structure(self, trees: tuple[Tree, ...]) -> _Structure:
        """The compiled functions for arguments of this structure."""
        return remembered(self, ("halves", trees), lambda: _Structure(self, trees))

    def prepare(self, primals: Sequence[Any], *, reuse: bool) -> PreparedTransposed | ReusedTransposed:
        """The same for arguments like these, with compilation and allocation done."""
        trees, leaves = take_apart(primals)
        if reuse:
            self.source.check_shapes(trees, leaves)
        else:
            value, pullback = self(*primals)
            pullback(value)
            return PreparedTransposed(self, trees, _kinds(leaves), types_of(self.name, leaves))
        value_call = PreparedCall.like(self.value_calls(trees), leaves, True)
        results = flatten_like(self.structure(trees).template_for(leaves), value_call(*leaves), "result")
        kept = [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
        sweep = PreparedCall.like(self.pullback_calls(trees, len(results)), [*kept, *results], True)
        return ReusedTransposed(self, trees, value_call, sweep, self.structure(trees).template_for(leaves))

    def value_calls(self, trees: tuple[Tree, ...]) -> Calls:
        """The function itself, on copies of its arguments."""

        def build(given: Types) -> Program:
            seen = Call(trees, given).copied()
            program = sweeps.evaluation(self.name, self.source.form(seen), seen)
            return replace(program, reread=program.parameters)

        labels = leaf_labels(self.source.parameters, trees)
        origin, more = (self.value_calls, (trees,)), {"nogil": self.source.nogil, "home": self.source.home}
        return remembered(self, ("value", trees), lambda: Calls(self.name, labels, build, origin, **more))

    def pullback_calls(self, trees: tuple[Tree, ...], results: int) -> Calls:
        """The pullback as a function of leaves and ``results`` cotangents, which runs the function again."""
        count = _count(trees)
        cotangents = [f"t{index}" for index in range(results)]

        def build(given: Types) -> Program:
            seen = Call(trees, given[:count]).copied()
            form = self.source.form(seen)
            check_cotangents(self.source, form, given[count:])
            return sweeps.pullback(self.name, form, seen, cotangents)

        labels = (*leaf_labels(self.source.parameters, trees), *(f"cotangent {index}" for index in range(results)))
        origin, more = (self.pullback_calls, (trees, results)), {"nogil": self.source.nogil, "home": self.source.home}
        return remembered(
            self,
            ("pullback", trees, results),
            lambda: Calls(self.name, labels, build, origin, directions=count, **more),
        )


class _Structure:
    """The two compiled functions for arguments of one structure, whatever their types.

    forward  leaves -> tape, results, outputs, copies of array leaves
    reverse  tape, outputs, leaves with these copies in place of arrays, cotangents -> adjoints
    """

    def __init__(self, owner: Transposed, trees: tuple[Tree, ...]) -> None:
        self._source = owner.source
        self._name = owner.name
        self._trees = trees
        self._count = _count(trees)
        self._adjoints = pack(trees)
        self._template: Tree | None = None
        self._results = 1
        self._parameters = [f"a{leaf}" for leaf in range(self._count)]
        self._forward = Specialized(self._name, self._parameters, self._implement_forward, nogil=owner.source.nogil)
        self._reverse: dict[tuple[int, int], Specialized] = {}
        self._origin = (owner, trees)
        self._cached(self._forward, "forward")
        self._forward.said = lambda: pickle.dumps((self._template, self._results))

    def _cached(self, function: Specialized, *kind: Any) -> None:
        if self._source.home is not None:
            function.cache = Cache(self._source.home, (*self._origin, kind))

    def __call__(self, leaves: Sequence[Any]) -> tuple[Any, Pullback]:
        try:
            address, *found = self._forward(*leaves)
        except errors.TypingError:
            types_of(self._name, leaves)
            raise
        if self._template is None and self._forward.cache is not None:
            self._template, self._results = next(map(pickle.loads, self._forward.cache.said.values()))
        template = self._template
        assert template is not None
        arrays = [index for index, leaf in enumerate(leaves) if isinstance(leaf, np.ndarray)]
        end = len(found) - len(arrays)
        arguments = list(leaves)
        for index, copy in zip(arrays, found[end:], strict=True):
            arguments[index] = copy
        outputs = found[self._results : end]
        pullback = Pullback(self, address, template, outputs, [*outputs, *arguments])
        results = found[: self._results]
        return results[0] if isinstance(template, Leaf) else unflatten(template, results), pullback

    @property
    def source(self) -> Source:
        return self._source

    def template_for(self, leaves: Sequence[Any]) -> Tree:
        """The structure of the result."""
        if self._template is None:
            self._template = self._halves(_copied(types_of(self._name, leaves))).form.template
        return self._template

    def reverse(self, outputs: int, results: int) -> Specialized:
        """The function of a tape, outputs, leaves and cotangents."""
        known = self._reverse.get((outputs, results))
        if known is None:
            names = ["tape", *(f"o{index}" for index in range(outputs)), *self._parameters]
            names += [f"t{index}" for index in range(results)]

            def implement(given: Types) -> Callable[..., Any]:
                first, last = 1 + outputs, 1 + outputs + self._count
                return self._implement_reverse(names, given[first:last], given[last:])

            known = self._reverse[outputs, results] = Specialized(
                self._name, names, implement, nogil=self._source.nogil
            )
            self._cached(known, "reverse", outputs, results)
        return known

    def split(self, given: Types) -> ReverseHalf:
        """The reverse half for leaves of these types."""
        return self._halves(_copied(given)).reverse

    def _halves(self, seen: Types) -> _Halves:
        """The split derivative for leaves that are these copies."""
        return remembered(self, seen, lambda: _Halves(self._source, Call(self._trees, seen)))

    def _implement_forward(self, given: Types) -> Callable[..., Any]:
        halves = self._halves(_copied(given))
        form, call = halves.form, halves.call
        self._template, self._results = form.template, max(len(form.outputs), 1)
        buffers = sweeps.output_buffers(form)
        buffers += [Buffer(f"c{leaf}", call.types[leaf], f"a{leaf}.shape") for leaf in halves.arrays]
        lines = [*form.prelude, *(buffer.allocation(buffer.shape) for buffer in buffers)]
        for leaf in halves.arrays:
            lines += text.copy(f"c{leaf}", call.types[leaf], f"a{leaf}")
        for index, output in enumerate(form.outputs):
            if output.initial is not None:
                lines += text.copy(f"o{index}", output.type, f"a{output.initial}")
        outputs = [f"o{index}" for index in range(len(form.outputs))]
        arguments = [*outputs, *(halves.argument(leaf) for leaf in form.inputs)]
        lines.append(f"value, tape = forward({', '.join(arguments)})")
        results = [f"{name}[0]" if output.is_cell else name for name, output in zip(outputs, form.outputs, strict=True)]
        copies = [f"c{leaf}" for leaf in halves.arrays]
        lines.append(f"return {text.tuple_of(['tape', *(results or ['value']), *outputs, *copies])}")
        namespace = {**form.namespace, "forward": halves.forward.split.forward(False)}
        return text.define(self._name, self._parameters, lines, namespace)

    def _implement_reverse(self, names: list[str], seen: Types, cotangents: Types) -> Callable[..., Any]:
        halves = self._halves(seen)
        form, call = halves.form, halves.call
        check_cotangents(self._source, form, cotangents)
        lines: list[str] = []
        arguments: list[str] = []
        shadows = sweeps.shadow_buffers(form)
        for index, (output, shadow) in enumerate(zip(form.outputs, shadows, strict=True)):
            message = f"`{self._name}`: a cotangent has not the shape of its result"
            if not output.is_cell:
                lines += text.guard(f"t{index}.shape != o{index}.shape", "ShapeError", message)
            arguments += [f"o{index}", shadow.name]
        for index, (output, shadow) in enumerate(zip(form.outputs, shadows, strict=True)):
            lines.append(shadow.allocation(f"o{index}.shape"))
            cell = [f"{shadow.name}[0] = t{index}"]
            lines += cell if output.is_cell else text.copy(shadow.name, output.type, f"t{index}")
        for leaf in form.inputs:
            arguments.append(f"a{leaf}")
            if leaf in halves.buffers:
                buffer = halves.buffers[leaf]
                lines += [buffer.allocation(buffer.shape), *text.fill(buffer.name, buffer.type)]
                arguments.append(buffer.name)
        arguments.append("tape")
        is_seeded = form.value is not None
        if is_seeded:
            arguments.append("t0")
        lines.append(f"adjoints = reverse({', '.join(arguments)})")
        values = ["None"] * self._count
        results = sweeps.adjoint_results(call, form, halves.active, halves.buffers)
        for leaf, result in zip(halves.active, results, strict=True):
            values[leaf] = result.buffer.name if result.buffer else result.expression
        namespace: dict[str, Any] = {"ShapeError": ShapeError}
        namespace["reverse"] = halves.reverse.split.reverse(is_seeded, False)
        is_ready = is_native(self._adjoints)
        returned = expression(self._adjoints, values.__getitem__, namespace) if is_ready else text.tuple_of(values)
        return text.define(self._name, names, [*lines, f"return {returned}"], namespace)

    def unpack(self, found: Any) -> Any:
        """The result of a pullback in its structure, of what the reverse function returned."""
        return found if is_native(self._adjoints) else unflatten(self._adjoints, found)


class _Halves:
    """The split derivative for leaves that are copies, of which ``call`` has the types."""

    def __init__(self, source: Source, call: Call) -> None:
        self.call = call
        self.form = source.form(call)
        self.arrays = [leaf for leaf, type_ in enumerate(call.types) if isinstance(type_, types.Array)]
        self.active = [leaf for leaf in self.form.inputs if is_float(call.types[leaf])]
        if not self.active:
            raise DtypeError(
                with_help(
                    f"`vjp`: no argument of `{source.function}` is a float or an array of floats, so there is no "
                    "derivative by any of them",
                    "pass floats",
                )
            )
        self.buffers = {leaf: sweeps.shadow_of(call, leaf) for leaf in self.active if leaf in self.arrays}
        annotations = sweeps.annotate(self.form, call, self.active, Active)
        self.forward, self.reverse = autodiff_split(self.form.kernel, *annotations)

    def argument(self, leaf: int) -> str:
        """What the kernel gets for a leaf."""
        return f"c{leaf}" if leaf in self.arrays else f"a{leaf}"


class Pullback:
    """The transposed derivative of a function at one point; made by `vjp`, it can be called any number of times."""

    def __init__(
        self, structure: _Structure, address: int, template: Tree, outputs: Sequence[Any], arguments: Sequence[Any]
    ) -> None:
        self._structure = structure
        self._address = address
        self._is_leaf = isinstance(template, Leaf)
        self._template = template
        self._outputs = outputs
        self._arguments = arguments
        self._lock = threading.Lock()
        self._release = runtime.load().release_tape

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_finalizing():  # else the process gives back all of its memory, and the engine may be gone
            self._release(self._address)

    @property
    def nbytes(self) -> int:
        """Bytes of memory on the tape that it keeps."""
        return runtime.load().tape_bytes(self._address)

    def __call__(self, cotangent: Any) -> Any:
        """One cotangent per argument of the function, from one of the structure of its result."""
        structure = self._structure
        if self._is_leaf and type(cotangent) in PLAIN:
            given = (cotangent,)
        else:
            given = tuple(flatten_like(self._template, cotangent, "the cotangent"))
        reverse = structure.reverse(len(self._outputs), len(given))
        try:
            with self._lock:
                found = reverse(self._address, *self._arguments, *given)
        except errors.TypingError:
            types_of("vjp", given)
            raise
        except ShapeError:
            self._explain(given)
            raise
        return structure.unpack(found)

    def __reduce__(self) -> NoReturn:
        raise TapeError(
            with_help(
                f"{self!r} cannot be copied or pickled: it owns the memory of one run",
                "call vjp where the pullback is needed",
            )
        )

    def __repr__(self) -> str:
        return f"<pullback of {self._structure.source.name}>"

    def _explain(self, given: Sequence[Any]) -> None:
        for output, value in zip(self._outputs, given, strict=True):
            if output.shape != np.shape(value) and np.ndim(value):
                raise ShapeError(
                    with_help(
                        f"`vjp`: the cotangent has shape {np.shape(value)}, the result {output.shape}",
                        "pass an array of the shape of the result",
                    )
                )


class PreparedTransposed:
    """`vjp` for arguments like those of its preparation; the pullbacks are those of `vjp`."""

    def __init__(self, owner: Transposed, trees: tuple[Tree, ...], kinds: list[Any], given: Types) -> None:
        present(self, owner.source.wrapped, f"Value and pullback of `{owner.source.name}`.")
        self._given = given
        self.transposed = owner
        self._trees = trees
        self._is_row = trees == row(len(trees))
        self._kinds = kinds
        self._structure = owner.structure(trees)

    def __reduce__(self) -> tuple[Any, ...]:
        return PreparedTransposed, (self.transposed, self._trees, self._kinds, self._given)

    def __call__(self, *primals: Any) -> tuple[Any, Pullback]:
        """Value and pullback at this point."""
        leaves: Sequence[Any] = primals
        if not self._is_row or not PLAIN.issuperset(map(type, primals)) or len(primals) != len(self._kinds):
            leaves = leaves_like(self.transposed.name, primals, self._trees)
        kinds = _kinds(leaves)
        if kinds != self._kinds:
            raise self._other(kinds)
        return self._structure(leaves)

    def inspect_llvm(self) -> str:
        """The optimized LLVM IR of the split derivative that is called."""
        (text,) = self._structure.split(self._given).inspect_llvm().values()
        return text

    def inspect_plan(self) -> str:
        """Where its reverse half gets each value that it needs, as text."""
        (text,) = self._structure.split(self._given).inspect_plan().values()
        return text

    def _other(self, kinds: Sequence[Any]) -> Exception:
        """The error for the first argument that is not as it was prepared for."""
        owner = self.transposed
        labels = leaf_labels(owner.source.parameters, self._trees)
        label, given, wanted = next(each for each in zip(labels, kinds, self._kinds, strict=True) if each[1] != each[2])
        help = "prepare it for these as well"
        if given is None or wanted is None or given[1] != wanted[1]:
            return DtypeError(with_help(f"`{owner.name}` was prepared for arguments of other types: `{label}`", help))
        return ShapeError(
            with_help(
                f"`{owner.name}` was prepared for arguments of other shapes: `{label}` has shape {given[0]}, "
                f"it was prepared for {wanted[0]}",
                help,
            )
        )

    @property
    def _numba_type_(self) -> types.Type:
        return types.Dispatcher(in_compiled_code(self.transposed, len(self._trees)))

    def __repr__(self) -> str:
        return f"<{self.transposed.name}, prepared>"


class ReusedTransposed:
    """`vjp` whose value, pullback and cotangents are in the same memory each time: those of the last point."""

    def __init__(
        self, owner: Transposed, trees: tuple[Tree, ...], value: PreparedCall, sweep: PreparedCall, template: Tree
    ) -> None:
        present(self, owner.source.wrapped, f"Value and pullback of `{owner.source.name}`.")
        self.transposed = owner
        self._trees = trees
        self._value = value
        self._sweep = sweep
        self._template = template
        self._point = threading.local()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.transposed, self._trees, self._value.state, self._sweep.state, self._template)

    def __call__(self, *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
        """Value and pullback at this point, in place of those at an earlier one."""
        leaves = leaves_like(self.transposed.name, primals, self._trees)
        result = self._value(*leaves)
        point = self._point
        if not hasattr(point, "leaves"):
            point.leaves = [np.array(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
        for index, leaf in enumerate(leaves):
            if isinstance(leaf, np.ndarray):
                np.copyto(point.leaves[index], leaf)
            else:
                point.leaves[index] = leaf
        return result, self._pullback

    @property
    def _numba_type_(self) -> types.Type:
        return types.Dispatcher(in_compiled_code(self.transposed, len(self._trees)))

    def inspect_llvm(self) -> str:
        """The optimized LLVM IR of the derivative that the pullback calls."""
        return self._sweep.inspect_llvm()

    def inspect_plan(self) -> str:
        """Where its reverse sweep gets each value that it needs, as text."""
        return self._sweep.inspect_plan()

    def __repr__(self) -> str:
        return f"<{self.transposed.name}, prepared>"

    def _pullback(self, cotangent: Any) -> Any:
        return self._sweep(*self._point.leaves, *flatten_like(self._template, cotangent, "the cotangent"))


def _again(
    owner: Transposed, trees: tuple[Tree, ...], value: tuple[Any, ...], sweep: tuple[Any, ...], template: Tree
) -> ReusedTransposed:
    return ReusedTransposed(owner, trees, PreparedCall(*value), PreparedCall(*sweep), template)


def check_cotangents(source: Source, form: Form, given: Sequence[types.Type]) -> None:
    """Refuse cotangents that do not fit the results, by their types."""
    expected = [output.type.dtype if output.is_cell else output.type for output in form.outputs] or [form.value]
    for primal, its in zip(expected, given, strict=True):
        if its == types.none:
            raise StructureError(f"`vjp`: each result of `{source.name}` needs a cotangent: pass zeros, not None")
        check_direction("vjp", "cotangent", f"the result of `{source.name}`", primal, its)


def _copied(given: Types) -> Types:
    """The types of copies that all are in C order, so that NumPy's arrays have these types again."""
    return tuple(
        types.Array(type_.dtype, type_.ndim, "C") if isinstance(type_, types.Array) else type_ for type_ in given
    )


def _count(trees: Sequence[Tree]) -> int:
    return sum(1 for tree in trees for _ in indices(tree))


def _kinds(leaves: Sequence[Any]) -> list[Any]:
    """Shape and type of each array, None for a number."""
    return [(leaf.shape, leaf.dtype) if isinstance(leaf, np.ndarray) else None for leaf in leaves]
