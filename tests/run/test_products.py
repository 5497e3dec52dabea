"""Products through BLAS: the kernel's call stays, and the derivative calls BLAS too."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad

RNG = np.random.default_rng(3)


def normal(*shape, order="C"):
    return np.asarray(RNG.normal(size=shape), order=order)


def chain(A, B, x):
    C = A @ B
    y = np.dot(C, x)
    A[0, 0] = 2.0
    z = y @ C
    return np.dot(z, x) + np.vdot(x, y)


def in_a_loop(F, x, total):
    """The vector is another one each time, and the matrix is overwritten."""
    for t in range(3):
        x = np.dot(F, x)
        for i in range(x.shape[0]):
            total[t] += x[i] * x[i]
        F[0, t % 2] *= 1.25


def transposed(A, x):
    return np.dot(x @ A.T, np.dot(A, x)) + (A.T @ A)[0, 1]


def in_a_branch(A, x, p):
    y = x * p
    if p > 0.0:
        y = A @ y
    else:
        y = y @ A
    return y[0] * y[1]


def into(A, B, out):
    np.dot(A, B, out)
    return out[0, 0] * out[1, 1]


@njit
def squared(A, n):
    if n == 0:
        return A.copy()
    half = squared(A, n - 1)
    return half @ half


def in_recursion(A):
    return squared(A, 2)[0, 1]


def twice_the_same(A):
    return (A @ A)[0, 1]


CALLS = {
    "chain": (chain, dup(normal(3, 4)), dup(normal(4, 3)), dup(normal(3))),
    "loop": (in_a_loop, dup(normal(2, 2)), dup(normal(2)), dup(np.zeros(3))),
    "transposed": (transposed, dup(normal(2, 2)), dup(normal(2))),
    "Fortran order": (transposed, dup(normal(2, 2, order="F")), dup(normal(2))),
    "branch": (in_a_branch, dup(normal(2, 2)), dup(normal(2)), active(0.7)),
    "constant matrix": (in_a_branch, const(normal(2, 2)), dup(normal(2)), active(-0.7)),
    "into": (into, dup(normal(2, 3)), dup(normal(3, 2)), dup(normal(2, 2))),
    "recursion": (in_recursion, dup(normal(2, 2))),
    "twice": (twice_the_same, dup(normal(3, 3))),
    "nothing": (chain, dup(normal(1, 0)), dup(normal(0, 1)), dup(normal(1))),
}


@pytest.mark.parametrize("call", [name for name in CALLS if name != "nothing"])
@pytest.mark.filterwarnings("ignore::numba.NumbaPerformanceWarning")
def test_derivatives_of_products(call):
    check(*CALLS[call])


def sum_of(A, B):
    C = A @ B
    total = 0.0
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            total += C[i, j]
    return total


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 2))])
def test_products_of_nothing(shapes):
    A, B = (np.ones(shape) for shape in shapes)
    dA, dB = np.zeros(shapes[0]), np.zeros(shapes[1])
    value, _ = ad.autodiff(sum_of, ad.Duplicated, ad.Duplicated, mode=ad.ReverseWithPrimal)(A, dA, B, dB)
    assert value == 0.0
    assert not dA.any()
    assert not dB.any()


def test_float32():
    A, B = normal(3, 3).astype(np.float32), normal(3, 3).astype(np.float32)
    dA, dB = np.zeros_like(A), np.zeros_like(B)
    ad.autodiff(sum_of, ad.Duplicated, ad.Duplicated)(A, dA, B, dB)
    assert dA == pytest.approx(np.ones((3, 3)) @ B.T, rel=1e-5)
    assert dB == pytest.approx(A.T @ np.ones((3, 3)), rel=1e-5)


def test_shapes_that_do_not_fit_raise_what_the_kernel_raises():
    with pytest.raises(ValueError, match="incompatible"):
        ad.autodiff(sum_of, ad.Duplicated, ad.Duplicated)(*(np.ones((2, 3)) for _ in range(4)))
