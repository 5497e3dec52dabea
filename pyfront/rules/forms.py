"""Rules in the forms that JAX has, for functions of values, and one for what is defined by an equation.

    @ad.custom_vjp                          @ad.custom_jvp
    def f(x, y): ...                        def f(x, y): ...

    def forward(x, y):                      def jvp(arguments, tangents):
        return value, kept                      return value, tangent

    def backward(kept, cotangent):
        return x_bar, y_bar

    f.defvjp(forward, backward)             f.defjvp(jvp)

A function of values writes none of its arguments. What is decorated stays an ``@njit`` function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import types
from numba.core.dispatcher import Dispatcher

from pyfront.annotations import Active, Const, Duplicated
from pyfront.errors import ArgumentError, with_help
from pyfront.kernel import as_dispatcher
from pyfront.modes import Mode
from pyfront.rules.registry import Rule, register


def custom_vjp(f: Callable[..., Any]) -> Any:
    """Let ``f.defvjp(forward, backward)`` say the derivative of ``f``, in reverse mode.

    ``forward(*arguments)`` returns the value and what ``backward`` needs: numbers, arrays, and tuples of these.
    ``backward(kept, cotangent)`` returns a tuple with a cotangent for each argument: a number for a float, an array of
    its shape for an array, None for zero and for what has no derivative. Returns ``f`` as an ``@njit`` function. Until
    `defvjp` is called, and in forward mode, a kernel that calls it is refused.
    """
    function = as_dispatcher(f)
    name = function.py_func.__name__
    register(function, Rule(name, function, only_reads=True, of_values=True))

    def defvjp(forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        register(
            function,
            Rule(
                name,
                function,
                augmented=as_dispatcher(forward),
                reverse=as_dispatcher(backward),
                only_reads=True,
                of_values=True,
            ),
        )

    _attach(function, "defvjp", defvjp)
    return function


def custom_jvp(f: Callable[..., Any]) -> Any:
    """Let ``f.defjvp(jvp)`` say the derivative of ``f``, in both modes.

    ``jvp(arguments, tangents)`` returns the value and its tangent; both of its arguments are tuples, and what has no
    derivative has the tangent None. Reverse mode calls it once for each float among the arguments, elements of arrays
    included: for functions of many numbers `custom_vjp` is the form to use. Returns ``f`` as an ``@njit`` function;
    until `defjvp` is called a kernel that calls it is refused.
    """
    function = as_dispatcher(f)
    name = function.py_func.__name__
    register(function, Rule(name, function, only_reads=True, of_values=True))

    def defjvp(jvp: Callable[..., Any]) -> None:
        register(
            function,
            Rule(name, function, tangent=as_dispatcher(jvp), only_reads=True, of_values=True, by_tangents=True),
        )

    _attach(function, "defjvp", defjvp)
    return function


def _attach(function: Dispatcher, name: str, method: Callable[..., None]) -> None:
    setattr(function, name, method)


def custom_root(residual: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Differentiate ``x = solve(x0, *theta)`` by the equation ``residual(x, *theta) = 0`` that it solves.

    ``x`` is a float or a vector, and ``residual`` returns one of its kind. Nothing inside of ``solve`` is
    differentiated: its derivative is that of the root, by the implicit function theorem,

        dx = -(dr/dx)^-1 (dr/dtheta) dtheta

    with the matrix ``dr/dx`` from one tangent of ``residual`` for each element of ``x`` and one dense solve. So ``x0``
    has the derivative zero, and ``solve`` has to converge: as far as the derivative is to be right.

    >>> import numpy as np, pyfront as ad
    >>> @ad.custom_root(lambda x, a: x * x - a)
    ... def root(x0, a):
    ...     x = x0
    ...     for _ in range(30):
    ...         x = 0.5 * (x + a / x)
    ...     return x
    >>> float(ad.grad(root, argnums=1)(1.0, 4.0))
    0.25
    """
    equation = as_dispatcher(residual)
    count = len(inspect.signature(equation.py_func).parameters)

    def decorate(solve: Callable[..., Any]) -> Any:
        function = as_dispatcher(solve)
        if len(inspect.signature(function.py_func).parameters) != count:
            raise ArgumentError(
                with_help(
                    f"`{function.py_func.__name__}` and its residual differ in their number of arguments",
                    "solve(x0, *theta) goes with residual(x, *theta)",
                )
            )

        def parts_for(argument_types: tuple[types.Type, ...]) -> dict[str, Callable[..., Any]]:
            return _root_parts(function, equation, argument_types)

        name = function.py_func.__name__
        register(function, Rule(name, function, only_reads=True, of_values=True, parts_for=parts_for))
        return function

    return decorate


def _root_parts(
    solve: Dispatcher, equation: Dispatcher, argument_types: tuple[types.Type, ...]
) -> dict[str, Callable[..., Any]]:
    """The parts for these types, as source: a derivative of the residual takes each parameter by its kind."""
    from pyfront.derivative import autodiff  # which needs rules itself

    of_vectors = isinstance(argument_types[0], types.Array)
    kinds = [_kind(type_) for type_ in argument_types[1:]]
    names = [f"p{k}" for k in range(len(kinds))]
    given = ", ".join(names)
    scope: dict[str, Any] = {"equation": equation, "solve": solve}
    exec(
        f"def into(out, x{''.join(f', {name}' for name in names)}):\n"
        + (
            f"    value = equation(x{''.join(f', {name}' for name in names)})\n"
            "    for i in range(value.shape[0]):\n        out[i] = value[i]\n"
            if of_vectors
            else f"    out[0] = equation(x[0]{''.join(f', {name}' for name in names)})\n"
        ),
        scope,
    )
    # A scalar is a vector of one element here.
    into = njit(scope["into"])
    forward = [{"scalar": Duplicated, "array": Duplicated, "other": Const}[kind] for kind in kinds]
    reverse = [{"scalar": Active, "array": Duplicated, "other": Const}[kind] for kind in kinds]
    scope["push"] = autodiff(into, Duplicated, Duplicated, *forward, mode=Mode.Forward)
    scope["pull"] = autodiff(into, Duplicated, Duplicated, *reverse)

    def pairs(of: Callable[[int], str]) -> str:
        """The parameters, each followed by what the derivative takes with it."""
        return "".join(
            f", {name}" + ("" if kind == "other" else f", {of(k)}")
            for k, (name, kind) in enumerate(zip(names, kinds, strict=True))
        )

    zeros = pairs(lambda k: f"np.zeros_like({names[k]})" if kinds[k] == "array" else "0.0")
    tangents = pairs(lambda k: f"t{k}")
    shadows = "".join(f", {name}" + (f", s{k}" if kinds[k] == "array" else "") for k, name in enumerate(names))
    vector = "x" if of_vectors else "np.full(1, x)"
    result = "{0}" if of_vectors else "{0}[0]"
    unpack = "".join(f"    {name} = arguments[{k + 1}]\n" for k, name in enumerate(names))
    scalars = [k for k, kind in enumerate(kinds) if kind == "scalar"]
    assigned = ", ".join(f"a{k}" for k in scalars)
    cotangents = ", ".join({"scalar": f"a{k}", "array": f"s{k}", "other": "None"}[kind] for k, kind in enumerate(kinds))
    source = f"""
import numpy as np

def matrix(x{"".join(f", {name}" for name in names)}):
    n = x.shape[0]
    jacobian = np.empty((n, n))
    out, dot, direction = np.empty(n), np.empty(n), np.zeros(n)
    for j in range(n):
        direction[j] = 1.0
        push(out, dot, x, direction{zeros})
        direction[j] = 0.0
        for i in range(n):
            jacobian[i, j] = dot[i]
    return jacobian

matrix = njit(matrix)

def tangent(arguments, tangents):
{unpack}{"".join(f"    t{k} = tangents[{k + 1}]{chr(10)}" for k, kind in enumerate(kinds) if kind != "other")}
    x = solve(arguments[0]{"".join(f", {name}" for name in names)})
    at = {vector}
    n = at.shape[0]
    out, dot = np.empty(n), np.empty(n)
    push(out, dot, at, np.zeros(n){tangents})
    moved = np.linalg.solve(matrix(at{"".join(f", {name}" for name in names)}), -dot)
    return x, {result.format("moved")}

def augmented(x0{"".join(f", {name}" for name in names)}):
    x = solve(x0{"".join(f", {name}" for name in names)})
    return x, (x, {given}{"," if names else ""})

def reverse(arguments, seed):
    x = arguments[0]
{unpack}    at = {vector}
    n = at.shape[0]
    jacobian = matrix(at{"".join(f", {name}" for name in names)})
    weights = -np.linalg.solve(np.ascontiguousarray(jacobian.T), {"seed" if of_vectors else "np.full(1, seed)"})
    out = np.empty(n)
{"".join(f"    s{k} = np.zeros_like({names[k]}){chr(10)}" for k, kind in enumerate(kinds) if kind == "array")}
    {assigned + " = " if scalars else ""}pull(out, weights, at, np.zeros(n){shadows})
    return (None, {cotangents}{"," if kinds else ""})
"""
    scope["njit"] = njit
    exec(source, scope)
    return {name: scope[name] for name in ("tangent", "augmented", "reverse")}


def _kind(type_: types.Type) -> str:
    if isinstance(type_, types.Float):
        return "scalar"
    return "array" if isinstance(type_, types.Array) and isinstance(type_.dtype, types.Float) else "other"
