"""Entries of batches: the shadows of a call, interleaved for the derivative and brought back.

A derivative of width W works on memory in which the W shadows of an element lie side by side, so that they are one
vector. The caller has W arrays, or one with a leading axis:

    caller   dA[0][i], dA[1][i], ...        derivative   lane[i * W + 0], lane[i * W + 1], ...

The entry copies the shadows in before the call and out after it, in memory of the thread's arena. Batches that are
`Interleaved` are passed as they are. If the kernel raises, no shadow is written.

No two arrays of the call may share memory, those in front of their own copies least of all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from pyfront import checks, engine, native
from pyfront.annotations import Interleaved
from pyfront.arguments import Argument, Leaf
from pyfront.checks import Pair, Role, View
from pyfront.compiled import Differentiated, Embedded
from pyfront.entry import Body, Slots
from pyfront.errors import OverlapError, ShapeError, with_help
from pyfront.native import INDEX
from pyfront.results import derivative_type, has_structure

_ALIGNMENT = 64


@dataclass(frozen=True)
class _Lane:
    """One shadow of a batch: the address of its first element, and its strides in bytes."""

    data: ir.Value
    strides: tuple[ir.Value, ...]


@dataclass(frozen=True)
class _Copied:
    """A batch and its interleaved copy: an element is W times as far from ``base`` as its primal is from its data."""

    primal: View
    lanes: list[_Lane]
    base: ir.Value


class BatchBody(Body):
    """Writes the body of an entry whose Duplicated arguments have batches of shadows."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._width = self._compiled.width
        self._copied: list[_Copied] = []
        self._mark: ir.Value | None = None

    def _check(self) -> None:
        builder, kernel = self._builder, self._compiled.kernel
        constant: list[View] = []
        written: list[View] = []
        for argument, primal, shadow in zip(self._compiled.arguments, self._primal, self._shadow, strict=True):
            for leaf in argument.leaves:
                if leaf.is_array:
                    role = Role.PRIMAL if argument.is_duplicated else Role.CONST
                    view = self._view(primal, leaf, role)
                    (written if view.written else constant).append(view)
            if not argument.is_duplicated:
                continue
            for leaf in argument.shadow_leaves:
                if leaf.is_array:
                    view = self._view(shadow, leaf, Role.SHADOW)
                    self._check_shape(argument, primal, leaf, view)
                    written.append(view)
        checks.emit_layout_checks(builder, kernel, [Pair(view) for view in (*written, *constant)], self._raise)
        self._check_overlap(written, constant)

    def _check_shape(self, argument: Argument, primal: ir.Value, leaf: Leaf, view: View) -> None:
        """A shadow, or all of them in one array, has the shape of its primal."""
        builder = self._builder
        shape: tuple[ir.Value, ...] = ()
        if isinstance(argument.type, types.Array):
            shape = self._view(primal, argument.leaves[0], Role.PRIMAL).shape
        count: tuple[ir.Value, ...] = (INDEX(self._width),)
        if issubclass(argument.annotation, Interleaved):
            expected, text = shape + count, f"({argument.name}.shape..., {self._width})"
        elif isinstance(argument.shadow_type, types.Array):
            expected, text = count + shape, f"({self._width}, {argument.name}.shape...)"
        else:
            expected, text = shape, f"{argument.name}.shape"
        unequal = [builder.icmp_signed("!=", a, b) for a, b in zip(view.shape, expected, strict=True)]
        wrong = unequal[0]
        for condition in unequal[1:]:
            wrong = builder.or_(wrong, condition)
        with builder.if_then(wrong, likely=False):
            message = f"`{self._compiled.kernel}`: `{leaf.name}` has not the shape {text}"
            self._raise(ShapeError, message, leaf.name, *([argument.name] if shape else []))

    def _check_overlap(self, written: Sequence[View], constant: Sequence[View]) -> None:
        """No array overlaps one that is written, by the kernel (it may be Const) or by its derivative.

        Two loops over all of them, however many there are.
        """
        builder = self._builder
        views = [*written, *constant]
        memory = ir.ArrayType(INDEX, max(len(views), 1))
        lows, highs = (cgutils.alloca_once(builder, memory) for _ in range(2))

        def at(array: ir.Value, index: ir.Value) -> ir.Value:
            return builder.gep(array, [INDEX(0), index], inbounds=True)

        for index, view in enumerate(views):
            low, high = checks.emit_extent(builder, view)
            builder.store(low, at(lows, INDEX(index)))
            builder.store(high, at(highs, INDEX(index)))
        with cgutils.for_range(builder, INDEX(len(written))) as first:
            start = builder.add(first.index, INDEX(1))
            with cgutils.for_range(builder, INDEX(len(views)), start=start) as second:
                before = builder.icmp_unsigned(
                    "<", builder.load(at(lows, first.index)), builder.load(at(highs, second.index))
                )
                after = builder.icmp_unsigned(
                    "<", builder.load(at(lows, second.index)), builder.load(at(highs, first.index))
                )
                with builder.if_then(builder.and_(before, after), likely=False):
                    self._raise(
                        OverlapError,
                        with_help(
                            f"`{self._compiled.kernel}`: two arrays of the call share memory, "
                            "which a batch cannot handle",
                            "pass each array and each shadow with memory of its own",
                        ),
                    )

    def _outputs(self, slots: Slots) -> list[ir.Value]:
        result: list[ir.Value] = []
        for argument, primal, shadow, adjoints in zip(
            self._compiled.arguments, self._primal, self._shadow, slots.adjoints, strict=True
        ):
            result += adjoints
            if not argument.is_duplicated:
                continue
            if issubclass(argument.annotation, Interleaved):
                array = self._context.make_array(argument.shadow_type)(self._context, self._builder, shadow)
                result.append(array.data)
            elif isinstance(argument.type, types.Array):
                result.append(self._interleaved(argument, primal, shadow))
            else:
                result.append(self._numbers(argument.type, argument.shadow_type, shadow))
        return result

    def _numbers(self, scalar: types.Type, given: types.Type, value: ir.Value) -> ir.Value:
        """Stack memory with one number per lane: from a tuple, an array, or the same number in each."""
        builder = self._builder
        lanes = self._lanes(scalar)
        array = (
            self._context.make_array(given)(self._context, builder, value) if isinstance(given, types.Array) else None
        )
        for lane in range(self._width):
            number = value
            if array is not None:
                number = self._element(array, scalar, lane)
            elif isinstance(given, types.BaseTuple):
                number = builder.extract_value(value, lane)
            stored = self._context.get_return_value(builder, scalar, number)
            builder.store(stored, self._lane(lanes, scalar, lane=lane))
        return lanes

    def _interleaved(self, argument: Argument, primal: ir.Value, shadow: ir.Value) -> ir.Value:
        """The shadows of an array in the layout of the derivative; they are brought back after the call."""
        builder = self._builder
        view = self._view(primal, argument.leaves[0], Role.PRIMAL)
        low, high = checks.emit_extent(builder, view)
        data = self._allocate(builder.mul(builder.sub(high, low), INDEX(self._width)))
        # An empty array has no extent; then nothing is read at this address.
        distance = builder.mul(builder.sub(view.data, low), INDEX(self._width))
        copied = _Copied(view, self._lanes_of(argument, shadow), cgutils.pointer_add(builder, data, distance))
        self._copied.append(copied)
        self._for_each(copied, lambda lane, theirs, ours: builder.store(builder.load(theirs), ours))
        return copied.base

    def _lanes_of(self, argument: Argument, shadow: ir.Value) -> list[_Lane]:
        builder, leaves = self._builder, argument.shadow_leaves
        lanes = []
        for leaf in leaves:
            array = self._context.make_array(leaf.type)(self._context, builder, native.element(builder, shadow, leaf))
            lanes.append(_Lane(array.data, tuple(cgutils.unpack_tuple(builder, array.strides))))
        if isinstance(argument.shadow_type, types.BaseTuple):
            return lanes
        data, strides = lanes[0].data, lanes[0].strides
        return [
            _Lane(cgutils.pointer_add(builder, data, builder.mul(strides[0], INDEX(lane))), strides[1:])
            for lane in range(self._width)
        ]

    def _for_each(self, copied: _Copied, copy: Callable[[int, ir.Value, ir.Value], Any]) -> None:
        """Call ``copy`` for each lane of each element, with the addresses of the caller's and of our number."""
        builder, primal = self._builder, copied.primal
        pointer = self._context.get_data_type(primal.type.dtype).as_pointer()

        def offset(indices: Sequence[ir.Value], strides: Sequence[ir.Value]) -> ir.Value:
            total = INDEX(0)
            for index, stride in zip(indices, strides, strict=True):
                total = builder.add(total, builder.mul(index, stride))
            return total

        order = "F" if primal.type.layout == "F" else "C"
        with cgutils.loop_nest(builder, primal.shape, INDEX, order=order) as indices:
            element = builder.mul(offset(indices, primal.strides), INDEX(self._width))
            for number, lane in enumerate(copied.lanes):
                there = cgutils.pointer_add(builder, lane.data, offset(indices, lane.strides))
                theirs = builder.bitcast(there, pointer)
                place = builder.add(element, INDEX(number * primal.itemsize))
                ours = builder.bitcast(cgutils.pointer_add(builder, copied.base, place), pointer)
                copy(number, theirs, ours)

    def _store_back(self) -> None:
        builder = self._builder
        for copied in self._copied:
            self._for_each(copied, lambda lane, theirs, ours: builder.store(builder.load(ours), theirs))

    def _allocate(self, size: ir.Value) -> ir.Value:
        builder = self._builder
        if isinstance(self._compiled, Embedded):
            allocate = self._runtime(engine.load().contract.allocate, native.POINTER, [INDEX, INDEX])
            return builder.call(allocate, [size, INDEX(_ALIGNMENT)])
        if self._mark is None:
            self._mark = builder.call(self._runtime("pyfront_arena_enter", INDEX, []), [])
        memory = builder.call(self._runtime("pyfront_arena_alloc", native.POINTER, [INDEX]), [size])
        with builder.if_then(cgutils.is_null(builder, memory), likely=False):
            self._raise(MemoryError, f"no memory for the shadows of `{self._compiled.kernel}`")
        return memory

    def _raise(self, error: type[BaseException], *args: Any) -> None:
        self._release()
        super()._raise(error, *args)

    def _release(self) -> None:
        if self._mark is not None:
            self._builder.call(self._runtime("pyfront_arena_leave", ir.VoidType(), [INDEX]), [self._mark])

    def _runtime(self, name: str, result: ir.Type, parameters: list[ir.Type]) -> ir.Function:
        return cgutils.get_or_insert_function(self._builder.module, ir.FunctionType(result, parameters), name)

    def _seed_lanes(self) -> list[tuple[types.Type, ir.Value | None]]:
        given, seed, builder = self._seed_type, self._seed, self._builder
        if seed is not None and isinstance(given, types.Array):
            array = self._context.make_array(given)(self._context, builder, seed)
            length = cgutils.unpack_tuple(builder, array.shape)[0]
            with builder.if_then(builder.icmp_signed("!=", length, INDEX(self._width)), likely=False):
                self._raise(ShapeError, f"`{self._compiled.kernel}`: the seeds must be {self._width}")
            return [(given.dtype, self._element(array, given.dtype, lane)) for lane in range(self._width)]
        if seed is not None and is_seed_per_lane(self._compiled, given):
            return [(type_, builder.extract_value(seed, lane)) for lane, type_ in enumerate(given.types)]
        return [(given, seed)] * self._width

    def _element(self, array: Any, scalar: types.Type, index: int) -> ir.Value:
        """An element of a one-dimensional array."""
        builder = self._builder
        stride = cgutils.unpack_tuple(builder, array.strides)[0]
        pointer = cgutils.pointer_add(builder, array.data, builder.mul(stride, INDEX(index)))
        return self._context.unpack_value(builder, scalar, builder.bitcast(pointer, array.data.type))

    def _each_lane(self, type_: types.Type, places: list[tuple[int, ir.Value]]) -> ir.Value:
        lanes = [self._packed(type_, iter(places), lane) for lane in range(self._width)]
        return self._context.make_tuple(self._builder, types.UniTuple(derivative_type(type_), self._width), lanes)


def is_seed_per_lane(compiled: Differentiated, given: types.Type) -> bool:
    """Whether the seed of a batch is a tuple with one seed of the result per lane, and not one for all of them."""
    if not isinstance(given, types.BaseTuple) or len(given.types) != compiled.width:
        return False
    returns = compiled.returns
    return not has_structure(returns, given) and all(has_structure(returns, element) for element in given.types)
