"""Every row of the table against a derivative in multiple precision, over its domain and at its kinks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from rules.harness import RULES, Libm, evaluate, rules, samples
from rules.primals import PRIMALS, derivative, value

ROWS = list(rules.load(RULES).rows.values())
# (relative, absolute): single precision loses digits where a partial cancels to less than an ulp of 1.
TOLERANCES = {np.float64: (1e-10, 0.0), np.float32: (2e-5, 2.5e-7)}


def named(row: rules.Row) -> str:
    return row.name


def test_every_row_has_a_primal() -> None:
    assert set(PRIMALS) == {row.name for row in ROWS}


@pytest.mark.parametrize("float_type", TOLERANCES)
@pytest.mark.parametrize("row", ROWS, ids=named)
def test_domain(row: rules.Row, float_type: type, libm: Libm) -> None:
    relative, absolute = TOLERANCES[float_type]
    for point in samples(row, 100, float_type):
        out = float_type(value(row.name, point))
        for index, param in enumerate(row.params):
            if param.type == "int":
                continue
            with np.errstate(all="ignore"):
                got = evaluate(row.partial_of(index), point, out, libm, float_type)
            wanted = derivative(row.name, point, index)
            assert abs(float(got) - wanted) <= relative * abs(wanted) + absolute, (param.name, point, got, wanted)


@pytest.mark.parametrize("row", [row for row in ROWS if row.kinks], ids=named)
def test_kinks(row: rules.Row, libm: Libm) -> None:
    for kink in row.kinks:
        point = tuple(kink.point[p.name] for p in row.params)
        out = libm.primal(row, point, np.float64)
        with np.errstate(all="ignore"):
            got = [float(evaluate(p, point, out, libm, np.float64)) for p in row.partials]
        np.testing.assert_allclose(got, kink.partials, rtol=1e-15, err_msg=f"at {kink.point}")


@pytest.mark.parametrize("row", [row for row in ROWS if row.again], ids=named)
def test_the_form_to_be_differentiated_again_has_the_same_value(row: rules.Row, libm: Libm) -> None:
    points = [*samples(row, 100, np.float64), *(tuple(k.point[p.name] for p in row.params) for k in row.kinks)]
    for point in points:
        out = libm.primal(row, point, np.float64)
        for index in range(len(row.params)):
            with np.errstate(all="ignore"):
                once = float(evaluate(row.partial_of(index), point, out, libm, np.float64))
                again = float(evaluate(row.again_of(index), point, out, libm, np.float64))
            np.testing.assert_allclose(again, once, rtol=1e-13, err_msg=f"at {point}")


EDGES = [0.0, 5e-324, 1e-300, 1e-8, 0.5, 1.0, 1.5, 2.0, 3.0, 50.0, 170.0, 700.0, 1e100, 1e160, 1.7e308]


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_what_is_not_called_singular_is_finite(row: rules.Row, libm: Libm) -> None:
    """Only a partial that is finite at all finite operands goes without the guard against zero times infinity."""
    indices = [i for i, p in enumerate(row.params) if p.type == "float" and not rules.is_singular(row, i)]
    signed = [sign * edge for edge in EDGES for sign in (1, -1)]
    axes = [signed if p.type == "float" else range(-3, 4) for p in row.params]
    for point in itertools.product(*axes):
        out = libm.primal(row, point, np.float64)
        for index in indices:
            with np.errstate(all="ignore"):
                got = float(evaluate(row.partial_of(index), point, out, libm, np.float64))
            assert math.isfinite(got), (point, out, got)


def at(row: rules.Row, point: tuple[float, ...], libm: Libm) -> tuple[float, list[float]]:
    """The result, also of what is no C function, and the partials."""
    floats = [np.float64(x) if isinstance(x, float) else x for x in point]
    with np.errstate(all="ignore"):
        try:
            out = libm.primal(row, point, np.float64) if row.name in libm else PRIMALS[row.name](*floats)
        except ZeroDivisionError:
            out = math.inf
        return float(out), [float(evaluate(p, point, out, libm, np.float64)) for p in row.partials]


# The others are told their result, which here would not be that of the point.
OWN_RESULT = [row for row in ROWS if row.params[-1].name != "value"]
BORDERS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e200, -1e200, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("row", OWN_RESULT, ids=named)
def test_what_infinity_and_nan_do(row: rules.Row, libm: Libm) -> None:
    """`passes`: they reach the result. A partial that is neither singular nor steep has none unless the result has."""
    axes = [BORDERS if p.type == "float" else range(-3, 4) for p in row.params]
    for point in itertools.product(*axes):
        out, partials = at(row, point, libm)
        if math.isfinite(out):
            floats = [p for p in row.params if p.type == "float"]
            for number, param, partial in zip(
                [x for x in point if isinstance(x, float)], floats, partials, strict=True
            ):
                assert math.isfinite(number) or param.name not in row.passes, (point, param.name, out)
                known = param.name in row.steep + row.steep_at_zero or rules.is_singular(row, row.params.index(param))
                assert math.isfinite(partial) or known, (point, param.name, out, partial)


@pytest.mark.parametrize("row", OWN_RESULT, ids=named)
def test_what_is_steep_and_what_is_total(row: rules.Row, libm: Libm) -> None:
    """At operands that are finite, and moderate, so that nothing overflows."""
    axes = [BORDERS[:6] if p.type == "float" else range(-3, 4) for p in row.params]
    for point in itertools.product(*axes):
        out, partials = at(row, point, libm)
        covered = row.total == "everywhere" or (row.total == "x >= 0" and point[0] >= 0.0)
        assert math.isfinite(out) or not covered, (point, out)
        for param, partial in zip([p for p in row.params if p.type == "float"], partials, strict=True):
            at_zero = param.name in row.steep_at_zero and point[row.params.index(param)] == 0.0
            known = param.name in row.steep or at_zero
            assert not math.isfinite(out) or math.isfinite(partial) or known, (point, out, partial)


@pytest.mark.parametrize("row", OWN_RESULT, ids=named)
def test_what_is_at_zero(row: rules.Row, libm: Libm) -> None:
    """`pole`: no number. A function of one parameter that is steep at 0 only is 0 there."""
    names = [p.name for p in row.params]
    axes = [BORDERS if p.type == "float" else range(-3, 4) for p in row.params]
    for point in itertools.product(*axes):
        given = dict(zip(names, point, strict=True))
        out, _ = at(row, point, libm)
        for name, where in row.poles.items():
            if given[name] == 0.0 and (where is None or given[where] < 0.0):
                assert not math.isfinite(out), (point, out)
        if len(names) == 1 and row.steep_at_zero and point[0] == 0.0:
            assert out == 0.0
