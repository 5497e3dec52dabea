"""Fingerprints: what the machine code of a derivative depends on, found without compiling anything.

A kernel's fingerprint has its bytecode and that of every function that it calls, the values of the globals and closure
variables that these read, their Numba options, the rules of those that have one and their parts. With the versions of
everything that compiles (`environment`) that decides the linked IR before differentiation, which takes a third of a
second to make; a fingerprint takes a millisecond.

Invariant: two equal fingerprints have the same code. What is not known to be determined by what can be seen of it is
`Unknown`, and code that depends on it is not cached: an array that is too large, an object of a class of the user's.
"""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import compiler, config, types
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.typing.templates import Signature

from pyfront import __path__ as package_folders
from pyfront import runtime
from pyfront.rules.registry import Rule, rule_of

_LARGEST_ARRAY = 1 << 20
"""Bytes of a global array that are looked at."""

_VERSIONED = frozenset({"numpy", "numba", "llvmlite", "scipy", "math", "cmath", "builtins", "operator", "_operator"})
"""Packages whose objects are what their name and version say."""

_NAMED = (BuiltinFunctionType, np.ufunc, type(np.dot), type(len))
"""Types of functions without Python code."""

_OWN = "pyfront"

_UNIMPORTANT = frozenset(
    {
        "CACHE_DIR",
        "CACHE_LOCATOR_CLASSES",
        "CAPTURED_ERRORS",
        "COLOR_SCHEME",
        "DEVELOPER_MODE",
        "DISABLE_PERFORMANCE_WARNINGS",
        "FULL_TRACEBACKS",
        "HIGHLIGHT_DUMPS",
        "NUMBA_DEFAULT_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "SHOW_HELP",
        "THREADING_LAYER",
        "THREADING_LAYER_PRIORITY",
        "TRACE",
    }
)
"""Settings of Numba's that change no code."""


Place = tuple[str, int]
"""The file and the line where a function begins."""


class Unknown(Exception):
    """What cannot be looked into; the message says why code that depends on it is not cached."""


def environment() -> str:
    """The versions of all that makes code, Numba's settings, and the machine that the code is for."""
    owner = cpu_target.target_context.codegen()
    settings = sorted(
        (name, repr(value))
        for name, value in vars(config).items()
        if name.isupper()
        and isinstance(value, (bool, int, str, type(None)))
        and name not in _UNIMPORTANT
        and not name.startswith(("CUDA", "CUDASIM", "DEBUG", "DUMP", "NVIDIA", "GDB"))
    )
    versions = (sys.version, sys.abiflags, numba.__version__, llvmlite.__version__, np.__version__)
    return digest((versions, owner.magic_tuple(), str(config.OPT), settings, _own_stamp()))


@functools.cache
def _own_stamp() -> list[tuple[str, int, int]]:
    """Of this package's sources and of its libraries: name, size and time of change."""
    folders = [Path(folder) for folder in package_folders]
    files = [file for folder in folders for file in _sources(str(folder))]
    engine = runtime.find_library()
    files += [str(engine), str(engine.with_name(runtime.LIBRARY))]
    result = []
    for file in files:
        found = os.stat(file)
        result.append((file, found.st_size, found.st_mtime_ns))
    return result


def _sources(folder: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.endswith(".py"):
            yield entry.path
        elif entry.is_dir() and not entry.name.startswith(("_", ".")):
            yield from _sources(entry.path)


def digest(value: Any) -> str:
    """A hash of what is made of strings, numbers, tuples and lists."""
    return hashlib.sha256(repr(value).encode()).hexdigest()


class Fingerprint:
    """The fingerprint of several objects, each function in it looked at once."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []
        self.places: set[Place] = set()
        """Where the functions that were looked at are defined."""
        self.must_be_compiled: set[Place] = set()
        """Of these the ones that are no dispatchers: unless Numba compiles them, something else stands for them."""
        self._in_rule = 0
        self.dispatchers: list[Dispatcher] = []

    def of(self, value: Any) -> Any:
        """What ``value`` is, of strings, numbers and tuples; or raises `Unknown`."""
        if value is None or value is Ellipsis or (isinstance(value, (bool, int, str, bytes)) and _is_plain(value)):
            return (type(value).__name__, repr(value))
        if type(value) is float:
            return ("float", struct.pack("<d", value))
        if type(value) is complex:
            return ("complex", struct.pack("<dd", value.real, value.imag))
        if isinstance(value, tuple):
            return ("tuple", self._class(type(value)), tuple(map(self.of, value)))
        if type(value) is dict:
            return ("dict", tuple((self.of(key), self.of(item)) for key, item in value.items()))
        if type(value) in (set, frozenset):
            return ("set", tuple(sorted(map(repr, map(self.of, value)))))
        if type(value) is slice:
            return ("slice", self.of((value.start, value.stop, value.step)))
        if isinstance(value, ModuleType):
            return self._read(value, ())
        if isinstance(value, (np.ndarray, np.generic, np.dtype)):
            return _of_numpy(value)
        if isinstance(value, (types.Type, Signature)):
            return ("type", type(value).__name__, self.of_type(value) if isinstance(value, types.Type) else str(value))
        return self._object(value)

    def of_type(self, type_: types.Type) -> Any:
        """A type of Numba's: its name, and what its name does not say."""
        if isinstance(type_, types.BaseTuple):
            of_class = getattr(type_, "instance_class", None)
            if of_class is not None and _is_local(of_class):
                raise Unknown(f"the class {of_class.__qualname__}, which other processes cannot import")
            return ("tuple", of_class and self._class(of_class), tuple(map(self.of_type, type_.types)))
        if isinstance(type_, types.Omitted):
            return ("omitted", self.of(type_.value))
        known = (types.Number, types.Boolean, types.Array, types.NoneType, types.StringLiteral, types.Literal)
        if isinstance(type_, known) or type(type_).__module__.startswith("numba.core.types."):
            return (type(type_).__name__, str(type_))
        raise Unknown(f"a value of type {type_}")

    def _object(self, value: Any) -> Any:
        known = self._seen.get(id(value))
        if known is not None:
            return ("again", known)
        self._seen[id(value)] = len(self._seen)
        self._alive.append(value)
        if isinstance(value, Dispatcher):
            return self._dispatcher(value)
        if isinstance(value, enum.Enum):
            return ("enum", self._class(type(value)), value.name)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, Rule):
            return self._rule(value)
        if isinstance(value, _Intrinsic):
            return ("intrinsic", self.of(value._defn))
        if isinstance(value, FunctionType):
            return self._plain_function(value)
        if isinstance(value, functools.partial):
            return ("partial", self.of(value.func), self.of(value.args), self.of(value.keywords))
        if isinstance(value, MethodType):
            return ("method", self.of(value.__self__), value.__name__)
        if type(value) in _NAMED:
            return self._named(value)
        if _root(type(value)) == _OWN:
            return self._own(value)
        raise Unknown(f"{_shown(value)}, a {type(value).__module__}.{type(value).__qualname__}")

    def _own(self, value: Any) -> Any:
        """An object of this package: what it would be made of again."""
        reduced = value.__reduce__() if "__reduce__" in dir_of(type(value)) else None
        if isinstance(reduced, tuple):
            return ("own", type(value).__qualname__, self.of(reduced[0]), self.of(reduced[1]))
        if hasattr(value, "__dataclass_fields__"):
            fields = [(name, self.of(getattr(value, name))) for name in value.__dataclass_fields__]
            return ("own", type(value).__qualname__, tuple(fields))
        raise Unknown(f"{_shown(value)}, a {type(value).__qualname__}")

    def _named(self, value: Any) -> Any:
        root = _root(value) or _root(type(value))
        if root not in _VERSIONED and root != _OWN:
            raise Unknown(f"{_shown(value)}, which is compiled code of another package")
        name = getattr(value, "__qualname__", getattr(value, "__name__", None))
        if name is None:
            raise Unknown(f"{_shown(value)}, which has no name")
        return ("named", root, self._version(root), str(getattr(value, "__module__", "")), name)

    def _version(self, module: str) -> str:
        root = module.partition(".")[0]
        return str(getattr(sys.modules.get(root), "__version__", ""))

    def _class(self, class_: type) -> Any:
        """A class that code refers to by its name, so that in another process it is found there again."""
        module = class_.__module__
        if issubclass(class_, BaseException) and _is_local(class_):
            raise Unknown(f"the exception {class_.__qualname__}, which other processes cannot import")
        if issubclass(class_, enum.Enum):
            members = tuple((member.name, self.of(member.value)) for member in class_)
            return ("class", module, class_.__qualname__, members)
        fields = (*getattr(class_, "_fields", ()), getattr(class_, "width", None) if _root(class_) == _OWN else None)
        is_simple = _root(class_) in (*_VERSIONED, _OWN) or issubclass(class_, (BaseException, tuple))
        if not is_simple:
            raise Unknown(f"the class {module}.{class_.__qualname__}")
        return ("class", module, class_.__qualname__, fields)

    def _dispatcher(self, dispatcher: Dispatcher) -> Any:
        """A function that Numba compiles."""
        if not isinstance(dispatcher, CPUDispatcher) and _root(type(dispatcher)) != _OWN:
            raise Unknown(f"{_shown(dispatcher)}, which is not compiled for the CPU")
        self.dispatchers.append(dispatcher)
        if hasattr(dispatcher, "origin"):
            return ("own", type(dispatcher).__qualname__, self.of(dispatcher.origin))
        if type(dispatcher) is not CPUDispatcher:
            raise Unknown(f"{_shown(dispatcher)}, a {type(dispatcher).__qualname__}")
        if dispatcher._compiler.pipeline_class is not compiler.Compiler:
            raise Unknown(f"{_shown(dispatcher)}, which has a compiler of its own")
        options = {**dispatcher.targetoptions, **{f"local {k}": v for k, v in dispatcher.locals.items()}}
        declared = () if dispatcher._can_compile else tuple(map(str, dispatcher.nopython_signatures))
        rule = rule_of(dispatcher)
        found = self._function(dispatcher.py_func)
        return ("dispatcher", self.of(options), declared, found, None if rule is None else self.of(rule))

    def _rule(self, rule: Rule) -> Any:
        names = [name for name in rule.__dataclass_fields__ if name not in ("primal", "serial")]
        self._in_rule += 1
        found = ("rule", tuple((name, self.of(getattr(rule, name))) for name in names))
        self._in_rule -= 1
        return found

    def _plain_function(self, function: FunctionType) -> Any:
        if _root(function) in _VERSIONED or (_root(function) == _OWN and _is_found_by_name(function)):
            return self._named(function)
        if not self._in_rule:
            self.must_be_compiled.add(place_of(function))
        return ("function", self._function(function))

    def _function(self, function: Any) -> Any:
        self.places.add(place_of(function))
        names, attributes = _names_read(function.__code__)
        cells = []
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                cells.append((name, self._read(cell.cell_contents, attributes)))
            except ValueError:
                cells.append((name, "empty"))
        known = function.__globals__
        read = []
        if not _is_of_own_module(function):
            read = [(name, self._read(known[name], attributes)) for name in names if name in known]
        defaults = (self.of(function.__defaults__), self.of(function.__kwdefaults__))
        return (module_of(function), function.__qualname__, self._code(function.__code__), defaults, cells, read)

    def _code(self, code: CodeType) -> Any:
        constants = [
            self._code(constant) if isinstance(constant, CodeType) else self.of(constant) for constant in code.co_consts
        ]
        return (
            (code.co_code, code.co_exceptiontable, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars),
            (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_name),
            (code.co_filename if not code.co_filename.startswith("<") else "", code.co_firstlineno, code.co_linetable),
            constants,
        )

    def _read(self, value: Any, attributes: Sequence[str]) -> Any:
        """The value of a variable; of a module the attributes that may be read."""
        if not isinstance(value, ModuleType):
            return self.of(value)
        if _root_of_name(value.__name__) in (*_VERSIONED, _OWN):
            return ("module", value.__name__, self._version(value.__name__))
        known = self._seen.get(id(value))
        if known is not None:
            return ("again", known)
        self._seen[id(value)] = len(self._seen)
        read = [(name, self._read(getattr(value, name), attributes)) for name in attributes if hasattr(value, name)]
        return ("module", value.__name__, read)


def dir_of(class_: type) -> set[str]:
    """What a class and its bases in this package define."""
    return {name for base in class_.__mro__ if _root(base) == _OWN for name in vars(base)}


def _names_read(code: CodeType) -> tuple[list[str], list[str]]:
    """The globals that code reads, functions inside it included, and all attributes of anything."""
    names: set[str] = set()
    attributes: set[str] = set()
    pending = [code]
    while pending:
        current = pending.pop()
        for instruction in dis.get_instructions(current):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                names.add(instruction.argval)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                attributes.add(instruction.argval)
        pending += [constant for constant in current.co_consts if isinstance(constant, CodeType)]
    return sorted(names), sorted(attributes)


def place_of(function: Any) -> Place:
    """Where a function is defined."""
    return function.__code__.co_filename, function.__code__.co_firstlineno


def module_of(value: Any) -> str:
    """The module of a function or a class; a process that multiprocessing starts has another name for `__main__`."""
    return "__main__" if value.__module__ == "__mp_main__" else str(value.__module__)


def _is_local(class_: type) -> bool:
    """Whether another process cannot import it."""
    return module_of(class_) == "__main__" or "<locals>" in class_.__qualname__


def _is_found_by_name(function: FunctionType) -> bool:
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function


def _is_of_own_module(function: FunctionType) -> bool:
    """Whether the globals of a function are those of a module of this package, which are what its source says."""
    module = sys.modules.get(function.__module__)
    return _root(function) == _OWN and module is not None and function.__globals__ is vars(module)


def _is_plain(value: Any) -> bool:
    return type(value) in (bool, int, str, bytes)


def _of_numpy(value: Any) -> Any:
    if isinstance(value, np.dtype):
        return ("dtype", value.str, str(value))
    if isinstance(value, np.generic):
        return ("numpy", value.dtype.str, value.tobytes())
    if type(value) is not np.ndarray or value.dtype.hasobject:
        raise Unknown(f"a global array of {type(value).__qualname__}, {value.dtype}")
    if value.nbytes > _LARGEST_ARRAY:
        raise Unknown(f"a global array of {value.nbytes:,} bytes")
    flags = (value.flags.c_contiguous, value.flags.f_contiguous, value.flags.writeable, value.flags.aligned)
    return ("array", str(value.dtype), value.dtype.str, value.shape, flags, hashlib.sha256(value.tobytes()).digest())


def _root_of_name(name: str) -> str:
    return name.partition(".")[0]


def _root(value: Any) -> str:
    return _root_of_name(str(getattr(value, "__module__", "") or ""))


def _shown(value: Any) -> str:
    text = getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or repr(value)
    return f"`{str(text)[:60]}`"
