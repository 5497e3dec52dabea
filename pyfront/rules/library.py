"""Functions of NumPy's that a kernel calls and that have a row in the table of `pyfront.linear`.

Where Numba would type such a call and lower it to BLAS or LAPACK, captured code calls a name, as for a function with a
rule of the user's own.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

from numba import njit
from numba.core import types
from numba.core.typing import Signature

from pyfront import linear
from pyfront.linear.table import Rule as Row
from pyfront.rules import unvaried
from pyfront.rules.parts import parts_of
from pyfront.rules.registry import Rule


def function_of(type_: Any) -> Callable[..., Any] | None:
    """What a type of Numba's stands for, if it is a function of NumPy's or an operator."""
    key = getattr(type_, "typing_key", type_)
    return key if callable(key) and not isinstance(key, types.Type) else None


@functools.cache
def _rows() -> dict[Callable[..., Any], list[Row]]:
    rows: dict[Callable[..., Any], list[Row]] = {}
    for row in (*linear.RULES, *linear.PRIVATE):
        rows.setdefault(row.function, []).append(row)
    return rows


def _rows_of(type_: Any) -> list[Row]:
    function = function_of(type_)
    try:
        return _rows().get(function, []) if function is not None else []
    except TypeError:  # what cannot be hashed has no row
        return []


def _is_for(row: Row, arguments: Sequence[types.Type]) -> bool:
    return len(arguments) <= len(parameters(row)) and row.applies(arguments)


def row_of(type_: Any, arguments: Sequence[types.Type]) -> Row | None:
    """The row for a call of a function with these positional arguments."""
    return next((row for row in _rows_of(type_) if _is_for(row, arguments)), None)


@functools.cache
def parameters(row: Row) -> list[str]:
    """The names of a row's arguments, as they stand in its `call`."""
    operator = re.fullmatch(r"(\w+) \S+ (\w+)", row.call)
    if operator:
        return list(operator.groups())
    return [name.strip() for name in row.call[row.call.index("(") + 1 : -1].split(",")]


def rule_for(type_: Any, arguments: Sequence[types.Type]) -> Rule | None:
    """What takes the place of a call of a function with these positional arguments, if it is not Numba's code."""
    row = row_of(type_, arguments)
    return unvaried.rule_of(function_of(type_), len(arguments)) if row is None else rule_of(row)


@functools.cache
def rule_of(row: Row) -> Rule:
    """The row as a rule."""
    names = parameters(row)
    return Rule(
        name=row.function.__name__,
        primal=njit(row.primal),
        tangent=njit(row.tangent),
        augmented=njit(row.augmented),
        reverse=njit(row.reverse),
        only_reads=not row.written,
        takes_none=True,
        active=tuple(names.index(name) for name in row.active),
        passengers=row.passengers,
    )


def positional(row_names: Sequence[str], args: Sequence[Any], kws: dict[str, Any]) -> tuple[Any, ...] | None:
    """The arguments of a call in their order, None if one in between is left out."""
    rest = row_names[len(args) : len(args) + len(kws)]
    return (*args, *(kws[name] for name in rest)) if set(rest) == set(kws) else None


def signature_of(type_: Any, args: Sequence[types.Type], kws: dict[str, types.Type]) -> Signature | None:
    """How a call is typed, if its function has a row for it or is one without a derivative."""
    drawn = unvaried.signature_of(function_of(type_), args, dict(kws))
    if drawn is not None:
        return drawn
    for row in _rows_of(type_):
        names = parameters(row)
        given = positional(names, tuple(args), dict(kws))
        if given is None or not _is_for(row, given):
            continue
        plain = tuple(types.unliteral(argument) for argument in given)
        returned = parts_of(rule_of(row), plain).value_type
        pysig = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names[: len(plain)]]
        )
        return Signature(returned, plain, None, pysig=pysig)
    return None
