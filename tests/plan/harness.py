"""Kernels for opt-22: captured from Numba, printed with their request as metadata, run through a pass of a plugin.

A wish is a plain function and the types of its arguments:

    Wish(kernel, "f8[::1], i8", disable=("mincut",))

Arrays and scalars of floats are Duplicated and Active, unless they are named in `const`; all else is Const.
"""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
from numba.core import sigutils, types

from pyfront import engine, request, results
from pyfront.annotations import Active, Annotation, Const, Duplicated
from pyfront.arguments import Argument
from pyfront.numba_target import capture

Kernel = Callable[..., object]
REQUEST = 1_000_000
"""Number of the request's metadata: beyond those of any captured kernel."""


@dataclass(frozen=True)
class Wish:
    """A kernel and how it is to be differentiated."""

    kernel: Kernel
    signature: str
    const: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    may_alias: bool = False
    split: bool = False
    forward: bool = False
    width: int = 1

    def module(self) -> str:
        """The captured kernel as text, with its request."""
        given, _ = sigutils.normalize_signature(f"void({self.signature})")
        captured = capture(numba.njit(self.kernel), given)
        names = inspect.signature(self.kernel).parameters
        asked = request.build(
            primal=captured.primal,
            name="derivative",
            arguments=[Argument(name, self._annotation(name, type_), type_) for name, type_ in zip(names, given)],
            results=results.numbers(results.return_type(self.kernel.__name__, captured.return_type)),
            may_alias=self.may_alias,
            split=self.split,
            forward=self.forward,
            width=self.width,
            disable=self.disable,
        )
        text = str(captured.module)
        assert f"!{REQUEST} " not in text
        escaped = re.sub(r'["\\]', lambda match: f"\\{ord(match[0]):02X}", asked)
        return f'{text}\n!pyfront.request = !{{!{REQUEST}}}\n!{REQUEST} = !{{!"{escaped}"}}\n'

    def _annotation(self, name: str, type_: types.Type) -> type[Annotation]:
        scalar = type_.dtype if isinstance(type_, types.Array) else type_
        if name in self.const or not isinstance(scalar, types.Float):
            return Const
        return Duplicated if self.forward or isinstance(type_, types.Array) else Active


def run_pass(wish: Wish, passes: str, folder: Path, plugin: str = "EnzymePass.so") -> str:
    """What opt-22 prints when it runs `passes`, of a plugin built with the engine, on the wish's module."""
    source = folder / "kernel.ll"
    source.write_text(wish.module())
    library = engine.find_library().parent / plugin
    command = ["opt-22", f"-load-pass-plugin={library}", f"-passes={passes}", "-disable-output", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def file_check(said: str, checks: str, prefix: str, folder: Path) -> None:
    """Fails, with FileCheck's explanation, unless `said` is as the lines `PREFIX: ...` of `checks` demand."""
    path = folder / "checks.txt"
    path.write_text(checks)
    command = ["FileCheck-22", str(path), f"--check-prefix={prefix}", "--dump-input=never"]
    done = subprocess.run(command, input=said, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stderr}\n{said}"
