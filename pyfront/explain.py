"""Explanations: what the message of a native error cannot say, because it is made when the entry is compiled.

The error of a call names arguments; from Python, which still has them, it gets their shapes. The error for memory gets
the bytes. Compiled callers see the message without.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pyfront import runtime
from pyfront.errors import ShapeError, with_help

_TAPE_HELP = (
    "keep fewer values: fewer steps in one call, float32, or less that is overwritten after use "
    "(inspect_plan() shows what is kept)"
)


def rule_failed(kernel: str) -> str:
    """The message of a `RuleError`."""
    return with_help(
        f"a part of a rule has raised in the reverse sweep of `{kernel}`: its exception is lost, and the shadows "
        "are half done",
        "call the `reverse` part by itself",
    )


def no_memory(kernel: str) -> str:
    """The message for a derivative without memory for its tape."""
    return with_help(f"no memory for the tape of `{kernel}`", _TAPE_HELP)


def explained(
    error: Exception,
    kernel: str,
    signature: inspect.Signature | None = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Exception:
    """The error of a call as its caller should see it: with what its message lacks, and without our own frames."""
    told = error
    if isinstance(error, ShapeError) and signature and str(error).startswith(f"`{kernel}`"):
        told = _with_shapes(error, signature.bind(*args, **(kwargs or {})).arguments)
    elif isinstance(error, MemoryError) and str(error) == no_memory(kernel):
        told = _with_bytes(error, kernel)
    return told.with_traceback(None)


def _with_shapes(error: ShapeError, arguments: Mapping[str, Any]) -> ShapeError:
    if not error.names:
        return error
    texts = [f"`{name}` has the shape {np.shape(_named(arguments, name))}" for name in error.names]
    head, *rest = str(error).split("\n", 1)
    return ShapeError("\n".join([f"{head}: {', '.join(texts)}", *rest]), *error.names)


def _with_bytes(error: MemoryError, kernel: str) -> MemoryError:
    refused = runtime.load().refused_bytes()
    size = f"{refused:,} bytes" if 0 <= refused < 1 << 60 else "more bytes than can be counted"
    return MemoryError(str(error).replace(f"`{kernel}`", f"`{kernel}`: {size} at once", 1))


def _named(arguments: Mapping[str, Any], name: str) -> Any:
    """An argument, or an element of a tuple: ``t[0][1]``."""
    first, *indices = re.findall(r"[^\[\]]+", name)
    value = arguments[first]
    for index in indices:
        value = value[int(index)]
    return value
