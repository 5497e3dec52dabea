"""The run-time library: ``libpyfront_runtime.so``, which every derivative calls, loaded once per process.

It has the arena, tapes and special functions, and no LLVM. Cached code needs nothing else; where something is compiled
the engine, which is linked with it, is loaded too, so there is one arena per thread in any case. Its symbols are
registered with llvmlite when it is loaded, so derivatives can be linked by Numba's JIT from then on.
"""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

import llvmlite.binding as llvm

from pyfront import __path__ as package_folders
from pyfront.errors import EngineMismatch, EngineNotFound

ENGINE = "libenzyme_pass.so"
LIBRARY = "libpyfront_runtime.so"
OVERRIDE = "PYFRONT_ENGINE"


class Runtime:
    """The loaded library."""

    def __init__(self, path: Path) -> None:
        try:
            self._runtime = ctypes.CDLL(str(path))
            self._declare()
        except OSError as error:
            raise EngineNotFound(f"the run-time library cannot be loaded: {error}") from error
        except AttributeError as error:
            raise EngineMismatch(f"{path} is of another version of pyfront: build it anew") from error
        address = ctypes.c_void_p()
        for index in range(self._runtime.pyfront_runtime_symbol_count()):
            name = self._runtime.pyfront_runtime_symbol(index, ctypes.byref(address))
            llvm.add_symbol(name.decode(), address.value)

    def _declare(self) -> None:
        lib = self._runtime
        lib.pyfront_runtime_symbol_count.restype = ctypes.c_size_t
        lib.pyfront_runtime_symbol.restype = ctypes.c_char_p
        lib.pyfront_runtime_symbol.argtypes = [ctypes.c_size_t, ctypes.POINTER(ctypes.c_void_p)]
        for name in ("arena_capacity", "arena_in_use", "arena_peak", "live_tapes"):
            getattr(lib, f"pyfront_{name}").restype = ctypes.c_size_t
        lib.pyfront_refused_bytes.restype = ctypes.c_int64
        lib.pyfront_tape_bytes.restype = ctypes.c_size_t
        lib.pyfront_tape_bytes.argtypes = lib.pyfront_release_tape.argtypes = [ctypes.c_void_p]

    def release_memory(self) -> None:
        """Give back the memory that this thread's arena, and freed tapes, keep for the next call."""
        self._runtime.pyfront_release_memory()

    def arena_capacity(self) -> int:
        """Bytes that this thread's arena holds."""
        return int(self._runtime.pyfront_arena_capacity())

    def arena_in_use(self) -> int:
        """Bytes of this thread's arena that are in use: 0 outside the call of a derivative."""
        return int(self._runtime.pyfront_arena_in_use())

    def arena_peak(self) -> int:
        """The most bytes of this thread's arena in use at once since `arena_reset_peak`."""
        return int(self._runtime.pyfront_arena_peak())

    def arena_reset_peak(self) -> None:
        self._runtime.pyfront_arena_reset_peak()

    def refused_bytes(self) -> int:
        """The bytes that this thread was last refused; negative: more than can be counted."""
        return int(self._runtime.pyfront_refused_bytes())

    def release_tape(self, tape: int) -> None:
        """End the life of the tape at this address."""
        self._runtime.pyfront_release_tape(tape)

    def tape_bytes(self, tape: int) -> int:
        """Bytes that the tape at this address holds."""
        return int(self._runtime.pyfront_tape_bytes(tape))

    def live_tapes(self) -> int:
        """How many tapes are alive in the process."""
        return int(self._runtime.pyfront_live_tapes())


def find_library() -> Path:
    """The engine's path: the override in the environment, else next to the package."""
    override = os.environ.get(OVERRIDE)
    if override:
        return Path(override)
    candidates = [Path(folder) / "_lib" / ENGINE for folder in package_folders]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise EngineNotFound(
        f"the engine is not installed: no {' or '.join(map(str, candidates))}\n"
        f"  help: `make setup` builds it; {OVERRIDE} names a library elsewhere"
    )


@functools.cache
def load() -> Runtime:
    """The run-time library of this process: the one beside the engine."""
    return Runtime(find_library().with_name(LIBRARY))
