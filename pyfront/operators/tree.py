"""Trees: arguments made of tuples, named tuples, lists and dicts, as a flat row of leaves and a structure.

What is none of these containers is a leaf; ``None`` is a container without elements. A structure can be compared and
hashed, names each leaf by its place in the row, and writes itself as an expression of compiled code, in which lists
are tuples and dicts have constant keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyfront.errors import StructureError, with_help


@dataclass(frozen=True)
class Leaf:
    """The element of this number in the row of leaves."""

    index: int


@dataclass(frozen=True)
class Node:
    """A container: ``tuple``, ``list``, ``dict``, ``NoneType`` or a class of named tuples."""

    kind: type
    keys: tuple[str, ...]
    """Of a dict, sorted; else empty."""
    children: tuple[Tree, ...]


Tree = Leaf | Node

EMPTY = Node(type(None), (), ())


def is_container(value: Any) -> bool:
    """Whether ``value`` is taken apart."""
    return value is None or isinstance(value, (tuple, list, dict))


def flatten(value: Any, leaves: list[Any]) -> Tree:
    """The structure of ``value``, whose leaves are appended to ``leaves``."""
    if not is_container(value):
        leaves.append(value)
        return Leaf(len(leaves) - 1)
    if value is None:
        return EMPTY
    if isinstance(value, dict):
        keys = _sorted_keys(value)
        return Node(dict, keys, tuple(flatten(value[key], leaves) for key in keys))
    kind = type(value) if isinstance(value, list) or hasattr(value, "_fields") else tuple
    return Node(kind, (), tuple(flatten(element, leaves) for element in value))


def flatten_like(tree: Tree, value: Any, what: str) -> list[Any]:
    """The leaves of ``value``, which must have the structure ``tree``, in the order of the tree's numbers.

    ``None`` may stand for a whole subtree.
    """
    found = dict(zip(indices(tree), _like(tree, value, what), strict=True))
    return [found[index] for index in sorted(found)]


def unflatten(tree: Tree, leaves: Sequence[Any]) -> Any:
    """The value of this structure whose leaves are ``leaves``."""
    if isinstance(tree, Leaf):
        return leaves[tree.index]
    if tree.kind is type(None):
        return None
    children = [unflatten(child, leaves) for child in tree.children]
    if tree.kind is dict:
        return dict(zip(tree.keys, children, strict=True))
    return tree.kind(*children) if hasattr(tree.kind, "_fields") else tree.kind(children)


def relabel(tree: Tree, place: Callable[[int], Tree]) -> Tree:
    """``tree`` with each leaf replaced by what ``place`` makes of its number."""
    if isinstance(tree, Leaf):
        return place(tree.index)
    return Node(tree.kind, tree.keys, tuple(relabel(child, place) for child in tree.children))


def indices(tree: Tree) -> Iterator[int]:
    """The numbers of the leaves, from left to right."""
    if isinstance(tree, Leaf):
        yield tree.index
    else:
        for child in tree.children:
            yield from indices(child)


def row(count: int) -> tuple[Tree, ...]:
    """The structures of ``count`` arguments that are all leaves."""
    return tuple(Leaf(index) for index in range(count))


def pack(children: Sequence[Tree]) -> Tree:
    """A tuple of trees."""
    return Node(tuple, (), tuple(children))


def is_row(trees: Sequence[Tree]) -> bool:
    """Whether all arguments are leaves."""
    return all(isinstance(tree, Leaf) for tree in trees)


def is_native(tree: Tree) -> bool:
    """Whether compiled code can return this structure as it is: leaves, None, tuples, named tuples."""
    if isinstance(tree, Leaf) or tree.kind is type(None):
        return True
    return issubclass(tree.kind, tuple) and all(map(is_native, tree.children))


def names(tree: Tree, root: str) -> Iterator[str]:
    """How a user would write each leaf: ``p['w'][0]``."""
    if isinstance(tree, Leaf):
        yield root
        return
    places: Sequence[str]
    if tree.kind is dict:
        places = [f"[{key!r}]" for key in tree.keys]
    elif hasattr(tree.kind, "_fields"):
        places = [f".{field}" for field in tree.kind._fields]
    else:
        places = [f"[{index}]" for index in range(len(tree.children))]
    for place, child in zip(places, tree.children, strict=True):
        yield from names(child, root + place)


def _sorted_keys(value: dict[Any, Any]) -> tuple[str, ...]:
    for key in value:
        if not isinstance(key, str):
            raise StructureError(
                with_help(f"a dict of arguments has the key {key!r}, which is not a string", "use strings as keys")
            )
    return tuple(sorted(value))


def _like(tree: Tree, value: Any, what: str) -> Iterator[Any]:
    if isinstance(tree, Leaf):
        if is_container(value) and value is not None:
            raise StructureError(f"{what} must be one number or array, not a {type(value).__name__}")
        yield value
        return
    if value is None:
        for _ in indices(tree):
            yield None
        return
    if tree.kind is dict:
        if not isinstance(value, dict) or _sorted_keys(value) != tree.keys:
            raise StructureError(f"{what} must be a dict with the keys {', '.join(tree.keys)}")
        parts = [(f"{what}[{key!r}]", value[key]) for key in tree.keys]
    else:
        if not isinstance(value, (tuple, list)) or len(value) != len(tree.children):
            given = f"one of {len(value)}" if isinstance(value, (tuple, list, dict)) else f"a {type(value).__name__}"
            kind = "tuple" if tree.kind is not list else "list"
            raise StructureError(f"{what} must be a {kind} of {len(tree.children)} elements, not {given}")
        parts = [(f"{what}[{index}]", element) for index, element in enumerate(value)]
    for (name, part), child in zip(parts, tree.children, strict=True):
        yield from _like(child, part, name)
