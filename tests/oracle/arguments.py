"""Annotated arguments of a call, and copies of them that overlap each other as the originals do.

Several array arguments may be views of one allocation. All that happens to arguments here (a fresh copy for one more
call, shadows, object arrays of duals) happens to whole allocations, and the views are then rebuilt at the same places,
so that layout and aliasing survive.

Invariant: a *location* is one float of one allocation; a derivative belongs to a location, however many arguments show
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from oracle.structure import numbers_of

Kind = Literal["const", "active", "duplicated"]


@dataclass(frozen=True)
class Annotated:
    """One argument with what is asked about it; a duplicated one may bring the shadow it has on entry."""

    kind: Kind
    value: Any
    shadow: np.ndarray | None = None


def const(value: Any) -> Annotated:
    """An argument whose derivative nobody wants."""
    return Annotated("const", value)


def active(value: Any) -> Annotated:
    """A float whose adjoint is returned, or a tuple of floats."""
    return Annotated("active", value)


def dup(array: np.ndarray, shadow: np.ndarray | None = None) -> Annotated:
    """An array with a shadow; a random one unless given."""
    return Annotated("duplicated", array, shadow)


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory shown by this one."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address_of(array: np.ndarray) -> int:
    """The address of the first element."""
    return int(array.__array_interface__["data"][0])


class Allocations:
    """The allocations behind a call's arguments.

    `places[k]` tells for argument k which allocation it shows and from which byte on (`None` if it is no array).
    """

    def __init__(self, arguments: tuple[Annotated, ...]) -> None:
        self.arguments = arguments
        self.owners: list[np.ndarray] = []
        self.places: list[tuple[int, int] | None] = []
        numbers: dict[int, int] = {}
        for argument in arguments:
            if not isinstance(argument.value, np.ndarray):
                self.places.append(None)
                continue
            owner = owner_of(argument.value)
            number = numbers.setdefault(id(owner), len(self.owners))
            if number == len(self.owners):
                self.owners.append(owner)
            self.places.append((number, address_of(argument.value) - address_of(owner)))

    @property
    def active(self) -> list[Any]:
        """The active floats, those in tuples one by one."""
        return [
            number for argument in self.arguments if argument.kind == "active" for number in numbers_of(argument.value)
        ]

    def memory(self) -> list[np.ndarray]:
        """A flat copy of each allocation."""
        return [owner.ravel(order="K").copy() for owner in self.owners]

    def views(self, memory: list[np.ndarray]) -> list[Any]:
        """The arguments again, on other memory (the same dtype, or objects in place of floats); scalars as they are."""
        return [
            argument.value if place is None else view(argument.value, memory[place[0]], place[1])
            for argument, place in zip(self.arguments, self.places, strict=True)
        ]

    def covered(self) -> list[np.ndarray]:
        """For each allocation, the positions of the floats that duplicated arguments show."""
        shown: list[list[np.ndarray]] = [[] for _ in self.owners]
        numbers = [np.arange(owner.size) for owner in self.owners]
        for argument, place in zip(self.arguments, self.places, strict=True):
            if place is not None and argument.kind == "duplicated":
                shown[place[0]].append(view(argument.value, numbers[place[0]], place[1]).ravel())
        return [np.unique(np.concatenate(positions)) if positions else np.empty(0, np.int64) for positions in shown]

    def shadows(self, random: np.random.Generator) -> list[np.ndarray]:
        """Flat shadows of the allocations: random, but for the arguments that bring their own."""
        memory = [
            random.uniform(-1.0, 1.0, owner.size).astype(owner.dtype)
            if owner.dtype.kind == "f"
            else np.zeros(owner.size, owner.dtype)
            for owner in self.owners
        ]
        for argument, shadow in zip(self.arguments, self.views(memory), strict=True):
            if argument.shadow is not None:
                shadow[...] = argument.shadow
        return memory


def view(like: np.ndarray, memory: np.ndarray, offset: int) -> np.ndarray:
    """An array with the shape and strides of another that begins so many of its bytes into other memory."""
    if like.size == 0:
        return np.empty(
            like.shape, memory.dtype, order="F" if like.flags.f_contiguous and not like.flags.c_contiguous else "C"
        )
    scale = memory.itemsize // like.itemsize
    strides = tuple(stride * scale for stride in like.strides)
    if memory.dtype == object:
        # NumPy does not lay object arrays over a buffer; stride tricks reach backwards as well.
        return np.lib.stride_tricks.as_strided(memory[offset // like.itemsize :], like.shape, strides)
    return np.ndarray(like.shape, memory.dtype, memory.data, offset * scale, strides)
