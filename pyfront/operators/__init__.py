"""Operators: derivatives in the vocabulary of JAX, for functions that may write to their arguments.

user's function ──source──▶ `Form` (a kernel of leaves) ──▶ `Program` (sweeps on named buffers) ──▶ Numba functions
                               ▲                                   │
                               └──── an operator is a source, too ◀┘

Each operator is imported when it is named, for a process that finds its code in the cache has no need of the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyfront.operators.dense import derivative, hessian, jacfwd, jacobian, jacrev, second_derivative
    from pyfront.operators.gradient import grad, value_and_grad
    from pyfront.operators.preparation import prepare
    from pyfront.operators.products import hvp, jvp
    from pyfront.operators.transposed import vjp

_MODULES = {
    "derivative": "dense",
    "grad": "gradient",
    "hessian": "dense",
    "hvp": "products",
    "jacfwd": "dense",
    "jacobian": "dense",
    "jacrev": "dense",
    "jvp": "products",
    "prepare": "preparation",
    "second_derivative": "dense",
    "value_and_grad": "gradient",
    "vjp": "transposed",
}

__all__ = [
    "derivative",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "prepare",
    "second_derivative",
    "value_and_grad",
    "vjp",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("hvp", "jvp", "vjp"):
        import_module("pyfront.operators.overloads")  # for what it tells Numba of calls in compiled code
    found = globals()[name] = getattr(import_module(f"pyfront.operators.{_MODULES[name]}"), name)
    return found
