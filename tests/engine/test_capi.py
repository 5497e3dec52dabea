"""The C API: versions, symbols, and what happens to requests that make no sense."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import pytest

from pyfront import contract

ROOT = Path(__file__).resolve().parents[2]

KERNEL = """
define i32 @kernel(ptr %ret, ptr %excinfo, double %x) {
  %y = fmul double %x, %x
  store double %y, ptr %ret
  ret i32 0
}
"""
REQUEST: dict[str, Any] = {
    "primal": "kernel",
    "name": "derivative",
    "mode": "reverse",
    "args": [{"name": "x", "kind": "scalar", "type": "f64", "annotation": "active", "param": 2}],
    "results": [{"type": "f64", "offset": 0}],
    "may_alias": False,
    "disable": [],
    "dump_dir": None,
}
ARRAY = {"name": "x", "kind": "array", "type": "f64", "rank": 1, "layout": "C", "annotation": "duplicated", "param": 2}


class Result:
    """What `pyfront_differentiate` says, copied out of the engine."""

    def __init__(self, ffi: Any, engine: Any, bitcode: bytes, request: str) -> None:
        result = engine.pyfront_differentiate(bitcode, len(bitcode), request.encode())
        size = ffi.new("size_t *")
        self.ok = bool(engine.pyfront_result_ok(result))
        self.bitcode = bytes(ffi.buffer(engine.pyfront_result_bitcode(result, size), size[0]) if self.ok else b"")
        self.diagnostics = json.loads(ffi.string(engine.pyfront_result_text(result, b"diagnostics")))
        self.facts, self.times = (ffi.string(engine.pyfront_result_text(result, what)) for what in (b"facts", b"times"))
        self.unknown_text = ffi.string(engine.pyfront_result_text(result, b"no such text"))
        engine.pyfront_result_free(result)


def bitcode_of(text: str) -> bytes:
    return llvm.parse_assembly(text).as_bitcode()


def refusal(ffi: Any, engine: Any, request: str, bitcode: bytes | None = None) -> str:
    """The one message with which the engine refuses a request."""
    result = Result(ffi, engine, bitcode_of(KERNEL) if bitcode is None else bitcode, request)
    assert not result.ok
    assert len(result.diagnostics) == 1
    assert result.diagnostics[0].keys() == {"code", "message", "help", "file", "line"}
    assert result.diagnostics[0]["code"] == "internal"
    return str(result.diagnostics[0]["message"])


def test_llvm_is_the_one_of_llvmlite(ffi: Any, engine: Any) -> None:
    version = ffi.string(engine.pyfront_llvm_version()).decode()
    assert re.fullmatch(r"22\.\d+\.\d+", version)
    assert int(version.split(".")[0]) == llvm.llvm_version_info[0]


def test_the_engine_hands_out_its_own_headers(ffi: Any, engine: Any) -> None:
    text = ffi.string(engine.pyfront_declarations()).decode()
    assert text == "".join((ROOT / name).read_text() for name in ("core/Contract.h", "enzyme_pass/CApi.h"))
    assert contract.parse(text) == contract.Contract(20550, 20553, 64, ".forward", ".reverse", "pyfront.allocate")


def test_runtime_symbols_are_named_once_and_have_addresses(ffi: Any, engine: Any) -> None:
    address = ffi.new("void **")
    names = []
    for index in range(engine.pyfront_runtime_symbol_count()):
        names.append(ffi.string(engine.pyfront_runtime_symbol(index, address)).decode())
        assert address[0] != ffi.NULL
    assert len(set(names)) == len(names)
    assert all(name.startswith("pyfront_") for name in names)
    assert "pyfront_arena_alloc" in names
    assert engine.pyfront_runtime_symbol(len(names), address) == ffi.NULL


def test_a_scalar_kernel_gets_a_derivative(ffi: Any, engine: Any) -> None:
    result = Result(ffi, engine, bitcode_of(KERNEL), json.dumps(REQUEST))
    assert result.diagnostics == []
    assert result.ok
    assert llvm.parse_bitcode(result.bitcode).get_function("derivative")
    assert result.unknown_text == b""
    assert result.facts == b""
    times = json.loads(result.times)
    assert [stage["stage"] for stage in times["stages"]][:2] == ["read", "prepare"]
    assert times["instructions"] > 0


def test_texts_are_written_when_asked_for(ffi: Any, engine: Any) -> None:
    result = Result(ffi, engine, bitcode_of(KERNEL), json.dumps({**REQUEST, "texts": ["facts"]}))
    assert result.facts.startswith(b"objects")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"mode": "sideways"}, "request.mode"),
        ({"args": [{**ARRAY, "annotation": "active"}]}, "request.args[0].annotation"),
        ({"args": [{**ARRAY, "layout": "Z"}]}, "request.args[0].layout"),
        ({"args": [{**ARRAY, "kind": "list"}]}, "request.args[0].kind"),
        ({"args": [{**ARRAY, "type": "f16"}]}, "request.args[0].type"),
        ({"args": [{**ARRAY, "kind": "scalar"}]}, "request.args[0].annotation"),
        ({"args": [{"name": "x"}]}, "request.args[0].kind"),
        ({"results": [{"type": "f80", "offset": 0}]}, "request.results[0].type"),
        ({"results": [{"type": "other", "offset": 0}]}, "request.results[0].type"),
        ({"primal": 3}, "request.primal"),
        ({"disable": "mincut"}, "request.disable"),
        ({"texts": "plan"}, "request.texts"),
        ({"results": None}, "request.results"),
    ],
)
def test_a_wrong_request_names_the_place(ffi: Any, engine: Any, change: dict[str, Any], place: str) -> None:
    message = refusal(ffi, engine, json.dumps({**REQUEST, **change}))
    assert place in message


@pytest.mark.parametrize("key", ["primal", "name", "mode", "args", "results"])
def test_a_missing_key_is_named(ffi: Any, engine: Any, key: str) -> None:
    request = {name: value for name, value in REQUEST.items() if name != key}
    assert key in refusal(ffi, engine, json.dumps(request))


def test_text_that_is_not_json(ffi: Any, engine: Any) -> None:
    refusal(ffi, engine, "{")


def test_a_module_without_the_kernel(ffi: Any, engine: Any) -> None:
    message = refusal(ffi, engine, json.dumps(REQUEST), bitcode_of(KERNEL.replace("@kernel", "@another")))
    assert "kernel" in message


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, 0.9])
def test_damaged_bitcode(ffi: Any, engine: Any, keep: float) -> None:
    bitcode = bitcode_of(KERNEL)
    length = int(keep * len(bitcode)) if isinstance(keep, float) else keep
    refusal(ffi, engine, json.dumps(REQUEST), bitcode[:length])
