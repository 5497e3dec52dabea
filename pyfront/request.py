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
from pyfront.results import Number
from pyfront.scalars import SCALARS

FIRST_PARAMETER = 2
"""Index of the first LLVM parameter after Numba's return slot and exception slot."""


def build(
    *,
    primal: str,
    name: str,
    arguments: Sequence[Argument],
    results: Sequence[Number],
    forward: bool = False,
    split: bool = False,
    width: int = 1,
    may_alias: bool,
    disable: Sequence[str],
    embedded: bool = False,
    texts: Sequence[str] = (),
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
            "results": [{"type": SCALARS[number.type].engine, "offset": number.offset} for number in results],
            "may_alias": may_alias,
            "disable": list(disable),
            "embedded": embedded,
            "texts": list(texts),
            "dump_dir": dump_dir,
        }
    )


def parameter_count(type_: types.Type) -> int:
    """How many LLVM parameters a scalar or an array takes."""
    return 5 + 2 * type_.ndim if isinstance(type_, types.Array) else 1


def _entry(argument: Argument, leaf: Leaf, parameter: int) -> dict[str, Any]:
    varied = "active" if argument.is_active else "duplicated"
    annotation = varied if leaf in argument.varied_leaves else "const"
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
