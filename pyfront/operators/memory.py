"""Memory of what was made: an operator, a derivative or a function is made once for each choice, and then found.

What is made lives as long as the object that it was made of.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from numba.core.compiler_lock import global_compiler_lock

_KNOWN = "_pyfront_operators"

T = TypeVar("T")


def remembered(owner: Any, key: Hashable, make: Callable[[], T]) -> T:
    """What ``make`` returned for this owner and key the first time."""
    known = owner.__dict__.setdefault(_KNOWN, {})
    if key not in known:
        with global_compiler_lock:
            if key not in known:
                known[key] = make()
    found: T = known[key]
    return found


def everything_remembered(owner: Any) -> list[Any]:
    """All that was made for this owner."""
    return list(owner.__dict__.get(_KNOWN, {}).values())
