"""The derivatives of what Numba calls BLAS and LAPACK for, as one table.

    table            the form of a row
    products         np.dot, @, np.vdot
    solves           solve, inv
    factorizations   cholesky, qr
    determinants     det, slogdet
    spectral         eigh, eigvalsh, eig, eigvals, svd
    least_squares    pinv, lstsq
    norms            the Euclidean norm
    accumulate, dense, systems, fortran: what the rows are written with

A captured kernel calls such a function by name (`pyfront.rules.library`). What Numba writes itself with these
functions, `norm`, `cond`, `matrix_power`, `matrix_rank` and the like, needs no row.
"""

from __future__ import annotations

from pyfront.linear import determinants, factorizations, least_squares, norms, products, solves, spectral
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
