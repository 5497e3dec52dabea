"""Random kernels with affine subscripts, and what happens when they run.

A program is a tree of loops, tests and assignments such as `A[i + 1, j] = 0.5 * A[i, 2 * j - 1] + 1.0`, one per line.
Its text serves twice: as a Numba kernel, and with each access reported, so that every element that a line reads can be
followed: is it written later?
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Sizes = tuple[int, int]
FIRST_LINES = 1
"""Lines of the kernel's text before its body."""

SHAPES = {
    "A": "n, m",
    "B": "n, n",
    "C": "n, m, 2",
    "D": "n, m, n",
    "F": "n, m",
    "S": "n, m",
    "x": "n",
    "z": "n * m",
    "P": "n + 2, m + 1",
    "Q": "n, 3",
}
ARGUMENTS = {
    "A": "f8[:,::1]",
    "B": "f8[:,::1]",
    "C": "f8[:,:,::1]",
    "D": "f8[:,:,::1]",
    "F": "f8[::1,:]",
    "S": "f8[:,:]",
    "x": "f8[::1]",
    "z": "f8[::1]",
}
SIGNATURE = ", ".join([*ARGUMENTS.values(), "i8", "i8"])
SHAPE_OF = {"A": "n, m = A.shape", "S": "n, m = S.shape", "F": "n, m = F.shape", "x": "n = x.shape[0]"}
VIEWS = ("V = A[1:]", "V = A[:, ::2]", "V = A[::-1]", "V = F.T", "V = A.T", "V = B[:n - 1, 1:]")


@dataclass
class Program:
    """`lines` of the body; an assignment is (indentation, written, read), other lines are text."""

    lines: list[str | tuple[int, str, str]] = field(default_factory=list)

    def kernel(self) -> str:
        """The source of the kernel `kernel`."""
        return self._text(lambda written, read: f"{written} = 0.5 * {read} + 1.0")

    def overwritten(self, sizes: Sizes) -> set[int]:
        """The lines that read an element which is written later; IndexError if an index leaves its axis."""
        events: list[tuple[int, int, int]] = []
        line = FIRST_LINES

        def assign(written: str, read: str) -> str:
            return f"report({line}, {written}, {read})"

        text = []
        for entry in self.lines:
            line += 1
            text.append(entry if isinstance(entry, str) else " " * entry[0] + assign(*entry[1:]))
        n, m = sizes
        arrays = _identities(n, m)
        source = "\n".join([f"def run(n, m, report, np, {', '.join(arrays)}):", *text, ""])
        names: dict[str, Any] = {}
        exec(compile(source, "trace", "exec"), names)
        names["run"](n, m, lambda *event: events.append(event), _Local(), **arrays)
        later: set[int] = set()
        found: set[int] = set()
        for line, written, read in reversed(events):
            later.add(written)
            if read in later:
                found.add(line)
        return found

    def _text(self, assignment: Callable[[str, str], str]) -> str:
        body = [
            entry if isinstance(entry, str) else " " * entry[0] + assignment(entry[1], entry[2]) for entry in self.lines
        ]
        return f"def kernel({', '.join(ARGUMENTS)}, n, m):\n" + "\n".join(body) + "\n"


class _Local:
    """Stands for numpy in a traced run: local arrays hold numbers of elements, too."""

    def __init__(self) -> None:
        self.next = 10_000_000

    def zeros(self, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
        size = int(np.prod(shape))
        self.next += size
        return np.arange(self.next - size, self.next).reshape(shape)


def _identities(n: int, m: int) -> dict[str, npt.NDArray[np.int64]]:
    """The argument arrays, each element its own number."""
    arrays = {}
    start = 0
    for name in ARGUMENTS:
        shape = eval(f"({SHAPES[name]},)", {"n": n, "m": m})
        arrays[name] = np.arange(start, start + int(np.prod(shape))).reshape(shape)
        start += 1_000_000
    return arrays


def draw(number: int) -> Program:
    """The program of that number."""
    return _Drawing(random.Random(number)).program()


class _Drawing:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.result = Program()
        self.plain = rng.random() < 0.7
        """As people write them, or as they never would."""
        self.arrays: dict[str, int] = {}

    def program(self) -> Program:
        rng = self.rng
        self.arrays = {name: SHAPES[name].count(",") + 1 for name in rng.sample(list(ARGUMENTS), rng.choice([1, 1, 2]))}
        if rng.random() < 0.2:
            local = rng.choice(["P", "Q"])
            self.result.lines.append(f"    {local} = np.zeros(({SHAPES[local]}))")
            self.arrays = {local: 2}
        if rng.random() < 0.2:
            view = rng.choice(VIEWS)
            source = view.split("= ")[1][0]
            self.result.lines.append(f"    {view}")
            self.arrays = {"V": 2, source: 2}
        if self.plain and rng.random() < 0.6:
            shape = rng.choice(sorted(set(self.arrays) & SHAPE_OF.keys()) or ["A"])
            self.result.lines.append(f"    {SHAPE_OF[shape]}")
        for _ in range(rng.choice([1, 1, 2])):
            self.loop([], 4)
        return self.result

    def block(self, around: list[str], indent: int) -> None:
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            kind = self.rng.random()
            if kind < 0.35 and len(around) < 3:
                self.loop(around, indent)
            elif kind < 0.45:
                self.result.lines.append(" " * indent + f"if {self.test(around)}:")
                self.assignment(around, indent + 4)
            else:
                self.assignment(around, indent)

    def loop(self, around: list[str], indent: int) -> None:
        name = "ijk"[len(around)]
        self.result.lines.append(" " * indent + f"for {name} in range({self.range_of(around)}):")
        self.block([*around, name], indent + 4)

    def range_of(self, around: list[str]) -> str:
        end = self.rng.choice(["n", "n", "m"])
        if self.plain and not around:
            return self.rng.choice(["n", "n", "m", "1, n", "n - 1", "1, n - 1", "n - 1, -1, -1", "1, n, 2"])
        if self.plain:
            outer = around[-1]
            return self.rng.choice(
                [
                    outer,
                    outer,
                    f"{outer} + 1, n",
                    f"{outer} + 1, n",
                    f"{outer} + 1",
                    "n",
                    "m",
                    "1, n - 1",
                    "1, m - 1",
                    "2",
                ]
            )
        choices = [
            end,
            f"1, {end}",
            f"{end} - 1",
            f"1, {end} - 1",
            f"{end} - 1, -1, -1",
            f"{end} - 2, -1, -1",
            f"{end} - 1, 0, -1",
            f"0, {end}, 2",
            f"1, {end}, 2",
            f"{end} - 1, 0, -2",
            "2",
            "3",
            f"{end}, 2 * {end}",
            f"2 * {end}",
            f"0, {end} - 2, 3",
        ]
        for outer in around:
            choices += [
                outer,
                f"{outer} + 1, {end}",
                f"{outer}, {end}",
                f"{outer} + 1",
                f"{outer} - 1, -1, -1",
                f"{end} - 1, {outer}, -1",
                f"{end} - {outer}",
                f"2 * {outer}, 2 * {outer} + 2",
                f"min({outer} + 2, {end})",
            ]
        return self.rng.choice(choices)

    def test(self, around: list[str]) -> str:
        left = self.rng.choice(around)
        right = self.rng.choice([*around, "m", "n - 1", "1", "0"])
        return f"{left} {self.rng.choice(['<', '>', '>=', '!=', '=='])} {right}"

    def assignment(self, around: list[str], indent: int) -> None:
        names = list(self.arrays)
        written = self.rng.choice(names)
        read = self.rng.choice(names)
        subscripts = self.subscripts(written, around)
        other = self.subscripts(read, around)
        if read == written and self.rng.random() < 0.5:
            axis = self.rng.randrange(len(subscripts))
            other = [*subscripts]
            other[axis] = self.subscript(read, axis, around)
        self.result.lines.append((indent, f"{written}[{', '.join(subscripts)}]", f"{read}[{', '.join(other)}]"))

    def subscripts(self, array: str, around: list[str]) -> list[str]:
        return [self.subscript(array, axis, around) for axis in range(self.arrays[array])]

    def subscript(self, array: str, axis: int, around: list[str]) -> str:
        rng = self.rng
        if array == "C" and axis == 2:
            return rng.choice(["0", "1", "-1"])
        v = rng.choice(around)
        w = rng.choice(around)
        if self.plain and array != "z":
            return v + rng.choice(["", "", "", "", "", " + 1", " - 1"])
        if array == "z" and rng.random() < 0.6:
            return rng.choice([f"{v} * m + {w}", f"{v} * n + {w}", f"{w} * m", f"({v} + 1) * m + {w}"])
        offset = rng.choice(["", "", "", " + 1", " - 1", " + 2"])
        return rng.choice(
            [
                v + offset,
                v + offset,
                v + offset,
                v + offset,
                f"{v} + {w}{offset}",
                f"{v} - {w}{offset}",
                f"2 * {v}{offset}",
                f"n - 1 - {v}",
                f"m - 1 - {v}",
                f"{v} - m",
                f"{v} - n",
                "0",
                "1",
                "n - 1",
                "m - 1",
            ]
        )


def sizes() -> Iterator[Sizes]:
    """The sizes to run at."""
    for n in (1, 2, 3, 4, 6):
        for m in (1, 2, 3, 4, 5):
            yield n, m
