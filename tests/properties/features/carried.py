"""Exceptions that carry something: numbers, and arrays of the caller, after these were written to. Where a local array
is carried the derivative is refused."""

from __future__ import annotations

from properties.drawing import Drawing, Feature


def what(d: Drawing) -> str:
    """One argument of an exception."""
    arrays = [parameter for parameter in d.scope.arrays if parameter.name in ("a", "b", "c")]
    choices = ["n", "z", d.pick(d.scope.scalars), d.element()]
    if arrays:
        choices += [d.pick(arrays).name] * 3
    return d.pick(choices)


def raise_with(d: Drawing) -> None:
    test = d.condition() if d.one_in(3) else f"{d.element()} > {d.pick([0.75, 1.25, 1.75])}"
    with d.block(f"if {test}:"):
        if d.one_in(2):
            d.emit(d.update(d.element(writable=True)))
        d.emit(f'raise ValueError("random kernel", {", ".join(what(d) for _ in range(d.between(1, 2)))})')


def callee_raises_with(d: Drawing) -> None:
    arrays = [array for array in d.arrays(rank=1) if array.name in ("a", "b", "c")]
    if not arrays:
        return raise_with(d)
    name = d.name("s")
    d.emit(f"{name} = first_or_raise({d.pick(arrays).name}, {d.bounded(2.0, 1)})")
    d.scope.scalars.append(name)
    return None


def where_a_local_array_lives(d: Drawing) -> None:
    """What is carried outlives the call; what is local does not."""
    name = d.name("t")
    d.emit(f"{name} = np.full(n, {d.bounded(2.0, 1)})")
    with d.block(f"if {name}[z] * {d.element()} > {d.pick([0.5, 1.0])}:"):
        d.emit(f'raise ValueError("random kernel", {d.pick([what(d), f"{name}[z]", f"{name}[0]"])})')


FEATURE = Feature("carried", statements=(raise_with, callee_raises_with, where_a_local_array_lives))
