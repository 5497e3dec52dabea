"""Arguments: the types of a derivative's call, checked against the annotations before anything is compiled or run.

The types of a call are those of the kernel's arguments, each annotated ``Duplicated`` followed by its shadow.
`resolve` turns them into `Argument`s or raises an error that names the argument. What depends on values (shapes,
strides, overlap) is checked natively, see ``checks``.

Invariant: the types in an `Argument` are canonical: literals are plain, the tangent of a scalar has the scalar's type,
integers given with a tangent are float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numba.core import types

from pyfront.annotations import Active, Annotation, BatchDuplicated, Const
from pyfront.errors import (
    AnnotationError,
    ArityError,
    UnsupportedError,
    with_help,
)
from pyfront.scalars import SCALARS
from pyfront.shadows import Pair, batch_of, shadow_of

SEED = "seed"
"""The keyword with which a call gives the adjoint of the kernel's result."""


@dataclass(frozen=True)
class Leaf:
    """A scalar or an array: an argument, or an element of an argument that is a tuple."""

    name: str
    type: types.Type
    path: tuple[int, ...]

    @property
    def is_array(self) -> bool:
        return isinstance(self.type, types.Array)


@dataclass(frozen=True)
class Argument:
    """One argument of the kernel, and its shadow."""

    name: str
    annotation: type[Annotation]
    type: types.Type
    shadow_name: str | None = None
    shadow_type: types.Type | None = None

    @property
    def is_active(self) -> bool:
        return issubclass(self.annotation, Active)

    @property
    def is_duplicated(self) -> bool:
        return self.annotation.has_shadow

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(leaves(self.name, self.type))

    @property
    def varied_leaves(self) -> tuple[Leaf, ...]:
        """Those with a derivative: of an active tuple its floats, the rest of which are passengers."""
        if self.is_active:
            return tuple(leaf for leaf in self.leaves if isinstance(leaf.type, types.Float))
        return self.leaves if self.is_duplicated else ()

    @property
    def shadow_leaves(self) -> tuple[Leaf, ...]:
        if self.shadow_name is None or self.shadow_type is None:
            return ()
        return tuple(leaves(self.shadow_name, self.shadow_type))


def leaves(name: str, type_: types.Type, path: tuple[int, ...] = ()) -> Iterator[Leaf]:
    """The scalars and arrays of a possibly nested tuple, in the order of Numba's calling convention."""
    if isinstance(type_, types.BaseTuple):
        for index, element in enumerate(type_.types):
            yield from leaves(f"{name}[{index}]", element, (*path, index))
    else:
        yield Leaf(name, type_, path)


def check_annotations(kernel: str, names: Sequence[str], annotations: Sequence[Any]) -> None:
    """Raise unless there is one annotation (a class) per parameter, and something to differentiate by."""
    for annotation in annotations:
        if not (isinstance(annotation, type) and issubclass(annotation, Annotation)) or annotation is Annotation:
            raise AnnotationError(
                f"`{kernel}`: {annotation!r} is not an annotation class: use Const, Active or Duplicated"
            )
    if len(annotations) != len(names):
        raise ArityError(
            f"`{kernel}` takes {len(names)} arguments ({', '.join(names)}), got {len(annotations)} annotations"
        )
    if all(issubclass(annotation, Const) for annotation in annotations):
        raise AnnotationError(
            with_help(
                f"`{kernel}`: no argument has a derivative, every annotation is Const",
                "annotate a float that it depends on Active, or an array Duplicated",
            )
        )


def call_parameters(names: Sequence[str], annotations: Sequence[type[Annotation]]) -> tuple[str, ...]:
    """The parameter names of a derivative: the kernel's, each shadow after its primal as ``d<name>``, made unique.

    ``seed`` is always the adjoint of the result, so a kernel's own parameter of that name gets an underscore.
    """
    taken = {SEED, *names}

    def unique(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    result: list[str] = []
    for name, annotation in zip(names, annotations, strict=True):
        result.append(unique(name) if name == SEED else name)
        if annotation.has_shadow:
            result.append(unique(f"d{name}"))
    return tuple(result)


def resolve(
    kernel: str,
    names: Sequence[str],
    annotations: Sequence[type[Annotation]],
    given: Sequence[types.Type],
    *,
    forward: bool = False,
    width: int = 1,
) -> tuple[Argument, ...]:
    """The arguments of a call with the ``given`` types, or the error that names the first one that does not fit."""
    parameters = call_parameters(names, annotations)
    if len(given) != len(parameters):
        raise ArityError(
            f"the derivative of `{kernel}` takes {len(parameters)} arguments ({', '.join(parameters)}), "
            f"got {len(given)}"
        )
    remaining = iter(zip(parameters, given, strict=True))
    arguments: list[Argument] = []
    for annotation in annotations:
        name, type_ = next(remaining)
        primal = _canonical(kernel, name, types.unliteral(type_))
        if annotation.has_shadow:
            shadow_name, shadow_type = next(remaining)
            if forward:
                primal = _varied(primal)
            pair = Pair(kernel, name, primal, shadow_name, types.unliteral(shadow_type))
            if issubclass(annotation, BatchDuplicated):
                taken = batch_of(pair, width, annotation, scalars=forward)
            else:
                taken = shadow_of(pair, scalars=forward)
            arguments.append(Argument(name, annotation, primal, shadow_name, taken))
        elif issubclass(annotation, Active):
            if forward:
                raise AnnotationError(
                    with_help(
                        f"`{kernel}`: argument `{name}` cannot be Active in forward mode",
                        f"annotate it Duplicated and pass its tangent after it: {name}, d{name}",
                    )
                )
            arguments.append(Argument(name, annotation, _active(kernel, name, primal)))
        else:
            arguments.append(Argument(name, Const, primal))
    return tuple(arguments)


def _canonical(kernel: str, name: str, type_: types.Type) -> types.Type:
    """``type_`` with literals made plain; refuses what no kernel argument can be."""
    if isinstance(type_, types.BaseTuple):
        elements = [_canonical(kernel, f"{name}[{i}]", types.unliteral(t)) for i, t in enumerate(type_.types)]
        return types.BaseTuple.from_types(elements, getattr(type_, "instance_class", None))
    if isinstance(type_, types.Dispatcher):
        return type_  # A function is a part of the signature: what the kernel calls is known when it is compiled.
    scalar = type_.dtype if type(type_) is types.Array else type_
    if isinstance(scalar, types.Complex):
        raise UnsupportedError(f"`{kernel}`: argument `{name}` is complex ({type_}), which is not supported yet")
    if scalar not in SCALARS:
        raise UnsupportedError(
            with_help(
                f"`{kernel}`: argument `{name}` has type {type_}, which is not supported",
                "pass real (32 or 64 bits), integer or boolean scalars and arrays, @njit functions, or tuples of them",
            )
        )
    if type(type_) is types.Array and type_.ndim == 0:
        raise UnsupportedError(
            with_help(f"`{kernel}`: argument `{name}` is an array without dimensions", "pass an array of shape (1,)")
        )
    return type_


def _active(kernel: str, name: str, type_: types.Type) -> types.Type:
    """The type of an active argument: a float, or a tuple with floats in it."""
    if isinstance(type_, types.BaseTuple):
        floats = [leaf for leaf in leaves(name, type_) if isinstance(leaf.type, types.Float)]
        arrays = [leaf for leaf in leaves(name, type_) if leaf.is_array]
        if floats and not arrays:
            return type_
        if arrays:
            return _active(kernel, arrays[0].name, arrays[0].type)
        raise AnnotationError(
            with_help(f"`{kernel}`: argument `{name}` ({type_}) has no derivative: no float in it", "annotate it Const")
        )
    if isinstance(type_, types.Array):
        raise AnnotationError(
            with_help(
                f"`{kernel}`: argument `{name}` is an array, so it cannot be Active",
                "annotate it Duplicated and pass an array for its adjoints after it",
            )
        )
    if not isinstance(type_, types.Float):
        what = "a function" if isinstance(type_, types.Dispatcher) else "a boolean"
        help = "annotate it Const"
        if isinstance(type_, types.Integer):
            what, help = f"an integer ({type_})", f"pass a float, as in float({name}), or annotate it Const"
        raise AnnotationError(with_help(f"`{kernel}`: argument `{name}` is {what}, which has no derivative", help))
    return type_


def _varied(type_: types.Type) -> types.Type:
    """The type of an argument with a tangent; integer scalars are taken as float64."""
    if isinstance(type_, types.BaseTuple):
        return types.BaseTuple.from_types([_varied(t) for t in type_.types], getattr(type_, "instance_class", None))
    return types.float64 if isinstance(type_, types.Integer) else type_
