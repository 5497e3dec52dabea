"""Tapes: what the forward half of a split derivative leaves for the reverse half.

A `Tape` owns native memory, outside of NumPy and of Python's heap, and gives it back when it is closed, when nobody
refers to it any more, or when the process ends, whichever comes first. It keeps the arrays of the forward call alive
(their memory, not their contents), because shadows are checked against them.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn, Self

import numpy as np

from pyfront import runtime
from pyfront.errors import TapeError, with_help


class Tape:
    """The memory of one run of a forward half; read by its reverse half any number of times, one thread at a time."""

    def __init__(self, address: int, owner: Any, name: str, arguments: tuple[Any, ...], may_alias: bool) -> None:
        """``owner``: what both halves have in common; ``name``: the kernel's."""
        self._address = address
        self._finalizer = weakref.finalize(self, runtime.load().release_tape, address)
        self.owner = owner
        self.arguments = tuple(_seen(argument) for argument in arguments)
        self.may_alias = may_alias
        self._name = name
        self._lock = threading.Lock()

    @property
    def closed(self) -> bool:
        """Whether the memory has been given back."""
        return not self._finalizer.alive

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the tape holds; 0 once it is closed."""
        with self._lock:
            return 0 if self.closed else runtime.load().tape_bytes(self._address)

    def close(self) -> None:
        """Give the memory back now; the tape cannot be used any more."""
        with self._lock:
            self._finalizer()
            self.arguments = ()

    @contextmanager
    def in_use(self) -> Iterator[int]:
        """The address of the memory, which stays until the end of the block."""
        with self._lock:
            if self.closed:
                raise TapeError(
                    with_help(
                        f"`{self._name}`: the tape is closed", "run the forward half again, and close its tape later"
                    )
                )
            yield self._address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise TapeError(
            with_help(
                f"`{self._name}`: a tape cannot be copied or pickled",
                "call the reverse half in the process that made it",
            )
        )

    def __repr__(self) -> str:
        return f"<tape of {self._name}, {'closed' if self.closed else f'{self.nbytes} bytes'}>"


def _seen(argument: Any) -> Any:
    """``argument`` as it is now: its arrays as views, so that a change of their shape has no effect."""
    if isinstance(argument, np.ndarray):
        return argument.view()
    if isinstance(argument, tuple):
        elements = [_seen(element) for element in argument]
        return type(argument)(*elements) if hasattr(argument, "_fields") else tuple(elements)
    return argument
