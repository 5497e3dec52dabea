"""Views: the memory of a contiguous array under another shape, in compiled code.

NumPy's ``reshape`` would do, but as Numba implements it, it asks a C function at run time whether a view is possible.
Here that is known.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types, typing
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


@intrinsic
def view(typing_context: Any, array: Any, shape: Any) -> Any:
    """``array``, which is in C order and has as many elements as ``shape``, with that shape."""
    result = types.Array(array.dtype, len(shape), "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source = make_array(signature.args[0])(context, builder, args[0])
        extents = cgutils.unpack_tuple(builder, args[1])
        strides = []
        step = source.itemsize
        for extent in reversed(extents):
            strides.insert(0, step)
            step = builder.mul(step, extent)
        target = make_array(result)(context, builder)
        populate_array(
            target,
            data=source.data,
            shape=cgutils.pack_array(builder, extents),
            strides=cgutils.pack_array(builder, strides),
            itemsize=source.itemsize,
            meminfo=source.meminfo,
            parent=source.parent,
        )
        context.nrt.incref(builder, result, target._getvalue())
        return target._getvalue()

    return typing.signature(result, array, shape), codegen
