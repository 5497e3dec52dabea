"""The generated kernels whose compilation is timed: their derivatives are right, and their source is fixed."""

from __future__ import annotations

import numpy as np
from oracle import active, check, const, dup

from benchmarks import compilation, large


def test_the_network_has_the_derivative_of_the_oracle(rng) -> None:
    # Long enough for its derivative to be cut into blocks and put together again.
    neurons = 16
    kernel = large.network(neurons)
    check(kernel.dispatcher(), const(rng.uniform(-1.0, 1.0, (2, 16))), dup(rng.uniform(-0.5, 0.5, 8 * neurons)))


def test_the_chemistry_has_the_derivative_of_the_oracle(rng) -> None:
    reactions = 8
    kernel = large.chemistry(reactions)
    rates = (dup(rng.uniform(0.5, 1.0, reactions)), dup(rng.uniform(0.5, 1.0, reactions)))
    check(kernel.dispatcher(), dup(rng.uniform(0.5, 1.0, 4)), *rates, active(2.0), const(0.01), const(2))


def test_recursion_has_the_derivative_of_the_oracle(rng) -> None:
    arrays = (dup(rng.uniform(-1.0, 1.0, 4)), dup(rng.uniform(-1.0, 1.0, 4)), dup(np.array([0.5, 1.5])))
    check(large.recursive().dispatcher(), *arrays, active(0.75), without=())


def test_the_seismic_kernel_is_what_the_page_says() -> None:
    kernel = large.seismic()
    assert 800 < kernel.lines < 1_000
    assert kernel.source == large.seismic().source
    assert kernel.source.count("for k in range") == 7 * 7 + 9
    assert len(kernel.types) == len(kernel.annotations) == kernel.source.partition(")")[0].count(",") + 1


def test_growth_is_a_power() -> None:
    rows = [
        compilation.CompileRow(shape, 0, size, 0.0, (compilation.Stage("read", 1e-6 * size**1.25),))
        for shape in large.SHAPES
        for size in compilation.SIZES
    ]
    assert np.allclose(list(compilation.exponents(rows).values()), 1.25)
