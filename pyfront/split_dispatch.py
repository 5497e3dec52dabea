"""Dispatch of split derivatives: which entry of a half a call goes to. The entries are those of ``split_entry``."""

from __future__ import annotations

from typing import Any

from numba.core import types

from pyfront.cache.entries import Cache
from pyfront.compiled import Differentiated
from pyfront.dispatch import EntryDispatcher, Specialize, call_types, seed_type
from pyfront.shape import Shape

_ADDRESS = types.uintp


class ForwardDispatcher(EntryDispatcher):
    """The entries of the forward half, by the types of the kernel's arguments."""

    @property
    def target(self) -> Any:
        from pyfront.native import Part
        from pyfront.split_entry import HalfTarget

        return HalfTarget(Part.FORWARD)

    def __init__(self, shape: Shape, specialize: Specialize, cache: Cache | None = None) -> None:
        super().__init__(shape, specialize, specialize, cache=cache)

    def _canonical(self, given: tuple[types.Type, ...]) -> tuple[Differentiated, tuple[types.Type, ...]]:
        compiled = self._specialize(given, self._shape.may_alias)
        return compiled, tuple(argument.type for argument in compiled.arguments)

    def _build(self, compiled: Differentiated, canonical: tuple[types.Type, ...]) -> Any:
        from pyfront import entry
        from pyfront.split_entry import ForwardBody

        return entry.build(compiled, self._shape, canonical, ForwardBody, self.target)


class ReverseDispatcher(EntryDispatcher):
    """The entries of the reverse half, by the types of the arguments and their shadows."""

    @property
    def target(self) -> Any:
        from pyfront.native import Part
        from pyfront.split_entry import HalfTarget

        return HalfTarget(Part.REVERSE)

    def __init__(self, shape: Shape, specialize: Specialize, cache: Cache | None = None) -> None:
        super().__init__(shape, specialize, specialize, cache=cache)

    def _canonical(self, given: tuple[types.Type, ...]) -> tuple[Differentiated, tuple[types.Type, ...]]:
        count = len(self._shape.parameters) - 1
        compiled = self._specialize(given[:count], self._shape.may_alias)
        canonical = (*call_types(compiled.arguments), _ADDRESS)
        if self._shape.seeded:
            canonical += (seed_type(compiled, given[-1]),)
        return compiled, canonical

    def _build(self, compiled: Differentiated, canonical: tuple[types.Type, ...]) -> Any:
        from pyfront import entry
        from pyfront.split_entry import ReverseBody

        return entry.build(compiled, self._shape, canonical, ReverseBody, self.target)
