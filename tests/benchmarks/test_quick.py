"""Every benchmark kernel has the right derivative, and the benchmark itself runs: neither may rot unseen."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import active, check, const, dup

import pyfront as ad
from benchmarks import kernels, run, stiff

MARKS = {ad.Active: active, ad.Const: const, ad.Duplicated: dup}


@pytest.mark.parametrize("name", kernels.NAMES)
def test_kernel_has_the_derivative_of_the_oracle(name: str) -> None:
    problem = kernels.load(name)
    values = problem.make_args(**problem.tiny)
    if not problem.runs_on_duals:
        notes = {ad.Active: ad.Active, ad.Const: ad.Const, ad.Duplicated: lambda value: ad.Duplicated(value, None)}
        ad.check(problem.kernel, *(notes[a](v) for a, v in zip(problem.annotations, values, strict=True)), quiet=True)
        return
    marked = zip(problem.annotations, values, strict=True)
    check(problem.kernel, *(MARKS[annotation](value) for annotation, value in marked))


@pytest.mark.parametrize("name", kernels.NAMES)
def test_arguments_are_fresh_and_the_same_each_time(name: str) -> None:
    problem = kernels.load(name)
    for first, second in zip(problem.make_args(**problem.quick), problem.make_args(**problem.quick), strict=True):
        assert np.array_equal(first, second)
        assert not (isinstance(first, np.ndarray) and np.shares_memory(first, second))


def test_quick_run_measures_every_kernel(capsys, tmp_path) -> None:
    document = tmp_path / "benchmarks.md"
    assert run.main(["--quick", "--output", str(document)]) == 0
    text = document.read_text()
    for name in kernels.NAMES:
        assert f"| {kernels.load(name).title} |" in text
    assert "Call overhead from Python" in capsys.readouterr().out


def test_stiff_system_is_solved_alike_with_every_jacobian() -> None:
    rows = stiff.measure(quick=True)
    assert [row.difference < 1e-6 for row in rows] == [True] * 4
    for row in rows:
        parts = row.jacobian_seconds + row.factorization_seconds + row.substitution_seconds
        assert 0.0 < row.jacobian_seconds < parts < row.seconds
