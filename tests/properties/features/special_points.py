"""Library functions that Numba implements with branches of its own, at the points where the branches meet.

The functions are smooth where they are called here (`logaddexp` at equal operands, `hypot` on an axis, `power` with
exponents 0, 1 and 2), or have kinks, of which the oracle keeps a record.
"""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Number


def of_two(d: Drawing, depth: int) -> Number:
    e, f = d.number(depth), d.leaf()
    if d.one_in(3):
        f = e
    return d.pick(
        [
            Number(f"np.logaddexp({e.text}, {f.text})", max(e.bound, f.bound) + 0.7),
            Number(f"np.logaddexp({e.text}, {e.text})", e.bound + 0.7),
            Number(f"np.logaddexp2({e.text}, {f.text})", max(e.bound, f.bound) + 1.0),
            Number(f"np.hypot({e.text}, {f.text})", e.bound + f.bound),
            Number(f"math.hypot({e.text}, 1.0)", e.bound + 1.0),
            Number(f"np.arctan2({e.text}, {f.text})", 3.2),
            Number(f"math.atan2({e.text}, -1.0)", 3.2),
            Number(f"math.copysign({e.text}, {f.text})", e.bound),
            Number(f"np.copysign({e.text}, {f.text})", e.bound),
            Number(f"np.maximum({e.text}, {f.text})", max(e.bound, f.bound)),
            Number(f"np.minimum({e.text}, {f.text})", max(e.bound, f.bound)),
            Number(f"np.fmax({e.text}, {f.text})", max(e.bound, f.bound)),
            Number(f"max({e.text}, {f.text})", max(e.bound, f.bound)),
            Number(f"min({e.text}, {f.text})", max(e.bound, f.bound)),
            Number(f"np.float_power(1.0 + abs({e.text}), {f.text})", (1.0 + e.bound) ** f.bound),
        ]
    )


def of_one(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    return d.pick(
        [
            Number(f"np.sinc({e.text})", 1.0),
            Number(f"np.sign({e.text})", 1.0),
            Number(f"abs({e.text})", e.bound),
            Number(f"np.abs({e.text})", e.bound),
            Number(f"np.expm1(0.5 * {e.text})", 4.0),
            Number(f"np.log1p({e.text} ** 2)", e.bound),
            Number(f"1.0 * math.floor({e.text})", e.bound + 1.0),
            Number(f"1.0 * round({e.text})", e.bound + 1.0),
            Number(f"np.cbrt(1.5 + {e.text} ** 2)", 2.0 + e.bound),
            Number(f"math.erf({e.text})", 1.0),
            Number(f"math.gamma(1.5 + 0.25 * abs({e.text}))", 3.0 + e.bound),
            Number(f"math.lgamma(1.0 + abs({e.text}))", 2.0 + e.bound),
            Number(f"np.square({e.text})", e.bound**2),
            Number(f"np.reciprocal(1.5 + {e.text} ** 2)", 1.0),
        ]
    )


def interpolated(d: Drawing) -> None:
    """`np.interp` at its points and between them; the table is straight there, so the slope at a point is known."""
    arrays = d.arrays(rank=1, writable=True)
    if not arrays:
        return d.emit(d.update(d.pick(d.scope.scalars)))
    name, heights = d.pick(arrays).name, d.pick(["STRAIGHT", "0.5 * STRAIGHT", f"{d.leaf().text} * STRAIGHT"])
    return d.emit(f"{name}[:] = 0.5 * np.interp({name}, KNOTS, {heights})")


def power(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    small = f"(0.4 * {e.text})"
    bound = max(1.0, (0.4 * e.bound) ** 3)
    choices = [f"{small} ** {n}" for n in ("2", "1", "0", "3", "2.0", "1.0", "0.0", "z", "n")]
    choices += [f"np.power({small}, {n})" for n in ("2", "2.0", "1.0", "0.0", "3")]
    choices += [f"math.pow({small}, {n})" for n in ("2.0", "1.0", "3.0")]
    choices += [f"abs({small}) ** 1.5", f"(1.0 + abs({small})) ** {d.leaf().text}"]
    return Number(f"({d.pick(choices)})", max(bound, (1.0 + 0.4 * e.bound) ** 3))


def clipped(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    return d.pick(
        [
            Number(f"min(max({e.text}, -1.0), 1.0)", 1.0),
            Number(f"clip({e.text}, 0.75)", e.bound),
            Number(f"np.minimum(np.maximum({e.text}, -0.5), 1.0)", 1.0),
        ]
    )


FEATURE = Feature("special points", statements=(interpolated,), expressions=(of_two, of_two, of_one, power, clipped))
