"""Shapes of entries: what a function that is called for a derivative looks like from outside."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from pyfront.arguments import SEED


@dataclass(frozen=True)
class Shape:
    """What an entry looks like from outside, whatever the types."""

    name: str
    parameters: tuple[str, ...]
    with_primal: bool
    seeded: bool
    may_alias: bool
    serial: int = field(default_factory=itertools.count().__next__, compare=False)
    """Unique in the process; where code is cached, in all of them."""

    @property
    def all_parameters(self) -> tuple[str, ...]:
        return (*self.parameters, SEED) if self.seeded else self.parameters
