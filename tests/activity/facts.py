"""The engine's facts about a Numba kernel, by source line.

A test says `facts(kernel, "f8[:,::1], i8")` and reads `.overwrite`, the answer of the overwrite analysis for each load
that the prepared kernel still has, or `.prepared`, the kernel's IR.
"""

from __future__ import annotations

import functools
import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cffi
import numba
from numba.core import sigutils, types

from pyfront import engine, request, results
from pyfront.numba_target import capture
from pyfront.scalars import SCALARS

DECLARATIONS = """
void *pyfront_differentiate(const char *bitcode, size_t size, const char *request_json);
const char *pyfront_result_text(const void *, const char *what);
void pyfront_result_free(void *);
"""


@dataclass(frozen=True)
class Facts:
    """Texts of the engine, and the overwrite facts by line: `stable`, or the others' text."""

    text: str
    prepared: str
    overwrite: dict[int, list[str]]

    def is_stable(self, line: int) -> bool:
        """Whether every load of the line is called stable; so is a line whose loads were moved or removed."""
        return all(answer == "stable" for answer in self.overwrite.get(line, []))


def facts(kernel: Callable[..., object], signature: str, annotations: str = "") -> Facts:
    """What the engine says of `kernel`; float arguments are active or duplicated."""
    dispatcher = kernel if hasattr(kernel, "py_func") else numba.njit(kernel)
    arguments, _ = sigutils.normalize_signature(f"void({signature})")
    captured = capture(dispatcher, arguments)
    wish = _request(captured.primal, arguments, captured.return_type)
    texts = answer(captured.module.as_bitcode(), wish, ("facts", "prepared", "diagnostics"))
    assert texts["facts"], texts["diagnostics"]
    said = Facts(texts["facts"], texts["prepared"], {})
    return Facts(said.text, said.prepared, _by_line(said))


def answer(bitcode: bytes, wish: str, texts: tuple[str, ...]) -> dict[str, str]:
    """What the engine says of a module and a request, by the names of the texts."""
    ffi, library = _library()
    result = library.pyfront_differentiate(bitcode, len(bitcode), wish.encode())
    said = {what: ffi.string(library.pyfront_result_text(result, what.encode())).decode() for what in texts}
    library.pyfront_result_free(result)
    return said


def _by_line(said: Facts) -> dict[int, list[str]]:
    """The lines of the section `overwrite`, by the source line of their load."""
    line_of_location = {
        number: int(line) for number, line in re.findall(r"^!(\d+) = !DILocation\(line: (\d+)", said.prepared, re.M)
    }
    line_of_load = {
        name: line_of_location[location]
        for name, location in re.findall(r"^ +%(\S+) = load .*!dbg !(\d+)", said.prepared, re.M)
    }
    answers: dict[int, list[str]] = defaultdict(list)
    for name, answer in re.findall(r"^  %(\S+): (.*)$", said.text.split("\noverwrite\n")[1], re.M):
        if name.strip('"') in line_of_load or name in line_of_load:
            answers[line_of_load.get(name, line_of_load.get(name.strip('"'), 0))].append(answer)
    return answers


def _request(primal: str, arguments: tuple[types.Type, ...], returns: types.Type) -> str:
    entries = []
    parameter = request.FIRST_PARAMETER
    for index, argument in enumerate(arguments):
        is_array = isinstance(argument, types.Array)
        scalar = argument.dtype if is_array else argument
        is_float = isinstance(scalar, types.Float)
        entry: dict[str, Any] = {"name": f"a{index}", "type": SCALARS[scalar].engine, "param": parameter}
        if is_array:
            entry |= {"kind": "array", "rank": argument.ndim, "layout": argument.layout}
            entry["annotation"] = "duplicated" if is_float else "const"
        else:
            entry |= {"kind": "scalar", "annotation": "active" if is_float else "const"}
        entries.append(entry)
        parameter += request.parameter_count(argument)
    return json.dumps(
        {
            "primal": primal,
            "name": "derivative",
            "mode": "reverse",
            "texts": ["facts", "prepared"],
            "args": entries,
            "results": [
                {"type": SCALARS[number.type].engine, "offset": number.offset}
                for number in results.numbers(types.unliteral(returns))
            ],
        }
    )


@functools.cache
def _library() -> tuple[cffi.FFI, Any]:
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    return ffi, ffi.dlopen(str(engine.find_library()))
