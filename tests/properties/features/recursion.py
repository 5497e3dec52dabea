"""Calls of functions that call themselves, which stay calls: that return numbers, tuples and new arrays, change what
they are given, have arrays of their own, raise halfway. The functions are in `properties.recursive`."""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature, Number


def depth(d: Drawing) -> str:
    """How deep a call goes: a number, or one that is known at run time only."""
    return d.pick(["1", "2", "3", "z", "z + 1", "n - 2"])


def given(d: Drawing, *, least: int = 1) -> str | None:
    """An array that a callee may change: one in scope, or a part of one."""
    arrays = d.arrays(rank=1, writable=True, least=least)
    if not arrays:
        return None
    array = d.pick(arrays)
    return d.pick(
        [array.name] * 4 + [f"{array.name}[::-1]"] + ([f"{array.name}[1:]"] if array.shape[0] > least else [])
    )


def only_reads(d: Drawing, depth: int) -> Number:
    arrays = d.arrays(rank=1)
    if not arrays:
        return alone(d, depth)
    return Number(f"fraction({d.pick(arrays).name}, {d.bounded(LARGEST, 1)}, {d.between(0, 1)})", 1.0)


def alone(d: Drawing, depth_left: int) -> Number:
    return Number(f"stacked({d.bounded(2.0, 1)}, {depth(d)})", 2.5)


def changes_array(d: Drawing) -> None:
    name = given(d)
    if name is None:
        return a_number(d)
    return d.emit(
        d.pick(
            [
                f"settle({name}, {d.bounded(2.0, 1)}, {depth(d)})",
                f"by_views({name}, {d.bounded(2.0, 1)})",
                f"{d.pick(d.scope.scalars)} = tree({name}, {d.pick(['0', '0', 'z'])})",
                f"{d.pick(d.scope.scalars)} = ebb({name}, {d.bounded(2.0, 1)}, {depth(d)})",
                f"{d.pick(d.scope.scalars)} = lent({name}, np.empty(n), {depth(d)})",
                f"{d.pick(d.scope.scalars)} = with_rules({name}, {d.bounded(2.0, 1)}, {depth(d)})",
            ]
        )
    )


def a_number(d: Drawing) -> None:
    name = d.name("s")
    d.emit(f"{name} = {alone(d, 0).text}")
    d.scope.scalars.append(name)


def number_and_count(d: Drawing) -> None:
    name = given(d)
    if name is None:
        return a_number(d)
    value, count = d.name("s"), d.name("k")
    d.emit(f"{value}, {count} = reduced({name}, 0, {d.pick(['2', f'{name}.shape[0]', f'{name}.shape[0]'])})")
    d.emit(f"{value} = 0.5 * {value} + 0.125 * {count}")
    d.scope.scalars.append(value)
    return None


def two_arrays(d: Drawing) -> None:
    """They may share memory."""
    left, right = given(d), given(d)
    if left is None or right is None:
        return a_number(d)
    return d.emit(f"{d.pick(d.scope.scalars)} = exchanged({left}, {right}, {depth(d)})")


def new_array(d: Drawing) -> None:
    arrays = d.arrays(rank=1)
    if not arrays:
        return a_number(d)
    array, name = d.pick(arrays), d.name("t")
    if d.one_in(2):
        # What it returns is of float64; a part in its place, so that nothing else is asked.
        d.emit(f"{name} = woven(1.0 * {array.name})")
        d.scope.arrays.append(Array(name, array.shape, "local"))
        return None
    places, scalar = d.name("w"), d.name("s")
    d.emit(f"{name}, {places}, {scalar} = parted(1.0 * {array.name}, {d.bounded(2.0, 1)}, {depth(d)})")
    d.scope.arrays.append(Array(name, array.shape, "local"))
    d.scope.scalars.append(scalar)
    return d.emit(d.update(f"{name}[{places}[0]]"))


def in_a_loop(d: Drawing) -> None:
    if not d.roomy:
        return changes_array(d)
    with d.loop_over(d.pick(["range(z)", "range(2)", "range(3)"]), 0, 2):
        d.pick([changes_array, number_and_count, two_arrays])(d)
        d.statement()
    return None


def raises(d: Drawing) -> None:
    name = given(d)
    if name is None:
        return a_number(d)
    scalar = d.name("s")
    d.emit(f"{scalar} = falls({name}, {d.bounded(1.0, 1)}, {depth(d)})")
    d.scope.scalars.append(scalar)
    return None


def refused(d: Drawing) -> None:
    """A view that comes back, a raise below a `try`."""
    if not d.one_in(4):
        return changes_array(d)
    name = given(d, least=2)
    if name is None or not d.roomy:
        return a_number(d)
    if d.one_in(2):
        return d.emit(f"{d.pick(d.scope.scalars)} = remainder({name}, {depth(d)})[0]")
    with d.block("try:"):
        d.emit(f"{d.pick(d.scope.scalars)} = falls({name}, {d.bounded(1.0, 1)}, {depth(d)})")
    with d.block("except Exception:"):
        d.emit(d.update(d.pick(d.scope.scalars)))
    return None


FEATURE = Feature(
    "recursion",
    statements=(
        changes_array,
        changes_array,
        changes_array,
        number_and_count,
        two_arrays,
        new_array,
        new_array,
        in_a_loop,
        raises,
        refused,
    ),
    expressions=(only_reads, alone),
)
