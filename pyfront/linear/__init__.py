"""The derivatives of what Numba calls BLAS and LAPACK for, as one table.

    table            the form of a row
    products         np.dot, @, np.vdot
    solves           solve, inv
    factorizations   cholesky, qr
    determinants     det, slogdet
    spectral         eigh, eigvalsh, eig, eigvals, svd
    least_squares    pinv, lstsq
    norms            the Euclidean norm
    accumulate, systems, quotients: what the rows are written with, and the rows of that
    dense, fortran: loops over matrices, calls of a library

A captured kernel calls such a function by name (`pyfront.rules.library`). What Numba writes itself with these
functions, `norm`, `cond`, `matrix_power`, `matrix_rank` and the like, needs no row.
"""

from __future__ import annotations

from pyfront.linear import (
    accumulate,
    determinants,
    factorizations,
    least_squares,
    norms,
    products,
    quotients,
    solves,
    spectral,
    systems,
)
from pyfront.linear.table import Rule

RULES: tuple[Rule, ...] = (
    *products.RULES,
    *solves.RULES,
    *factorizations.RULES,
    *determinants.RULES,
    *spectral.RULES,
    *least_squares.RULES,
    *norms.RULES,
)

PRIVATE: tuple[Rule, ...] = (*accumulate.PRIVATE, *systems.PRIVATE, *quotients.PRIVATE)
"""The functions that the rows are written with and that are no loops: rows of their own, so that rows have derivatives
again. Captured code calls them where it has a part of a row in it."""
