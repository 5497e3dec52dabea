"""Operators: derivatives in the vocabulary of JAX, for functions that may write to their arguments.

user's function ──source──▶ `Form` (a kernel of leaves) ──▶ `Program` (sweeps on named buffers) ──▶ Numba functions
                               ▲                                   │
                               └──── an operator is a source, too ◀┘
"""

from pyfront.operators import overloads  # noqa: F401, for what it tells Numba
from pyfront.operators.dense import derivative, hessian, jacfwd, jacobian, jacrev, second_derivative
from pyfront.operators.gradient import grad, value_and_grad
from pyfront.operators.preparation import prepare
from pyfront.operators.products import hvp, jvp
from pyfront.operators.transposed import vjp

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
