"""An independent derivative: the kernel's own Python source run by CPython on dual numbers.

Nothing in here knows the engine's rule table, its analyses or its compiler: what the two sides share is the kernel's
text. Invariant: no module of this package imports pyfront, except those that compare the two: `promises` and what it
is made of, `adjoints`, `tangents`, `batches` and `halves`, and `twice` and `operators`, which random programs use.
"""

from oracle.arguments import active, const, dup
from oracle.promises import check, check_raises

__all__ = ["active", "check", "check_raises", "const", "dup"]
