"""Derivatives as the C callbacks of numerical libraries: `Derivative.low_level_callable`.

    quad, nquad       double callback(int n, double *x)                          adjoint of an Active argument
    generic_filter    int callback(double *buffer, intptr_t n, double *result, void *parameters)   the same, or the
                      adjoint of an element of the buffer
    lsoda             void callback(double t, double *y, double *jacobian, double *p)   of a kernel f(t, y, dy, p)

A callback is compiled from source that calls the derivative. No exception leaves it, for nobody could take it: an
integrand or a Jacobian is NaN then, and a filter says that it has failed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import carray, cfunc
from numba.core import types

from pyfront.annotations import Active, Annotation, BatchDuplicated, Const
from pyfront.errors import ArgumentError, with_help

KINDS = ("quad", "nquad", "generic_filter", "lsoda")

_DOUBLE = types.float64
_DOUBLES = types.CPointer(types.float64)
_SIGNATURES = {
    "quad": _DOUBLE(types.intc, _DOUBLES),
    "generic_filter": types.intc(_DOUBLES, types.intp, _DOUBLES, types.voidptr),
    "lsoda": types.void(_DOUBLE, _DOUBLES, _DOUBLES, _DOUBLES),
}


class Request:
    """What is asked of which derivative."""

    def __init__(
        self, derivative: Any, names: Sequence[str], annotations: Sequence[type[Annotation]], *, forward: bool
    ) -> None:
        self.derivative = derivative
        self.names = list(names)
        self.annotations = list(annotations)
        self.forward = forward

    @property
    def name(self) -> str:
        return str(self.derivative.__name__)

    @property
    def active(self) -> list[str]:
        """The names of the arguments whose adjoints a call returns."""
        return [n for n, a in zip(self.names, self.annotations, strict=True) if issubclass(a, Active)]

    def refuse(self, what: str, help: str) -> ArgumentError:
        return ArgumentError(with_help(f"`{self.name}`: {what}", help))


def callback(
    request: Request,
    kind: str,
    output: str | tuple[str, int] | None,
    parameters: Sequence[float | int | bool],
    states: int | None,
    count: int,
) -> Any:
    """The compiled callback: a `CFunc` of Numba's."""
    if kind not in KINDS:
        raise request.refuse(f"no library calls a {kind!r}", f"choose from {', '.join(KINDS)}")
    if any(issubclass(annotation, BatchDuplicated) for annotation in request.annotations):
        raise request.refuse("a callback takes no batch of shadows", "use Duplicated")
    if kind == "lsoda":
        source = _jacobian(request, states, count)
    elif request.forward:
        raise request.refuse("a callback returns an adjoint, and this derivative has none", "use mode=Reverse")
    elif kind == "generic_filter":
        source = _filter(request, output, parameters)
    else:
        source = _integrand(request, output)
    scope: dict[str, Any] = {"derivative": request.derivative, "carray": carray, "np": np}
    exec(source, scope)
    function: Callable[..., Any] = scope["callback"]
    return cfunc(_SIGNATURES["quad" if kind == "nquad" else kind])(function)


def scipy_callable(compiled: Any, parameters: Sequence[float | int | bool]) -> Any:
    """The callback as SciPy takes it."""
    from scipy import LowLevelCallable

    if not parameters:
        return LowLevelCallable(compiled.ctypes)
    data = (ctypes.c_double * len(parameters))(*map(float, parameters))
    return LowLevelCallable(compiled.ctypes, user_data=ctypes.cast(data, ctypes.c_void_p))


def _integrand(request: Request, output: str | tuple[str, int] | None) -> str:
    """Each argument is a number, in the order in which ``quad`` passes variables and ``args``."""
    if not all(issubclass(annotation, (Active, Const)) for annotation in request.annotations):
        raise request.refuse("an integrand has numbers as arguments", "annotate them Active or Const")
    taken = [f"x[{index}]" for index in range(len(request.names))]
    return f"""
def callback(n, x):
    if n != {len(taken)}:
        return np.nan
    try:
        found = derivative({", ".join(taken)})
        result = {_adjoint(request, output)}
    except Exception:
        result = np.nan
    return result
"""


def _filter(request: Request, output: str | tuple[str, int] | None, parameters: Sequence[float | int | bool]) -> str:
    """The first argument is the window, the others are the parameters."""
    if len(parameters) != len(request.names) - 1:
        raise request.refuse(
            f"{len(parameters)} parameters are given, the kernel takes {len(request.names) - 1} behind its window",
            "pass parameters=(...) with one value for each",
        )
    first = request.annotations[0]
    if issubclass(first, Active) or any(not issubclass(a, (Active, Const)) for a in request.annotations[1:]):
        raise request.refuse(
            "a filter has a window, an array, and numbers behind it", "annotate the numbers Active or Const"
        )
    taken = ["window"]
    if first.has_shadow:
        taken.append("shadow")
    for index, value in enumerate(parameters):
        if isinstance(value, (bool, np.bool_)):
            taken.append(f"p[{index}] != 0.0")
        else:
            taken.append(f"int(p[{index}])" if isinstance(value, (int, np.integer)) else f"p[{index}]")
    if isinstance(output, tuple):
        name, place = output
        if not first.has_shadow or name != request.names[0]:
            raise request.refuse(f"{name!r} has no shadow", f"annotate {request.names[0]!r} Duplicated")
        result = f"shadow[{int(place)}]"
        check = f"    if not -n <= {int(place)} < n:\n        return 0\n"
    else:
        result, check = _adjoint(request, output), ""
    return f"""
def callback(buffer, n, result, user):
{check}    p = carray(user, ({len(parameters)},), np.float64)
    window = carray(buffer, (n,)).copy()
    shadow = np.zeros(n)
    try:
        found = derivative({", ".join(taken)})
        result[0] = {result}
        status = 1
    except Exception:
        status = 0
    return status
"""


def _jacobian(request: Request, states: int | None, count: int) -> str:
    """d dy / d y of ``f(t, y, dy, p)``, row after row; forward mode column by column, reverse mode row by row."""
    annotations = [a.has_shadow for a in request.annotations]
    if annotations != [False, True, True, False] or issubclass(request.annotations[0], Active):
        raise request.refuse("a Jacobian is of f(t, y, dy, p)", "annotate them Const, Duplicated, Duplicated, Const")
    if states is None or states < 1:
        raise request.refuse("the number of states is not known", "pass states=n")
    if request.forward:
        sweep = "dy_shadow[:] = 0.0; y_shadow[:] = 0.0; y_shadow[k] = 1.0"
        store = "J[:, k] = dy_shadow"
    else:
        sweep = "y_shadow[:] = 0.0; dy_shadow[:] = 0.0; dy_shadow[k] = 1.0"
        store = "J[k, :] = y_shadow"
    return f"""
def callback(t, y, jacobian, p):
    J = carray(jacobian, ({states}, {states}))
    given = carray(y, ({states},))
    parameters = carray(p, ({count},))
    work, dy = np.empty({states}), np.empty({states})
    y_shadow, dy_shadow = np.empty({states}), np.empty({states})
    try:
        for k in range({states}):
            work[:] = given
            dy[:] = 0.0
            {sweep}
            derivative(t, work, y_shadow, dy, dy_shadow, parameters)
            {store}
    except Exception:
        J[:] = np.nan
"""


def _adjoint(request: Request, output: str | tuple[str, int] | None) -> str:
    """The wanted adjoint in what the derivative returns."""
    active = request.active
    if output is None and len(active) != 1:
        raise request.refuse(f"{len(active)} adjoints", f"name the wanted one: output=..., of {', '.join(active)}")
    if output is not None and output not in active:
        raise request.refuse(f"{output!r} is not Active", f"choose from {', '.join(active) or 'nothing'}")
    return "found" if len(active) == 1 else f"found[{active.index(str(output))}]" if output else "found"
