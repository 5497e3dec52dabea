"""Objects: the machine code of one entry, with all that it calls, as one relocatable object that another process loads.

Numba's own cache stores what a function was linked of; a derivative is called by address and has no place in that. So
what is stored here is made anew of the modules as they were optimized, without optimizing again: the entry's, the
derivative's, the parts of rules, Numba's runtime. All symbols but those of `Code` are made local, so that two objects,
of whatever processes, never meet by name.

What a process must fill in when it loads the object: the addresses by which the entry calls the derivative and a
function calls itself (`patches`), and Numba's environments, which hold the Python objects that code refers to.

Invariant: every symbol that the object leaves open is in `needs`, and is looked up before the object is loaded, because
LLVM ends the process where one is missing.
"""

from __future__ import annotations

import ctypes
import pickle
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
from numba import _dynfunc
from numba.core import config
from numba.core.environment import Environment
from numba.core.registry import cpu_target
from numba.core.runtime import _nrt_python as nrt

from pyfront import runtime


@dataclass(frozen=True)
class Code:
    """An object and what must be known of it; plain data."""

    object: bytes
    name: str
    """Of the function, in messages."""
    wrapper: str
    """The symbol of the function that Python calls."""
    environment: str
    """The symbol of the pointer to its environment."""
    patches: tuple[tuple[str, str], ...]
    """Symbols of pointers, each with that of what it is to point to."""
    environments: tuple[tuple[str, str, bytes], ...]
    """Symbols of pointers to environments, their names, and their pickled constants."""
    needs: tuple[str, ...]
    routines: tuple[tuple[str, str, str], ...]
    """Of these the symbols of Fortran routines: the library, the routine."""


class Missing(Exception):
    """A symbol that this process does not have."""


def load(code: Code) -> Any:
    """The function that Python calls, of an object made in another process; the same one each time."""
    known = _functions.get(code.wrapper)
    if known is None:
        known = _functions[code.wrapper] = _load(code)
    return known


def _load(code: Code) -> Any:
    runtime.load()
    context = cpu_target.target_context
    _have(code)
    engine = context.codegen()._engine._ee
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.object))
    engine.finalize_object()
    for pointer, target in code.patches:
        _point(engine.get_global_value_address(pointer), engine.get_function_address(target))
    kept = []
    own: Any = None
    for pointer, name, constants in code.environments:
        environment = Environment({"__name__": "pyfront"})
        environment.env_name = name
        if constants:
            environment.consts[:] = pickle.loads(constants)
        _point(engine.get_global_value_address(pointer), id(environment))
        kept.append(environment)
        own = environment if pointer == code.environment else own
    address = engine.get_function_address(code.wrapper)
    doc = f"cached wrapper for {code.name!r}"
    return _dynfunc.make_function(_module, code.name, doc, address, own, (kept,))


_functions: dict[str, Any] = {}
"""What is loaded, with all that it refers to: machine code is never unloaded."""

import pyfront as _module  # noqa: E402


def _point(place: int, target: int) -> None:
    if not place or not target:
        raise Missing("a symbol of the object")
    ctypes.c_void_p.from_address(place).value = target


def _have(code: Code) -> None:
    """See to it that all symbols are there."""
    if config.NRT_STATS:
        nrt.memsys_enable_stats()
    for name, address in nrt.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
    missing = [name for name in code.needs if llvm.address_of_symbol(name) is None]
    if missing and code.routines:
        from pyfront.linear import fortran

        for _, library, routine in code.routines:
            fortran.linked(library, routine)
        missing = [name for name in missing if llvm.address_of_symbol(name) is None]
    if missing:
        # Some of Numba's modules register symbols when they are imported.
        cpu_target.target_context.refresh()
        missing = [name for name in missing if llvm.address_of_symbol(name) is None]
    if missing:
        raise Missing(", ".join(missing))


def undefined_symbols(elf: bytes) -> Iterator[str]:
    """The names that a 64-bit ELF object leaves open."""
    sections_at, size, count = struct.unpack_from("<Q", elf, 0x28)[0], *struct.unpack_from("<HH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, sections_at + index * size) for index in range(count)]
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names_at = sections[section[6]][4]
        for at in range(section[4] + 24, section[4] + section[5], 24):
            name, _, _, index = struct.unpack_from("<IBBH", elf, at)
            if index == 0 and name:
                start = names_at + name
                yield elf[start : elf.index(b"\0", start)].decode()
