"""What the first call of a derivative costs in a new process, with its code in the cache and without.

A process imports Numba and NumPy, and then is timed: importing pyfront, making the derivative, calling it. The least of
several processes, in processor time, for a process is not alone on the machine, and in wall time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

KERNEL = """
import numpy as np
from numba import njit

@njit
def smooth(u, alpha, steps):
    for _ in range(steps):
        for i in range(1, u.size - 1):
            u[i] += alpha * (u[i - 1] - 2.0 * u[i] + u[i + 1])

@njit
def energy(u):
    total = 0.0
    for i in range(u.size):
        total += np.sin(u[i]) ** 2
    return total
"""
PROGRAM = """
import time
import numba, numpy as np
from kernel import smooth, energy
u, du = np.ones(100), np.ones(100)
wall, cpu = time.perf_counter(), time.process_time()
import pyfront as ad
{call}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(wall, cpu, "libenzyme_pass" in open("/proc/self/maps").read())
"""
CALLS = {
    "derivative": "ad.autodiff(smooth, ad.Duplicated, ad.Active, ad.Const, cache={cache})(u, du, 0.1, 40)",
    "operator": "ad.grad(energy, cache={cache})(u)",
}


@dataclass(frozen=True)
class FirstCall:
    """Seconds beyond Numba's import."""

    title: str
    cached_wall: float
    cached_cpu: float
    compiled_wall: float


def measure(quick: bool) -> list[FirstCall]:
    """A derivative and an operator."""
    repeat = 3 if quick else 20
    result = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernel.py").write_text(KERNEL)
        for title, call in CALLS.items():
            compiled = min(_run(folder, call.format(cache=False))[0] for _ in range(3 if not quick else 1))
            _run(folder, call.format(cache=True))
            times = [_run(folder, call.format(cache=True)) for _ in range(repeat)]
            assert not any(with_engine for _, _, with_engine in times)
            result.append(FirstCall(title, min(t[0] for t in times), min(t[1] for t in times), compiled))
    return result


def _run(folder: str, call: str) -> tuple[float, float, bool]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), folder]),
        "PYTHONDONTWRITEBYTECODE": "",
        "NUMBA_CACHE_DIR": str(Path(folder) / "cache"),
    }
    command = [sys.executable, "-c", PROGRAM.format(call=call)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    return float(said[0]), float(said[1]), said[2] == "True"


if __name__ == "__main__":
    for row in measure(quick=False):
        print(row)
