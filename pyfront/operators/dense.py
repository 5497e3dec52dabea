"""Dense derivatives: `jacfwd`, `jacrev`, `jacobian`, `hessian`, `derivative` and `second_derivative`.

The direction of the sweeps and how many lanes they have is chosen by the shapes of a call, once for each combination
of shapes.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pyfront.errors import DtypeError, with_help
from pyfront.operators import jacobians, sweeps
from pyfront.operators.argnums import Selection, as_key, select
from pyfront.operators.calls import Calls
from pyfront.operators.form import Call, Form, Source, leaf_labels, leaf_names, types_of
from pyfront.operators.gradient import grad
from pyfront.operators.jacobians import Lanes
from pyfront.operators.memory import remembered
from pyfront.operators.operator import Operator, source_of
from pyfront.operators.program import Program
from pyfront.operators.sweeps import is_array
from pyfront.operators.tree import Leaf, Tree, relabel, row

MAX_EXACT = 64
"""Up to so many directions are taken in one sweep, compiled for their number; the engine takes no more."""

CHUNK = 16
"""How many directions a sweep takes if there are more, or if it is not known how many."""

_MAX_SHAPES = 1024
"""How many combinations of shapes are remembered with the function that suits them."""


class Direction(enum.Enum):
    """Which way the sweeps of a Jacobian go; ``BY_SHAPE``: the way that takes fewer of them."""

    FORWARD = "forward"
    REVERSE = "reverse"
    BY_SHAPE = "by shape"


class Jacobian(Operator):
    """All derivatives of the results by the arguments, in arrays of shape result + argument."""

    def __init__(
        self,
        label: str,
        source: Source,
        argnums: int | Sequence[int] | None,
        direction: Direction,
        *,
        of_scalars: bool = False,
    ) -> None:
        self._direction = direction
        self._of_scalars = of_scalars
        self._by_shapes: dict[tuple[Any, ...], Calls] = {}
        super().__init__(label, source, argnums)

    def __reduce__(self) -> tuple[Any, ...]:
        remake = functools.partial(_jacobian, of_scalars=self._of_scalars)
        return remake, (self.label, self.source, self.argnums, None, self._direction)

    def _call_plain(self, args: tuple[Any, ...]) -> Any:
        return self._plain(args).fresh(*args)

    def _plain(self, args: tuple[Any, ...]) -> Calls:
        shapes = tuple([getattr(value, "shape", None) for value in args])
        calls = self._by_shapes.get(shapes)
        if calls is None:
            if len(self._by_shapes) >= _MAX_SHAPES:
                self._by_shapes.clear()
            calls = self._by_shapes[shapes] = self._calls(row(self._count), args)
        return calls

    def _program(self, call: Call) -> Program:
        direction = Direction.FORWARD if self._direction is Direction.BY_SHAPE else self._direction
        return self._program_with(direction, Lanes(CHUNK), call)

    def _calls(self, trees: tuple[Tree, ...], leaves: Sequence[Any]) -> Calls:
        direction, lanes = self._chosen(Call(trees, types_of(self.name, leaves)), leaves)
        self.source.check_shapes(trees, leaves)
        return self._calls_with(direction, lanes, trees)

    def _calls_with(self, direction: Direction, lanes: Lanes, trees: tuple[Tree, ...]) -> Calls:
        def make() -> Calls:
            return Calls(
                self.name,
                leaf_labels(self.parameters, trees),
                lambda given: self._program_with(direction, lanes, Call(trees, given)),
                (self._calls_with, (direction, lanes, trees)),
                nogil=self.nogil,
                home=self.home,
            )

        return remembered(self, (direction, lanes, trees), make)

    def _program_with(self, direction: Direction, lanes: Lanes, call: Call) -> Program:
        seen = call.copied(layout="C")
        selection = self._selected(seen)
        form = self.source.form(seen)
        if _is_single_scalar(seen, selection):
            return _by_scalar(self.name, form, seen, selection)
        if form.value is not None and direction is not Direction.FORWARD:
            return sweeps.gradient(self.name, form, seen, selection, with_value=False)
        make = jacobians.reverse if direction is Direction.REVERSE else jacobians.forward
        return make(self.name, form, seen, selection, lanes)

    def _selected(self, seen: Call) -> Selection:
        selection = select(self.label, self.source, self.argnums, seen)
        if self._of_scalars:
            labels = leaf_names(self.parameters, seen.trees)
            for leaf in selection.leaves:
                if is_array(seen, leaf):
                    raise DtypeError(
                        with_help(
                            f"`{self.label}`: argument `{labels[leaf]}` of `{self.function}` is an array, not a number",
                            "use grad, jacobian or hessian for derivatives by an array",
                        )
                    )
        return selection

    def _chosen(self, call: Call, leaves: Sequence[Any]) -> tuple[Direction, Lanes]:
        """The direction and the lanes for these arguments."""
        seen = call.copied(layout="C")
        selection = self._selected(seen)
        if _is_single_scalar(seen, selection):
            return Direction.FORWARD, Lanes(1)
        columns = sum(int(np.size(leaves[leaf])) for leaf in selection.leaves)
        if self._direction is Direction.FORWARD:
            return Direction.FORWARD, _lanes(columns, exact=len(selection.leaves) == 1)
        form = self.source.form(seen)
        if form.value is not None:
            return Direction.REVERSE, Lanes(1)
        rows = _count_rows(form, leaves)
        if self._direction is Direction.BY_SHAPE and columns <= rows:
            return Direction.FORWARD, _lanes(columns, exact=len(selection.leaves) == 1)
        return Direction.REVERSE, _lanes(rows, exact=False)


def jacfwd(
    f: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    *,
    out: int | str | None = None,
    cache: bool = False,
) -> Any:
    """The Jacobian of ``f`` by forward sweeps over columns, which suits functions of few inputs; see `jacobian`."""
    return _jacobian("jacfwd", f, argnums, out, Direction.FORWARD, cache=cache)


def jacrev(
    f: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    *,
    out: int | str | None = None,
    cache: bool = False,
) -> Any:
    """The Jacobian of ``f`` by reverse sweeps over rows, which suits functions of few results; see `jacobian`."""
    return _jacobian("jacrev", f, argnums, out, Direction.REVERSE, cache=cache)


def jacobian(
    f: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    *,
    out: int | str | None = None,
    cache: bool = False,
) -> Any:
    """The function that returns all derivatives of ``f``'s result, by forward or reverse sweeps as the shapes suggest.

    ``f(x)`` returns a float or an array; or it leaves its result in the argument that ``out`` names, by position or
    name, and then that argument of the call gives the shape and what the array holds at first. The result has the
    shape of ``f``'s result followed by that of the argument; several ``argnums`` give a tuple of such arrays.

    >>> import numpy as np, pyfront as ad
    >>> def swap(y, x):
    ...     y[0] = 2.0 * x[1]
    ...     y[1] = x[0] * x[0]
    >>> ad.jacobian(swap, out=0)(np.zeros(2), np.array([3.0, 1.0]))
    array([[0., 2.],
           [6., 0.]])
    """
    return _jacobian("jacobian", f, argnums, out, Direction.BY_SHAPE, cache=cache)


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0, *, cache: bool = False) -> Any:
    """The function that returns the second derivatives of ``f``, which returns a float: shape argument + argument.

    Several ``argnums`` give a tuple of tuples of blocks.

    >>> import numpy as np, pyfront as ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    return _jacobian("hessian", grad(f, argnums, cache=cache), argnums, None, Direction.FORWARD)


def derivative(
    f: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    *,
    out: int | str | None = None,
    cache: bool = False,
) -> Any:
    """The function that returns the derivative of ``f`` by a number: a float, or an array if ``f`` returns one.

    >>> import pyfront as ad
    >>> ad.derivative(lambda x: x * x * x)(2.0)
    12.0
    """
    return _jacobian("derivative", f, argnums, out, Direction.FORWARD, of_scalars=True, cache=cache)


def second_derivative(
    f: Callable[..., Any],
    argnums: int | Sequence[int] | None = None,
    *,
    out: int | str | None = None,
    cache: bool = False,
) -> Any:
    """The function that returns the second derivative of ``f`` by a number.

    >>> import pyfront as ad
    >>> ad.second_derivative(lambda x: x * x * x)(2.0)
    12.0
    """
    first = derivative(f, argnums, out=out, cache=cache)
    return _jacobian("second_derivative", first, first.argnums, None, Direction.FORWARD, of_scalars=True)


def _jacobian(
    label: str,
    f: Callable[..., Any],
    argnums: int | Sequence[int] | None,
    out: int | str | None,
    direction: Direction,
    *,
    of_scalars: bool = False,
    cache: bool = False,
) -> Jacobian:
    source = source_of(f, out, cache=cache)
    chosen = as_key(label, argnums)
    return remembered(
        source, (label, chosen), lambda: Jacobian(label, source, chosen, direction, of_scalars=of_scalars)
    )


def _is_single_scalar(call: Call, selection: Selection) -> bool:
    return len(selection.leaves) == 1 and not is_array(call, selection.leaves[0])


def _by_scalar(name: str, form: Form, call: Call, selection: Selection) -> Program:
    """The one column of a Jacobian by one number: a pushforward in the direction 1."""
    program = sweeps.pushforward(name, form, call, {selection.leaves[0]: "1.0"}, with_value=False)
    template = relabel(form.template, lambda output: relabel(selection.template, lambda _: Leaf(output)))
    return replace(program, template=template)


def _lanes(count: int, *, exact: bool) -> Lanes:
    if count > MAX_EXACT:
        return Lanes(CHUNK)
    return Lanes(max(count, 1), exact=exact and count > 0)


def _count_rows(form: Form, leaves: Sequence[Any]) -> int:
    """The number of elements of the result for these arguments."""
    return sum(int(np.prod(shape)) for shape in form.shapes(len(leaves))(*leaves))
