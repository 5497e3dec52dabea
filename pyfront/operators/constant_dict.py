"""Dicts with constant keys in compiled code, whatever the types of their values.

Numba has such a type for dict literals whose values differ in type; a literal whose values are all of one type becomes
a hash table instead, which nothing can be differentiated through. `constant_dict` always makes the former: no more
than a tuple, so that `p["w"]` is resolved by the compiler.
"""

from __future__ import annotations

import functools
from typing import Any

from numba.core import types, typing
from numba.extending import intrinsic


@functools.cache
def constant_dict(keys: tuple[str, ...]) -> Any:
    """The function of compiled code that makes a dict of a tuple of values, in the order of ``keys``."""

    @intrinsic
    def make(typing_context: Any, values: Any) -> Any:
        literal = {types.literal(key): type_ for key, type_ in zip(keys, values.types, strict=True)}
        result = types.LiteralStrKeyDict(literal)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            elements = [builder.extract_value(args[0], index) for index in range(len(keys))]
            for type_, element in zip(values.types, elements, strict=True):
                context.nrt.incref(builder, type_, element)
            return context.make_tuple(builder, signature.return_type, elements)

        return typing.signature(result, values), codegen

    return make
