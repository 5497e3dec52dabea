"""`vjp` in compiled code: a pullback is a value there, the point as a tuple of copies.

Calling it runs the function again and then its reverse sweep, so that it owns no memory but arrays, and a function in
which it is called can be differentiated itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba.core import types, typing
from numba.core.datamodel import models, register_default
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr
from numba.extending import box, intrinsic, lower_builtin

from pyfront.errors import UnsupportedError, with_help
from pyfront.operators import text
from pyfront.operators.calls import Calls
from pyfront.operators.containers import expression, trees_of_types
from pyfront.operators.form import leaf_names
from pyfront.operators.memory import remembered
from pyfront.operators.tree import Tree, flatten_like, is_native, unflatten
from pyfront.specialized import Specialized

Types = tuple[types.Type, ...]


class PullbackType(types.Type):
    """The type of a pullback; ``owner`` is the `Transposed`, ``point`` the type of the tuple of leaves."""

    def __init__(self, owner: Any, trees: tuple[Tree, ...], template: Tree, point: types.Type) -> None:
        self.owner = owner
        self.trees = trees
        self.template = template
        self.point = point
        super().__init__(f"pullback of {owner.name} {id(owner)} at {point}")

    @property
    def key(self) -> Any:
        return self.owner, self.trees, self.point

    @property
    def run(self) -> Specialized:
        """The function of a point and a cotangent."""
        parameters = ["point", "cotangent"]
        return remembered(
            self.owner,
            ("compiled pullback", self.trees),
            lambda: Specialized(self.owner.name, parameters, self._implement),
        )

    def _implement(self, given: Types) -> Callable[..., Any]:
        point = [f"point[{index}]" for index in range(len(given[0].types))]
        (tree,), _ = trees_of_types(given[1:])
        cotangents = flatten_like(self.template, unflatten(tree, leaf_names(["cotangent"], [tree])), "the cotangent")
        calls: Calls = self.owner.pullback_calls(self.trees, len(cotangents))
        line = f"return pullback({', '.join([*point, *cotangents])})"
        return text.define(self.owner.name, ["point", "cotangent"], [line], {"pullback": calls.fresh})


@register_default(PullbackType)
class _PullbackModel(models.StructModel):
    def __init__(self, manager: Any, type_: PullbackType) -> None:
        super().__init__(manager, type_, [("point", type_.point)])


@box(PullbackType)
def _refuse_to_python(type_: PullbackType, value: Any, c: Any) -> Any:
    """At run time, for the wrapper for Python is made of functions too that only compiled code calls."""
    message = with_help(
        f"`{type_.owner.name}`: a pullback that compiled code made cannot be handed to Python",
        "call it there, or call vjp from Python",
    )
    c.context.nrt.decref(c.builder, type_, value)
    error, argument = (c.pyapi.unserialize(c.pyapi.serialize_object(each)) for each in (UnsupportedError, message))
    c.pyapi.err_set_object(error, argument)
    for each in (error, argument):
        c.pyapi.decref(each)
    return c.pyapi.get_null_object()


@infer_getattr
class _PullbackAttributes(AttributeTemplate):
    key = PullbackType

    def resolve___call__(self, pullback: PullbackType) -> types.Type:
        return types.BoundFunction(_PullbackCall, pullback)


class _PullbackCall(AbstractTemplate):
    key = "pullback.__call__"

    def generic(self, args: Types, kws: dict[str, types.Type]) -> Any:
        run = self.context.resolve_value_type(self.this.run)
        found = run.get_call_type(self.context, (self.this.point, *args), kws)
        return typing.signature(found.return_type, *args, recvr=self.this)


@lower_builtin(PullbackType, PullbackType, types.Any)
def _lower_call(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pullback, cotangent = signature.args
    run = context.typing_context.resolve_value_type(pullback.run)
    inner = run.get_call_type(context.typing_context, (pullback.point, cotangent), {})
    call = context.get_function(run, inner)
    context.add_linking_libs(getattr(call, "libs", ()))
    return call(builder, (builder.extract_value(args[0], 0), args[1]))


def in_compiled_code(owner: Any, count: int, *, before: Sequence[str] = (), after: Sequence[str] = ()) -> Specialized:
    """The function of ``count`` primals that returns value and pullback; of the others nothing but the types matter."""
    primals = [f"primal{index}" for index in range(count)]
    parameters = [*before, *primals, *after]

    def implement(given: Types) -> Callable[..., Any]:
        trees, leaf_types = trees_of_types(given[len(before) : len(before) + count])
        leaves = leaf_names(primals, trees)
        calls: Calls = owner.value_calls(trees)
        template = calls.program(tuple(leaf_types)).template
        namespace: dict[str, Any] = {
            "function": calls.fresh,
            "make": _maker(owner, trees, template),
        }
        value = "found" if is_native(template) else expression(template, "found[{}]".format, namespace)
        copies = [
            f"{leaf}.copy()" if isinstance(type_, types.Array) else leaf
            for leaf, type_ in zip(leaves, leaf_types, strict=True)
        ]
        lines = [f"found = function({', '.join(leaves)})", f"return {value}, make({text.tuple_of(copies)})"]
        return text.define(owner.name, parameters, lines, namespace)

    key = ("compiled vjp", count, tuple(before), tuple(after))
    return remembered(owner, key, lambda: Specialized(owner.name, parameters, implement))


def _maker(owner: Any, trees: tuple[Tree, ...], template: Tree) -> Any:
    """The function of compiled code that makes a pullback of a point."""

    @intrinsic
    def make(typing_context: Any, point: Any) -> Any:
        result = PullbackType(owner, trees, template, point)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            context.nrt.incref(builder, point, args[0])
            pullback = context.make_helper(builder, result)
            pullback.point = args[0]
            return pullback._getvalue()

        return typing.signature(result, point), codegen

    return make
