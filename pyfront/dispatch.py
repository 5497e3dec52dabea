"""Dispatch: which entry a call goes to, by the types of its arguments.

`EntryDispatcher` chooses among entries as all of Numba's dispatchers do, in C. What it does not do is compile Python:
an unknown signature goes to `compile_derivative`, through the checks of ``arguments``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba.core import sigutils, types, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

from pyfront import entry
from pyfront.arguments import SEED, Argument
from pyfront.compiled import Compiled
from pyfront.entry import Shape
from pyfront.errors import SeedError, UnsupportedError, with_help

Specialize = Callable[[Sequence[types.Type], bool], Compiled]
"""From the types of a call without its seed, and whether arguments may alias, to the derivative."""


class EntryDispatcher(Dispatcher):
    """A dispatcher whose overloads are entries of derivatives."""

    targetdescr = cpu_target

    def __init__(
        self, shape: Shape, specialize: Specialize, seeded: Callable[[], EntryDispatcher] | None = None
    ) -> None:
        super().__init__(_stub(shape), targetoptions={"nopython": True})
        self._shape = shape
        self._specialize = specialize
        self._seeded = seeded

    def compile(self, sig: Any) -> Any:
        """The entry for these types of arguments, made if need be."""
        given, _ = sigutils.normalize_signature(sig)
        return self._overload(tuple(given)).entry_point

    def get_call_template(self, args: Sequence[types.Type], kws: dict[str, types.Type]) -> Any:
        """How compiled code calls the derivative; with ``seed=`` it calls the entry that takes one."""
        if SEED in kws and self._seeded is not None:
            return self._seeded().get_call_template(args, kws)
        pysig, folded = self.fold_argument_types(args, kws)
        overload = self._overload(tuple(folded))
        name = self.py_func.__name__
        return typing.make_concrete_template(name, key=name, signatures=[overload.signature]), pysig, folded, {}

    def get_overload(self, sig: Any) -> Any:
        given, _ = sigutils.normalize_signature(sig)
        if len(given) != len(self._shape.all_parameters) and self._seeded is not None:
            return self._seeded().get_overload(sig)
        return self._overload(tuple(given)).entry_point

    def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
        """Called by the C dispatcher with the arguments of a call whose types it does not know."""
        assert not kws
        self._compilation_chain_init_hook()
        try:
            given = tuple(self.typeof_pyval(value) for value in args)
            for name, value, type_ in zip(self._shape.all_parameters, args, given, strict=True):
                if type_ is types.pyobject:
                    raise UnsupportedError(
                        with_help(
                            f"`{self._shape.name}`: argument `{name}` is a {type(value).__name__}, "
                            "which Numba cannot pass",
                            "pass numbers, NumPy arrays, or tuples of them",
                        )
                    )
            return self._overload(given).entry_point
        finally:
            self._types_active_call.clear()

    @global_compiler_lock
    def _overload(self, given: tuple[types.Type, ...]) -> Any:
        known = self.overloads.get(given)
        if known is not None:
            return known
        count = len(self._shape.parameters)
        compiled = self._specialize(given[:count], self._shape.may_alias)
        canonical = tuple(_call_types(compiled.arguments))
        if self._shape.seeded:
            canonical += (_seed_type(compiled, given[count]),)
        if canonical not in self.overloads:
            self.add_overload(entry.build(compiled, self._shape, canonical))
        overload = self.overloads[canonical]
        if canonical != given:
            self._insert([type_._code for type_ in given], overload.entry_point, False)
            self.overloads[given] = overload
        return overload


def _stub(shape: Shape) -> Callable[..., Any]:
    """A Python function with the entry's name and parameters, from which Numba takes its signature."""
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(f"def {shape.name}({', '.join(shape.all_parameters)}): pass", namespace)
    stub: Callable[..., Any] = namespace[shape.name]
    return stub


def _call_types(arguments: Sequence[Argument]) -> list[types.Type]:
    result: list[types.Type] = []
    for argument in arguments:
        result.append(argument.type)
        if argument.shadow_type is not None:
            result.append(argument.shadow_type)
    return result


def _seed_type(compiled: Compiled, given: types.Type) -> types.Type:
    if not compiled.takes_seed:
        what = "nothing" if compiled.returns is types.none else f"{compiled.returns}, which has no derivative"
        raise SeedError(
            with_help(
                f"`{compiled.kernel}` returns {what}, so its derivative takes no seed",
                "leave out seed=; the shadows of the arrays are the seeds",
            )
        )
    if not isinstance(types.unliteral(given), (types.Float, types.Integer)):
        raise SeedError(f"`{compiled.kernel}`: the seed must be a real number, not {given}")
    return compiled.returns
