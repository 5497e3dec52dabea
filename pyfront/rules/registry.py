"""Which functions have a rule, and what its parts are.

A rule belongs to an ``@njit`` function, whatever its arguments: it is used wherever that function is called in a kernel
that is differentiated. Without a rule a function is differentiated like the code around it.

Invariant: a function goes nowhere without its rule. Numba pickles a function as its code, into another process perhaps
that has never heard of the rule and would differentiate the code; so the rule is part of the pickle.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from numba.core.dispatcher import Dispatcher
from numba.core.registry import CPUDispatcher

from pyfront.errors import ArgumentError, with_help
from pyfront.kernel import as_dispatcher

_serial = itertools.count()


@dataclass(frozen=True)
class Rule:
    """What is said of the derivative of one function."""

    name: str
    primal: Dispatcher
    tangent: Dispatcher | None = None
    augmented: Dispatcher | None = None
    reverse: Dispatcher | None = None
    is_inactive: bool = False
    """No derivative passes through."""
    refusal: str | None = None
    """Of an inactive function: it is refused where what it is given has a derivative, with this help."""
    only_reads: bool = False
    """The function is said to write none of its arguments."""
    takes_none: bool = False
    """The parts take None for the shadow of an argument that has none, and save the work; else they get zeros. Their
    `reverse` returns nothing: no scalar has an adjoint."""
    active: tuple[int, ...] | None = None
    """The places of the arguments that have shadows; None: of all that hold floats."""
    passengers: tuple[int, ...] = ()
    """The places, in a tuple of results, of those that carry no derivative."""
    of_values: bool = False
    """The parts have JAX's forms: `tangent(arguments, tangents)`, and `reverse(tape, seed)`, which returns a cotangent
    of each argument."""
    by_tangents: bool = False
    """There is no `reverse`: it asks `tangent` for each direction."""
    gives: Mapping[str, str] = field(default_factory=dict)
    """What to write, where a part is not simply given."""
    parts_for: Callable[[tuple[Any, ...]], dict[str, Callable[..., Any]]] | None = field(default=None, repr=False)
    """Makes `tangent`, `augmented` and `reverse` for the types of the arguments."""
    serial: int = field(default_factory=lambda: next(_serial))
    """Tells rules apart in this process."""
    version: int = 0
    """How many rules the function has had before."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "serial"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, serial=next(_serial))

    def missing(self, mode: str) -> list[str]:
        """The parts that a mode, ``forward`` or ``reverse``, needs and the rule has not."""
        if self.parts_for is not None or self.is_inactive:
            return []
        needed = ["tangent"] if mode == "forward" or self.by_tangents else ["augmented", "reverse"]
        return [part for part in needed if getattr(self, part) is None]

    def refuses(self, mode: str) -> list[str]:
        """Why a kernel is refused in a mode, and what to do about it; empty: it is not."""
        if not (missing := self.missing(mode)):
            return []
        other = "reverse" if mode == "forward" else "forward"
        give = self.gives.get(missing[0], "give the rule " + " and ".join(f"`{part}`" for part in missing))
        none = " and no ".join(f"`{part}`" for part in missing)
        return [
            f"whose rule has no {none} part, which {mode} mode needs",
            give if self.missing(other) else f"{give}, or use {other} mode",
        ]


_rules: weakref.WeakKeyDictionary[Dispatcher, Rule] = weakref.WeakKeyDictionary()


_asked: weakref.WeakSet[Dispatcher] = weakref.WeakSet()
_generation = 0


def rule_of(dispatcher: Any) -> Rule | None:
    """The rule of a function, if it has one."""
    if not isinstance(dispatcher, Dispatcher):
        return None
    _asked.add(dispatcher)
    return _rules.get(dispatcher)


def generation() -> int:
    """Another number whenever a function gets a rule after somebody has asked for it: what was captured before holds
    for derivatives that there are, and for no new ones."""
    return _generation


def register(function: Any, rule: Rule) -> None:
    """Give ``function`` a rule, in the place of the one that it had."""
    known = _rules.get(function)
    _attach(function, rule if known is None else replace(rule, version=known.version + 1))


def _attach(function: Any, rule: Rule) -> None:
    global _generation
    _rules[function] = rule
    _generation += function in _asked
    states = type(function)._reduce_states
    # The rule comes last: where its parts call the function, that one's code is then complete.
    function._reduce_states = lambda: {"kind": type(function), **states(function), "rule": rule}
    function._reduce_class = lambda: _Pickled


class _Pickled:
    """What a pickle has in the place of the class of a function with a rule."""

    @staticmethod
    def _rebuild(kind: Any, rule: Rule, **states: Any) -> Any:
        function = kind._rebuild(**states)
        known = _rules.get(function)
        if known is None or known.version < rule.version:
            _attach(function, rule)
        return function


def define_rule(
    f: Any,
    tangent: Callable[..., Any] | None = None,
    augmented: Callable[..., Any] | None = None,
    reverse: Callable[..., Any] | None = None,
) -> None:
    """Say what the derivative of ``f`` is, wherever a kernel that is differentiated calls it.

    It takes the place of a rule that ``f`` had; derivatives that are compiled already stay what they are.

    ``f`` is an ``@njit`` function; it may change its arrays in place. The parts are ``@njit`` functions, or plain ones
    that are jitted here; with ``x`` a float, ``A`` an array of floats and ``n`` anything else:

    - ``tangent(x, dx, A, dA, n) -> (value, tangent of value)`` runs ``f`` and moves ``dA`` along with ``A``;
    - ``augmented(x, A, n) -> (value, tape)`` runs ``f``; ``tape`` is a number, an array or a tuple of these;
    - ``reverse(x, A, dA, n, seed, tape) -> adjoints of the float scalars`` turns ``dA`` from the adjoint of what ``f``
      left in ``A`` into that of what it found there. ``seed`` is the adjoint of the value, an array where that is an
      array, None where there is none. The arrays hold what ``f`` left in them, whatever the kernel has done since.

    Forward mode needs ``tangent``, reverse mode the other two; a mode whose part is missing refuses the kernel. A part
    is for one direction: a batch calls it for each. What ``f`` returns is new: no argument, and no view of one.
    """
    if tangent is None and augmented is None and reverse is None:
        raise ArgumentError(with_help("a rule without parts", "give `tangent`, or `augmented` and `reverse`"))
    primal = _function(f)

    def part(function: Callable[..., Any] | None) -> Dispatcher | None:
        return None if function is None else as_dispatcher(function)

    register(primal, Rule(primal.py_func.__name__, primal, part(tangent), part(augmented), part(reverse)))


def inactive(f: Any) -> Any:
    """Say that no derivative passes through ``f``, an ``@njit`` function; returns ``f``.

    Calls of it are made as ever, in forward and reverse mode once for each call of the kernel. It may read everything,
    and write what has no derivative: a call that may write an array that has one is refused.
    """
    primal = _function(f)
    register(primal, Rule(primal.py_func.__name__, primal, is_inactive=True))
    return f


def _function(f: Any) -> Dispatcher:
    if isinstance(f, CPUDispatcher):
        return f
    raise ArgumentError(
        with_help(f"{f!r} is no @njit function, so no kernel calls it by name", "decorate it with numba.njit first")
    )
