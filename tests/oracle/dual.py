"""Dual numbers: a float together with its derivative along a few directions.

A `Dual` behaves like a Python float inside a kernel: it can be stored in NumPy object arrays, compared (by value),
taken to powers, rounded to an int. Beside the tangent it carries the *path magnitude*: the same sum of products of
partials with every term taken absolutely. Two exact methods may differ by rounding of that size and no more, so it is
the honest scale for comparing them when terms cancel.

A number that is not used contributes nothing: a partial that is infinite or NaN counts only where the tangent is not
exactly zero, and a partial of exactly zero lets nothing through. Where a function has a kink or a tie the derivative is
one of several; that it was there is kept in `KINKS`.

Invariant: a tangent never gets lost in silence. Turning a dual into a plain float is an error; only `int()`, `bool()`
and comparisons, whose derivative is zero, leave the dual numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

KINKS: list[str] = []
"""The functions that were evaluated at a kink since somebody cleared the list."""


class Dual:
    """A value, its tangent and its path magnitude (`None` stands for zero in every direction)."""

    __slots__ = ("magnitude", "tangent", "value")

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: float, tangent: np.ndarray | None = None, magnitude: np.ndarray | None = None) -> None:
        self.value = value
        self.tangent = tangent
        self.magnitude = magnitude

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.tangent!r})"

    def __array_ufunc__(self, function: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Arithmetic with NumPy arrays and scalars, also in place: the dual takes part as an array of one object."""
        result = getattr(function, method)(*(as_array(number) for number in inputs), **options)
        return result[()] if isinstance(result, np.ndarray) and result.ndim == 0 else result

    def __float__(self) -> float:
        raise TypeError("a dual number would lose its tangent here: the oracle must be taught this operation")

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return self.value != 0.0

    # Rounding: piecewise constant.

    def __round__(self, digits: int | None = None) -> float:
        return round(self.value) if digits is None else round(self.value, digits)

    def __floor__(self) -> int:
        return math.floor(self.value)

    def __ceil__(self) -> int:
        return math.ceil(self.value)

    def __trunc__(self) -> int:
        return math.trunc(self.value)

    # Comparisons: by value.

    def __lt__(self, other: Any) -> bool:
        return self.value < value_of(other)

    def __le__(self, other: Any) -> bool:
        return self.value <= value_of(other)

    def __gt__(self, other: Any) -> bool:
        return self.value > value_of(other)

    def __ge__(self, other: Any) -> bool:
        return self.value >= value_of(other)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == value_of(other))

    def __ne__(self, other: object) -> bool:
        return bool(self.value != value_of(other))

    # Arithmetic.

    def __pos__(self) -> Dual:
        return self

    def __neg__(self) -> Dual:
        return chain(-self.value, (-1.0, self))

    def __abs__(self) -> Dual:
        if self.value == 0.0:
            KINKS.append("abs")
        return self if math.copysign(1.0, self.value) > 0.0 else -self

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return np.add(self, other)
        return chain(self.value + value_of(other), (1.0, self), (1.0, other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return np.subtract(self, other)
        return chain(self.value - value_of(other), (1.0, self), (-1.0, other))

    def __rsub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return np.subtract(other, self)
        return chain(value_of(other) - self.value, (1.0, other), (-1.0, self))

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return np.multiply(self, other)
        right = value_of(other)
        return chain(self.value * right, (right, self), (self.value, other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return np.divide(self, other) if isinstance(other, np.ndarray) else divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return np.divide(other, self) if isinstance(other, np.ndarray) else divide(other, self)

    def __floordiv__(self, other: Any) -> float:
        return self.value // value_of(other)

    def __rfloordiv__(self, other: Any) -> float:
        return value_of(other) // self.value

    def __mod__(self, other: Any) -> Any:
        return np.remainder(self, other) if isinstance(other, np.ndarray) else floor_remainder(self, other)

    def __rmod__(self, other: Any) -> Any:
        return np.remainder(other, self) if isinstance(other, np.ndarray) else floor_remainder(other, self)

    def __divmod__(self, other: Any) -> tuple[float, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[float, Any]:
        return other // self, other % self

    def __pow__(self, other: Any) -> Any:
        return np.power(self, other) if isinstance(other, np.ndarray) else power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return np.power(other, self) if isinstance(other, np.ndarray) else power(other, self)

    def conjugate(self) -> Dual:
        """The number itself; NumPy asks for it in inner products of object arrays."""
        return self


def value_of(number: Any) -> float:
    """The plain value of a dual, or the number itself."""
    if isinstance(number, Dual):
        return number.value
    return number.item() if isinstance(number, np.generic) else number


def as_array(number: Any) -> Any:
    """An array of one object for a dual or a NumPy scalar; arrays as they are."""
    if isinstance(number, np.ndarray):
        return number
    box = np.empty((), dtype=object)
    box[()] = number.item() if isinstance(number, np.generic) else number
    return box


def chain(value: float, *terms: tuple[float, Any], size: float = 0.0) -> Dual:
    """The dual with this value whose tangent is the sum of partial * operand.tangent over the terms.

    `size` is the size of the terms that cancel in a partial, where those are larger than itself.
    """
    tangent = magnitude = None
    for partial, operand in terms:
        if not isinstance(operand, Dual) or operand.tangent is None:
            continue
        if tangent is None:
            tangent = times(operand.tangent, partial)
            magnitude = times(operand.magnitude, max(abs(partial), size))
        else:
            tangent = tangent + times(operand.tangent, partial)
            magnitude = magnitude + times(operand.magnitude, max(abs(partial), size))
    return Dual(value, tangent, magnitude)


def times(row: np.ndarray, partial: float) -> np.ndarray:
    """The product, in which zero times anything is zero."""
    product = row * partial
    if not math.isfinite(product.sum()):
        product[(row == 0.0) | (partial == 0.0)] = 0.0
    return product


def divide(left: Any, right: Any) -> Dual:
    """left / right."""
    over, under = value_of(left), value_of(right)
    return chain(over / under, (1.0 / under, left), (-over / (under * under), right))


def floor_remainder(left: Any, right: Any) -> Dual:
    """left % right, whose sign follows the divisor: left - right * floor(left / right)."""
    over, under = value_of(left), value_of(right)
    rest = over % under
    return chain(rest, (1.0, left), (-float(round((over - rest) / under)), right))


def truncated_remainder(left: Any, right: Any) -> Dual:
    """fmod(left, right), whose sign follows the dividend: left - right * trunc(left / right)."""
    over, under = value_of(left), value_of(right)
    rest = math.fmod(over, under)
    return chain(rest, (1.0, left), (-float(round((over - rest) / under)), right))


def power(base: Any, exponent: Any) -> Dual:
    """base ** exponent; at base 0 the partial of the exponent is 0."""
    low, high = value_of(base), value_of(exponent)
    value = low**high
    of_base = high * low ** (high - 1) if high != 0 and (low != 0.0 or high >= 1) else 0.0
    of_exponent = value * math.log(low) if low > 0.0 else 0.0
    return chain(value, (of_base, base), (of_exponent, exponent))
