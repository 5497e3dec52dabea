"""Batches: one derivative per number of shadows, chosen when it is called.

How many shadows a `BatchDuplicated` argument has is part of the compiled code, so `autodiff` returns a
`BatchDerivative`: a family of derivatives, one per width. A call goes to the one whose width its first batch has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numba.core import types

from pyfront.annotations import Annotation, BatchDuplicated, Duplicated, Interleaved
from pyfront.dispatch import BatchDispatcher, EntryDispatcher
from pyfront.errors import AnnotationError, ArityError, DtypeError, ShapeError, UnsupportedError, with_help

if TYPE_CHECKING:
    from pyfront.derivative import Derivative


def needs_width(annotations: Sequence[Any]) -> bool:
    """Whether a call has to say how many shadows there are."""
    return any(
        isinstance(a, type) and issubclass(a, BatchDuplicated) and not issubclass(a, Interleaved) for a in annotations
    )


def width_of(annotations: Sequence[type[Annotation]]) -> int:
    """The width that the annotations themselves state; 1 without a batch."""
    return next((a.width for a in annotations if issubclass(a, Interleaved)), 1)


def check_batches(kernel: str, annotations: Sequence[type[Annotation]]) -> None:
    """Raise if single shadows and batches are mixed: a call has one number of tangents or adjoints."""
    single = [a for a in annotations if issubclass(a, Duplicated)]
    batches = [a for a in annotations if issubclass(a, BatchDuplicated)]
    if single and batches:
        raise AnnotationError(
            with_help(
                f"`{kernel}`: {single[0].__name__} and BatchDuplicated are mixed",
                "annotate every argument that has shadows BatchDuplicated",
            )
        )


def check_width(name: str, width: int) -> None:
    """Raise if a derivative cannot have so many shadows."""
    from pyfront import engine

    most = engine.load().contract.max_width
    if not 1 <= width <= most:
        raise ShapeError(
            with_help(
                f"`{name}`: a batch of {width} shadows",
                f"pass 1 to {most}, and further ones in another call on fresh arguments",
            )
        )


class BatchDerivative:
    """The derivatives of a kernel for batches of any size that the engine takes; see `Derivative`."""

    def __init__(
        self, of_width: Callable[[int], Derivative], annotations: Sequence[type[Annotation]], origin: tuple[Any, ...]
    ) -> None:
        """``origin``: what pickle needs to find this object again."""
        one = of_width(1)
        self._of_width = of_width
        self._origin = origin
        self._is_cached = one.is_cached
        self._widths: dict[int, Derivative] = {}
        self._places = _places(annotations)
        self._dispatcher = BatchDispatcher(self._of_types)
        self.__name__ = one.__name__
        self.__doc__ = one.__doc__
        self.__signature__ = one.__signature__

    def __call__(self, *args: Any, seed: Any = None, **kwargs: Any) -> Any:
        """Run the derivative for as many shadows as the first batch of the call has."""
        given = self._positional(args, kwargs)
        for place in self._places:
            if isinstance(given[place], list):
                given[place] = tuple(given[place])
        return self.of_width(self._count(given[self._places[0]]))(*given, seed=seed)

    def of_width(self, width: int) -> Derivative:
        """The derivative for batches of this size."""
        known = self._widths.get(width)
        if known is None:
            if not self._is_cached:
                check_width(self.__name__, width)
            known = self._widths.setdefault(width, self._of_width(width))
        return known

    @property
    def _numba_type_(self) -> types.Type:
        """The type of the derivative in compiled code."""
        return types.Dispatcher(self._dispatcher)

    def __reduce__(self) -> Any:
        return self._origin

    def __repr__(self) -> str:
        return repr(self._of_width(1))

    def inspect_llvm(self) -> dict[int, Any]:
        """The optimized LLVM IR, by number of shadows."""
        return {width: derivative.inspect_llvm() for width, derivative in self._widths.items()}

    def inspect_plan(self) -> dict[int, Any]:
        """The plan as text, by number of shadows."""
        return {width: derivative.inspect_plan() for width, derivative in self._widths.items()}

    def compile_report(self) -> dict[int, Any]:
        """Where the time of compilation went, by number of shadows."""
        return {width: derivative.compile_report() for width, derivative in self._widths.items()}

    def address(self, signature: Any, width: int | None = None) -> int:
        """The address of the C function for ``width`` shadows and the types of the kernel's arguments."""
        return self._of_given(width).address(signature)

    def cdef(self, signature: Any, width: int | None = None) -> str:
        """The C declaration of the function at `address`."""
        return self._of_given(width).cdef(signature)

    def cffi(self, signature: Any, width: int | None = None) -> Any:
        """The function at `address` as a cffi function pointer."""
        return self._of_given(width).cffi(signature)

    def export(self, directory: Any, name: str, signature: Any, width: int | None = None, **options: Any) -> Any:
        """Write the C function ``name`` for ``width`` shadows as a library with headers; see `pyfront.export`."""
        return self._of_given(width).export(directory, name, signature, **options)

    def _of_given(self, width: int | None) -> Derivative:
        if width is None:
            raise UnsupportedError(
                with_help(f"`{self.__name__}`: a batch of any number of shadows has no C function", "pass width=...")
            )
        return self.of_width(width)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if not kwargs and len(args) == len(self.__signature__.parameters):
            return list(args)
        try:
            return list(self.__signature__.bind(*args, **kwargs).arguments.values())
        except TypeError as reason:
            parameters = ", ".join(self.__signature__.parameters)
            raise ArityError(f"`{self.__name__}` takes ({parameters}): {reason}") from None

    def _count(self, batch: Any) -> int:
        if isinstance(batch, tuple):
            return len(batch)
        if isinstance(batch, np.ndarray) and batch.ndim:
            return int(batch.shape[0])
        raise DtypeError(
            with_help(
                f"`{self.__name__}`: a {type(batch).__name__} is no batch of shadows",
                "pass a tuple of shadows, or one array with a leading axis over them",
            )
        )

    def _of_types(self, args: Sequence[types.Type], kws: Mapping[str, types.Type]) -> EntryDispatcher:
        """The entries for the types of a call in compiled code."""
        batch = self._positional(tuple(args), dict(kws))[self._places[0]]
        if isinstance(batch, types.BaseTuple):
            return self.of_width(len(batch.types)).entry
        raise AnnotationError(
            with_help(
                f"`{self.__name__}`: compiled code does not know how many shadows {batch} holds",
                "pass a tuple of shadows",
            )
        )


def _places(annotations: Sequence[type[Annotation]]) -> list[int]:
    """The positions of the batches among the parameters of a call."""
    result = []
    position = 0
    for annotation in annotations:
        if annotation.has_shadow:
            position += 1
            result.append(position)
        position += 1
    return result
