"""Directions: what may be given as a tangent or a cotangent, by its type."""

from __future__ import annotations

from typing import Any

from numba.core import types

from pyfront.errors import DtypeError, ShapeError, with_help
from pyfront.operators.argnums import is_float


def check_direction(operator: str, what: str, owner: str, primal: Any, given: types.Type) -> None:
    """Refuse a tangent or cotangent that cannot belong to ``primal``, by their types."""
    prefix = f"`{operator}`: the {what} of {owner}"
    if not is_float(primal):
        raise DtypeError(with_help(f"{prefix}, which is {primal}, must be None", "integers have no derivative"))
    if not isinstance(primal, types.Array):
        if not isinstance(given, (types.Float, types.Integer)):
            raise DtypeError(f"{prefix} must be a number, not {given}")
        return
    make = "make it with np.zeros_like, or np.ones_like"
    if not isinstance(given, types.Array) or given.dtype != primal.dtype:
        raise DtypeError(with_help(f"{prefix} must be an array of {primal.dtype}, not {given}", make))
    if given.ndim != primal.ndim:
        raise ShapeError(with_help(f"{prefix} must have {primal.ndim} dimensions, not {given.ndim}", make))
