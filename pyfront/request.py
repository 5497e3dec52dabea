"""The request: what the engine is asked to differentiate, as the JSON of ``docs/architecture.md`` (seam 1).

Arguments that are tuples do not exist for the engine: each element is an argument of its own, in the order of the
LLVM parameters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from numba.core import types

from pyfront.arguments import Argument, Leaf
from pyfront.errors import UnsupportedError, with_help
from pyfront.scalars import SCALARS

FIRST_PARAMETER = 2
"""Index of the first LLVM parameter after Numba's return slot and exception slot."""


def build(
    *,
    primal: str,
    name: str,
    arguments: Sequence[Argument],
    returns: types.Type,
    forward: bool = False,
    split: bool = False,
    width: int = 1,
    may_alias: bool,
    disable: Sequence[str],
    embedded: bool = False,
    dump_dir: str | None = None,
) -> str:
    """The request as JSON, with a stable order of keys."""
    entries: list[dict[str, Any]] = []
    parameter = FIRST_PARAMETER
    for argument in arguments:
        for leaf in argument.leaves:
            entries.append(_entry(argument, leaf, parameter))
            parameter += parameter_count(leaf.type)
    return json.dumps(
        {
            "primal": primal,
            "name": name,
            "mode": "forward" if forward else "split" if split else "reverse",
            "width": width,
            "args": entries,
            "return": "none" if returns is types.none else SCALARS[number(returns)].engine,
            "return_count": returns.count if isinstance(returns, types.UniTuple) else 1,
            "may_alias": may_alias,
            "disable": list(disable),
            "embedded": embedded,
            "dump_dir": dump_dir,
        }
    )


def parameter_count(type_: types.Type) -> int:
    """How many LLVM parameters a scalar or an array takes."""
    return 5 + 2 * type_.ndim if isinstance(type_, types.Array) else 1


def number(returns: types.Type) -> types.Type:
    """The type of the numbers that a kernel returns."""
    return returns.dtype if isinstance(returns, types.UniTuple) else returns


def return_type(kernel: str, type_: types.Type) -> types.Type:
    """The plain type that the kernel returns; refuses what has no place in a derivative's result."""
    plain = types.unliteral(type_)
    if plain is types.none or plain in SCALARS:
        return plain
    if isinstance(plain, types.UniTuple) and isinstance(plain.dtype, types.Float):
        return plain
    if isinstance(plain, types.Complex):
        raise UnsupportedError(f"`{kernel}` returns a complex number, which is not supported yet")
    raise UnsupportedError(
        with_help(
            f"`{kernel}` returns {plain}, which is not supported",
            "return a scalar, floats of one type in a tuple, or nothing; write other results to arrays of the caller",
        )
    )


def _entry(argument: Argument, leaf: Leaf, parameter: int) -> dict[str, Any]:
    annotation = "active" if argument.is_active else "duplicated" if argument.is_duplicated else "const"
    if isinstance(leaf.type, types.Array):
        return {
            "name": leaf.name,
            "kind": "array",
            "type": SCALARS[leaf.type.dtype].engine,
            "rank": leaf.type.ndim,
            "layout": leaf.type.layout,
            "annotation": annotation,
            "param": parameter,
        }
    return {
        "name": leaf.name,
        "kind": "scalar",
        "type": SCALARS[leaf.type].engine,
        "annotation": annotation,
        "param": parameter,
    }
