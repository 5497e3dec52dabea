"""Captured entries: the entries of derivatives in kernels that are differentiated again.

There an entry is IR like all else, and the dispatcher that finds it cannot be called.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from pyfront import native
from pyfront.compiled import Embedded
from pyfront.dispatch import BatchDispatcher, EntryDispatcher
from pyfront.native import Part
from pyfront.numba_target import CaptureDispatcher, CaptureLibrary


class CapturedEntry:
    """IR that is differentiated again: the derivative is called by its symbol and linked."""

    @property
    def context(self) -> Any:
        return CaptureDispatcher.targetdescr.target_context

    def library(self, name: str) -> Any:
        return CaptureLibrary(self.context.codegen(), name)

    def callee(self, context: Any, builder: ir.IRBuilder, derivative: Embedded) -> ir.Value:
        context.active_code_library.add_linking_library(derivative.library)
        type_ = native.function_type(context, derivative, Part.WHOLE)
        return cgutils.get_or_insert_function(builder.module, type_, derivative.symbol)

    def finish(self, context: Any, library: Any, fndesc: Any, environment: Any, nogil: bool) -> Any:
        library.finalize()
        return context.get_executable(library, fndesc, environment)


class CapturedEntryDispatcher(EntryDispatcher):
    """The twin of an `EntryDispatcher`; cannot be called."""

    targetdescr = CaptureDispatcher.targetdescr

    @property
    def twin(self) -> EntryDispatcher:
        return self

    @property
    def target(self) -> Any:
        return CapturedEntry()

    def add_overload(self, cres: Any) -> None:
        self.overloads[tuple(cres.signature.args)] = cres

    def _add_synonym(self, given: tuple[types.Type, ...], overload: Any) -> None:
        """Only typed code gets here, and it finds `overloads`."""


class CapturedBatchDispatcher(BatchDispatcher):
    """The twin of a `BatchDispatcher`."""

    targetdescr = CaptureDispatcher.targetdescr

    @property
    def twin(self) -> BatchDispatcher:
        return self
