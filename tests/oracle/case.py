"""One call of one kernel, and all that is known about it without the engine.

Invariant: nothing here is changed by a check; every run of a derivative works on fresh copies.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from oracle.arguments import Allocations, Annotated
from oracle.compare import assert_same_bits, bits_of, narrowest_float
from oracle.gradient import Expected, expected
from oracle.structure import floats_of, mapped, numbers_of


@dataclass(frozen=True)
class Case:
    """A kernel with its arguments, the adjoints of its outputs, what a plain call leaves, and the oracle's answer.

    Without a plain run (`plain`) the oracle's own primal stands for it, and is compared to rounding.
    """

    kernel: Callable[..., Any]
    call: Allocations
    shadows: list[np.ndarray]
    seed: Any
    memory: list[np.ndarray]
    value: Any
    want: Expected
    width: int
    plain: bool = True

    @classmethod
    def of(
        cls,
        kernel: Callable[..., Any],
        arguments: tuple[Annotated, ...],
        seed: float,
        width: int | None,
        plain: bool = True,
    ) -> Case:
        """Runs the kernel plainly and on dual numbers, and sees that both computed the same."""
        if not hasattr(kernel, "py_func"):
            kernel = numba.njit(kernel)
        random = np.random.default_rng(len(arguments))
        call = Allocations(arguments)
        shadows = call.shadows(random)
        want = expected(kernel, call, shadows, lambda value: seeds_of(value, seed), random)
        memory, value = want.memory, want.value
        if plain:
            memory = call.memory()
            value = kernel(*call.views(memory))
        if width is None:
            width = narrowest_float(call, value)
        case = cls(kernel, call, shadows, seeds_of(value, seed), memory, value, want, width, plain)
        case.assert_oracle_ran_the_kernel(memory, value)
        return case

    @property
    def returns(self) -> bool:
        """Whether the kernel returns anything."""
        return self.value is not None

    @property
    def returns_float(self) -> bool:
        """Whether it returns something that has a derivative."""
        return has_derivative(self.value)

    @property
    def seeds(self) -> np.ndarray:
        """The adjoints of the outputs: the locations in order, then the result."""
        return in_order(self.call, self.shadows, floats_of(self.seed))

    def draw(self) -> int:
        """A number that belongs to this case, the same one each time: what is checked on a part of all cases only is
        chosen by it."""
        values = [getattr(argument.value, "__name__", argument.value) for argument in self.call.arguments]
        scalars = [value for value in values if not isinstance(value, np.ndarray)]
        text = f"{self.kernel.__name__} {scalars}".encode()
        return zlib.crc32(b"".join([text, *(flat.tobytes() for flat in self.call.memory())]))

    def assert_oracle_ran_the_kernel(self, memory: list[np.ndarray], value: Any) -> None:
        """CPython on duals and the compiled kernel computed the same primal; otherwise the comparison means nothing."""
        close = {"rtol": 1e-9 if self.width == 8 else 1e-4, "atol": 1e-12 if self.width == 8 else 1e-5}
        for number, (got, plain) in enumerate(zip(self.want.memory, memory, strict=True)):
            np.testing.assert_allclose(got, plain, err_msg=f"oracle and kernel differ in allocation {number}", **close)
        if self.returns:
            got, plain = ([float(number) for number in numbers_of(one)] for one in (self.want.value, value))
            np.testing.assert_allclose(got, plain, err_msg="oracle and kernel differ in the result", **close)

    def assert_primal(self, memory: list[np.ndarray], value: Any) -> None:
        """Arrays and result are, bit for bit, those of the plain call."""
        if not self.plain:
            self.assert_oracle_ran_the_kernel(memory, value)
            return
        assert_same_bits(memory, self.memory, "an array differs from what the kernel leaves in it")
        assert bits_of(value) == bits_of(self.value), f"value {value!r}, plain {self.value!r}"


def has_derivative(result: Any) -> bool:
    """Whether there is a float in a kernel's result."""
    return any(isinstance(number, (float, np.floating)) for number in numbers_of(result))


def seeds_of(result: Any, seed: float) -> Any:
    """The adjoint of a result: `seed` for its first float, several numbers for more, None for what has none."""
    if not has_derivative(result):
        return 0.0
    powers = itertools.count()
    return mapped(lambda n: seed * (-0.5) ** next(powers) if isinstance(n, (float, np.floating)) else None, result)


def in_order(call: Allocations, memory: list[np.ndarray], scalars: Sequence[float]) -> np.ndarray:
    """The numbers at the locations of a call, then the scalars, those in tuples one by one."""
    parts = [flat[positions] for flat, positions in zip(memory, call.covered(), strict=True)]
    return np.concatenate([*parts, np.asarray(numbers_of(tuple(scalars)), np.float64)], dtype=np.float64)
