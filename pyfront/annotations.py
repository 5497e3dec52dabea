"""Annotations: what a derivative does with each argument of the kernel.

An annotation is used as a class, ``autodiff(kernel, Active, Duplicated)``, or, with values, as an instance,
``autodiff(kernel, Active(x), Duplicated(A, dA))``. ``values`` is what the call of the derivative receives in the
argument's place.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar


class Annotation:
    """Base of the annotations; ``values`` are the arguments of the derivative's call that it stands for."""

    __slots__ = ("values",)
    has_shadow: ClassVar[bool] = False

    def __init__(self, *values: Any) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.values))})"


class Const(Annotation):
    """No derivative is wanted with respect to this argument."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        super().__init__(value)


class Active(Annotation):
    """A scalar whose adjoint the derivative returns."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        super().__init__(value)


class Duplicated(Annotation):
    """An array followed by its shadow, the array of its adjoints."""

    __slots__ = ()
    has_shadow = True

    def __init__(self, primal: Any, shadow: Any) -> None:
        super().__init__(primal, shadow)


class DuplicatedNoNeed(Duplicated):
    """As `Duplicated`, where nobody reads the primal's final value."""

    __slots__ = ()


class BatchDuplicated(Annotation):
    """An array, or in forward mode a scalar, followed by a batch of shadows, all of which one call differentiates.

    The batch is a tuple of arrays like the primal (of numbers for a scalar), or one array with a leading axis that
    counts them. All batches of a call have the same size, at most 64.
    """

    __slots__ = ()
    has_shadow = True

    def __init__(self, primal: Any, shadows: Any) -> None:
        super().__init__(primal, shadows)


class Interleaved(BatchDuplicated):
    """A batch in the memory layout that derivatives work on, taken as it is: not part of the public interface.

    The primal is C-contiguous of shape ``s``, the batch C-contiguous of shape ``s + (width,)``; for a scalar an array
    of ``width``. Made by `interleaved`.
    """

    __slots__ = ()
    width: ClassVar[int]


@functools.cache
def interleaved(width: int) -> type[Interleaved]:
    """The annotation for interleaved batches of this size, the same one each time."""
    return type(f"Interleaved{width}", (Interleaved,), {"__slots__": (), "width": width})
