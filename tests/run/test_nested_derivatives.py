"""Derivatives of derivatives: every nesting of the two modes, against each other and against independent references.

The second derivatives of one function are computed by four different programs (forward over reverse, reverse over
reverse, reverse over forward, forward over forward). They must agree to rounding, with a difference of gradients, and
the Hessians that they make must be symmetric.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mpmath import mp
from numba import njit

import pyfront as ad
from pyfront import engine


def parameters(kernel: Any) -> int:
    return len(inspect.signature(kernel.py_func).parameters)


class Nestings:
    """Hessian-vector products of ``kernel(x, *constants) -> float``, which may write to ``x``."""

    def __init__(self, kernel: Any) -> None:
        constants = [ad.Const] * (parameters(kernel) - 1)
        self.reverse = ad.autodiff(kernel, ad.Duplicated, *constants)
        self.forward = ad.autodiff(kernel, ad.Duplicated, *constants, mode=ad.Forward)
        self.forward_over_reverse = ad.autodiff(self.reverse, ad.Duplicated, ad.Duplicated, *constants, mode=ad.Forward)
        self.reverse_over_reverse = ad.autodiff(self.reverse, ad.Duplicated, ad.Duplicated, *constants)
        self.reverse_over_forward = ad.autodiff(self.forward, ad.Duplicated, ad.Const, *constants)
        self.forward_over_forward = ad.autodiff(self.forward, ad.Duplicated, ad.Const, *constants, mode=ad.Forward)

    def gradient(self, x: np.ndarray, *rest: Any) -> np.ndarray:
        result = np.zeros_like(x)
        self.reverse(x.copy(), result, *rest)
        return result

    def products(self, x: np.ndarray, v: np.ndarray, *rest: Any) -> list[np.ndarray]:
        """The Hessian times ``v``, three ways."""
        by_forward, by_reverse, mixed = np.zeros((3, *x.shape))
        self.forward_over_reverse(x.copy(), v.copy(), np.zeros_like(x), by_forward, *rest)
        self.reverse_over_reverse(x.copy(), by_reverse, np.zeros_like(x), v.copy(), *rest)
        self.reverse_over_forward(x.copy(), mixed, v.copy(), *rest)
        return [by_forward, by_reverse, mixed]


def check_hessian(kernel: Any, x: np.ndarray, *rest: Any, tolerance: float = 1e-6) -> None:
    nestings = Nestings(kernel)
    random = np.random.default_rng(3)
    v, w = random.standard_normal((2, *x.shape))
    products = nestings.products(x, v, *rest)
    scale = max(1.0, float(np.abs(products[0]).max()))
    for other in products[1:]:
        np.testing.assert_allclose(other, products[0], rtol=1e-10, atol=1e-11 * scale)
    step = 1e-5
    difference = (nestings.gradient(x + step * v, *rest) - nestings.gradient(x - step * v, *rest)) / (2 * step)
    np.testing.assert_allclose(products[0], difference, rtol=tolerance, atol=tolerance * scale)
    along_v = float(np.vdot(w, products[0]))
    along_w = float(np.vdot(v, nestings.products(x, w, *rest)[0]))
    assert along_v == pytest.approx(along_w, rel=1e-9, abs=1e-9 * scale)
    twice = nestings.forward_over_forward(x.copy(), w.copy(), v.copy(), *rest)
    assert twice == pytest.approx(along_v, rel=1e-9, abs=1e-9 * scale)


@njit
def rosenbrock(x):
    s = 0.0
    for i in range(x.size - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@njit
def heat_with_source(u, a, steps):
    """A stencil in time, in place: the inner tape is a snapshot per step, its addresses are kept in memory."""
    v = np.empty_like(u)
    for _ in range(steps):
        for i in range(1, u.size - 1):
            v[i] = u[i] + a * (u[i + 1] - 2.0 * u[i] + u[i - 1]) + 0.1 * u[i] ** 2 * u[i + 1]
        for i in range(1, u.size - 1):
            u[i] = v[i]
    s = 0.0
    for i in range(u.size):
        s += u[i] ** 3
    return s


@njit
def until_large(x):
    """A loop of unknown length: the inner tape grows."""
    y = x.copy()
    s = 0.0
    while s < 300.0:
        for i in range(y.size):
            y[i] = 1.05 * y[i] + 0.1 * math.sin(y[i])
            s += y[i] ** 2
    return s * y[0]


@njit
def log_determinant(a):
    """Cholesky in place: loops whose lengths depend on outer loops, so the inner tape has a block per iteration."""
    n = a.shape[0]
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= a[i, k] * a[j, k]
            a[i, j] = math.sqrt(s) if i == j else s / a[j, j]
    s = 0.0
    for i in range(n):
        s += 2.0 * math.log(a[i, i])
    return s


@njit
def swapped_buffers(u, steps):
    a, b = u.copy(), np.zeros_like(u)
    for _ in range(steps):
        for i in range(u.size):
            b[i] = a[i] + 0.3 * a[i] * a[(i + 1) % u.size]
        a, b = b, a
    s = 0.0
    for i in range(u.size):
        s += a[i] ** 2
    return s


@njit
def work_per_row(x):
    s = 0.0
    for k in range(x.size):
        w = np.empty(k + 1)
        w[0] = x[k]
        for j in range(k):
            w[j + 1] = w[j] * x[j] + math.sin(w[j])
        for _ in range(3):
            for j in range(k):
                w[j] = w[j] * w[j + 1]
        s += w[0]
    return s


@njit
def roots(x):
    """Newton's method inside: a loop whose length depends on the data."""
    s = 0.0
    for i in range(x.size):
        z = x[i] + 1.0
        while abs(z**3 - x[i] - 2.0) > 1e-13:
            z -= (z**3 - x[i] - 2.0) / (3.0 * z**2)
        s += z * x[i]
    return s


@njit
def branches(x):
    s = 0.0
    for i in range(x.size):
        if x[i] > 0.5:
            s += x[i] ** 3 * x[i - 1]
        elif x[i] > 0.2:
            s += math.exp(x[i] * x[i - 1])
        else:
            s -= math.log(1.0 + x[i]) * max(x[i - 1], 0.3)
    return s


@njit
def expressions(x):
    y = np.sin(x) * x[::-1] + np.exp(-(x**2))
    return (y * np.roll(y, 1)).sum() / y[0]


@njit
def matrix_product(a):
    n = a.shape[0]
    b = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for k in range(n):
                b[i, j] += a[i, k] * a[k, j]
    s = 0.0
    for i in range(n):
        s += b[i, i] ** 2
    return s


@njit
def log_sum_exp(x):
    m = x[0]
    for i in range(x.size):
        m = max(m, x[i])
    s = 0.0
    for i in range(x.size):
        s += math.exp(x[i] - m)
    return m + math.log(s)


@njit
def sorted_sum(x):
    for i in range(x.size):
        for j in range(x.size - 1):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
    s = 0.0
    for i in range(x.size):
        s += (i + 1) * x[i] ** 3
    return s


@njit
def recurrent_network(w, steps):
    n = w.shape[0]
    h = np.ones(n)
    loss = 0.0
    for t in range(steps):
        new = np.empty(n)
        for i in range(n):
            a = 0.1 * t
            for j in range(n):
                a += w[i, j] * h[j]
            new[i] = math.tanh(a)
        h[:] = new
        loss += (h[0] - 0.3) ** 2
    return loss


@njit
def slices_in_a_growing_loop(x):
    """The slices' own errors are built in memory that is nobody's tape."""
    y = np.ones(x.size)
    s = 0.0
    while s < 40.0:
        y[: x.size] = y[: x.size] * x
        s += 1.0 + (y**2).sum()
    return s * y[0]


def positive_definite() -> np.ndarray:
    a = np.random.default_rng(1).uniform(size=(4, 4))
    return a @ a.T + 4.0 * np.eye(4)


def uniform(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(0.1, 1.0, shape)


HESSIANS: dict[str, tuple[Any, Callable[[], tuple[Any, ...]]]] = {
    "rosenbrock": (rosenbrock, lambda: (uniform(6),)),
    "time loop in place": (heat_with_source, lambda: (uniform(8), 0.1, 5)),
    "growing tape": (until_large, lambda: (uniform(4),)),
    "slices in a growing loop": (slices_in_a_growing_loop, lambda: (uniform(4),)),
    "cholesky": (log_determinant, lambda: (positive_definite(),)),
    "swapped buffers": (swapped_buffers, lambda: (uniform(5), 4)),
    "local arrays": (work_per_row, lambda: (uniform(5),)),
    "newton": (roots, lambda: (uniform(5),)),
    "branches": (branches, lambda: (uniform(7),)),
    "array expressions": (expressions, lambda: (uniform(6),)),
    "matrix product": (matrix_product, lambda: (uniform(4, 4),)),
    "log-sum-exp": (log_sum_exp, lambda: (uniform(6),)),
    "sorting": (sorted_sum, lambda: (uniform(6),)),
    "recurrent network": (recurrent_network, lambda: (uniform(3, 3), 4)),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_hessian(name: str) -> None:
    kernel, arguments = HESSIANS[name]
    check_hessian(kernel, *arguments())


# Third derivatives of functions of one variable, each reached by three nestings, forward and reverse in turn.

THIRD: dict[str, tuple[Any, Any, float]] = {
    "exp": (njit(lambda x: math.exp(-x * x)), lambda x: mp.exp(-x * x), 0.7),
    "sin": (njit(lambda x: math.sin(x) * x), lambda x: mp.sin(x) * x, 0.7),
    "tan": (njit(lambda x: math.tan(x)), mp.tan, 0.7),
    "quotient": (njit(lambda x: x / (1.0 + x * x)), lambda x: x / (1 + x * x), 0.7),
    "square root": (njit(lambda x: math.sqrt(x)), mp.sqrt, 0.7),
    "logarithm": (njit(lambda x: math.log(x) ** 2), lambda x: mp.log(x) ** 2, 0.7),
    "power": (njit(lambda x: x**2.5), lambda x: x**2.5, 0.7),
    "integer power": (njit(lambda x: x**5), lambda x: x**5, 0.7),
    "power of itself": (njit(lambda x: x**x), lambda x: x**x, 0.7),
    "tanh": (njit(lambda x: math.tanh(x)), mp.tanh, 0.7),
    "arctangent": (njit(lambda x: math.atan(x)), mp.atan, 0.7),
    "arcsine": (njit(lambda x: math.asin(x)), mp.asin, 0.3),
    "arcosh": (njit(lambda x: math.acosh(x)), mp.acosh, 1.7),
    "error function": (njit(lambda x: math.erf(x)), mp.erf, 0.7),
    "log-gamma": (njit(lambda x: math.lgamma(x)), mp.loggamma, 1.3),
    "gamma": (njit(lambda x: math.gamma(x)), mp.gamma, 2.3),
    "log1p": (njit(lambda x: math.log1p(x * x)), lambda x: mp.log(1 + x * x), 0.7),
    "hypotenuse": (njit(lambda x: math.hypot(x, 2.0)), lambda x: mp.sqrt(x * x + 4), 0.7),
    "cosh": (njit(lambda x: math.cosh(2.0 * x)), lambda x: mp.cosh(2 * x), 0.7),
    "smooth step": (njit(lambda x: x * x * (3.0 - 2.0 * x) if x > 0.0 else 0.0), lambda x: x * x * (3 - 2 * x), 0.7),
}


def third_derivative(kernel: Any, modes: str) -> Any:
    derivative = kernel
    for mode in modes:
        if mode == "r":
            derivative = ad.autodiff(derivative, ad.Active, *[ad.Const] * (arity(derivative) - 1))
        else:
            constants = [ad.Const] * (arity(derivative) - 1)
            derivative = ad.autodiff(derivative, ad.Duplicated, *constants, mode=ad.Forward)
    return derivative


def arity(kernel: Any) -> int:
    return len(inspect.signature(getattr(kernel, "py_func", kernel)).parameters)


@pytest.mark.parametrize("name", THIRD)
def test_third_derivative(name: str) -> None:
    kernel, reference, x = THIRD[name]
    with mp.workdps(40):
        wanted = float(mp.diff(reference, mp.mpf(x), 3))
    for modes in ("rrr", "rfr", "ffr"):
        derivative = third_derivative(kernel, modes)
        got = derivative(x, *[1.0] * (arity(derivative) - 1))
        assert got == pytest.approx(wanted, rel=1e-11, abs=1e-11), modes


def test_fourth_derivative() -> None:
    derivative = njit(lambda x: math.sin(x) * x)
    for _ in range(4):
        derivative = ad.autodiff(derivative, ad.Active)
    assert derivative(0.7) == pytest.approx(-4.0 * math.cos(0.7) + 0.7 * math.sin(0.7), rel=1e-13)


@pytest.mark.parametrize(("exponent", "wanted"), [(2.0, 2.0), (3.0, 0.0), (4.5, 0.0), (1.0, 0.0)])
def test_second_derivative_of_a_power_at_zero(exponent: float, wanted: float) -> None:
    first = ad.autodiff(njit(lambda x, y: x**y), ad.Active, ad.Const)
    assert ad.autodiff(first, ad.Active, ad.Const)(0.0, exponent) == wanted
    assert ad.autodiff(first, ad.Duplicated, ad.Const, mode=ad.Forward)(0.0, 1.0, exponent) == wanted


def test_third_derivative_of_a_power_at_zero() -> None:
    first = ad.autodiff(njit(lambda x, y: x**y), ad.Active, ad.Const)
    second = ad.autodiff(first, ad.Active, ad.Const)
    assert ad.autodiff(second, ad.Active, ad.Const)(0.0, 3.0) == 6.0


def test_an_adjoint_that_is_zero_by_chance_has_a_derivative() -> None:
    """The inner derivative is ``a / (2 sqrt(x))``. Its guard against infinite partials must not swallow that of a."""

    def scaled_root(x, a):
        return a * math.sqrt(x)

    first = ad.autodiff(scaled_root, ad.Active, ad.Const)
    in_a = ad.autodiff(first, ad.Const, ad.Active)
    assert in_a(4.0, 0.0) == 0.25
    forward = ad.autodiff(first, ad.Const, ad.Duplicated, mode=ad.Forward)
    assert forward(4.0, 0.0, 1.0) == 0.25
    # And where the partial is infinite, zero times infinity is still zero.
    assert first(0.0, 0.0) == 0.0
    assert in_a(0.0, 0.0) == 0.0


# Perturbation confusion: each level has its own tangents and adjoints.


def add(x, y):
    return x + y


def multiply(x, y):
    return x * y


add_in_y = ad.autodiff(add, ad.Const, ad.Active)
multiply_in_y = ad.autodiff(multiply, ad.Const, ad.Active)
forward_add_in_y = ad.autodiff(add, ad.Const, ad.Duplicated, mode=ad.Forward)
forward_multiply_in_y = ad.autodiff(multiply, ad.Const, ad.Duplicated, mode=ad.Forward)


@njit
def x_times_slope_of_sum(x):
    return x * add_in_y(x, 1.0)


@njit
def x_times_tangent_of_sum(x):
    return x * forward_add_in_y(x, 1.0, 1.0)


@njit
def x_times_slope_of_product(x):
    return x * multiply_in_y(x, 1.0)


@njit
def x_times_tangent_of_product(x):
    return x * forward_multiply_in_y(x, 1.0, 1.0)


@njit
def slope_at_itself(x):
    """The derivative of y -> x y at y = x, with x held fixed: x, not 2 x."""
    return multiply_in_y(x, x) * x


@pytest.mark.parametrize(
    ("kernel", "x", "wanted"),
    [
        (x_times_slope_of_sum, 1.0, 1.0),
        (x_times_tangent_of_sum, 1.0, 1.0),
        (x_times_slope_of_product, 3.0, 6.0),
        (x_times_tangent_of_product, 3.0, 6.0),
        (slope_at_itself, 3.0, 6.0),
    ],
)
def test_no_perturbation_confusion(kernel: Any, x: float, wanted: float) -> None:
    assert ad.autodiff(kernel, ad.Active)(x) == wanted
    assert ad.autodiff(kernel, ad.Duplicated, mode=ad.Forward)(x, 1.0) == wanted


def scaled_cube(x, y):
    return x * y**3


cube_in_y = ad.autodiff(scaled_cube, ad.Const, ad.Active)
cube_in_y_twice = ad.autodiff(cube_in_y, ad.Const, ad.Active)


def test_free_variables_of_the_outer_derivative_are_constants_of_the_inner() -> None:
    @njit
    def outer(x):
        return cube_in_y(x, 2.0 * x) + cube_in_y_twice(x, x)

    # 3 x (2x)^2 + 6 x x = 12 x^3 + 6 x^2
    assert ad.autodiff(outer, ad.Active)(1.5) == pytest.approx(36.0 * 1.5**2 + 12.0 * 1.5, rel=1e-14)


def test_a_tangent_that_is_active() -> None:
    """The directional derivative of x^2 y along (a, b), differentiated in the direction."""
    along = ad.autodiff(lambda x, y: x * x * y, ad.Duplicated, ad.Duplicated, mode=ad.Forward)
    gradient = ad.autodiff(along, ad.Active, ad.Active, ad.Active, ad.Active)
    assert gradient(3.0, 0.5, 2.0, 0.25) == (3.5, 12.0, 3.0, 9.0)


# Derivatives called by a function that is differentiated.


@njit
def energy(x, stiffness):
    s = 0.0
    for i in range(x.size):
        s += 0.5 * stiffness * x[i] ** 2 + 0.1 * x[i] ** 4
        if i > 0:
            s += 0.3 * x[i] * x[i - 1]
    return s


energy_gradient = ad.autodiff(energy, ad.Duplicated, ad.Const)


@njit
def descend(x, stiffness, rate, steps):
    """Gradient descent: the derivative is called in a loop."""
    force = np.zeros_like(x)
    for _ in range(steps):
        force[:] = 0.0
        energy_gradient(x, force, stiffness)
        for i in range(x.size):
            x[i] -= rate * force[i]
    return energy(x, 1.0)


@njit
def written_by_hand(x, stiffness, rate, steps):
    n = x.size
    force = np.zeros_like(x)
    for _ in range(steps):
        for i in range(n):
            force[i] = stiffness * x[i] + 0.4 * x[i] ** 3
            if i > 0:
                force[i] += 0.3 * x[i - 1]
            if i < n - 1:
                force[i] += 0.3 * x[i + 1]
        for i in range(n):
            x[i] -= rate * force[i]
    return energy(x, 1.0)


def test_gradient_descent_is_differentiated_through() -> None:
    results = []
    for kernel in (descend, written_by_hand):
        derivative = ad.autodiff(kernel, ad.Duplicated, ad.Active, ad.Active, ad.Const)
        x, adjoint = np.array([0.8, -0.6, 0.4]), np.zeros(3)
        results.append((*derivative(x, adjoint, 1.5, 0.1, 7), *adjoint, *x))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-12)


def test_gradient_descent_forward() -> None:
    results = []
    for kernel in (descend, written_by_hand):
        derivative = ad.autodiff(
            kernel, ad.Duplicated, ad.Duplicated, ad.Duplicated, ad.Const, mode=ad.ForwardWithPrimal
        )
        x, tangent = np.array([0.8, -0.6, 0.4]), np.array([1.0, -2.0, 0.5])
        results.append((*derivative(x, tangent, 1.5, 0.7, 0.1, -0.2, 7), *tangent, *x))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-12)


@njit
def wave(x, frequency):
    return math.sin(frequency * x) * x


wave_slope = ad.autodiff(wave, ad.Active, ad.Const)
wave_with_slope = ad.autodiff(wave, ad.Active, ad.Const, mode=ad.ReverseWithPrimal)


@njit
def newton_root(start, frequency):
    x = start
    for _ in range(30):
        x -= wave(x, frequency) / wave_slope(x, frequency)
    return x


@njit
def newton_root_with_value(start, frequency):
    x = start
    for _ in range(30):
        value, slope = wave_with_slope(x, frequency)
        x -= value / slope
    return x


@pytest.mark.parametrize("kernel", [newton_root, newton_root_with_value])
def test_newton_is_differentiated_in_a_parameter(kernel: Any) -> None:
    """The root is pi / frequency."""
    in_frequency = ad.autodiff(kernel, ad.Const, ad.Active)
    assert in_frequency(3.0, 1.0) == pytest.approx(-math.pi, rel=1e-12)
    forward = ad.autodiff(kernel, ad.Const, ad.Duplicated, mode=ad.Forward)
    assert forward(3.0, 1.0, 1.0) == pytest.approx(-math.pi, rel=1e-12)


def test_seed_of_an_inner_derivative_is_active() -> None:
    @njit
    def seeded(x, weight):
        return wave_slope(x, 2.0, seed=weight) * x

    in_weight = ad.autodiff(seeded, ad.Const, ad.Active)
    assert in_weight(0.7, 3.0) == pytest.approx(0.7 * wave_slope(0.7, 2.0), rel=1e-14)


def test_a_derivative_in_a_function_that_the_kernel_calls() -> None:
    @njit
    def slopes(x):
        s = 0.0
        for i in range(x.size):
            s += wave_slope(x[i], 1.0) ** 2
        return s

    @njit
    def kernel(x):
        return math.log(slopes(x))

    x, adjoint = np.linspace(0.3, 1.2, 4), np.zeros(4)
    ad.autodiff(kernel, ad.Duplicated)(x, adjoint)
    slope = np.sin(x) + x * np.cos(x)
    np.testing.assert_allclose(adjoint, 2.0 * slope * (2.0 * np.cos(x) - x * np.sin(x)) / (slope**2).sum(), rtol=1e-13)


# Memory.


settle_gradient = ad.autodiff(until_large, ad.Duplicated)


@njit
def many_calls(x, steps):
    """The inner tape grows in each call; the buffer is made anew in each iteration."""
    for _ in range(steps):
        force = np.zeros_like(x)
        settle_gradient(x, force)
        for i in range(x.size):
            x[i] -= 1e-6 * force[i]
    return x[0]


def peak_of(call: Callable[[], Any]) -> int:
    loaded = engine.load()
    loaded.arena_reset_peak()
    call()
    assert loaded.arena_in_use() == 0
    return loaded.arena_peak()


def test_forward_mode_gives_the_memory_of_an_inner_derivative_back() -> None:
    tangent = ad.autodiff(many_calls, ad.Duplicated, ad.Const, mode=ad.Forward)
    twice = ad.autodiff(tangent, ad.Duplicated, ad.Const, ad.Const, mode=ad.Forward)
    few, many = (peak_of(lambda n=n: tangent(uniform(6), np.ones(6), n)) for n in (3, 60))
    assert few == many > 0
    few, many = (peak_of(lambda n=n: twice(uniform(6), np.ones(6), np.ones(6), n)) for n in (3, 60))
    assert few == many > 0


def test_forward_and_reverse_agree_on_many_calls() -> None:
    tangent = ad.autodiff(many_calls, ad.Duplicated, ad.Const, mode=ad.Forward)
    adjoint = np.zeros(6)
    ad.autodiff(many_calls, ad.Duplicated, ad.Const)(uniform(6), adjoint, 5)
    assert tangent(uniform(6), np.ones(6), 5) == pytest.approx(adjoint.sum(), rel=1e-12)


def test_a_buffer_for_an_inner_derivative_is_made_once() -> None:
    derivative = ad.autodiff(many_calls, ad.Duplicated, ad.Const)
    derivative(uniform(6), np.zeros(6), 3)
    assert re.search(r"slot \d+: ptr once, 8 B +; %local\S*'", derivative.inspect_plan())


# What goes wrong inside.


@njit
def checked_root(x):
    if x < 0.0:
        raise ValueError("negative")
    return math.sqrt(x)


checked_root_slope = ad.autodiff(checked_root, ad.Active)


def test_an_exception_passes_through_both_derivatives() -> None:
    @njit
    def kernel(x, y):
        y[0] = checked_root_slope(x[0]) * x[1]

    derivative = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)
    x, dx, y, dy = np.array([4.0, 3.0]), np.zeros(2), np.zeros(1), np.ones(1)
    derivative(x, dx, y, dy)
    np.testing.assert_allclose(dx, [-0.09375, 0.25])
    dx[:], dy[:] = 0.0, 1.0
    with pytest.raises(ValueError, match="negative"):
        derivative(-x, dx, y, dy)
    assert dx.tolist() == [0.0, 0.0]
    assert dy.tolist() == [1.0]


def test_the_checks_of_an_inner_call_are_made() -> None:
    @njit
    def short(x):
        energy_gradient(x, np.zeros(x.size - 1), 1.0)
        return x[0]

    @njit
    def overlapping(x):
        energy_gradient(x, x, 1.0)
        return x[0]

    for kernel, error in ((short, ad.ShapeError), (overlapping, ad.OverlapError)):
        with pytest.raises(error):
            ad.autodiff(kernel, ad.Duplicated)(np.ones(3), np.zeros(3))
    with pytest.raises(ad.AnnotationError, match="`x`"):
        ad.autodiff(njit(lambda x: energy_gradient(x, x, 1.0)), ad.Active)(1.0)


own_derivative: Any = None


def test_a_kernel_that_calls_its_own_derivative_is_refused() -> None:
    global own_derivative

    def recursive(x):
        return own_derivative(x) * x

    own_derivative = ad.autodiff(recursive, ad.Active)
    with pytest.raises(ad.UnsupportedError, match="`recursive` calls its own derivative"):
        own_derivative(1.0)


def test_the_instructions_of_an_inner_derivative_have_the_lines_of_its_kernel() -> None:
    """A refusal names the line of its instruction; those of the inner reverse sweep have lines too."""
    derivative = ad.autodiff(energy_gradient, ad.Duplicated, ad.Duplicated, ad.Const)
    derivative(np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), 1.0)
    lines, first = inspect.getsourcelines(energy.py_func)
    places = re.findall(r"\(test_nested_derivatives.py:(\d+)\)", derivative.inspect_plan())
    assert len(places) > 10
    assert {int(place) for place in places} <= set(range(first, first + len(lines)))


def test_derivatives_of_derivatives_keep_the_kernels_names() -> None:
    derivative = ad.autodiff(energy_gradient, ad.Duplicated, ad.Duplicated, ad.Const)
    assert derivative is ad.autodiff(energy_gradient, ad.Duplicated, ad.Duplicated, ad.Const)
    assert list(inspect.signature(derivative).parameters) == ["x", "dx_", "dx", "ddx", "stiffness"]
