"""`check`: derivatives against independent ones, as a table."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

import pyfront as ad


def scaled(x, a, n):
    for i in range(x.shape[0]):
        x[i] *= a
    return x[0] * x[1] ** n, n


def test_a_table_of_what_agrees(capsys):
    report = ad.check(scaled, ad.Duplicated(np.array([2.0, 3.0]), None), ad.Active(1.5), ad.Const(2))
    assert [row.what for row in report.rows] == ["forward, complex step", "reverse, complex step", "forward, reverse"]
    assert capsys.readouterr().out == f"{report}\n"
    assert str(report).count("agree") == 3


@njit
def square(x):
    return x * x


ad.define_rule(
    square,
    tangent=lambda x, dx: (x * x, 3 * x * dx),
    augmented=lambda x: (x * x, None),
    reverse=lambda x, seed, tape: 2 * x * seed,
)


def cube(x):
    return square(x) * x


def test_a_wrong_rule_is_found():
    with pytest.raises(ad.CheckError, match=r"forward, complex step .* DIFFER"):
        ad.check(cube, ad.Active(1.3), quiet=True)


def kinked(x):
    return abs(x) * np.exp(-x)


def single(x):
    return x[0] * np.sin(x[1])


def test_where_complex_numbers_do_not_go():
    assert ad.check(kinked, ad.Active(-1.3), quiet=True).rows[0].what == "forward, differences"
    assert ad.check(single, ad.Duplicated(np.array([2, 3], np.float32), None), quiet=True).rows[1].holds


@ad.custom_vjp
def halved(x):
    return x / 2


halved.defvjp(lambda x: (x / 2, None), lambda kept, cotangent: (cotangent / 2,))


def test_a_mode_that_refuses_is_noted():
    report = ad.check(njit(lambda x: halved(x) * x), ad.Active(0.7), quiet=True)
    assert len(report.rows) == 1
    assert "forward mode is refused" in report.notes[0]


@pytest.mark.parametrize("annotation", [ad.Active, ad.Active((1.0, 2.0)), ad.Duplicated(1.0, None)])
def test_what_it_cannot_vary(annotation):
    with pytest.raises(ad.AnnotationError):
        ad.check(cube, annotation, quiet=True)


def test_values_that_a_rule_computes_otherwise():
    shifted = njit(lambda x: x * x + 1.0)
    ad.define_rule(shifted, augmented=lambda x: (x * x, None), reverse=lambda x, seed, tape: 2 * x * seed)
    with pytest.raises(ad.CheckError, match=r"reverse, values .* DIFFER"):
        ad.check(njit(lambda x: shifted(x)), ad.Active(np.float32(2.0)), quiet=True)


@pytest.mark.parametrize("adjoint", [np.inf, np.nan])
def test_an_infinite_derivative_is_no_excuse(adjoint):
    endless = njit(lambda x: x * x)
    ad.define_rule(endless, augmented=lambda x: (x * x, None), reverse=lambda x, seed, tape: adjoint)
    with pytest.raises(ad.CheckError):
        ad.check(njit(lambda x: endless(x)), ad.Active(2.0), quiet=True)
