"""Buffers that change their names: swapped in each iteration, swapped under a condition, chosen; elements exchanged."""

from __future__ import annotations

from properties.drawing import Array, Drawing, Feature


def family(d: Drawing) -> list[Array]:
    """Two arrays of one Numba type, if there are."""
    groups: dict[str, list[Array]] = {}
    for array in d.arrays(rank=1, writable=True):
        if array.family:
            groups.setdefault(array.family, []).append(array)
    if d.has("exceptions"):
        groups = {str(a.shape): [b for b in group if b.shape == a.shape] for group in groups.values() for a in group}
    pairs = [group for group in groups.values() if len(group) > 1]
    return d.random.sample(d.pick(pairs), 2) if pairs else []


def shorter(left: Array, right: Array) -> str:
    return f"min({left.name}.shape[0], {right.name}.shape[0])"


def time_steps(d: Drawing) -> None:
    """The classic: a stencil from one buffer to the other, then they change places."""
    pair = family(d)
    if not pair or not d.roomy:
        return exchange(d)
    u, v = pair
    with d.loop_over(d.pick(["range(3)", "range(z)", "range(n)"]), 0, 2):
        last = min(u.shape[0], v.shape[0]) - 2
        if last >= 1:
            with d.loop_over(f"range(1, {shorter(u, v)} - 1)", 1, last) as i:
                d.emit(
                    f"{v.name}[{i}] = {d.pick(['', f'0.5 * {v.name}[{i}] + '])}0.3 * {u.name}[{i} - 1] * {u.name}[{i}]"
                    f" + 0.2 * {u.name}[{i} + 1]"
                )
        else:
            d.emit(d.update(f"{v.name}[0]"))
        if d.one_in(2):
            with d.block(f"if {d.condition()}:"):
                d.emit(f"{u.name}, {v.name} = {v.name}, {u.name}")
        else:
            d.emit(f"{u.name}, {v.name} = {v.name}, {u.name}")
    return None


def swap_names(d: Drawing) -> None:
    pair = family(d)
    if not pair:
        return exchange(d)
    left, right = pair[0].name, pair[1].name
    if left in ("work", "spare") or d.one_in(2):
        with d.block(f"if {d.condition()}:"):
            d.emit(f"{left}, {right} = {right}, {left}")
    else:
        d.emit(f"{left}, {right} = {right}, {left}")
    return None


def chosen(d: Drawing) -> None:
    """One of two buffers by a condition, written under a third name."""
    pair = family(d)
    if not pair:
        return exchange(d)
    left, right = pair
    name = d.name("p")
    d.emit(f"{name} = {left.name} if {d.condition()} else {right.name}")
    smaller = min(left.shape[0], right.shape[0])
    d.scope.arrays.append(Array(name, (smaller,), left.family))
    return d.emit(d.update(f"{name}[{d.between(0, smaller - 1)}]"))


def bank(d: Drawing) -> None:
    """A tuple of buffers, of which a number that is known at run time only picks one."""
    pair = family(d)
    if not pair or not d.roomy:
        return exchange(d)
    left, right = pair
    name, i = d.name("bank"), d.between(0, min(left.shape[0], right.shape[0]) - 1)
    d.emit(f"{name} = ({left.name}, {right.name})")
    with d.loop_over("range(3)", 0, 2) as k:
        d.emit(f"{name}[{k} % 2][{i}] = 0.5 * {name}[({k} + 1) % 2][{i}] + {d.bounded(1.0, 1)}")
    return None


def exchange(d: Drawing) -> None:
    """Two elements change places, if the second one is smaller, say."""
    left, right = d.element(writable=True), d.element(writable=True)
    if d.one_in(2):
        return d.emit(f"{left}, {right} = {right}, {left}")
    with d.block(f"if {left} > {right}:"):
        d.emit(f"{left}, {right} = {right}, {left}")
    return None


FEATURE = Feature("swaps", statements=(time_steps, time_steps, swap_names, chosen, bank, exchange))
