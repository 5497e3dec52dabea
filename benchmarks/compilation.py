"""How long it takes to compile a derivative, and how that grows with the kernel: `benchmarks/large.py` has the kernels.

Processor time of the engine, by stage, as `compile_report` gives it; the least of several runs. Capture is Numba's own
typing and lowering, once. LLVM's O3 of the derivative, which comes after the engine, is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from numba.core import types

from benchmarks import large
from pyfront import compiled, engine
from pyfront import kernel as kernels
from pyfront.arguments import resolve
from pyfront.compile_report import Stage

SIZES, QUICK_SIZES = (1_000, 3_000, 10_000), (200,)
STAGES = ("read", "prepare", "facts", "plan", "emit", "clean up", "verify", "write")


@dataclass(frozen=True)
class CompileRow:
    """One kernel: seconds of capture, and of the engine by stage."""

    title: str
    lines: int
    instructions: int
    capture: float
    stages: tuple[Stage, ...]

    @property
    def engine(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    def seconds(self, stage: str) -> float:
        return next(entry.seconds for entry in self.stages if entry.name == stage)


def measure_kernel(kernel: large.LargeKernel, repeat: int) -> CompileRow:
    """Differentiate one kernel, without code generation."""
    asked: list[tuple[bytes, str]] = []
    differentiate = engine.Engine.differentiate

    def record(self: engine.Engine, bitcode: bytes, request: str) -> engine.EngineResult:
        asked.append((bitcode, request))
        return differentiate(self, bitcode, request)

    dispatcher = kernel.dispatcher()
    names = kernels.parameters(dispatcher)
    given: list[types.Type] = []
    for type_, annotation in zip(kernel.types, kernel.annotations, strict=True):
        given += [type_, type_] if annotation.has_shadow else [type_]
    arguments = resolve(kernels.name(dispatcher), names, kernel.annotations, given)
    with mock.patch.object(engine.Engine, "differentiate", record):
        done = compiled.differentiate(dispatcher, arguments, may_alias=False, disable=())
    (request,) = asked
    runs = [done.report["engine"].parts]
    runs += [engine.load().differentiate(*request).stages for _ in range(repeat - 1)]
    best = min(runs, key=lambda stages: sum(stage.seconds for stage in stages))
    return CompileRow(kernel.title, kernel.lines, done.report.instructions, done.report["capture"].seconds, best)


def measure(quick: bool) -> list[CompileRow]:
    """All rows: each shape at each size, recursion, the seismic kernel, and one function called ever more often."""
    sizes, repeat = (QUICK_SIZES, 1) if quick else (SIZES, 3)
    fitted = [large.fitted(shape, size) for shape in large.SHAPES for size in sizes]
    fitted.append(large.recursive())
    if not quick:
        fitted.append(large.seismic())
        fitted += [large.call_sites(sites) for sites in (1, 10, 100)]
    return [measure_kernel(kernel, repeat) for kernel in fitted]


def exponents(rows: Sequence[CompileRow]) -> dict[str, float]:
    """By shape, the power of the number of instructions with which the engine's time grows, smallest to largest."""
    result = {}
    for shape in large.SHAPES:
        steps = [row for row in rows if row.title == shape]
        if len(steps) > 1:
            growth, size = steps[-1].engine / steps[0].engine, steps[-1].instructions / steps[0].instructions
            result[shape] = math.log(growth) / math.log(size)
    return result


def plot(rows: Sequence[CompileRow], path: Path) -> None:
    """Engine time over instructions, both logarithmic, with a line of slope one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for shape in large.SHAPES:
        points = [(row.instructions, row.engine) for row in rows if row.title == shape]
        axes.loglog(*zip(*points, strict=True), marker="o", label=shape)
    for row in rows:
        if row.title not in large.SHAPES and not row.title.startswith(large.CALL_SITES):
            axes.loglog([row.instructions], [row.engine], marker="s", linestyle="none", label=row.title)
    least = min(rows, key=lambda row: row.engine)
    ends = [least.instructions, max(row.instructions for row in rows)]
    axes.loglog(ends, [least.engine * end / ends[0] for end in ends], color="grey", linestyle=":", label="linear")
    axes.set_xlabel("LLVM instructions of the prepared kernel")
    axes.set_ylabel("engine, s of processor time")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
