"""Exceptions: raised by the kernel and by what it calls, after writes too; caught, with a value in their place.

Invariant: the message says that the kernel raised, so nothing else is taken for it.
"""

from __future__ import annotations

from properties.drawing import Drawing, Feature

RAISES = 'raise ValueError("random kernel")'


def raise_on_condition(d: Drawing) -> None:
    """Seldom: the test asks for large numbers most of the time."""
    test = d.condition() if d.one_in(4) else f"{d.element()} > {d.pick([1.25, 1.75, 2.5])}"
    with d.block(f"if {test}:"):
        if d.one_in(2):
            d.emit(d.update(d.element(writable=True)))
        d.emit(RAISES)


def callee_raises(d: Drawing) -> None:
    name = d.name("s")
    d.emit(f"{name} = root_or_raise({d.pick(['1.25 + ', '2.0 + ', ''])}{d.bounded(2.0, 1)})")
    d.scope.scalars.append(name)


def caught(d: Drawing) -> None:
    """A callee raises, and the kernel goes on with something else."""
    if not d.roomy:
        return callee_raises(d)
    name = d.pick(d.scope.scalars)
    with d.block("try:"):
        d.emit(f"{name} = root_or_raise({d.bounded(2.0, 1)})")
        if d.one_in(3):
            d.emit(d.update(d.element(writable=True)))
    with d.block("except Exception:"):
        d.emit(d.update(name))
    return None


def caught_here(d: Drawing) -> None:
    """What the kernel raises it catches itself."""
    if not d.roomy:
        return raise_on_condition(d)
    with d.block("try:"):
        d.emit(d.update(d.element(writable=True)))
        with d.block(f"if {d.condition()}:"):
            d.emit(RAISES)
        d.emit(d.update(d.element(writable=True)))
    with d.block("except Exception:"):
        d.emit(d.update(d.element(writable=True)))
    return None


FEATURE = Feature("exceptions", statements=(raise_on_condition, callee_raises, caught, caught_here))
