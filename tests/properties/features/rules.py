"""Calls of functions with rules of the user's own: in place, of values, of tuples, and without a derivative.

The functions are in `properties.ruled`."""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature, Number


def in_place(d: Drawing) -> None:
    arrays = d.arrays(rank=1, writable=True)
    if not arrays:
        return two_numbers(d)
    name, array = d.name("s"), d.pick(arrays)
    part = d.pick([array.name, array.name, array.name, f"{array.name}[::-1]", f"{array.name}[::2]"])
    d.emit(f"{name} = pressed({d.bounded(1.5, 1)}, {part})")
    d.scope.scalars.append(name)
    return None


def two_numbers(d: Drawing) -> None:
    u, v = d.name("s"), d.name("s")
    d.emit(f"{u}, {v} = curve({d.bounded(2.0, 1)}, {d.bounded(2.0, 1)})")
    d.scope.scalars += [u, v]


def new_array(d: Drawing) -> None:
    arrays = d.arrays(rank=1)
    if not arrays:
        return two_numbers(d)
    name, array = d.name("t"), d.pick(arrays)
    d.emit(f"{name} = waves({array.name}, {d.bounded(2.0, 1)})")
    d.scope.arrays.append(Array(name, array.shape, "local"))
    if array.writable and d.one_in(2):
        d.emit(d.update(d.element_of(array)))
    return None


def in_a_loop(d: Drawing) -> None:
    if not d.roomy:
        return in_place(d)
    with d.loop_over(d.pick(["range(2)", "range(z)"]), 0, 1):
        d.pick([in_place, in_place, two_numbers])(d)
        d.statement()
    return None


def without_derivative(d: Drawing, depth: int) -> Number:
    arrays = d.arrays(rank=1)
    if arrays and d.one_in(12):
        return Number(f"level_of({d.pick(arrays).name})", 0.5 * LARGEST)
    return Number(f"level({d.bounded(1.0, 1)}, {d.bounded(LARGEST, 1)})", 0.5 * LARGEST)


FEATURE = Feature(
    "rules",
    statements=(in_place, in_place, two_numbers, new_array, in_a_loop),
    expressions=(without_derivative,),
)
