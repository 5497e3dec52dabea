"""`math`, `numpy` and `float` as a kernel sees them when it runs on dual numbers.

`on_duals(kernel)` is the kernel's Python function with its globals and closure replaced: `math` and `np` by the
namespaces below, compiled functions by their own Python functions, in turn on dual numbers. Partials of analytic
functions are taken by a complex step of `cmath` or SciPy (`f(x + ih).imag / h`, exact to rounding), the rest are
written by hand; none is read from the engine's rule table.

Invariant: arrays of floats are object arrays of duals or floats; arrays of ints and bools stay what they are.
"""

from __future__ import annotations

import cmath
import functools
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from oracle import linear
from oracle.dual import KINKS, Dual, chain, floor_remainder, power, truncated_remainder, value_of

STEP = 1e-150


def analytic(function: Callable[[complex], complex]) -> Callable[[float], float]:
    """The derivative of an analytic function by a complex step."""
    return lambda x: float(function(complex(x, STEP)).imag / STEP)


def unary(
    evaluate: Callable[[float], float], partial: Callable[[float], float], size: float = 0.0
) -> Callable[[Any], Any]:
    """A function of one number, dual or not. `size`: docs/rules.md promises the partial to an ulp of this only."""

    def function(x: Any) -> Any:
        if not isinstance(x, Dual):
            return evaluate(x)
        return chain(evaluate(x.value), (partial(x.value), x), size=size)

    return function


def flat(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose derivative is zero wherever it has one."""
    return lambda *numbers: evaluate(*(value_of(number) for number in numbers))


def atan2(y: Any, x: Any) -> Any:
    """The angle of (x, y)."""
    up, right = value_of(y), value_of(x)
    square = up * up + right * right
    return chain(math.atan2(up, right), (right / square, y), (-up / square, x))


def hypot(x: Any, y: Any) -> Any:
    """The length of (x, y)."""
    a, b = value_of(x), value_of(y)
    length = math.hypot(a, b)
    if length == 0.0:
        KINKS.append("hypot")
        return chain(0.0, (0.0, x), (0.0, y))
    return chain(length, (a / length, x), (b / length, y))


def copysign(x: Any, y: Any) -> Any:
    """The absolute value of x with the sign of y."""
    value = math.copysign(value_of(x), value_of(y))
    if value == 0.0:
        KINKS.append("copysign")
    return chain(value, (math.copysign(1.0, value_of(x)) * math.copysign(1.0, value), x))


def ldexp(x: Any, exponent: int) -> Any:
    """x * 2**exponent."""
    return x * 2.0**exponent


def frexp(x: Any) -> tuple[Any, int]:
    """Mantissa and exponent of x."""
    exponent = math.frexp(value_of(x))[1]
    return x * 2.0**-exponent, exponent


def modf(x: Any) -> tuple[Any, float]:
    """Fractional and integer part of x."""
    whole = math.modf(value_of(x))[1]
    return x - whole, whole


def logaddexp(x: Any, y: Any) -> Any:
    """log(exp(x) + exp(y))."""
    a, b = value_of(x), value_of(y)
    value = float(np.logaddexp(a, b))
    return chain(value, (math.exp(a - value), x), (math.exp(b - value), y))


def logaddexp2(x: Any, y: Any) -> Any:
    """log2(2**x + 2**y)."""
    a, b = value_of(x), value_of(y)
    value = float(np.logaddexp2(a, b))
    return chain(value, (2.0 ** (a - value), x), (2.0 ** (b - value), y))


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x)."""
    a = value_of(x)
    value = float(np.sinc(a))
    return chain(value, ((math.cos(math.pi * a) - value) / a if a != 0.0 else 0.0, x))


def interp(x: Any, xp: np.ndarray, fp: np.ndarray) -> Any:
    """Linear between the points (xp, fp), constant beyond; at a point the slope is that on its right."""
    a, nodes = value_of(x), [float(value_of(node)) for node in xp]
    if a < nodes[0] or a >= nodes[-1]:
        if a in (nodes[0], nodes[-1]):
            KINKS.append("interp")
        return fp[0] if a < nodes[0] else fp[-1]
    k = int(np.searchsorted(nodes, a, "right")) - 1
    slope = (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k])
    return slope * (x - xp[k]) + fp[k]


def order_of(array: np.ndarray) -> np.ndarray:
    """The places of the elements of each row from the smallest on; among equal ones it is one of several."""
    values = np.array([value_of(element) for element in array.ravel()], np.float64).reshape(array.shape)
    if np.any(np.diff(np.sort(values)) == 0.0):
        KINKS.append("sort")
    return np.argsort(values, kind="stable")


def tied(x: Any, y: Any) -> None:
    """Keeps a record of operands that are equal without being the same."""
    if x is not y and value_of(x) == value_of(y):
        KINKS.append("tie")


def maximum(x: Any, y: Any) -> Any:
    """The larger of two numbers."""
    tied(x, y)
    return x if value_of(x) >= value_of(y) else y


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two numbers."""
    tied(x, y)
    return x if value_of(x) <= value_of(y) else y


def clip(x: Any, low: Any, high: Any) -> Any:
    """x, held between low and high."""
    return minimum(maximum(x, low), high)


def of_several(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Python's own `max` or `min`, of its arguments or of what is in the only one."""

    def apply(*numbers: Any) -> Any:
        return functools.reduce(function, numbers if len(numbers) > 1 else numbers[0])

    return apply


SQUARE_ROOT_OF_PI = math.sqrt(math.pi)

SCALAR: dict[str, Callable[..., Any]] = {
    "sqrt": unary(math.sqrt, analytic(cmath.sqrt)),
    "cbrt": unary(lambda x: float(np.cbrt(x)), lambda x: 1.0 / (3.0 * float(np.cbrt(x)) ** 2)),
    "exp": unary(math.exp, analytic(cmath.exp)),
    "exp2": unary(lambda x: 2.0**x, lambda x: 2.0**x * math.log(2.0)),
    "expm1": unary(math.expm1, analytic(cmath.exp), size=1.0),
    "log": unary(math.log, analytic(cmath.log)),
    "log1p": unary(math.log1p, lambda x: 1.0 / (1.0 + x)),
    "log2": unary(math.log2, lambda x: 1.0 / (x * math.log(2.0))),
    "log10": unary(math.log10, analytic(cmath.log10)),
    "sin": unary(math.sin, analytic(cmath.sin)),
    "cos": unary(math.cos, analytic(cmath.cos)),
    "tan": unary(math.tan, analytic(cmath.tan)),
    "asin": unary(math.asin, analytic(cmath.asin)),
    "acos": unary(math.acos, analytic(cmath.acos)),
    "atan": unary(math.atan, analytic(cmath.atan)),
    "sinh": unary(math.sinh, analytic(cmath.sinh)),
    "cosh": unary(math.cosh, analytic(cmath.cosh)),
    "tanh": unary(math.tanh, analytic(cmath.tanh), size=1.0),
    "asinh": unary(math.asinh, analytic(cmath.asinh)),
    "acosh": unary(math.acosh, analytic(cmath.acosh)),
    "atanh": unary(math.atanh, analytic(cmath.atanh)),
    "erf": unary(math.erf, lambda x: 2.0 / SQUARE_ROOT_OF_PI * math.exp(-x * x)),
    "erfc": unary(math.erfc, lambda x: -2.0 / SQUARE_ROOT_OF_PI * math.exp(-x * x)),
    "gamma": unary(math.gamma, lambda x: math.gamma(x) * float(scipy.special.digamma(x))),
    "lgamma": unary(math.lgamma, lambda x: float(scipy.special.digamma(x))),
    "degrees": unary(math.degrees, lambda _: 180.0 / math.pi),
    "radians": unary(math.radians, lambda _: math.pi / 180.0),
    "fabs": abs,
    "atan2": atan2,
    "hypot": hypot,
    "copysign": copysign,
    "fmod": truncated_remainder,
    "pow": power,
    "ldexp": ldexp,
    "frexp": frexp,
    "modf": modf,
    "floor": flat(math.floor),
    "ceil": flat(math.ceil),
    "trunc": flat(math.trunc),
    "isnan": flat(math.isnan),
    "isinf": flat(math.isinf),
    "isfinite": flat(math.isfinite),
}

# NumPy's own names for the same functions, and those that only NumPy has.
NUMPY_SCALAR: dict[str, Callable[..., Any]] = {
    **{name: function for name, function in SCALAR.items() if name not in {"pow", "erf", "erfc", "gamma", "lgamma"}},
    "arcsin": SCALAR["asin"],
    "arccos": SCALAR["acos"],
    "arctan": SCALAR["atan"],
    "arctan2": atan2,
    "arcsinh": SCALAR["asinh"],
    "arccosh": SCALAR["acosh"],
    "arctanh": SCALAR["atanh"],
    "deg2rad": SCALAR["radians"],
    "rad2deg": SCALAR["degrees"],
    "power": power,
    "mod": floor_remainder,
    "remainder": floor_remainder,
    "logaddexp": logaddexp,
    "logaddexp2": logaddexp2,
    "sinc": sinc,
    "float_power": power,
    "floor_divide": lambda x, y: x // y,
    "maximum": maximum,
    "minimum": minimum,
    "fmax": maximum,
    "fmin": minimum,
    "clip": clip,
    "abs": abs,
    "absolute": abs,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "negative": lambda x: -x,
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "true_divide": lambda x, y: x / y,
    "sign": flat(lambda x: float(np.sign(x))),
    "floor": flat(lambda x: float(np.floor(x))),
    "ceil": flat(lambda x: float(np.ceil(x))),
    "trunc": flat(lambda x: float(np.trunc(x))),
    "rint": flat(lambda x: float(np.rint(x))),
    "signbit": flat(lambda x: bool(np.signbit(x))),
}


def elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function on numbers, and element by element on arrays."""

    def apply(*operands: Any) -> Any:
        if any(isinstance(operand, np.ndarray) for operand in operands):
            return np.frompyfunc(function, len(operands), 1)(*operands)
        return function(*operands)

    return apply


class FloatType:
    """`float`, `np.float64` or `np.float32`: a conversion that keeps tangents, and a dtype for array constructors."""

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def __call__(self, number: Any = 0.0) -> Any:
        if isinstance(number, Dual):
            return Dual(float(self.dtype.type(number.value)), number.tangent, number.magnitude)
        return float(self.dtype.type(number))


def is_float(dtype: Any) -> bool:
    """Whether an array constructor is asked for floats (a dual array's own dtype is `object`)."""
    return dtype is None or isinstance(dtype, FloatType) or np.dtype(dtype).kind in "fO"


def filled(shape: Any, value: Any, dtype: Any) -> np.ndarray:
    """A new array, of objects where the kernel asks for floats."""
    if not is_float(dtype):
        return np.full(shape, value, dtype)
    array = np.empty(shape, dtype=object)
    array[...] = value
    return array


def array_of(values: Any, dtype: Any = None) -> np.ndarray:
    """`np.array`: objects if any element is a float."""
    array = np.array(values, dtype=object)
    holds_floats = any(isinstance(element, (float, Dual)) for element in array.ravel())
    if holds_floats or (dtype is not None and is_float(dtype)):
        return array
    return np.array(values, dtype)


def as_objects(array: np.ndarray) -> np.ndarray:
    """The same numbers as Python objects if they are floats."""
    return array.astype(object) if array.dtype.kind == "f" else array


def like(array: np.ndarray, value: Any, dtype: Any) -> np.ndarray:
    """A new array with the shape of another."""
    wanted = array.dtype if dtype is None else dtype
    return filled(array.shape, value if is_float(wanted) else np.nan_to_num(value), wanted)


class Numpy:
    """`np` on dual numbers; what is not listed here is NumPy's own."""

    float64 = FloatType("float64")
    float32 = FloatType("float32")
    linalg = linear.LINALG
    dot = staticmethod(linear.dot)
    vdot = staticmethod(linear.vdot)

    def __getattr__(self, name: str) -> Any:
        return elementwise(NUMPY_SCALAR[name]) if name in NUMPY_SCALAR else getattr(np, name)

    def empty(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return filled(shape, math.nan, dtype) if is_float(dtype) else np.zeros(shape, dtype)

    def zeros(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return filled(shape, 0.0, dtype) if is_float(dtype) else np.zeros(shape, dtype)

    def ones(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return filled(shape, 1.0, dtype) if is_float(dtype) else np.ones(shape, dtype)

    def full(self, shape: Any, fill_value: Any, dtype: Any = None) -> np.ndarray:
        if dtype is None and not isinstance(fill_value, (float, Dual)):
            return np.full(shape, fill_value)
        return filled(shape, fill_value, dtype)

    def empty_like(self, array: np.ndarray, dtype: Any = None) -> np.ndarray:
        return like(array, math.nan, dtype)

    def zeros_like(self, array: np.ndarray, dtype: Any = None) -> np.ndarray:
        return like(array, 0.0, dtype)

    def ones_like(self, array: np.ndarray, dtype: Any = None) -> np.ndarray:
        return like(array, 1.0, dtype)

    def full_like(self, array: np.ndarray, fill_value: Any, dtype: Any = None) -> np.ndarray:
        return like(array, fill_value, dtype)

    def array(self, values: Any, dtype: Any = None) -> np.ndarray:
        return array_of(values, dtype)

    def eye(self, size: int) -> np.ndarray:
        return as_objects(np.eye(size))

    def linspace(self, start: float, stop: float, count: int) -> np.ndarray:
        return start + (stop - start) / (count - 1) * as_objects(np.arange(float(count)))

    def arange(self, *bounds: Any) -> np.ndarray:
        return as_objects(np.arange(*bounds))

    def interp(self, x: Any, xp: np.ndarray, fp: np.ndarray) -> Any:
        return elementwise(lambda number: interp(number, xp, fp))(x)

    def argsort(self, array: np.ndarray, kind: str = "stable") -> np.ndarray:
        return order_of(array)

    def sort(self, array: np.ndarray) -> np.ndarray:
        return np.take_along_axis(array, order_of(array), -1)

    def round(self, number: Any) -> Any:
        return elementwise(NUMPY_SCALAR["rint"])(number)


NUMPY = Numpy()
MATH = types.SimpleNamespace(**{**vars(math), **SCALAR})
FLOAT = FloatType("float64")

# `from math import sin` and `from numpy import zeros` in a kernel's module.
REPLACED = {
    id(math): MATH,
    id(np): NUMPY,
    id(float): FLOAT,
    id(max): of_several(maximum),
    id(min): of_several(minimum),
    **{id(vars(math)[name]): function for name, function in SCALAR.items() if name in vars(math)},
}


def names_in(code: types.CodeType) -> set[str]:
    """Every global name that the code, or a function defined inside it, may read."""
    nested = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*(names_in(inner) for inner in nested))


def on_duals(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The Python function of a kernel, with everything that it names replaced by its dual counterpart."""
    return twin(kernel, REPLACED, {})


def twin(kernel: Callable[..., Any], counterparts: dict[int, Any], done: dict[int, Any]) -> Callable[..., Any]:
    """The Python function of a kernel, with everything that it names replaced by its counterpart, found by identity;
    `done` are the functions that have a twin."""
    function = getattr(kernel, "py_func", kernel)
    if id(function) in done:
        return done[id(function)]
    scope: dict[str, Any] = {"__builtins__": function.__globals__["__builtins__"]}
    scope |= {kind.__name__: counterparts[id(kind)] for kind in (float, max, min) if id(kind) in counterparts}
    # A function that names itself finds its twin through the same dictionary.
    cells = tuple(types.CellType() for _ in function.__closure__ or ())
    result = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
    done[id(function)] = result

    def replaced(thing: Any) -> Any:
        """What a global or closure variable stands for."""
        if id(thing) in counterparts:
            return counterparts[id(thing)]
        if hasattr(thing, "py_func"):
            return twin(thing, counterparts, done)
        if isinstance(thing, np.ndarray):
            return as_objects(thing)
        if isinstance(thing, tuple):
            return tuple(replaced(element) for element in thing)
        return thing

    for name in names_in(function.__code__):
        if name in function.__globals__:
            scope[name] = replaced(function.__globals__[name])
    for cell, original in zip(cells, function.__closure__ or (), strict=True):
        cell.cell_contents = replaced(original.cell_contents)
    return result
