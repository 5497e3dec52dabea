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
from pyfront.operators import sweeps, text
from pyfront.operators.calls import Calls
from pyfront.operators.containers import expression, trees_of_types
from pyfront.operators.directions import check_direction
from pyfront.operators.form import Call, Form, Source, leaf_labels, leaf_names
from pyfront.operators.gradient import grad
from pyfront.operators.memory import remembered
from pyfront.operators.operator import PLAIN, source_of, take_apart
from pyfront.operators.prepared import PreparedCall, other_structure
from pyfront.operators.program import Program
from pyfront.operators.tree import EMPTY, Node, Tree, flatten_like, indices, is_native, pack, row, unflatten
from pyfront.specialized import Specialized

Origin = tuple[Callable[..., Any], tuple[Any, ...]]


class Pushforward:
    """The derivative of ``source`` in one direction, and its value if ``with_value``.

    ``origin`` is the function, and its arguments, that gives it again in another process.
    """

    def __init__(self, label: str, source: Source, origin: Origin, *, with_value: bool) -> None:
        self._label = label
        self._source = source
        self._origin = origin
        self._with_value = with_value
        self._plain: dict[int, Calls] = {}
        self.name = f"{label}_{source.name}"

    def __reduce__(self) -> Origin:
        return self._origin

    def __call__(self, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
        plain = self._plain.get(len(primals)) if type(primals) is type(tangents) is tuple else None
        if plain and len(primals) == len(tangents) and PLAIN.issuperset(map(type, (*primals, *tangents))):
            if self._source.out is not None:
                self._source.check_shapes(row(len(primals)), primals)
            return plain.call((*primals, *tangents))
        trees, leaves, moving = self._flatten(primals, tangents)
        self._source.check_shapes(trees, leaves[: len(leaves) - len(moving)])
        calls = self.calls(trees, moving)
        if trees == row(len(moving)):
            self._plain[len(moving)] = calls
        return calls.call(leaves)

    def prepare(
        self, primals: Sequence[Any], tangents: Sequence[Any], *, reuse: bool, is_bare: bool = False
    ) -> PreparedPushforward:
        """The same for arguments like these, with compilation and allocation done; see `PreparedPushforward`."""
        trees, leaves, moving = self._flatten(primals, tangents)
        self._source.check_shapes(trees, leaves[: len(leaves) - len(moving)])
        call = PreparedCall.like(self.calls(trees, moving), leaves, reuse)
        return PreparedPushforward(self, call, trees, moving, is_bare)

    def prepared(
        self, call: PreparedCall, trees: tuple[Tree, ...], moving: tuple[int, ...], primals: Any, tangents: Any
    ) -> Any:
        """The result of a prepared call, whose arguments had the structure ``trees`` and tangents for ``moving``."""
        is_plain = type(primals) is type(tangents) is tuple and len(primals) == len(tangents) == len(trees)
        if is_plain and len(moving) == len(trees) and PLAIN.issuperset(map(type, (*primals, *tangents))):
            return call(*primals, *tangents)
        its_trees, its_leaves, its_moving = self._flatten(primals, tangents)
        if (its_trees, its_moving) != (trees, moving):
            raise other_structure(call.name)
        return call(*its_leaves)

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

    def calls(self, trees: tuple[Tree, ...], moving: tuple[int, ...]) -> Calls:
        """The calls for the leaves of arguments of this structure, followed by the tangents of those in ``moving``."""
        count = sum(1 for tree in trees for _ in indices(tree))
        labels = leaf_labels(self._source.parameters, trees)

        def build(given: tuple[types.Type, ...]) -> Program:
            seen = Call(trees, given[:count]).copied()
            form = self._source.form(seen)
            for leaf, type_ in zip(moving, given[count:], strict=True):
                check_direction(self._label, "tangent", f"argument `{labels[leaf]}`", seen.types[leaf], type_)
            return self._program(form, seen, moving, labels)

        tangents = (f"the tangent of {labels[leaf]}" for leaf in moving)
        origin, source = (self.calls, (trees, moving)), self._source
        return remembered(
            self,
            (trees, moving),
            lambda: Calls(
                self.name,
                (*labels, *tangents),
                build,
                origin,
                directions=count,
                nogil=source.nogil,
                home=source.home,
            ),
        )

    def _program(self, form: Form, seen: Call, moving: tuple[int, ...], labels: Sequence[str]) -> Program:
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
        parameters = [*sweeps.argument_parameters(seen), *tangents.values()]
        return sweeps.pushforward(
            self.name, form, seen, tangents, parameters=parameters, labels=labels, with_value=self._with_value
        )


class _HessianProduct(Pushforward):
    """The pushforward of a gradient by several arguments, with ``None`` for those without tangent."""

    def __init__(self, source: Source, places: tuple[bool, ...]) -> None:
        super().__init__("hvp", source, (_product_of_several, (source, places)), with_value=False)
        self._places = places

    def _program(self, form: Form, seen: Call, moving: tuple[int, ...], labels: Sequence[str]) -> Program:
        program = super()._program(form, seen, moving, labels)
        assert isinstance(program.template, Node)
        children = iter(program.template.children)
        return replace(program, template=pack([next(children) if place else EMPTY for place in self._places]))


class PreparedPushforward:
    """`jvp` or `hvp` for arguments like those of its preparation, as `Prepared` is; ``is_bare``: of bare arguments."""

    def __init__(
        self,
        pushforward: Pushforward,
        call: PreparedCall,
        trees: tuple[Tree, ...],
        moving: tuple[int, ...],
        is_bare: bool,
    ) -> None:
        self.pushforward = pushforward
        self.is_bare = is_bare
        self._state = (call, trees, moving)

    def __reduce__(self) -> tuple[Any, ...]:
        call, *structure = self._state
        return _again, (self.pushforward, call.state, *structure, self.is_bare)

    def __call__(self, primals: Any, tangents: Any) -> Any:
        """The result for arguments of the prepared types and shapes."""
        if self.is_bare:
            primals, tangents = (primals,), (tangents,)
        return self.pushforward.prepared(*self._state, primals, tangents)

    def inspect_llvm(self) -> str:
        """The optimized LLVM IR of the derivative that is called."""
        return self._state[0].inspect_llvm()

    def inspect_plan(self) -> str:
        """The plan of that derivative, which in forward mode says what is active."""
        return self._state[0].inspect_plan()

    @property
    def _numba_type_(self) -> types.Type:
        return types.Dispatcher(in_compiled_code(self.pushforward, is_bare=self.is_bare))

    def __repr__(self) -> str:
        return f"<{self.pushforward.name}, prepared>"


def _again(pushforward: Pushforward, state: tuple[Any, ...], *more: Any) -> PreparedPushforward:
    return PreparedPushforward(pushforward, PreparedCall(*state), *more)


def jvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    out: int | str | None = None,
    cache: bool = False,
) -> tuple[Any, Any]:
    """``(value, tangent)`` of ``f``: its result, and how that changes if each primal moves along its tangent.

    An argument that does not move, such as an integer, has the tangent ``None``. ``out`` is as in `jacobian`.

    >>> import pyfront as ad
    >>> ad.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    value, tangent = pushforward(source_of(f, out, cache=cache))(primals, tangents)
    return value, tangent


def hvp(f: Callable[..., Any], primals: Any, tangents: Any, *, cache: bool = False) -> Any:
    """The Hessian of ``f``, which returns a float, times a vector; one forward sweep over a gradient.

    For a function of one argument these are arrays of the same shape. For several, two tuples with one element per
    argument, ``None`` for tangents of arguments that are held fixed; the result is such a tuple too.

    >>> import numpy as np, pyfront as ad
    >>> ad.hvp(lambda x: (x * x * x).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    if isinstance(primals, tuple):
        return hessian_product(f, places(primals, tangents), cache=cache)(primals, tangents)
    return hessian_product(f, cache=cache)((primals,), (tangents,))


def prepare_jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], out: int | str | None, reuse: bool
) -> PreparedPushforward:
    """`jvp` for arguments like these, as a function of ``(primals, tangents)``."""
    return pushforward(source_of(f, out)).prepare(primals, tangents, reuse=reuse)


def prepare_hvp(f: Callable[..., Any], primals: Any, tangents: Any, reuse: bool) -> PreparedPushforward:
    """`hvp` for arguments like these, as a function of ``(primals, tangents)``."""
    if isinstance(primals, tuple):
        return hessian_product(f, places(primals, tangents)).prepare(primals, tangents, reuse=reuse)
    return hessian_product(f).prepare((primals,), (tangents,), reuse=reuse, is_bare=True)


def pushforward(source: Source) -> Pushforward:
    """Value and tangent of ``source``, the same object each time."""
    return remembered(source, "jvp", lambda: Pushforward("jvp", source, (pushforward, (source,)), with_value=True))


def hessian_product(
    f: Callable[..., Any], places: tuple[bool, ...] | None = None, *, cache: bool = False
) -> Pushforward:
    """The Hessian of ``f`` times a vector: of its only argument, or of several, of which ``places`` have a tangent."""
    if places is None:
        return _product_of_one(grad(f, cache=cache))
    moving = tuple(index for index, place in enumerate(places) if place)
    return _product_of_several(grad(f, moving, cache=cache), places)


def _product_of_one(gradient: Source) -> Pushforward:
    origin = (_product_of_one, (gradient,))
    return remembered(gradient, "hvp", lambda: Pushforward("hvp", gradient, origin, with_value=False))


def _product_of_several(gradient: Source, places: tuple[bool, ...]) -> Pushforward:
    return remembered(gradient, ("hvp", places), lambda: _HessianProduct(gradient, places))


def places(primals: tuple[Any, ...], tangents: Any) -> tuple[bool, ...]:
    """Which of several arguments have a tangent."""
    if not isinstance(tangents, (tuple, list)) or len(tangents) != len(primals):
        raise ArityError(f"`hvp`: there are {len(primals)} primals, so there must be a tuple of as many tangents")
    return tuple(tangent is not None for tangent in tangents)


def in_compiled_code(
    pushforward: Pushforward, *, is_bare: bool, before: Sequence[str] = (), after: Sequence[str] = ()
) -> Specialized:
    """The function that compiled code calls: of primals and tangents, both tuples, or if ``is_bare`` both arguments.

    Of the parameters ``before`` and ``after`` nothing but the types matter.
    """
    names = ("primals", "tangents")
    parameters = [*before, *names, *after]

    def implement(given: tuple[types.Type, ...]) -> Callable[..., Any]:
        pairs = [([name], [type_]) for name, type_ in zip(names, given[len(before) :], strict=False)]
        if not is_bare:
            pairs = [_elements(pushforward.name, name, type_) for (name,), (type_,) in pairs]
        lines, namespace = product_in_compiled_code(pushforward, *pairs)
        return text.define(pushforward.name, parameters, lines, namespace)

    key = ("compiled", is_bare, tuple(before), tuple(after))
    return remembered(pushforward, key, lambda: Specialized(pushforward.name, parameters, implement))


Names = tuple[list[str], list[types.Type]]
"""Expressions of compiled code and their types."""


def _elements(operator: str, name: str, type_: types.Type) -> Names:
    """The elements of a tuple."""
    if not isinstance(type_, types.BaseTuple):
        raise StructureError(
            with_help(
                f"`{operator}`: the {name} must be a tuple with one element per argument, not {type_}",
                "write (x,) for one argument",
            )
        )
    return [f"{name}[{index}]" for index in range(len(type_.types))], list(type_.types)


def product_in_compiled_code(
    pushforward: Pushforward, primals: Names, tangents: Names
) -> tuple[list[str], dict[str, Any]]:
    """Statements that return the result, and what they refer to."""
    trees, leaf_types = trees_of_types(primals[1])
    leaves = leaf_names(primals[0], trees)
    if len(primals[0]) != len(tangents[0]):
        raise ArityError(
            f"`{pushforward.name}`: there are {len(primals[0])} primals, so there must be {len(primals[0])} "
            f"tangents, not {len(tangents[0])}"
        )
    moving: list[int] = []
    for index, (tree, name, type_) in enumerate(zip(trees, *tangents, strict=True)):
        (given,), given_types = trees_of_types([type_])
        places = leaf_names([name], [given])
        present = [None if each == types.none else place for place, each in zip(places, given_types, strict=True)]
        directions = flatten_like(tree, unflatten(given, present), f"tangent {index}")
        kept = iter(each for each in given_types if each != types.none)
        for leaf, direction in zip(sorted(indices(tree)), directions, strict=True):
            if direction is not None:
                moving.append(leaf)
                leaves.append(direction)
                leaf_types.append(next(kept))
    calls = pushforward.calls(trees, tuple(moving))
    namespace: dict[str, Any] = {"product": calls.fresh}
    template = calls.program(tuple(leaf_types)).template
    call = f"product({', '.join(leaves)})"
    if is_native(template):
        return [f"return {call}"], namespace
    result = expression(template, "found[{}]".format, namespace)
    return [f"found = {call}", f"return {result}"], namespace
