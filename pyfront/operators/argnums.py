"""Argnums: which leaves of a call an operator differentiates by, and the structure of what it answers for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index as operator_index
from typing import Any

import numpy as np
from numba.core import types

from pyfront.errors import ArgnumsError, DtypeError, with_help
from pyfront.operators.form import Call, Source, leaf_names
from pyfront.operators.tree import EMPTY, Leaf, Tree, indices, pack, relabel

Argnums = int | tuple[int, ...]


@dataclass(frozen=True)
class Selection:
    """The leaves that are differentiated by, in order; the leaves of ``template`` number them."""

    leaves: tuple[int, ...]
    template: Tree


def as_key(operator: str, argnums: int | Sequence[int] | None) -> Argnums | None:
    """``argnums`` as given, but of Python's integers, and hashable."""
    if argnums is None:
        return None
    is_sequence = isinstance(argnums, (tuple, list))
    positions: list[int] = []
    given: Sequence[Any] = argnums if isinstance(argnums, (tuple, list)) else [argnums]
    for position in given:
        try:
            if isinstance(position, (bool, np.bool_)):
                raise TypeError
            positions.append(operator_index(position))
        except TypeError:
            raise ArgnumsError(
                with_help(
                    f"`{operator}`: argnums must be an integer or a tuple of integers, not {argnums!r}",
                    f"the point comes afterwards: {operator}(f)(x)",
                )
            ) from None
    return tuple(positions) if is_sequence else positions[0]


def normalize(operator: str, source: Source, argnums: int | Sequence[int] | None) -> Argnums:
    """``argnums`` as non-negative positions; by default the first argument that is not the result."""
    count = len(source.parameters)
    if argnums is None:
        argnums = 1 if source.out == 0 else 0
    positions: list[int] = []
    for position in [argnums] if isinstance(argnums, int) else argnums:
        if not -count <= position < count:
            raise ArgnumsError(
                with_help(
                    f"`{operator}`: argnums={argnums} is out of range",
                    f"`{source.function}` has the arguments {', '.join(source.parameters) or '(none)'}",
                )
            )
        position %= count
        if position == source.out:
            raise ArgnumsError(
                with_help(
                    f"`{operator}`: `{source.parameters[position]}` is the result of `{source.function}`, not an input",
                    "pass what it depends on as another argument",
                )
            )
        if position in positions:
            raise ArgnumsError(f"`{operator}`: argnums={argnums} names an argument twice")
        positions.append(position)
    if not positions:
        raise ArgnumsError(f"`{operator}`: argnums is empty")
    return positions[0] if isinstance(argnums, int) else tuple(positions)


def select(operator: str, source: Source, argnums: Argnums, call: Call) -> Selection:
    """The leaves of the arguments that ``argnums`` names, all of which must be floats."""
    positions = [argnums] if isinstance(argnums, int) else list(argnums)
    for position in positions:
        if position >= len(call.trees):
            raise ArgnumsError(
                with_help(
                    f"`{operator}`: `{source.parameters[position]}` is to be differentiated by, but is not given",
                    "pass it; a default value is a constant",
                )
            )
        if call.trees[position] == EMPTY:
            raise DtypeError(f"`{operator}`: `{source.parameters[position]}` is to be differentiated by, but is None")
    leaves = [leaf for position in positions for leaf in indices(call.trees[position])]
    labels = leaf_names(source.parameters, call.trees)
    for leaf in leaves:
        if not is_float(call.types[leaf]):
            kind = "an integer" if isinstance(call.types[leaf], types.Integer) else f"of type {call.types[leaf]}"
            if call.types[leaf] is types.pyobject:
                kind = "of a type that Numba cannot pass"
            raise DtypeError(
                with_help(
                    f"`{operator}`: argument `{labels[leaf]}` of `{source.function}` is {kind}, "
                    "so there is no derivative by it",
                    "pass a float or an array of floats, or leave the argument out of argnums",
                )
            )
    places = {leaf: Leaf(index) for index, leaf in enumerate(leaves)}
    trees = [relabel(call.trees[position], places.__getitem__) for position in positions]
    return Selection(tuple(leaves), trees[0] if isinstance(argnums, int) else pack(trees))


def is_float(type_: types.Type) -> bool:
    """Whether a leaf of this type can carry a derivative."""
    return isinstance(type_.dtype if isinstance(type_, types.Array) else type_, types.Float)
