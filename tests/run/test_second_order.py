"""Derivatives of second and third order: every way to nest the modes gives the derivative that differences in 80 digits
give, and the Hessian is symmetric.

A gradient `g` is one reverse derivative away from the kernel, a slope along `v` one forward derivative. Differentiated
once more, each in both modes:

    forward over reverse   the tangent of g along v         H v, then its product with w
    reverse over reverse   the adjoint of x for <w, g>      H w, then its product with v
    forward over forward   the tangent of the slope along w
    reverse over forward   the adjoint of x for the slope   H v, then its product with w
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle.precise import mixed_derivative

import pyfront as ad
from run.smooth_kernels import PROBLEMS, Problem

D = ad.Duplicated
# Relative to the size of the terms, as each nesting sums them in its own order.
SAME = 1e-11
EXACT = 1e-10


class Nestings:
    """The derivatives of second and third order of one problem; a call works on fresh copies."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.consts = (ad.Const,) * len(problem.constants)
        self.gradient = ad.autodiff(problem.kernel, D, *self.consts)
        self.slope = ad.autodiff(problem.kernel, D, *self.consts, mode=ad.Forward)

    def forward(self, function: Any, arrays: int) -> Any:
        """Its forward derivative, all of its arrays duplicated."""
        return ad.autodiff(function, *(D,) * arrays, *self.consts, mode=ad.Forward)

    def reverse(self, function: Any, arrays: int) -> Any:
        """Its reverse derivative, all of its arrays duplicated."""
        return ad.autodiff(function, *(D,) * arrays, *self.consts)

    def call(self, function: Any, *arrays: np.ndarray | None) -> tuple[Any, list[np.ndarray]]:
        """The result, and the arrays after the call; x comes first, None stands for zeros."""
        x = self.problem.x
        given = [x.copy(), *(np.zeros_like(x) if array is None else array.copy() for array in arrays)]
        others = [value.copy() if isinstance(value, np.ndarray) else value for value in self.problem.constants]
        return function(*given, *others), given

    def second(self, v: np.ndarray, w: np.ndarray) -> dict[str, float]:
        """The second derivative along v and w, by each nesting."""
        forward_reverse = self.call(self.forward(self.gradient, 2), v, None, None)[1][3]
        reverse_reverse = self.call(self.reverse(self.gradient, 2), None, None, w)[1][1]
        forward_forward = self.call(self.forward(self.slope, 2), w, v, None)[0]
        reverse_forward = self.call(self.reverse(self.slope, 2), None, v, None)[1][1]
        return {
            "forward over reverse": float((forward_reverse * w).sum()),
            "reverse over reverse": float((reverse_reverse * v).sum()),
            "forward over forward": float(forward_forward),
            "reverse over forward": float((reverse_forward * w).sum()),
        }

    def third(self, v: np.ndarray, w: np.ndarray, u: np.ndarray) -> dict[str, float]:
        """The third derivative along v, w and u, by three nestings."""
        along = self.forward(self.gradient, 2)
        twice = self.forward(along, 4)
        curvature = self.forward(self.slope, 2)
        forward_forward_reverse = self.call(twice, w, v, None, None, None, None, None)[1][7]
        forward_forward_forward = self.call(self.forward(curvature, 4), u, w, None, v, None, None, None)[0]
        reverse_forward_forward = self.call(self.reverse(curvature, 4), None, w, None, v, None, None, None)[1][1]
        return {
            "forward over forward over reverse": float((forward_forward_reverse * u).sum()),
            "forward over forward over forward": float(forward_forward_forward),
            "reverse over forward over forward": float((reverse_forward_forward * u).sum()),
        }


def assert_all_are(got: dict[str, float], want: float, scale: float) -> None:
    """Every nesting agrees with the oracle, and even better with the others."""
    first = next(iter(got.values()))
    for nesting, number in got.items():
        assert abs(number - want) <= EXACT * scale, f"{nesting} gives {number}, differences give {want}"
        assert abs(number - first) <= SAME * scale, f"the nestings differ: {got}"


@pytest.mark.parametrize("name", PROBLEMS)
def test_second_derivatives(name, rng):
    problem = PROBLEMS[name]
    nestings = Nestings(problem)
    v, w = rng.uniform(-1.0, 1.0, (2, *problem.x.shape))
    want = mixed_derivative(problem.kernel, problem.x, problem.constants, [v, w])
    hessian = hessian_of(nestings)
    assert_all_are(nestings.second(v, w), want, np.abs(v).ravel() @ np.abs(hessian) @ np.abs(w).ravel())
    np.testing.assert_allclose(hessian, hessian.T, rtol=SAME, atol=SAME * np.abs(hessian).max())


def hessian_of(nestings: Nestings) -> np.ndarray:
    """Row by row, forward over reverse."""
    x = nestings.problem.x
    product = nestings.forward(nestings.gradient, 2)
    rows = [nestings.call(product, row.reshape(x.shape), None, None)[1][3].ravel() for row in np.eye(x.size)]
    return np.array(rows)


@pytest.mark.parametrize("name", PROBLEMS)
def test_third_derivatives(name, rng):
    problem = PROBLEMS[name]
    v, w, u = rng.uniform(-1.0, 1.0, (3, *problem.x.shape))
    want = mixed_derivative(problem.kernel, problem.x, problem.constants, [v, w, u])
    assert_all_are(Nestings(problem).third(v, w, u), want, max(abs(want), 1.0))
