"""The parameters of a random kernel, and the data of its calls.

A parameter says how its values are drawn; a `Call` is one set of values. The first calls of a program have the extents
for which it was drawn, later ones others, empty arrays among them: whether an index then leaves its axis the oracle
finds out.

Data comes from a coarse grid or from a continuous range, so that values meet in one call and do not in the next.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

import numpy as np
from oracle import active, const, dup
from oracle.arguments import Annotated

from properties.drawing import Array, Drawing, Index, Table

GRID = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0, 1.5, 2.0)
LAYOUTS = ("C", "C", "C", "F", "strided", "reversed", "swapped")


@dataclass(frozen=True)
class Parameter:
    """One parameter: what it is, and the extents that it was drawn for."""

    name: str
    kind: str
    dtype: str
    shape: tuple[int, ...] = ()
    layout: str = "C"
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Aliasing:
    """Two array parameters of one call that show the same memory, the second one from an offset on."""

    first: str
    second: str
    offset: int


@dataclass(frozen=True)
class Signature:
    """All parameters, and what may alias."""

    parameters: tuple[Parameter, ...]
    aliasing: Aliasing | None = None
    catches: bool = False

    @property
    def text(self) -> str:
        return ", ".join(parameter.name for parameter in self.parameters)

    def named(self, name: str) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


def draw_signature(d: Drawing) -> Signature:
    """The parameters of a program, which are then in the drawing's scope."""
    parameters: list[Parameter] = []
    narrow = d.one_in(5)
    float_type = "f4" if narrow and d.one_in(2) else "f8"

    def dtype() -> str:
        return d.pick(["f4", "f8"]) if narrow else "f8"

    for name in ("x", "y")[: d.between(1, 2)]:
        parameters.append(Parameter(name, d.pick(["active", "active", "const"]), float_type))
        d.scope.scalars.append(name)
    for name in ("a", "b", "c")[: d.between(1, 3)]:
        parameters.append(draw_array(d, name, dtype(), parameters))
    if d.has("workspace"):
        size = d.between(3, 4)
        for name in ("work", "spare"):
            parameters.append(Parameter(name, "const", "f8", (size,)))
        if d.one_in(2):
            parameters[-1] = replace(parameters[-1], shape=(d.between(2, size),))
    if d.has("masked"):
        parameters.append(Parameter("inverse", "infinite", "f8", (4,)))
        parameters.append(Parameter("mask", "mask", "i8", (4,)))
        d.scope.masks.append("inverse")
    if d.has("integers"):
        for name, type_ in (("index", "i8"), ("places", "i4"))[: d.between(1, 2)]:
            parameters.append(Parameter(name, "const", type_, (d.between(2, 4),), high=d.between(1, 3)))
    if d.has("tuples"):
        parameters.append(Parameter("pair", d.pick(["active", "active", "const"]), "pair"))
        parameters.append(Parameter("record", "const", "record", high=2))
    parameters.append(Parameter("n", "count", "i8", low=4, high=4))
    parameters.append(Parameter("z", "count", d.pick(["i8", "i8", "i4"]), low=0, high=2))
    if d.has("loops"):
        parameters.append(Parameter("small", "count", "i4", low=0, high=2))
        parameters.append(Parameter("below", "count", d.pick(["i4", "i8"]), low=-2, high=1))
    for parameter in parameters:
        register(d, parameter)
    return Signature(tuple(parameters), draw_aliasing(d, parameters), catches=d.has("exceptions"))


def draw_array(d: Drawing, name: str, dtype: str, before: list[Parameter]) -> Parameter:
    """An array of floats; every other one is like the one before, so that the two can be swapped."""
    kind = d.pick(["duplicated", "duplicated", "duplicated", "const"]) if name != "a" else "duplicated"
    known = [parameter for parameter in before if parameter.shape]
    if known and d.one_in(2):
        like = known[-1]
        shape = like.shape if d.one_in(2) or len(like.shape) > 1 else (d.between(1, 5),)
        return Parameter(name, kind, like.dtype, shape, like.layout)
    rank = d.pick([1, 1, 1, 1, 2, 2, 3])
    shape = tuple(d.between(1, 5) if rank == 1 else d.between(1, 4 - (rank == 3)) for _ in range(rank))
    layout = d.pick(LAYOUTS)
    return Parameter(name, kind, dtype, shape, "C" if layout in ("F", "swapped") and rank == 1 else layout)


def register(d: Drawing, parameter: Parameter) -> None:
    """Puts a parameter into the scope."""
    if parameter.kind == "count":
        if parameter.low >= 0:
            d.scope.indices.append(Index(parameter.name, parameter.low, parameter.high))
    elif parameter.dtype == "pair":
        d.scope.fixed += [f"{parameter.name}[0]", f"{parameter.name}[1]"]
    elif parameter.dtype == "record":
        d.scope.fixed += [f"{parameter.name}[0]", f"{parameter.name}[2]"]
        d.scope.indices.append(Index(f"{parameter.name}[1]", 0, parameter.high))
    elif parameter.dtype[0] == "i" and parameter.kind == "const":
        d.scope.tables.append(Table(parameter.name, parameter.shape[0], parameter.high))
    elif parameter.shape and parameter.kind in ("duplicated", "const"):
        contiguous = parameter.layout in ("C", "F")
        family = f"{parameter.dtype}{len(parameter.shape)}" + ("C" if contiguous else "A")
        if parameter.layout == "F":
            family += "F"
        # What the kernel allocates is of the same type.
        family = "local" if family == "f81C" else family
        even = parameter.dtype == "f8" and parameter.layout in ("C", "strided")
        d.scope.arrays.append(Array(parameter.name, parameter.shape, family, even=even))


def draw_aliasing(d: Drawing, parameters: list[Parameter]) -> Aliasing | None:
    """A pair of 1D arrays that may share memory; workspace does so as often as not."""
    names = {parameter.name: parameter for parameter in parameters}
    if "work" in names and d.one_in(2):
        return Aliasing("work", "spare", d.pick([0, 0, 1]))
    arrays = [p for p in parameters if p.kind == "duplicated" and len(p.shape) == 1]
    if len(arrays) > 1 and arrays[0].dtype == arrays[1].dtype and arrays[0].layout == arrays[1].layout and d.one_in(3):
        return Aliasing(arrays[0].name, arrays[1].name, d.pick([0, 0, 1, 2]))
    return None


class Data:
    """The values of one call."""

    def __init__(self, signature: Signature, number: int, call: int) -> None:
        self.signature = signature
        self.call = call
        self.numpy = np.random.default_rng([number, call])
        self.random = random.Random(number * 97 + call)
        self.on_grid = call % 2 == 0
        # A kernel that catches exceptions would catch the oracle's IndexError as well.
        self.changed = call >= 2 and not signature.catches

    def floats(self, size: int, dtype: str) -> np.ndarray:
        if self.on_grid:
            return np.array([self.random.choice(GRID) for _ in range(size)], dtype)
        return self.numpy.uniform(-1.5, 1.5, size).astype(dtype)

    def extents(self, parameter: Parameter) -> tuple[int, ...]:
        """The shape in this call: that of the drawing first, then others."""
        shape = parameter.shape
        if not self.changed or parameter.kind in ("infinite", "mask") or parameter.dtype[0] == "i":
            return shape
        if self.call == 3:
            return tuple(extent if self.random.random() < 0.6 else self.random.choice((0, 1)) for extent in shape)
        return tuple(max(0, extent + self.random.choice((-1, 0, 0, 1, 2))) for extent in shape)

    def lay_out(self, parameter: Parameter, shape: tuple[int, ...]) -> np.ndarray:
        """An array of this shape in this layout, in memory of its own."""
        size = math.prod(shape)
        layout, dtype = parameter.layout, parameter.dtype
        if layout == "F":
            return self.floats(size, dtype).reshape(shape[::-1]).T
        if layout == "strided":
            wide = self.floats(2 * size, dtype).reshape((*shape[:-1], 2 * shape[-1]))
            return wide[..., ::2]
        if layout == "reversed":
            return self.floats(size, dtype).reshape(shape)[::-1]
        if layout == "swapped":
            return self.floats(size, dtype).reshape((shape[1], shape[0], *shape[2:])).swapaxes(0, 1)[:, ::-1]
        return self.floats(size, dtype).reshape(shape)

    def value(self, parameter: Parameter) -> object:
        """The value of one parameter on its own."""
        if parameter.kind == "count":
            number = self.numpy.integers(parameter.low, parameter.high + 1)
            return np.int32(number) if parameter.dtype == "i4" else int(number)
        if parameter.dtype in ("pair", "record"):
            wide, narrow = float(self.floats(1, "f8")[0]), self.floats(1, "f4")[0]
            count = int(self.numpy.integers(0, parameter.high + 1))
            return (wide, narrow) if parameter.dtype == "pair" else (wide, count, narrow)
        if not parameter.shape:
            number = self.floats(1, parameter.dtype)[0]
            return float(number) if parameter.dtype == "f8" else number
        if parameter.kind == "mask":
            return self.mask()
        if parameter.kind == "infinite":
            values, strange = self.floats(4, "f8"), [math.inf, -math.inf, math.nan, math.inf]
            return np.array([v if m else self.random.choice(strange) for v, m in zip(values, self.mask(), strict=True)])
        if parameter.dtype[0] == "i":
            return self.numpy.integers(0, parameter.high + 1, self.extents(parameter)).astype(parameter.dtype)
        return self.lay_out(parameter, self.extents(parameter))

    def mask(self) -> np.ndarray:
        """Which values are finite; the same for both arrays."""
        return np.random.default_rng([7, self.call]).integers(0, 2, 4)

    def arguments(self) -> list[Annotated]:
        values = {parameter.name: self.value(parameter) for parameter in self.signature.parameters}
        aliasing = self.signature.aliasing
        # One call in three passes separate memory.
        if aliasing and self.call != 1:
            first, second = (self.signature.named(name) for name in (aliasing.first, aliasing.second))
            assert first is not None
            assert second is not None
            (left,), (right,) = self.extents(first), self.extents(second)
            whole = self.lay_out(first, (max(left, aliasing.offset + right),))
            values[first.name] = whole[:left]
            values[second.name] = whole[aliasing.offset : aliasing.offset + right]
        wrap = {"active": active, "duplicated": dup}
        return [wrap.get(parameter.kind, const)(values[parameter.name]) for parameter in self.signature.parameters]


def arguments(signature: Signature, number: int, call: int) -> list[Annotated]:
    """The annotated arguments of a program's call."""
    return Data(signature, number, call).arguments()
