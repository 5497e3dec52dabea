"""The vocabulary of random kernels: names in scope, indices, float expressions, conditions and blocks.

A `Drawing` is a program while it is drawn, statement by statement, as Python text. What it draws from beside the plain
things in this file are *features* (`properties.features`): small productions of statements, expressions and conditions,
of which each program has a few.

Invariants, which the drawing keeps by construction:
- for the extents in `Array.shape` every index is in range; for other extents the oracle, which runs first, says so;
- values stay small (each expression carries a bound on its absolute value) and functions stay inside of their domains;
- a program ends: while loops count;
- a name is read only where it is surely defined, and an array name keeps its Numba type.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

LARGEST = 3.0
T = TypeVar("T")


@dataclass(frozen=True)
class Number:
    """A float expression and a bound on its absolute value."""

    text: str
    bound: float


@dataclass(frozen=True)
class Array:
    """An array of floats; arrays of one `family` have the same Numba type, so their names can be swapped.

    In an array that is `even` all elements lie at the distance of its last stride, in the order of their subscripts.
    """

    name: str
    shape: tuple[int, ...]
    family: str | None = None
    writable: bool = True
    even: bool = False

    @property
    def rank(self) -> int:
        return len(self.shape)


@dataclass(frozen=True)
class Index:
    """An integer variable with its range."""

    name: str
    low: int
    high: int


@dataclass(frozen=True)
class Table:
    """A 1D array of integers from 0 to `high`."""

    name: str
    length: int
    high: int


@dataclass
class Scope:
    """The names that may be read here; `fixed` are loop variables and elements of tuples, which are not assigned."""

    scalars: list[str] = field(default_factory=list)
    fixed: list[str] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    indices: list[Index] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)

    def copy(self) -> Scope:
        return Scope(*(list(names) for names in vars(self).values()))


@dataclass(frozen=True)
class Feature:
    """A few productions that belong together."""

    name: str
    statements: tuple[Callable[[Drawing], None], ...] = ()
    expressions: tuple[Callable[[Drawing, int], Number], ...] = ()
    conditions: tuple[Callable[[Drawing], str], ...] = ()


class Drawing:
    """A program while it is drawn; each method appends statements or gives back an expression."""

    def __init__(self, number: int, plain: Feature, choices: Sequence[Feature]) -> None:
        self.random = random.Random(number)
        self.plain = plain
        self.features = self.random.sample(list(choices), self.between(1, 3))
        self.lines: list[str] = []
        self.indent = 1
        self.loops = 0
        self.trips = 1
        self.budget = self.between(1, 5)
        self.scope = Scope()
        self.names = 0
        self.returns: Callable[[], str] = lambda: "return"

    # Choices.

    def pick(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def between(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def one_in(self, n: int) -> bool:
        return self.between(1, n) == n

    def has(self, feature: str) -> bool:
        return any(each.name == feature for each in self.features)

    # Lines.

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def emit(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    @contextmanager
    def block(self, head: str, trips: int = 0) -> Iterator[None]:
        """An indented block whose new names end with it; `trips` > 0 makes it a loop."""
        outer, loops, before = self.scope, self.loops, self.trips
        self.scope = outer.copy()
        self.emit(head)
        self.indent += 1
        if trips:
            self.loops += 1
            self.trips *= trips
        start = len(self.lines)
        yield
        if len(self.lines) == start:
            self.emit("pass")
        self.indent -= 1
        self.scope, self.loops, self.trips = outer, loops, before

    @contextmanager
    def loop_over(self, bounds: str, low: int, high: int, trips: int | None = None) -> Iterator[str]:
        """A `for` over integers from `low` to `high`; gives the loop variable."""
        variable = self.name("i")
        with self.block(f"for {variable} in {bounds}:", max(1, high - low + 1 if trips is None else trips)):
            if low <= high:
                self.scope.indices.append(Index(variable, low, high))
            yield variable

    # Arrays.

    def arrays(self, *, rank: int | None = None, writable: bool = False, least: int = 1) -> list[Array]:
        """The arrays in scope of this kind whose extents are at least `least`."""
        return [
            array
            for array in self.scope.arrays
            if rank in (None, array.rank) and (array.writable or not writable) and min(array.shape) >= least
        ]

    def index(self, array: Array, axis: int = 0) -> str:
        """An expression that lies within an axis, from the front or from the back."""
        extent, length = array.shape[axis], f"{array.name}.shape[{axis}]"
        choices = [str(self.between(-extent, extent - 1)), "0", "-1"]
        for variable in self.scope.indices:
            low, high = variable.low, variable.high
            if low < 0:
                continue
            choices.append(f"{variable.name} % {length}")
            if high < extent:
                choices.extend([variable.name] * 4)
                choices.append(f"{length} - 1 - {variable.name}")
                choices.append(f"-1 - {variable.name}")
            if high + 1 < extent:
                choices.append(f"{variable.name} + 1")
            if low >= 1 and high - 1 < extent:
                choices.append(f"{variable.name} - 1")
            for table in self.scope.tables:
                if high < table.length and table.high < extent:
                    choices.append(f"{table.name}[{variable.name}]")
        if self.one_in(12):
            choices.append(f"int(abs({self.leaf().text}) * 3.7) % {length}")
        return self.pick(choices)

    def element(self, *, writable: bool = False) -> str:
        """An element of an array, or a scalar where there is none."""
        arrays = self.arrays(writable=writable)
        if not arrays:
            return self.pick(self.scope.scalars)
        return self.element_of(self.pick(arrays))

    def element_of(self, array: Array) -> str:
        return f"{array.name}[{', '.join(self.index(array, axis) for axis in range(array.rank))}]"

    # Expressions.

    def constant(self) -> Number:
        value = self.pick([0.5, -0.75, 1.25, 0.25, -1.0, 2.0, 0.3, 1.0])
        return Number(repr(value) if value > 0.0 else f"({value})", abs(value))

    def leaf(self) -> Number:
        kind = self.between(0, 9)
        if kind == 0:
            return self.constant()
        if kind == 1 and self.scope.indices:
            return Number(f"({self.pick(self.scope.indices).name} * 0.25)", 1.5)
        if kind <= 4:
            return Number(self.pick(self.scope.scalars + self.scope.fixed), LARGEST)
        return Number(self.element(), LARGEST)

    def number(self, depth: int = 2) -> Number:
        """A float expression."""
        if depth == 0 or self.one_in(4):
            return self.leaf()
        featured = [make for feature in self.features for make in feature.expressions]
        makers = featured if featured and self.one_in(2) else self.plain.expressions
        return self.pick(makers)(self, depth - 1)

    def bounded(self, limit: float = LARGEST, depth: int = 2) -> str:
        """An expression whose absolute value is at most `limit`."""
        e = self.number(depth)
        if e.bound <= limit:
            return e.text
        if e.bound <= 4.0 * limit:
            return f"{limit / e.bound:.3f} * {e.text}"
        return self.pick(
            [
                f"{limit} * math.tanh({e.text})",
                f"{limit} * math.sin({e.text})",
                f"{limit} * {e.text} / (1.0 + abs({e.text}))",
            ]
        )

    def condition(self) -> str:
        """A test, mostly of data."""
        featured = [make for feature in self.features for make in feature.conditions]
        makers = featured if featured and self.one_in(2) else self.plain.conditions
        return self.pick(makers)(self)

    # Statements.

    @property
    def roomy(self) -> bool:
        """Whether there is room for one more block."""
        return self.budget > 0 and self.trips <= 24 and self.indent < 5

    def update(self, target: str) -> str:
        """An assignment after which the target is at most LARGEST, nearly."""
        return self.pick(
            [
                f"{target} = {self.bounded()}",
                f"{target} = 0.5 * {target} + {self.bounded(1.5)}",
                f"{target} *= {self.bounded(1.0, 1)}",
                f"{target} += {self.bounded(0.25)}",
                f"{target} -= {self.bounded(0.25)}",
            ]
        )

    def statement(self) -> None:
        self.budget -= 1
        featured = [make for feature in self.features for make in feature.statements]
        makers = featured if featured and self.one_in(2) else self.plain.statements
        self.pick(makers)(self)

    def body(self, least: int, most: int) -> None:
        for _ in range(self.between(least, most)):
            self.statement()
