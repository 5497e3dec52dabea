"""`prepare`: an operator with all compilation and allocation done in advance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyfront.errors import ArgumentError, ArityError, with_help
from pyfront.operators import products
from pyfront.operators.operator import Operator, source_of
from pyfront.operators.transposed import transposed, vjp


def prepare(operator: Any, *args: Any, out: int | str | None = None, reuse: bool = False) -> Callable[..., Any]:
    """``operator`` compiled, and given its memory, for arguments like ``args``.

    The function that is returned takes arguments of the same types and shapes, and allocates nothing but its result.
    With ``reuse`` not even that: arrays in its result are the same ones in each call of a thread, so copy one to keep
    it. It can be copied, pickled, called from any thread and from compiled code.

    ``operator`` is what `grad`, `jacobian` and the like return. Or it is `jvp`, `vjp` or `hvp`, followed by the
    arguments of such a call; what is returned then takes these arguments without the function: ``(primals, tangents)``,
    or for `vjp` the primals.

    >>> import numpy as np, pyfront as ad
    >>> gradient = ad.prepare(ad.grad(lambda x: (x * x).sum()), np.zeros(3))
    >>> gradient(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """
    if isinstance(operator, Operator):
        return operator.prepare(*args, reuse=reuse)
    if operator is products.jvp:
        _check_count("jvp", args, "f, primals, tangents", len(args) == 3)
        return products.prepare_jvp(args[0], args[1], args[2], out, reuse)
    if operator is vjp:
        _check_count("vjp", args, "f, *primals", len(args) >= 1)
        return transposed(source_of(args[0], out)).prepare(args[1:], reuse=reuse)
    if operator is products.hvp:
        _check_count("hvp", args, "f, primals, tangents", len(args) == 3)
        return products.prepare_hvp(args[0], args[1], args[2], reuse)
    raise ArgumentError(
        with_help(
            f"prepare takes an operator, not {operator!r}",
            "write prepare(grad(f), x), prepare(jacobian(f), x), prepare(hvp, f, x, v)",
        )
    )


def _check_count(operator: str, args: tuple[Any, ...], wanted: str, is_right: bool) -> None:
    if not is_right:
        raise ArityError(
            with_help(f"prepare got {len(args)} arguments for `{operator}`", f"write prepare({operator}, {wanted})")
        )
