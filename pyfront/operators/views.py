"""Views: arrays over memory that is there already, in compiled code.

For another shape of the same array NumPy's ``reshape`` would do, but as Numba implements it, it asks a C function at
run time whether a view is possible. Here that is known.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from numba.core import cgutils, types, typing
from numba.extending import intrinsic

if TYPE_CHECKING:
    from pyfront.checks import View


@intrinsic
def view(typing_context: Any, array: Any, shape: Any) -> Any:
    """``array``, which is in C order and has as many elements as ``shape``, with that shape."""
    result = types.Array(array.dtype, len(shape), "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, args[0])
        target = _array(context, builder, result, args[1], source.data, source.meminfo)
        context.nrt.incref(builder, result, target)
        return target

    return typing.signature(result, array, shape), codegen


@functools.cache
def at_address(type_: types.Array) -> Any:
    """The function of an address and a shape that returns the array of this type there; nobody frees it."""

    @intrinsic
    def at(typing_context: Any, address: Any, shape: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], context.get_data_type(type_.dtype).as_pointer())
            return _array(context, builder, type_, args[1], pointer, None)

        return typing.signature(type_, types.intp, shape), codegen

    return at


@intrinsic
def overlaps(typing_context: Any, a: Any, b: Any) -> Any:
    """Whether the extents of two arrays in memory have a byte in common."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from pyfront.checks import emit_extent

        pairs = zip(signature.args, args, strict=True)
        (low_a, high_a), (low_b, high_b) = (emit_extent(builder, _seen(context, builder, *pair)) for pair in pairs)
        below = builder.icmp_unsigned("<", low_a, high_b)
        return builder.and_(below, builder.icmp_unsigned("<", low_b, high_a))

    return typing.signature(types.boolean, a, b), codegen


@intrinsic
def folded(typing_context: Any, array: Any) -> Any:
    """Whether elements of an array may share memory with each other."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from pyfront.checks import emit_folded

        return emit_folded(builder, _seen(context, builder, signature.args[0], args[0]))

    return typing.signature(types.boolean, array), codegen


def _seen(context: Any, builder: Any, type_: types.Array, value: Any) -> View:
    """An array as the checks of derivatives see it."""
    from pyfront.checks import Role, View

    array = context.make_array(type_)(context, builder, value)
    return View(
        name="",
        type=type_,
        role=Role.CONST,
        data=builder.ptrtoint(array.data, array.itemsize.type),
        shape=tuple(cgutils.unpack_tuple(builder, array.shape)),
        strides=tuple(cgutils.unpack_tuple(builder, array.strides)),
        itemsize=context.get_abi_sizeof(context.get_data_type(type_.dtype)),
    )


def _array(context: Any, builder: Any, type_: types.Array, shape: Any, data: Any, meminfo: Any) -> Any:
    """The value of a contiguous array."""
    extents = cgutils.unpack_tuple(builder, shape)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(type_.dtype)))
    strides: list[Any] = []
    step = itemsize
    for extent in extents if type_.layout == "F" else reversed(extents):
        strides.append(step)
        step = builder.mul(step, extent)
    if type_.layout != "F":
        strides.reverse()
    from numba.np.arrayobj import populate_array

    array = context.make_array(type_)(context, builder)
    populate_array(
        array,
        data=data,
        shape=cgutils.pack_array(builder, extents),
        strides=cgutils.pack_array(builder, strides),
        itemsize=itemsize,
        meminfo=meminfo,
    )
    return array._getvalue()
