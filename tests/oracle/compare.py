"""How two results are compared: bit for bit, or within the rounding that two exact methods may differ by.

Invariant: a not-a-number on either side never passes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracle.arguments import Allocations
from oracle.structure import numbers_of

# Relative error allowed, by the bytes of the narrowest float.
TOLERANCE = {8: 1e-10, 4: 5e-5}
# Where terms cancel, exact methods differ by rounding of the terms: this many times their sum.
CANCELLATION = {8: 1e-14, 4: 1e-6}
# A zero is compared with the size of the largest component.
FLOOR = 1e-6
# Below the smallest normal number digits are lost, and in the end the number.
SMALLEST = {8: float(np.finfo(np.float64).tiny), 4: float(np.finfo(np.float32).tiny)}


def narrowest_float(call: Allocations, value: Any) -> int:
    """Bytes of the narrowest float among arguments and result."""
    dtypes = [np.asarray(one).dtype for one in numbers_of((*(a.value for a in call.arguments), value))]
    return min((dtype.itemsize for dtype in dtypes if dtype.kind == "f"), default=8)


def bits_of(result: Any) -> list[bytes]:
    """The numbers of a result, or of its derivative, as bytes."""
    return [np.asarray(number).tobytes() for number in numbers_of(result) if number is not None]


def assert_same_bits(got: list[np.ndarray], want: list[np.ndarray], message: str) -> None:
    """Memory is the same, bit for bit."""
    for left, right in zip(got, want, strict=True):
        assert left.tobytes() == right.tobytes(), f"{message}:\n{left}\n{right}"


def assert_beside_untouched(after: list[np.ndarray], before: list[np.ndarray], covered: list[np.ndarray]) -> None:
    """Nothing was written to the memory of shadows that no argument shows."""
    for now, then, positions in zip(after, before, covered, strict=True):
        outside = np.ones(now.size, bool)
        outside[positions] = False
        assert now[outside].tobytes() == then[outside].tobytes(), "memory beside a shadow was written"


def assert_close(
    got: np.ndarray, want: np.ndarray, scale: np.ndarray, rounding: np.ndarray, width: int, what: str
) -> None:
    """Numbers agree relative to their `scale`, or to the size of the terms whose `rounding` they carry."""
    largest = float(np.max(scale, initial=0.0))
    allowed = np.maximum(TOLERANCE[width] * np.maximum(scale, FLOOR * largest), CANCELLATION[width] * rounding)
    wrong = ~(np.abs(got - want) <= np.maximum(allowed, SMALLEST[width]))
    assert not wrong.any(), report(got, want, wrong, what)


def report(got: np.ndarray, want: np.ndarray, wrong: np.ndarray, what: str) -> str:
    """The components that are wrong, at most ten of them."""
    lines = [f"  [{k}] engine {got[k]!r:>24}   oracle {want[k]!r:>24}" for k in np.flatnonzero(wrong)[:10]]
    return "\n".join([f"{wrong.sum()} of {wrong.size} {what} are wrong (arrays first, then scalars):", *lines])
