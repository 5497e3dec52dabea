"""What each row of the table is the derivative of, in multiple precision: independent of the table."""

from __future__ import annotations

from collections.abc import Callable

from mpmath import mp, mpf

DIGITS = 50


def truncated_quotient(x: mpf, y: mpf) -> mpf:
    quotient = x / y
    return mp.floor(quotient) if quotient > 0 else mp.ceil(quotient)


def signed(magnitude: mpf, sign: mpf) -> mpf:
    return abs(magnitude) if sign >= 0 else -abs(magnitude)


def sinc_derivative(n: int, x: mpf) -> mpf:
    """As an integral: sinc(x) is the mean of cos(pi x t) over t from 0 to 1."""
    return mp.quad(lambda t: (mp.pi * t) ** n * mp.cos(mp.pi * (x * t + mpf(n) / 2)), mp.linspace(0, 1, 12))


PRIMALS: dict[str, Callable[..., mpf]] = {
    "fadd": lambda x, y: x + y,
    "fsub": lambda x, y: x - y,
    "fmul": lambda x, y: x * y,
    "fdiv": lambda x, y: x / y,
    "fneg": lambda x: -x,
    "frem": lambda x, y: x - y * truncated_quotient(x, y),
    "remainder": lambda x, y: x - y * mp.nint(x / y),
    "fma": lambda x, y, z: x * y + z,
    "fdim": lambda x, y: max(x - y, mpf(0)),
    "sqrt": mp.sqrt,
    "cbrt": lambda x: signed(mp.cbrt(abs(x)), x),
    "hypot": mp.hypot,
    "pow": mp.power,
    "powi": mp.power,
    "exp": mp.exp,
    "exp2": lambda x: mp.power(2, x),
    "exp10": lambda x: mp.power(10, x),
    "expm1": mp.expm1,
    "log": mp.log,
    "log2": lambda x: mp.log(x, 2),
    "log10": mp.log10,
    "log1p": mp.log1p,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "tgamma": mp.gamma,
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "digamma": mp.digamma,
    "trigamma": lambda x: mp.psi(1, x),
    "polygamma": lambda n, x: mp.psi(int(n), x),
    "fabs": abs,
    "copysign": signed,
    "fmin": min,
    "fmax": max,
    "minimum": min,
    "maximum": max,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "trunc": lambda x: signed(mp.floor(abs(x)), x),
    "round": lambda x: signed(mp.floor(abs(x) + 0.5), x),
    "roundeven": mp.nint,
    "rint": mp.nint,
    "nearbyint": mp.nint,
    "ldexp": lambda x, n: x * mpf(2) ** n,
    "frexp_mantissa": lambda x: mp.frexp(x)[0],
    # But for the rounding, which has no derivative.
    "nextafter": lambda x, y: x,
    "canonicalize": lambda x: x,
    "flat": lambda value: mp.floor(value),
    "mod": lambda x, y, value: x - y * mp.floor(x / y),
    "logaddexp": lambda x, y, value: mp.log(mp.exp(x) + mp.exp(y)),
    "logaddexp2": lambda x, y, value: mp.log(mp.power(2, x) + mp.power(2, y), 2),
    "sinc": lambda x, value: mp.sincpi(x),
    "sinc_derivative": lambda n, x: sinc_derivative(int(n), x),
    "line": lambda x, node, slope, value: value + slope * (x - node),
}


def value(name: str, point: tuple[float, ...]) -> mpf:
    """The primal, to DIGITS digits."""
    with mp.workdps(DIGITS):
        return +PRIMALS[name](*(mpf(v) for v in point))


def derivative(name: str, point: tuple[float, ...], index: int) -> mpf:
    """The partial derivative by a central difference of error 1e-20 or so, far below double precision."""
    with mp.workdps(DIGITS):
        step = mpf(10) ** -20 * max(mpf(1), abs(mpf(point[index])))
        ends = []
        for side in (1, -1):
            moved = [mpf(v) for v in point]
            moved[index] += side * step
            ends.append(PRIMALS[name](*moved))
        return (ends[0] - ends[1]) / (2 * step)
