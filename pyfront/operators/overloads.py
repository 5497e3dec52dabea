"""`jvp`, `hvp` and `vjp` in compiled code.

Numba is told what the three are there: calls of functions that are made for the types of a call, by the objects that
answer the same call in Python. A function that is differentiated, or an operator, has its dispatcher's type, so what it
is differentiated into is known from the types alone; ``out`` must be a literal.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global

from pyfront.errors import ArgumentError, ArityError, UnsupportedError, with_help
from pyfront.operators import compiled_pullback, products
from pyfront.operators.operator import source_of
from pyfront.operators.transposed import transposed, vjp
from pyfront.specialized import Specialized

Make = Callable[[dict[str, Any], Any], Specialized]
"""From the types of a call by the names of the parameters, and ``out``, to the function that is called."""


def _jvp(given: dict[str, Any], out: Any) -> Specialized:
    pushforward = products.pushforward(source_of(_function("jvp", given["f"]), out))
    after = ("out",) if "out" in given else ()
    return products.in_compiled_code(pushforward, is_bare=False, before=("f",), after=after)


def _hvp(given: dict[str, Any], out: Any) -> Specialized:
    function, primals, tangents = _function("hvp", given["f"]), given["primals"], given["tangents"]
    if not isinstance(primals, types.BaseTuple):
        return products.in_compiled_code(products.hessian_product(function), is_bare=True, before=("f",))
    elements = tangents.types if isinstance(tangents, types.BaseTuple) else None
    places = [None if type_ == types.none else type_ for type_ in elements] if elements is not None else None
    product = products.hessian_product(function, products.places(primals.types, places))
    return products.in_compiled_code(product, is_bare=False, before=("f",))


def _vjp(given: dict[str, Any], out: Any) -> Specialized:
    owner = transposed(source_of(_function("vjp", given["f"]), out))
    after = ("out",) if "out" in given else ()
    return compiled_pullback.in_compiled_code(owner, len(given.get("primals", ())), before=("f",), after=after)


def _register(operator: Callable[..., Any], make: Make) -> None:
    """Tell Numba how calls of ``operator`` are typed and lowered."""
    name, signature = operator.__name__, inspect.signature(operator)

    class Template(AbstractTemplate):
        key = operator
        prefer_literal = True

        def generic(self, args: Any, kws: Any) -> Any:
            try:
                given = signature.bind(*args, **kws).arguments
            except TypeError as error:
                raise ArityError(f"`{name}` in compiled code: {error}") from None
            function = make(given, _literal(name, given.get("out", types.none)))
            self._type = self.context.resolve_value_type(function)
            plain = {keyword: types.unliteral(type_) for keyword, type_ in kws.items()}
            return self._type.get_call_type(self.context, tuple(map(types.unliteral, args)), plain)

        def get_impl_key(self, signature: Any) -> Any:
            return self._type.get_impl_key(signature)

    infer_global(operator, types.Function(Template))


def _function(operator: str, type_: Any) -> Any:
    """What is differentiated, from its type in compiled code."""
    if isinstance(type_, types.Dispatcher):
        original = getattr(type_.dispatcher, "original", type_.dispatcher)
        return getattr(original, "operator", original)
    raise UnsupportedError(
        with_help(
            f"`{operator}` in compiled code: the function is {type_}, which is not known when that is compiled",
            "name an @njit function or an operator there",
        )
    )


def _literal(operator: str, type_: Any) -> int | str | None:
    if type_ == types.none:
        return None
    if isinstance(type_, types.Omitted):
        return type_.value  # type: ignore[no-any-return]
    if isinstance(type_, types.Literal):
        return type_.literal_value  # type: ignore[no-any-return]
    raise ArgumentError(
        with_help(f"`{operator}` in compiled code: out= is {type_}", "write the position of the argument as a number")
    )


_register(products.jvp, _jvp)
_register(products.hvp, _hvp)
_register(vjp, _vjp)
