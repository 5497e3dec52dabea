"""A call of a function with a rule, in a kernel that is captured.

In captured code such a function is a name without a body: a declaration in Numba's convention that returns what the
function returns, arrays in memory of the derivative's call. The engine keeps calls of it, and the parts of the rule
take their place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from numba.core import cgutils, types
from numba.core.dispatcher import Dispatcher
from numba.core.extending import intrinsic

from pyfront.rules.parts import parts_of
from pyfront.rules.registry import Rule
from pyfront.specialized import renamed

Declare = Callable[[Any, str, Rule, tuple[types.Type, ...], types.Type], None]
"""Notes, in the library whose code calls it, the name of a function with a rule: library, symbol, rule, types."""


def stand_in(dispatcher: Dispatcher, rule: Rule, declare: Declare) -> Any:
    """The Python function that stands for a function with ``rule``: the same parameters, and a call of the name."""
    parameters = list(inspect.signature(dispatcher.py_func).parameters)
    arguments = ", ".join(parameters)
    call = "call"
    while call in parameters:
        call += "_"
    scope: dict[str, Any] = {call: _call(rule, parameters, declare)}
    source = f"def stub({arguments}): return {call}({arguments})"
    exec(compile(source, f"<{dispatcher.py_func.__name__} 0>", "exec"), scope)  # a file that `pyfront.cache` knows
    stub = renamed(scope["stub"], dispatcher.py_func.__name__)
    stub.__defaults__ = dispatcher.py_func.__defaults__
    return stub


class RuledFunction:
    """What Numba's lowering takes for an implementation: a call of a function with a rule, by its name."""

    def __init__(self, context: Any, rule: Rule, signature: Any, declare: Declare) -> None:
        self._context = context
        self._rule = rule
        self._signature = signature
        self._declare = declare

    def __call__(self, builder: Any, args: Sequence[Any], loc: Any = None) -> Any:
        return _call_by_name(self._context, builder, self._rule, self._signature, args, self._declare)


def _call(rule: Rule, parameters: list[str], declare: Declare) -> Any:
    def typer(context: Any, *given: Any) -> Any:
        plain = tuple(types.unliteral(type_) for type_ in given)
        return parts_of(rule, plain).value_type(*plain), codegen

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call_by_name(context, builder, rule, signature, args, declare)

    # A parameter may have any name, that of the typer too.
    scope: dict[str, Any] = {"typer": typer}
    arguments = ", ".join(parameters)
    exec(f"def call_by_name(context, {arguments}): return typer(context, {arguments})", scope)
    return intrinsic(scope["call_by_name"])


def _call_by_name(context: Any, builder: Any, rule: Rule, signature: Any, args: Sequence[Any], declare: Declare) -> Any:
    plain = tuple(types.unliteral(type_) for type_ in signature.args)
    args = [
        context.cast(builder, value, given, taken)
        for value, given, taken in zip(args, signature.args, plain, strict=True)
    ]
    convention = context.call_conv
    symbol = f"pyfront.rule.{rule.name}.{parts_of(rule, signature.args).symbol}"
    function_type = convention.get_function_type(signature.return_type, plain)
    function = cgutils.get_or_insert_function(builder.module, function_type, symbol)
    status, value = convention.call_function(builder, function, signature.return_type, plain, args)
    with cgutils.if_unlikely(builder, status.is_error):
        convention.return_status_propagate(builder, status)
    declare(context.active_code_library, symbol, rule, plain, signature.return_type)
    return value
