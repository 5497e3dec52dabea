"""The engine: ``libenzyme_pass.so`` behind its C API (``enzyme_pass/CApi.h``), loaded once per process.

Nothing outside this file knows how the engine is reached. What emitted code calls is in the library that it is linked
with (``runtime``).
"""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cffi
import llvmlite.binding as llvm

from pyfront import contract
from pyfront.compile_report import Stage, parse_stages
from pyfront.errors import EngineMismatch, EngineNotFound
from pyfront.runtime import LIBRARY, OVERRIDE, Runtime, find_library

__all__ = [
    "OVERRIDE",
    "Diagnostic",
    "Engine",
    "EngineResult",
    "check_llvm",
    "find_library",
    "load",
    "parse_diagnostics",
]


@dataclass(frozen=True)
class Diagnostic:
    """One entry of the engine's diagnostics."""

    code: str
    message: str
    help: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class EngineResult:
    """What the engine answered: bitcode of the derivative, or the diagnostics that say why there is none."""

    bitcode: bytes | None
    plan: str
    prepared: str
    written: frozenset[str]
    """The array arguments that the kernel may write."""
    diagnostics: tuple[Diagnostic, ...]
    stages: tuple[Stage, ...] = ()
    """Where the time went."""
    instructions: int = 0
    """Of the prepared kernel."""


class Engine(Runtime):
    """The loaded library, and the run-time library with which it is linked."""

    def __init__(self, path: Path) -> None:
        text = _told(path)
        self.contract = contract.parse(text)
        """The words and numbers that both sides know."""
        self._ffi = cffi.FFI()
        self._ffi.cdef(contract.declarations(text))
        self._lib: Any = self._ffi.dlopen(str(path))
        super().__init__(path.with_name(LIBRARY))
        self.llvm_version: str = self._string(self._lib.pyfront_llvm_version())
        check_llvm(self.llvm_version, llvm.llvm_version_info)
        steps = map(self._lib.pyfront_plan_step, itertools.count())
        named = itertools.takewhile(lambda name: name != self._ffi.NULL, steps)
        self.plan_steps: tuple[str, ...] = tuple(map(self._string, named))
        """The plan's improvements, each of which can be switched off by its name."""

    def differentiate(self, bitcode: bytes, request: str) -> EngineResult:
        """Differentiate the module as the request says (JSON, ``docs/architecture.md``). Releases the GIL."""
        result = self._lib.pyfront_differentiate(bitcode, len(bitcode), request.encode())
        try:
            derivative: bytes | None = None
            times = json.loads(self._text(result, "times") or "{}")
            if self._lib.pyfront_result_ok(result):
                size = self._ffi.new("size_t *")
                derivative = bytes(self._ffi.buffer(self._lib.pyfront_result_bitcode(result, size), size[0]))
            return EngineResult(
                bitcode=derivative,
                plan=self._text(result, "plan"),
                written=frozenset(json.loads(self._text(result, "written") or "[]")),
                prepared=self._text(result, "prepared"),
                stages=parse_stages(times.get("stages", ())),
                instructions=times.get("instructions", 0),
                diagnostics=parse_diagnostics(self._text(result, "diagnostics")),
            )
        finally:
            self._lib.pyfront_result_free(result)

    def _text(self, result: Any, what: str) -> str:
        return self._string(self._lib.pyfront_result_text(result, what.encode()))

    def _string(self, pointer: Any) -> str:
        if pointer == self._ffi.NULL:
            return ""
        text = self._ffi.string(pointer)
        return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def _told(path: Path) -> str:
    """What the library says of itself."""
    ffi = cffi.FFI()
    ffi.cdef(contract.BOOTSTRAP)
    try:
        return bytes(ffi.string(ffi.dlopen(str(path)).pyfront_declarations())).decode()
    except OSError as error:
        raise EngineNotFound(f"the engine cannot be loaded: {error}") from error
    except AttributeError as error:
        raise EngineMismatch(f"the engine {path} is of another version of pyfront: build it anew") from error


def parse_diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """The diagnostics in the engine's JSON."""
    return tuple(
        Diagnostic(
            code=entry["code"],
            message=entry["message"],
            help=entry.get("help") or None,
            file=entry.get("file") or None,
            line=entry.get("line") or None,
        )
        for entry in (json.loads(text) if text else [])
    )


def check_llvm(engine_version: str, numba_version: tuple[int, ...]) -> None:
    """Raise unless both LLVMs read each other's bitcode."""
    if int(engine_version.split(".")[0]) != numba_version[0]:
        raise EngineMismatch(
            f"the engine is built with LLVM {engine_version}, but the installed llvmlite has LLVM "
            f"{'.'.join(map(str, numba_version))}\n  help: install numba 0.68.x with llvmlite 0.50.x"
        )


@functools.cache
def load() -> Engine:
    """The engine of this process."""
    return Engine(find_library())
