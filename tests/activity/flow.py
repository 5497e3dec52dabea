"""Floats that remember where they come from: a tangent, and a place on a tape from which adjoints come back.

Every float that an instruction yields, and every float that a store puts into memory, is a `Flow` of its own, so that
tangent and adjoint belong to that use and to no other. A float that no varied input reaches is not on the tape.

Invariant: partials are those of the oracle's functions (`oracle.namespace`); none is read from the engine's rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from oracle.dual import Dual, floor_remainder, truncated_remainder, value_of
from oracle.namespace import SCALAR, logaddexp, logaddexp2, maximum, minimum, sinc

NOWHERE = -1


class Flow:
    """A float: its value, its tangent, and its place on the tape (NOWHERE: nothing varied reaches it)."""

    __slots__ = ("at", "tangent", "value")

    def __init__(self, value: float, tangent: float = 0.0, at: int = NOWHERE) -> None:
        self.value = value
        self.tangent = tangent
        self.at = at


def product(weight: float, partial: float) -> float:
    """Zero times anything is zero, as in the oracle."""
    return 0.0 if weight == 0.0 or partial == 0.0 else weight * partial


class Tape:
    """What every float on it was made of."""

    def __init__(self) -> None:
        self.terms: list[tuple[tuple[int, float], ...]] = []

    def source(self, value: float, tangent: float) -> Flow:
        """A varied input."""
        self.terms.append(())
        return Flow(value, tangent, len(self.terms) - 1)

    def made(self, value: float, *terms: tuple[Flow, float]) -> Flow:
        """A float with these partials in others."""
        kept = [(operand, partial) for operand, partial in terms if operand.at != NOWHERE]
        if not kept:
            return Flow(value)
        self.terms.append(tuple((operand.at, partial) for operand, partial in kept))
        return Flow(value, sum(product(o.tangent, partial) for o, partial in kept), len(self.terms) - 1)

    def same(self, flow: Flow) -> Flow:
        """The same float, used once more."""
        return self.made(flow.value, (flow, 1.0))

    def adjoints(self, seeds: list[tuple[int, float]]) -> list[float]:
        """The derivative of the weighed outputs by every float on the tape."""
        result = [0.0] * len(self.terms)
        for at, seed in seeds:
            if at != NOWHERE:
                result[at] += seed
        for at in range(len(self.terms) - 1, -1, -1):
            if result[at] != 0.0:
                for operand, partial in self.terms[at]:
                    result[operand] += product(result[at], partial)
        return result


# Functions that kernels call, by the names of C and of LLVM's intrinsics without their types.

Function = Callable[..., Any]
RENAMED = {"tgamma": "gamma", "minnum": "fmin", "maxnum": "fmax", "minimumnum": "fmin", "maximumnum": "fmax"}


def flat(evaluate: Callable[[float], float]) -> Function:
    """A function whose derivative is zero."""
    return lambda x: float(evaluate(value_of(x)))


def away(x: float) -> float:
    """x rounded, halves away from zero."""
    return math.copysign(math.floor(abs(x) + 0.5), x)


def line(x: Any, node: Any, slope: Any, value: Any) -> Any:
    """The value at a node of a polygon."""
    return value + slope * (x - node) if value_of(x) == value_of(node) else slope * (x - node) + value


def power(base: Any, exponent: Any) -> Any:
    """base ** exponent in real numbers."""
    if value_of(base) < 0.0 and not float(value_of(exponent)).is_integer():
        return math.nan
    return SCALAR["pow"](base, exponent)


OTHERS: dict[str, Function] = {
    "pow": power,
    "fmin": minimum,
    "fmax": maximum,
    "minimum": minimum,
    "maximum": maximum,
    "fma": lambda x, y, z: x * y + z,
    "fmuladd": lambda x, y, z: x * y + z,
    "exp10": lambda x: power(10.0, x),
    "powi": power,
    "pyfront_frexp_mantissa": lambda x: SCALAR["frexp"](x)[0],
    "arithmetic.fence": lambda x: x,
    "canonicalize": lambda x: x,
    "floor": flat(np.floor),
    "ceil": flat(np.ceil),
    "trunc": flat(np.trunc),
    "rint": flat(np.rint),
    "nearbyint": flat(np.rint),
    "roundeven": flat(np.rint),
    "round": flat(away),
    # Their value is the last operand; the derivative is that of the function of the others.
    "pyfront_stated_flat": lambda value: value_of(value),
    "pyfront_stated_mod": lambda x, y, _: floor_remainder(x, y),
    "pyfront_stated_logaddexp": lambda x, y, _: logaddexp(x, y),
    "pyfront_stated_logaddexp2": lambda x, y, _: logaddexp2(x, y),
    "pyfront_stated_sinc": lambda x, _: sinc(x),
    "pyfront_stated_line": line,
    "frem": truncated_remainder,
}


def function_of(symbol: str) -> Function | None:
    """The function that a symbol names, on duals; None if it is not known here."""
    name = symbol.removeprefix("llvm.").removeprefix("numba_")
    name = name.removesuffix(".f64").removesuffix(".f32").removesuffix("_f32").removesuffix(".i32")
    for candidate in (name, name.removesuffix("f")):
        candidate = RENAMED.get(candidate, candidate)
        found = OTHERS.get(candidate) or SCALAR.get(candidate)
        if found:
            return found
    return None


def applied(function: Function, numbers: list[Any], is_stated: bool) -> tuple[float, list[float]]:
    """Value and partials of a function; a stated one has the value that it is given."""
    rows = np.eye(len(numbers))
    duals = [Dual(n, row, row) if isinstance(n, float) else n for n, row in zip(numbers, rows, strict=True)]
    result = function(*duals)
    tangent = getattr(result, "tangent", None)
    value = numbers[-1] if is_stated else float(value_of(result))
    return value, [0.0] * len(numbers) if tangent is None else [float(t) for t in tangent]
