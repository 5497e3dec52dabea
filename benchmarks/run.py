"""`make bench`: measures every kernel in one run and writes docs/benchmarks.md and the README's table.

    python -m benchmarks [--only heat2d,lu] [--quick] [--samples 11] [--output docs/benchmarks.md]
    python -m benchmarks --compilation

The exit status is 1 if a gradient is wrong. `--quick` uses small sizes and few samples: it tells whether the benchmarks
work, its times mean little, and it writes nothing unless told where.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import compilation, exported, first_call, forward, jax_peer, kernels, measure, operators, report, stiff

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
IMAGE = DOCUMENT.parent / "images" / "compile_time.png"
TOLERANCE = 1e-6


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", help="comma-separated names of kernels; the document is not written unless --output is given"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, few samples")
    parser.add_argument("--compilation", action="store_true", help="only how long compiling takes, into the document")
    parser.add_argument("--samples", type=int, help="timed calls per kernel (default 11, quick 3)")
    parser.add_argument("--output", type=Path, help="where to write the document (default docs/benchmarks.md)")
    options = parser.parse_args(arguments)
    options.samples = options.samples or (3 if options.quick else 11)
    if options.output is None and not options.quick and options.only is None:
        options.output = DOCUMENT
    return options


def write_compilation(rows: Sequence[compilation.CompileRow]) -> None:
    """Replace what the document says of compilation."""
    compilation.plot(rows, IMAGE)
    section = report.compilation_section(rows, str(IMAGE.relative_to(DOCUMENT.parent)))
    DOCUMENT.write_text(report.with_compilation(DOCUMENT.read_text(), section))


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    report.revision()  # before anything is written
    if options.compilation:
        write_compilation(compilation.measure(quick=False))
        return 0
    names = options.only.split(",") if options.only else kernels.NAMES
    # First of all, because it also pays for what only the first derivative of a process pays for.
    floor = measure.floor(options.samples)
    rows, forward_rows = [], []
    for name in names:
        problem = kernels.load(name)
        size = problem.quick if options.quick else problem.reference
        row = measure.measure(problem, size, options.samples)
        rows.append(row)
        forward_rows.append(forward.measure(problem, size, options.samples))
        print(f"{name:16s} " + " · ".join(filter(None, report.cells(row)[1:])), flush=True)
        print(f"{'':16s} " + " · ".join(report.forward_cells(forward_rows[-1])[1:]), flush=True)
    operator_rows = operators.measure(options.samples, quick=options.quick)
    for operator_row in operator_rows:
        print(" · ".join(report.operator_cells(operator_row)), flush=True)
    stiff_rows = stiff.measure(options.quick or options.only is not None)
    for stiff_row in stiff_rows:
        print(" · ".join(report.stiff_cells(stiff_row)), flush=True)
    peer_rows = jax_peer.measure_all(options.samples, options.quick or options.only is not None)
    for peer_row in peer_rows:
        print(" · ".join(report.peer_cells(peer_row)), flush=True)
    export_rows = exported.measure(options.quick)
    for export_row in export_rows:
        print(" · ".join(report.export_cells(export_row)), flush=True)
    compile_rows = compilation.measure(options.quick or options.only is not None)
    for compile_row in compile_rows:
        print(" · ".join(report.compile_cells(compile_row)), flush=True)
    first = first_call.measure(options.quick or options.only is not None)
    print(report.floor_text(floor))
    print(report.first_call_text(first))
    wrong = [row.problem.title for row in (*rows, *forward_rows) if not row.error < TOLERANCE]
    wrong += [row.title for row in peer_rows if not row.difference < TOLERANCE]
    wrong += [row.title for row in export_rows if not row.is_equal]
    if wrong:
        print(f"nothing written: wrong gradients of {', '.join(wrong)}", file=sys.stderr)
        return 1
    if options.output is not None:
        image = None
        if options.output == DOCUMENT:
            compilation.plot(compile_rows, IMAGE)
            image = str(IMAGE.relative_to(DOCUMENT.parent))
        tables = (rows, forward_rows, operator_rows, stiff_rows, peer_rows, export_rows, compile_rows)
        options.output.write_text(report.document(*tables, floor, first, options.samples, image))
        print(f"wrote {options.output}")
    if options.output == DOCUMENT:
        README.write_text(report.with_readme_table(README.read_text(), rows, forward_rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
