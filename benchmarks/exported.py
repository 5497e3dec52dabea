"""Exported gradients: how large the library is, how long it takes to load, and a call from C beside one from Python.

The C program is linked with the library, calls it in a loop, and takes the time itself. Both sides call with the same
numbers; what they return must be equal.

Invariant: times are the least of several repeats, of processor time.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from numba import njit

import pyfront as ad
from benchmarks import kernels

SIGNATURE = "(f8, i8)"
REPEATS, SECONDS = 7, 0.05

PROGRAM = """\
#include "measured.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(int count, char **arguments) {
  double x = atof(arguments[1]), adjoint = 0.0, value = 0.0, least = 1e30;
  long n = atol(arguments[2]), calls = atol(arguments[3]);
  for (int repeat = 0; repeat < %d; ++repeat) {
    clock_t begin = clock();
    for (long i = 0; i < calls; ++i)
      if (measured(x, &adjoint, n, 1.0, &value) != 0)
        return 1;
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC / calls;
    least = seconds < least ? seconds : least;
  }
  printf("%%.17g %%.17g\\n", least, adjoint);
  return count == 4 ? 0 : 1;
}
"""


@dataclass(frozen=True)
class ExportRow:
    """One kernel."""

    title: str
    size: int
    """Bytes of the shared library, with the kernel beside its gradient."""
    load: float
    from_c: float
    from_python: float
    is_equal: bool
    """Whether both calls gave the same number."""


@njit
def square(x, n):
    return x * x


def measure(quick: bool) -> list[ExportRow]:
    """All rows; none without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("clang-22")
    if compiler is None:
        return []
    branch, power = kernels.load("branch"), kernels.load("my_pow")
    asked = [("`x * x`", square, 0.7, 0)]
    asked += [(p.title, p.kernel, *p.make_args(**p.reference)) for p in (branch, power)]
    return [_measure(compiler, *row, quick=quick) for row in asked]


def _measure(compiler: str, title: str, kernel: object, x: float, n: int, *, quick: bool) -> ExportRow:
    derivative = ad.autodiff(kernel, ad.Active, ad.Const)
    repeats = 2 if quick else REPEATS
    adjoint, from_python = _time_python(derivative, x, n, repeats)
    calls = max(1, int((SECONDS / 10 if quick else SECONDS) / from_python))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        derivative.export(folder, "measured", SIGNATURE)
        (folder / "main.c").write_text(PROGRAM % repeats)
        program = folder / "main"
        linked = [f"-I{folder}", folder / "main.c", f"-L{folder}", "-lmeasured", f"-Wl,-rpath,{folder}", "-o", program]
        subprocess.run([compiler, "-O2", *linked], check=True)
        command = [program, repr(x), str(n), str(calls)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        library = folder / "libmeasured.so"
        return ExportRow(
            title=title,
            size=library.stat().st_size,
            load=min(_time_load(library, folder / f"lib{index}.so") for index in range(repeats)),
            from_c=float(printed[0]),
            from_python=from_python,
            is_equal=float(printed[1]) == adjoint,
        )


def _time_python(derivative: object, x: float, n: int, repeats: int) -> tuple[float, float]:
    """The adjoint, and seconds of a call."""
    call: object = derivative
    assert callable(call)
    adjoint = call(x, n)
    best = float("inf")
    for _ in range(repeats):
        begin, count = time.process_time(), 0
        while time.process_time() - begin < SECONDS / 5:
            for _ in range(100):
                call(x, n)
            count += 100
        best = min(best, (time.process_time() - begin) / count)
    return adjoint, best


def _time_load(library: Path, fresh: Path) -> float:
    """Seconds to load a copy, which no one has loaded before."""
    shutil.copy(library, fresh)
    begin = time.process_time()
    ctypes.CDLL(str(fresh))
    return time.process_time() - begin
