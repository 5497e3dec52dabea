"""The benchmark kernels, one module each, written as a Numba user writes them: in-place loops and plain indexing."""

from __future__ import annotations

import importlib

from benchmarks.problem import Problem

NAMES = (
    "heat2d",
    "brusselator",
    "gauss_seidel",
    "lorenz96",
    "dormand_prince",
    "lu",
    "nbody",
    "logsumexp",
    "gmm",
    "my_pow",
    "branch",
    "buffer_copy",
    "matvec_scale",
    "newton",
    "product",
    "linear_solve",
    "cholesky",
    "gaussian_process",
    "kalman",
    "fft",
)


def load(name: str) -> Problem:
    """The problem that `benchmarks/kernels/<name>.py` declares."""
    problem: Problem = importlib.import_module(f"benchmarks.kernels.{name}").PROBLEM
    return problem
