"""Const arrays `work` and `spare` as workspace for active data; some calls pass the same memory twice.

What is written through one name may be read through the other, and sometimes is: `work` and `spare` overlap in some
calls of a program and not in others.
"""

from __future__ import annotations

from properties.drawing import Array, Drawing, Feature, Number

NAMES = ("work", "spare")


def available(d: Drawing) -> list[Array]:
    return [array for array in d.arrays(rank=1) if array.name in NAMES]


def fill_and_read(d: Drawing) -> None:
    """The workspace is filled from active data and read, perhaps by its other name."""
    spaces = available(d)
    if not spaces or not d.roomy:
        return d.emit(d.update(d.element(writable=True)))
    write, read = d.pick(spaces), d.pick(spaces)
    with d.loop_over(f"range({write.name}.shape[0])", 0, write.shape[0] - 1) as i:
        d.emit(f"{write.name}[{i}] = {d.bounded(2.0)}")
    if d.one_in(2):
        d.statement()
    outs = [array for array in d.arrays(rank=1, writable=True) if array.name not in NAMES]
    if outs:
        out = d.pick(outs)
        last = min(out.shape[0], read.shape[0]) - 1
        with d.loop_over(f"range(min({out.name}.shape[0], {read.name}.shape[0]))", 0, last) as i:
            d.emit(f"{out.name}[{i}] {d.pick(['=', '+='])} {d.pick(['', '0.5 * '])}{read.name}[{i}]")
    else:
        d.emit(f"{d.pick(d.scope.scalars)} = 0.25 * {d.element_of(read)}")
    return None


def use_one(d: Drawing) -> None:
    spaces = available(d)
    d.emit(d.update(d.element_of(d.pick(spaces)) if spaces else d.element(writable=True)))


def copy_between(d: Drawing) -> None:
    spaces, others = available(d), d.arrays(rank=1, writable=True)
    if not spaces or not others:
        return d.emit(d.update(d.element(writable=True)))
    left, right = d.pick([(d.pick(spaces), d.pick(others)), (d.pick(others), d.pick(spaces))])
    k = f"min({left.name}.shape[0], {right.name}.shape[0])"
    return d.emit(f"{left.name}[:{k}] = {right.name}[:{k}]{d.pick(['', ' * 0.5'])}")


def read(d: Drawing, depth: int) -> Number:
    spaces = available(d)
    return Number(d.element_of(d.pick(spaces)), 3.0) if spaces else d.leaf()


FEATURE = Feature("workspace", statements=(fill_and_read, fill_and_read, use_one, copy_between), expressions=(read,))
