"""The value beside a derivative is that of a plain call: bit for bit, unless `fastmath` lets LLVM reorder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

import pyfront as ad


def statistics(a, b):
    s = 0.0
    for i in range(a.size):
        s += (np.exp(a[i]) + np.cbrt(b[i]) + a[i] % b[i]) * a[i] ** 2.5
    return s + np.prod(b) + np.var(a)


EXACT: list[Any] = [False, {"nnan", "ninf", "nsz"}]


@pytest.mark.parametrize("fastmath", [*EXACT, True], ids=["exact", "without-special-values", "reordered"])
def test_value_of_array_functions(fastmath: Any) -> None:
    kernel = njit(fastmath=fastmath)(statistics)
    random = np.random.default_rng(3)
    a, b = random.uniform(0.3, 2.0, 41), np.sort(random.uniform(0.3, 2.0, 41))
    plain = kernel(a, b)
    for mode in (ad.ReverseWithPrimal, ad.ForwardWithPrimal)[: 1 if fastmath else 2]:
        derivative = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated, mode=mode)
        value, _ = derivative(a, np.zeros(41), b, np.zeros(41))
        assert value == plain if fastmath in EXACT else abs(value - plain) <= 1e-14 * plain
