"""Tuples of numbers of several kinds and widths: made and taken apart, given back by callees, some of one number, some
nested. (What a kernel returns itself is drawn in `properties.programs`.)"""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature, Number


def made(d: Drawing) -> None:
    """Float, int32, float32 and truth value side by side; then the floats are read."""
    name, scalar = d.name("p"), d.name("s")
    d.emit(f"{name} = ({d.bounded()}, z, np.float32({d.bounded(2.0, 1)}), {d.condition()})")
    d.emit(f"{scalar} = 0.5 * {name}[0] * {name}[2] if {name}[3] else {name}[2] - {name}[1]")
    d.scope.scalars.append(scalar)


def nested(d: Drawing) -> None:
    name, u, v = d.name("p"), d.name("s"), d.name("s")
    d.emit(f"{name} = (n, ({d.bounded()}, (z,)), {d.bounded(LARGEST, 1)})")
    d.emit(f"{u}, {v} = {name}[1][0], 0.5 * {name}[2] + 0.125 * {name}[1][1][0]")
    d.scope.scalars += [u, v]


def with_an_array(d: Drawing) -> None:
    arrays = d.arrays(writable=True)
    if not arrays:
        return made(d)
    array, name, view = d.pick(arrays), d.name("p"), d.name("v")
    d.emit(f"{name} = ({array.name}, z)")
    d.emit(f"{view} = {name}[0]")
    d.scope.arrays.append(Array(view, array.shape, None, True))
    return d.emit(d.update(d.element_of(d.scope.arrays[-1])))


def from_a_callee(d: Drawing) -> None:
    """What `counted` gives back: a float, an integer that is then an index, a float32."""
    value, count, narrow = d.name("s"), d.name("k"), d.name("s")
    d.emit(f"{value}, {count}, {narrow} = counted({d.bounded(LARGEST, 1)}, z)")
    d.scope.scalars += [value, narrow]
    if d.arrays(rank=1, writable=True):
        array = d.pick(d.arrays(rank=1, writable=True))
        d.emit(d.update(f"{array.name}[{count} % {array.name}.shape[0]]"))


def of_one(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    return Number(f"alone({e.text})[0]", 0.5 * e.bound)


FEATURE = Feature("tuples", statements=(made, nested, with_an_array, from_a_callee), expressions=(of_one,))
