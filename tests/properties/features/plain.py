"""What every kernel is made of: arithmetic, elementary functions, tests, assignments, loops and branches."""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Number

# Expressions.


def arithmetic(d: Drawing, depth: int) -> Number:
    e, f = d.number(depth), d.number(depth)
    return d.pick(
        [
            Number(f"({e.text} + {f.text})", e.bound + f.bound),
            Number(f"({e.text} - {f.text})", e.bound + f.bound),
            Number(f"({e.text} * {f.text})", e.bound * f.bound),
            Number(f"({e.text} * {f.text})", e.bound * f.bound),
            Number(f"({e.text} / (1.5 + {f.text} ** 2))", e.bound / 1.5),
        ]
    )


def elementary(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    return d.pick(
        [
            Number(f"math.sin({e.text})", 1.0),
            Number(f"math.cos({e.text})", 1.0),
            Number(f"math.tanh({e.text})", 1.0),
            Number(f"math.sqrt(1.0 + {e.text} * {e.text})", 1.0 + e.bound),
            Number(f"math.exp(-({e.text} ** 2))", 1.0),
            Number(f"math.log(1.0 + {e.text} ** 2)", e.bound),
            Number(f"(-{e.text})", e.bound),
            Number(f"((0.4 * {e.text}) ** 3)", (0.4 * e.bound) ** 3),
        ]
    )


def choice(d: Drawing, depth: int) -> Number:
    e, f = d.number(depth), d.number(depth)
    return Number(f"({e.text} if {d.condition()} else {f.text})", max(e.bound, f.bound))


# Conditions.


def threshold(d: Drawing) -> str:
    left = d.element() if d.one_in(2) else d.pick(d.scope.scalars)
    return f"{left} {d.pick(['<', '>'])} {d.pick([0.13, -0.21, 0.42, 0.87])}"


def both(d: Drawing) -> str:
    return f"{d.leaf().text} > {d.leaf().text} {d.pick(['and', 'or'])} {d.leaf().text} < {d.pick([0.7, -0.2])}"


def of_integers(d: Drawing) -> str:
    if not d.scope.indices:
        return threshold(d)
    variable = d.pick(d.scope.indices).name
    return d.pick([f"{variable} % 2 == 0", f"{variable} < z", f"{variable} != n"])


# Statements.


def assign_scalar(d: Drawing) -> None:
    if d.one_in(2):
        name = d.name("s")
        d.emit(f"{name} = {d.bounded()}")
        d.scope.scalars.append(name)
        return
    d.emit(d.update(d.pick(d.scope.scalars)))


def store(d: Drawing) -> None:
    d.emit(d.update(d.element(writable=True)))


def for_loop(d: Drawing) -> None:
    """A loop over an axis of an array, or up to one of the integers that the kernel is given."""
    if not d.roomy or not d.arrays():
        return store(d)
    array = d.pick(d.arrays())
    axis = d.between(0, array.rank - 1)
    extent, length = array.shape[axis], f"{array.name}.shape[{axis}]"
    bounds, low, high = d.pick(
        [
            (f"range({length})", 0, extent - 1),
            (f"range({length})", 0, extent - 1),
            (f"range(1, {length})", 1, extent - 1),
            (f"range({length} - 1)", 0, extent - 2),
            (f"range({length} - 1, -1, -1)", 0, extent - 1),
            (f"range(0, {length}, 2)", 0, extent - 1),
            ("range(n)", 0, 3),
            ("range(z)", 0, 2),
            (f"range(z, {length})", 0, extent - 1),
            ("range(2)", 0, 1),
        ]
    )
    with d.loop_over(bounds, low, high):
        d.body(1, 3)
    return None


def branch(d: Drawing) -> None:
    if not d.roomy:
        return store(d)
    with d.block(f"if {d.condition()}:"):
        d.body(1, 2)
    if d.one_in(2):
        with d.block("else:"):
            d.body(1, 1)
    return None


FEATURE = Feature(
    "plain",
    statements=(store, store, store, assign_scalar, assign_scalar, for_loop, for_loop, for_loop, branch),
    expressions=(arithmetic, arithmetic, elementary, choice),
    conditions=(threshold, threshold, both, of_integers),
)
