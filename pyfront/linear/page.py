"""The documentation page of the table, docs/linear.md: ``python -m pyfront.linear.page > docs/linear.md``."""

from __future__ import annotations

from pyfront.linear import RULES

HEAD = """# Rules of arrays

Made by `python -m pyfront.linear.page` from the table in `pyfront/linear`; change that.

A kernel's call of one of these functions stays a call of BLAS or LAPACK, with the same bits as in the plain kernel, and
the derivative calls the library too. ẋ is the tangent of x, x̄ its adjoint. *Kept* is what the forward sweep leaves for
the reverse sweep besides the arguments, which are copied only where the kernel writes them afterwards. float64 and
float32; arguments of any layout that Numba takes.

What Numba writes itself with these functions and with loops needs no row: `np.linalg.norm` of every order, `cond`,
`matrix_power`, `matrix_rank`, `np.trace`, `np.outer`, `np.kron`, `np.inner` where Numba has it.

Derivatives of derivatives go through these functions too, in any nesting: the derivative of a row calls rows again. A
second derivative is NaN where it would divide by the difference of two equal eigenvalues or singular values what is
not zero.

| call | tangent | adjoint | kept | notes |
| --- | --- | --- | --- | --- |
"""


def text() -> str:
    """The whole page."""
    rows = []
    for rule in RULES:
        columns = (f"`{rule.call}`", rule.forward, rule.backward, rule.kept, rule.degenerate)
        rows.append("| " + " | ".join(column.replace("|", "\\|") for column in columns) + " |")
    return HEAD + "\n".join(dict.fromkeys(rows)) + "\n"


if __name__ == "__main__":
    print(text(), end="")
