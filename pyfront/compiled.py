"""Compilation: one derivative of one kernel for one signature, from capture through the engine to loaded code."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from numba.core import types
from numba.core.dispatcher import Dispatcher

from pyfront import engine, link, request
from pyfront import kernel as kernels
from pyfront.arguments import Argument
from pyfront.engine import Diagnostic, EngineResult
from pyfront.errors import AutodiffError, InternalError, UnsupportedError, with_help
from pyfront.numba_target import Capture, capture

OUT_OF_MEMORY = 20550
"""The derivative's status when there is no memory for the tape (seam 2)."""

DUMP = "PYFRONT_DUMP"
"""Environment variable: the folder where the engine writes each stage's IR."""

_serial = itertools.count()


@dataclass(frozen=True)
class Compiled:
    """A derivative that can be called at ``address`` with the signature of seam 2."""

    kernel: str
    arguments: tuple[Argument, ...]
    returns: types.Type
    """The kernel's return type, ``none`` if it returns nothing."""
    forward: bool
    """Tangents, not adjoints."""
    symbol: str
    address: int
    library: link.OptimizedOnce
    plan: str
    captured: Capture
    """Keeps alive what the code refers to: Numba's environments."""

    @property
    def returns_float(self) -> bool:
        return isinstance(self.returns, types.Float)

    @property
    def takes_seed(self) -> bool:
        return self.returns_float and not self.forward

    def with_arguments(self, arguments: tuple[Argument, ...]) -> Compiled:
        """The same code for a call whose shadows have other types, say another layout."""
        return replace(self, arguments=arguments)


def compile_derivative(
    kernel: Dispatcher,
    arguments: Sequence[Argument],
    *,
    forward: bool = False,
    may_alias: bool,
    disable: Sequence[str],
) -> Compiled:
    """Differentiate ``kernel`` for the arguments' types, or raise what the engine says."""
    name = kernels.name(kernel)
    loaded = engine.load()
    captured = capture(kernel, tuple(argument.type for argument in arguments))
    returns = request.return_type(name, captured.return_type)
    local_name = f"{'forward' if forward else 'reverse'}.{name}"
    symbol = f"{local_name}.{next(_serial)}"
    asked = request.build(
        primal=captured.primal,
        name=local_name,
        arguments=arguments,
        returns=returns,
        forward=forward,
        may_alias=may_alias,
        disable=disable,
        dump_dir=os.environ.get(DUMP),
    )
    result = loaded.differentiate(captured.module.as_bitcode(), asked)
    if result.bitcode is None:
        raise _error(name, captured, asked, result)
    try:
        library = link.load(result.bitcode, local_name, symbol, captured.environments)
    except RuntimeError as error:
        raise _internal(f"the derivative of `{name}` cannot be loaded: {error}", captured, asked, result) from error
    return Compiled(
        kernel=name,
        arguments=tuple(arguments),
        returns=returns,
        forward=forward,
        symbol=symbol,
        address=link.address(library, symbol),
        library=library,
        plan=result.plan,
        captured=captured,
    )


def _error(name: str, captured: Capture, asked: str, result: EngineResult) -> AutodiffError:
    """The engine's diagnostics as an exception."""
    unsupported = [entry for entry in result.diagnostics if entry.code == "unsupported"]
    if unsupported:
        first = unsupported[0]
        return UnsupportedError("\n".join(_text(name, entry) for entry in unsupported), first.file, first.line)
    reasons = "; ".join(entry.message for entry in result.diagnostics) or "no reason given"
    return _internal(f"the engine failed on `{name}`: {reasons}", captured, asked, result)


def _text(name: str, entry: Diagnostic) -> str:
    place = f"{entry.file}:{entry.line}" if entry.file and entry.line else entry.file or f"`{name}`"
    return with_help(f"{place}: {entry.message}", entry.help)


def _internal(message: str, captured: Capture, asked: str, result: EngineResult) -> InternalError:
    """An `InternalError` whose report folder holds what reproduces it."""
    folder = Path(tempfile.mkdtemp(prefix="pyfront-report-"))
    (folder / "captured.ll").write_text(str(captured.module))
    (folder / "request.json").write_text(asked)
    (folder / "prepared.ll").write_text(result.prepared)
    if result.bitcode is not None:
        (folder / "derivative.bc").write_bytes(result.bitcode)
    return InternalError(
        with_help(message, f"this is a mistake in pyfront: please report it with the files in {folder}"), str(folder)
    )
