"""Machine code: an object for a processor, an archive with one member, and a shared library.

The archive is written here; only the shared library needs a compiler, as a driver of the linker.
"""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import llvmlite.binding as llvm

from pyfront.errors import ExportError, with_help

NATIVE = "native"
_X86_LEVELS = ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")


def target_machine(cpu: str, triple: str | None) -> tuple[llvm.TargetMachine, str]:
    """The machine to compile for, position-independent code, and the name of its processor."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    host = llvm.get_process_triple()
    triple = triple or host
    if "linux" not in triple or not triple.startswith(("x86_64", "aarch64")):
        raise ExportError(
            with_help(f"no library can be made for {triple!r}", "x86_64-linux-gnu and aarch64-linux-gnu are supported")
        )
    is_host = triple.split("-")[0] == host.split("-")[0]
    features = ""
    if cpu == NATIVE:
        cpu, features = ("generic", "") if not is_host else _host()
    elif not _is_known(cpu, triple):
        raise ExportError(
            with_help(
                f"LLVM knows no processor {cpu!r} of {triple.split('-')[0]}",
                f"choose native, {', '.join(_X86_LEVELS)}, generic, or a name that `clang -mcpu=help` prints",
            )
        )
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(cpu=cpu, features=features, opt=3, reloc="pic", codemodel="default"), cpu


def _host() -> tuple[str, str]:
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@functools.cache
def _is_known(cpu: str, triple: str) -> bool:
    """LLVM takes any name and complains on the standard error stream of the process: so another process asks."""
    if triple.startswith("x86_64") and cpu in _X86_LEVELS:
        return True
    asks = (
        "import sys, llvmlite.binding as llvm; llvm.initialize_all_targets(); llvm.initialize_all_asmprinters(); "
        "llvm.Target.from_triple(sys.argv[2]).create_target_machine(cpu=sys.argv[1])"
    )
    answer = subprocess.run([sys.executable, "-c", asks, cpu, triple], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and "not a recognized" not in answer.stderr


def archive(member: str, code: bytes, symbols: Sequence[str], size_of_name: int = 16) -> bytes:
    """An archive as `ar` writes it: the index of the symbols that can be seen, then the object.

    A long name of the member would need a table of names, so it is cut.
    """
    names = b"".join(symbol.encode() + b"\0" for symbol in symbols)
    count = len(symbols)
    index_size = 4 + 4 * count + len(names)
    padded = index_size + index_size % 2
    place = 8 + 60 + padded
    index = struct.pack(f">I{count}I", count, *[place] * count) + names + b"\n" * (padded - index_size)
    body = code + b"\n" * (len(code) % 2)
    name = f"{member[: size_of_name - 3]}.o/"

    def header(name: str, size: int) -> bytes:
        return f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{size:<10}`\n".encode()

    return b"!<arch>\n" + header("/", padded) + index + header(name, len(code)) + body


def linker(triple: str) -> list[str]:
    """The compiler that links a shared library for a machine."""
    native = triple.split("-")[0] == llvm.get_process_triple().split("-")[0]
    if native:
        chosen = os.environ.get("CC")
        candidates = [shlex.split(chosen)] if chosen else [["cc"], ["gcc"], ["clang"], ["clang-22"]]
    else:
        prefix = f"{triple.split('-')[0]}-linux-gnu-"
        candidates = [[f"{prefix}gcc"], [f"{prefix}gcc-12"], [f"{prefix}clang"]]
    for candidate in candidates:
        if shutil.which(candidate[0]):
            return candidate
    names = ", ".join(candidate[0] for candidate in candidates)
    raise ExportError(
        with_help(
            f"no compiler to link a shared library with: there is no {names}",
            "install one or name it in CC, or write only the archive: shared=False",
        )
    )


def shared_library(driver: Sequence[str], objects: Path, library: Path, needs_libraries: bool) -> None:
    """Link an object to a shared library; where it needs no other than libc and libm, the linker checks that."""
    complete = [] if needs_libraries else ["-Wl,-z,defs"]
    command = [
        *driver,
        "-shared",
        *("-o", str(library)),
        str(objects),
        f"-Wl,-soname,{library.name}",
        *("-Wl,-z,relro", "-Wl,-z,now", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-s"),
        *complete,
        "-lm",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ExportError(f"`{driver[0]}` cannot be run: {error}") from error
    if done.returncode:
        raise ExportError(
            with_help(
                f"`{' '.join(driver)}` cannot link {library.name}: {done.stderr.strip()}", "name another one in CC"
            )
        )
