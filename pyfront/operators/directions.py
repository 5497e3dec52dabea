"""Directions: what may be given as a tangent or a cotangent, by its type.

It is copied, so whole numbers will do, too: SciPy tries products with vectors of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.core import types
from numba.np import numpy_support

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
    is_whole = isinstance(given, types.Array) and isinstance(given.dtype, (types.Integer, types.Boolean))
    if not isinstance(given, types.Array) or not (is_whole or given.dtype == primal.dtype):
        raise DtypeError(with_help(f"{prefix} must be an array of {primal.dtype}, not {given}", make))
    if given.ndim != primal.ndim:
        raise ShapeError(with_help(f"{prefix} must have {primal.ndim} dimensions, not {given.ndim}", make))


def as_floats(leaves: Sequence[Any], wanted: Sequence[types.Type], first: int) -> list[Any] | None:
    """``leaves``, of which those from ``first`` on are directions, these as floats; None if they are already."""
    result = list(leaves)
    for index in range(first, min(len(leaves), len(wanted))):
        value, type_ = leaves[index], wanted[index]
        if isinstance(value, np.ndarray) and value.dtype.kind in "iub" and isinstance(type_, types.Array):
            result[index] = value.astype(numpy_support.as_dtype(type_.dtype))
    return None if all(new is old for new, old in zip(result, leaves, strict=True)) else result
