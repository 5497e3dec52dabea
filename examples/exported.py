"""Writes gradients as a library, and runs programs in C, C++ and Fortran that optimize with them.

The programs are compiled and run on their own: they know a header, a library, and nothing of Python. A program whose
compiler is not there is left out.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numba import njit

import pyfront as ad

HERE = Path(__file__).parent
MISS = "(f8[::1], f8, f8, f8, i8)"
MISFIT = "(f8[::1], f8[::1], f8, i8)"


@njit
def miss(state, distance, drag, dt, steps):
    """Fly from `state` = (x, y, vx, vy), in place; the squared distance of where it ends from (distance, 0)."""
    for _ in range(steps):
        speed = np.sqrt(state[2] ** 2 + state[3] ** 2)
        state[0] += dt * state[2]
        state[1] += dt * state[3]
        state[2] -= dt * drag * speed * state[2]
        state[3] -= dt * (drag * speed * state[3] + 9.81)
    return (state[0] - distance) ** 2 + state[1] ** 2


@njit
def misfit(u, measured, alpha, steps):
    """Let heat spread in the rod `u`, in place; half the squared distance from what was measured at the end."""
    if not 0.0 < alpha < 0.5:
        raise ValueError("alpha must lie between 0 and 0.5")
    for _ in range(steps):
        before = u[0]
        for i in range(1, u.size - 1):
            now = u[i]
            u[i] += alpha * (before - 2.0 * now + u[i + 1])
            before = now
    total = 0.0
    for i in range(u.size):
        total += 0.5 * (u[i] - measured[i]) ** 2
    return total


def write_library(folder):
    """The library `physics`: two derivatives, and beside each its kernel."""
    miss_gradient = ad.autodiff(miss, ad.Duplicated, ad.Const, ad.Const, ad.Const, ad.Const)
    misfit_gradient = ad.autodiff(misfit, ad.Duplicated, ad.Const, ad.Active, ad.Const)
    return ad.export(folder, "physics", {"miss": (miss_gradient, MISS), "misfit": (misfit_gradient, MISFIT)})


def compiler(variable, *names):
    """The command that the environment names, or the first of these that is there."""
    chosen = os.environ.get(variable) or next(filter(shutil.which, names), names[0])
    return shlex.split(chosen)


def programs(folder):
    """Per language the command that makes its program, the compiler first."""
    linked = [f"-I{folder}", f"-L{folder}", "-lphysics", f"-Wl,-rpath,{folder}", "-lm", "-o", folder / "program"]
    fortran = [*compiler("FC", "gfortran"), "-O2", f"-J{folder}", folder / "physics.f90", HERE / "exported.f90"]
    return {
        "C": [*compiler("CC", "cc", "clang-22"), "-std=c99", "-O2", HERE / "exported.c", *linked],
        "C++": [*compiler("CXX", "c++", "clang++-22"), "-std=c++17", "-O2", HERE / "exported.cpp", *linked],
        "Fortran": [*fortran, *linked],
    }


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in write_library(folder):
            print(f"{file.name:22} {file.stat().st_size:7,} bytes")
        for language, command in programs(folder).items():
            if shutil.which(command[0]) is None:
                print(f"{language}: there is no {command[0]}")
                continue
            subprocess.run([*map(str, command)], check=True)
            done = subprocess.run([folder / "program"], check=True, capture_output=True, text=True)
            print(f"{language}: {done.stdout.strip()}")


if __name__ == "__main__":
    main()
