"""`==`, `!=`, `<=` and `>=` on floats, with values that meet: data is drawn from a coarse grid, and so are these
constants. A value that compared equal to another is not that value: its derivative is its own.

    if x == 1.0:
        return x * y      # d/dx is y, whatever stands for x here
"""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Number

GRID = (0.0, 0.5, 1.0, -0.5, 1.5, -1.0)


def operator(d: Drawing) -> str:
    return d.pick(["==", "==", "!=", "<=", ">="])


def with_constant(d: Drawing) -> str:
    return f"{d.leaf().text} {operator(d)} {d.pick(GRID)}"


def with_each_other(d: Drawing) -> str:
    return f"{d.leaf().text} {operator(d)} {d.leaf().text}"


def chained(d: Drawing) -> str:
    return f"{d.pick(GRID)} <= {d.leaf().text} <= {d.pick(GRID)}"


def then_used(d: Drawing, depth: int) -> Number:
    """The value that was compared is used on both sides."""
    e = d.leaf()
    f = d.number(depth)
    return Number(
        f"({e.text} * {f.text} if {e.text} {operator(d)} {d.pick(GRID)} else {e.text} * {e.text})",
        max(e.bound * f.bound, e.bound**2),
    )


def branch_then_used(d: Drawing) -> None:
    """The same through a variable and a branch."""
    name, target = d.name("s"), d.pick(d.scope.scalars)
    d.emit(f"{name} = {d.leaf().text}")
    with d.block(f"if {name} {operator(d)} {d.pick([str(d.pick(GRID)), target])}:"):
        d.emit(f"{target} = {name} * {d.bounded(1.0, 1)}")
    if d.one_in(2):
        with d.block("else:"):
            d.emit(f"{target} = 0.5 * {name} + {d.bounded(1.0, 1)}")


FEATURE = Feature(
    "comparisons",
    statements=(branch_then_used,),
    expressions=(then_used,),
    conditions=(with_constant, with_constant, with_each_other, chained),
)
