"""SciPy's solvers with our derivatives: the solutions that are known, in fewer calls, and nobody's arrays changed.

The oracles are SciPy's own derivatives of Rosenbrock's function, and complex steps through the kernels themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy.integrate import solve_ivp
from scipy.optimize import fsolve, least_squares, minimize, root, root_scalar, rosen_der, rosen_hess, rosen_hess_prod

import pyfront as ad
from examples import scipy_solvers as solvers
from examples.stiff_brusselator import PARAMETERS, TOLERANCES, Brusselator, Counted, jacobian_options, rates

START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])


@njit
def rosenbrock(x):
    """Rosenbrock's function; leaves x in ruins."""
    total = 0.0
    for i in range(x.size - 1):
        x[i] = 100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2
        total += x[i]
    return total


def hessian_product(x: Any, p: Any) -> Any:
    return ad.hvp(rosenbrock, x, p)


def untouched(call: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a call that must not change its arguments."""
    copies = [np.copy(argument) for argument in arguments]
    result = call(*arguments)
    for argument, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(argument, copy)
    return result


def complex_steps(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The derivatives of a function that works on complex numbers, one column per element of x."""
    return np.stack([np.imag(function(x + 1e-30j * unit)) / 1e-30 for unit in np.eye(x.size)], axis=-1)


def test_derivatives_of_rosenbrocks_function(rng: np.random.Generator) -> None:
    x, p = rng.uniform(-2.0, 2.0, (2, 7))
    np.testing.assert_allclose(untouched(ad.grad(rosenbrock), x), rosen_der(x), rtol=1e-12)
    np.testing.assert_allclose(untouched(ad.hessian(rosenbrock), x), rosen_hess(x), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(untouched(hessian_product, x, p), rosen_hess_prod(x, p), rtol=1e-10, atol=1e-9)


SECOND = {
    "Newton-CG": ("hessp", "hess"),
    "dogleg": ("hess",),
    "trust-ncg": ("hessp", "hess"),
    "trust-krylov": ("hessp", "hess"),
    "trust-exact": ("hess",),
    "trust-constr": ("hessp", "hess"),
}
FIRST = ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP")


@pytest.mark.parametrize("prepared", [False, True], ids=["plain", "prepared"])
def test_every_method_of_minimize(prepared: bool) -> None:
    gradient, hessian, product = ad.value_and_grad(rosenbrock), ad.hessian(rosenbrock), hessian_product
    start = np.array([1.01, 1.02, 1.03, 1.05, 1.1])  # where the Hessian is positive definite, as dogleg demands
    assert np.linalg.eigvalsh(hessian(start)).min() > 0.0
    if prepared:
        gradient, hessian = gradient.prepare(START), hessian.prepare(START)
        product = ad.prepare(ad.hvp, rosenbrock, START, START)
    given = {"hess": hessian, "hessp": product}
    for method, second in [*((method, ()) for method in FIRST), *SECOND.items()]:
        for name in second or (None,):
            more = {name: given[name]} if name else {}

            def solve(x: np.ndarray, method: str = method, more: dict[str, Any] = more) -> Any:
                return minimize(gradient, x, jac=True, method=method, tol=1e-9, **more)

            fit = untouched(solve, start if method == "dogleg" else START)
            np.testing.assert_allclose(fit.x, 1.0, rtol=1e-3, err_msg=f"{method} {name}")


def test_prepared_derivatives_in_the_other_solvers() -> None:
    """The solution is the root of x**3 = c, element by element; each solver takes a prepared derivative."""

    @njit
    def powers(out, x, c):
        for i in range(x.size):
            out[i] = x[i] ** 3 - c[i]

    def function(x: Any) -> Any:
        out = np.empty_like(x)
        powers(out, x, target)
        return out

    target, start = np.array([1.0, 8.0, 27.0]), np.array([2.0, 3.0, 2.0])
    matrix = ad.jacobian(powers, 1, out=0).prepare(start, start, target)

    def jacobian(x: Any) -> Any:
        return matrix(start, x, target)

    for method in ("hybr", "lm"):
        np.testing.assert_allclose(root(function, start, jac=jacobian, method=method, tol=1e-12).x, [1.0, 2.0, 3.0])
    for method in ("trf", "dogbox", "lm"):
        found = least_squares(function, start, jacobian, method=method, xtol=1e-12)
        np.testing.assert_allclose(found.x, [1.0, 2.0, 3.0], rtol=1e-8)
    for method in ("BDF", "Radau", "LSODA"):
        with_jacobian, without = (
            solve_ivp(lambda t, x: -function(x), (0.0, 4.0), start, method, rtol=1e-8, atol=1e-10, **options)
            for options in ({"jac": lambda t, x: -jacobian(x)}, {})
        )
        assert with_jacobian.nfev <= without.nfev
        np.testing.assert_allclose(with_jacobian.y[:, -1], without.y[:, -1], rtol=1e-6)
    slope, curvature = (op(njit(lambda x: x**3 - 8.0)) for op in (ad.derivative, ad.second_derivative))
    slope, curvature = slope.prepare(1.0), curvature.prepare(1.0)
    options = {"fprime": slope, "fprime2": curvature, "x0": 3.0}
    for method in ("newton", "halley"):
        assert root_scalar(lambda x: x**3 - 8.0, method=method, **options).root == pytest.approx(2.0)


def test_value_and_gradient_can_be_given_apart() -> None:
    def value(x: np.ndarray) -> float:
        return rosenbrock(x.copy())

    fit = minimize(value, START, jac=ad.grad(rosenbrock), method="BFGS")
    without = minimize(value, START, method="BFGS")
    np.testing.assert_allclose(fit.x, 1.0, rtol=1e-5)
    assert fit.nfev < without.nfev


@pytest.mark.parametrize("solve", [solvers.fit_epidemic, solvers.solve_scattering, solvers.find_conductivity])
def test_problems_of_the_example(solve: Callable[[bool], solvers.Solution]) -> None:
    exact, differences = solve(True), solve(False)
    assert exact.result.success
    assert exact.calls + exact.derivatives < differences.calls
    np.testing.assert_allclose(exact.result.x, differences.result.x, rtol=1e-2, atol=2e-2)


def test_epidemic_is_the_known_one() -> None:
    fit = solvers.fit_epidemic(exact=True).result
    np.testing.assert_allclose(fit.x, (1.788, 0.456, 2.09), rtol=3e-3)


@pytest.mark.parametrize("method", ["trf", "dogbox", "lm"])
def test_least_squares(method: str) -> None:
    def solve(jac: Any) -> Any:
        function = Counted(solvers.residuals)
        fit = least_squares(function, (1.5, 0.5, 1.0), jac, method=method, x_scale=(1.0, 1.0, 1.0))
        assert fit.success
        return fit, function.count

    exact, calls = solve(solvers.residuals_jacobian)
    differences, more_calls = solve("2-point")
    np.testing.assert_allclose(exact.x, differences.x, rtol=1e-5)
    assert exact.cost <= differences.cost * (1.0 + 1e-9)
    assert calls < more_calls


def test_jacobian_of_residuals() -> None:
    theta = np.array([1.7, 0.45, 2.0])

    def infected(parameters: np.ndarray) -> np.ndarray:
        out = np.empty(solvers.IN_BED.size, complex)
        solvers.epidemic(out, parameters, solvers.STEPS_PER_DAY)
        return out

    jacobian = untouched(solvers.residuals_jacobian, theta)
    np.testing.assert_allclose(jacobian, complex_steps(infected, theta), rtol=1e-11)


@pytest.mark.parametrize("method", ["hybr", "lm"])
def test_root(method: str) -> None:
    albedo = 0.9

    def solve(jac: Any) -> Any:
        function = Counted(solvers.scattering)
        found = root(function, np.ones(30), (albedo,), method, jac=jac, tol=1e-12)
        assert found.success
        return found.x, function.count

    exact, calls = solve(solvers.scattering_jacobian)
    _, more_calls = solve(None)
    assert np.mean(exact) == pytest.approx(2.0 / albedo * (1.0 - np.sqrt(1.0 - albedo)), rel=1e-11)
    assert calls < more_calls
    np.testing.assert_allclose(
        fsolve(solvers.scattering, np.ones(30), (albedo,), fprime=solvers.scattering_jacobian), exact, rtol=1e-7
    )


def test_jacobian_of_scattering(rng: np.random.Generator) -> None:
    h = rng.uniform(1.0, 2.0, 30)
    jacobian = untouched(solvers.scattering_jacobian, h, 0.9)
    np.testing.assert_allclose(jacobian, complex_steps(lambda z: solvers.scattering(z, 0.9), h), rtol=1e-11)


def test_derivatives_of_misfit(rng: np.random.Generator) -> None:
    q, p = rng.normal(0.0, 0.3, (2, 15))
    data = (rng.uniform(0.0, 1.0, (3, 14)), 20, 0.1)
    _, gradient = untouched(solvers.misfit_and_gradient, q, *data)
    np.testing.assert_allclose(gradient, complex_steps(lambda z: solvers.misfit(z, *data), q), rtol=1e-10)

    product = untouched(solvers.misfit_hessian_product, q, p, *data)
    ends = [solvers.misfit_and_gradient(q + s * 1e-5 * p, *data)[1] for s in (-1.0, 1.0)]
    np.testing.assert_allclose(product, (ends[1] - ends[0]) / 2e-5, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("t", [0.0, 2.0])
def test_jacobian_of_brusselator(rng: np.random.Generator, t: float) -> None:
    system = Brusselator(6)
    y = rng.uniform(0.5, 3.0, system.size)

    def flat(z: np.ndarray) -> np.ndarray:
        out = np.empty(system.shape, complex)
        rates(out, z.reshape(system.shape), t, *PARAMETERS)
        return out.ravel()

    dense = untouched(system.dense_jacobian, t, y)
    np.testing.assert_allclose(dense, complex_steps(flat, y), rtol=1e-12)
    np.testing.assert_array_equal(untouched(system.sparse_jacobian, t, y).toarray(), dense)


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_stiff_system(method: str) -> None:
    system = Brusselator(6)
    found = {}
    for name, options in jacobian_options(system).items():
        calls = Counted(system.rates)
        solution = untouched(lambda y: solve_ivp(calls, (0.0, 3.0), y, method, **TOLERANCES, **options), system.initial)
        assert solution.success
        found[name] = solution.y[:, -1], calls.count
    reference, _ = found["SciPy's differences, dense"]
    for end, _ in found.values():
        np.testing.assert_allclose(end, reference, rtol=1e-4)
    for kind in ("dense", "sparse"):
        assert found[f"pyfront, {kind}"][1] < found[f"SciPy's differences, {kind}"][1]


def test_lsoda_takes_the_dense_jacobian() -> None:
    system = Brusselator(12)
    without, exact = (
        solve_ivp(system.rates, (0.0, 1.0), system.initial, "LSODA", **TOLERANCES, **options)
        for options in ({}, {"jac": system.dense_jacobian})
    )
    assert exact.success
    assert exact.njev > 0
    assert exact.nfev < without.nfev
    np.testing.assert_allclose(exact.y[:, -1], without.y[:, -1], rtol=1e-3)
