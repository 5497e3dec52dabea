"""The form of a rule: the derivative of one function of arrays that is called and not looked into.

    Rule(np.linalg.solve, "np.linalg.solve(a, b)", active=("a", "b"),
         primal=..., tangent=..., augmented=..., reverse=...,
         forward="a⁻¹ (db - da x)", backward="b̄ += a⁻ᵀ x̄;  ā -= (a⁻ᵀ x̄) xᵀ", kept="...", degenerate="...")

The four functions have the form of a rule of the user's own (`define_rule`). They run in Python, and compiled code may
call them:

    primal(*args)                                            -> value
    tangent(*args, each active one followed by its tangent)  -> value, tangent of value
    augmented(*args)                                         -> value, tape
    reverse(*args, each active one followed by its shadow, seed, tape)

Invariants, which the tests hold every row to:

- Values are those of Numba's function, bit for bit, in ``tangent`` and ``augmented`` too.
- `None` for a tangent, a shadow, a seed, or an element of a tuple of seeds: there is none, and no work is done for it.
- ``reverse`` adds to shadows. It finds in its arguments what they held when the call ended, so the tape has only what
  cannot be had from them. Its arrays are no argument's; they may be the value's, as both are copied to memory that
  lasts.
- No argument is written, save shadows and those named in ``written``; every result is fresh.
- Arguments that are not ``active``, and results in ``passengers``, carry no derivative, floats as they may be. So no
  ``reverse`` returns anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from numba.core import types


def float_arrays(*dimensions: int, others: int = 0) -> Callable[[Sequence[Any]], bool]:
    """Whether the arguments are arrays of these dimensions, all of one float type, and so many others."""

    def applies(arguments: Sequence[Any]) -> bool:
        arrays = arguments[: len(dimensions)]
        return (
            len(arguments) == len(dimensions) + others
            and all(isinstance(array, types.Array) and isinstance(array.dtype, types.Float) for array in arrays)
            and tuple(array.ndim for array in arrays) == dimensions
            and len({array.dtype for array in arrays}) == 1
        )

    return applies


@dataclass(frozen=True)
class Rule:
    """One row of the table."""

    function: Callable[..., Any]
    """As it stands in a kernel, or in Numba's own code, or in these rules."""

    call: str
    """How a call is written, with the names of the arguments."""

    active: tuple[str, ...]
    """The arguments that a derivative is taken in."""

    applies: Callable[[Sequence[Any]], bool] = field(repr=False)
    """Whether the row is for arguments of these Numba types: positional ones, the omitted ones left out."""

    primal: Callable[..., Any] = field(repr=False)
    tangent: Callable[..., Any] = field(repr=False)
    augmented: Callable[..., Any] = field(repr=False)
    reverse: Callable[..., None] = field(repr=False)

    forward: str
    """The tangent of the result, for the documentation; of x a tangent is ẋ, an adjoint x̄."""

    backward: str
    """What is added to the adjoints."""

    kept: str = "nothing"
    """What is on the tape."""

    degenerate: str = ""
    """What holds where there is no derivative, or where a formula would divide by zero."""

    written: tuple[str, ...] = ()
    """The arguments that the call changes."""

    passengers: tuple[int, ...] = ()
    """The places in a tuple of results of those that carry no derivative."""

    internal: bool = False
    """Whether the function is part of Numba's code or of these rules, which no kernel names."""
