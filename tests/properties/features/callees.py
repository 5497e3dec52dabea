"""Calls of compiled functions: that return numbers and tuples, change what they are given, return views of it, new
arrays, or one of their arguments. The functions are in `properties.helpers`."""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature, Number


def of_numbers(d: Drawing, depth: int) -> Number:
    e, f = d.number(depth), d.number(depth)
    return d.pick(
        [
            Number(f"mix({e.text}, {f.text})", 0.6 * e.bound + 0.2 * f.bound),
            Number(f"clip({e.text}, 0.75)", e.bound),
            Number(f"either({e.text}, {f.text})", max(e.bound, f.bound)),
        ]
    )


def of_array(d: Drawing, depth: int) -> Number:
    arrays = d.arrays(rank=1)
    if not arrays:
        return d.leaf()
    return Number(f"total({d.pick(arrays).name})", LARGEST * LARGEST)


def two_results(d: Drawing) -> None:
    u, v = d.name("s"), d.name("s")
    d.emit(f"{u}, {v} = both({d.bounded(LARGEST, 1)}, {d.bounded(LARGEST, 1)})")
    d.scope.scalars += [u, v]


def changes_array(d: Drawing) -> None:
    arrays = d.arrays(rank=1, writable=True)
    if not arrays:
        return two_results(d)
    return d.emit(f"relax({d.pick(arrays).name}, {d.bounded(1.0, 1)})")


def returns_view(d: Drawing) -> None:
    """A callee gives back a part of what it was given."""
    arrays = d.arrays(rank=1, least=2)
    if not arrays:
        return two_results(d)
    array, name = d.pick(arrays), d.name("v")
    function, length = d.pick([("tail", array.shape[0] - 1), ("every_other", (array.shape[0] + 1) // 2)])
    d.emit(f"{name} = {function}({array.name})")
    d.scope.arrays.append(Array(name, (length,), None, array.writable))
    return None


def returns_new(d: Drawing) -> None:
    arrays = d.arrays(rank=1)
    if not arrays:
        return two_results(d)
    array, name = d.pick(arrays), d.name("t")
    d.emit(f"{name} = doubled({array.name})")
    d.scope.arrays.append(Array(name, array.shape, "local"))
    return None


def returns_array_and_number(d: Drawing) -> None:
    arrays = d.arrays(rank=1, least=2, writable=True)
    if not arrays:
        return two_results(d)
    array, name, scalar = d.pick(arrays), d.name("v"), d.name("s")
    d.emit(f"{name}, {scalar} = halves({array.name})")
    d.scope.arrays.append(Array(name, (array.shape[0] // 2,)))
    d.scope.scalars.append(scalar)
    return None


FEATURE = Feature(
    "callees",
    statements=(two_results, changes_array, changes_array, returns_view, returns_new, returns_array_and_number),
    expressions=(of_numbers, of_numbers, of_array),
)
