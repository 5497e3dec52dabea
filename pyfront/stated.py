"""Stated derivatives: where the code of Numba's library has another derivative than the function that it computes.

Numba's ``x % y`` returns a literal zero at multiples, ``np.logaddexp(x, x)`` is ``x + log(2)``, ``np.sign(0.0)`` is its
argument, ``np.interp`` at a node is the node's value: right as values, but the derivative of that code at that point
is not the function's. In captured code such a value goes through a call that returns it and says whose it is:

    %value = ... Numba's own code ...
    %r = call double @pyfront_stated_mod(double %x, double %y, double %value)

The engine takes the derivative from the row `mod` of the rule table, which has the partial 0 in `value`, so Numba's
code carries none; the emitted code replaces the call by its last operand. So values are Numba's, bit for bit, and cost
what they cost.

Each function of Numba's is classified in core/rules/numba.rules.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload, register_jitable
from numba.np import arraymath

PREFIX = "pyfront_stated_"

Implementation = Callable[..., Any]
"""Of a function for one signature, as Numba's lowering has them: called with a builder and values."""


def stated(builder: ir.IRBuilder, row: str, operands: Sequence[ir.Value], value: ir.Value) -> ir.Value:
    """``value``, whose derivative in ``operands`` is that of ``row``."""
    suffix = {ir.DoubleType(): "", ir.FloatType(): "_f32"}.get(value.type)
    if suffix is None:
        return value
    arguments = [*(_widened(builder, operand, value.type) for operand in operands), value]
    function_type = ir.FunctionType(value.type, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, function_type, PREFIX + row + suffix)
    return builder.call(function, arguments)


def _widened(builder: ir.IRBuilder, operand: ir.Value, wanted: ir.Type) -> ir.Value:
    """A float of another width as one of the value's: `np.sinc` of a float32 is a float64."""
    if operand.type == wanted or isinstance(operand.type, ir.IntType):
        return operand
    return (builder.fpext if wanted == ir.DoubleType() else builder.fptrunc)(operand, wanted)


# --- operators and built-in functions -------------------------------------------------------------


def _remainder(builder: ir.IRBuilder, args: Sequence[ir.Value], value: ir.Value) -> ir.Value:
    return stated(builder, "mod", args, value)


def _flat(builder: ir.IRBuilder, args: Sequence[ir.Value], value: ir.Value) -> ir.Value:
    return stated(builder, "flat", [], value)


def _divmod(builder: ir.IRBuilder, args: Sequence[ir.Value], value: ir.Value) -> ir.Value:
    quotient, remainder = (builder.extract_value(value, place) for place in (0, 1))
    value = builder.insert_value(value, _flat(builder, args, quotient), 0)
    return builder.insert_value(value, _remainder(builder, args, remainder), 1)


def _row(row: str) -> Implementation:
    return lambda builder, args, value: stated(builder, row, args, value)


BUILTINS: dict[Any, Implementation] = {
    operator.mod: _remainder,
    operator.imod: _remainder,
    operator.floordiv: _flat,
    operator.ifloordiv: _flat,
    divmod: _divmod,
    round: _flat,
}
"""What is stated of the results of these functions, where their first argument is a float."""

UFUNCS: dict[np.ufunc, Implementation] = {
    np.sign: _flat,
    np.logaddexp: _row("logaddexp"),
    np.logaddexp2: _row("logaddexp2"),
}
"""The same for loops of ufuncs over floats."""


class StatedFunction:
    """Numba's implementation of a built-in function, its result stated."""

    def __init__(self, numbas: Any, state: Implementation) -> None:
        self._numbas = numbas
        self._state = state

    def __call__(self, builder: ir.IRBuilder, args: Sequence[ir.Value], loc: Any = None) -> ir.Value:
        return self._state(builder, args, self._numbas(builder, args, loc))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numbas, name)


def builtin(fn: Any, signature: Any, numbas: Any) -> Any:
    """``numbas``, Numba's implementation of ``fn``, or one that states its result."""
    key = fn.get_impl_key(signature) if isinstance(fn, types.Callable) else fn
    try:
        state = BUILTINS.get(key)
    except TypeError:  # a key that cannot be hashed is none of ours
        return numbas
    if state is None or not signature.args or not isinstance(signature.args[0], types.Float):
        return numbas
    if isinstance(signature.return_type, types.Integer):
        return numbas
    return StatedFunction(numbas, state)


def ufunc_loops(ufunc: np.ufunc, loops: dict[str, Implementation]) -> dict[str, Implementation]:
    """Numba's loops of a ufunc by their types, those over floats with a stated result."""
    state = UFUNCS.get(ufunc)
    if state is None:
        return loops
    return {key: _stated_loop(loop, state) if set(key) <= set("fd->") else loop for key, loop in loops.items()}


def _stated_loop(loop: Implementation, state: Implementation) -> Implementation:
    def implementation(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return state(builder, args, loop(context, builder, signature, args))

    return implementation


# --- functions that Numba has in Python -----------------------------------------------------------


def _intrinsic(row: str, arity: int) -> Any:
    """``f(*operands, value)`` for Python code of this target: the value, with the derivative of ``row``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return stated(builder, row, args[:-1], args[-1])

    def typer(context: Any, *operands: Any) -> Any:
        value = operands[-1]
        return value(*operands[:-1], value), codegen

    names = [f"a{place}" for place in range(arity)]
    scope: dict[str, Any] = {"typer": typer}
    exec(f"def {row}(context, {', '.join(names)}): return typer(context, {', '.join(names)})", scope)
    return intrinsic(scope[row])


flat = _intrinsic("flat", 1)
sinc = _intrinsic("sinc", 2)
line = _intrinsic("line", 4)


def _copy(function: FunctionType) -> Any:
    """A function of Numba's under another identity: what is overloaded here is not found in it again."""
    return register_jitable(FunctionType(function.__code__, function.__globals__, function.__name__))


numbas_percentiles = _copy(arraymath._collect_percentiles_inner)
numbas_rounding = _copy(arraymath.round_ndigits)
select_two = arraymath._select_two
search = arraymath.binary_search_with_guess


@register_jitable
def interpolated(points: Any, nodes: Any, values: Any) -> Any:
    """Numba's `np.interp`; at an inner node the derivative is that of the line to its right."""
    size = nodes.size
    if size == 0:
        raise ValueError("array of sample points is empty")
    if size != values.size:
        raise ValueError("fp and xp are not of the same size.")
    result = np.empty(points.shape, np.float64)
    j = 0
    for index, x in np.ndenumerate(points):
        if size == 1:
            result[index] = values[0]
            continue
        if np.isnan(x):
            result[index] = x
            continue
        j = search(x, nodes, size, j)
        if j < 0:
            result[index] = values[0]
        elif j >= size - 1:
            result[index] = values[size - 1]
        else:
            slope = (values[j + 1] - values[j]) / (nodes[j + 1] - nodes[j])
            if nodes[j] == x:
                result[index] = line(x, nodes[j], slope, values[j])
            else:
                y = slope * (x - nodes[j]) + values[j]
                if np.isnan(y):  # an infinite value at the left node
                    y = slope * (x - nodes[j + 1]) + values[j + 1]
                    if np.isnan(y) and values[j] == values[j + 1]:
                        y = values[j]
                result[index] = y
    return result


@register_jitable
def unwrapped(p: Any, discont: Any, period: Any) -> Any:
    """Numba's `np.unwrap` of floats; a step of exactly half a period is a step like any other."""
    result = np.ascontiguousarray(p).astype(np.float64)
    columns = p.shape[-1]
    rows = result.reshape((p.size // columns, columns))
    high = period / 2
    low = -high
    for i in range(rows.shape[0]):
        shift = 0.0
        last = rows[i, 0]
        for k in range(1, columns):
            step = rows[i, k] - last
            last = rows[i, k]
            wrapped = np.mod(step - low, period) + low
            if wrapped == low and step > 0:
                wrapped += period
            correction = wrapped - step
            if abs(step) < discont:
                correction = 0.0
            shift += correction
            rows[i, k] += shift
    return result


def install(target: str) -> None:
    """Overload what is overloaded here for the capture target."""

    @overload(np.sinc, target=target, strict=False)
    def _sinc(x: Any) -> Any:
        if not isinstance(x, types.Float):
            return None
        numbas = register_jitable(arraymath.impl_np_sinc(x))
        return lambda x: sinc(x, numbas(x))

    @overload(arraymath.round_ndigits, target=target, strict=False)
    def _round_ndigits(x: Any, ndigits: Any) -> Any:
        return lambda x, ndigits: flat(numbas_rounding(x, ndigits))

    @overload(arraymath._collect_percentiles_inner, target=target, strict=False)
    def _percentiles(a: Any, q: Any) -> Any:
        def implementation(a: Any, q: Any) -> Any:
            result = numbas_percentiles(a, q)
            n = len(a)
            for i in range(len(q)):
                # At both ends Numba takes the extreme element, of whatever q.
                if n > 1 and (q[i] == 0.0 or q[i] == 100.0):
                    lower, upper = select_two(a, 0 if q[i] == 0.0 else n - 2, 0, n - 1)
                    end = 0.0 if q[i] == 0.0 else 100.0
                    result[i] = line(q[i], end, (upper - lower) * (n - 1) / 100.0, result[i])
            return result

        return implementation

    @overload(np.interp, target=target, strict=False)
    def _interp(x: Any, xp: Any, fp: Any) -> Any:
        if any(isinstance(getattr(t, "dtype", t), types.Complex) for t in (x, xp, fp)):
            return None
        if any(getattr(t, "ndim", 1) > 1 for t in (xp, fp)):
            return None
        if isinstance(x, types.Number):
            return lambda x, xp, fp: interpolated(
                np.full(1, x, np.float64), np.asarray(xp, dtype=np.float64), np.asarray(fp, dtype=np.float64)
            )[0]
        return lambda x, xp, fp: interpolated(
            np.asarray(x, dtype=np.float64), np.asarray(xp, dtype=np.float64), np.asarray(fp, dtype=np.float64)
        )

    @overload(np.unwrap, target=target, strict=False)
    def _unwrap(p: Any, discont: Any = None, axis: Any = -1, period: Any = 2 * math.pi) -> Any:
        if not isinstance(p, types.Array) or not isinstance(p.dtype, types.Float):
            return None

        def implementation(p: Any, discont: Any = None, axis: Any = -1, period: Any = 2 * math.pi) -> Any:
            if axis != -1:
                raise ValueError('Value for argument "axis" is not supported')
            return unwrapped(p, period / 2 if discont is None else discont, period)

        return implementation
