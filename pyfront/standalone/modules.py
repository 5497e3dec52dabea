"""One LLVM module that needs neither Python nor Numba: the functions, all that they call, and a run time.

The run time is `standalone.bc`, beside the engine. Three things of Numba's are left out of its code:

    an exception    Its pickle becomes a number, by which `<name>_error` finds its text:
                    @.const.pickledata.4f = constant [353 x i8] c"\\80\\04..."   ->   [4 x i8] c"\\01\\00\\00\\00"
    its arguments   The function that makes Python objects of them returns null.
    environments    They are not there: only the two above read them, and what else does is refused.

Invariant: of what a finished module declares, every symbol is one of `_LIBRARIES`, or the export has been refused.
"""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba.core.llvm_bindings import create_pass_builder

from pyfront import engine
from pyfront.errors import EngineNotFound, ExportError, with_help
from pyfront.linear import fortran

RUNTIME = "standalone.bc"

_FLOATS = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "copysign",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp10",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "fma",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "hypot",
    "ldexp",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "logb",
    "modf",
    "nearbyint",
    "nextafter",
    "pow",
    "remainder",
    "rint",
    "round",
    "roundeven",
    "scalbn",
    "sin",
    "sincos",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "tgamma",
    "trunc",
]
MATHEMATICS = frozenset(name + kind for name in _FLOATS for kind in ("", "f", "l"))
"""The functions of libm."""

_SYSTEM = frozenset(
    [
        "__cxa_thread_atexit_impl",
        "__dso_handle",
        "__tls_get_addr",
        "abort",
        "calloc",
        "fprintf",
        "free",
        "fwrite",
        "madvise",
        "malloc",
        "memcmp",
        "memcpy",
        "memmove",
        "memset",
        "mmap",
        "munmap",
        "realloc",
        "stderr",
        "strlen",
    ]
)
_PICKLED = re.compile(
    r'^(@\.const\.pickledata\.[0-9a-f]+(?:\.\d+)? = [^\n]*?constant )\[\d+ x i8\] c"([^"\n]*)"', re.MULTILINE
)
_ADDRESS = re.compile(r"inttoptr \(i64 -?\d{5,} to ptr\)")
"""A constant that is an address: nothing of ours lies in the first pages."""

_DYNAMIC = "numba.dynamic.globals."
"""Globals that hold an address of this process."""

_ENVIRONMENT = "_ZN08NumbaEnv"
"""Globals that point to Python objects, when code of Numba's runs in Python."""

_UNWRAP = re.compile(r"^(define [^\n]*@__excinfo_unwrap_args[^\n]*\{)\n.*?^\}", re.MULTILINE | re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2})")
_COMDAT = re.compile(
    r"^\$[^\n]* = comdat [^\n]*$|(?<=[^\n]),? comdat(?:\(\$[^)]*\))?(?=[^\n\"]*(?:\{|$))", re.MULTILINE
)
"""What lets linkers merge equal functions: wrong for functions that are a library's own."""

_PROCESSOR = re.compile(r'"(?:target-cpu|target-features|tune-cpu)"="[^"]*"')


@dataclass
class Exceptions:
    """The exceptions that exported code raises, by number from 1."""

    codes: dict[str, int] = field(default_factory=dict)

    def code(self, pickled: bytes) -> int:
        """The number of an exception as Numba has pickled it."""
        try:
            text = _text(*pickle.loads(pickled))
        except Exception:
            # A class that cannot be imported. (Other pickles are read by Python only, and what calls that is refused.)
            text = "an exception of the kernel"
        return self.codes.setdefault(text, len(self.codes) + 1)


def _text(kind: type[BaseException], arguments: Any, place: Any) -> str:
    """An exception in one line; what its arguments are at run time is not known."""
    known = ", ".join(str(a) if _is_plain(a) else "..." for a in arguments or ())
    text = f"{kind.__name__}: {known}" if known else kind.__name__
    if place:
        function, file, line = place
        text += f" ({function}, {Path(file).name}:{line})" if file else f" ({function})"
    return text


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, bytes, int, float, bool))


@dataclass(frozen=True)
class Builder:
    """Makes modules for one target machine."""

    machine: llvm.TargetMachine
    exceptions: Exceptions

    def parse(self, text: str, public: Iterable[str], *, packs_scalars: bool = False) -> llvm.ModuleRef:
        """A module of Numba's or of ours, freed of Python and optimized; all that is not public becomes its own."""
        module = llvm.parse_assembly(self._without_python(text))
        module.triple = self.machine.triple
        module.data_layout = str(self.machine.target_data)
        _internalize(module, frozenset(public))
        module.verify()
        passes = create_pass_builder(self.machine, opt=3, loop_vectorize=True, slp_vectorize=packs_scalars)
        passes.getModulePassManager().run(module, passes)
        return module

    def link(self, modules: Sequence[llvm.ModuleRef], public: Iterable[str]) -> llvm.ModuleRef:
        """One module of all of these and the run time, in which only what is public can be seen."""
        first, *others = modules
        for other in others:
            first.link_in(other)
        for function in first.functions:
            if function.is_declaration and function.name in fortran.SYMBOLS:
                function.name = fortran.SYMBOLS[function.name]
        library = llvm.parse_assembly(_runtime())
        library.triple, library.data_layout = first.triple, first.data_layout
        first.link_in(library)
        _internalize(first, frozenset(public))
        manager = llvm.newpassmanagers.create_new_module_pass_manager()
        # The letters of types reach the run time's functions, which then call the routines of one type only.
        manager.add_ipsccp_pass()
        manager.add_simplify_cfg_pass()
        manager.add_global_dead_code_eliminate_pass()
        manager.add_strip_dead_prototype_pass()
        manager.run(first, create_pass_builder(self.machine))
        first.verify()
        return first

    def _without_python(self, text: str) -> str:
        def numbered(match: re.Match[str]) -> str:
            code = self.exceptions.code(_unescaped(match[2]))
            return f'{match[1]}[4 x i8] c"' + "".join(f"\\{byte:02X}" for byte in code.to_bytes(4, "little")) + '"'

        return _UNWRAP.sub(r"\1\n  ret ptr null\n}", _PICKLED.sub(numbered, text))


def raised(module: llvm.ModuleRef) -> set[int]:
    """The numbers of the exceptions that a module of ours may raise."""
    found = (_unescaped(match[2]) for match in _PICKLED.finditer(str(module)))
    return {int.from_bytes(data, "little") for data in found if len(data) == 4}


def _unescaped(text: str) -> bytes:
    """The bytes of a constant as LLVM prints it."""
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), text.encode("latin-1"))


def undefined(module: llvm.ModuleRef) -> list[str]:
    """What the module takes from elsewhere."""
    functions = [f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")]
    return sorted([*functions, *(v.name for v in module.global_variables if v.is_declaration)])


def check_symbols(module: llvm.ModuleRef, what: str) -> list[str]:
    """The routines of BLAS and LAPACK that the module calls; raises if it needs something that no C program has."""
    names = undefined(module)
    text = str(module)
    if _ADDRESS.search(text) or any(v.name.startswith(_DYNAMIC) for v in module.global_variables):
        raise ExportError(
            with_help(
                f"{what} cannot be exported: it uses an address of this process",
                "pass functions of C and global arrays of more than a megabyte as arguments, or leave them out",
            )
        )
    if "x86_fp80" in text and not module.triple.startswith("x86_64"):
        # The run time has long double there, which is another type on other machines.
        reason = f"{what} cannot be exported for {module.triple}: it uses derivatives of np.sinc"
        raise ExportError(with_help(reason, "write sin(x) / x"))
    routines = _routines()
    objects = [v.name for v in module.global_variables if v.name.startswith(_ENVIRONMENT)]
    missing = objects + [name for name in names if name not in MATHEMATICS | _SYSTEM | routines]
    if missing:
        reasons = sorted({_reason(name) for name in missing})
        raise ExportError(
            with_help(
                f"{what} cannot be exported: it uses {', '.join(reasons)}", "leave that to the program that calls it"
            )
        )
    return [name for name in names if name in routines]


def _reason(symbol: str) -> str:
    """What a symbol that is not there says of the kernel."""
    if "random" in symbol or symbol.startswith("numba_rnd"):
        return "Numba's random numbers"
    if symbol.startswith(("Py", "_Py", _ENVIRONMENT)):
        return "Python (print, or a Python object)"
    return f"`{symbol}`"


def _internalize(module: llvm.ModuleRef, public: frozenset[str]) -> None:
    for value in (*module.functions, *module.global_variables):
        if value.is_declaration or value.name in public or value.name.startswith("llvm."):
            continue
        # What these hold is not known to LLVM, so all that uses them is still there when it is looked at.
        is_of_the_process = value.name.startswith((_DYNAMIC, _ENVIRONMENT))
        value.linkage = "linkonce_any" if is_of_the_process else "internal"
        value.visibility = "default"


def _routines() -> frozenset[str]:
    """The routines of BLAS and LAPACK that are known: what derivatives call, and what the run time does."""
    ours = llvm.parse_assembly(_runtime())
    taken = (name for name in undefined(ours) if name.endswith("_") and not name.startswith("_"))
    return frozenset(taken) | frozenset(fortran.SYMBOLS.values())


@functools.cache
def _runtime() -> str:
    """The run time as text, for any processor."""
    path = engine.find_library().with_name(RUNTIME)
    if not path.is_file():
        raise EngineNotFound(
            with_help(f"{path} is not there, which exported libraries are made of", "run `make build`")
        )
    return _COMDAT.sub("", _PROCESSOR.sub("", str(llvm.parse_bitcode(path.read_bytes()))))
