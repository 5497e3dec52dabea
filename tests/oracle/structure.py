"""Numbers in possibly nested tuples: results of kernels, their seeds and tangents, arguments that are tuples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from oracle.dual import Dual


def numbers_of(result: Any) -> tuple[Any, ...]:
    """The numbers of a result: what is in it, if it is a possibly nested tuple."""
    if not isinstance(result, tuple):
        return (result,)
    return tuple(number for element in result for number in numbers_of(element))


def floats_of(result: Any) -> tuple[Any, ...]:
    """The numbers of a result that have a derivative, or of its seed or tangent; a zero where there is none."""
    floats = tuple(number for number in numbers_of(result) if isinstance(number, (float, np.floating, Dual)))
    return floats or (0.0,)


def mapped(function: Callable[[Any], Any], result: Any) -> Any:
    """The function of each number, in the structure of the result."""
    if isinstance(result, tuple):
        return tuple(mapped(function, element) for element in result)
    return function(result)


def packed(like: Any, numbers: Iterable[Any]) -> Any:
    """The numbers in the structure of another, each of the type of the one in its place."""
    rest: Iterator[Any] = iter(numbers)
    return mapped(lambda number: type(number)(next(rest)), like)
