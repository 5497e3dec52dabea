"""Each example runs without a display, finds its own result good, and draws what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, EXAMPLES / f"{name}.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["lynx_hare", "heat_inverse", "stiff_brusselator"])
def test_result_is_good_and_drawn(name: str, tmp_path: Path) -> None:
    picture = tmp_path / "out" / "picture.png"
    assert "relative error" in run(name, "--output", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_c_calls_the_derivative() -> None:
    assert "C aimed in" in run("foreign_call")


def test_programs_optimize_with_an_exported_gradient() -> None:
    printed = run("exported")
    for language, result in (("C", "aimed in"), ("C++", "found 64"), ("Fortran", "conducts with alpha = 0.23000000")):
        assert f"{language}: {result}" in printed or f"{language}: there is no" in printed


def test_scipy_solves_with_fewer_calls() -> None:
    assert run("scipy_solvers").count("pyfront") == 3


def test_a_newton_loop_is_not_differentiated() -> None:
    assert "they differ by" in run("implicit_euler", "--repeats", "1")
