"""Dispatch: which entry a call goes to, by the types of its arguments.

`EntryDispatcher` chooses among entries as all of Numba's dispatchers do, in C. What it does not do is compile Python:
an unknown signature goes to `differentiate`, through the checks of ``arguments``. In a kernel that is differentiated
itself its twin stands for it: the same dispatch, with entries and derivatives that are IR.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from numba.core import sigutils, types, typing
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from pyfront.arguments import SEED, Argument
from pyfront.cache.entries import Cache, TypesOfArrays, types_of_call
from pyfront.compiled import Differentiated
from pyfront.errors import AliasedCallError, SeedError, UnsupportedError, with_help
from pyfront.shape import Shape
from pyfront.specialized import TwinnedDispatcher

Specialize = Callable[[Sequence[types.Type], bool], Differentiated]
"""From the types of a call without its seed, and whether arguments may alias, to the derivative."""


class EntryDispatcher(TypesOfArrays, TwinnedDispatcher):
    """A dispatcher whose overloads are entries of derivatives.

    ``specialize`` makes derivatives that run, ``embed`` those for captured code; ``seeded`` gives the dispatcher for
    calls with a seed.
    """

    targetdescr = cpu_target

    def __init__(
        self,
        shape: Shape,
        specialize: Specialize,
        embed: Specialize,
        seeded: Callable[[], EntryDispatcher] | None = None,
        cache: Cache | None = None,
    ) -> None:
        super().__init__(_stub(shape), targetoptions={"nopython": True})
        self._shape = shape
        self._specialize = specialize
        self._embed = embed
        self._seeded = seeded
        self.cache = cache
        self._serials = {shape.serial}

    def raised(self, error: AliasedCallError) -> bool:
        """Whether the error is one of these entries' own checks; those from the cache have other numbers."""
        return error.entry in self._serials

    @property
    def target(self) -> Any:
        """What entries are compiled to."""
        from pyfront.entry import Executable

        return Executable()

    @functools.cached_property
    def twin(self) -> EntryDispatcher:
        """The dispatcher of the same derivative in captured code."""
        from pyfront.captured_entry import CapturedEntryDispatcher

        return CapturedEntryDispatcher(self._shape, self._embed, self._embed, self._seeded and self._seeded_twin)

    def _seeded_twin(self) -> EntryDispatcher:
        assert self._seeded is not None
        twin: EntryDispatcher = self._seeded().twin
        return twin

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
        if self.cache is not None:
            plain = types_of_call(self, args)
            found = None if plain is None else self._cached(plain)
            if found is not None:
                self._types_active_call.clear()
                return found
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
            overload = self._overload(given)
            if self.cache is not None:
                self.cache.store(given, overload, self._shape.serial)
            return overload.entry_point
        finally:
            self._types_active_call.clear()

    def _cached(self, given: tuple[types.Type, ...]) -> Any:
        """The entry that another process has left for these types, if there is one."""
        assert self.cache is not None
        found = self.cache.find(given)
        if found is not None:
            self._serials.add(self.cache.said[given])
            self._insert([type_._code for type_ in given], found, False)
        return found

    @global_compiler_lock
    def _overload(self, given: tuple[types.Type, ...]) -> Any:
        known = self.overloads.get(given)
        if known is not None:
            return known
        compiled, canonical = self._canonical(given)
        if canonical not in self.overloads:
            self.add_overload(self._build(compiled, canonical))
        overload = self.overloads[canonical]
        if canonical != given:
            self._add_synonym(given, overload)
            self.overloads[given] = overload
        return overload

    def _canonical(self, given: tuple[types.Type, ...]) -> tuple[Differentiated, tuple[types.Type, ...]]:
        """The derivative for a call with these types, and the types as which its entry takes the arguments."""
        count = len(self._shape.parameters)
        compiled = self._specialize(given[:count], self._shape.may_alias)
        canonical = tuple(call_types(compiled.arguments))
        if self._shape.seeded:
            canonical += (seed_type(compiled, given[count]),)
        return compiled, canonical

    def _build(self, compiled: Differentiated, canonical: tuple[types.Type, ...]) -> Any:
        from pyfront import entry
        from pyfront.batch_entry import BatchBody

        body = BatchBody if compiled.is_batch else entry.Body
        return entry.build(compiled, self._shape, canonical, body, self.target)

    def _add_synonym(self, given: tuple[types.Type, ...], overload: Any) -> None:
        self._insert([type_._code for type_ in given], overload.entry_point, False)


class BatchDispatcher(TwinnedDispatcher):
    """Stands for the entries of all widths of a batch: the types of a call in compiled code choose one."""

    targetdescr = cpu_target

    def __init__(self, of_types: Callable[[Sequence[types.Type], dict[str, types.Type]], EntryDispatcher]) -> None:
        super().__init__(_batch_stub, targetoptions={"nopython": True})
        self._of_types = of_types

    @functools.cached_property
    def twin(self) -> BatchDispatcher:
        """The dispatcher of the same derivatives in captured code."""
        from pyfront.captured_entry import CapturedBatchDispatcher

        return CapturedBatchDispatcher(lambda args, kws: self._of_types(args, kws).twin)

    def get_call_template(self, args: Sequence[types.Type], kws: dict[str, types.Type]) -> Any:
        """How compiled code calls the derivative of the width that these types have."""
        return self._of_types(args, kws).get_call_template(args, kws)

    def get_overload(self, sig: Any) -> Any:
        given, _ = sigutils.normalize_signature(sig)
        return self._of_types(given, {}).get_overload(sig)


def _batch_stub(*args: Any) -> None:
    """Never compiled."""


def _stub(shape: Shape) -> Callable[..., Any]:
    """A Python function with the entry's name and parameters, from which Numba takes its signature."""
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(f"def {shape.name}({', '.join(shape.all_parameters)}): pass", namespace)
    stub: Callable[..., Any] = namespace[shape.name]
    return stub


def call_types(arguments: Sequence[Argument]) -> list[types.Type]:
    """The types of a call: those of the kernel's arguments, each followed by that of its shadow."""
    result: list[types.Type] = []
    for argument in arguments:
        result.append(argument.type)
        if argument.shadow_type is not None:
            result.append(argument.shadow_type)
    return result


def seed_type(compiled: Differentiated, given: types.Type) -> types.Type:
    """The type as which a seed is taken; raises if there can be none."""
    from pyfront import results
    from pyfront.batch_entry import is_seed_per_lane

    if not compiled.takes_seed:
        what = "nothing" if compiled.returns is types.none else f"{compiled.returns}, which has no derivative"
        raise SeedError(
            with_help(
                f"`{compiled.kernel}` returns {what}, so its derivative takes no seed",
                "leave out seed=; the shadows of the arrays are the seeds",
            )
        )
    plain = types.unliteral(given)
    if compiled.is_batch and isinstance(plain, types.Array) and (plain.ndim, plain.dtype) == (1, compiled.returns):
        return plain
    if compiled.is_batch and is_seed_per_lane(compiled, plain):
        each = [results.seed_type(compiled.kernel, compiled.returns, type_) for type_ in plain.types]
        return types.BaseTuple.from_types(each)
    return results.seed_type(compiled.kernel, compiled.returns, plain)
