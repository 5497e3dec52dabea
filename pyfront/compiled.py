"""Compilation: one derivative of one kernel for one signature, from capture through the engine to loaded code."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from numba.core import types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

from pyfront import kernel as kernels
from pyfront import results
from pyfront.annotations import BatchDuplicated
from pyfront.arguments import Argument
from pyfront.compile_report import CompileReport, Stage, Stopwatch
from pyfront.errors import AutodiffError, InternalError, UnsupportedError, with_help
from pyfront.results import Number

if TYPE_CHECKING:
    from pyfront import link
    from pyfront.engine import Diagnostic, EngineResult
    from pyfront.numba_target import Capture, CaptureLibrary

DUMP = "PYFRONT_DUMP"
"""Environment variable: a folder; each derivative gets one in it, with the text of every stage."""

_serial = itertools.count()


@dataclass(frozen=True)
class Differentiated:
    """A derivative as the engine wrote it, and what its callers must know of it."""

    kernel: str
    arguments: tuple[Argument, ...]
    returns: types.Type
    """The kernel's return type, ``none`` if it returns nothing."""
    numbers: tuple[Number, ...]
    """What a result is made of."""
    forward: bool
    """Tangents, not adjoints."""
    width: int
    """How many tangents or adjoints at once."""
    symbol: str
    """Its name, unique in the process; its module knows it as ``local_name``."""
    local_name: str
    bitcode: bytes
    written: frozenset[str]
    """The names of array arguments that the kernel may write."""
    report: CompileReport
    nogil: bool
    """Whether its calls release the GIL, as those of the kernel do."""
    captured: Capture
    """Keeps alive what the code refers to: Numba's environments."""
    asked: str
    """The request."""
    internal_error: Callable[[str], InternalError]
    """The error, with a report, for a message that says why the code cannot be used."""

    @functools.cached_property
    def plan(self) -> str:
        """Where the reverse sweep gets its values from. Made when wanted: names take a tenth of the engine's time."""
        from pyfront import engine

        asked = json.dumps({**json.loads(self.asked), "texts": ["plan"]})
        return engine.load().differentiate(self.captured.module.as_bitcode(), asked).plan

    @property
    def is_batch(self) -> bool:
        return any(issubclass(argument.annotation, BatchDuplicated) for argument in self.arguments)

    @property
    def returns_float(self) -> bool:
        """Whether some of the result has a derivative."""
        return any(number.is_float for number in self.numbers)

    @property
    def seed_by_value(self) -> bool:
        """Whether the one seed that there is is passed as a number, and not in memory like the result's."""
        return self.width == 1 and len(self.numbers) == 1

    @property
    def takes_seed(self) -> bool:
        return self.returns_float and not self.forward

    def with_arguments(self, arguments: tuple[Argument, ...]) -> Self:
        """The same code for a call whose shadows have other types, say another layout."""
        return replace(self, arguments=arguments)


Made = TypeVar("Made", bound=Differentiated)


@dataclass(frozen=True)
class Compiled(Differentiated):
    """A derivative that can be called at ``address`` with the signature of seam 2."""

    address: int
    library: link.OptimizedOnce


@dataclass(frozen=True)
class Halves(Differentiated):
    """A derivative in two halves, with the signatures of seam 2."""

    addresses: Mapping[str, int]
    """By what is behind the symbol of each half."""
    library: link.OptimizedOnce


@dataclass(frozen=True)
class Embedded(Differentiated):
    """A derivative that captured kernels call by its symbol, to be differentiated again."""

    library: CaptureLibrary


class BySignature(Generic[Made]):
    """Derivatives of one kind, each made once: by the types of the kernel's arguments, and whether these may alias.

    Shadows do not distinguish code: a call whose shadows have another layout has the same.
    """

    def __init__(self, make: Callable[[tuple[Argument, ...], bool], Made]) -> None:
        self._make = make
        self._known: dict[tuple[tuple[types.Type, ...], bool], Made] = {}

    def of(self, arguments: tuple[Argument, ...], may_alias: bool) -> Made:
        """The derivative for a call with these arguments."""
        key = (tuple(argument.type for argument in arguments), may_alias)
        with global_compiler_lock:
            known = self._known.get(key)
            if known is None:
                known = self._known[key] = self._make(arguments, may_alias)
        return known if known.arguments == arguments else known.with_arguments(arguments)

    def by_types(self) -> dict[tuple[types.Type, ...], Made]:
        """What is made so far, by the types of the kernel's arguments; of two derivatives the first."""
        result: dict[tuple[types.Type, ...], Made] = {}
        for (types_, _), made in self._known.items():
            result.setdefault(types_, made)
        return result


def load(derivative: Differentiated) -> Compiled:
    """Make the derivative callable."""
    from pyfront import link

    library, timed = _link(derivative, {derivative.local_name: derivative.symbol})
    return Compiled(**vars(timed), library=library, address=link.address(library, derivative.symbol))


def load_halves(derivative: Differentiated) -> Halves:
    """Make a derivative that was asked for as ``split`` callable."""
    from pyfront import engine, link

    contract = engine.load().contract
    halves = (contract.forward_half, contract.reverse_half)
    symbols = {derivative.local_name + half: derivative.symbol + half for half in halves}
    library, timed = _link(derivative, symbols)
    addresses = {half: link.address(library, derivative.symbol + half) for half in halves}
    return Halves(**vars(timed), library=library, addresses=addresses)


def _link(derivative: Differentiated, symbols: Mapping[str, str]) -> tuple[link.OptimizedOnce, Differentiated]:
    """Machine code for the derivative, and the derivative with the time that this took in its report."""
    from pyfront import link

    watch = Stopwatch()
    with _linking(derivative), watch.running():
        library = link.load(
            derivative.bitcode, symbols, derivative.captured.environments, packs_scalars=derivative.forward
        )
        for symbol in symbols.values():
            link.address(library, symbol)
    library.captured = derivative.captured
    folder = _dump_folder(derivative.symbol)
    if folder is not None:
        (folder / "6-optimized.ll").write_text(library.get_llvm_str())
    optimizing = library.optimizing.seconds
    parts = (Stage("optimize", optimizing), Stage("generate code", watch.seconds - optimizing))
    stages = (*derivative.report.stages, Stage("link", watch.seconds, parts))
    return library, replace(derivative, report=replace(derivative.report, stages=stages))


def embed(derivative: Differentiated) -> Embedded:
    """Make a derivative that was asked for as ``embedded`` a callee of captured code."""
    from pyfront.numba_target import library_of

    with _linking(derivative):
        library = library_of(
            derivative.bitcode, derivative.local_name, derivative.symbol, derivative.captured.environments
        )
    return Embedded(**vars(derivative), library=library)


_in_progress: list[Dispatcher] = []


@global_compiler_lock
def differentiate(
    kernel: Dispatcher,
    arguments: Sequence[Argument],
    *,
    forward: bool = False,
    split: bool = False,
    width: int = 1,
    may_alias: bool,
    disable: Sequence[str],
    embedded: bool = False,
) -> Differentiated:
    """Differentiate ``kernel`` for the arguments' types, or raise what the engine says.

    Derivatives that the kernel calls are differentiated on the way. With ``embedded`` the result is code to be
    differentiated again.
    """
    from pyfront import engine, request
    from pyfront.numba_target import capture

    name = kernels.name(kernel)
    loaded = engine.load()
    if any(kernel is outer for outer in _in_progress):
        raise UnsupportedError(
            with_help(f"`{name}` calls its own derivative, which is not supported", "differentiate another function")
        )
    capturing, differentiating = Stopwatch(), Stopwatch()
    _in_progress.append(kernel)
    try:
        with capturing.running():
            captured = capture(kernel, tuple(argument.type for argument in arguments))
    finally:
        _in_progress.pop()
    returns = results.return_type(name, captured.return_type)
    numbers = results.numbers(returns)
    local_name = f"{'forward' if forward else 'split' if split else 'reverse'}.{name}"
    symbol = f"{local_name}.{next(_serial)}"
    folder = _dump_folder(symbol)
    asked = request.build(
        primal=captured.primal,
        name=local_name,
        arguments=arguments,
        results=numbers,
        callees=captured.callees,
        forward=forward,
        split=split,
        width=width,
        may_alias=may_alias,
        disable=disable,
        embedded=embedded,
        dump_dir=str(folder) if folder else None,
    )
    with differentiating.running():
        result = loaded.differentiate(captured.module.as_bitcode(), asked)
    if result.bitcode is None:
        raise _error(name, captured, asked, result)
    return Differentiated(
        kernel=name,
        arguments=tuple(arguments),
        returns=returns,
        numbers=numbers,
        forward=forward,
        width=width,
        symbol=symbol,
        local_name=local_name,
        bitcode=result.bitcode,
        written=result.written,
        report=CompileReport(
            (Stage("capture", capturing.seconds), Stage("engine", differentiating.seconds, result.stages)),
            result.instructions,
        ),
        nogil=bool(kernel.targetoptions.get("nogil")),
        captured=captured,
        asked=asked,
        internal_error=functools.partial(_internal, captured=captured, asked=asked, result=result),
    )


def _dump_folder(symbol: str) -> Path | None:
    """Where the stages of this derivative are to be written, if they are."""
    folder = os.environ.get(DUMP)
    return Path(folder) / symbol if folder else None


@contextlib.contextmanager
def _linking(derivative: Differentiated) -> Iterator[None]:
    """What goes wrong inside is a mistake in the derivative's code."""
    try:
        yield
    except AutodiffError:  # of a part of a rule, which is compiled now
        raise
    except RuntimeError as error:
        message = f"the derivative of `{derivative.kernel}` cannot be loaded: {error}"
        raise derivative.internal_error(message) from error


def _error(name: str, captured: Capture, asked: str, result: EngineResult) -> AutodiffError:
    """The engine's diagnostics as an exception."""
    unsupported = sorted(
        (entry for entry in result.diagnostics if entry.code == "unsupported"),
        key=lambda entry: (entry.file or "", entry.line or 0),
    )
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
