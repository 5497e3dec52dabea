"""Loops of every form: triangular, strided, run-time steps, counts that are int32, zero or negative, nests that a row
of a table bounds."""

from __future__ import annotations

from properties.drawing import Drawing, Feature


def nested(d: Drawing) -> None:
    """A loop whose bounds are those of the loop around it."""
    inner = [v for v in d.scope.indices if 0 <= v.low and v.high <= 3]
    if not d.roomy or not inner:
        return counted(d)
    outer = d.pick(inner)
    bounds, low, high = d.pick(
        [
            (f"range({outer.name}, n)", outer.low, 3),
            (f"range({outer.name}, -1, -1)", 0, outer.high),
            (f"range({outer.name} + 1)", 0, outer.high),
            (f"range(z, {outer.name} + 1)", 0, outer.high),
        ]
    )
    with d.loop_over(bounds, low, high):
        d.body(1, 2)
    return None


def counted(d: Drawing) -> None:
    """Counts that are given: `small` is an int32, `below` may be negative."""
    if not d.roomy:
        return d.emit(d.update(d.element(writable=True)))
    bounds, low, high = d.pick(
        [
            ("range(small)", 0, 2),
            ("range(below)", 0, 1),
            ("range(below, n)", 0, 3),
            ("range(n - 1, below, -1)", 0, 3),
            ("range(0, n, 1 + small)", 0, 3),
            ("range(n - 1, -1, -1 - small)", 0, 3),
            ("range(3, 0, -2)", 1, 3),
            ("range(small, n)", 0, 3),
        ]
    )
    with d.loop_over(bounds, low, high):
        d.body(1, 3)
    return None


def fixed_point(d: Drawing) -> None:
    """Until it converges, or often enough: the count depends on the data."""
    name, count = d.name("s"), d.name("k")
    d.emit(f"{name} = {d.bounded(1.0, 1)}")
    d.emit(f"{count} = 0")
    with d.block(f"while {count} < 4 and abs({name}) > 0.3:", 4):
        d.emit(f"{name} = 0.6 * {name} - 0.1 * {d.bounded(1.0, 1)}")
        d.emit(f"{count} += 1")
    d.scope.scalars.append(name)


FEATURE = Feature("loops", statements=(nested, nested, counted, counted, fixed_point))
