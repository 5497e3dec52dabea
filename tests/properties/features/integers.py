"""Integers as data: an int32 and an int64 table of places, changed on the way, a histogram, floats made of integers."""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Number


def change_table(d: Drawing) -> None:
    if not d.scope.tables:
        return d.emit(d.update(d.element(writable=True)))
    table = d.pick(d.scope.tables)
    i = d.between(0, table.length - 1)
    return d.emit(
        f"{table.name}[{i}] = ({table.name}[{i}] + {d.pick(['1', '2', 'z'])}) % {d.between(1, table.high + 1)}"
    )


def scatter(d: Drawing) -> None:
    arrays = [a for a in d.arrays(rank=1, writable=True) if any(t.high < a.shape[0] for t in d.scope.tables)]
    if not arrays or not d.roomy:
        return change_table(d)
    array = d.pick(arrays)
    table = d.pick([t for t in d.scope.tables if t.high < array.shape[0]])
    with d.loop_over(f"range({table.name}.shape[0])", 0, table.length - 1) as i:
        d.emit(f"{array.name}[{table.name}[{i}]] {d.pick(['+=', '=', '-='])} {d.bounded(0.5)}")
    return None


def bound_from_memory(d: Drawing) -> None:
    """A loop count that the kernel stores and reads back."""
    if not d.scope.tables or not d.roomy:
        return change_table(d)
    table = d.pick(d.scope.tables)
    if d.one_in(2):
        d.emit(f"{table.name}[0] = {d.between(0, min(2, table.high))}")
    with d.loop_over(f"range({table.name}[0] + 1)", 0, table.high):
        d.body(1, 2)
    return None


def of_integers(d: Drawing, depth: int) -> Number:
    if not d.scope.tables:
        return d.leaf()
    table = d.pick(d.scope.tables)
    e = d.number(depth)
    return Number(f"({table.name}[{d.between(0, table.length - 1)}] * {e.text})", table.high * e.bound)


def of_entries(d: Drawing) -> str:
    if not d.scope.tables:
        return "z > 1"
    table = d.pick(d.scope.tables)
    return f"{table.name}[{d.between(0, table.length - 1)}] {d.pick(['==', '!=', '>'])} {d.pick(['1', 'z', '0'])}"


FEATURE = Feature(
    "integers",
    statements=(change_table, scatter, scatter, bound_from_memory),
    expressions=(of_integers,),
    conditions=(of_entries,),
)
