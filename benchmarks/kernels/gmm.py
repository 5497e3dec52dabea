"""Log-likelihood of a Gaussian mixture with full covariances, given by the factors of their inverses."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def kernel(alphas, means, log_diagonals, lower, x):
    """`lower[k]` holds, row by row, what is under the diagonal of the k-th inverse Cholesky factor."""
    n, d = x.shape
    components = alphas.shape[0]
    terms = np.empty(components)
    centred = np.empty(d)
    diagonal = np.empty((components, d))
    for k in range(components):
        for i in range(d):
            diagonal[k, i] = np.exp(log_diagonals[k, i])
    result = 0.0
    for p in range(n):
        for k in range(components):
            for i in range(d):
                centred[i] = x[p, i] - means[k, i]
            exponent = alphas[k]
            position = 0
            for i in range(d):
                z = diagonal[k, i] * centred[i]
                for j in range(i):
                    z += lower[k, position] * centred[j]
                    position += 1
                exponent += log_diagonals[k, i] - 0.5 * z * z
            terms[k] = exponent
        top = terms[0]
        for k in range(1, components):
            top = max(top, terms[k])
        total = 0.0
        for k in range(components):
            total += np.exp(terms[k] - top)
        result += top + np.log(total)
    return result


def make_args(n, d, components):
    rng = np.random.default_rng(9)
    return (
        rng.normal(0.0, 1.0, components),
        rng.normal(0.0, 1.0, (components, d)),
        rng.normal(0.0, 0.3, (components, d)),
        rng.normal(0.0, 0.3, (components, d * (d - 1) // 2)),
        rng.normal(0.0, 1.0, (n, d)),
    )


PROBLEM = Problem(
    title="Gaussian mixture log-likelihood",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Duplicated, ad.Duplicated, ad.Const),
    make_args=make_args,
    reference={"n": 1_000, "d": 10, "components": 25},
    quick={"n": 50, "d": 4, "components": 5},
    tiny={"n": 3, "d": 3, "components": 2},
)
