"""Numba's sorts: of arrays and of parts of them, into new arrays and back into old ones, and the order alone."""

from __future__ import annotations

from properties.drawing import Array, Drawing, Feature, Number


def part_of(d: Drawing, *, writable: bool = False) -> tuple[str, int] | None:
    """A vector or a part of one, and its length."""
    arrays = d.arrays(rank=1, writable=writable, least=2)
    if not arrays:
        return None
    array = d.pick(arrays)
    name, length = array.name, array.shape[0]
    return d.pick(
        [(name, length), (name, length), (f"{name}[1:]", length - 1), (f"{name}[::2]", (length + 1) // 2)]
        + [(f"{name}[::-1]", length)]
    )


def new_array(d: Drawing) -> None:
    part = part_of(d)
    if part is None:
        return d.emit(d.update(d.element(writable=True)))
    name = d.name("t")
    d.emit(f"{name} = np.sort({part[0]})")
    d.scope.arrays.append(Array(name, (part[1],)))
    return None


def sorted_back(d: Drawing) -> None:
    part = part_of(d, writable=True)
    if part is None:
        return d.emit(d.update(d.element(writable=True)))
    target = part[0] if part[0].endswith("]") else f"{part[0]}[:]"
    return d.emit(f"{target} = np.sort({part[0]})")


def in_a_loop(d: Drawing) -> None:
    """Again and again, with something changed in between."""
    if not d.roomy:
        return sorted_back(d)
    with d.loop_over(d.pick(["range(2)", "range(z)"]), 0, 1):
        sorted_back(d)
        d.statement()
    return None


def in_order(d: Drawing) -> None:
    part = part_of(d)
    if part is None or not d.roomy:
        return d.emit(d.update(d.element(writable=True)))
    text, length = part
    order = d.name("w")
    kind = d.pick(["", ", kind='mergesort'", ", kind='quicksort'"])
    d.emit(f"{order} = np.argsort({text}{kind})")
    with d.loop_over(f"range({order}.shape[0])", 0, length - 1) as i:
        d.emit(f"{d.pick(d.scope.scalars)} += 0.25 * {text}[{order}[{i}]] * {d.leaf().text}")
    return None


def middle(d: Drawing, depth: int) -> Number:
    part = part_of(d)
    return d.leaf() if part is None else Number(f"np.sort({part[0]})[{d.pick(['0', '-1', '1', 'z'])}]", 3.0)


FEATURE = Feature(
    "sorting", statements=(new_array, sorted_back, sorted_back, in_a_loop, in_order), expressions=(middle,)
)
