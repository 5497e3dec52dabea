"""Text: the Python statements of which generated functions are made, and the function made of them.

Loops over arrays are written out, one per axis, so that the engine sees plain loops and LLVM vectorizes them.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba.core import types

from pyfront.specialized import renamed

_serial = itertools.count()

_DEFINED = "generated"


def define(
    name: str, parameters: Sequence[str], lines: Sequence[str], namespace: Mapping[str, Any]
) -> Callable[..., Any]:
    """The function with this body; its source can be read in tracebacks and by Numba.

    Its statements see ``namespace`` and nothing of a user's: ``name`` is what the function is called in messages, not
    in its source, and so may be ``kernel`` or ``range``.
    """
    body = indent(lines) or ["    pass"]
    source = "\n".join([f"def {_DEFINED}({', '.join(parameters)}):", *body, ""])
    file = f"<{name} {next(_serial)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"np": np, **namespace, "__name__": __name__}
    exec(compile(source, file, "exec"), scope)
    return renamed(scope[_DEFINED], name)


def indent(lines: Sequence[str]) -> list[str]:
    """``lines`` one level deeper."""
    return [f"    {line}" for line in lines]


def loop(variable: str, range_: str, body: Sequence[str]) -> list[str]:
    """A loop over ``range(range_)``."""
    return [f"for {variable} in range({range_}):", *indent(body)]


def guard(condition: str, error: str, message: str) -> list[str]:
    """Raise ``error`` if the condition holds."""
    return [f"if {condition}:", f"    raise {error}({message!r})"]


def tuple_of(elements: Sequence[str]) -> str:
    """A tuple display."""
    return "(" + "".join(f"{element}, " for element in elements).rstrip() + ")"


def fill(target: str, type_: types.Array, value: str = "0.0") -> list[str]:
    """Store ``value`` to each element of ``target``."""
    return _nest(type_, target, lambda subscript: f"{target}[{subscript}] = {value}")


def copy(target: str, type_: types.Array, source: str) -> list[str]:
    """Copy ``source`` to ``target``, which has its shape and, of the two, the order of axes to walk in."""
    return _nest(type_, target, lambda subscript: f"{target}[{subscript}] = {source}[{subscript}]")


def dtype(type_: types.Type) -> str:
    """The NumPy name of a scalar type."""
    return "np.bool_" if isinstance(type_, types.Boolean) else f"np.{type_}"


def _nest(type_: types.Array, target: str, statement: Callable[[str], str]) -> list[str]:
    axes = range(type_.ndim)
    lines = [statement(", ".join(f"i{axis}" for axis in axes))]
    for axis in axes if type_.layout == "F" else reversed(axes):
        lines = loop(f"i{axis}", f"{target}.shape[{axis}]", lines)
    return lines
