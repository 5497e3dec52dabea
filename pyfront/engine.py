"""The engine: ``libenzyme_pass.so`` behind its C API (``enzyme_pass/CApi.h``), loaded once per process.

Nothing outside this file knows how the engine is reached. The runtime symbols that emitted code calls are registered
with llvmlite when the library is loaded, so derivatives can be linked by Numba's JIT from then on.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cffi
import llvmlite.binding as llvm

from pyfront import __path__ as package_folders
from pyfront import contract
from pyfront.compile_report import Stage, parse_stages
from pyfront.errors import EngineMismatch, EngineNotFound

LIBRARY = "libenzyme_pass.so"
OVERRIDE = "PYFRONT_ENGINE"


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


class Engine:
    """The loaded library."""

    def __init__(self, path: Path) -> None:
        text = _told(path)
        self.contract = contract.parse(text)
        """The words and numbers that both sides know."""
        self._ffi = cffi.FFI()
        self._ffi.cdef(contract.declarations(text))
        self._lib: Any = self._ffi.dlopen(str(path))
        self.llvm_version: str = self._string(self._lib.pyfront_llvm_version())
        check_llvm(self.llvm_version, llvm.llvm_version_info)
        steps = map(self._lib.pyfront_plan_step, itertools.count())
        named = itertools.takewhile(lambda name: name != self._ffi.NULL, steps)
        self.plan_steps: tuple[str, ...] = tuple(map(self._string, named))
        """The plan's improvements, each of which can be switched off by its name."""
        for index in range(self._lib.pyfront_runtime_symbol_count()):
            address = self._ffi.new("void **")
            name = self._string(self._lib.pyfront_runtime_symbol(index, address))
            llvm.add_symbol(name, int(self._ffi.cast("uintptr_t", address[0])))

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

    def release_memory(self) -> None:
        """Give back the memory that this thread's arena, and freed tapes, keep for the next call."""
        self._lib.pyfront_release_memory()

    def arena_capacity(self) -> int:
        """Bytes that this thread's arena holds."""
        return int(self._lib.pyfront_arena_capacity())

    def arena_in_use(self) -> int:
        """Bytes of this thread's arena that are in use: 0 outside the call of a derivative."""
        return int(self._lib.pyfront_arena_in_use())

    def arena_peak(self) -> int:
        """The most bytes of this thread's arena in use at once since `arena_reset_peak`."""
        return int(self._lib.pyfront_arena_peak())

    def arena_reset_peak(self) -> None:
        self._lib.pyfront_arena_reset_peak()

    def refused_bytes(self) -> int:
        """The bytes that this thread was last refused; negative: more than can be counted."""
        return int(self._lib.pyfront_refused_bytes())

    def release_tape(self, tape: int) -> None:
        """End the life of the tape at this address."""
        self._lib.pyfront_release_tape(self._ffi.cast("void *", tape))

    def tape_bytes(self, tape: int) -> int:
        """Bytes that the tape at this address holds."""
        return int(self._lib.pyfront_tape_bytes(self._ffi.cast("void *", tape)))

    def live_tapes(self) -> int:
        """How many tapes are alive in the process."""
        return int(self._lib.pyfront_live_tapes())

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


def find_library() -> Path:
    """The engine's path: the override in the environment, else next to the package."""
    override = os.environ.get(OVERRIDE)
    if override:
        return Path(override)
    candidates = [Path(folder) / "_lib" / LIBRARY for folder in package_folders]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise EngineNotFound(
        f"the engine is not installed: no {' or '.join(map(str, candidates))}\n"
        f"  help: `make setup` builds it; {OVERRIDE} names a library elsewhere"
    )


@functools.cache
def load() -> Engine:
    """The engine of this process."""
    return Engine(find_library())
