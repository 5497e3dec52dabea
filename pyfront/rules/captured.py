"""A call of a function with a rule, in a kernel that is captured.

In captured code such a function is a name without a body: a declaration in Numba's convention that returns what the
function returns, arrays in memory of the derivative's call. The engine keeps calls of it, and the parts of the rule
take their place.
"""

from __future__ import annotations

import inspect
import itertools
from typing import Any

from numba.core import cgutils, types
from numba.core.dispatcher import Dispatcher
from numba.core.extending import intrinsic

from pyfront.rules.parts import parts_of
from pyfront.rules.registry import Rule
from pyfront.specialized import renamed

_serial = itertools.count()


def stand_in(dispatcher: Dispatcher, rule: Rule, declare: Any) -> Any:
    """The Python function that stands for a function with ``rule``: the same parameters, and a call of the name.

    ``declare(library, symbol, name, argument types, return type, rule)`` notes the name in the library that uses it.
    """
    parameters = list(inspect.signature(dispatcher.py_func).parameters)
    arguments = ", ".join(parameters)
    call = "call"
    while call in parameters:
        call += "_"
    scope: dict[str, Any] = {call: _call(rule, parameters, declare)}
    exec(f"def stub({arguments}): return {call}({arguments})", scope)
    stub = renamed(scope["stub"], dispatcher.py_func.__name__)
    stub.__defaults__ = dispatcher.py_func.__defaults__
    return stub


def _call(rule: Rule, parameters: list[str], declare: Any) -> Any:
    symbols: dict[tuple[types.Type, ...], str] = {}

    def typer(context: Any, *given: Any) -> Any:
        plain = tuple(types.unliteral(type_) for type_ in given)
        returned = parts_of(rule, plain).value_type
        symbol = symbols.setdefault(plain, f"pyfront.rule.{rule.name}.{next(_serial)}")
        return returned(*plain), _codegen(symbol, rule, declare)

    scope: dict[str, Any] = {"typer": typer}
    arguments = ", ".join(parameters)
    exec(f"def {rule.name}_call(context, {arguments}): return typer(context, {arguments})", scope)
    return intrinsic(scope[f"{rule.name}_call"])


def _codegen(symbol: str, rule: Rule, declare: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        convention = context.call_conv
        function_type = convention.get_function_type(signature.return_type, signature.args)
        function = cgutils.get_or_insert_function(builder.module, function_type, symbol)
        status, value = convention.call_function(builder, function, signature.return_type, signature.args, args)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        declare(context.active_code_library, symbol, rule, signature.args, signature.return_type)
        return value

    return codegen
