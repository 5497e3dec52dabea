"""What has no derivative, and nobody has to say so: `print`, random numbers, and `objmode` blocks.

A call of such a function is made as in the plain kernel, once for each call of the derivative, from Numba's own state
of the random numbers. A random number whose distribution depends on something that has a derivative is refused: its
derivative is not zero, and which one is meant the kernel does not say. So is an `objmode` block, the clock among what
it may ask, that something with a derivative goes into: what Python makes of it nobody sees.
"""

from __future__ import annotations

import functools
import random
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numba.core import types
from numba.core.dispatcher import ObjModeLiftedWith
from numba.core.registry import cpu_target
from numba.core.typing import Signature

from pyfront.rules.parts import parts_of
from pyfront.rules.registry import Rule


@functools.cache
def _random() -> frozenset[Any]:
    """The functions of both modules that draw, or set the state."""
    found = {getattr(np.random, name) for name in dir(np.random) if not name.startswith("_")}
    found |= {getattr(random, name) for name in dir(random) if not name.startswith("_")}
    return frozenset(function for function in found if callable(function) and not isinstance(function, type))


def _is_random(function: Any) -> bool:
    try:
        return function in _random()
    except TypeError:  # what cannot be hashed is no such function
        return False


@functools.cache
def _rule(function: Callable[..., Any], count: int, is_strict: bool) -> Rule:
    names = ", ".join(f"a{k}" for k in range(count))
    scope: dict[str, Any] = {"function": function}
    exec(f"def primal({names}): return function({names})", scope)
    name = getattr(function, "__name__", "function")
    refusal = _HELP if is_strict else None
    return Rule(name, njit(scope["primal"]), is_inactive=True, refusal=refusal, only_reads=function is print)


def rule_of_block(block: ObjModeLiftedWith, count: int) -> Rule:
    """The rule for an `objmode` block that takes so many values from outside, the same one each time."""
    if block not in _blocks:
        names = ", ".join(f"a{k}" for k in range(count))
        scope: dict[str, Any] = {"block": _on_the_cpu(block)}
        exec(f"def primal({names}): return block({names})", scope)
        help = "do this part in compiled code, or put the block into a function with a rule (`define_rule`)"
        _blocks[block] = Rule("objmode", njit(scope["primal"]), is_inactive=True, refusal=help)
    return _blocks[block]


def _on_the_cpu(block: ObjModeLiftedWith) -> ObjModeLiftedWith:
    """The block as a part runs it: Numba has cut it out for the target on which it met it, capture's."""
    flags = block.flags.copy()
    flags.debuginfo = False
    return ObjModeLiftedWith(
        block.func_ir,
        cpu_target.typing_context,
        cpu_target.target_context,
        flags,
        block.locals,
        output_types=block.output_types,
    )


def signature_of_block(type_: Any, args: Sequence[types.Type]) -> Signature | None:
    """How such a block is typed."""
    if not isinstance(type_, types.ObjModeDispatcher):
        return None
    type_.dispatcher._legalize_arg_types(args)
    return Signature(type_.dispatcher.output_types, tuple(map(types.unliteral, args)), None)


_blocks: weakref.WeakKeyDictionary[ObjModeLiftedWith, Rule] = weakref.WeakKeyDictionary()

_HELP = "draw from a distribution without parameters, and scale and shift what is drawn"


def rule_of(function: Any, count: int) -> Rule | None:
    """The rule for a call with so many arguments, if the function is one of these."""
    if function is print:
        return _rule(print, count, False)
    return _rule(function, count, True) if _is_random(function) else None


def signature_of(function: Any, args: Sequence[types.Type], kws: dict[str, types.Type]) -> Signature | None:
    """How a call of one is typed. Keywords are left to Numba, which takes few here, and what it makes of them."""
    rule = None if kws or function is print else rule_of(function, len(args))
    if rule is None:
        return None
    plain = tuple(types.unliteral(argument) for argument in args)
    return Signature(parts_of(rule, plain).value_type, plain, None)
