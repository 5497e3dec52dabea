"""Second derivatives against differences of the oracle's gradient.

Forward over reverse gives the change of all adjoints along a tangent; a central difference of the adjoints that the
dual numbers give is the same to about eight digits, which shares nothing with the engine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from oracle.arguments import Allocations
from oracle.case import Case, has_derivative, in_order, seeds_of
from oracle.dual import KINKS
from oracle.gradient import expected
from oracle.structure import mapped, numbers_of

STEP = 1e-5
TOLERANCE = {8: 1e-5, 4: 5e-2}


def check_second_order(case: Case) -> None:
    """Forward over reverse along a random tangent of the duplicated arrays, adjoints of the arrays held fixed."""
    call, random = case.call, np.random.default_rng(17)
    if case.want.directions.shape[0] != case.want.directions.shape[1]:
        return  # So many inputs that the oracle has inner products only.
    tangent = call.shadows(random)
    try:
        ends = [moved(case, tangent, sign * STEP) for sign in (1.0, -1.0)]
        middle = moved(case, tangent, 0.0)
    except (ArithmeticError, IndexError, ValueError):
        return  # A neighbour on which the kernel has no value.
    if KINKS:
        return
    want = (ends[0] - ends[1]) / (2.0 * STEP)
    got = changed(case, tangent)
    scale = 1.0 + np.abs(want).max(initial=0.0) + np.abs(middle).max(initial=0.0)
    # A jump between the two ends, an equality that holds in the middle only.
    one_sided = [(ends[0] - middle) / STEP, (middle - ends[1]) / STEP]
    if not np.allclose(one_sided[0], one_sided[1], rtol=1e-2, atol=1e-2 * float(scale)):
        return
    allowed = TOLERANCE[case.width] * scale
    wrong = ~(np.abs(got - want) <= allowed)
    assert not wrong.any(), f"second derivatives (arrays, then scalars): engine {got[wrong]}, differences {want[wrong]}"


def moved(case: Case, tangent: list[np.ndarray], length: float) -> np.ndarray:
    """The oracle's adjoints with the duplicated arrays moved along their tangent."""
    call = case.call
    memory = call.memory()
    for flat, change, positions in zip(memory, tangent, call.covered(), strict=True):
        if flat.dtype.kind == "f":
            flat[positions] += length * change[positions]
    values = call.views(memory)
    there = Allocations(
        tuple(replace(argument, value=value) for argument, value in zip(call.arguments, values, strict=True))
    )
    shadows = [flat.copy() for flat in shadows_for(there, case)]
    # A derivative that is differentiated takes no seed: the adjoint of the result is 1.
    want = expected(case.kernel, there, shadows, ones, np.random.default_rng(0))
    return want.adjoint


def ones(result: Any) -> Any:
    """The adjoint of a result where none is given."""
    return mapped(lambda seed: None if seed is None else 1.0, seeds_of(result, 1.0)) if has_derivative(result) else 0.0


def shadows_for(there: Allocations, case: Case) -> list[np.ndarray]:
    """The adjoints of the case, for allocations that lie as those of the case do."""
    return [shadow.astype(owner.dtype) for shadow, owner in zip(case.shadows, there.owners, strict=True)]


def changed(case: Case, tangent: list[np.ndarray]) -> np.ndarray:
    """The engine's change of the adjoints along the tangent."""
    import pyfront as ad

    call = case.call
    of_first = {"const": ad.Const, "active": ad.Active, "duplicated": ad.Duplicated}
    gradient = ad.autodiff(case.kernel, *(of_first[argument.kind] for argument in call.arguments))
    annotations: list[Any] = []
    for argument in call.arguments:
        if argument.kind == "duplicated":
            annotations += [ad.Duplicated, ad.Duplicated]
        else:
            annotations.append(ad.Const if argument.kind == "const" else ad.Duplicated)
    second = ad.autodiff(gradient, *annotations, mode=ad.Forward)
    memory, tangents = call.memory(), [flat.copy() for flat in tangent]
    shadows, changes = [flat.copy() for flat in case.shadows], [np.zeros_like(flat) for flat in case.shadows]
    lanes = [call.views(each) for each in (memory, tangents, shadows, changes)]
    actual: list[Any] = []
    for k, argument in enumerate(call.arguments):
        if argument.kind == "duplicated":
            actual += [lane[k] for lane in lanes]
        else:
            actual += [
                argument.value,
                *([mapped(lambda n: type(n)(0.0), argument.value)] if argument.kind == "active" else []),
            ]
    result = second(*actual)
    return in_order(call, changes, numbers_of(result)[: len(call.active)])
