"""Shadows: the types that a shadow, or a batch of shadows, may have for the type of its primal.

    float64 array of rank r        an array of the same dtype and rank, writable
    ... in a batch of W            a tuple of W such arrays, or one array with a leading axis of W
    float64 scalar (forward mode)  a number
    ... in a batch of W            a tuple of W numbers, or an array of W

What depends on values (shapes, strides, overlap) is checked natively, see ``checks`` and ``batch_entry``.
"""

from __future__ import annotations

from typing import NamedTuple

from numba.core import types

from pyfront.annotations import Interleaved
from pyfront.errors import AnnotationError, DtypeError, LayoutError, ReadonlyError, ShapeError, with_help


class Pair(NamedTuple):
    """A Duplicated argument, or an element of one, with what is given as its shadow."""

    kernel: str
    name: str
    primal: types.Type
    shadow_name: str
    shadow: types.Type


def shadow_of(pair: Pair, *, scalars: bool) -> types.Type:
    """The type as which the shadow is taken; raises if it does not fit. In forward mode there are ``scalars`` too."""
    primal, shadow = pair.primal, pair.shadow
    if isinstance(primal, types.BaseTuple):
        if not isinstance(shadow, types.BaseTuple) or len(shadow.types) != len(primal.types):
            raise DtypeError(
                f"`{pair.kernel}`: shadow `{pair.shadow_name}` must be a tuple of {len(primal.types)} elements "
                f"like `{pair.name}`, it is {shadow}"
            )
        elements = [
            shadow_of(
                Pair(pair.kernel, f"{pair.name}[{i}]", element, f"{pair.shadow_name}[{i}]", types.unliteral(its)),
                scalars=scalars,
            )
            for i, (element, its) in enumerate(zip(primal.types, shadow.types, strict=True))
        ]
        return types.BaseTuple.from_types(elements, getattr(shadow, "instance_class", None))
    if isinstance(primal, types.Array):
        check_arrays(pair)
        return shadow
    if isinstance(primal, types.Dispatcher):
        raise AnnotationError(
            with_help(
                f"`{pair.kernel}`: argument `{pair.name}` is a function, which has no derivative", "annotate it Const"
            )
        )
    if not scalars:
        raise AnnotationError(
            with_help(
                f"`{pair.kernel}`: argument `{pair.name}` is a scalar ({primal}), "
                "so it cannot be Duplicated in reverse mode",
                "annotate it Active: its adjoint is returned",
            )
        )
    if not isinstance(primal, types.Float):
        raise DtypeError(
            with_help(
                f"`{pair.kernel}`: argument `{pair.name}` is of type {primal}, which has no derivative",
                "annotate it Const",
            )
        )
    if not isinstance(shadow, (types.Float, types.Integer)):
        raise DtypeError(
            with_help(
                f"`{pair.kernel}`: tangent `{pair.shadow_name}` is not a number but {shadow}",
                f"pass a float, as `{pair.name}` is one",
            )
        )
    return primal


def check_arrays(pair: Pair) -> None:
    kernel, name, primal, shadow_name, shadow = pair
    assert isinstance(primal, types.Array)
    if not isinstance(primal.dtype, types.Float):
        raise DtypeError(
            with_help(
                f"`{kernel}`: argument `{name}` holds {primal.dtype}, which has no derivative", "annotate it Const"
            )
        )
    if not primal.mutable:
        raise ReadonlyError(
            with_help(f"`{kernel}`: argument `{name}` is readonly, so it cannot be Duplicated", "pass a writable copy")
        )
    make = f"make it with np.zeros_like({name})"
    if type(shadow) is not types.Array:
        raise DtypeError(with_help(f"`{kernel}`: shadow `{shadow_name}` is not an array but {shadow}", make))
    if shadow.dtype != primal.dtype:
        raise DtypeError(
            with_help(f"`{kernel}`: shadow `{shadow_name}` holds {shadow.dtype}, `{name}` holds {primal.dtype}", make)
        )
    if shadow.ndim != primal.ndim:
        raise LayoutError(
            with_help(
                f"`{kernel}`: shadow `{shadow_name}` has {shadow.ndim} dimensions, `{name}` has {primal.ndim}", make
            )
        )
    if not shadow.mutable:
        raise ReadonlyError(with_help(f"`{kernel}`: shadow `{shadow_name}` is readonly", make))
    if {shadow.layout, primal.layout} == {"C", "F"}:
        order = {"C": "C (row-major)", "F": "Fortran (column-major)"}
        raise LayoutError(
            with_help(
                f"`{kernel}`: shadow `{shadow_name}` is in {order[shadow.layout]} order, "
                f"`{name}` in {order[primal.layout]} order",
                make,
            )
        )
    if primal.aligned and not shadow.aligned:
        raise LayoutError(with_help(f"`{kernel}`: shadow `{shadow_name}` is not aligned, `{name}` is", make))


def batch_of(pair: Pair, width: int, annotation: type, *, scalars: bool) -> types.Type:
    """The type as which a batch of ``width`` shadows is taken; raises if it does not fit."""
    kernel, name, primal, shadow_name, shadow = pair
    if issubclass(annotation, Interleaved):
        _check_interleaved(pair)
        return shadow
    if isinstance(primal, types.BaseTuple):
        raise AnnotationError(
            with_help(
                f"`{kernel}`: argument `{name}` is a tuple, which cannot be BatchDuplicated",
                "pass each element as an argument of its own",
            )
        )
    if not scalars and not isinstance(primal, types.Array):
        return shadow_of(pair, scalars=False)
    if isinstance(shadow, types.BaseTuple):
        if len(shadow.types) != width:
            raise ShapeError(
                f"`{kernel}`: `{shadow_name}` holds {len(shadow.types)} shadows of `{name}`, "
                f"the first batch of the call holds {width}"
            )
        lanes = [Pair(kernel, name, primal, f"{shadow_name}[{i}]", t) for i, t in enumerate(shadow.types)]
        return types.BaseTuple.from_types([_lane_of(lane) for lane in lanes])
    if not isinstance(shadow, types.Array):
        raise DtypeError(
            with_help(
                f"`{kernel}`: `{shadow_name}` is {shadow}, not a batch of shadows",
                f"pass a tuple of shadows of `{name}`, or one array with a leading axis over them",
            )
        )
    rank = primal.ndim if isinstance(primal, types.Array) else 0
    if shadow.ndim != rank + 1:
        raise LayoutError(
            f"`{kernel}`: `{shadow_name}` has {shadow.ndim} dimensions; a batch of shadows of `{name}` has {rank + 1}, "
            "the first of which counts them"
        )
    _lane_of(Pair(kernel, name, primal, shadow_name, shadow.copy(ndim=rank, layout="A") if rank else shadow.dtype))
    if not rank and shadow.dtype != primal:
        raise DtypeError(f"`{kernel}`: `{shadow_name}` holds {shadow.dtype}, `{name}` is {primal}")
    return shadow


def _lane_of(pair: Pair) -> types.Type:
    """One shadow of a batch. It is copied, so its layout is free."""
    if isinstance(pair.primal, types.Array) and isinstance(pair.shadow, types.Array):
        free = pair._replace(primal=pair.primal.copy(layout="A"), shadow=pair.shadow.copy(layout="A"))
        shadow_of(free, scalars=True)
        return pair.shadow
    return shadow_of(pair, scalars=True)


def _check_interleaved(pair: Pair) -> None:
    rank = pair.primal.ndim if isinstance(pair.primal, types.Array) else 0
    dtype = pair.primal.dtype if isinstance(pair.primal, types.Array) else pair.primal
    fits = isinstance(pair.shadow, types.Array) and pair.shadow.dtype == dtype and pair.shadow.ndim == rank + 1
    contiguous = pair.shadow.layout == "C" and (rank == 0 or pair.primal.layout == "C") if fits else False
    if not contiguous or not pair.shadow.mutable:
        raise LayoutError(
            f"`{pair.kernel}`: `{pair.shadow_name}` ({pair.shadow}) is no interleaved batch for `{pair.name}` "
            f"({pair.primal})"
        )
