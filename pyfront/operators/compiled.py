"""Operators in compiled code: what a call with ``out=`` goes to, there and in a kernel that is differentiated itself.

A `Compiled` is one dispatcher to Numba. Calls without ``out=`` it answers itself; those with it are the calls of a
second one, whose last parameter is ``out``. A user's own parameter of that name can be given by position only.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numba.core import sigutils, types

from pyfront.specialized import Implement, Specialized, TwinnedDispatcher

if TYPE_CHECKING:
    from pyfront.numba_target import CaptureDispatcher

OUT = "out"


class WithOut:
    """How a dispatcher finds the one for calls with ``out=``."""

    into: Any

    def get_call_template(self, args: Sequence[types.Type], kws: dict[str, types.Type]) -> Any:
        if OUT in kws:
            return self.into.get_call_template(args, kws)
        return super().get_call_template(args, kws)  # type: ignore[misc]

    def get_overload(self, sig: Any) -> Any:
        given, _ = sigutils.normalize_signature(sig)
        if len(given) > len(self._compiler.pysig.parameters):  # type: ignore[attr-defined]
            return self.into.get_overload(sig)
        return super().get_overload(sig)  # type: ignore[misc]


class Compiled(WithOut, Specialized, TwinnedDispatcher):
    """``implement`` is for calls without ``out=``, ``implement_out`` for those with it."""

    def __init__(
        self,
        name: str,
        parameters: Sequence[str],
        implement: Implement,
        implement_out: Implement,
        defaults: tuple[Any, ...] = (),
        *,
        nogil: bool = False,
    ) -> None:
        self._parameters = [f"{parameter}_" if parameter == OUT else parameter for parameter in parameters]
        self._implement_out = implement_out
        super().__init__(name, self._parameters, implement, defaults, nogil=nogil)

    @functools.cached_property
    def into(self) -> Specialized:
        return Specialized(self.py_func.__name__, [*self._parameters, OUT], self._implement_out)

    @functools.cached_property
    def twin(self) -> CaptureDispatcher:
        from pyfront.operators.captured import CapturedOperator

        return CapturedOperator(self)
