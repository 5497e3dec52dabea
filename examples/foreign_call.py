"""Calls a derivative from C, through its address, as a program that has never heard of Python would.

The kernel flies a shot with drag by overwriting its state in place, and returns the squared miss. Its derivative is
compiled to a C function with a flat signature; `foreign_call.c` receives the pointer and aims by gradient descent.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import cffi
import numpy as np
from numba import float64, int64, njit, types

import pyfront as ad

SOURCE = Path(__file__).with_suffix(".c")
DISTANCE, DRAG = 8.0, 0.05
SIGNATURE = types.float64(float64[::1], float64, float64, float64, int64)


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


derivative = ad.autodiff(miss, ad.Duplicated, ad.Const, ad.Const, ad.Const, ad.Const)


def compile_caller(folder):
    """Compile foreign_call.c with the machine's C compiler into a shared library."""
    library = Path(folder) / "foreign_call.so"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library


def call_from_cffi(state):
    """Value and gradient at `state` by `dk.cffi`: the same C function as a cffi callable."""
    call = derivative.cffi(SIGNATURE)
    ffi = cffi.FFI()
    state, shadow, value = state.copy(), np.zeros(4), ffi.new("double *")
    arrays = (ffi.from_buffer("double[]", array) for array in (state, shadow))
    status = call(*arrays, 4, DISTANCE, DRAG, 0.01, 200, 1.0, value)
    assert status == 0, status
    return value[0], shadow


def call_from_c(velocity):
    """Let the C program aim; `velocity` is improved in place. Returns the number of calls and the squared miss."""
    ffi = cffi.FFI()
    ffi.cdef(
        "int32_t aim(void *derivative, double *velocity, double distance, double drag, double tolerance, double *miss);"
    )
    with tempfile.TemporaryDirectory() as folder:
        caller = ffi.dlopen(str(compile_caller(folder)))
        squared_miss = ffi.new("double *")
        pointer = ffi.cast("void *", derivative.address(SIGNATURE))
        calls = caller.aim(pointer, ffi.from_buffer("double[]", velocity), DISTANCE, DRAG, 1e-12, squared_miss)
        ffi.dlclose(caller)
    return calls, squared_miss[0]


def main():
    print("the derivative as C sees it:")
    print(derivative.cdef(SIGNATURE).strip())

    start = np.array([0.0, 0.0, 3.0, 6.0])
    value, gradient = call_from_cffi(start)
    shadow = np.zeros(4)
    derivative(start.copy(), shadow, DISTANCE, DRAG, 0.01, 200)
    print(f"squared miss at first: {value:.3f}; gradient through cffi {gradient}, through Python {shadow}")
    assert np.array_equal(gradient, shadow), "the two ways to call disagree"
    assert value == miss(start.copy(), DISTANCE, DRAG, 0.01, 200), "the value differs from a plain call's"

    velocity = start[2:].copy()
    calls, squared = call_from_c(velocity)
    print(f"C aimed in {calls} calls of the derivative: launch at {velocity}, squared miss {squared:.1e}")
    landing = np.array([0.0, 0.0, *velocity])
    assert calls > 0, "a call of the derivative failed"
    assert miss(landing, DISTANCE, DRAG, 0.01, 200) < 1e-12, "the shot misses"


if __name__ == "__main__":
    main()
