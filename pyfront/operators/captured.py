"""Operators in a kernel that is differentiated itself: the twin of the dispatcher that compiled code calls."""

from __future__ import annotations

import functools

from pyfront.numba_target import CaptureDispatcher
from pyfront.operators.compiled import Compiled, WithOut


class CapturedOperator(WithOut, CaptureDispatcher):
    """The twin of a `Compiled`."""

    def __init__(self, original: Compiled) -> None:
        super().__init__(original.py_func, original.locals, original.targetoptions, original.implementation)
        self.original = original

    @functools.cached_property
    def into(self) -> CaptureDispatcher:
        into = self.original.into
        return CaptureDispatcher(into.py_func, into.locals, into.targetoptions, into.implementation)
