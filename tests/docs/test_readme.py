"""The README's code runs as it stands there, and says the truth."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

README = Path(__file__).resolve().parents[2] / "README.md"


def test_example_runs_and_its_derivative_is_right() -> None:
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
