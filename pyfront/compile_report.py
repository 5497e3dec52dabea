"""Where the time of compiling a derivative goes: seconds of this thread's processor time, by stage.

    >>> import pyfront as ad
    >>> square = ad.autodiff(lambda x: x * x, ad.Active)
    >>> _ = square(3.0)
    >>> report = square.compile_report()
    >>> [stage.name for stage in report.stages]
    ['capture', 'engine', 'link']
    >>> [stage.name for stage in report["engine"].parts][:4]
    ['read', 'prepare', 'facts', 'plan']

Capture is Numba's typing and lowering of the kernel and of all that it calls (derivatives that it calls included);
the engine's stages are those of ``docs/architecture.md``; linking is LLVM's optimizer and code generation. A signature
that was compiled before, for another call, is not compiled again: the report is of the time when it was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """A stage of compilation, and what it consists of."""

    name: str
    seconds: float
    parts: tuple[Stage, ...] = ()

    def __getitem__(self, name: str) -> Stage:
        return _named(self.parts, name)


@dataclass(frozen=True)
class CompileReport:
    """The stages of one compilation in their order."""

    stages: tuple[Stage, ...]
    instructions: int
    """LLVM instructions of the kernel as the engine differentiates it: all that it calls in it, and simplified."""

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    def __getitem__(self, name: str) -> Stage:
        """The stage of this name; of an engine's stage, ``report["engine"]["plan"]``."""
        return _named(self.stages, name)

    def __str__(self) -> str:
        total = Stage("in all", self.seconds)
        lines = [f"{self.instructions:,} instructions; seconds of processor time"]
        return "\n".join([*lines, *_lines((*self.stages, total), 0)])


class Stopwatch:
    """Adds up the processor time of this thread while it runs."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        began = time.thread_time()
        try:
            yield
        finally:
            self.seconds += time.thread_time() - began


def parse_stages(entries: Iterable[Mapping[str, Any]]) -> tuple[Stage, ...]:
    """The stages in the engine's JSON."""
    return tuple(Stage(entry["stage"], entry["seconds"], parse_stages(entry.get("parts", ()))) for entry in entries)


def _named(stages: Iterable[Stage], name: str) -> Stage:
    for stage in stages:
        if stage.name == name:
            return stage
    raise KeyError(name)


def _lines(stages: Iterable[Stage], depth: int) -> Iterator[str]:
    for stage in stages:
        indent = "  " * depth
        yield f"{indent}{stage.name:{26 - len(indent)}s} {stage.seconds:9.4f}"
        yield from _lines(stage.parts, depth + 1)
