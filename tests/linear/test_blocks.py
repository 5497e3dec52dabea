"""Products that are added to, and triangles that divide, blocks of matrices: where BLAS is told of their strides."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numba import njit, types

from pyfront.linear.accumulate import add_product
from pyfront.linear.systems import divide_by_lower, solve_triangular

RNG = np.random.default_rng(11)
VIEWS = {
    "block": lambda a: a[1:-1, 2:-2],
    "transposed": lambda a: a[1:-1, 2:-2].T,
    "row": lambda a: a[2:3, ::1],
    "column": lambda a: a[:, 3:4],
    "every other row": lambda a: a[::2],
    "every other column": lambda a: a[:, ::2],
    "backwards": lambda a: a[::-1],
    "same row again": lambda a: np.lib.stride_tricks.as_strided(a, (3, a.shape[1]), (0, a.strides[1])),
    "no rows": lambda a: a[1:1],
    "no columns": lambda a: a[:, 1:1],
}


MATRICES = {np.float64: (types.float64[:, :],) * 3, np.float32: (types.float32[:, :],) * 3}
"""Declared as arrays of any strides, whatever is passed."""


@njit([types.void(*MATRICES[dtype]) for dtype in MATRICES])
def added(total, a, b):
    add_product(total, a, b, -0.5)


@pytest.mark.parametrize("dtype", MATRICES)
def test_products_of_blocks(dtype):
    for left, right in itertools.product(VIEWS, VIEWS):
        a = VIEWS[left](RNG.normal(size=(6, 8)).astype(dtype))
        b = VIEWS[right](RNG.normal(size=(7, 9)).astype(dtype))
        inner = min(a.shape[1], b.shape[0])
        a, b = a[:, :inner], b[:inner]
        for target in ("block", "transposed", "every other column", "backwards"):
            whole = RNG.normal(size=(24, 24)).astype(dtype)
            total = VIEWS[target](whole)[: a.shape[0], : b.shape[1]]
            expected, rest = total - 0.5 * (a @ b), whole.copy()
            added(total, a, b)
            exact = 50 * np.finfo(dtype).eps
            np.testing.assert_allclose(total, expected, rtol=exact, atol=exact)
            # Nothing beside the block has been touched.
            VIEWS[target](rest)[: a.shape[0], : b.shape[1]] = total
            np.testing.assert_array_equal(whole, rest)


def test_a_block_divided_by_a_triangle():
    @njit
    def divided(b, a):
        divide_by_lower(b[1:, 2:5], a[3:6, 3:6])

    a, whole = RNG.normal(size=(8, 8)) + 4 * np.eye(8), RNG.normal(size=(6, 7))
    expected = whole.copy()
    expected[1:, 2:5] = solve_triangular(a[3:6, 3:6], whole[1:, 2:5].T, True, True).T
    divided(whole, a)
    np.testing.assert_allclose(whole, expected, rtol=1e-12)
