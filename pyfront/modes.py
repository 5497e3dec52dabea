"""Modes: which derivative is made, and whether the primal result comes with it."""

from __future__ import annotations

import enum


class Mode(enum.Enum):
    """Value for the ``mode`` parameter of `autodiff`."""

    Reverse = "reverse"
    ReverseWithPrimal = "reverse with primal"
    Forward = "forward"
    ForwardWithPrimal = "forward with primal"

    @property
    def is_forward(self) -> bool:
        return self in (Mode.Forward, Mode.ForwardWithPrimal)

    @property
    def with_primal(self) -> bool:
        return self in (Mode.ReverseWithPrimal, Mode.ForwardWithPrimal)


Reverse = Mode.Reverse
ReverseWithPrimal = Mode.ReverseWithPrimal
Forward = Mode.Forward
ForwardWithPrimal = Mode.ForwardWithPrimal
