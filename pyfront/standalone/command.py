"""The command: ``python -m pyfront export heat.py:step --signature "(f8[::1], f8)" --wrt u,alpha -o lib``."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core import sigutils, types

import pyfront as ad
from pyfront import kernel as kernels
from pyfront.errors import ArityError, AutodiffError, ExportError, with_help


def add_parser(commands: Any) -> None:
    """Add the command to those of ``python -m pyfront``."""
    parser = commands.add_parser(
        "export",
        help="write the derivative of a kernel as a library for C, C++ and Fortran",
        description="Write the derivative of a kernel, and the kernel, as a library that needs no Python.",
    )
    parser.add_argument("kernel", metavar="FILE.py:KERNEL", help="the file, and the function in it")
    parser.add_argument("--signature", required=True, help="the types of the kernel's arguments: '(f8[::1], f8, i8)'")
    parser.add_argument("--wrt", required=True, metavar="NAMES", help="arguments that have a derivative: u,alpha")
    parser.add_argument("-o", "--output", default=".", metavar="FOLDER", help="where the files go (default: here)")
    parser.add_argument("--name", help="of the library and the function (default: the kernel's)")
    parser.add_argument("--mode", choices=("reverse", "forward"), default="reverse")
    parser.add_argument("--width", type=int, help="so many shadows in one call")
    parser.add_argument("--cpu", default="native", help="native, x86-64-v3, ... (default: native)")
    parser.add_argument("--triple", help="another machine: aarch64-linux-gnu")
    parser.add_argument("--no-shared", action="store_true", help="only the archive, which takes no compiler")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Export as the options say; the files are printed."""
    try:
        files = _export(options)
    except AutodiffError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(map(str, files)))
    return 0


def _export(options: argparse.Namespace) -> list[Path]:
    dispatcher = kernels.as_dispatcher(_load(options.kernel))
    given, _ = sigutils.normalize_signature(options.signature)
    names = kernels.parameters(dispatcher)
    if len(given) != len(names):
        raise ArityError(f"the kernel takes {', '.join(names)}; the signature has {len(given)} types")
    wanted = [name.strip() for name in options.wrt.split(",") if name.strip()]
    for name in wanted:
        if name not in names:
            raise ExportError(with_help(f"the kernel has no argument {name!r}", f"choose from {', '.join(names)}"))
    forward, width = options.mode == "forward", options.width
    shadowed = ad.Duplicated if width is None else ad.BatchDuplicated
    annotations = [
        ad.Const if name not in wanted else shadowed if forward or _has_array(type_) else ad.Active
        for name, type_ in zip(names, given, strict=True)
    ]
    derivative = ad.autodiff(dispatcher, *annotations, mode=ad.Forward if forward else ad.Reverse)
    if width is not None:
        derivative = derivative.of_width(width)
    files: list[Path] = derivative.export(
        options.output,
        options.name or kernels.name(dispatcher),
        given,
        cpu=options.cpu,
        triple=options.triple,
        shared=not options.no_shared,
    )
    return files


def _has_array(type_: types.Type) -> bool:
    if isinstance(type_, types.BaseTuple):
        return any(map(_has_array, type_.types))
    return isinstance(type_, types.Array)


def _load(place: str) -> Callable[..., Any]:
    """The function at FILE.py:NAME."""
    file, _, name = place.rpartition(":")
    path = Path(file)
    if not file or not path.is_file():
        raise ExportError(with_help(f"there is no file {file!r}", "write FILE.py:KERNEL"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ExportError(with_help(f"{file!r} is no Python file", "write FILE.py:KERNEL"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise ExportError(with_help(f"{file} has no function {name!r}", "write FILE.py:KERNEL"))
    kernel: Callable[..., Any] = found
    return kernel
