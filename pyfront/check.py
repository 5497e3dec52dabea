"""`check`: a derivative, ruled or found, against one that knows nothing of it.

A direction is drawn for everything that has a derivative. What the derivative says along it, forward mode as a tangent
and reverse mode as a product of adjoints and the direction, is compared with what the function itself does there:

- the complex step [Squire and Trapp 1998], where the kernel's Python source runs on complex numbers and gives what the
  differences give: to the last digits;
- central differences for a ladder of steps, extrapolated [Ridders 1982]: what the ladder agrees on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyfront import kernel as kernels
from pyfront.annotations import Active, Annotation, BatchDuplicated, Const, Duplicated
from pyfront.derivative import autodiff
from pyfront.errors import AnnotationError, CheckError, UnsupportedError, with_help
from pyfront.modes import Mode

STEPS = tuple(10.0**-k for k in range(1, 8))
"""Steps of differences, relative to the size of the numbers."""


@dataclass(frozen=True)
class Row:
    """One comparison."""

    what: str
    got: float
    want: float
    allowed: float
    """How far apart the two may be."""

    @property
    def holds(self) -> bool:
        is_same = self.got == self.want or bool(np.isnan(self.got) and np.isnan(self.want))
        return is_same or bool(abs(self.got - self.want) <= self.allowed < np.inf)


@dataclass(frozen=True)
class Report:
    """What `check` has compared; its text is a table."""

    kernel: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"derivatives of `{self.kernel}` along a random direction"]
        width = max(len(row.what) for row in self.rows)
        for row in self.rows:
            verdict = "agree" if row.holds else "DIFFER"
            lines.append(
                f"  {row.what:<{width}}  {row.got: .15e}  {row.want: .15e}"
                f"  off by {abs(row.got - row.want):.1e}, allowed {row.allowed:.1e}  {verdict}"
            )
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def check(f: Callable[..., Any], *annotated: Annotation, seed: int = 0, quiet: bool = False) -> Report:
    """Compare the derivatives of ``f`` at a point with independent ones; print a table, and raise if they differ.

    ``annotated``: one `Active`, `Duplicated` or `Const` with its value per argument, as for `autodiff`; the shadow of a
    `Duplicated` is not used, and may be None. ``f`` may change its arrays: what is differentiated is its result, and
    what it leaves in `Duplicated` arrays. That the derivatives compute the values of ``f`` is checked too. ``seed``
    chooses the direction; ``quiet`` prints nothing.

    Raises `CheckError`, with the table, if a derivative differs from the independent one or forward and reverse mode
    from each other. A mode that refuses ``f`` is noted and left out; if both do, the refusal is raised.

    >>> import numpy as np, pyfront as ad
    >>> def f(x, a):
    ...     x[0] *= a
    ...     return x[0] * x[1]
    >>> ad.check(f, ad.Duplicated(np.array([2.0, 3.0]), None), ad.Active(1.5), quiet=True).rows[0].holds
    True
    """
    point = _Point(f, annotated, np.random.default_rng(seed))
    notes: list[str] = []
    found: dict[str, float] = {}
    refusals: list[UnsupportedError] = []
    for mode, differentiate in (("forward", point.forward), ("reverse", point.reverse)):
        try:
            found[mode] = differentiate()
        except UnsupportedError as refusal:
            refusals.append(refusal)
            notes.append(f"{mode} mode is refused: {str(refusal).splitlines()[0]}")
    if not found:
        raise refusals[0]
    want, allowed, how = point.independent()
    allowed = min(allowed, 0.05 * max(abs(want), point.scale))  # beyond, nothing would be compared
    rows = [Row(f"{mode}, {how}", got, want, allowed) for mode, got in found.items()]
    if len(found) == 2:
        allowed = (1e-4 if point.is_single else 1e-10) * max(point.scale, abs(found["forward"]))
        rows.append(Row("forward, reverse", found["forward"], found["reverse"], allowed))
    rows.extend(row for row in point.values_of_derivatives() if not row.holds)
    report = Report(point.name, tuple(rows), tuple(notes))
    if not quiet:
        print(report)
    if not all(row.holds for row in rows):
        raise CheckError(f"a derivative of `{point.name}` differs from an independent one\n{report}")
    return report


class _Point:
    """A function at a point, with a direction for what varies and weights for what is asked of it."""

    def __init__(self, f: Callable[..., Any], annotated: Sequence[Annotation], rng: np.random.Generator) -> None:
        self.kernel = kernels.as_dispatcher(f)
        self.name = kernels.name(self.kernel)
        for annotation in annotated:
            if not isinstance(annotation, Annotation) or isinstance(annotation, BatchDuplicated):
                raise AnnotationError(
                    with_help(
                        f"`{self.name}`: {annotation!r} is no annotation with a value",
                        "write Active(x), Duplicated(A, None) or Const(n)",
                    )
                )
            fits = isinstance(annotation.values[0], np.ndarray if isinstance(annotation, Duplicated) else _NUMBERS)
            if not isinstance(annotation, Const) and not fits:
                raise AnnotationError(
                    with_help(
                        f"`{self.name}`: {type(annotation.values[0]).__name__} varies",
                        "check takes derivatives in floats (Active) and arrays of them (Duplicated)",
                    )
                )
        self.notes = annotated
        self.values = [annotation.values[0] for annotation in annotated]
        self.directions = [self._direction(annotation, rng) for annotation in annotated]
        self.weights = [
            rng.normal(size=value.shape) if isinstance(note, Duplicated) else None
            for note, value in zip(annotated, self.values, strict=True)
        ]
        result, left = self._call(self.kernel, self.values)
        self.result_weights = [float(rng.normal()) for _ in _floats(result)]
        self.structure = result
        self.is_single = any(
            getattr(value, "dtype", np.dtype(float)) == np.float32 for value in [*self.values, *_floats(result)]
        )
        self.scale: float = 0.0
        """The size of what the derivative along the direction is a sum of."""
        self.value = float(self._weighted(result, left))
        self.value_size = float(sum(abs(term) for term in self._terms(result, left)))
        self.computed: dict[str, float] = {}

    @staticmethod
    def _direction(annotation: Annotation, rng: np.random.Generator) -> Any:
        value = annotation.values[0]
        if isinstance(annotation, Active):
            drawn = float(rng.normal())
            return type(value)(drawn) if isinstance(value, np.floating) else drawn
        return rng.normal(size=value.shape).astype(value.dtype) if isinstance(annotation, Duplicated) else None

    @staticmethod
    def _call(function: Callable[..., Any], values: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The result, and the arguments as the call leaves them."""
        given = [value.copy() if isinstance(value, np.ndarray) else value for value in values]
        return function(*given), given

    def _terms(self, result: Any, left: Sequence[Any]) -> list[Any]:
        """What is asked for, times its weight: one term for each float of the result and for each array."""
        numbers = [weight * number for weight, number in zip(self.result_weights, _floats(result), strict=True)]
        arrays = zip(self.weights, left, strict=True)
        return numbers + [np.sum(weight * array) for weight, array in arrays if weight is not None]

    def _weighted(self, result: Any, left: Sequence[Any]) -> Any:
        return sum(self._terms(result, left), 0.0)

    def _add_size(self, *terms: Any) -> None:
        size = float(sum(abs(term) for term in terms))
        if np.isfinite(size):
            self.scale = max(self.scale, size)

    def values_of_derivatives(self) -> list[Row]:
        """What the derivatives have computed of the function, against the function."""
        allowed = (1e-4 if self.is_single else 1e-10) * max(1.0, self.value_size)
        return [Row(f"{mode}, values", got, self.value, allowed) for mode, got in self.computed.items()]

    def _seed(self) -> Any:
        weights = iter(self.result_weights)

        def of(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(of, value))
            return next(weights) if isinstance(value, (float, np.floating)) else None

        return of(self.structure)

    def forward(self) -> float:
        """What the tangents of all that is asked for add up to."""
        types = [Duplicated if isinstance(note, Active) else type(note) for note in self.notes]
        given: list[Any] = []
        primals: list[Any] = []
        shadows: list[Any] = []
        for note, value, direction in zip(self.notes, self.values, self.directions, strict=True):
            given.append(value.copy() if isinstance(value, np.ndarray) else value)
            primals.append(given[-1])
            if not isinstance(note, Const):
                given.append(direction.copy() if isinstance(direction, np.ndarray) else direction)
            shadows.append(given[-1])
        derivative = autodiff(self.kernel, *types, mode=Mode.ForwardWithPrimal)
        value, tangent = derivative(*given)
        self.computed["forward"] = float(self._weighted(_present(value), primals))
        self._add_size(*self._terms(_present(tangent), shadows))
        return float(self._weighted(_present(tangent), shadows))

    def reverse(self) -> float:
        """The product of the adjoints and the direction."""
        given: list[Any] = []
        primals: list[Any] = []
        shadows: list[Any] = []
        for note, value, weight in zip(self.notes, self.values, self.weights, strict=True):
            given.append(value.copy() if isinstance(value, np.ndarray) else value)
            primals.append(given[-1])
            if isinstance(note, Duplicated):
                assert weight is not None
                given.append(np.asarray(weight, value.dtype).copy())
            shadows.append(given[-1])
        derivative = autodiff(self.kernel, *(type(note) for note in self.notes), mode=Mode.ReverseWithPrimal)
        asked = {"seed": self._seed()} if self.result_weights else {}
        value, adjoints = derivative(*given, **asked)
        self.computed["reverse"] = float(self._weighted(_present(value), primals))
        numbers = iter(adjoints if isinstance(adjoints, tuple) else (adjoints,))
        total: float = 0.0
        sizes: list[float] = []
        for note, shadow, direction in zip(self.notes, shadows, self.directions, strict=True):
            if isinstance(note, Const):
                continue
            parts = np.asarray(next(numbers) if isinstance(note, Active) else shadow) * direction
            total += float(np.sum(parts))
            sizes.append(float(np.sum(np.abs(parts))))
        self._add_size(*sizes)
        return total

    # --- without the engine -----------------------------------------------------------------------

    def _moved(self, step: Any) -> list[Any]:
        return [
            value if direction is None else value + step * direction
            for value, direction in zip(self.values, self.directions, strict=True)
        ]

    def independent(self) -> tuple[float, float, str]:
        """The derivative along the direction, how far off it may be, and how it was found."""
        differences, doubt = self._differences()
        doubt = max(doubt, 1e-13 * self.scale)
        if not self.is_single:
            complex_step = self._complex_step()
            if complex_step is not None and abs(complex_step - differences) <= max(
                20 * doubt, 1e-6 * max(abs(differences), self.scale)
            ):
                return complex_step, 1e-10 * max(abs(complex_step), self.scale), "complex step"
        return differences, 20 * doubt + 1e-9 * max(abs(differences), self.scale), "differences"

    def _complex_step(self) -> float | None:
        """None where the Python source does not take complex numbers."""
        step = 1e-100
        try:
            with np.errstate(all="ignore"):
                result, left = self._call(self.kernel.py_func, self._moved(1j * step))
                return float(np.imag(self._weighted(result, left)) / step)
        except Exception:  # whatever a function does that is not made for complex numbers
            return None

    def _differences(self) -> tuple[float, float]:
        """Central differences extrapolated, and by how much the best two of them differ."""
        steps = (1e-1, 3e-2, 1e-2, 3e-3) if self.is_single else STEPS

        def difference(step: float) -> float:
            high, low = (
                self._weighted(*self._call(self.kernel, self._cast(self._moved(sign * step)))) for sign in (1, -1)
            )
            return float(high - low) / (2 * step)

        found = [difference(step) for step in steps]
        pairs = [
            (best := (ratio * fine - coarse) / (ratio - 1), abs(best - fine))
            for (coarse, wide), (fine, narrow) in zip(
                zip(found, steps, strict=True), list(zip(found, steps, strict=True))[1:], strict=False
            )
            for ratio in [(wide / narrow) ** 2]
        ]
        candidates = [
            (abs(pairs[k][0] - pairs[k + 1][0]), pairs[k + 1][0])
            for k in range(len(pairs) - 1)
            if np.isfinite(pairs[k][0]) and np.isfinite(pairs[k + 1][0])
        ]
        if not candidates:
            return found[-1], float("inf")
        doubt, value = min(candidates)
        return value, doubt

    def _cast(self, values: Sequence[Any]) -> list[Any]:
        """As the types that the point has."""
        return [
            np.asarray(value, original.dtype) if isinstance(original, np.ndarray) else type(original)(value)
            for value, original in zip(values, self.values, strict=True)
        ]


def _floats(result: Any) -> list[Any]:
    if isinstance(result, tuple):
        return [number for part in result for number in _floats(part)]
    return [result] if isinstance(result, (float, complex, np.floating, np.complexfloating)) else []


_NUMBERS = (int, float, np.floating)


def _present(tangent: Any) -> Any:
    return () if tangent is None else tangent
