"""Split derivatives: the forward sweep now, the reverse sweep later, `autodiff_split`.

    forward, reverse = autodiff_split(kernel, Active, Duplicated)
    result, tape = forward(x, A)              runs the kernel
    adjoint      = reverse(dA, tape)          once, later, often, on another thread

The two halves share a `_Split`, which compiles both for a signature at once. What crosses from one to the other is in
the `Tape`; nothing else is, so the arrays of the forward call may change in between.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from numba.core import types
from numba.core.dispatcher import Dispatcher

from pyfront import explain
from pyfront import kernel as kernels
from pyfront.annotations import Annotation, BatchDuplicated
from pyfront.arguments import SEED, Argument, call_parameters, check_annotations, resolve
from pyfront.cache.entries import Cache, new_serial
from pyfront.compile_report import CompileReport
from pyfront.compiled import BySignature, Halves, differentiate, load_halves
from pyfront.derivative import check_plan_steps
from pyfront.errors import (
    AliasedCallError,
    ArgumentError,
    ArityError,
    AutodiffError,
    TapeError,
    UnsupportedError,
    with_help,
)
from pyfront.rules.registry import generation
from pyfront.shape import Shape
from pyfront.split_dispatch import ForwardDispatcher, ReverseDispatcher
from pyfront.tape import Tape

_CACHE = "_pyfront_split_derivatives"
_TAPE = "tape"


def autodiff_split(
    kernel: Callable[..., Any], *annotations: type[Annotation], disable: Sequence[str] = (), cache: bool = False
) -> tuple[ForwardHalf, ReverseHalf]:
    """The derivative of ``kernel`` in two halves, with one annotation (a class) per argument; reverse mode.

    ``forward`` takes the kernel's arguments, runs it, and returns its result and a `Tape`. ``reverse`` takes the
    shadows, the seed if the kernel returns a float (default 1.0), and the tape, and returns the adjoints of the
    ``Active`` arguments. It can be called any number of times. ``cache`` as in `autodiff`.

    >>> import numpy as np, pyfront as ad
    >>> def squares(x, y):
    ...     for i in range(x.size):
    ...         y[i] = x[i] * x[i]
    >>> forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    >>> x, y, dx, dy = np.arange(3.0), np.zeros(3), np.zeros(3), np.ones(3)
    >>> _, tape = forward(x, y)
    >>> x[:] = 100.0
    >>> reverse(dx, dy, tape)
    >>> dx
    array([0., 2., 4.])
    """
    dispatcher = kernels.as_dispatcher(kernel)
    if not cache:
        check_plan_steps(disable)
    return _halves(dispatcher, annotations, tuple(disable), cache)


def _halves(
    kernel: Dispatcher, annotations: tuple[type[Annotation], ...], disable: tuple[str, ...], cache: bool = False
) -> tuple[ForwardHalf, ReverseHalf]:
    """The halves for these choices, the same ones each time: they live as long as the kernel."""
    known = kernel.__dict__.setdefault(_CACHE, {})
    choices = (annotations, disable, cache)
    key = (*choices, generation())
    if key not in known:
        split = _Split(kernel, *choices)
        known.setdefault(key, (ForwardHalf(split), ReverseHalf(split)))
    halves: tuple[ForwardHalf, ReverseHalf] = known[key]
    return halves


def _half(place: int, origin: tuple[Any, ...]) -> Any:
    return _halves(*origin)[place]


class _Split:
    """What the two halves have in common: the request, and the code by signature."""

    def __init__(
        self,
        kernel: Dispatcher,
        annotations: tuple[type[Annotation], ...],
        disable: tuple[str, ...],
        cache: bool = False,
    ) -> None:
        self.origin = (kernel, annotations, disable, cache)
        self._is_cached = cache
        self.name = kernels.name(kernel)
        self.doc = kernel.py_func.__doc__
        self.names = kernels.parameters(kernel)
        self.annotations = annotations
        self._check_request()
        self.has_shadow = [annotation.has_shadow for annotation in annotations]
        self.parameters = call_parameters(self.names, annotations)
        is_shadow = [role for has in self.has_shadow for role in ((False, True) if has else (False,))]
        self.signature = inspect.Signature(
            [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in self.parameters]
        )
        self.shadows = tuple(itertools.compress(self.parameters, is_shadow))
        self.primals = tuple(itertools.compress(self.parameters, (not role for role in is_shadow)))
        self._kernel = kernel
        self._disable = disable
        self.compiled = BySignature(self._load)
        self._forward: dict[bool, ForwardDispatcher] = {}
        self._reverse: dict[tuple[bool, bool], ReverseDispatcher] = {}

    def _check_request(self) -> None:
        check_annotations(self.name, self.names, self.annotations)
        for annotation in self.annotations:
            if issubclass(annotation, BatchDuplicated):
                raise UnsupportedError(
                    with_help(
                        f"`{self.name}`: a split derivative takes no batch of shadows",
                        "use Duplicated, and call the reverse half once per shadow with the same tape",
                    )
                )

    def forward(self, may_alias: bool) -> ForwardDispatcher:
        """The entries of the forward half."""
        entries = self._forward.get(may_alias)
        if entries is None:
            shape = Shape(
                f"{self.name}_forward",
                self.primals,
                with_primal=True,
                seeded=False,
                may_alias=may_alias,
                **self._serial(),
            )
            cache = self._cache("forward", may_alias)
            entries = self._forward.setdefault(may_alias, ForwardDispatcher(shape, self._specialize_forward, cache))
        return entries

    def reverse(self, seeded: bool, may_alias: bool) -> ReverseDispatcher:
        """The entries of the reverse half."""
        key = (seeded, may_alias)
        entries = self._reverse.get(key)
        if entries is None:
            tape = _TAPE
            while tape in self.parameters:
                tape += "_"
            parameters = (*self.parameters, tape)
            shape = Shape(
                f"{self.name}_reverse",
                parameters,
                with_primal=False,
                seeded=seeded,
                may_alias=may_alias,
                **self._serial(),
            )
            cache = self._cache("reverse", *key)
            entries = self._reverse.setdefault(key, ReverseDispatcher(shape, self._specialize, cache))
        return entries

    def _serial(self) -> dict[str, int]:
        return {"serial": new_serial()} if self._is_cached else {}

    def _cache(self, *kind: Any) -> Cache | None:
        """Where the entries of a kind are on disk."""
        origin = (self._kernel, self.annotations, self._disable, kind)
        return Cache(self._kernel.py_func, origin) if self._is_cached else None

    def interleave(self, arguments: Sequence[Any], shadows: Sequence[Any]) -> list[Any]:
        """Each argument, followed by its shadow if it has one."""
        rest = iter(shadows)
        result: list[Any] = []
        for argument, has_shadow in zip(arguments, self.has_shadow, strict=True):
            result.append(argument)
            if has_shadow:
                result.append(next(rest))
        return result

    def _specialize_forward(self, given: Sequence[types.Type], may_alias: bool) -> Halves:
        """The code for a forward call: shadows are taken to be of their primals' types."""
        shadows = list(itertools.compress(given, self.has_shadow))
        return self._specialize(self.interleave(given, shadows), may_alias)

    def _specialize(self, given: Sequence[types.Type], may_alias: bool) -> Halves:
        """The code for arguments and shadows of these types; shadows are checked, but do not distinguish code."""
        return self.compiled.of(resolve(self.name, self.names, self.annotations, given), may_alias)

    def _load(self, arguments: Sequence[Argument], may_alias: bool) -> Halves:
        cache = self.forward(False).cache
        if cache is not None:
            check_plan_steps(self._disable)
            cache.note()
        return load_halves(
            differentiate(self._kernel, arguments, split=True, may_alias=may_alias, disable=self._disable)
        )


class _Half:
    """Base of the halves."""

    _place: int
    _what: str

    def __init__(self, split: _Split) -> None:
        self._split = split
        self.__name__ = f"{split.name}_{self._what}"
        self.__doc__ = split.doc

    @property
    def split(self) -> _Split:
        """What the two halves have in common."""
        return self._split

    def inspect_llvm(self) -> dict[tuple[types.Type, ...], str]:
        """The optimized LLVM IR of both halves, by the types of the kernel's arguments."""
        return {key: compiled.library.get_llvm_str() for key, compiled in self._split.compiled.by_types().items()}

    def inspect_plan(self) -> dict[tuple[types.Type, ...], str]:
        """Where the reverse half gets each value that it needs, as text; as `inspect_llvm`."""
        return {key: compiled.plan for key, compiled in self._split.compiled.by_types().items()}

    def compile_report(self) -> dict[tuple[types.Type, ...], CompileReport]:
        """Where the time of compiling both halves went; as `inspect_llvm`."""
        return {key: compiled.report for key, compiled in self._split.compiled.by_types().items()}

    @property
    def _numba_type_(self) -> NoReturn:
        """What Numba asks for where compiled code refers to a half."""
        raise UnsupportedError(
            with_help(
                f"{self!r} is called from Python only",
                "in compiled code call the derivative in one piece, ad.autodiff",
            )
        )

    def __reduce__(self) -> Any:
        return _half, (self._place, self._split.origin)

    def __repr__(self) -> str:
        annotations = ", ".join(annotation.__name__ for annotation in self._split.annotations)
        return f"<{self._what} half of the derivative of {self._split.name}({annotations})>"


class ForwardHalf(_Half):
    """Runs the kernel and keeps what the reverse half needs."""

    _place = 0
    _what = "forward"

    def __init__(self, split: _Split) -> None:
        super().__init__(split)
        self._entry = split.forward(False)
        self.__signature__ = inspect.signature(self._entry.py_func)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Tape]:
        """The kernel's result and a tape; the arrays end as the kernel leaves them."""
        split = self._split
        if kwargs or len(args) != len(split.names):
            args = self._positional(args, kwargs)
        may_alias = False
        try:
            value, address = self._entry(*args)
        except AliasedCallError as error:
            if not self._entry.raised(error):
                raise
            may_alias = True
            value, address = split.forward(True)(*args)
        except (AutodiffError, MemoryError) as error:
            raise explain.explained(error, split.name) from error.__cause__
        return value, Tape(address, split, split.name, args, may_alias)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        try:
            return self.__signature__.bind(*args, **kwargs).args
        except TypeError as reason:
            parameters = ", ".join(self.__signature__.parameters)
            raise ArityError(f"the forward half of `{self._split.name}` takes ({parameters}): {reason}") from None


class ReverseHalf(_Half):
    """Runs the reverse sweep on a tape."""

    _place = 1
    _what = "reverse"

    def __init__(self, split: _Split) -> None:
        super().__init__(split)
        positional = inspect.Parameter.POSITIONAL_ONLY
        parameters = [inspect.Parameter(name, positional) for name in split.shadows]
        parameters += [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in (SEED, _TAPE)]
        self.__signature__ = inspect.Signature(parameters)

    def __call__(self, *args: Any, seed: Any = None, tape: Tape | None = None) -> Any:
        """The adjoints of the ``Active`` arguments; shadows go from adjoints of final to those of initial values."""
        split = self._split
        if tape is None and args:
            *args, tape = args  # type: ignore[assignment]
        if len(args) == len(split.shadows) + 1 and seed is None:
            *args, seed = args  # type: ignore[assignment]
        self._check(args, tape)
        assert tape is not None
        with tape.in_use() as address:
            entry = split.reverse(seed is not None, tape.may_alias)
            given = (*split.interleave(tape.arguments, args), address)
            try:
                return entry(*given) if seed is None else entry(*given, seed)
            except AutodiffError as error:
                raise explain.explained(error, split.name, split.signature, given[:-1]) from error.__cause__

    def _check(self, shadows: Sequence[Any], tape: Any) -> None:
        split = self._split
        takes = f"the reverse half of `{split.name}` takes ({', '.join((*split.shadows, f'[{SEED},]', _TAPE))})"
        if not isinstance(tape, Tape):
            raise TapeError(with_help(f"{takes}, and the last argument is no tape but {_kind(tape)}", "pass the tape"))
        if tape.owner is not split:
            raise TapeError(
                with_help(
                    f"`{split.name}`: {tape!r} is not one of this derivative",
                    "pass what the forward half that came with this reverse half has returned",
                )
            )
        if len(shadows) != len(split.shadows):
            raise ArityError(f"{takes}, got {len(shadows)} arguments before the tape")
        for name, shadow in zip(split.shadows, shadows, strict=True):
            if isinstance(shadow, Tape):
                raise ArgumentError(with_help(f"{takes}: `{name}` is a tape", "the tape comes last, or as tape="))


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
