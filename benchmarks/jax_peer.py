"""Gradients of linear algebra and of a transform beside JAX's, both measured in this run.

JAX runs in a process of its own (`benchmarks/jax_programs.py`). Where it is not installed there are no rows: it comes
with `make bench`, and nothing else needs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

import pyfront as ad
from benchmarks import jax_programs, kernels, measure
from benchmarks.problem import Problem

SIZES: dict[str, tuple[Mapping[str, int], ...]] = {
    "product": ({"n": 50}, {"n": 500}),
    "linear_solve": ({"n": 50}, {"n": 500}),
    "cholesky": ({"n": 50}, {"n": 500}),
    "gaussian_process": ({"n": 300},),
    "kalman": ({"states": 6, "steps": 1000},),
    "fft": ({"n": 4096},),
}


@dataclass(frozen=True)
class PeerRow:
    """One problem at one size, seconds; `difference` is relative, of the sums of the gradients.

    Sums, because of a factor of a symmetric matrix JAX gives a symmetric gradient, we that of what is read.
    """

    title: str
    size: Mapping[str, int]
    primal: float
    gradient: float
    peer_primal: float
    peer_gradient: float
    difference: float
    version: str


def gradient_sums(problem: Problem, size: Mapping[str, int]) -> list[float]:
    """The sum of the adjoint of each argument that has one, in the order of the arguments."""
    values = problem.make_args(**size)
    arrays = [annotation is ad.Duplicated for annotation in problem.annotations]
    shadows = [np.zeros_like(value) if has else None for value, has in zip(values, arrays, strict=True)]
    if problem is kernels.load("fft"):
        shadows[0], shadows[1] = jax_programs.weights(size["n"])
    given = [
        part for value, shadow in zip(values, shadows, strict=True) for part in (value, shadow) if part is not None
    ]
    adjoints = np.atleast_1d(ad.autodiff(problem.kernel, *problem.annotations)(*given))
    scalars = iter(adjoints)
    found = []
    for annotation, shadow in zip(problem.annotations, shadows, strict=True):
        if shadow is not None:
            found.append(float(np.sum(shadow)))
        elif annotation is ad.Active:
            found.append(float(next(scalars)))
    return found


def measure_beside(name: str, size: Mapping[str, int], samples: int) -> PeerRow | None:
    """One row; None if there is no JAX."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.jax_programs",
        name,
        *(f"{key}={value}" for key, value in size.items()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == jax_programs.MISSING:
        return None
    done.check_returncode()
    peer = json.loads(done.stdout)
    problem = kernels.load(name)
    sums = gradient_sums(problem, size)
    difference = max(abs((ours - theirs) / theirs) for ours, theirs in zip(sums, peer["sums"], strict=True))
    calls = measure.Calls(problem, size)
    calls.primal(), calls.gradient()
    primal, gradient = measure.interleaved(calls, max(samples, 31))
    return PeerRow(problem.title, size, primal, gradient, peer["primal"], peer["gradient"], difference, peer["version"])


def measure_all(samples: int, quick: bool) -> list[PeerRow]:
    """All rows, or one if `quick`; none without JAX."""
    asked = [(name, size) for name, sizes in SIZES.items() for size in sizes]
    rows = [measure_beside(name, size, samples) for name, size in (asked[:1] if quick else asked)]
    return [row for row in rows if row is not None]
