"""The README's code runs as it stands there, and says the truth."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def test_example_runs_and_its_derivative_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    scope: dict = {"__name__": "readme"}
    for block in blocks:
        exec(compile(block, str(README), "exec"), scope)

    def probe(alpha: float, u: np.ndarray) -> float:
        final = u.copy()
        scope["smooth"](final, alpha, 40)
        return final[50]

    step = 1e-5
    start = np.linspace(0.0, 1.0, 100) ** 2
    of_alpha = (probe(0.1 + step, start) - probe(0.1 - step, start)) / (2 * step)
    np.testing.assert_allclose(scope["dalpha"], of_alpha, rtol=1e-6)
    for i in (44, 50, 53):
        nudge = step * (np.arange(100) == i)
        of_state = (probe(0.1, start + nudge) - probe(0.1, start - nudge)) / (2 * step)
        np.testing.assert_allclose(scope["du"][i], of_state, rtol=1e-6)

    np.testing.assert_allclose(scope["gradient"]["a"], _differences_of_energy(scope), rtol=1e-6)
    rows = np.arange(20)
    y, matrix = scope["y"], scope["matrix"]
    np.testing.assert_allclose(matrix[rows, (rows + 1) % 20], y[rows - 1])
    np.testing.assert_array_equal(scope["fast"](np.empty(20), y), matrix)
    _check_c(scope, tmp_path)


def _check_c(scope: dict, folder: Path) -> None:
    """The example in C, with the library that the one in Python has written."""
    compiler = shutil.which("cc") or shutil.which("clang-22")
    if compiler is None:
        return
    (block,) = re.findall(r"^```c\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    include, body = block.split("\n", 1)
    shown = 'printf("%.17g %.17g\\n", alpha_adjoint, u_shadow[50]); return 0;'
    given = "for (int i = 0; i < 100; ++i) u[i] = (i / 99.0) * (i / 99.0);\nint32_t"
    body = body.replace("int32_t", given, 1)
    (folder / "main.c").write_text(f"#include <stdio.h>\n{include}\nint main(void) {{\n{body}\n{shown}\n}}\n")
    linked = ["-std=c99", "-Wall", "-Werror", "-Ilib", "main.c", "lib/libsmooth.a", "-lm", "-o", "main"]
    subprocess.run([compiler, *linked], cwd=folder, check=True)
    printed = subprocess.run([folder / "main"], check=True, capture_output=True, text=True).stdout.split()
    np.testing.assert_allclose([float(word) for word in printed], [scope["dalpha"], scope["du"][50]], rtol=1e-9)


def _differences_of_energy(scope: dict) -> list[float]:
    result = []
    for i in range(2):
        values = []
        for sign in (1.0, -1.0):
            a = scope["params"]["a"].copy()
            a[i] += sign * 1e-6
            residual = a[0] * np.sin(a[1] * scope["u"]) - scope["params"]["b"] * scope["u"]
            values.append(float(residual @ residual))
        result.append((values[0] - values[1]) / 2e-6)
    return result


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert target.startswith("http") or (README.parent / target).exists(), target
