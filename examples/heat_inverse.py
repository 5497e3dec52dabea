"""Recovers a picture from what 200 steps of a reaction-diffusion equation have left of it.

The solver overwrites its state in place, as one writes it for Numba. `pyfront.autodiff` gives the gradient of the
misfit of the final state with respect to the 16,384 pixels of the initial one, and L-BFGS does the rest. The picture,
Grace Hopper's portrait (public domain), comes with Matplotlib.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, by SciPy's BLAS; its threads only get in the way here

import argparse
import statistics
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cbook import get_sample_data
from numba import njit
from scipy.optimize import minimize
from tqdm import tqdm

import pyfront as ad

plt.switch_backend("Agg")

HERE = Path(__file__).parent
SIZE, STEPS = 128, 200
DIFFUSION, REACTION = 0.01, 0.005
ITERATIONS = 400


@njit
def evolve(u, diffusion, reaction, steps):
    """Fisher's equation, u_t = diffusion * laplacian(u) + reaction * u * (1 - u), on fixed borders, in place."""
    n, m = u.shape
    new = np.empty_like(u)
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                x = u[i, j]
                laplacian = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * x
                new[i, j] = x + diffusion * laplacian + reaction * x * (1.0 - x)
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = new[i, j]


@njit
def misfit(u, target, diffusion, reaction, steps):
    """Evolve `u` in place; half the squared distance of the final state from `target`."""
    evolve(u, diffusion, reaction, steps)
    total = 0.0
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            total += 0.5 * (u[i, j] - target[i, j]) ** 2
    return total


derivative = ad.autodiff(misfit, ad.Duplicated, ad.Const, ad.Const, ad.Const, ad.Const, mode=ad.ReverseWithPrimal)


def portrait():
    """A square of the photograph, averaged down to SIZE x SIZE, from 0 (black) to 1 (white)."""
    with get_sample_data("grace_hopper.jpg") as file:
        grey = plt.imread(file, format="jpg").mean(axis=2) / 255.0
    factor = grey.shape[1] // SIZE
    crop = grey[: SIZE * factor, : SIZE * factor]
    return np.ascontiguousarray(crop.reshape(SIZE, factor, SIZE, factor).mean(axis=(1, 3)))


def value_and_gradient(pixels, target):
    """The misfit and its gradient for an initial state given as a flat vector."""
    state = pixels.reshape(SIZE, SIZE).copy()  # the solver overwrites it
    gradient = np.zeros_like(state)
    value, _ = derivative(state, gradient, target, DIFFUSION, REACTION, STEPS)
    return value, gradient.ravel()


def central_difference(pixels, direction, target, h=1e-4):
    """An independent directional derivative, from plain calls of the solver."""
    ends = [(pixels + s * h * direction).reshape(SIZE, SIZE) for s in (-1.0, 1.0)]
    below, above = (misfit(state, target, DIFFUSION, REACTION, STEPS) for state in ends)
    return (above - below) / (2.0 * h)


def median_time(call, repeat=9):
    """Median seconds of `call()`, of processor time."""
    samples = []
    for _ in range(repeat):
        began = time.thread_time()
        call()
        samples.append(time.thread_time() - began)
    return statistics.median(samples)


def draw(file, pictures):
    """The pictures side by side."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(4 * len(pictures), 4.4), layout="constrained")
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture.reshape(SIZE, SIZE), cmap="gray", vmin=0.0, vmax=1.0)
        axis.set_title(title)
        axis.axis("off")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=100)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "output" / "heat_inverse.png")
    output = parser.parse_args().output
    picture = portrait()
    target = picture.copy()
    evolve(target, DIFFUSION, REACTION, STEPS)
    start = target.ravel().copy()

    _, gradient = value_and_gradient(start, target)
    direction = np.random.default_rng(0).standard_normal(start.size)
    reference = central_difference(start, direction, target)
    error = abs(gradient @ direction / reference - 1.0)
    print(f"gradient against central difference: relative error {error:.1e}")
    state = start.reshape(SIZE, SIZE).copy()
    primal = median_time(lambda: misfit(state, target, DIFFUSION, REACTION, STEPS))
    both = median_time(lambda: value_and_gradient(start, target))
    print(f"primal {1e3 * primal:.1f} ms, value and gradient {1e3 * both:.1f} ms: {both / primal:.1f} times the primal")

    with tqdm(total=ITERATIONS, desc="recover", unit=" iterations") as bar:

        def progress(intermediate_result):
            bar.set_postfix(misfit=f"{intermediate_result.fun:.1e}")
            bar.update()

        options = {"maxiter": ITERATIONS, "ftol": 0.0, "gtol": 0.0}
        fit = minimize(value_and_gradient, start, (target,), "L-BFGS-B", jac=True, callback=progress, options=options)

    before, after = (np.sqrt(np.mean((x - picture.ravel()) ** 2)) for x in (start, fit.x))
    print(f"root mean square error of the picture: {before:.4f} before, {after:.4f} after ({fit.nfev} gradients)")
    draw(output, {"what was": picture, f"after {STEPS} steps": target, "recovered": fit.x})
    print(f"wrote {output}")
    assert error < 1e-6, "the gradient disagrees with the central difference"
    assert after < 0.3 * before, "the picture was not recovered"


if __name__ == "__main__":
    main()
