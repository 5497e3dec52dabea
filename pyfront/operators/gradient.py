"""Gradients: `grad` and `value_and_grad`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pyfront.errors import ResultError, with_help
from pyfront.operators import sweeps
from pyfront.operators.argnums import as_key, select
from pyfront.operators.form import Call, Source
from pyfront.operators.memory import remembered
from pyfront.operators.operator import Operator, source_of
from pyfront.operators.program import Program


class Gradient(Operator):
    """The gradient of a function that returns a float, and its value if ``with_value``."""

    def __init__(self, label: str, source: Source, argnums: int | Sequence[int], *, with_value: bool) -> None:
        self._with_value = with_value
        super().__init__(label, source, argnums)

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial(_gradient, with_value=self._with_value), (self.label, self.source, self.argnums)

    def _program(self, call: Call) -> Program:
        seen = call.copied()
        selection = select(self.label, self.source, self.argnums, seen)
        form = self.source.form(seen)
        if form.value is None:
            raise ResultError(
                with_help(
                    f"`{self.label}`: `{self.source.name}` returns an array or several results, not one float",
                    "use jacobian for all derivatives, or vjp for a weighted sum of them",
                )
            )
        return sweeps.gradient(self.name, form, seen, selection, with_value=self._with_value)


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, *, cache: bool = False) -> Gradient:
    """The function that returns the gradient of ``f`` by the arguments that ``argnums`` names.

    ``f`` returns a float. The gradient by an array is an array of its shape, by a tuple, list or dict one like it;
    several ``argnums`` give a tuple. Arguments are not changed, whatever ``f`` does to them. With ``cache`` machine
    code is kept on disk, beside Numba's, for other processes.

    >>> import numpy as np, pyfront as ad
    >>> def norm(x):
    ...     x *= x
    ...     return np.sqrt(x.sum())
    >>> x = np.array([3.0, 4.0])
    >>> ad.grad(norm)(x), x
    (array([0.6, 0.8]), array([3., 4.]))
    """
    return _gradient("grad", f, argnums, with_value=False, cache=cache)


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, *, cache: bool = False) -> Gradient:
    """The function that returns ``(value, gradient)``, both from one run of ``f``; see `grad`."""
    return _gradient("value_and_grad", f, argnums, with_value=True, cache=cache)


def _gradient(
    label: str, f: Callable[..., Any], argnums: int | Sequence[int], *, with_value: bool, cache: bool = False
) -> Gradient:
    source = source_of(f, cache=cache)
    chosen = as_key(label, argnums)
    assert chosen is not None
    return remembered(source, (label, chosen), lambda: Gradient(label, source, chosen, with_value=with_value))
