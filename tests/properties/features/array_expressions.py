"""Whole arrays: array expressions, slices that are assigned, sums, overlapping copies within one array."""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature, Number


def assign_slice(d: Drawing) -> None:
    arrays, targets = d.arrays(rank=1), d.arrays(rank=1, writable=True)
    if not targets:
        return d.emit(d.update(d.pick(d.scope.scalars)))
    left, right = d.pick(targets), d.pick(arrays)
    k = f"min({left.name}.shape[0], {right.name}.shape[0])"
    value = d.pick(["{}", "{} * 0.5", "np.sin({})", "{} * {}", "0.3 * {} + 0.1"]).replace("{}", f"{right.name}[:{k}]")
    return d.emit(f"{left.name}[:{k}] = {value}")


def shift(d: Drawing) -> None:
    """An array moves by one place within itself."""
    arrays = d.arrays(rank=1, writable=True, least=2)
    if not arrays:
        return assign_slice(d)
    name = d.pick(arrays).name
    return d.emit(d.pick([f"{name}[1:] = {name}[:-1]", f"{name}[:-1] = {name}[1:]", f"{name}[:] = {name}[::-1]"]))


def fill(d: Drawing) -> None:
    arrays = d.arrays(writable=True)
    if not arrays:
        return assign_slice(d)
    array = d.pick(arrays)
    return d.emit(d.pick([f"{array.name}[:] = {d.bounded(2.0, 1)}", f"{array.name} *= 0.5", f"{array.name}[:] *= z"]))


def new_array(d: Drawing) -> None:
    arrays = d.arrays(rank=1)
    if not arrays:
        return assign_slice(d)
    array, name = d.pick(arrays), d.name("t")
    text = d.pick(
        [
            f"{array.name} * 0.5",
            f"np.cos({array.name})",
            f"np.cumsum({array.name})",
            f"{array.name} * {array.name} - {d.leaf().text}",
        ]
    )
    d.emit(f"{name} = {text}")
    d.scope.arrays.append(Array(name, array.shape, None))
    return None


def reduced(d: Drawing, depth: int) -> Number:
    arrays = d.arrays()
    if not arrays:
        return d.leaf()
    array = d.pick(arrays)
    size = 1
    for extent in array.shape:
        size *= extent
    return d.pick(
        [
            Number(f"{array.name}.sum()", LARGEST * size),
            Number(f"np.sum({array.name})", LARGEST * size),
            Number(f"{array.name}.mean()", LARGEST),
        ]
    )


FEATURE = Feature(
    "array expressions",
    statements=(assign_slice, assign_slice, shift, fill, new_array),
    expressions=(reduced,),
)
