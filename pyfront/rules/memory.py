"""Memory of a derivative's call, for the parts of a rule.

A derivative hands over addresses: of shadows, of the frame in which a forward part has left what the reverse part
needs, and, as a number, of the tape (or 0: the arena) that lends memory. What a part leaves in memory that is lent
lives as long as the call of the outermost derivative, or as its tape; nobody counts references to it.

A part that is captured, for a derivative that will be differentiated again, allocates as a kernel does, and whoever
differentiates it decides where that memory is.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.core.extending import intrinsic, overload, register_jitable
from numba.np import arrayobj

_ALLOCATE = "pyfront_tape_alloc"


def _array(context: Any, builder: Any, type_: types.Array, data: Any, shape: Any, strides: Any) -> Any:
    """An array that owns nothing."""
    array = context.make_array(type_)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(type_.dtype)))
    arrayobj.populate_array(
        array, builder.bitcast(data, array.data.type), shape, strides, itemsize, meminfo=None, parent=None
    )
    return array._getvalue()


def _contiguous(context: Any, builder: Any, type_: types.Array, shape: Any) -> tuple[Any, Any]:
    """The strides and the bytes of a contiguous array of this shape."""
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(type_.dtype)))
    strides = [size] * type_.ndim
    axes = range(type_.ndim) if type_.layout == "F" else range(type_.ndim - 1, -1, -1)
    for axis in axes:
        strides[axis] = size
        size = builder.mul(size, shape[axis])
    return strides, size


def _lent(context: Any, builder: Any, type_: types.Array, lender: Any, shape: Any) -> Any:
    """A contiguous array in lent memory; its elements are anything."""
    strides, size = _contiguous(context, builder, type_, shape)
    if getattr(context, "is_capture", False):
        plain = type_.copy(layout="F" if type_.layout == "F" else "C", readonly=False)
        made = arrayobj._empty_nd_impl(context, builder, plain, shape)
        return _array(context, builder, type_, made.data, shape, strides)
    pointer = ir.IntType(8).as_pointer()
    allocate = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(pointer, [pointer, ir.IntType(64)]), _ALLOCATE
    )
    data = builder.call(allocate, [builder.inttoptr(lender, pointer), size])
    with cgutils.if_unlikely(builder, cgutils.is_null(builder, data)):
        context.call_conv.return_user_exc(builder, MemoryError, ("out of memory for what a rule keeps",))
    return _array(context, builder, type_, data, shape, strides)


@intrinsic
def lent(typing_context: Any, lender: Any, array: Any) -> Any:
    """A contiguous copy of ``array`` in lent memory, of the same type."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        type_ = signature.args[1]
        source = context.make_array(type_)(context, builder, args[1])
        shape = cgutils.unpack_tuple(builder, source.shape)
        value = _lent(context, builder, type_, args[0], shape)
        result = context.make_array(type_)(context, builder, value)
        if type_.layout != "A":
            cgutils.raw_memcpy(builder, result.data, source.data, source.nitems, source.itemsize)
            return value
        with cgutils.loop_nest(builder, shape, ir.IntType(64)) as indices:
            element = builder.load(_element(context, builder, type_, source, indices))
            builder.store(element, _element(context, builder, type_, result, indices))
        return value

    return array(types.intp, array), codegen


@functools.cache
def lent_in(result: types.Array) -> Any:
    """``lent_in(type)(lender, array)``: a copy of ``array`` in lent memory, of a contiguous type.

    A part that returns another kind of array than its function does is refused.
    """

    @intrinsic
    def copied(typing_context: Any, lender: Any, array: Any) -> Any:
        if not isinstance(array, types.Array) or (array.dtype, array.ndim) != (result.dtype, result.ndim):
            raise TypingError(f"it returns {array} where the function returns {result}")

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            given = signature.args[1]
            source = context.make_array(given)(context, builder, args[1])
            shape = cgutils.unpack_tuple(builder, source.shape)
            value = _lent(context, builder, result, args[0], shape)
            copy = context.make_array(result)(context, builder, value)
            if given.layout == result.layout:
                cgutils.raw_memcpy(builder, copy.data, source.data, source.nitems, source.itemsize)
                return value
            with cgutils.loop_nest(builder, shape, ir.IntType(64)) as indices:
                element = builder.load(_element(context, builder, given, source, indices))
                builder.store(element, _element(context, builder, result, copy, indices))
            return value

        return result(types.intp, array), codegen

    return copied


def number_as(value: Any, like: Any) -> Any:
    """A number of a value, as the type that the function returns; another kind of number is refused."""
    raise NotImplementedError


@overload(number_as, strict=False)
def _number_as(value: Any, like: Any) -> Any:
    given, result = types.unliteral(value), types.unliteral(like)
    kinds = (types.Boolean, types.Integer, types.Float)
    rank = [next((k for k, kind in enumerate(kinds) if isinstance(t, kind)), None) for t in (given, result)]
    if given == result:
        return lambda value, like: value
    if None in rank or rank[0] > rank[1]:  # type: ignore[operator]
        raise TypingError(f"it returns {given} where the function returns {result}")
    return lambda value, like: result(value)


def exactly(found: Any, count: int) -> Any:
    """A tuple of so many; None and () are none."""
    raise NotImplementedError


@overload(exactly, strict=False)
def _exactly(found: Any, count: Any) -> Any:
    wanted = count.literal_value if isinstance(count, types.Literal) else None
    if wanted is None:
        return None
    has = 0 if isinstance(found, types.NoneType) else found.count if isinstance(found, types.BaseTuple) else None
    if has != wanted:
        raise TypingError(f"it returns {found} where a tuple of {wanted} is wanted")
    return lambda found, count: found


@intrinsic
def lent_as(typing_context: Any, lender: Any, array: Any, like: Any) -> Any:
    """A copy of ``array`` in lent memory, with its elements in the order of ``like``, which has the same shape."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, given, type_ = signature.args
        source = context.make_array(given)(context, builder, args[1])
        model = context.make_array(type_)(context, builder, args[2])
        shape = cgutils.unpack_tuple(builder, model.shape)
        for extent, wanted in zip(cgutils.unpack_tuple(builder, source.shape), shape, strict=True):
            with cgutils.if_unlikely(builder, builder.icmp_signed("!=", extent, wanted)):
                message = "the tangent of an array has another shape than the array"
                context.call_conv.return_user_exc(builder, ValueError, (message,))
        value = _lent(context, builder, type_, args[0], shape)
        result = context.make_array(type_)(context, builder, value)
        with cgutils.loop_nest(builder, shape, ir.IntType(64)) as indices:
            element = builder.load(_element(context, builder, given, source, indices))
            element = context.cast(builder, element, given.dtype, type_.dtype)
            builder.store(element, _element(context, builder, type_, result, indices))
        return value

    return like(types.intp, array, like), codegen


def _element(context: Any, builder: Any, type_: types.Array, array: Any, indices: Any) -> Any:
    shape = cgutils.unpack_tuple(builder, array.shape)
    strides = cgutils.unpack_tuple(builder, array.strides)
    return cgutils.get_item_pointer2(context, builder, array.data, shape, strides, "A", indices)


@register_jitable
def kept(lender: int, array: Any, copies: int, place: int) -> Any:
    """``array``, or a copy of it where bit ``place`` of ``copies`` is set."""
    if copies >> place & 1:
        return lent(lender, array)
    return array


@intrinsic
def as_contiguous(typing_context: Any, array: Any) -> Any:
    """``array``, whose elements lie in the order of its layout (any: C), as a type that says so."""
    layout = "C" if array.layout == "A" else array.layout
    result = types.Array(array.dtype, array.ndim, layout)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, args[0])
        shape = cgutils.unpack_tuple(builder, given.shape)
        strides = cgutils.unpack_tuple(builder, given.strides)
        return _array(context, builder, signature.return_type, given.data, shape, strides)

    return result(array), codegen


@intrinsic
def _extent(typing_context: Any, array: Any) -> Any:
    """The addresses between which the elements of an array lie."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        type_ = signature.args[0]
        source = context.make_array(type_)(context, builder, args[0])
        shape = cgutils.unpack_tuple(builder, source.shape)
        strides = cgutils.unpack_tuple(builder, source.strides)
        bounds = arrayobj.offset_bounds_from_strides(context, builder, type_, source, shape, strides)
        ends = arrayobj.compute_memory_extents(context, builder, *bounds, source.data)
        return context.make_tuple(builder, signature.return_type, ends)

    return types.UniTuple(types.uintp, 2)(array), codegen


@register_jitable
def overlap(a: Any, b: Any) -> bool:
    """Whether two arrays may have an element in common."""
    if a.size == 0 or b.size == 0:
        return False
    (begin, end), (other_begin, other_end) = _extent(a), _extent(b)
    return bool(begin < other_end and other_begin < end)


@functools.cache
def shadow_at(is_batch: bool) -> Any:
    """``shadow(address, like, strides, lane, width)``: the shadow of ``like`` at an address, one lane of it.

    The strides are those of the array that the function was given; ``like`` may be a copy of it.
    """

    @intrinsic
    def shadow(typing_context: Any, address: Any, like: Any, strides: Any, lane: Any, width: Any) -> Any:
        result = like.copy(readonly=False, layout="A") if is_batch else like.copy(readonly=False)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address, like, strides, lane, width = args
            source = context.make_array(signature.args[1])(context, builder, like)
            shape = cgutils.unpack_tuple(builder, source.shape)
            strides = cgutils.unpack_tuple(builder, strides)
            if is_batch:
                strides = [builder.mul(stride, width) for stride in strides]
                address = cgutils.pointer_add(builder, address, builder.mul(lane, source.itemsize))
            return _array(context, builder, signature.return_type, address, shape, strides)

        return result(types.voidptr, like, strides, types.intp, types.intp), codegen

    return shadow


def frame_at(frame: types.Type) -> Any:
    """``load(address)``: the value of type ``frame`` that a part has returned there."""

    @intrinsic
    def load(typing_context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.bitcast(args[0], context.get_return_type(frame).as_pointer())
            return context.get_returned_value(builder, frame, builder.load(pointer))

        return frame(types.voidptr), codegen

    return load


@intrinsic
def unvaried(typing_context: Any, lender: Any, like: Any) -> Any:
    """Zeros in lent memory: the tangent of an array that has none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        type_ = signature.args[1]
        source = context.make_array(type_)(context, builder, args[1])
        value = _lent(context, builder, type_, args[0], cgutils.unpack_tuple(builder, source.shape))
        result = context.make_array(type_)(context, builder, value)
        cgutils.memset(builder, result.data, builder.mul(source.nitems, source.itemsize), 0)
        return value

    return like(types.intp, like), codegen


@register_jitable
def zeros(like: Any) -> Any:
    """Zeros in the place of a shadow that there is not."""
    return unvaried(0, like)


def add_cotangent(total: Any, cotangent: Any) -> None:
    """``total += cotangent``; None is zero."""
    raise NotImplementedError


@overload(add_cotangent, strict=False)
def _add_cotangent(total: Any, cotangent: Any) -> Any:
    if isinstance(cotangent, types.NoneType):
        return lambda total, cotangent: None

    def add(total: Any, cotangent: Any) -> None:
        if total.shape != cotangent.shape:
            raise ValueError("the cotangent of an array has another shape than the array")
        for index in np.ndindex(total.shape):
            total[index] += cotangent[index]

    return add


def number(cotangent: Any) -> Any:
    """The cotangent of a number; None is zero."""
    raise NotImplementedError


@overload(number, strict=False)
def _number(cotangent: Any) -> Any:
    if isinstance(cotangent, types.NoneType):
        return lambda cotangent: 0.0
    return lambda cotangent: cotangent


def inner(seed: Any, dot: Any) -> float:
    """The product of an adjoint and a tangent of one value; None is zero."""
    raise NotImplementedError


@overload(inner, strict=False)
def _inner(seed: Any, dot: Any) -> Any:
    if isinstance(seed, types.NoneType) or isinstance(dot, types.NoneType):
        return lambda seed, dot: 0.0
    if not isinstance(seed, types.Array):
        return lambda seed, dot: seed * dot

    def of_arrays(seed: Any, dot: Any) -> float:
        total = 0.0
        for index in np.ndindex(seed.shape):
            total += seed[index] * dot[index]
        return total

    return of_arrays
