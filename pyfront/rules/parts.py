"""The parts of a rule as a derivative calls them: compiled for one signature, with what the engine must know of them.

A user's part knows numbers and arrays; a derivative has addresses. So each part is wrapped, in source that is made for
the types, for example for ``f(x, A)`` which returns a float:

    def forward(a0, a1, copies, lender):
        value, tape = augmented(a0, a1)
        return (value, (a0, kept(lender, a1, copies, 1)), lent(lender, tape), (a1.strides,))

    def reverse(frame, s0, v0, lane, width):
        value, (a0, a1), tape, strides = load(frame)
        adjoints = part(a0, a1, shadow(s0, a1, strides[0], lane, width), v0, tape)

What is active of the floats is known where the engine has planned: its modules name the wrappers that they call
(`pyfront.part7.reverse.cd.d`), and those are compiled before the module is linked (`resolve`).

Invariant: what a wrapper returns begins with the function's value, as the function itself returns it but for arrays,
which lie in memory that the derivative owns. The order of the parameters is that of seam 5 in ``docs/architecture.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
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
from pyfront.rules import frames, memory
from pyfront.rules.registry import Rule
from pyfront.scalars import SCALARS

Path = tuple[int, ...]
Made = tuple[Callable[..., Any], tuple[types.Type, ...]]
"""A wrapper, and the types of its arguments."""


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
    is_batch: bool
    symbol: str
    """What the names of its parts begin with in the engine's modules."""
    compiled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def leaves(self) -> list[Leaf]:
        """The scalars and arrays among the arguments, as the engine counts them."""
        return [leaf for index, type_ in enumerate(self.argument_types) for leaf in leaves_of(type_, (index,))]

    @property
    def names(self) -> list[str]:
        return [f"a{index}" for index in range(len(self.argument_types))]

    # --- what the engine must know ----------------------------------------------------------------

    @property
    def scalars(self) -> list[Leaf]:
        """The floats among the arguments that are no arrays."""
        return [leaf for leaf in self.leaves if not leaf.is_array and leaf.is_float]

    @property
    def adjoint_type(self) -> types.Type:
        """What a wrapped `reverse` returns."""
        return types.Tuple([leaf.type for leaf in self.scalars])

    def describe(self, writes: tuple[int, ...], *, forward: bool, embedded: bool) -> dict[str, Any]:
        """The entry of a request; ``writes``: the places of the leaves that the function writes."""
        tangent = types.Tuple([self.value_type, self.value_type])
        has_reverse = self.rule.has_reverse
        frame = self._frame(embedded) if has_reverse and not forward else None
        return {
            "symbol": self.symbol,
            "has_tangent": self.rule.has_tangent,
            "has_reverse": has_reverse,
            "inactive": self.rule.is_inactive,
            "strict": self.rule.is_strict,
            "value_bytes": _size(self.value_type),
            "frame_bytes": 0 if frame is None else _size(frame),
            "tangent_bytes": _size(tangent),
            "adjoint_bytes": _size(self.adjoint_type),
            "tangent_offset": _offset(tangent, 1),
            "adjoint_offsets": [number.offset for number in results.numbers(self.adjoint_type)],
            "writes": list(writes),
            "reads": [place for place, leaf in enumerate(self.leaves) if leaf.is_array],
            "words": self._words(frame) if embedded and frame is not None else [],
        }

    def _words(self, frame: types.Type) -> list[dict[str, Any]]:
        arrays = {leaf.path: place for place, leaf in enumerate(self.leaves) if leaf.is_array}
        return list(frames.words(frame, arrays, [(leaf.path, leaf.type) for leaf in self._strided]))

    def _frame(self, embedded: bool) -> types.Type:
        """What a wrapped `augmented` returns."""
        compiled = self.captured("forward") if embedded else self._compiled("forward")
        returned: types.Type = compiled.signature.return_type
        return returned

    def _wrapper(self, part: str, embedded: bool) -> Made:
        kind, *patterns = part.split(".")
        if kind == "reverse":
            given, asked = patterns
            return self._reverse(given, asked, self._frame(embedded))
        wrappers: dict[str, Callable[..., Made]] = {
            "primal": self._primal,
            "forward": self._forward,
            "tangent": self._tangent,
        }
        return wrappers[kind](*patterns)

    def _compiled(self, part: str) -> Any:
        """The wrapper of a part, compiled once: `forward`, or `reverse.dc.d` where `d` says what is active."""
        known = self.compiled.get(part)
        if known is not None:
            return known
        function, signature = self._wrapper(part, embedded=False)
        dispatcher = njit(function)
        with on_cpu():
            dispatcher.compile(signature)
        self.compiled[part] = compiled = dispatcher.overloads[signature]
        return compiled

    def captured(self, part: str) -> Any:
        """The same as code that is differentiated again: what the part calls stays a call, if it has a rule itself."""
        from pyfront.numba_target import captured  # which needs rules itself

        key = f"{part} captured"
        if key not in self.compiled:
            self.compiled[key] = captured(*self._wrapper(part, embedded=True))
        return self.compiled[key]

    def address_name(self, part: str) -> str:
        """The symbol of a wrapped part in the process."""
        symbol: str = self._compiled(part).fndesc.llvm_func_name
        return symbol

    def _part(self, name: str) -> Any:
        """The rule's own part."""
        if self.rule.parts_for is None:
            return getattr(self.rule, name)
        if name not in self.made:
            self.made.update({k: njit(part) for k, part in self.rule.parts_for(self.argument_types).items()})
        return self.made[name]

    # --- the wrappers -----------------------------------------------------------------------------

    def _primal(self) -> Made:
        source = f"""
def primal({", ".join([*self.names, "lender"])}):
    value = part({", ".join(self.names)})
    return {_lent("value", self.value_type)}
"""
        return self._made(source, self.rule.primal), (*self.argument_types, types.intp)

    def _forward(self) -> Made:
        kept = ", ".join(self._structure(index, self._kept) for index in range(len(self.names)))
        names = [leaf.expression(self.names[leaf.path[0]]) for leaf in self._strided]
        strides = "".join(f"{name}.strides, " for name in names)
        arguments = ", ".join(self.names)
        if self.rule.by_tangents:
            source = f"""
def forward({arguments}, copies, lender):
    value = part({arguments})
    return ({_lent("value", self.value_type)}, ({kept},), None, ({strides}))
"""
            return self._made(source, self.rule.primal), (*self.argument_types, types.intp, types.intp)
        tape = self._tape_type()
        source = f"""
def forward({arguments}, copies, lender):
    value, tape = part({arguments})
    return ({_lent("value", self.value_type)}, ({kept},), {_lent("tape", tape)}, ({strides}))
"""
        return self._made(source, self._part("augmented")), (*self.argument_types, types.intp, types.intp)

    @property
    def _strided(self) -> list[Leaf]:
        """The arrays whose copies have other strides than they."""
        return [leaf for leaf in self.leaves if leaf.is_array and leaf.type.layout == "A"]

    def _tape_type(self) -> types.Type:
        returned = return_type(self._part("augmented"), self.argument_types)
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

    def _reverse(self, given: str, asked: str, frame: types.Type) -> Made:
        floats = [leaf for leaf in self.leaves if leaf.is_float]
        arrays = [leaf for leaf in floats if leaf.is_array]
        # The engine passes numbers first, then arrays.
        values = [leaf for leaf in leaves_of(self.value_type, (0,)) if leaf.is_float]
        values.sort(key=lambda leaf: leaf.is_array)

        def seed_at(type_: types.Type, path: Path, name: str) -> str:
            if isinstance(type_, types.BaseTuple):
                parts = [seed_at(element, (*path, k), f"{name}[{k}]") for k, element in enumerate(type_.types)]
                return f"({', '.join(parts)},)"
            leaf = Leaf(type_, path)
            if leaf not in values:
                return "None"
            place = values.index(leaf)
            if asked[place] == "c" and self.rule.takes_none:
                return "None"
            return self._shadow(f"v{place}", name, asked[place]) if leaf.is_array else f"v{place}"

        def shadow_of(leaf: Leaf, part: str) -> str:
            if leaf not in arrays:
                return "None"
            strides = f"strides[{self._strided.index(leaf)}]" if leaf in self._strided else None
            return self._shadow(f"s{arrays.index(leaf)}", part, given[floats.index(leaf)], strides)

        seed = seed_at(self.value_type, (0,), "value")
        taken = [f"s{k}" for k in range(len(arrays))] + [f"v{k}" for k in range(len(values))]
        if self.rule.by_tangents:
            body, adjoints = self._by_tangents(seed, shadow_of)
            part = self._part("tangent")
        elif self.rule.of_values:
            body, adjoints = self._of_values(seed, shadow_of)
            part = self._part("reverse")
        else:
            calls = self._with_derivatives(arrays, shadow_of, lambda leaf, part: part)
            body = f"    adjoints = part({', '.join([*calls, seed, 'tape'])})\n"
            part = self._part("reverse")
        if self.rule.by_tangents or self.rule.of_values:
            pass
        elif self.rule.takes_none:
            adjoints = ", ".join("0.0" for _ in self.scalars)
            adjoints = f"({adjoints},)" if adjoints else "()"
        else:
            adjoints = "()" if not self.scalars else "(adjoints,)" if len(self.scalars) == 1 else "adjoints"
        converted = ", ".join(f"{leaf.type}(found[{k}])" for k, leaf in enumerate(self.scalars))
        source = f"""
def reverse({", ".join(["frame", *taken, "lane", "width"])}):
    value, arguments, tape, strides = load(frame)
    {"".join(f"a{k} = arguments[{k}]; " for k in range(len(self.names)))}
{body}    found = {adjoints}
    return ({converted}{"," if self.scalars else ""})
"""
        function = self._made(source, part, load=memory.frame_at(frame))
        seeds = [types.voidptr if leaf.is_array else leaf.type for leaf in values]
        return function, (types.voidptr, *[types.voidptr] * len(arrays), *seeds, types.intp, types.intp)

    def _tangent(self, given: str) -> Made:
        floats = [leaf for leaf in self.leaves if leaf.is_float]

        def tangent_of(leaf: Leaf, part: str) -> str:
            if leaf not in floats:
                return "None"
            place = floats.index(leaf)
            return self._shadow(f"t{place}", part, given[place]) if leaf.is_array else f"t{place}"

        if self.rule.of_values:
            calls = [
                f"({', '.join(self.names)},)",
                f"({', '.join(self._structure(index, tangent_of, 'None') for index in range(len(self.names)))},)",
            ]
        else:
            calls = self._with_derivatives(floats, tangent_of, self._scratch)
        taken = [f"t{k}" for k in range(len(floats))]
        source = f"""
def tangent({", ".join([*self.names, *taken, "lane", "width", "lender"])}):
    value, dot = part({", ".join(calls)})
    return ({_lent("value", self.value_type)}, {self._tangent_of("value", "dot", self.value_type, (0,))})
"""
        function = self._made(source, self._part("tangent"))
        tangents = [types.voidptr if leaf.is_array else leaf.type for leaf in floats]
        return function, (*self.argument_types, *tangents, types.intp, types.intp, types.intp)

    def _of_values(self, seed: str, shadow_of: Callable[[Leaf, str], str]) -> tuple[str, str]:
        """The call of a `reverse` that returns a cotangent of each argument, and the adjoints of the scalars."""
        body = f"    cotangents = part(tape, {seed})\n"
        found = []
        for leaf in self.leaves:
            cotangent = "cotangents" + "".join(f"[{index}]" for index in leaf.path)
            if leaf.is_array and leaf.is_float:
                body += (
                    f"    add_cotangent({shadow_of(leaf, leaf.expression(self.names[leaf.path[0]]))}, {cotangent})\n"
                )
            elif leaf.is_float:
                found.append(f"number({cotangent})")
        return body, f"({', '.join(found)}{',' if found else ''})"

    def _by_tangents(self, seed: str, shadow_of: Callable[[Leaf, str], str]) -> tuple[str, str]:
        """One call of `tangent` for each element of each argument: what a transpose costs where nobody says more."""
        floats = [leaf for leaf in self.leaves if leaf.is_float]
        body = f"    seed = {seed}\n"
        for k, leaf in enumerate(floats):
            like = leaf.expression(self.names[leaf.path[0]])
            body += f"    u{k} = {f'zeros({like})' if leaf.is_array else f'{leaf.type}(0)'}\n"

        def call(varied: Leaf | None) -> str:
            def tangent_of(leaf: Leaf, part: str) -> str:
                if leaf not in floats:
                    return "None"
                return f"{leaf.type}(1)" if leaf == varied and not leaf.is_array else f"u{floats.index(leaf)}"

            tangents = ", ".join(self._structure(index, tangent_of, "None") for index in range(len(self.names)))
            return f"part(({', '.join(self.names)},), ({tangents},))[1]"

        def product(type_: types.Type, of_seed: str, of_dot: str) -> str:
            if isinstance(type_, types.BaseTuple):
                parts = [product(t, f"{of_seed}[{i}]", f"{of_dot}[{i}]") for i, t in enumerate(type_.types)]
                return " + ".join(parts) or "0.0"
            return f"inner({of_seed}, {of_dot})"

        found = []
        for k, leaf in enumerate(floats):
            name = leaf.expression(self.names[leaf.path[0]])
            if not leaf.is_array:
                body += f"    dot = {call(leaf)}\n    f{k} = {product(self.value_type, 'seed', 'dot')}\n"
                found.append(f"f{k}")
                continue
            body += f"    into{k} = {shadow_of(leaf, name)}\n    for index in np.ndindex({name}.shape):\n"
            body += f"        u{k}[index] = 1\n        dot = {call(None)}\n        u{k}[index] = 0\n"
            body += f"        into{k}[index] += {product(self.value_type, 'seed', 'dot')}\n"
        return body, f"({', '.join(found)}{',' if found else ''})"

    def _with_derivatives(
        self, varied: list[Leaf], derivative: Callable[[Leaf, str], str], argument: Callable[[Leaf, str], str]
    ) -> list[str]:
        """The arguments of a part: each of the function's, followed by its shadow or tangent if it has one."""
        calls = []
        for index in range(len(self.names)):
            calls.append(self._structure(index, argument))
            is_varied = any(leaf.path[0] == index for leaf in varied)
            if is_varied and (self.rule.active is None or index in self.rule.active):
                calls.append(self._structure(index, derivative, "None"))
        return calls

    def _shadow(self, address: str, like: str, note: str, strides: str | None = None) -> str:
        """The expression for an array at an address; where there is none, None or zeros in its place."""
        if note == "c":
            return "None" if self.rule.takes_none else f"zeros({like})"
        return f"shadow({address}, {like}, {strides or f'{like}.strides'}, lane, width)"

    def _tangent_of(self, value: str, dot: str, type_: types.Type, path: Path) -> str:
        """The tangent with the structure and the types of the value: whole numbers stand for themselves."""
        if isinstance(type_, types.BaseTuple):
            parts = [
                self._tangent_of(f"{value}[{k}]", f"{dot}[{k}]", element, (*path, k))
                for k, element in enumerate(type_.types)
            ]
            return f"({', '.join(parts)}{',' if parts else ''})"
        passenger = len(path) > 1 and path[1] in self.rule.passengers
        if isinstance(type_, types.Array):
            if passenger:
                return f"as_contiguous(unvaried(lender, {value}))"
            if not isinstance(type_.dtype, types.Float):
                return f"as_contiguous(lent(lender, {value}))"
            return f"as_contiguous(lent_as(lender, {dot}, {value}))"
        if passenger:
            return f"{type_}(0)"
        return f"{type_}({dot})" if isinstance(type_, types.Float) else value

    def _scratch(self, leaf: Leaf, name: str) -> str:
        """Of a batch, only the last lane moves the arrays themselves."""
        if self.is_batch and leaf.is_array and not self.rule.only_reads:
            return f"kept(lender, {name}, int(lane < width - 1), 0)"
        return name

    def _made(self, source: str, part: Any, **names: Any) -> Callable[..., Any]:
        scope: dict[str, Any] = {
            "part": part,
            "lent": memory.lent,
            "lent_as": memory.lent_as,
            "kept": memory.kept,
            "as_contiguous": memory.as_contiguous,
            "shadow": memory.shadow_at(self.is_batch),
            "zeros": memory.zeros,
            "unvaried": memory.unvaried,
            "add_cotangent": memory.add_cotangent,
            "number": memory.number,
            "inner": memory.inner,
            "np": np,
            **{str(scalar): scalar for scalar in SCALARS},
            **names,
        }
        exec(compile(source, GENERATED, "exec"), scope)
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


_known: dict[tuple[int, tuple[types.Type, ...], bool], Parts] = {}
_by_symbol: dict[str, Parts] = {}


def parts_of(rule: Rule, argument_types: tuple[types.Type, ...], is_batch: bool = False) -> Parts:
    """The rule for one signature, the same object each time."""
    plain = tuple(types.unliteral(type_) for type_ in argument_types)
    key = (rule.serial, plain, is_batch)
    if key not in _known:
        symbol = f"{_PREFIX}{len(_known)}"
        _known[key] = _by_symbol[symbol] = Parts(
            rule, plain, value_type(return_type(rule.primal, plain)), is_batch, symbol
        )
    return _known[key]


_PREFIX = "pyfront.part"
GENERATED = "<pyfront>"
"""The file of source that is made here: no line of it is one of a user's."""


def _named(module: Any) -> Iterator[tuple[Any, Parts, str]]:
    """The functions of a module of the engine's that stand for parts."""
    for function in module.functions:
        base, _, part = function.name.removeprefix(_PREFIX).partition(".")
        if function.name.startswith(_PREFIX) and f"{_PREFIX}{base}" in _by_symbol:
            yield function, _by_symbol[f"{_PREFIX}{base}"], part


def resolve(module: Any) -> None:
    """Compile the parts that a module of the engine's names, and give them their names in the process."""
    for function, parts, part in _named(module):
        function.name = parts.address_name(part)


def resolve_captured(module: Any) -> list[Any]:
    """The same for a module that will be differentiated again: the libraries that it links, of captured code."""
    libraries = []
    for function, parts, part in _named(module):
        compiled = parts.captured(part)
        function.name = compiled.fndesc.llvm_func_name
        libraries.append(compiled.library)
    return libraries


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
