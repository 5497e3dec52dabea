"""The request: what the engine is asked to differentiate, as the JSON of ``docs/architecture.md`` (seam 1).

Arguments that are tuples do not exist for the engine: each element is an argument of its own, in the order of the
LLVM parameters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from numba.core import types

from pyfront.arguments import Argument, Leaf, leaves
from pyfront.numba_target import Callee
from pyfront.results import Number, has_numbers_and_arrays, places
from pyfront.rules.frames import parameters_of
from pyfront.rules.parts import parts_of
from pyfront.scalars import SCALARS

FIRST_PARAMETER = 2
"""Index of the first LLVM parameter after Numba's return slot and exception slot."""


def build(
    *,
    primal: str,
    name: str,
    arguments: Sequence[Argument],
    results: Sequence[Number],
    callees: Sequence[Callee] = (),
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
            varied = "active" if argument.is_active else "duplicated"
            entries.append(_entry(leaf, varied if leaf in argument.varied_leaves else "const", parameter))
            parameter += parameter_count(leaf.type)
    return json.dumps(
        {
            "primal": primal,
            "name": name,
            "mode": "forward" if forward else "split" if split else "reverse",
            "width": width,
            "args": entries,
            "results": _results(results),
            "functions": [
                entry
                for callee in callees
                if (entry := _function(callee, is_batch=width > 1, forward=forward, embedded=embedded)) is not None
            ],
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


def _function(callee: Callee, *, is_batch: bool, forward: bool, embedded: bool) -> dict[str, Any] | None:
    """What the engine must know of a function whose calls it may keep, None if it must not: of a list, say."""
    if callee.rule is not None:
        return _ruled(callee, is_batch, forward, embedded)
    returns = types.unliteral(callee.return_type)
    if not has_numbers_and_arrays(returns):
        return None
    entries: list[dict[str, Any]] = []
    parameter = FIRST_PARAMETER
    for index, type_ in enumerate(callee.argument_types):
        plain = types.unliteral(type_)
        for leaf in leaves(f"a{index}", plain):
            if leaf.type in SCALARS or (isinstance(leaf.type, types.Array) and leaf.type.dtype in SCALARS):
                entries.append(_entry(leaf, "const", parameter))
            elif not isinstance(leaf.type, _PASSENGERS):
                return None
            parameter += parameters_of(leaf.type)
    return {"primal": callee.symbol, "name": callee.name, "args": entries, **_returned(returns)}


def _returned(returns: types.Type) -> dict[str, Any]:
    """The numbers of a result, those of an array's struct among them, and the arrays."""
    numbers: list[dict[str, Any]] = []
    arrays: list[dict[str, Any]] = []
    for place in places(returns):
        if not isinstance(place.type, types.Array):
            numbers.append({"type": SCALARS[place.type].engine, "offset": place.offset})
            continue
        arrays.append({"type": SCALARS[place.type.dtype].engine, "offset": place.offset})
        words = [2, 3, *range(5, 5 + 2 * place.type.ndim)]
        numbers.extend({"type": "i64", "offset": place.offset + 8 * word} for word in words)
    return {"results": numbers, "arrays": arrays}


def _ruled(callee: Callee, is_batch: bool, forward: bool, embedded: bool) -> dict[str, Any]:
    """The same for a function with a rule, whose parts are compiled."""
    assert callee.rule is not None
    parts = parts_of(callee.rule, callee.argument_types, is_batch)
    entries: list[dict[str, Any]] = []
    parameter = FIRST_PARAMETER
    for index, type_ in enumerate(parts.argument_types):
        for leaf in leaves(f"a{index}", type_):
            if leaf.type in SCALARS or (isinstance(leaf.type, types.Array) and leaf.type.dtype in SCALARS):
                entries.append(_entry(leaf, "const", parameter))
            parameter += parameters_of(leaf.type)
    writes = () if callee.rule.only_reads else tuple(place for place, leaf in enumerate(parts.leaves) if leaf.is_array)
    return {
        "primal": callee.symbol,
        "name": callee.name,
        "args": entries,
        **_returned(parts.value_type),
        "rule": parts.describe(writes, forward=forward, embedded=embedded),
    }


_PASSENGERS = (types.Dispatcher, types.NoneType, types.Omitted, types.StringLiteral, types.Function)
"""Arguments that reach no memory."""


def _results(numbers: Sequence[Number]) -> list[dict[str, Any]]:
    return [{"type": SCALARS[number.type].engine, "offset": number.offset} for number in numbers]


def _entry(leaf: Leaf, annotation: str, parameter: int) -> dict[str, Any]:
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
