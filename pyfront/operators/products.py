"""Products with the Jacobian and the Hessian: `jvp` and `hvp`.

What is differentiated by follows from the call: the arguments that have a tangent. A `Pushforward` is made once for
each function and holds its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from numba.core import types

from pyfront.errors import ArityError, StructureError, with_help
from pyfront.operators import sweeps
from pyfront.operators.calls import Calls
from pyfront.operators.directions import check_direction
from pyfront.operators.form import Call, Source, leaf_names
from pyfront.operators.gradient import grad
from pyfront.operators.operator import PLAIN, remembered, source_of, take_apart
from pyfront.operators.prepared import Prepared
from pyfront.operators.program import Program
from pyfront.operators.tree import EMPTY, Node, Tree, flatten_like, indices, pack, row


class Pushforward:
    """The derivative of ``source`` in one direction, and its value if ``with_value``."""

    def __init__(self, label: str, source: Source, *, with_value: bool) -> None:
        self._label = label
        self._source = source
        self._with_value = with_value
        self._plain: dict[int, Calls] = {}

    def __call__(self, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        plain = self._plain.get(len(primals)) if type(primals) is type(tangents) is tuple else None
        if plain and len(primals) == len(tangents) and PLAIN.issuperset(map(type, (*primals, *tangents))):
            return plain.fresh(*primals, *tangents)
        trees, leaves, moving = self._flatten(primals, tangents)
        calls = self._calls(trees, moving)
        if trees == row(len(moving)):
            self._plain[len(moving)] = calls
        return calls.call(leaves)

    def prepare(self, primals: Sequence[Any], tangents: Sequence[Any]) -> Callable[..., Any]:
        """The same for arguments like these, with compilation and allocation done."""
        trees, leaves, moving = self._flatten(primals, tangents)
        prepared = Prepared(self._calls(trees, moving), leaves, row(len(leaves)))
        count = len(moving) if trees == row(len(moving)) else -1

        def call(primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
            is_plain = type(primals) is type(tangents) is tuple and len(primals) == len(tangents) == count
            if is_plain and PLAIN.issuperset(map(type, (*primals, *tangents))):
                return prepared(*primals, *tangents)
            its_trees, its_leaves, its_moving = self._flatten(primals, tangents)
            if (its_trees, its_moving) != (trees, moving):
                raise StructureError(
                    with_help(
                        f"`{prepared.name}` was prepared for arguments of another structure",
                        "prepare it for these as well",
                    )
                )
            return prepared(*its_leaves)

        return call

    def _flatten(
        self, primals: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[tuple[Tree, ...], list[Any], tuple[int, ...]]:
        """The structures of the primals; their leaves and the tangents' in one row; which leaves have a tangent."""
        for what, given in (("primals", primals), ("tangents", tangents)):
            if not isinstance(given, (tuple, list)):
                raise StructureError(
                    with_help(
                        f"`{self._label}`: the {what} must be a tuple with one element per argument, "
                        f"not a {type(given).__name__}",
                        "write (x,) for one argument",
                    )
                )
        if len(primals) != len(tangents):
            raise ArityError(
                f"`{self._label}`: there are {len(primals)} primals, so there must be {len(primals)} tangents, "
                f"not {len(tangents)}"
            )
        trees, leaves = take_apart(primals)
        directions: list[Any] = []
        for index, (tree, tangent) in enumerate(zip(trees, tangents, strict=True)):
            directions += flatten_like(tree, tangent, f"tangent {index}")
        moving = tuple(leaf for leaf, direction in enumerate(directions) if direction is not None)
        return trees, [*leaves, *(directions[leaf] for leaf in moving)], moving

    def _calls(self, trees: tuple[Tree, ...], moving: tuple[int, ...]) -> Calls:
        count = sum(1 for tree in trees for _ in indices(tree))
        parameters = (*(f"a{leaf}" for leaf in range(count)), *(f"t{leaf}" for leaf in moving))
        name = f"{self._label}_{self._source.name}"

        def build(given: tuple[types.Type, ...]) -> Program:
            seen = Call(trees, given[:count]).copied()
            labels = leaf_names(self._source.parameters, trees)
            for leaf, type_ in zip(moving, given[count:], strict=True):
                check_direction(self._label, "tangent", f"argument `{labels[leaf]}`", seen.types[leaf], type_)
            return self._program(name, seen, moving, parameters)

        return remembered(self, (trees, moving), lambda: Calls(name, parameters, build))

    def _program(self, name: str, seen: Call, moving: tuple[int, ...], parameters: Sequence[str]) -> Program:
        form = self._source.form(seen)
        for leaf in moving:
            if leaf not in form.inputs:
                raise StructureError(
                    with_help(
                        f"`{self._label}`: `{self._source.parameters[self._source.out or 0]}` is the result of "
                        f"`{self._source.name}`, so it has no tangent",
                        "pass None in its place",
                    )
                )
        tangents = {leaf: f"t{leaf}" for leaf in moving}
        return sweeps.pushforward(name, form, seen, tangents, parameters=parameters, with_value=self._with_value)


class _HessianProduct(Pushforward):
    """The pushforward of a gradient by several arguments, with ``None`` for those without tangent."""

    def __init__(self, source: Source, places: Sequence[bool]) -> None:
        super().__init__("hvp", source, with_value=False)
        self._places = places

    def _program(self, name: str, seen: Call, moving: tuple[int, ...], parameters: Sequence[str]) -> Program:
        program = super()._program(name, seen, moving, parameters)
        assert isinstance(program.template, Node)
        children = iter(program.template.children)
        return replace(program, template=pack([next(children) if place else EMPTY for place in self._places]))


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], *, out: int | str | None = None
) -> tuple[Any, Any]:
    """``(value, tangent)`` of ``f``: its result, and how that changes if each primal moves along its tangent.

    An argument that does not move, such as an integer, has the tangent ``None``. ``out`` is as in `jacobian`.

    >>> import pyfront as ad
    >>> ad.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    value, tangent = _pushforward(source_of(f, out))(primals, tangents)
    return value, tangent


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of ``f``, which returns a float, times a vector; one forward sweep over a gradient.

    For a function of one argument these are arrays of the same shape. For several, two tuples with one element per
    argument, ``None`` for tangents of arguments that are held fixed; the result is such a tuple too.

    >>> import numpy as np, pyfront as ad
    >>> ad.hvp(lambda x: (x * x * x).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    product, *given = _hessian_product(f, primals, tangents)
    return product(*given)


def prepare_jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], out: int | str | None
) -> Callable[..., Any]:
    """`jvp` for arguments like these, as a function of ``(primals, tangents)``."""
    return _pushforward(source_of(f, out)).prepare(primals, tangents)


def prepare_hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Callable[..., Any]:
    """`hvp` for arguments like these, as a function of ``(primals, tangents)``."""
    product, *given = _hessian_product(f, primals, tangents)
    prepared = product.prepare(*given)
    return prepared if isinstance(primals, tuple) else lambda x, v: prepared((x,), (v,))


def _pushforward(source: Source) -> Pushforward:
    return remembered(source, "jvp", lambda: Pushforward("jvp", source, with_value=True))


def _hessian_product(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Pushforward, Any, Any]:
    """The product and its two arguments, for the one or several arguments of ``f``."""
    if not isinstance(primals, tuple):
        gradient = grad(f)
        product = remembered(gradient, "hvp", lambda: Pushforward("hvp", gradient, with_value=False))
        return product, (primals,), (tangents,)
    if not isinstance(tangents, (tuple, list)) or len(tangents) != len(primals):
        raise ArityError(f"`hvp`: there are {len(primals)} primals, so there must be a tuple of as many tangents")
    places = tuple(tangent is not None for tangent in tangents)
    several = grad(f, tuple(index for index, place in enumerate(places) if place))
    return remembered(several, ("hvp", places), lambda: _HessianProduct(several, places)), primals, tangents
