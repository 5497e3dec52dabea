"""`export`: from derivatives to the files of a library."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba.core.compiler_lock import global_compiler_lock

from pyfront import cabi, engine
from pyfront.errors import ExportError, with_help
from pyfront.scalars import C_KEYWORDS
from pyfront.standalone import cplusplus, fortran, headers, packages
from pyfront.standalone.functions import Function, primal_of, wrapper
from pyfront.standalone.modules import MATHEMATICS, Builder, Exceptions, check_symbols, raised
from pyfront.standalone.objects import NATIVE, archive, linker, shared_library, target_machine
from pyfront.standalone.parts import add_parts

Request = tuple[Any, Any]
"""A derivative and the signature for which it is wanted."""


def export(
    directory: str | os.PathLike[str],
    name: str,
    derivatives: Sequence[Any] | Mapping[str, Any],
    *,
    cpu: str = NATIVE,
    triple: str | None = None,
    shared: bool = True,
) -> list[Path]:
    """Write derivatives as a library that needs no Python, with its headers; returns the files.

    ``derivatives`` are what `autodiff` has returned, each alone, for the only signature that it is compiled for, or in
    a tuple with a signature. The functions are called as `cdef` does, or by the keys of a mapping; beside each there
    is that of its kernel, ``<function>_primal``. ``cpu`` is the processor, by the name that LLVM has for it; ``triple``
    another machine, say ``aarch64-linux-gnu``. Without ``shared`` no shared library is linked.
    """
    given = derivatives if isinstance(derivatives, Mapping) else _named(derivatives)
    if not given:
        raise ExportError("nothing to export")
    requests = [(key, *_request(item), None) for key, item in given.items()]
    files: list[Path] = write(Path(directory), name, requests, cpu, triple, shared)
    return files


def write_one(
    directory: str | os.PathLike[str],
    name: str,
    derivative: Any,
    signature: Any = None,
    *,
    cpu: str = NATIVE,
    triple: str | None = None,
    shared: bool = True,
) -> list[Path]:
    """Write one derivative as the library and the function ``name``; it has the name that `cdef` gives it, too."""
    alias = cabi.identifier(derivative.__name__)
    files: list[Path] = write(Path(directory), name, [(name, derivative, signature, alias)], cpu, triple, shared)
    return files


def _request(item: Any) -> Request:
    derivative, signature = item if isinstance(item, tuple) else (item, None)
    if hasattr(derivative, "of_width"):
        raise ExportError(
            with_help(f"{derivative!r} has no number of shadows yet", "pass derivative.of_width(8), say, in its place")
        )
    if not hasattr(derivative, "exported"):
        raise ExportError(
            with_help(f"{derivative!r} cannot be exported", "export what autodiff returns, with Duplicated or Active")
        )
    return derivative, signature


def _named(derivatives: Sequence[Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for item in derivatives:
        name = cabi.identifier(_request(item)[0].__name__)
        unique, count = name, 1
        while unique in result:
            count += 1
            unique = f"{name}_{count}"
        result[unique] = item
    return result


@global_compiler_lock
def write(
    directory: Path,
    name: str,
    requests: Sequence[tuple[str, Any, Any, str | None]],
    cpu: str = NATIVE,
    triple: str | None = None,
    shared: bool = True,
) -> list[Path]:
    """The same for functions with names: name, derivative, signature, and another name of it."""
    functions: list[Function] = []
    for function, derivative, signature, alias in requests:
        kernel, mode, code = derivative.exported(signature)
        doc = kernel.py_func.__doc__ or ""
        functions.append(Function(function, code, mode, doc, alias if alias != function else None))
        functions.append(Function(f"{function}_primal", primal_of(code, kernel), None, doc))
    public = _public(name, functions)
    machine, processor = target_machine(cpu, triple)
    driver = linker(machine.triple) if shared else None
    texts, module, routines = _module(functions, name, public, machine)
    files = {
        f"{name}.h": headers.text(name, functions, texts, processor),
        f"{name}.hpp": cplusplus.text(name, functions),
        f"{name}.f90": fortran.text(name, functions),
        f"{name}.pc": packages.pkg_config(name, bool(routines)),
        f"{name}-config.cmake": packages.cmake(name, bool(routines), shared),
    }
    with tempfile.TemporaryDirectory(prefix="pyfront-export-") as folder:
        made = Path(folder)
        code = machine.emit_object(module)
        (made / f"lib{name}.a").write_bytes(archive(name, code, public))
        if driver is not None:
            (made / "code.o").write_bytes(code)
            shared_library(driver, made / "code.o", made / f"lib{name}.so", bool(routines))
            (made / "code.o").unlink()
        for file, text in files.items():
            (made / file).write_text(text)
        return _place(made, directory)


def _module(
    functions: Sequence[Function], name: str, public: Sequence[str], machine: llvm.TargetMachine
) -> tuple[dict[int, str], llvm.ModuleRef, list[str]]:
    """What its statuses mean, the code, and the routines of BLAS and LAPACK that it calls."""
    builder = Builder(machine, Exceptions())
    modules: list[llvm.ModuleRef] = []
    for function in functions:
        raw = llvm.parse_bitcode(function.code.bitcode)
        raw.get_function(function.code.local_name).name = function.inner
        modules.append(builder.parse(str(raw), [function.inner], packs_scalars=function.code.forward))
    add_parts(builder, modules)
    texts = statuses(builder.exceptions)
    modules.insert(0, builder.parse(wrapper(functions, name, texts), public))
    module = builder.link(modules, public)
    possible = raised(module)
    texts = {
        status: said for status, said in texts.items() if said not in builder.exceptions.codes or status in possible
    }
    return texts, module, check_symbols(module, f"`{functions[0].code.kernel}`")


def statuses(exceptions: Exceptions) -> dict[int, str]:
    """The texts of all statuses."""
    contract = engine.load().contract
    return {
        0: "success",
        -1: "the kernel raised an exception",
        **{code: text for text, code in exceptions.codes.items()},
        contract.out_of_memory: "no memory for the tape",
        cabi.OVERLAP: "arrays overlap in a way that the derivative is not compiled for",
        cabi.LAYOUT: "an array does not have the strides of its memory order",
        contract.rule_failed: "a rule raised an exception in the reverse sweep",
    }


def _public(name: str, functions: Sequence[Function]) -> list[str]:
    """All names that can be seen, checked."""
    names = [name for function in functions for name in (function.name, function.alias) if name]
    names += [f"{name}_error", f"{name}_release"]
    for given in (name, *names):
        if cabi.identifier(given) != given or not given.isidentifier() or given in C_KEYWORDS:
            raise ExportError(with_help(f"{given!r} is no name of a C function", "use letters, digits and underscores"))
        if given in MATHEMATICS or given == "main":
            raise ExportError(with_help(f"{given!r} is a function of C", "choose another name"))
    for given in names:
        if names.count(given) > 1:
            raise ExportError(
                with_help(f"two functions are called {given!r}", "name them: export(..., {name: derivative})")
            )
    return names


def _place(made: Path, directory: Path) -> list[Path]:
    """Move finished files to where they are wanted, each at once."""
    result = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file in sorted(made.iterdir()):
            beside = directory / f".{file.name}.{os.getpid()}"
            try:
                shutil.copyfile(file, beside)
                os.chmod(beside, 0o755 if file.suffix == ".so" else 0o644)
                os.replace(beside, directory / file.name)
            finally:
                beside.unlink(missing_ok=True)
            result.append(directory / file.name)
    except OSError as error:
        raise ExportError(
            with_help(f"cannot write to {directory}: {error.strerror}", "choose a folder that can be written")
        ) from error
    return result
