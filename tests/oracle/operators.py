"""`grad` against the oracle: the gradient of a float kernel in each argument that it can be differentiated in."""

from __future__ import annotations

import numpy as np

from oracle.arguments import Allocations
from oracle.case import Case
from oracle.compare import assert_close
from oracle.gradient import expected
from oracle.structure import numbers_of


def check_gradient(case: Case) -> None:
    """`value_and_grad` in the active scalars and duplicated arrays; arguments are left as they are."""
    import pyfront as ad

    call = case.call
    numbers = tuple(k for k, argument in enumerate(call.arguments) if argument.kind != "const")
    memory = call.memory()
    values = call.views(memory)
    value, gradients = ad.value_and_grad(case.kernel, argnums=numbers)(*values)
    for flat, before in zip(memory, call.memory(), strict=True):
        assert flat.tobytes() == before.tobytes(), "an operator changed its argument"
    np.testing.assert_allclose(value, case.value, rtol=1e-9 if case.width == 8 else 1e-4, atol=1e-12, err_msg="value")
    shadows = [np.zeros_like(flat) for flat in call.memory()]
    got = [np.zeros_like(flat) for flat in call.memory()]
    scalars = []
    for k, gradient in zip(numbers, gradients, strict=True):
        if isinstance(call.arguments[k].value, np.ndarray):
            call.views(got)[k][...] = gradient
        else:
            scalars.extend(numbers_of(gradient))
    want = expected(case.kernel, Allocations(call.arguments), shadows, 1.0, np.random.default_rng(0))
    flat = np.concatenate(
        [*(each[positions] for each, positions in zip(got, call.covered(), strict=True)), np.asarray(scalars, float)]
    )
    rounding = np.abs(want.directions.T) @ np.abs(flat) + want.magnitude
    assert_close(want.directions.T @ flat, want.adjoint, want.scale, rounding, case.width, "gradients")
