"""Derivatives as the callbacks of SciPy, and as the Jacobian that solvers of Fortran's kind take."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from numba import njit
from scipy import integrate, ndimage

import pyfront as ad


@njit
def wave(x, a, b):
    return np.sin(a * x) * np.exp(-b * x)


@njit
def wave2(x, y, a):
    if a < 0.0:
        raise ValueError("a")
    return np.sin(a * x) * y


def test_quad():
    """d/da of an integral is the integral of d/da."""
    dk = ad.autodiff(wave, ad.Const, ad.Active, ad.Active)
    value, _ = integrate.quad(dk.low_level_callable("quad", output="a"), 0.0, 2.0, args=(1.3, 0.4))
    exact, _ = integrate.quad(lambda x: x * np.cos(1.3 * x) * np.exp(-0.4 * x), 0.0, 2.0)
    assert value == pytest.approx(exact, rel=1e-12)
    with pytest.raises(ad.ArgumentError, match="name the wanted one"):
        dk.low_level_callable("quad")
    with pytest.raises(ad.ArgumentError, match="'x' is not Active"):
        dk.low_level_callable("quad", output="x")
    assert dk.low_level_callable(output="b").function is dk.low_level_callable(output="b").function


def test_nquad_and_exceptions():
    integrand = ad.autodiff(wave2, ad.Const, ad.Const, ad.Active).low_level_callable("nquad")
    value, _ = integrate.nquad(integrand, [(0.0, 1.0), (0.0, 2.0)], args=(0.7,))
    exact, _ = integrate.quad(lambda x: x * np.cos(0.7 * x), 0.0, 1.0)
    assert value == pytest.approx(2.0 * exact, rel=1e-12)
    with pytest.warns(integrate.IntegrationWarning):
        value, _ = integrate.nquad(integrand, [(0.0, 1.0), (0.0, 2.0)], args=(-0.7,))
    assert np.isnan(value)


@njit
def contrast(window, power, scale):
    total = 0.0
    for i in range(window.size):
        total += (window[i] - window[window.size // 2]) ** power
    window[0] = np.nan
    return scale * total


def test_generic_filter():
    image = np.random.default_rng(1).normal(size=(7, 8))
    dk = ad.autodiff(contrast, ad.Duplicated, ad.Const, ad.Active)
    found = ndimage.generic_filter(
        image, dk.low_level_callable("generic_filter", output=("window", 4), parameters=(2, 0.5)), size=3
    )

    def centre(window):
        return 0.5 * sum(-2.0 * (w - window[4]) for w in window)

    np.testing.assert_allclose(found, ndimage.generic_filter(image, centre, size=3), rtol=1e-12, atol=1e-12)
    by_scale = dk.low_level_callable("generic_filter", output="scale", parameters=(2, 0.5))
    plain = ndimage.generic_filter(image, lambda window: sum((w - window[4]) ** 2 for w in window), size=3)
    np.testing.assert_allclose(ndimage.generic_filter(image, by_scale, size=3), plain, rtol=1e-12)
    outside = dk.low_level_callable("generic_filter", output=("window", 9), parameters=(2, 0.5))
    with pytest.raises(RuntimeError):
        ndimage.generic_filter(image, outside, size=3)
    with pytest.raises(ad.ArgumentError, match="1 parameters are given"):
        dk.low_level_callable("generic_filter", output="scale", parameters=(2,))


@njit
def lorenz(t, y, dy, p):
    dy[0] = p[0] * (y[1] - y[0])
    dy[1] = y[0] * (p[1] - y[2]) - y[1]
    dy[2] = y[0] * y[1] - p[2] * y[2] + t


@pytest.mark.parametrize("mode", [ad.Forward, ad.Reverse])
def test_lsoda(mode):
    dk = ad.autodiff(lorenz, ad.Const, ad.Duplicated, ad.Duplicated, ad.Const, mode=mode)
    made = dk.low_level_callable("lsoda", states=3, parameter_count=3)
    doubles = ctypes.POINTER(ctypes.c_double)
    jacobian = ctypes.CFUNCTYPE(None, ctypes.c_double, doubles, doubles, doubles)(made.address)
    y, J, p = np.array([1.0, 2.0, 3.0]), np.empty((3, 3)), np.array([10.0, 28.0, 8 / 3])
    jacobian(0.5, *(array.ctypes.data_as(doubles) for array in (y, J, p)))
    np.testing.assert_allclose(J, [[-10, 10, 0], [25, -1, -1], [2, 1, -8 / 3]], rtol=1e-14)
    assert list(y) == [1.0, 2.0, 3.0]
    with pytest.raises(ad.ArgumentError, match="states"):
        dk.low_level_callable("lsoda")


def test_kinds():
    dk = ad.autodiff(wave, ad.Const, ad.Active, ad.Const)
    with pytest.raises(ad.ArgumentError, match="'brent'"):
        dk.low_level_callable("brent")
    with pytest.raises(ad.ArgumentError, match=r"f\(t, y, dy, p\)"):
        dk.low_level_callable("lsoda", states=3)
    forward = ad.autodiff(wave, ad.Const, ad.Duplicated, ad.Const, mode=ad.Forward)
    with pytest.raises(ad.ArgumentError, match="mode=Reverse"):
        forward.low_level_callable("quad")
