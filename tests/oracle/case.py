"""One call of one kernel, and all that is known about it without the engine.

Invariant: nothing here is changed by a check; every run of a derivative works on fresh copies.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from oracle.arguments import Allocations, Annotated
from oracle.compare import assert_same_bits, narrowest_float
from oracle.gradient import Expected, expected


@dataclass(frozen=True)
class Case:
    """A kernel with its arguments, the adjoints of its outputs, what a plain call leaves, and the oracle's answer."""

    kernel: Callable[..., Any]
    call: Allocations
    shadows: list[np.ndarray]
    seed: float
    memory: list[np.ndarray]
    value: Any
    want: Expected
    width: int

    @classmethod
    def of(cls, kernel: Callable[..., Any], arguments: tuple[Annotated, ...], seed: float, width: int | None) -> Case:
        """Runs the kernel plainly and on dual numbers, and sees that both computed the same."""
        if not hasattr(kernel, "py_func"):
            kernel = numba.njit(kernel)
        random = np.random.default_rng(len(arguments))
        call = Allocations(arguments)
        shadows = call.shadows(random)
        memory = call.memory()
        value = kernel(*call.views(memory))
        seed = seed if isinstance(value, (float, np.floating)) else 0.0
        want = expected(kernel, call, shadows, seed, random)
        case = cls(
            kernel, call, shadows, seed, memory, value, want, narrowest_float(call, value) if width is None else width
        )
        case.assert_oracle_ran_the_kernel()
        return case

    @property
    def returns(self) -> bool:
        """Whether the kernel returns anything."""
        return self.value is not None

    @property
    def returns_float(self) -> bool:
        """Whether it returns something that has a derivative."""
        return isinstance(self.value, (float, np.floating))

    @property
    def seeds(self) -> np.ndarray:
        """The adjoints of the outputs: the locations in order, then the result."""
        return in_order(self.call, self.shadows, [self.seed])

    def draw(self) -> int:
        """A number that belongs to this case, the same one each time: what is checked on a part of all cases only is
        chosen by it."""
        scalars = [argument.value for argument in self.call.arguments if not isinstance(argument.value, np.ndarray)]
        text = f"{self.kernel.__name__} {scalars}".encode()
        return zlib.crc32(b"".join([text, *(flat.tobytes() for flat in self.call.memory())]))

    def assert_oracle_ran_the_kernel(self) -> None:
        """CPython on duals and the compiled kernel computed the same primal; otherwise the comparison means nothing."""
        close = {"rtol": 1e-9 if self.width == 8 else 1e-4, "atol": 1e-12 if self.width == 8 else 1e-5}
        for number, (got, plain) in enumerate(zip(self.want.memory, self.memory, strict=True)):
            np.testing.assert_allclose(got, plain, err_msg=f"oracle and kernel differ in allocation {number}", **close)
        if self.returns:
            np.testing.assert_allclose(
                self.want.value, self.value, err_msg="oracle and kernel differ in the result", **close
            )

    def assert_primal(self, memory: list[np.ndarray], value: Any) -> None:
        """Arrays and result are, bit for bit, those of the plain call."""
        assert_same_bits(memory, self.memory, "an array differs from what the kernel leaves in it")
        same = np.asarray(value).tobytes() == np.asarray(self.value).tobytes()
        assert same, f"value {value!r}, plain {self.value!r}"


def in_order(call: Allocations, memory: list[np.ndarray], scalars: Sequence[float]) -> np.ndarray:
    """The numbers at the locations of a call, then the scalars."""
    parts = [flat[positions] for flat, positions in zip(memory, call.covered(), strict=True)]
    return np.concatenate([*parts, np.asarray(scalars, np.float64)], dtype=np.float64)
