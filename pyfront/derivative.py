"""Derivatives: from a kernel and its annotations to an object that can be called, by `autodiff`.

A `Derivative` holds no code of its own. It remembers what was asked, compiles each signature once (one lock, Numba's
own, for all of it), and hands calls to the entries of ``entry``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numba.core import sigutils, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

from pyfront import explain, runtime
from pyfront import kernel as kernels
from pyfront.annotations import Annotation, BatchDuplicated
from pyfront.arguments import Argument, call_parameters, check_annotations, resolve
from pyfront.batch import BatchDerivative, check_batches, check_width, needs_width, width_of
from pyfront.cache.entries import Cache, new_serial
from pyfront.compiled import BySignature, Compiled, Differentiated, Embedded, differentiate, embed, load
from pyfront.dispatch import EntryDispatcher
from pyfront.errors import (
    AliasedCallError,
    AnnotationError,
    ArgumentError,
    ArityError,
    AutodiffError,
    PlanStepError,
    SeedError,
    with_help,
)
from pyfront.modes import Mode
from pyfront.rules.registry import generation
from pyfront.shape import Shape

if TYPE_CHECKING:
    from pyfront import cabi

_CACHE = "_pyfront_derivatives"


def autodiff(
    kernel: Callable[..., Any],
    *annotations: type[Annotation] | Annotation,
    mode: Mode = Mode.Reverse,
    disable: Sequence[str] = (),
    cache: bool = False,
) -> Any:
    """Differentiate ``kernel``, with one annotation per argument.

    With classes the derivative is returned, compiled at its first call per signature; in a call each ``Duplicated``
    argument is followed by its shadow. In reverse mode it returns the adjoints of the ``Active`` arguments; in forward
    mode, where scalars may be ``Duplicated`` too, the tangent of the kernel's result. With values the kernel is
    differentiated at once. ``disable`` names steps of the plan to leave out. With ``cache`` machine code is kept on
    disk, beside Numba's, for other processes.

    >>> import numpy as np, pyfront as ad
    >>> def squares(x, y):
    ...     for i in range(x.size):
    ...         y[i] = x[i] * x[i]
    >>> x, dx, y, dy = np.arange(3.0), np.zeros(3), np.zeros(3), np.ones(3)
    >>> ad.autodiff(squares, ad.Duplicated, ad.Duplicated)(x, dx, y, dy)
    >>> dx
    array([0., 2., 4.])
    """
    dispatcher = kernels.as_dispatcher(kernel)
    if not cache:
        check_plan_steps(disable)
    instances = [annotation for annotation in annotations if isinstance(annotation, Annotation)]
    if instances and len(instances) != len(annotations):
        raise AnnotationError(
            with_help(
                f"`{kernels.name(dispatcher)}`: annotations with and without values are mixed",
                "write either Active(x), Const(n) or Active, Const",
            )
        )
    classes = tuple(type(a) if isinstance(a, Annotation) else a for a in annotations)
    find = _batch if needs_width(classes) else _derivative
    derivative = find(dispatcher, classes, mode, tuple(disable), cache=cache)
    if not instances:
        return derivative
    return derivative(*(value for annotation in instances for value in annotation.values))


def check_plan_steps(disable: Sequence[str]) -> None:
    """Raise if ``disable`` names what is no step of the plan."""
    if not disable:
        return
    from pyfront import engine

    known = engine.load().plan_steps
    for step in disable:
        if step not in known:
            raise PlanStepError(with_help(f"the plan has no step {step!r}", f"choose from {', '.join(known)}"))


def _derivative(
    kernel: Dispatcher,
    annotations: tuple[type[Annotation], ...],
    mode: Mode,
    disable: tuple[str, ...],
    width: int | None = None,
    cache: bool = False,
) -> Derivative:
    """The derivative for these choices, the same one each time: it lives as long as the kernel."""
    known = kernel.__dict__.setdefault(_CACHE, {})
    choices = (annotations, mode, disable, width, cache)
    key = (*choices, generation())
    found = known.get(key)
    if found is None:
        found = known.setdefault(key, Derivative(kernel, *choices))
    derivative: Derivative = found
    return derivative


def _batch(
    kernel: Dispatcher,
    annotations: tuple[type[Annotation], ...],
    mode: Mode,
    disable: tuple[str, ...],
    cache: bool = False,
) -> BatchDerivative:
    """The derivatives for these choices of all widths, the same object each time."""
    known = kernel.__dict__.setdefault(_CACHE, {})
    choices = (annotations, mode, disable, cache)
    key = (*choices, generation())
    found = known.get(key)
    if found is None:
        of_width = functools.partial(_derivative, kernel, annotations, mode, disable, cache=cache)
        found = known.setdefault(key, BatchDerivative(of_width, annotations, (_batch, (kernel, *choices))))
    batch: BatchDerivative = found
    return batch


class Derivative:
    """The derivative of a kernel: callable from Python, from ``@njit`` code, and by address."""

    def __init__(
        self,
        kernel: Dispatcher,
        annotations: tuple[type[Annotation], ...],
        mode: Mode,
        disable: tuple[str, ...],
        width: int | None = None,
        cache: bool = False,
    ) -> None:
        self._kernel = kernel
        self._annotations = annotations
        self._mode = mode
        self._disable = disable
        self._given_width = width
        self.is_cached = cache
        """Whether machine code is kept on disk; then nothing is asked of the engine before something is compiled."""
        self._name = kernels.name(kernel)
        self._names = kernels.parameters(kernel)
        self._check_request()
        self._width = width or width_of(annotations)
        self._compiled = BySignature(self._load)
        self._embedded = BySignature(self._embed)
        self._c_functions: dict[str, cabi.CFunction] = {}
        self._callbacks: dict[Any, Any] = {}
        self._entries: dict[tuple[bool, bool], EntryDispatcher] = {}
        self._entry = self._dispatcher(seeded=False)
        self._seeded_entry: EntryDispatcher | None = None
        self.__name__ = self._entry.py_func.__name__
        self.__doc__ = kernel.py_func.__doc__
        self.__signature__ = inspect.signature(self._entry.py_func)

    def __call__(self, *args: Any, seed: Any = None, **kwargs: Any) -> Any:
        """Run the derivative; primal arrays end as the kernel leaves them, active arguments' adjoints are returned."""
        try:
            if seed is None:
                return self._entry(*args, **kwargs)
            if self._mode.is_forward:
                raise SeedError(
                    with_help(
                        f"`{self._name}`: a derivative in forward mode takes no seed",
                        "the tangents of the arguments take its place",
                    )
                )
            seeded = self._seeded_entry
            if seeded is None:
                seeded = self._seeded_entry = self._dispatcher(seeded=True)
            return seeded(*args, **kwargs, seed=seed) if kwargs else seeded(*args, seed)
        except AliasedCallError as error:
            # Only the entry's own checks run before anything of the kernel does.
            if not self._has_checked(error):
                raise
        except (AutodiffError, MemoryError) as error:
            # No name for the error that is raised: this frame, which its traceback holds, would hold it.
            raise explain.explained(error, self._name, self.__signature__, args, kwargs) from error.__cause__
        except TypeError as error:
            self._check_call(error, args, kwargs)
            raise
        aliased = self._dispatcher(seeded=seed is not None, may_alias=True)
        return aliased(*args, **kwargs) if seed is None else aliased(*args, **kwargs, seed=seed)

    def _has_checked(self, error: AliasedCallError) -> bool:
        return any(entry.raised(error) for entry in (self._entry, self._seeded_entry) if entry is not None)

    @functools.cached_property
    def as_kernel(self) -> Dispatcher:
        """The derivative as a kernel of its own: what `autodiff` of a derivative differentiates."""
        return kernels.calling(self, self.__name__, tuple(self.__signature__.parameters), self._kernel)

    @property
    def _numba_type_(self) -> types.Type:
        """The type of the derivative in compiled code."""
        return types.Dispatcher(self._entry)

    def __reduce__(self) -> Any:
        choices = (self._kernel, self._annotations, self._mode, self._disable, self._given_width)
        return _derivative, (*choices, True) if self.is_cached else choices

    def __repr__(self) -> str:
        annotations = ", ".join(annotation.__name__ for annotation in self._annotations)
        return f"<derivative of {self._name}({annotations}), mode {self._mode.value}>"

    @property
    def entry(self) -> EntryDispatcher:
        """The dispatcher of calls without a seed."""
        return self._entry

    @property
    def signatures(self) -> list[tuple[types.Type, ...]]:
        """The types of the kernel's arguments for which the derivative is compiled."""
        self._compile_what_was_found()
        return list(self._compiled.by_types())

    def compiled(self, given: Sequence[types.Type]) -> Compiled:
        """The code for a call with arguments and shadows of these types."""
        return self._specialize(given, False)

    def written(self, given: Sequence[types.Type]) -> frozenset[str]:
        """The kernel's array arguments that a call with arguments and shadows of these types may change."""
        return self.compiled(given).written

    def inspect_llvm(self, signature: Any = None) -> Any:
        """The derivative's optimized LLVM IR for ``signature``, or the only one compiled, else a dict by signature."""
        return self._inspect(signature, lambda compiled: compiled.library.get_llvm_str())

    def inspect_plan(self, signature: Any = None) -> Any:
        """Where the reverse sweep gets each value that it needs, as text; as `inspect_llvm` by signature."""
        return self._inspect(signature, lambda compiled: compiled.plan)

    def compile_report(self, signature: Any = None) -> Any:
        """Where the time of compilation went, a `CompileReport`; as `inspect_llvm` by signature."""
        return self._inspect(signature, lambda compiled: compiled.report)

    def address(self, signature: Any) -> int:
        """The address of the derivative's C function for ``signature``, the types of the kernel's arguments."""
        return self._c_function(signature).address

    def cdef(self, signature: Any) -> str:
        """The C declaration of the function at `address`."""
        return self._c_function(signature).declaration

    def cffi(self, signature: Any) -> Any:
        """The function at `address` as a cffi function pointer."""
        return self._c_function(signature).cffi()

    def export(self, directory: Any, name: str, signature: Any = None, **options: Any) -> Any:
        """Write the C function ``name`` as a library with headers; see `pyfront.export` for the options."""
        from pyfront import standalone

        return standalone.write_one(directory, name, self, signature, **options)

    def low_level_callable(
        self,
        kind: str = "quad",
        *,
        output: str | tuple[str, int] | None = None,
        parameters: Sequence[Any] = (),
        states: int | None = None,
        parameter_count: int = 0,
    ) -> Any:
        """A callback for SciPy's ``quad``, ``nquad`` and ``generic_filter``, or the Jacobian for an ``lsoda``.

        ``output`` names the Active argument whose adjoint is the result, or, as ``("window", 4)``, an element of a
        filter's window. A filter's ``parameters`` are the arguments behind the window. For ``kind="lsoda"`` the kernel
        is ``f(t, y, dy, p)``, with ``states`` elements in y and ``parameter_count`` in p; what is returned has an
        ``address``, of ``void (double t, double *y, double *jacobian, double *p)``, which writes row after row.
        """
        from pyfront import lowlevel

        key = (kind, output, tuple(map(type, parameters)), states, parameter_count)
        with global_compiler_lock:
            compiled = self._callbacks.get(key)
            if compiled is None:
                forward = self._mode.is_forward
                if self._mode.with_primal:
                    raise ArgumentError(with_help(f"`{self._name}`: a callback returns one number", "use mode=Reverse"))
                request = lowlevel.Request(self, self._names, self._annotations, forward=forward)
                compiled = lowlevel.callback(request, kind, output, parameters, states, parameter_count)
                self._callbacks[key] = compiled
        return compiled if kind == "lsoda" else lowlevel.scipy_callable(compiled, parameters)

    def exported(self, signature: Any) -> tuple[Dispatcher, Mode, Differentiated]:
        """The kernel, the mode, and the code for a signature, or for the only one compiled."""
        if signature is None:
            known = self.signatures
            if len(known) != 1:
                raise ArgumentError(
                    with_help(
                        f"`{self._name}` is compiled for {len(known)} signatures: one must be given",
                        'pass the types of the kernel\'s arguments, say signature="(float64[::1], float64)"',
                    )
                )
            signature = known[0]
        call = self._call_types(signature)
        return self._kernel, self._mode, self._differentiate(self._resolve(call), may_alias=False, embedded=False)

    def _check_request(self) -> None:
        name = self._name
        check_annotations(name, self._names, self._annotations)
        if not isinstance(self._mode, Mode):
            raise ArgumentError(
                f"`{name}`: mode must be Reverse, Forward or one of these WithPrimal, not {self._mode!r}"
            )
        check_batches(name, self._annotations)

    def _check_call(self, error: TypeError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Say by name what is missing or too much, if that is why the call failed."""
        try:
            self.__signature__.bind(*args, **kwargs)
        except TypeError as reason:
            parameters = ", ".join(self.__signature__.parameters)
            raise ArityError(f"the derivative of `{self._name}` takes ({parameters}): {reason}") from error

    def _dispatcher(self, *, seeded: bool, may_alias: bool = False) -> EntryDispatcher:
        key = (seeded, may_alias)
        entry = self._entries.get(key)
        if entry is None:
            shape = Shape(
                name=f"{self._name}_derivative",
                parameters=call_parameters(self._names, self._annotations),
                with_primal=self._mode.with_primal,
                seeded=seeded,
                may_alias=may_alias,
                **({"serial": new_serial()} if self.is_cached else {}),
            )
            other = None if seeded else functools.partial(self._dispatcher, seeded=True, may_alias=may_alias)
            entry = self._entries.setdefault(
                key, EntryDispatcher(shape, self._specialize, self._specialize_embedded, other, self._cache(*key))
            )
        return entry

    def _cache(self, *kind: bool) -> Cache | None:
        """Where the entries of a kind are on disk."""
        if not self.is_cached:
            return None
        origin = (self._kernel, self._annotations, self._mode, self._disable, self._width, kind)
        return Cache(self._kernel.py_func, origin)

    def _specialize(self, given: Sequence[types.Type], may_alias: bool) -> Compiled:
        """The compiled derivative for the types of a call."""
        return self._compiled.of(self._resolve(given), may_alias)

    def _specialize_embedded(self, given: Sequence[types.Type], may_alias: bool) -> Embedded:
        """The same for a call in a kernel that is differentiated itself."""
        return self._embedded.of(self._resolve(given), may_alias)

    def _load(self, arguments: Sequence[Argument], may_alias: bool) -> Compiled:
        if self._entry.cache is not None:
            check_plan_steps(self._disable)
            check_width(self.__name__, self._width)
            self._entry.cache.note()
        return load(self._differentiate(arguments, may_alias=may_alias, embedded=False))

    def _embed(self, arguments: Sequence[Argument], may_alias: bool) -> Embedded:
        return embed(self._differentiate(arguments, may_alias=may_alias, embedded=True))

    def _resolve(self, given: Sequence[types.Type]) -> tuple[Argument, ...]:
        return resolve(
            self._name,
            self._names,
            self._annotations,
            given,
            forward=self._mode.is_forward,
            width=self._width,
        )

    def _differentiate(self, arguments: Sequence[Argument], *, may_alias: bool, embedded: bool) -> Differentiated:
        result: Differentiated = differentiate(
            self._kernel,
            arguments,
            forward=self._mode.is_forward,
            width=self._width,
            may_alias=may_alias,
            disable=self._disable,
            embedded=embedded,
        )
        return result

    def _for_signature(self, signature: Any) -> Compiled:
        """The derivative for the types of the kernel's arguments, each shadow of its primal's type."""
        return self._specialize(self._call_types(signature), False)

    def _call_types(self, signature: Any) -> list[types.Type]:
        """The types of a call for those of the kernel's arguments."""
        given, _ = sigutils.normalize_signature(signature)
        if len(given) != len(self._names):
            raise ArityError(
                f"`{self._name}` takes {len(self._names)} arguments ({', '.join(self._names)}), "
                f"the signature has {len(given)}"
            )
        from pyfront import cabi

        is_batch = any(issubclass(annotation, BatchDuplicated) for annotation in self._annotations)
        return cabi.call_types(given, [annotation.has_shadow for annotation in self._annotations], is_batch)

    def _c_function(self, signature: Any) -> cabi.CFunction:
        compiled = self._for_signature(signature)
        with global_compiler_lock:
            if compiled.symbol not in self._c_functions:
                from pyfront import cabi

                self._c_functions[compiled.symbol] = cabi.build(compiled, self.__name__)
        return self._c_functions[compiled.symbol]

    def _compile_what_was_found(self) -> None:
        """Code from the cache is code only: what is to be said of it is found by compiling."""
        for (seeded, may_alias), entry in self._entries.items():
            for given in entry.cache.found if entry.cache is not None else ():
                self._specialize(given[:-1] if seeded else given, may_alias)

    def _inspect(self, signature: Any, read: Callable[[Compiled], Any]) -> Any:
        if signature is not None:
            return read(self._for_signature(signature))
        self._compile_what_was_found()
        known = self._compiled.by_types()
        if len(known) == 1:
            return read(next(iter(known.values())))
        return {key: read(compiled) for key, compiled in known.items()}


def release_memory() -> None:
    """Give back the memory that derivatives keep for the next call on this thread."""
    runtime.load().release_memory()
