"""Containers in compiled code: trees as expressions, and as the types of arguments.

Tuples and named tuples are what they are; a list becomes a tuple. A dict needs a type with constant keys. Numba has one
for dict literals whose values differ in type, but a literal whose values are all of one type becomes a hash table,
which nothing can be differentiated through. `constant_dict` always makes the former: no more than a tuple, so that
``p["w"]`` is resolved by the compiler.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numba.core import types, typing
from numba.core.datamodel import register_default
from numba.core.datamodel.models import TupleModel
from numba.extending import intrinsic

from pyfront.operators import text
from pyfront.operators.tree import Leaf, Node, Tree


def expression(tree: Tree, place: Callable[[int], str], namespace: dict[str, Any]) -> str:
    """The value of this structure, ``place`` writing its leaves; what that takes is put into ``namespace``."""
    if isinstance(tree, Leaf):
        return place(tree.index)
    if tree.kind is type(None):
        return "None"
    children = text.tuple_of([expression(child, place, namespace) for child in tree.children])
    if tree.kind is dict:
        name = f"dict{len(namespace)}"
        namespace[name] = constant_dict(tree.keys)
        return f"{name}({children})"
    if hasattr(tree.kind, "_fields"):
        name = f"tuple{len(namespace)}"
        namespace[name] = tree.kind
        return f"{name}(*{children})"
    return children


def trees_of_types(given: Sequence[types.Type]) -> tuple[tuple[Tree, ...], list[types.Type]]:
    """The structures of arguments of these types, and the types of all their leaves."""
    leaves: list[types.Type] = []

    def flatten(type_: types.Type) -> Tree:
        if not isinstance(type_, types.BaseTuple):
            leaves.append(types.unliteral(type_))
            return Leaf(len(leaves) - 1)
        return Node(getattr(type_, "instance_class", tuple), (), tuple(flatten(element) for element in type_.types))

    return tuple(flatten(type_) for type_ in given), leaves


class ConstantDict(types.LiteralStrKeyDict):
    """Numba's type of a dict with constant keys, but one that a variable may have: so a dict may hold another dict."""

    def __unliteral__(self) -> types.Type:
        return self


register_default(ConstantDict)(TupleModel)


@functools.cache
def constant_dict(keys: tuple[str, ...]) -> Any:
    """The function of compiled code that makes a dict of a tuple of values, in the order of ``keys``."""

    @intrinsic
    def make(typing_context: Any, values: Any) -> Any:
        literal = {types.literal(key): type_ for key, type_ in zip(keys, values.types, strict=True)}
        result = ConstantDict(literal)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            elements = [builder.extract_value(args[0], index) for index in range(len(keys))]
            for type_, element in zip(values.types, elements, strict=True):
                context.nrt.incref(builder, type_, element)
            return context.make_tuple(builder, signature.return_type, elements)

        return typing.signature(result, values), codegen

    return make
