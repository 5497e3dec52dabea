"""Forms: a function of leaves as a kernel that the engine takes.

A kernel returns one float, or it writes arrays, which are then its first parameters. `Form` says which, and how large
these arrays are; `Source` is whatever a form can be had of: a user's function, in either of the two ways in which it
may give its result, or another operator.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numba import njit, typeof
from numba.core import errors, types
from numba.core.dispatcher import Dispatcher

from pyfront import kernel as kernels
from pyfront.cache.entries import Cache
from pyfront.errors import ArgumentError, ArityError, DtypeError, ResultError, ShapeError, UnsupportedError, with_help
from pyfront.operators import text
from pyfront.operators.containers import expression
from pyfront.operators.memory import remembered
from pyfront.operators.tree import Leaf, Tree, names, row
from pyfront.rules.registry import generation
from pyfront.scalars import SCALARS

MEASURED = "measured"
"""The shape of an array that a function returns, found by running it."""


_MAX_CHECKED = 1024
"""How many choices of shapes a function remembers to have been checked with."""

Types = tuple[types.Type, ...]


@dataclass(frozen=True)
class Call:
    """The types of a call: the structure of each argument, and the types of all leaves."""

    trees: tuple[Tree, ...]
    types: Types
    passed: Types = field(default=(), compare=False)
    """What the caller passes, if these are the types that a kernel sees."""
    is_owned: bool = False
    """Whether the arrays are another operator's, which does not mind what happens to them."""

    def copied(self, *, layout: str | None = None) -> Call:
        """The call that a kernel sees: each array that it might write is a copy, in C order if ``layout`` says so."""
        return replace(self, types=tuple(copied(type_, layout) for type_ in self.types), passed=self.types)


def copied(type_: types.Type, layout: str | None = None) -> types.Type:
    """The type of the copy of an argument; a readonly array that is no float is not copied."""
    if not isinstance(type_, types.Array) or not is_copied(type_):
        return type_
    return types.Array(type_.dtype, type_.ndim, layout or ("F" if type_.layout == "F" else "C"))


def is_copied(type_: types.Type) -> bool:
    """Whether a kernel might write an argument of this type."""
    return isinstance(type_, types.Array) and (type_.mutable or isinstance(type_.dtype, types.Float))


@dataclass(frozen=True)
class Output:
    """An array that a kernel writes; ``is_cell`` if its only element stands for a float."""

    type: types.Array
    shape: str
    """As `Buffer.shape`."""
    initial: int | None = None
    """The leaf whose content it has when the kernel begins; if there is none its content does not matter."""
    is_cell: bool = False


@dataclass(frozen=True)
class Form:
    """A kernel whose parameters are ``outputs``, then the leaves ``inputs``."""

    kernel: Dispatcher
    inputs: tuple[int, ...]
    outputs: tuple[Output, ...]
    template: Tree
    """The structure of the result; its leaves number the outputs, or are the returned float."""
    value: types.Type | None = None
    """The type of the returned float, if there are no outputs."""
    prelude: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    namespace: Mapping[str, Any] = field(default_factory=dict)

    def shapes(self, count: int) -> Callable[..., Any]:
        """The Python function of ``count`` leaves that returns the shapes of the outputs."""
        parameters = [f"a{leaf}" for leaf in range(count)]
        returned = text.tuple_of([output.shape for output in self.outputs])
        return text.define("shapes", parameters, [*self.prelude, f"return {returned}"], self.namespace)

    def writing(self) -> Form:
        """The form that writes its result to a cell if this one returns it."""
        if self.value is None:
            return self
        parameters = [f"a{leaf}" for leaf in self.inputs]
        body = [f"cell[0] = kernel({', '.join(parameters)})"]
        function = text.define(kernels.name(self.kernel), ["cell", *parameters], body, {"kernel": self.kernel})
        cell = Output(types.Array(self.value, 1, "C"), "(1,)", is_cell=True)
        return replace(self, kernel=njit(function), outputs=(cell,), value=None)


class Source(Protocol):
    """What an operator differentiates."""

    @property
    def name(self) -> str: ...

    @property
    def function(self) -> str:
        """The name of the user's function that is at the bottom of it."""

    @property
    def parameters(self) -> tuple[str, ...]: ...

    @property
    def defaults(self) -> tuple[Any, ...]:
        """The default values of the last parameters."""

    @property
    def nogil(self) -> bool:
        """Whether calls from Python let other threads run."""

    @property
    def home(self) -> Any:
        """The Python function beside whose source machine code is kept, None if it is not."""

    @property
    def wrapped(self) -> Any:
        """What has the signature and the documentation of an operator on it."""

    @property
    def out(self) -> int | None:
        """The argument that is the result rather than an input."""

    def form(self, call: Call) -> Form:
        """The kernel for these types, or the error that says why there is none."""

    def check_shapes(self, trees: tuple[Tree, ...], leaves: Sequence[Any]) -> None:
        """Raise if the function writes outside of an array that takes its result."""


class UserFunction:
    """A function as a user wrote it: ``f(x)`` returns the result, or ``f(out, x)`` leaves it in ``out``."""

    def __init__(self, dispatcher: Dispatcher, out: int | str | None, wrapped: Any, cache: bool = False) -> None:
        self.dispatcher = dispatcher
        self.home = dispatcher.py_func if cache else None
        self.wrapped = wrapped
        self.nogil = bool(dispatcher.targetoptions.get("nogil"))
        self.defaults: tuple[Any, ...] = dispatcher.py_func.__defaults__ or ()
        self.name = self.function = kernels.name(dispatcher)
        self.parameters = kernels.parameters(dispatcher)
        self.out = None if out is None else self._position(out)
        self._checked: set[Any] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.dispatcher, self.out, self.wrapped is self.dispatcher, self.home is not None)

    def form(self, call: Call) -> Form:
        return remembered(self, ("form", call), lambda: self._form(call))

    def check_shapes(self, trees: tuple[Tree, ...], leaves: Sequence[Any]) -> None:
        """Run a function that writes to its argument ``out`` with bounds checked, once for each choice of shapes.

        An operator gives it an array like the caller's, whose shape is so easily another than the function's own loops
        suppose. Compiled code relies on what holds there anyway: an index lies within its axis.
        """
        if self.out is None:
            return
        shapes = (trees, *[getattr(leaf, "shape", None) for leaf in leaves])
        if shapes in self._checked:
            return
        call = Call(trees, types_of(self.name, leaves)).copied()
        self.form(call)
        function = remembered(self, "checked", lambda: njit(boundscheck=True)(self.dispatcher.py_func))
        checked = remembered(
            self, ("checked", trees), lambda: self._wrapper(call, (), "{}", range(len(leaves)), function)
        )
        copies = [np.array(leaf, order="K") if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
        try:
            checked(*copies)
        except IndexError as error:
            if "out of bounds" not in str(error):
                raise
            labels = leaf_labels(self.parameters, trees)
            given = [
                f"`{label}` of shape {leaf.shape}"
                for label, leaf in zip(labels, leaves, strict=True)
                if isinstance(leaf, np.ndarray)
            ]
            raise ShapeError(
                with_help(
                    f"`{self.name}`: an index is out of bounds, with {', '.join(given)}",
                    f"pass `{self.parameters[self.out]}` with the shape of the result",
                )
            ) from None
        if len(self._checked) >= _MAX_CHECKED:
            self._checked.clear()
        self._checked.add(shapes)

    def _form(self, call: Call) -> Form:
        required = len(self.parameters) - len(self.defaults)
        if not required <= len(call.trees) <= len(self.parameters):
            raise ArityError(
                f"`{self.name}` takes {len(self.parameters)} arguments ({', '.join(self.parameters)}), "
                f"got {len(call.trees)}"
            )
        self._check_types(call)
        if self.home is not None:
            Cache(self.home, self).note()
        return self._in_place(call, self.out) if self.out is not None else self._returning(call)

    def _position(self, out: int | str) -> int:
        listing = f"`{self.name}` has the arguments {', '.join(self.parameters)}"
        if isinstance(out, str):
            if out not in self.parameters:
                raise ArgumentError(with_help(f"out={out!r} names no argument", listing))
            return self.parameters.index(out)
        count = len(self.parameters)
        if not -count <= out < count:
            raise ArgumentError(with_help(f"out={out} names no argument", listing))
        return out % count

    def _check_types(self, call: Call) -> None:
        for name, type_ in zip(leaf_names(self.parameters, call.trees), call.types, strict=True):
            if isinstance(type_, types.Array) and type_.ndim == 0:
                raise UnsupportedError(
                    with_help(
                        f"`{self.name}`: argument `{name}` is an array without dimensions",
                        "pass a number, or an array of shape (1,)",
                    )
                )
            scalar = type_.dtype if isinstance(type_, types.Array) else type_
            if scalar not in SCALARS:
                raise UnsupportedError(
                    with_help(
                        f"`{self.name}`: argument `{name}` has type {type_}, which is not supported",
                        "pass real (32 or 64 bits), integer or boolean numbers and arrays, or tuples, lists and dicts "
                        "of them",
                    )
                )

    def _wrapper(
        self,
        call: Call,
        outputs: Sequence[str],
        statement: str,
        leaves: Sequence[int],
        function: Dispatcher | None = None,
    ) -> Dispatcher:
        """The kernel of leaves whose body is ``statement``, in which ``{}`` is the call of the function."""
        namespace: dict[str, Any] = {"function": function or self.dispatcher, "ShapeError": ShapeError}
        arguments = ", ".join(expression(tree, "a{}".format, namespace) for tree in call.trees)
        lines = statement.format(f"function({arguments})").splitlines()
        parameters = [*outputs, *(f"a{leaf}" for leaf in leaves)]
        return njit(text.define(self.name, parameters, lines, namespace))

    def _returning(self, call: Call) -> Form:
        inputs = tuple(range(len(call.types)))
        kernel = self.dispatcher
        if call.trees != row(len(self.parameters)):
            kernel = self._wrapper(call, (), "return {}", inputs)
        from pyfront import numba_target

        returned = types.unliteral(numba_target.return_type(kernel, call.types))
        if isinstance(returned, types.Float):
            return Form(kernel, inputs, (), Leaf(0), value=returned)
        if isinstance(returned, types.Array):
            return self._returning_array(call, kernel, returned)
        raise self._no_result(returned)

    def _returning_array(self, call: Call, kernel: Dispatcher, returned: types.Array) -> Form:
        """``out[...] = f(x)``, where one run of the primal tells the shape of ``out``."""
        if not isinstance(returned.dtype, types.Float):
            raise DtypeError(
                with_help(
                    f"`{self.name}` returns an array of {returned.dtype}, which has no derivative",
                    "return an array of floats",
                )
            )
        if returned.ndim == 0:
            raise UnsupportedError(
                with_help(f"`{self.name}` returns an array without dimensions", "return a float, as in `out[()]`")
            )
        inputs = tuple(range(len(call.types)))
        type_ = types.Array(returned.dtype, returned.ndim, "C")
        statement = "\n".join(
            [
                "result = {}",
                *text.guard("result.shape != out.shape", "ShapeError", f"`{self.name}` returned another shape"),
                *text.copy("out", type_, "result"),
            ]
        )
        lines: list[str] = []
        for leaf, leaf_type in enumerate(call.types):
            lines.append(f"c{leaf} = a{leaf}.copy()" if is_copied(leaf_type) else f"c{leaf} = a{leaf}")
        lines.append(f"return kernel({', '.join(f'c{leaf}' for leaf in inputs)}).shape")
        parameters = [f"a{leaf}" for leaf in inputs]
        shape_of = njit(text.define(self.name, parameters, lines, {"kernel": kernel}))
        return Form(
            self._wrapper(call, ("out",), statement, inputs),
            inputs,
            (Output(type_, MEASURED),),
            Leaf(0),
            prelude=(f"{MEASURED} = measure({', '.join(parameters)})",),
            measured=(MEASURED,),
            namespace={"measure": shape_of},
        )

    def _in_place(self, call: Call, out: int) -> Form:
        if out >= len(call.trees):
            raise ArityError(f"`{self.name}` got {len(call.trees)} arguments, without `{self.parameters[out]}`")
        tree = call.trees[out]
        type_ = call.types[tree.index] if isinstance(tree, Leaf) else None
        if not isinstance(tree, Leaf) or not isinstance(type_, types.Array):
            raise ResultError(
                with_help(f"`{self.name}`: out= names `{self.parameters[out]}`, which is not an array", "pass an array")
            )
        if not isinstance(type_.dtype, types.Float):
            raise DtypeError(
                with_help(
                    f"`{self.name}`: the result `{self.parameters[out]}` holds {type_.dtype}, which has no derivative",
                    "pass an array of floats",
                )
            )
        inputs = tuple(leaf for leaf in range(len(call.types)) if leaf != tree.index)
        kernel = self.dispatcher
        from pyfront import numba_target

        returns = numba_target.return_type(kernel, call.types) if call.trees == row(len(self.parameters)) else None
        if tree.index != 0 or returns != types.none:
            kernel = self._wrapper(call, (f"a{tree.index}",), "{}", inputs)
        output = Output(type_, f"a{tree.index}.shape", initial=tree.index)
        return Form(kernel, inputs, (output,), Leaf(0))

    def _no_result(self, returned: types.Type) -> ResultError:
        if returned == types.none:
            return ResultError(
                with_help(
                    f"`{self.name}` returns nothing",
                    "if it leaves its result in an argument, say which: out=0, or out='name'",
                )
            )
        if isinstance(returned, (types.Integer, types.Boolean)):
            return ResultError(
                with_help(f"`{self.name}` returns {returned}, which has no derivative", "return a float: float(result)")
            )
        return ResultError(
            with_help(
                f"`{self.name}` returns {returned}",
                "return one float or one array, or write to an array that the operator's out= names",
            )
        )


def present(operator: Any, wrapped: Any, doc: str) -> None:
    """Give ``operator`` the signature, the documentation (else ``doc``) and the name of ``wrapped``."""
    operator.__wrapped__ = wrapped
    operator.__name__ = wrapped.__name__
    operator.__qualname__ = wrapped.__qualname__
    operator.__module__ = wrapped.__module__
    operator.__doc__ = wrapped.__doc__ or doc
    operator.__signature__ = inspect.signature(wrapped)


def user_function(dispatcher: Dispatcher, out: int | str | None, wrapped: Any, cache: bool = False) -> UserFunction:
    """The source that a jitted function is, the same one each time; ``wrapped`` is what the user handed over."""
    return remembered(
        dispatcher, ("source", out, cache, generation()), lambda: UserFunction(dispatcher, out, wrapped, cache)
    )


def _restored(dispatcher: Dispatcher, out: int | None, is_jitted: bool, cache: bool = False) -> UserFunction:
    return user_function(dispatcher, out, dispatcher if is_jitted else dispatcher.py_func, cache)


def leaf_names(parameters: Sequence[str], trees: Sequence[Tree]) -> list[str]:
    """How a user would write each leaf."""
    return [name for parameter, tree in zip(parameters, trees, strict=False) for name in names(tree, parameter)]


def leaf_labels(parameters: Sequence[str], trees: Sequence[Tree]) -> tuple[str, ...]:
    """`leaf_names`, where there may be more arguments than parameters: the leaves of those have no name."""
    known = [*parameters, *(f"argument {index}" for index in range(len(parameters), len(trees)))]
    return tuple(leaf_names(known, trees))


def types_of(operator: str, leaves: Sequence[Any]) -> tuple[types.Type, ...]:
    """Numba's types of the leaves."""
    result = []
    for leaf in leaves:
        try:
            result.append(typeof(leaf))
        except (ValueError, errors.NumbaTypeError) as error:
            raise UnsupportedError(
                with_help(
                    f"`{operator}`: an argument is a {type(leaf).__name__}, which Numba cannot pass",
                    "pass numbers, NumPy arrays, or tuples, lists and dicts of them",
                )
            ) from error
    return tuple(result)
