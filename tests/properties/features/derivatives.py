"""Kernels that call derivatives: gradients and tangents of the functions of `properties.helpers`, in loops and under
conditions. What the engine differentiates then has its own reverse sweeps inside.

The oracle runs the derivatives that `properties.helpers` writes by hand.
"""

from __future__ import annotations

from properties.drawing import Array, Drawing, Feature, Number


def slopes(d: Drawing) -> None:
    """Both partials of a function of two numbers."""
    u, v = d.name("s"), d.name("s")
    d.emit(f"{u}, {v} = slopes_of_mix({d.bounded(2.0, 1)}, {d.bounded(2.0, 1)})")
    d.scope.scalars += [u, v]


def slope(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    return Number(f"slope_of_bump({e.text})", 1.0)


def adjoints(d: Drawing) -> None:
    """The adjoints of an array that a reverse sweep adds to a new one, which has to lie as that does."""
    arrays = [array for array in d.arrays(rank=1) if array.family == "local"]
    if not arrays:
        return slopes(d)
    array, name = d.pick(arrays), d.name("t")
    d.emit(f"{name} = np.zeros({array.name}.shape[0])")
    d.emit(f"adjoints_of_total({array.name}, {name})")
    d.scope.arrays.append(Array(name, array.shape, "local"))
    return None


def tangents(d: Drawing) -> None:
    """A function that changes its array, with tangents; both go on."""
    name, tangent = d.name("t"), d.name("t")
    d.emit(f"{name} = np.full(n, 1.0 * ({d.bounded(2.0, 1)}))")
    d.emit(f"{tangent} = np.full(n, 1.0 * ({d.bounded(2.0, 1)}))")
    d.emit(f"{name}[0] = {d.bounded(2.0, 1)}")
    d.emit(f"tangents_of_relax({name}, {tangent}, {d.bounded(1.0, 1)}, {d.bounded(1.0, 1)})")
    d.scope.arrays += [Array(name, (4,), "local"), Array(tangent, (4,), "local")]


def descent(d: Drawing) -> None:
    """A few steps against the slope."""
    if not d.roomy:
        return slopes(d)
    name = d.name("s")
    d.emit(f"{name} = {d.bounded(2.0, 1)}")
    with d.loop_over(d.pick(["range(z)", "range(2)"]), 0, 1):
        d.emit(f"{name} -= 0.5 * slope_of_bump({name})")
    d.scope.scalars.append(name)
    return None


FEATURE = Feature("derivatives", statements=(slopes, adjoints, tangents, descent), expressions=(slope,))
