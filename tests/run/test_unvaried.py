"""Printing and random numbers have no derivative, and need no word about it."""

from __future__ import annotations

import numpy as np
import pytest

import pyfront as ad


def prints(x, n):
    print("x is", x, n)
    return x * x * n


def test_what_is_printed_is_printed_once(capfd):
    assert ad.autodiff(prints, ad.Active, ad.Const)(1.5, 2) == 6.0
    assert capfd.readouterr().out == "x is 1.5 2\n"


def walks(x, seed):
    """A sum of random steps, some of them drawn as an array."""
    np.random.seed(seed)
    steps = np.random.normal(0.0, 1.0, 3)
    total = 0.0
    for i in range(3):
        total += x[i] * steps[i] * np.random.random() + np.random.randint(1, 4) * x[i] ** 2
        x[i] = total
    return total


def test_random_numbers_are_those_of_the_plain_kernel():
    x, plain = np.array([0.5, -1.0, 2.0]), np.array([0.5, -1.0, 2.0])
    dx = np.zeros(3)
    value, _ = ad.autodiff(walks, ad.Duplicated, ad.Const, mode=ad.ReverseWithPrimal)(x, dx, 7)
    direction = np.array([0.3, 0.7, -0.2])
    tangent = ad.autodiff(walks, ad.Duplicated, ad.Const, mode=ad.Forward)(plain, direction.copy(), 7)
    assert plain.tobytes() == x.tobytes()
    assert tangent == pytest.approx(np.sum(dx * direction), rel=1e-14)
    forward, _ = ad.autodiff_split(walks, ad.Duplicated, ad.Const)
    again = np.array([0.5, -1.0, 2.0])
    assert forward(again, 7)[0] == value


def shifted(x):
    return np.random.normal(x, 1.0)


def shuffled(x):
    np.random.shuffle(x)
    return x[0]


@pytest.mark.parametrize(("kernel", "given"), [(shifted, 1.0), (shuffled, np.ones(3))])
def test_a_distribution_that_varies_is_refused(kernel, given):
    derivative = ad.autodiff(kernel, ad.Active if kernel is shifted else ad.Duplicated)
    with pytest.raises(ad.UnsupportedError, match="with what a derivative is taken in"):
        derivative(*((given,) if kernel is shifted else (given, given.copy())))
