"""Errors: everything that pyfront itself refuses, as children of `AutodiffError`.

A child also derives from the built-in exception that a Python programmer expects there. Numba raises the run-time
ones from native code by pickling ``(class, args)``, so every class is importable and is made from its message alone.

Exceptions that the kernel raises, and Numba's typing errors about the kernel itself, are not wrapped.
"""

from __future__ import annotations


class AutodiffError(Exception):
    """Base of all errors of pyfront."""


class UnsupportedError(AutodiffError, NotImplementedError):
    """The kernel, or the call, uses something without a derivative here; ``file`` and ``line`` say where, if known."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line


class ArgumentError(AutodiffError):
    """The arguments of a call, or the annotations, do not fit the kernel."""


class ArityError(ArgumentError, TypeError):
    """Too many or too few arguments or annotations."""


class AnnotationError(ArgumentError, TypeError):
    """An annotation that cannot stand for an argument of this type."""


class DtypeError(ArgumentError, TypeError):
    """A shadow of another type than its primal, or an argument without derivative."""


class ShapeError(ArgumentError, ValueError):
    """A shadow of another shape than its primal; ``names`` are those of the arguments."""

    def __init__(self, message: str, *names: str) -> None:
        super().__init__(message)
        self.names = names


class LayoutError(ArgumentError, ValueError):
    """A shadow with another memory layout than its primal."""


class ReadonlyError(ArgumentError, ValueError):
    """A readonly array where the derivative writes."""


class OverlapError(ArgumentError, ValueError):
    """Arrays that share memory in a way for which the derivative would be wrong."""


class AliasedCallError(OverlapError):
    """Arguments alias, and their shadows alike: that takes a derivative which only a call from Python compiles.

    ``entry`` says which entry has checked them. A kernel that calls derivatives may raise the error for one of theirs.
    """

    def __init__(self, message: str, entry: int | None = None) -> None:
        super().__init__(message)
        self.entry = entry


class SeedError(ArgumentError, TypeError):
    """A seed for a kernel without a differentiable result, or one that is not a number."""


class ResultError(ArgumentError, TypeError):
    """A function whose result is not of the kind that the operator differentiates."""


class ArgnumsError(ArgumentError, ValueError):
    """``argnums`` names an argument that there is not, or that cannot be differentiated by."""


class StructureError(ArgumentError, TypeError):
    """Tangents, cotangents or results whose tuples, lists or dicts are not those of the arguments."""


class TapeError(ArgumentError, ValueError):
    """A tape that is closed, or that another derivative has made."""


class PlanStepError(ArgumentError, ValueError):
    """``disable`` names a step that the plan does not have."""


class RuleError(AutodiffError, RuntimeError):
    """A part of a rule has raised in the middle of a reverse sweep, its exception lost, and shadows are half done; or a
    function with a rule has returned memory that is an argument's."""


class ExportError(AutodiffError, RuntimeError):
    """A library that cannot be written: a name, a folder, a compiler, a processor, or code that needs Python."""


class CheckError(AutodiffError, AssertionError):
    """`check` has found a derivative that differs from an independent one; the message is its table."""


class InternalError(AutodiffError, RuntimeError):
    """A mistake of pyfront's own; ``report`` is the folder with what is needed to reproduce it."""

    def __init__(self, message: str, report: str | None = None) -> None:
        super().__init__(message)
        self.report = report


class EngineError(AutodiffError, ImportError):
    """The engine's library cannot be used."""


class EngineNotFound(EngineError):
    """The engine's library is not where it should be."""


class EngineMismatch(EngineError):
    """Numba's LLVM and the engine's are of different major versions, so neither reads the other's bitcode reliably."""


class CacheWarning(UserWarning):
    """Derivatives are compiled though `cache=True` was asked for: the message says why. Given once in a process."""


def with_help(message: str, help: str | None) -> str:
    """The text of an error: what is wrong, then what to do."""
    return f"{message}\n  help: {help}" if help else message
