"""Sorting: the derivative of a sort is a permutation.

Numba sorts with a list inside, and with functions that call themselves. Captured code calls functions with rules in
their place, in `np.sort`, `a.sort(kind)`, `np.argsort(a, kind)`, `a.argsort(kind)` and what Numba makes of these:

    a.sort()         order = argsort(a);  a = a[order];  the tangent moves along, the adjoint moves back
    np.argsort(a)    has no derivative

`np.unique`, which has lists of its own and is part of `np.partition`, counts before it fills an array.

Numba sorts numbers and places by the same comparisons, so what is sorted has Numba's bits, ties and NaN included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numba.core import types
from numba.core.extending import overload, register_jitable

from pyfront.rules.registry import Rule, register

KINDS = ("quicksort", "mergesort")
"""Those that Numba has; `stable` is the second one."""


@register_jitable
def _moved(row: Any, order: Any) -> None:
    """Each element to its place: ``row = row[order]``."""
    before = row.copy()
    for i in range(order.shape[0]):
        row[i] = before[order[i]]


@register_jitable
def _moved_back(row: Any, order: Any) -> None:
    after = row.copy()
    for i in range(order.shape[0]):
        row[order[i]] = after[i]


def _rows(function: Any) -> Any:
    """A function of a vector and of the places of its elements, for all rows of arrays of any rank."""

    @register_jitable
    def apply(a: Any, orders: Any) -> None:
        for row, index in enumerate(np.ndindex(a.shape[:-1])):
            function(a[index], orders[row])

    return apply


_all_moved = _rows(_moved)
_all_moved_back = _rows(_moved_back)


def _define(kind: str) -> tuple[Any, Any]:
    """The functions with rules that sort in place, and that give the order of a vector."""

    @njit
    def argsort(a: Any) -> Any:
        return a.argsort(kind=kind)

    @njit
    def sort(a: Any) -> None:
        a.sort(kind=kind)

    @register_jitable
    def orders_of(a: Any) -> Any:
        length = a.shape[-1]
        orders = np.empty((a.size // max(length, 1), length), np.intp)
        if a.size > 0:
            for row, index in enumerate(np.ndindex(a.shape[:-1])):
                orders[row] = a[index].argsort(kind=kind)
        return orders

    @njit
    def tangent(a: Any, da: Any) -> tuple[None, None]:
        if a.size > 0:
            orders = orders_of(a)
            _all_moved(a, orders)
            _all_moved(da, orders)
        return None, None

    @njit
    def augmented(a: Any) -> tuple[None, Any]:
        orders = orders_of(a)
        if a.size > 0:
            _all_moved(a, orders)
        return None, orders

    @njit
    def reverse(a: Any, da: Any, seed: None, orders: Any) -> None:
        if a.size > 0:
            _all_moved_back(da, orders)

    register(sort, Rule("sort", sort, tangent, augmented, reverse))
    register(argsort, Rule("argsort", argsort, is_inactive=True, only_reads=True))
    return sort, argsort


_FUNCTIONS = {kind: _define(kind) for kind in KINDS}


class Sorting:
    """What Numba's lowering takes for its implementation: a call of the function with a rule."""

    def __init__(self, context: Any, signature: Any, function: Callable[..., Any]) -> None:
        self._context = context
        self._signature = signature
        self._function = function

    def __call__(self, builder: Any, args: Sequence[Any], loc: Any = None) -> Any:
        signature = self._signature.replace(args=self._signature.args[:1])
        return self._context.compile_internal(builder, self._function, signature, args[:1])


def _caller(function: Any) -> Callable[..., Any]:
    return lambda a: function(a)


_CALLERS = {kind: tuple(map(_caller, functions)) for kind, functions in _FUNCTIONS.items()}


def implementation(context: Any, fn: Any, signature: Any) -> Sorting | None:
    """The implementation of a call, if it sorts an array of numbers."""
    key = fn.get_impl_key(signature) if isinstance(fn, types.Callable) else fn
    is_sort = isinstance(key, str) and key == "array.sort"
    is_argsort = (isinstance(key, str) and key == "array.argsort") or key is np.argsort
    if not is_sort and not is_argsort:
        return None
    array, kind = signature.args
    if not isinstance(array.dtype, (types.Float, types.Integer, types.Boolean)):
        return None
    chosen = "quicksort" if kind.literal_value == "quicksort" else "mergesort"
    return Sorting(context, signature, _CALLERS[chosen][is_argsort])


def install(target: str) -> None:
    """Overload what is overloaded here for the capture target."""

    @overload(np.unique, target=target, strict=False)
    def _unique(ar: Any) -> Any:
        if not isinstance(ar, types.Array):
            return None

        def implementation(ar: Any) -> Any:
            ordered = np.sort(ar.ravel())
            count = min(ordered.size, 1)
            for i in range(1, ordered.size):
                count += ordered[i] != ordered[i - 1]
            result = np.empty(count, ordered.dtype)
            count = 0
            for i in range(ordered.size):
                if i == 0 or ordered[i] != ordered[i - 1]:
                    result[count] = ordered[i]
                    count += 1
            return result

        return implementation
