"""Making: from a compiled entry to the object that is stored (``objects`` says what is in it).

The modules are found by what they name: the entry loads the derivative's address from a dynamic global of Numba's, the
derivative calls the parts of rules by their symbols, and what uses memory calls Numba's runtime.
"""

from __future__ import annotations

import itertools
import os
import re
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba.core import serialize
from numba.core.environment import lookup_environment
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys

import pyfront
from pyfront import link
from pyfront.cache.fingerprint import Fingerprint, Place, Unknown
from pyfront.cache.objects import Code, undefined_symbols
from pyfront.linear import fortran

_DYNAMIC = "numba.dynamic.globals."
_ENVIRONMENT = "_ZN08NumbaEnv"
_UNRESOLVED = ".numba.unresolved$"
_FILE = re.compile(r'^(!\d+) = !DIFile\(filename: "([^"]*)", directory: "([^"]*)"', re.MULTILINE)
_FUNCTION = re.compile(r'!DISubprogram\(name: "([^"]*)".* file: (!\d+), line: (\d+)')
_EXPRESSION = "__numba_array_expr"
"""What the names of functions begin with that Numba makes of a kernel's array expressions."""
_GENERATED = re.compile(r"<\S+ \d+>$")
"""The file of a function that this package has made of source, of what the key knows."""
_KNOWN = ("numba", "pyfront")
_OWN = str(Path(pyfront.__path__[0])) + os.sep


def make(overload: Any, key: Fingerprint, stale: Collection[Any]) -> Code:
    """The code of an overload of a dispatcher, or `Unknown` with the reason why it cannot be stored.

    ``key`` has seen the functions that the code may be of, ``stale`` are libraries that it may not be linked with.
    """
    return _Maker(overload, key, stale).code()


def linked_libraries(root: Any) -> list[Any]:
    """The libraries that a library was linked of, itself first."""
    found: list[Any] = []
    pending = [root]
    while pending:
        library = pending.pop()
        if not any(library is known for known in found):
            found.append(library)
            pending += library._linking_libraries
    return found


def _places(text: str) -> Iterator[Place]:
    """Where the functions of a captured module are defined."""
    files = {
        name: file if not folder or file.startswith(("/", "<")) else os.path.join(folder, file)
        for name, file, folder in _FILE.findall(text)
    }
    for name, file, line in _FUNCTION.findall(text):
        if not name.startswith(_EXPRESSION):
            yield files[file], int(line)


def _overloads() -> Iterator[Any]:
    """The implementations of functions that Numba types by ``@overload``."""
    for known in cpu_target.typing_context._functions.values():
        for template in known if isinstance(known, list) else known.templates:
            if hasattr(template, "_overload_func"):
                yield template


class _Maker:
    def __init__(self, overload: Any, key: Fingerprint, stale: Collection[Any]) -> None:
        self._overload = overload
        self._stale = stale
        self._check_fresh(overload.library)
        self._key = key
        self._compiled: set[Place] = set()
        self._module: llvm.ModuleRef = overload.library._final_module.clone()
        self._linked: list[Any] = [overload.library]
        tag = uuid.uuid4().hex
        self._names = map(f"pyfront.{tag}.{{}}".format, itertools.count())
        self._shown: dict[str, str] = {}
        """The symbols that are not local, by what they were."""

    def code(self) -> Code:
        descriptor = self._overload.fndesc
        pointers = self._link()
        self._check_stand_ins()
        wrapper = descriptor.llvm_cpython_wrapper_name
        environments = self._environments()
        shown = [wrapper, *itertools.chain(*pointers), *environments]
        self._hide(set(shown))
        self._module.verify()
        elf = cpu_target.target_context.codegen()._tm.emit_object(self._module)
        needs = sorted(set(undefined_symbols(elf)))
        for name in needs:
            if llvm.address_of_symbol(name) is None:
                raise Unknown(f"the symbol {name}, which is known in this process only")
        return Code(
            object=elf,
            name=descriptor.qualname.split(".")[-1],
            wrapper=self._shown[wrapper],
            environment=self._shown[descriptor.env_name],
            patches=tuple((self._shown[pointer], self._shown[target]) for pointer, target in pointers),
            environments=tuple(
                (self._shown[name], name, serialize.dumps(list(consts)) if consts else b"")
                for name, consts in environments.items()
            ),
            needs=tuple(needs),
            routines=tuple((name, *fortran.ROUTINES[name]) for name in needs if name in fortran.ROUTINES),
        )

    def _link(self) -> list[tuple[str, str]]:
        """Link all that is called; returned are the pointers that a process fills in, with their targets."""
        pointers: dict[str, str] = {}
        while True:
            found: list[Any] = []
            for variable in self._module.global_variables:
                name = variable.name
                if name in pointers:
                    continue
                if name.startswith(_DYNAMIC):
                    library, symbol = self._at(int(name.removeprefix(_DYNAMIC), 16))
                    self._check_capture(library.captured)
                    pointers[name] = symbol
                    found += [library, *library.parts]
                elif name.startswith(_UNRESOLVED):
                    pointers[name] = name.removeprefix(_UNRESOLVED)
            new = [library for library in found if not any(library is known for known in self._linked)]
            if not new:
                break
            self._linked += new
            for library in new:
                self._check_fresh(library)
                self._module.link_in(library._final_module.clone())
        known = {function.name for function in rtsys.library.get_defined_functions()}
        if any(function.is_declaration and function.name in known for function in self._module.functions):
            self._module.link_in(rtsys.library._get_module_for_linking().clone())
        for name in [name for name in pointers if name.startswith(_UNRESOLVED)]:
            self._define(name)
        defined = {function.name for function in self._module.functions if not function.is_declaration}
        for symbol in pointers.values():
            if symbol not in defined:
                raise Unknown(f"the function {symbol}, which is defined elsewhere")
        return list(pointers.items())

    def _at(self, address: int) -> tuple[Any, str]:
        """The derivative whose code is at an address, with its symbol."""
        found = link.at(address)
        if found is None:
            raise Unknown(f"an address of this process, {address:#x}: of an array, or of a function of C")
        return found

    def _check_fresh(self, root: Any) -> None:
        """Nothing is linked that may have been compiled with globals of other values than the key knows."""
        for library in linked_libraries(root):
            if any(library is other for other in self._stale):
                raise Unknown(f"{library.name}, which was compiled before, perhaps with other globals")

    def _check_capture(self, captured: Any) -> None:
        """What was differentiated is what the key knows: no function of an extension of Numba's."""
        for place in _places(str(captured.module)):
            self._compiled.add(place)
            is_own = place[0].startswith(_OWN) or _GENERATED.match(place[0])
            if not is_own and place not in self._key.places:
                raise Unknown(f"the code at {place[0]}:{place[1]}, which implements a function for Numba")

    def _check_stand_ins(self) -> None:
        """Nothing stands for a function but its own code."""
        for file, line in self._key.must_be_compiled - self._compiled:
            raise Unknown(f"the function at {file}:{line}, which is not compiled itself")
        for template in _overloads():
            function = template._overload_func
            if not template._inline.is_never_inline and function.__module__.partition(".")[0] not in _KNOWN:
                raise Unknown(f"the overload at {function.__module__}.{function.__qualname__}, which Numba may inline")

    def _define(self, name: str) -> None:
        """Make a pointer that is filled in later of one that Numba's linker fills in."""
        module = llvm.parse_assembly(f'@"{name}" = global ptr null')
        module.triple, module.data_layout = self._module.triple, self._module.data_layout
        self._module.link_in(module)

    def _environments(self) -> dict[str, Any]:
        """The constants of Numba's environments, by the names of their pointers."""
        result = {}
        for variable in self._module.global_variables:
            if variable.name.startswith(_ENVIRONMENT) and not variable.is_declaration:
                environment = link.environment(variable.name) or lookup_environment(variable.name)
                if environment is not None:
                    result[variable.name] = environment.consts
        return result

    def _hide(self, shown: set[str]) -> None:
        """Make all symbols local, but give those that are ``shown`` names that no other object has."""
        symbols: list[Any] = [*self._module.functions, *self._module.global_variables]
        for symbol in symbols:
            if symbol.is_declaration:
                continue
            if symbol.name in shown:
                symbol.linkage = "external"
                self._shown[symbol.name] = unique = next(self._names)
                symbol.name = unique
            else:
                symbol.linkage = "internal"
