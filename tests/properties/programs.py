"""Random kernels as Python source text.

`program(number)` draws a program statement by statement, the same one for the same number: float scalars, 1D and 2D
arrays, an integer index array; loops with static, run-time and triangular bounds, while loops, branches on data,
break, continue and early return; views, in-place updates, local arrays, arrays swapped by name, calls of helper
functions.

Invariants, which the drawing keeps by construction:
- every index is in range, whatever the data: the sizes are known here (SIZE), each integer variable has a range, and
  data-dependent indices are reduced modulo the length;
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

SIZE = 4
LARGEST = 3.0
T = TypeVar("T")

PRELUDE = """\
import math

import numpy as np
from numba import njit
from properties.helpers import both, clip, doubled, mix, relax, total


"""

HEAD = """\
@njit
def kernel(x, y, a, b, m, w, index, n, z, step):
"""


@dataclass(frozen=True)
class Program:
    """Source of the kernel `kernel`, and how its arrays lie in memory."""

    source: str
    layout: str
    aliased: bool


@dataclass(frozen=True)
class Number:
    """A float expression and a bound on its absolute value."""

    text: str
    bound: float


@dataclass(frozen=True)
class Vector:
    """A 1D array of known length; arrays of one family have the same Numba type and length, so names can be swapped."""

    name: str
    length: int
    family: str | None = None


@dataclass(frozen=True)
class Index:
    """An integer variable with its range."""

    name: str
    low: int
    high: int


@dataclass
class Scope:
    """The names that may be read here."""

    scalars: list[str] = field(default_factory=list)
    vectors: list[Vector] = field(default_factory=list)
    indices: list[Index] = field(default_factory=list)


class Drawing:
    """A program while it is drawn; each method appends statements or gives back an expression."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.lines: list[str] = []
        self.indent = 1
        self.loops = 0
        self.trips = 1
        self.budget = self.between(3, 11)
        self.scope = Scope()
        self.names = 0
        self.returns = True

    # Choices.

    def pick(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def between(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def one_in(self, n: int) -> bool:
        return self.between(1, n) == n

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def emit(self, line: str) -> None:
        self.lines.append("    " * self.indent + line)

    @contextmanager
    def block(self, head: str, trips: int = 0) -> Iterator[None]:
        """An indented block whose new names end with it; `trips` > 0 makes it a loop."""
        outer, loops, before = self.scope, self.loops, self.trips
        self.scope = Scope(list(outer.scalars), list(outer.vectors), list(outer.indices))
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

    # Expressions.

    def index(self, length: int) -> str:
        """An expression in [0, length), or in [-length, 0)."""
        choices = [str(self.between(-length, length - 1))]
        for variable in self.scope.indices:
            low, high = variable.low, variable.high
            if low < 0 or high < low:
                continue
            if high < length:
                choices.extend([variable.name] * 3)
                choices.append(f"{length - 1} - {variable.name}")
                if length == SIZE:
                    choices.append(f"index[{variable.name}]")
            if high + 1 < length:
                choices.append(f"{variable.name} + 1")
            if low >= 1 and high - 1 < length:
                choices.append(f"{variable.name} - 1")
            choices.append(f"({variable.name} + {self.between(1, 3)}) % {length}")
        if self.one_in(12):
            choices.append(f"int(abs({self.leaf().text}) * 3.7) % {length}")
        return self.pick(choices)

    def element(self) -> str:
        """An element of an array."""
        if self.one_in(5):
            return f"m[{self.index(SIZE)}, {self.index(SIZE)}]"
        vector = self.pick(self.scope.vectors)
        return f"{vector.name}[{self.index(vector.length)}]"

    def leaf(self) -> Number:
        kind = self.between(0, 9)
        if kind == 0:
            value = self.pick([0.5, -0.7, 1.3, 0.25, -1.1, 2.0])
            return Number(repr(value) if value > 0.0 else f"({value})", abs(value))
        if kind == 1 and self.scope.indices:
            return Number(f"({self.pick(self.scope.indices).name} * 0.1)", 0.5)
        if kind <= 4:
            return Number(self.pick(self.scope.scalars), LARGEST)
        return Number(self.element(), LARGEST)

    def number(self, depth: int = 2) -> Number:
        """A float expression."""
        if depth == 0 or self.one_in(4):
            return self.leaf()
        e = self.number(depth - 1)
        kind = self.between(0, 21)
        if kind <= 9:
            f = self.number(depth - 1)
            return [
                Number(f"({e.text} + {f.text})", e.bound + f.bound),
                Number(f"({e.text} - {f.text})", e.bound + f.bound),
                Number(f"({e.text} * {f.text})", e.bound * f.bound),
                Number(f"({e.text} * {f.text})", e.bound * f.bound),
                Number(f"({e.text} / (1.5 + {f.text} ** 2))", e.bound / 1.5),
                Number(f"min({e.text}, {f.text})", max(e.bound, f.bound)),
                Number(f"max({e.text}, {f.text})", max(e.bound, f.bound)),
                Number(f"math.atan2({e.text}, 1.5 + {f.text} * {f.text})", 1.6),
                Number(f"mix({e.text}, {f.text})", 0.6 * e.bound + 0.2 * f.bound),
                Number(f"({e.text} if {self.condition()} else {f.text})", max(e.bound, f.bound)),
            ][kind]
        return [
            Number(f"math.sin({e.text})", 1.0),
            Number(f"math.cos({e.text})", 1.0),
            Number(f"math.tanh({e.text})", 1.0),
            Number(f"math.sqrt(1.0 + {e.text} * {e.text})", 1.0 + e.bound),
            Number(f"math.exp(-({e.text} ** 2))", 1.0),
            Number(f"math.log(1.0 + {e.text} ** 2)", e.bound),
            Number(f"abs({e.text})", e.bound),
            Number(f"(-{e.text})", e.bound),
            Number(f"((0.4 * {e.text}) ** 3)", (0.4 * e.bound) ** 3),
            Number(f"np.arctan({e.text})", 1.6),
            Number(f"({e.text} % 1.7)", 1.7),
            Number(f"clip({e.text}, 0.8)", e.bound),
        ][kind - 10]

    def bounded(self, limit: float, depth: int = 2) -> str:
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
        kind = self.between(0, 7)
        if kind == 0 and self.scope.indices:
            variable = self.pick(self.scope.indices).name
            return self.pick([f"{variable} % 2 == 0", f"{variable} < z", f"{variable} != step"])
        if kind == 1:
            return f"{self.leaf().text} > {self.leaf().text} and {self.leaf().text} < 0.7"
        if kind == 2:
            return f"{self.leaf().text} > {self.leaf().text} or {self.leaf().text} < -0.2"
        left = self.element() if self.one_in(2) else self.pick(self.scope.scalars)
        return f"{left} {self.pick(['<', '>'])} {self.pick([0.13, -0.21, 0.42, 0.87])}"

    # Statements.

    def assign_scalar(self) -> None:
        targets = [s for s in self.scope.scalars]
        if self.one_in(2):
            name = self.name("s")
            self.emit(f"{name} = {self.bounded(LARGEST)}")
            self.scope.scalars.append(name)
            return
        target = self.pick(targets)
        self.emit(self.update(target))

    def update(self, target: str) -> str:
        """An assignment after which the target is at most LARGEST, nearly."""
        return self.pick(
            [
                f"{target} = {self.bounded(LARGEST)}",
                f"{target} = 0.5 * {target} + {self.bounded(1.5)}",
                f"{target} *= {self.bounded(1.0, 1)}",
                f"{target} += {self.bounded(0.2)}",
                f"{target} -= {self.bounded(0.2)}",
            ]
        )

    def store(self) -> None:
        self.emit(self.update(self.element()))

    def swap_elements(self) -> None:
        vector = self.pick(self.scope.vectors)
        i, j = self.index(vector.length), self.index(vector.length)
        left, right = f"{vector.name}[{i}]", f"{vector.name}[{j}]"
        if self.one_in(2):
            self.emit(f"{left}, {right} = {right}, {left}")
            return
        with self.block(f"if {left} > {right}:"):
            self.emit(f"{left}, {right} = {right}, {left}")

    def two_results(self) -> None:
        u, v = self.name("s"), self.name("s")
        self.emit(f"{u}, {v} = both({self.bounded(LARGEST, 1)}, {self.bounded(LARGEST, 1)})")
        self.scope.scalars += [u, v]

    def call_on_array(self) -> None:
        vector = self.pick(self.scope.vectors)
        kind = self.between(0, 2)
        if kind == 0:
            self.emit(f"relax({vector.name}, {self.bounded(1.0, 1)})")
        elif kind == 1:
            self.emit(f"{self.pick(self.scope.scalars)} = 0.3 * total({vector.name})")
        else:
            name = self.name("t")
            self.emit(f"{name} = doubled({vector.name})")
            self.scope.vectors.append(Vector(name, vector.length, "contiguous" if vector.length == SIZE else None))

    def allocate(self) -> None:
        name = self.name("t")
        family = [vector.name for vector in self.scope.vectors if vector.family == "contiguous"] or ["w"]
        kind = self.between(0, 5)
        makers = [
            "np.zeros(n)",
            f"np.full(n, {self.bounded(LARGEST, 1)})",
            f"{self.pick(family)}.copy()",
            "np.ones(n)",
            f"np.zeros_like({self.pick(family)})",
            "np.empty(n)",
        ]
        self.emit(f"{name} = {makers[kind]}")
        if kind == 5:
            variable = self.name("i")
            with self.block(f"for {variable} in range(n):"):
                self.scope.indices.append(Index(variable, 0, SIZE - 1))
                self.emit(f"{name}[{variable}] = {self.bounded(LARGEST)}")
        self.scope.vectors.append(Vector(name, SIZE, "contiguous"))

    def make_view(self) -> None:
        name = self.name("v")
        if self.one_in(3):
            text = self.pick([f"m[{self.index(SIZE)}]", f"m[:, {self.index(SIZE)}]", f"m.T[{self.index(SIZE)}]"])
            self.emit(f"{name} = {text}")
            self.scope.vectors.append(Vector(name, SIZE))
            return
        vector = self.pick([vector for vector in self.scope.vectors if vector.length > 1])
        length = vector.length
        part, size = self.pick(
            [
                ("1:", length - 1),
                (":-1", length - 1),
                ("::2", (length + 1) // 2),
                ("::-1", length),
                ("1::2", length // 2),
            ]
        )
        self.emit(f"{name} = {vector.name}[{part}]")
        self.scope.vectors.append(Vector(name, size))

    def copy_slice(self) -> None:
        left, right = self.pick(self.scope.vectors), self.pick(self.scope.vectors)
        length = min(left.length, right.length)
        self.emit(f"{left.name}[:{length}] = {right.name}[:{length}]{self.pick(['', '.copy()', ' * 0.5'])}")

    def swap_names(self) -> None:
        family = [vector.name for vector in self.scope.vectors if vector.family == "contiguous"]
        left, right = self.pick(family), self.pick(family)
        if left != right:
            self.emit(f"{left}, {right} = {right}, {left}")

    def change_index(self) -> None:
        i = self.index(SIZE)
        self.emit(f"index[{i}] = (index[{i}] + {self.pick(['1', '2', 'step'])}) % n")

    def branch(self) -> None:
        with self.block(f"if {self.condition()}:"):
            self.body(1, 2)
        if self.one_in(3):
            with self.block(f"elif {self.condition()}:"):
                self.body(1, 1)
        if self.one_in(2):
            with self.block("else:"):
                self.body(1, 2)

    def leave(self) -> None:
        """Break, continue or return, on a condition."""
        ways = (["break", "continue"] if self.loops else []) + ["return"]
        way = self.pick(ways)
        with self.block(f"if {self.condition()}:"):
            if self.one_in(2):
                self.store()
            self.emit(f"return {self.bounded(LARGEST, 1)}" if way == "return" and self.returns else way)

    def for_loop(self) -> None:
        last = SIZE - 1
        choices = [
            ("range(n)", 0, last, 4),
            ("range(1, n)", 1, last, 3),
            ("range(n - 1)", 0, last - 1, 3),
            ("range(1, n - 1)", 1, last - 1, 2),
            ("range(n - 1, -1, -1)", 0, last, 4),
            ("range(0, n, 2)", 0, last - 1, 2),
            ("range(3, 0, -2)", 1, 3, 2),
            ("range(z)", 0, 2, 3),
            ("range(z, n)", 0, last, 4),
            ("range(0, n, step)", 0, last, 4),
            ("range(n - 1, -1, -step)", 0, last, 4),
            ("range(2)", 0, 1, 2),
        ]
        for outer in self.scope.indices:
            if 0 <= outer.low and outer.high <= last:
                choices += [
                    (f"range({outer.name}, n)", outer.low, last, 3),
                    (f"range({outer.name}, -1, -1)", 0, outer.high, 3),
                    (f"range(index[{outer.name}])", 0, last - 1, 2),
                ]
                if outer.high >= 1:
                    choices.append((f"range({outer.name})", 0, outer.high - 1, 2))
        bounds, low, high, trips = self.pick(choices)
        variable = self.name("i")
        with self.block(f"for {variable} in {bounds}:", trips):
            self.scope.indices.append(Index(variable, low, high))
            self.body(1, 3)
        if self.one_in(10):
            with self.block("else:"):
                self.body(1, 1)

    def over_array(self) -> None:
        vector = self.pick(self.scope.vectors)
        name = self.name("s")
        with self.block(f"for {name} in {vector.name}:", vector.length):
            # The loop rebinds the name, so it may be read here only.
            self.scope.scalars.append(name)
            self.body(1, 2)

    def while_loop(self) -> None:
        counter = self.name("k")
        most = self.between(1, 4)
        self.emit(f"{counter} = 0")
        head = self.pick(
            [f"while {counter} < {most}:", f"while {counter} < {most} and ({self.condition()}):", "while True:"]
        )
        with self.block(head, most):
            self.emit(f"{counter} += 1")
            if head == "while True:":
                with self.block(f"if {counter} > {most} or {self.condition()}:"):
                    self.emit("break")
            self.scope.indices.append(Index(counter, 1, most + (head == "while True:")))
            self.body(1, 3)

    def statement(self) -> None:
        self.budget -= 1
        room = self.budget > 0 and self.trips <= 16 and self.indent < 5
        choices: list[Callable[[], None]] = [
            *[self.store] * 6,
            *[self.assign_scalar] * 4,
            self.swap_elements,
            self.two_results,
            self.call_on_array,
            self.allocate,
            self.make_view,
            self.copy_slice,
            self.swap_names,
            self.change_index,
        ]
        if room:
            choices += [*[self.for_loop] * 6, *[self.branch] * 3, *[self.while_loop] * 2, self.over_array, self.leave]
        self.pick(choices)()

    def body(self, least: int, most: int) -> None:
        for _ in range(self.between(least, most)):
            self.statement()


def program(number: int) -> Program:
    """The random kernel of this number."""
    drawing = Drawing(number)
    layout = drawing.pick(["C", "C", "C", "strided", "reversed"])
    aliased = drawing.one_in(8)
    contiguous = "contiguous" if layout == "C" else None
    drawing.returns = not drawing.one_in(4)
    drawing.scope = Scope(
        ["x", "y"],
        [Vector("a", SIZE, contiguous), Vector("b", SIZE, contiguous), Vector("w", SIZE, "contiguous")],
    )
    # Most programs revolve around a loop.
    if not drawing.one_in(6):
        drawing.for_loop()
    while drawing.budget > 0:
        drawing.statement()
    if drawing.returns:
        drawing.emit(f"return {drawing.bounded(LARGEST)}")
    return Program(PRELUDE + HEAD + "\n".join(drawing.lines) + "\n", layout, aliased)
