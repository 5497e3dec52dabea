"""Run-time checks: what must hold of the arrays of a call before the derivative runs, as LLVM IR in front of it.

Each shadow has its primal's shape and strides; no shadow overlaps a primal or a Const array; Duplicated primals
overlap only where their shadows do, at the same distance; no Const array overlaps a Duplicated one. Const arrays may
overlap each other: if the kernel writes one of them, the derivative is compiled for arguments that alias. Arrays
without elements overlap nothing. Overlap is that of memory extents, so each pair costs
constant time: arrays that interleave without sharing an element count as overlapping.

The usual call pays for comparisons and one branch. Only when some pair overlaps does it find out which.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from llvmlite import ir
from numba.core import types

from pyfront.errors import AliasedCallError, ArgumentError, LayoutError, OverlapError, ShapeError, with_help

_INDEX = ir.IntType(64)


class Fail(Protocol):
    """Writes the end of the current block: leave the call with this error, made of these arguments."""

    def __call__(self, error: type[ArgumentError], *args: str) -> None: ...


class Role(enum.Enum):
    CONST = "const"
    PRIMAL = "primal"
    SHADOW = "shadow"


@dataclass(frozen=True)
class View:
    """An array of the call as LLVM values."""

    name: str
    type: types.Array
    role: Role
    data: ir.Value
    """The address of its first element, as an integer."""
    shape: tuple[ir.Value, ...]
    strides: tuple[ir.Value, ...]
    itemsize: int
    written: bool = True
    """Whether the derivative may write it: a Const array where the kernel uses it as workspace."""


@dataclass(frozen=True)
class Pair:
    """A Duplicated array and its shadow, or an array alone: a Const one, or one whose shadow another call brings."""

    primal: View
    shadow: View | None = None


@dataclass(frozen=True)
class _Extent:
    view: View
    pair: Pair
    low: ir.Value
    high: ir.Value


def emit_layout_checks(builder: ir.IRBuilder, kernel: str, pairs: Sequence[Pair], fail: Fail) -> None:
    """Check that each shadow has its primal's shape and strides, and that no two elements that are written are one."""
    for pair in pairs:
        if pair.primal.type.layout == "A" and pair.primal.written:
            with builder.if_then(emit_folded(builder, pair.primal), likely=False):
                fail(
                    OverlapError,
                    with_help(
                        f"`{kernel}`: elements of `{pair.primal.name}` overlap each other",
                        "pass a copy in which each element has its own memory",
                    ),
                )
        if pair.shadow is None:
            continue
        primal, shadow = pair.primal, pair.shadow
        unequal = [builder.icmp_signed("!=", a, b) for a, b in zip(primal.shape, shadow.shape, strict=True)]
        with builder.if_then(_any(builder, unequal), likely=False):
            fail(
                ShapeError,
                with_help(
                    f"`{kernel}`: shadow `{shadow.name}` has not the shape of `{primal.name}`",
                    f"make it with np.zeros_like({primal.name})",
                ),
                shadow.name,
                primal.name,
            )
        if primal.type.layout == shadow.type.layout != "A":
            continue
        stray = [
            builder.and_(builder.icmp_signed(">", extent, _INDEX(1)), builder.icmp_signed("!=", a, b))
            for extent, a, b in zip(primal.shape, primal.strides, shadow.strides, strict=True)
        ]
        some = builder.icmp_signed("!=", _items(builder, primal), _INDEX(0))
        with builder.if_then(builder.and_(some, _any(builder, stray)), likely=False):
            fail(
                LayoutError,
                with_help(
                    f"`{kernel}`: shadow `{shadow.name}` has not the strides of `{primal.name}`",
                    f"slice the shadow from a larger array as `{primal.name}` was, or pass contiguous copies",
                ),
            )


def emit_folded(builder: ir.IRBuilder, view: View) -> ir.Value:
    """Whether elements may share memory: some axis does not step over all that the axes of smaller stride cover."""
    zero, one = _INDEX(0), _INDEX(1)
    distances = [
        builder.select(builder.icmp_signed("<", stride, zero), builder.neg(stride), stride) for stride in view.strides
    ]
    several = [builder.icmp_signed(">", extent, one) for extent in view.shape]
    reaches = [
        builder.select(more, builder.mul(builder.sub(extent, one), distance), zero)
        for more, extent, distance in zip(several, view.shape, distances, strict=True)
    ]
    short = []
    for axis, distance in enumerate(distances):
        covered: ir.Value = _INDEX(view.itemsize)
        for other, reach in enumerate(reaches):
            if other == axis:
                continue
            order = "<=" if other < axis else "<"
            below = builder.icmp_signed(order, distances[other], distance)
            covered = builder.add(covered, builder.select(below, reach, zero))
        short.append(builder.and_(several[axis], builder.icmp_signed("<", distance, covered)))
    filled = builder.icmp_signed("!=", _items(builder, view), zero)
    return builder.and_(filled, _any(builder, short))


def emit_overlap_checks(
    builder: ir.IRBuilder, kernel: str, pairs: Sequence[Pair], fail: Fail, aliased: Fail | None
) -> None:
    """Check that arrays share no memory that is written.

    They may, where their shadows do alike, in code that is compiled for that (no ``aliased``).
    """
    extents = [
        _extent(builder, view, pair) for pair in pairs for view in (pair.primal, pair.shadow) if view is not None
    ]
    suspects = [(a, b) for a, b in itertools.combinations(extents, 2) if _matters(a.view, b.view)]
    overlaps = [_overlap(builder, a, b) for a, b in suspects]
    if not overlaps:
        return
    with builder.if_then(_any(builder, overlaps), likely=False):
        alike: list[tuple[ir.Value, str]] = []
        for (a, b), overlap in zip(suspects, overlaps, strict=True):
            legal = _legal(builder, a, b)
            wrong = overlap if legal is None else builder.and_(overlap, builder.not_(legal))
            with builder.if_then(wrong):
                fail(OverlapError, f"`{kernel}`: {_reason(a, b)}")
            if legal is not None:
                alike.append((overlap, f"`{a.view.name}` and `{b.view.name}`"))
        for overlap, names in alike if aliased else []:
            with builder.if_then(overlap):
                assert aliased is not None
                aliased(
                    AliasedCallError,
                    with_help(
                        f"`{kernel}`: {names} overlap, which this call cannot handle",
                        "call the derivative from Python: it is then compiled for arguments that alias",
                    ),
                )


def _matters(a: View, b: View) -> bool:
    """Two arrays that nobody writes may share memory."""
    return a.written or b.written


def _legal(builder: ir.IRBuilder, a: _Extent, b: _Extent) -> ir.Value | None:
    """The condition under which overlap of ``a`` and ``b`` is right, None if it never is."""
    if a.view.role is not b.view.role or a.view.type.dtype != b.view.type.dtype:
        return None
    if a.view.role is Role.CONST:
        return ir.Constant(ir.IntType(1), 1)
    if a.view.role is Role.PRIMAL and a.pair.shadow is b.pair.shadow is None:
        return ir.Constant(ir.IntType(1), 1)
    if a.pair.shadow is None or b.pair.shadow is None:
        return None
    primals = builder.sub(b.pair.primal.data, a.pair.primal.data)
    shadows = builder.sub(b.pair.shadow.data, a.pair.shadow.data)
    return builder.icmp_signed("==", primals, shadows)


def _reason(a: _Extent, b: _Extent) -> str:
    names = f"`{a.view.name}` and `{b.view.name}`"
    roles = {a.view.role, b.view.role}
    if a.view.role is b.view.role and a.view.type.dtype != b.view.type.dtype:
        return with_help(
            f"{names} share memory as {a.view.type.dtype} and {b.view.type.dtype}",
            f"pass a copy of `{b.view.name}`",
        )
    if roles == {Role.PRIMAL}:
        return with_help(
            f"the arrays {names} overlap, but not their shadows in the same way",
            "pass shadows that share memory as the arrays do, or pass copies",
        )
    if roles == {Role.SHADOW}:
        return with_help(
            f"the shadows {names} overlap, but not the arrays in the same way", "pass a separate shadow for each array"
        )
    if Role.SHADOW in roles:
        shadow, other = (a, b) if a.view.role is Role.SHADOW else (b, a)
        return with_help(
            f"the shadow `{shadow.view.name}` overlaps the array `{other.view.name}`",
            "pass a shadow with memory of its own",
        )
    const, other = (a, b) if a.view.role is Role.CONST else (b, a)
    return with_help(
        f"`{const.view.name}` is Const but overlaps `{other.view.name}`, which is Duplicated",
        f"pass a copy of `{const.view.name}`, or make it Duplicated with the matching shadow",
    )


def _extent(builder: ir.IRBuilder, view: View, pair: Pair) -> _Extent:
    low, high = emit_extent(builder, view)
    return _Extent(view, pair, low, high)


def emit_extent(builder: ir.IRBuilder, view: View) -> tuple[ir.Value, ir.Value]:
    """First byte and the byte after the last one; an empty array lies at 0 and overlaps nothing."""
    items = _items(builder, view)
    if view.type.layout in "CF":
        low = view.data
        high = builder.add(low, builder.mul(items, _INDEX(view.itemsize)))
    else:
        low = view.data
        high = builder.add(view.data, _INDEX(view.itemsize))
        for extent, stride in zip(view.shape, view.strides, strict=True):
            reach = builder.mul(builder.sub(extent, _INDEX(1)), stride)
            backward = builder.icmp_signed("<", stride, _INDEX(0))
            low = builder.add(low, builder.select(backward, reach, _INDEX(0)))
            high = builder.add(high, builder.select(backward, _INDEX(0), reach))
    empty = builder.icmp_signed("==", items, _INDEX(0))
    zero = _INDEX(0)
    return builder.select(empty, zero, low), builder.select(empty, zero, high)


def _overlap(builder: ir.IRBuilder, a: _Extent, b: _Extent) -> ir.Value:
    return builder.and_(
        builder.icmp_unsigned("<", a.low, b.high),
        builder.icmp_unsigned("<", b.low, a.high),
    )


def _items(builder: ir.IRBuilder, view: View) -> ir.Value:
    return reduce(builder.mul, view.shape)


def _any(builder: ir.IRBuilder, conditions: Sequence[ir.Value]) -> ir.Value:
    return reduce(builder.or_, conditions)
