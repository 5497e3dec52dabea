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
from dataclasses import dataclass
from typing import Any

import numpy as np
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
            kinds = tuple(map(_kind, argument_types[1:]))
            return _Root(function, equation, isinstance(argument_types[0], types.Array), kinds).parts()

        name = function.py_func.__name__
        register(function, Rule(name, function, only_reads=True, of_values=True, parts_for=parts_for))
        return function

    return decorate


@dataclass(frozen=True)
class _Root:
    """A solver and its equation for one signature: the source of the parts takes each parameter by its kind."""

    solve: Dispatcher
    equation: Dispatcher
    of_vectors: bool
    kinds: tuple[str, ...]
    """Of the parameters: scalar, array, or other, which has no derivative."""

    @property
    def names(self) -> list[str]:
        return [f"p{k}" for k in range(len(self.kinds))]

    @property
    def theta(self) -> str:
        """The parameters, behind others."""
        return "".join(f", {name}" for name in self.names)

    def pairs(self, of: Callable[[int], str]) -> str:
        """The same, each followed by what a derivative takes with it."""
        return "".join(
            f", {name}" + ("" if kind == "other" else f", {of(k)}")
            for k, (name, kind) in enumerate(zip(self.names, self.kinds, strict=True))
        )

    def parts(self) -> dict[str, Callable[..., Any]]:
        from pyfront.derivative import autodiff  # which needs rules itself

        scope: dict[str, Any] = {"equation": self.equation, "solve": self.solve, "njit": njit, "np": np}
        exec(compile(self._residual(), "<residual 0>", "exec"), scope)
        # A scalar is a vector of one element here.
        forward = [Const if kind == "other" else Duplicated for kind in self.kinds]
        reverse = [{"scalar": Active, "array": Duplicated, "other": Const}[kind] for kind in self.kinds]
        scope["push"] = autodiff(njit(scope["into"]), Duplicated, Duplicated, *forward, mode=Mode.Forward)
        scope["pull"] = autodiff(njit(scope["into"]), Duplicated, Duplicated, *reverse)
        exec(self._matrix() + self._tangent() + self._augmented() + self._reverse(), scope)
        return {name: scope[name] for name in ("tangent", "augmented", "reverse")}

    def _residual(self) -> str:
        if not self.of_vectors:
            return f"def into(out, x{self.theta}):\n    out[0] = equation(x[0]{self.theta})\n"
        return f"""
def into(out, x{self.theta}):
    value = equation(x{self.theta})
    for i in range(value.shape[0]):
        out[i] = value[i]
"""

    def _matrix(self) -> str:
        zeros = self.pairs(lambda k: f"np.zeros_like(p{k})" if self.kinds[k] == "array" else "0.0")
        return f"""
@njit
def matrix(x{self.theta}):
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
"""

    def _vector(self, name: str) -> str:
        return name if self.of_vectors else f"np.full(1, {name})"

    def _unpacked(self) -> str:
        return "".join(f"    {name} = arguments[{k + 1}]\n" for k, name in enumerate(self.names))

    def _tangent(self) -> str:
        varied = [k for k, kind in enumerate(self.kinds) if kind != "other"]
        return f"""
def tangent(arguments, tangents):
{self._unpacked()}{"".join(f"    t{k} = tangents[{k + 1}]{chr(10)}" for k in varied)}
    x = solve(arguments[0]{self.theta})
    at = {self._vector("x")}
    out, dot = np.empty(at.shape[0]), np.empty(at.shape[0])
    push(out, dot, at, np.zeros(at.shape[0]){self.pairs(lambda k: f"t{k}")})
    moved = np.linalg.solve(matrix(at{self.theta}), -dot)
    return x, moved{"" if self.of_vectors else "[0]"}
"""

    def _augmented(self) -> str:
        return f"""
def augmented(x0{self.theta}):
    x = solve(x0{self.theta})
    return x, (x{self.theta},)
"""

    def _reverse(self) -> str:
        arrays = [k for k, kind in enumerate(self.kinds) if kind == "array"]
        scalars = ", ".join(f"a{k}" for k, kind in enumerate(self.kinds) if kind == "scalar")
        shadows = "".join(f", p{k}" + (f", s{k}" if k in arrays else "") for k in range(len(self.kinds)))
        words = {"scalar": "a{0}", "array": "s{0}", "other": "None"}
        cotangents = "".join(f", {words[kind].format(k)}" for k, kind in enumerate(self.kinds))
        return f"""
def reverse(arguments, seed):
    x = arguments[0]
{self._unpacked()}{"".join(f"    s{k} = np.zeros_like(p{k}){chr(10)}" for k in arrays)}
    at = {self._vector("x")}
    jacobian = np.ascontiguousarray(matrix(at{self.theta}).T)
    weights = -np.linalg.solve(jacobian, {self._vector("seed")})
    {scalars + " = " if scalars else ""}pull(np.empty(at.shape[0]), weights, at, np.zeros(at.shape[0]){shadows})
    return (None{cotangents},)
"""


def _kind(type_: types.Type) -> str:
    if isinstance(type_, types.Float):
        return "scalar"
    return "array" if isinstance(type_, types.Array) and isinstance(type_.dtype, types.Float) else "other"
