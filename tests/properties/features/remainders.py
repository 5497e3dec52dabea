"""`%`, `//`, `divmod` and their like of floats, at exact multiples and of either sign.

Inside of a period the derivative of `x % y` is (1, -(x // y)); at a multiple it is that from the right.
"""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Number

DIVISORS = ("0.5", "2.0", "1.5", "(-0.5)", "(-2.0)", "0.75")


def divisor(d: Drawing) -> str:
    """A number that is never zero; data comes in halves, so it is often divided exactly."""
    if d.one_in(3):
        return f"(1.0 + abs({d.leaf().text}))"
    return d.pick(DIVISORS)


def remainder(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    form = d.pick(
        ["({} % {})", "({} % {})", "np.mod({}, {})", "np.fmod({}, {})", "np.remainder({}, {})", "divmod({}, {})[1]"]
    )
    return Number(form.format(e.text, divisor(d)), 4.0)


def quotient(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    form = d.pick(["({} // {})", "np.floor_divide({}, {})", "divmod({}, {})[0]"])
    return Number(form.format(e.text, divisor(d)), 2.0 * e.bound)


def wrapped_in_place(d: Drawing) -> None:
    """A coordinate that is put back into a periodic box."""
    target = d.element(writable=True)
    d.emit(d.pick([f"{target} %= {d.pick(DIVISORS)}", f"{target} = {target} % {divisor(d)}"]))


def both_parts(d: Drawing) -> None:
    q, r = d.name("s"), d.name("s")
    d.emit(f"{q}, {r} = divmod({d.leaf().text}, {divisor(d)})")
    d.emit(f"{q} *= 0.125")
    d.scope.scalars += [q, r]


FEATURE = Feature("remainders", statements=(wrapped_in_place, both_parts), expressions=(remainder, remainder, quotient))
