"""The kernels of linear algebra and the transform as a user of JAX writes them, timed in a process of their own.

    python -m benchmarks.jax_programs cholesky n=500      prints one line of JSON

One processor and one thread, float64, everything under one `jit`. The gradient is that of `value_and_grad`, as ours
computes the value too. Exits with status 2 where JAX is not installed.

Invariant: arguments are those of the kernel of the same name in `benchmarks/kernels/`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

MISSING = 2
"""The exit status without JAX."""
SECONDS, MOST_CALLS = 2.0, 101


def weights(n: int) -> tuple[np.ndarray, np.ndarray]:
    """What a kernel that returns nothing is differentiated for: the sum of its results with these weights."""
    random = np.random.default_rng(0)
    return random.uniform(0.0, 1.0, n), random.uniform(0.0, 1.0, n)


def programs() -> dict[str, tuple[Callable[..., Any], tuple[int, ...]]]:
    """By kernel: the function and the places of the arguments that it is differentiated in."""
    import jax
    import jax.numpy as jnp

    def product(a, b):
        return jnp.sum((a @ b) ** 2)

    def linear_solve(a, b):
        x = jnp.linalg.solve(a, b)
        return x @ x

    def cholesky(a):
        return 2.0 * jnp.sum(jnp.log(jnp.diag(jnp.linalg.cholesky(a))))

    def gaussian_process(x, y, length, noise):
        distance = (x[:, None] - x[None, :]) / length
        covariance = jnp.exp(-0.5 * distance * distance) + noise * jnp.eye(x.shape[0])
        factor = jnp.linalg.cholesky(covariance)
        return 0.5 * y @ jnp.linalg.solve(covariance, y) + jnp.sum(jnp.log(jnp.diag(factor)))

    def kalman(f, h, q, r, z, x, p):
        def step(state, observed):
            x, p, total = state
            x, p = f @ x, f @ p @ f.T + q
            ph = p @ h
            innovation, variance = observed - h @ x, h @ ph + r
            gain = ph / variance
            total += innovation * innovation / variance + jnp.log(variance)
            return (x + gain * innovation, p - jnp.outer(gain, ph), total), None

        return jax.lax.scan(step, (x, p, 0.0), z)[0][2]

    def fft(re, im, spare_re, spare_im):
        done = jnp.fft.fft(re + 1j * im)
        of_re, of_im = weights(re.shape[0])
        return jnp.sum(of_re * done.real + of_im * done.imag)

    return {
        "product": (product, (0, 1)),
        "linear_solve": (linear_solve, (0, 1)),
        "cholesky": (cholesky, (0,)),
        "gaussian_process": (gaussian_process, (2, 3)),
        "kalman": (kalman, (0, 1, 2, 3, 5, 6)),
        "fft": (fft, (0, 1)),
    }


def median_seconds(call: Callable[[], Any]) -> float:
    """Of as many calls as fit in some seconds, after one that compiles."""
    import jax

    jax.block_until_ready(call())
    times: list[float] = []
    while len(times) < MOST_CALLS and sum(times) < SECONDS:
        began = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main(name: str, *size: str) -> int:
    if importlib.util.find_spec("jax") is None:
        return MISSING
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import jax

    from benchmarks import kernels

    jax.config.update("jax_enable_x64", True)
    values = kernels.load(name).make_args(**{key: int(value) for key, value in (part.split("=") for part in size)})
    function, places = programs()[name]
    arguments = [jax.numpy.asarray(value) for value in values]
    primal, gradient = jax.jit(function), jax.jit(jax.value_and_grad(function, places))
    _, found = gradient(*arguments)
    result = {
        "version": jax.__version__,
        "primal": median_seconds(lambda: primal(*arguments)),
        "gradient": median_seconds(lambda: gradient(*arguments)),
        "sums": [float(np.sum(part)) for part in found],
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
