"""Integrates a stiff reaction-diffusion system with SciPy's BDF method and exact Jacobians, dense and sparse.

The Brusselator of Hairer and Wanner's book on stiff equations, with closed borders: two substances on 32 x 32 cells,
2,048 unknowns, react and diffuse, and from t = 1.1 on one of them is fed into a small disc. BDF solves linear systems
with the Jacobian of the right-hand side, here an in-place Numba kernel, which is differentiated in two ways.
`pyfront.jacobian` returns all four million entries. But each rate depends on six values at most, so cells that are far
enough apart can share a tangent without getting mixed up: with ten colours, one forward sweep over a batch of ten
tangents finds all entries that are not zero.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, by SciPy's BLAS; its threads only get in the way here

import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numba import njit
from scipy.integrate import solve_ivp
from scipy.sparse import coo_array, csc_array

import pyfront as ad

plt.switch_backend("Agg")

HERE = Path(__file__).parent
PARAMETERS = (3.4, 1.0, 0.1)
SPAN = (0.0, 11.5)
TOLERANCES = {"rtol": 1e-5, "atol": 1e-7}
COLOURS = 10


@njit
def rates(out, y, t, a, b, diffusion):
    """The time derivatives of the concentrations y[0] and y[1] in all cells; nothing flows through the border."""
    _, n, m = y.shape
    scale = diffusion * n * m
    for i in range(n):
        above, below = max(i - 1, 0), min(i + 1, n - 1)
        for j in range(m):
            left, right = max(j - 1, 0), min(j + 1, m - 1)
            for k in range(2):
                around = y[k, above, j] + y[k, below, j] + y[k, i, left] + y[k, i, right]
                out[k, i, j] = scale * (around - 4.0 * y[k, i, j])
            u = y[0, i, j]
            reaction = u * u * y[1, i, j]
            out[0, i, j] += b + reaction - (a + 1.0) * u
            out[1, i, j] += a * u - reaction
            if t >= 1.1 and ((i + 0.5) / n - 0.3) ** 2 + ((j + 0.5) / m - 0.6) ** 2 <= 0.01:
                out[0, i, j] += 5.0


jacobian = ad.jacobian(rates, argnums=1, out=0)
tangents_of_rates = ad.autodiff(
    rates, ad.BatchDuplicated, ad.BatchDuplicated, *[ad.Const] * (1 + len(PARAMETERS)), mode=ad.Forward
)


class Brusselator:
    """The system on n x n cells as SciPy wants it, in flat vectors."""

    def __init__(self, n):
        self.shape = (2, n, n)
        self.size = 2 * n * n
        x = (np.arange(n) + 0.5) / n
        profile = (x * (1.0 - x)) ** 1.5
        self.initial = np.stack(np.broadcast_arrays(22.0 * profile, 27.0 * profile[:, np.newaxis])).ravel()
        k, i, j = np.indices(self.shape)
        colours = (5 * k + (i + 2 * j) % 5).ravel()
        self._seeds = (colours == np.arange(COLOURS)[:, np.newaxis]).astype(float).reshape(COLOURS, *self.shape)
        self.pattern = self._pattern()
        columns = np.repeat(np.arange(self.size), np.diff(self.pattern.indptr))
        self._entries = colours[columns], self.pattern.indices

    def rates(self, t, y):
        """The right-hand side."""
        out = np.empty(self.shape)
        rates(out, y.reshape(self.shape), t, *PARAMETERS)
        return out.ravel()

    def dense_jacobian(self, t, y):
        """The derivatives of all rates by all concentrations."""
        matrix = jacobian(np.empty(self.shape), y.reshape(self.shape), t, *PARAMETERS)
        return matrix.reshape(self.size, self.size)

    def sparse_jacobian(self, t, y):
        """Those that are not zero: tangent c is the sum of the columns of colour c, which have no row in common."""
        tangents = np.empty_like(self._seeds)
        tangents_of_rates(np.empty(self.shape), tangents, y.reshape(self.shape), self._seeds, t, *PARAMETERS)
        entries = tangents.reshape(COLOURS, self.size)[self._entries]
        return csc_array((entries, self.pattern.indices, self.pattern.indptr), shape=self.pattern.shape)

    def _pattern(self):
        """Where the Jacobian is not zero: a rate depends on its own cell's two values and on its four neighbours."""
        number = np.arange(self.size).reshape(self.shape)
        pairs = [(number, number), (number, number[::-1])]
        for one, other in ((number[:, 1:], number[:, :-1]), (number[:, :, 1:], number[:, :, :-1])):
            pairs += [(one, other), (other, one)]
        rows, columns = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in range(2))
        return coo_array((np.ones(rows.size), (rows, columns)), shape=(self.size, self.size)).tocsc()


def jacobian_options(system):
    """What to tell `solve_ivp` about the Jacobian, by the name of the method."""
    return {
        "SciPy's differences, dense": {},
        "SciPy's differences, sparse": {"jac_sparsity": system.pattern},
        "pyfront, dense": {"jac": system.dense_jacobian},
        "pyfront, sparse": {"jac": system.sparse_jacobian},
    }


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function = function
        self.count = 0

    def __call__(self, *args):
        self.count += 1
        return self.function(*args)


def compare(system, names):
    """Solve with each of these Jacobians, and print a line for each.

    Returns the last solution and by how much the others differ from the first in the end.
    """
    ends = []
    for name in names:
        calls = Counted(system.rates)
        began = time.process_time()
        options = {**TOLERANCES, **jacobian_options(system)[name]}
        solution = solve_ivp(calls, SPAN, system.initial, "BDF", dense_output=True, **options)
        seconds = time.process_time() - began
        assert solution.success, solution.message
        print(f"{system.size:8,d}  {name:27s} {seconds:8.2f} {calls.count:8,d} {solution.njev:10d} {solution.nlu:4d}")
        ends.append(solution.y[:, -1])
    return solution, max(np.abs(end - ends[0]).max() for end in ends) / ends[0].max()


def draw(file, system, solution, times):
    """The first substance at several times."""
    figure, axes = plt.subplots(1, len(times), figsize=(3 * len(times), 3.3), layout="constrained")
    for axis, t in zip(axes, times, strict=True):
        picture = axis.imshow(solution.sol(t).reshape(system.shape)[0], cmap="viridis")
        axis.set_title(f"t = {t:g}")
        axis.axis("off")
        figure.colorbar(picture, ax=axis, location="bottom")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "output" / "stiff_brusselator.png")
    output = parser.parse_args().output
    small, large = Brusselator(16), Brusselator(32)
    dense = large.dense_jacobian(0.0, large.initial)
    error = np.abs(large.sparse_jacobian(0.0, large.initial) - dense).max() / np.abs(dense).max()
    print(f"{large.pattern.nnz:,} of {dense.size:,} entries from {COLOURS} tangents: relative error {error:.1e}")

    names = list(jacobian_options(small))
    print(f"{'unknowns':>8s}  {'Jacobian':27s} {'seconds':>8s} {'rates':>8s} {'Jacobians':>10s} {'LU':>4s}")
    _, of_small = compare(small, names)
    solution, of_large = compare(large, [name for name in names if name.endswith("sparse")])
    print(f"relative difference of the solutions: {max(of_small, of_large):.0e}")
    draw(output, large, solution, (0.0, 0.5, 1.5, 4.0, SPAN[1]))
    print(f"wrote {output}")
    assert error == 0.0, "the compressed Jacobian is not the dense one"
    assert max(of_small, of_large) < 1e-4, "the solutions differ"


if __name__ == "__main__":
    main()
