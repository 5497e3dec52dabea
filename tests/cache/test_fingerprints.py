"""Fingerprints: the same for the same code and values, another one for each change that code depends on."""

from __future__ import annotations

import enum
import pickle
import textwrap
import types
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from numba import njit

import pyfront as ad
from pyfront.cache.fingerprint import Fingerprint, Unknown, digest

SOURCE = """
    import math
    import numpy as np
    from collections import namedtuple
    from numba import njit
    import pyfront as ad

    WEIGHTS = np.array([1.0, 2.0])
    Point = namedtuple("Point", ["x", "y"])
    ORIGIN = Point(0.0, 1)
    FACTOR = 2.0

    @njit
    def deeper(x):
        return math.sin(x) * 3.0

    @njit
    def helper(x):
        return deeper(x) + WEIGHTS[0] + ORIGIN.x

    @njit
    def ruled(x):
        return x

    @njit
    def tangent(x, dx):
        return x, dx * 1.0

    ad.define_rule(ruled, tangent=tangent)

    def made(captured):
        def inner(x):
            return x * captured
        return njit(inner)

    inner = made(5.0)

    @njit(nogil=True)
    def kernel(x, n=3):
        if x < 0.0:
            raise ValueError("negative")
        return helper(x) * FACTOR + ruled(x) + inner(x) + settings.RATE
"""


def fingerprint(value: Any) -> str:
    return digest(Fingerprint().of(value))


def kernel_of(source: str, rate: float = 1.0) -> Any:
    settings = types.ModuleType("settings")
    settings.RATE = rate  # type: ignore[attr-defined]
    settings.UNUSED = object()  # type: ignore[attr-defined]
    namespace: dict[str, Any] = {"__name__": "the_module", "settings": settings}
    exec(compile(textwrap.dedent(source), "the_file.py", "exec"), namespace)
    return namespace["kernel"]


CHANGES = [
    ("math.sin(x)", "math.cos(x)"),
    ("* 3.0", "* 4.0"),
    ("[1.0, 2.0]", "[1.5, 2.0]"),
    ("np.array([1.0, 2.0])", "np.array([1.0, 2.0], dtype=np.float32)"),
    ("Point(0.0, 1)", "Point(0.0, 2)"),
    ("FACTOR = 2.0", "FACTOR = 2"),
    ("dx * 1.0", "dx * 2.0"),
    ("ad.define_rule(ruled, tangent=tangent)", ""),
    ("ad.define_rule(ruled, tangent=tangent)", "ad.inactive(ruled)"),
    ("made(5.0)", "made(6.0)"),
    ("nogil=True", "fastmath=True"),
    ("n=3", "n=4"),
    ("negative", "below zero"),
    ("WEIGHTS[0]", "WEIGHTS[1]"),
]


def test_the_same_source_has_the_same_fingerprint() -> None:
    known = fingerprint(kernel_of(SOURCE))
    assert fingerprint(kernel_of(SOURCE)) == known
    assert fingerprint(pickle.loads(pickle.dumps(kernel_of(SOURCE)))) == known


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_changes_the_fingerprint(change: tuple[str, str]) -> None:
    changed = SOURCE.replace(*change)
    assert changed != SOURCE
    assert fingerprint(kernel_of(changed)) != fingerprint(kernel_of(SOURCE))


def test_attributes_of_modules_are_read() -> None:
    assert fingerprint(kernel_of(SOURCE, 2.0)) != fingerprint(kernel_of(SOURCE, 1.0))


class Color(enum.IntEnum):
    RED = 1


Pair = namedtuple("Pair", ["a", "b"])


def test_values() -> None:
    values: list[Any] = [
        *(0, 0.0, -0.0, False, None, "0", b"0", 0j, (0,), (0.0,), ((0,),), np.float64(0), np.float32(0), np.int64(0)),
        *(float("nan"), float("inf"), Pair(0, 1), (0, 1), Color.RED, Color, 1, np.dtype("f8"), np.sin, np.cos, len),
        *(np.zeros(2), np.zeros(3), np.zeros((1, 2)), np.zeros((2, 2)), np.zeros((2, 2), order="F"), slice(0, 1)),
        *(frozenset({1, 2}), ad.Active, ad.Reverse, ad.Forward, np.float64, float, ValueError, ad.ShapeError),
    ]
    assert len({fingerprint(value) for value in values}) == len(values)
    assert fingerprint(float("nan")) == fingerprint(float("nan"))


def test_derivatives_and_operators_are_what_they_are_made_of() -> None:
    first, second = kernel_of(SOURCE), kernel_of(SOURCE.replace("* 3.0", "* 4.0"))
    made = [
        *(ad.autodiff(k, ad.Active, ad.Const, mode=mode) for k in (first, second) for mode in (ad.Reverse,)),
        ad.autodiff(first, ad.Duplicated, ad.Const, mode=ad.Forward),
        ad.autodiff(first, ad.Active, ad.Const, mode=ad.ReverseWithPrimal),
        ad.autodiff(first, ad.Active, ad.Const, disable=("mincut",)),
        ad.grad(first),
        ad.grad(second),
        ad.grad(ad.grad(first)),
        ad.value_and_grad(first),
        ad.jacfwd(first),
    ]
    assert len({fingerprint(each) for each in made}) == len(made)


def test_what_cannot_be_looked_into() -> None:
    class Mine:
        pass

    class Wrong(Exception):
        pass

    for value in (object(), Mine(), Mine, Wrong, njit(lambda: Mine), np.zeros(1 << 18), [1], np.array([None])):
        with pytest.raises(Unknown):
            fingerprint(value)


def test_recursion_ends() -> None:
    @njit
    def even(n):
        return True if n == 0 else odd(n - 1)

    @njit
    def odd(n):
        return False if n == 0 else even(n - 1)

    assert fingerprint(even) == fingerprint(even)
    assert fingerprint(even) != fingerprint(odd)
