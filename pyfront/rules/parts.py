"""The parts of a rule as a derivative calls them: compiled for one signature, with what the engine must know of them.

A user's part knows numbers and arrays; a derivative has addresses. So each part is wrapped, in source that is made for
the types, for example for ``f(x, A)`` which returns a float:

    def forward(a0, a1, copies, lender):
        value, tape = augmented(a0, a1)
        return (value, (a0, kept(lender, a1, copies, 1)), lent(lender, tape))

    def reverse(frame, s1, seed0, lane, width):
        value, (a0, a1), tape = load(frame)
        adjoints = part(a0, a1, shadow(s1, a1, lane, width), seed0, tape)

Invariant: what a wrapper returns begins with the function's value, as the function itself returns it but for arrays,
which lie in memory that the derivative owns. The order of the parameters is that of seam 5 in ``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import types
from numba.core.compiler import Flags
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target
from numba.core.target_extension import target_override
from numba.core.targetconfig import ConfigStack

from pyfront import results
from pyfront.errors import UnsupportedError, with_help
from pyfront.rules import memory
from pyfront.rules.registry import Rule
from pyfront.scalars import SCALARS

Path = tuple[int, ...]


@dataclass(frozen=True)
class Leaf:
    """A scalar or an array in an argument or in a value."""

    type: types.Type
    path: Path
    """Its argument, and how it is found there."""

    @property
    def is_array(self) -> bool:
        return isinstance(self.type, types.Array)

    @property
    def is_float(self) -> bool:
        return isinstance(getattr(self.type, "dtype", self.type), types.Float)

    def expression(self, name: str) -> str:
        return name + "".join(f"[{index}]" for index in self.path[1:])


def leaves_of(type_: types.Type, path: Path) -> Iterator[Leaf]:
    if isinstance(type_, types.BaseTuple):
        for index, element in enumerate(type_.types):
            yield from leaves_of(element, (*path, index))
    elif type_ in SCALARS or (isinstance(type_, types.Array) and type_.dtype in SCALARS):
        yield Leaf(type_, path)


@dataclass(frozen=True)
class Parts:
    """A rule for one signature."""

    rule: Rule
    argument_types: tuple[types.Type, ...]
    value_type: types.Type
    """What a captured call returns."""
    is_batch: bool = False

    @property
    def leaves(self) -> list[Leaf]:
        """The scalars and arrays among the arguments, as the engine counts them."""
        return [leaf for index, type_ in enumerate(self.argument_types) for leaf in leaves_of(type_, (index,))]

    @property
    def names(self) -> list[str]:
        return [f"a{index}" for index in range(len(self.argument_types))]

    # --- what the engine must know ----------------------------------------------------------------

    def describe(self, writes: tuple[int, ...]) -> dict[str, Any]:
        """The entry of a request; ``writes``: the places of the leaves that the function writes."""
        value = types.Tuple([self.value_type, self.value_type])
        primal = self._compiled(self._primal())
        described = {
            "primal": primal.fndesc.llvm_func_name,
            "forward": "",
            "reverse": "",
            "tangent": "",
            "inactive": self.rule.is_inactive,
            "value_bytes": _size(primal.signature.return_type),
            "frame_bytes": 0,
            "tangent_bytes": _size(value),
            "adjoint_bytes": 0,
            "tangent_offset": 0,
            "adjoint_offsets": [],
            "writes": list(writes),
            "reads": [place for place, leaf in enumerate(self.leaves) if leaf.is_array],
        }
        if self.rule.tangent is not None:
            tangent = self._compiled(self._tangent(writes))
            described["tangent"] = tangent.fndesc.llvm_func_name
            described["tangent_bytes"] = _size(tangent.signature.return_type)
            described["tangent_offset"] = _offset(tangent.signature.return_type, 1)
        if self.rule.augmented is not None:
            forward = self._compiled(self._forward())
            frame = forward.signature.return_type
            reverse = self._compiled(self._reverse(frame))
            described["forward"] = forward.fndesc.llvm_func_name
            described["reverse"] = reverse.fndesc.llvm_func_name
            described["frame_bytes"] = _size(frame)
            adjoints = reverse.signature.return_type
            described["adjoint_bytes"] = _size(adjoints)
            described["adjoint_offsets"] = [number.offset for number in results.numbers(adjoints)]
        return described

    def _compiled(self, made: tuple[Callable[..., Any], tuple[types.Type, ...]]) -> Any:
        function, signature = made
        dispatcher = njit(function)
        with on_cpu():
            dispatcher.compile(signature)
        self.rule.compiled.append(dispatcher)
        return dispatcher.overloads[signature]

    # --- the wrappers -----------------------------------------------------------------------------

    def _primal(self) -> tuple[Callable[..., Any], tuple[types.Type, ...]]:
        source = f"""
def primal({", ".join(self.names)}, lender):
    value = part({", ".join(self.names)})
    return {_lent("value", self.value_type)}
"""
        return self._made(source, self.rule.primal), (*self.argument_types, types.intp)

    def _forward(self) -> tuple[Callable[..., Any], tuple[types.Type, ...]]:
        kept = ", ".join(self._structure(index, self._kept) for index in range(len(self.names)))
        arguments = ", ".join(self.names)
        tape = self._tape_type()
        source = f"""
def forward({arguments}, copies, lender):
    value, tape = part({arguments})
    return ({_lent("value", self.value_type)}, ({kept},), {_lent("tape", tape)})
"""
        return self._made(source, self.rule.augmented), (*self.argument_types, types.intp, types.intp)

    def _tape_type(self) -> types.Type:
        assert self.rule.augmented is not None
        returned = return_type(self.rule.augmented, self.argument_types)
        if not isinstance(returned, types.BaseTuple) or len(returned.types) != 2:
            raise UnsupportedError(
                with_help(
                    f"the `augmented` part of the rule of `{self.rule.name}` returns {returned}",
                    "return (value, tape); a tape that is not needed is None",
                )
            )
        tape: types.Type = returned.types[1]
        for element in _elements(tape):
            if not isinstance(element, (types.Number, types.Boolean, types.Array, types.NoneType)):
                raise UnsupportedError(
                    with_help(
                        f"the tape of the rule of `{self.rule.name}` holds {element}",
                        "keep numbers, arrays, and tuples of these",
                    )
                )
        return tape

    def _kept(self, leaf: Leaf, name: str) -> str:
        if leaf.is_array:
            return f"kept(lender, {name}, copies, {self.leaves.index(leaf)})"
        return name

    def _structure(self, index: int, of: Callable[[Leaf, str], str], missing: str | None = None) -> str:
        """An expression with the structure of an argument: ``of`` each leaf; passengers are themselves."""

        def build(type_: types.Type, path: Path, name: str) -> str:
            if isinstance(type_, types.BaseTuple):
                parts = [build(t, (*path, k), f"{name}[{k}]") for k, t in enumerate(type_.types)]
                return f"({', '.join(parts)},)"
            known = next(leaves_of(type_, path), None)
            if known is None:
                return name if missing is None else missing
            return of(known, name)

        return build(self.argument_types[index], (index,), self.names[index])

    def _reverse(self, frame: types.Type) -> tuple[Callable[..., Any], tuple[types.Type, ...]]:
        arrays = [leaf for leaf in self.leaves if leaf.is_array and leaf.is_float]
        # The engine passes numbers first, then arrays.
        numbers = [leaf for leaf in leaves_of(self.value_type, (0,)) if not leaf.is_array and leaf.is_float]
        lists = [leaf for leaf in leaves_of(self.value_type, (0,)) if leaf.is_array and leaf.is_float]

        def seed_at(type_: types.Type, path: Path, name: str) -> str:
            if isinstance(type_, types.BaseTuple):
                return f"({', '.join(seed_at(t, (*path, k), f'{name}[{k}]') for k, t in enumerate(type_.types))},)"
            leaf = Leaf(type_, path)
            if leaf in numbers:
                return f"n{numbers.index(leaf)}"
            if leaf in lists:
                place = lists.index(leaf)
                return f"wanted(v{place}, {name}, lane, width)"
            return "None"

        calls = []
        for index, name in enumerate(self.names):
            calls.append(name)
            if any(leaf.path[0] == index for leaf in arrays):
                calls.append(
                    self._structure(
                        index,
                        lambda leaf, part: (
                            f"wanted(s{arrays.index(leaf)}, {part}, lane, width)" if leaf in arrays else "None"
                        ),
                        "None",
                    )
                )
        scalars = [leaf for leaf in self.leaves if not leaf.is_array and leaf.is_float]
        taken = [f"s{k}" for k in range(len(arrays))]
        taken += [f"n{k}" for k in range(len(numbers))] + [f"v{k}" for k in range(len(lists))]
        adjoints = "()" if not scalars else "(adjoints,)" if len(scalars) == 1 else "adjoints"
        converted = ", ".join(f"t{k}(given[{k}])" for k in range(len(scalars)))
        source = f"""
def reverse({", ".join(["frame", *taken, "lane", "width"])}):
    value, arguments, tape = load(frame)
    {"".join(f"a{k} = arguments[{k}]; " for k in range(len(self.names)))}
    adjoints = part({", ".join([*calls, seed_at(self.value_type, (0,), "value"), "tape"])})
    given = {adjoints}
    return ({converted}{"," if scalars else ""})
"""
        types_of_scalars = {f"t{k}": leaf.type for k, leaf in enumerate(scalars)}
        function = self._made(
            source,
            self.rule.reverse,
            load=memory.frame_at(frame),
            wanted=memory.wanted(self.is_batch),
            **types_of_scalars,
        )
        signature = (types.intp, *[types.intp] * len(arrays), *[leaf.type for leaf in numbers])
        return function, (*signature, *[types.intp] * len(lists), types.intp, types.intp)

    def _tangent(self, writes: tuple[int, ...]) -> tuple[Callable[..., Any], tuple[types.Type, ...]]:
        floats = [leaf for leaf in self.leaves if leaf.is_float]
        calls = []
        for index in range(len(self.names)):
            calls.append(self._structure(index, lambda leaf, part: self._scratch(leaf, part, writes)))
            if any(leaf.path[0] == index for leaf in floats):
                calls.append(
                    self._structure(
                        index,
                        lambda leaf, part: (
                            "None"
                            if leaf not in floats
                            else f"wanted(t{floats.index(leaf)}, {part}, lane, width)"
                            if leaf.is_array
                            else f"t{floats.index(leaf)}"
                        ),
                        "None",
                    )
                )
        taken = [f"t{k}" for k in range(len(floats))]
        source = f"""
def tangent({", ".join([*self.names, *taken, "lane", "width", "lender"])}):
    value, dot = part({", ".join(calls)})
    return ({_lent("value", self.value_type)}, {_tangent_of("value", "dot", self.value_type)})
"""
        function = self._made(source, self.rule.tangent, wanted=memory.wanted(self.is_batch))
        given = [types.intp if leaf.is_array else leaf.type for leaf in floats]
        return function, (*self.argument_types, *given, types.intp, types.intp, types.intp)

    def _scratch(self, leaf: Leaf, name: str, writes: tuple[int, ...]) -> str:
        """Of a batch, only the last lane moves the arrays themselves."""
        if self.is_batch and leaf.is_array and self.leaves.index(leaf) in writes:
            return f"kept(lender, {name}, int(lane < width - 1), 0)"
        return name

    def _made(self, source: str, part: Any, **names: Any) -> Callable[..., Any]:
        scope: dict[str, Any] = {
            "part": part,
            "lent": memory.lent,
            "kept": memory.kept,
            "as_contiguous": memory.as_contiguous,
            "float32": types.float32,
            "float64": types.float64,
            **names,
        }
        exec(source, scope)
        function: Callable[..., Any] = next(
            scope[name] for name in ("primal", "forward", "reverse", "tangent") if name in scope
        )
        function.__name__ = function.__qualname__ = f"{self.rule.name}.{function.__name__}"
        return function


def return_type(dispatcher: Dispatcher, argument_types: tuple[types.Type, ...]) -> types.Type:
    """What a function returns for these types, compiled for the CPU."""
    with on_cpu():
        dispatcher.compile(argument_types)
    returned: types.Type = dispatcher.overloads[argument_types].signature.return_type
    return returned


def parts_of(rule: Rule, argument_types: tuple[types.Type, ...], is_batch: bool = False) -> Parts:
    plain = tuple(types.unliteral(type_) for type_ in argument_types)
    return Parts(rule, plain, value_type(return_type(rule.primal, plain)), is_batch)


def value_type(returned: types.Type) -> types.Type:
    """What a captured call returns for a function that returns this: arrays are new ones."""
    plain = types.unliteral(returned)
    if isinstance(plain, types.BaseTuple):
        return results.like(plain, map(value_type, plain.types))
    if isinstance(plain, types.Array):
        return types.Array(plain.dtype, plain.ndim, "F" if plain.layout == "F" else "C")
    return plain


class on_cpu:
    """Compile for the CPU, also while a kernel is captured."""

    def __enter__(self) -> None:
        flags = Flags()
        flags.nrt = True
        self._contexts = (target_override("cpu"), ConfigStack().enter(flags))
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *exception: Any) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*exception)


def _elements(type_: types.Type) -> Iterator[types.Type]:
    if isinstance(type_, types.BaseTuple):
        for element in type_.types:
            yield from _elements(element)
    else:
        yield types.unliteral(type_)


def _lent(name: str, type_: types.Type) -> str:
    """The expression for a value whose arrays lie in lent memory."""
    if isinstance(type_, types.BaseTuple):
        parts = [_lent(f"{name}[{index}]", element) for index, element in enumerate(type_.types)]
        return f"({', '.join(parts)}{',' if parts else ''})"
    if isinstance(type_, types.Array):
        return f"as_contiguous(lent(lender, {name}))"
    return name


def _tangent_of(value: str, dot: str, type_: types.Type) -> str:
    """The tangent with the structure and the types of the value: whole numbers stand for themselves."""
    if isinstance(type_, types.BaseTuple):
        parts = [_tangent_of(f"{value}[{k}]", f"{dot}[{k}]", element) for k, element in enumerate(type_.types)]
        return f"({', '.join(parts)}{',' if parts else ''})"
    if isinstance(type_, types.Array):
        given = dot if isinstance(type_.dtype, types.Float) else value
        return f"as_contiguous(lent(lender, {given}))"
    return f"{type_}({dot})" if isinstance(type_, types.Float) else value


def _size(type_: types.Type) -> int:
    context = cpu_target.target_context
    return int(context.get_abi_sizeof(context.get_return_type(type_)))


def _offset(type_: types.BaseTuple, index: int) -> int:
    """The byte at which an element of a tuple begins; all are of one LLVM type, or they have a struct."""
    context = cpu_target.target_context
    memory = context.get_return_type(type_)
    if isinstance(memory, ir.BaseStructType):
        return int(memory.get_element_offset(context.target_data, index))
    return index * int(context.get_abi_sizeof(memory.element))
