"""Derivatives across threads and processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading

import numpy as np
from numba import njit

import pyfront as ad


@njit
def product(a, b):
    return a * b


derivative = ad.autodiff(product, ad.Active, ad.Const, mode=ad.ReverseWithPrimal)


def test_pickled_derivatives_are_the_same_in_one_process(fake):
    copy = pickle.loads(pickle.dumps(derivative))
    assert copy(2.0, 3.0) == derivative(2.0, 3.0) == (6.0, 1.0)


def test_pickled_derivatives_keep_their_choices():
    rebuild, (kernel, annotations, mode, disable, width) = derivative.__reduce__()
    assert (annotations, mode, disable) == ((ad.Active, ad.Const), ad.ReverseWithPrimal, ())
    assert kernel is product
    assert width is None
    assert rebuild(kernel, annotations, mode, disable, width) is derivative


def test_pickled_derivatives_cross_processes(fake):
    """A kernel that no module can be asked for, as in a notebook, travels with the derivative."""
    source = "from numba import njit\nimport pyfront as ad\n@njit\ndef kernel(x): return x * x\n"
    namespace = {"__name__": "__main__"}
    exec(source, namespace)
    data = pickle.dumps(ad.autodiff(namespace["kernel"], ad.Active))
    program = f"import pickle; print(pickle.loads({data!r}))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "<derivative of kernel(Active), mode reverse>"


def test_compiled_callers_with_a_derivative_pickle(fake):
    bound = derivative

    @njit
    def caller(x):
        return bound(x, 2.0)[1]

    assert pickle.loads(pickle.dumps(caller))(3.0) == 1.0


def test_first_calls_from_many_threads_compile_once(fake):
    @njit
    def kernel(x, y):
        for i in range(x.size):
            y[i] = x[i]

    shared = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)
    results = []
    start = threading.Barrier(8)

    def work():
        x, dx, y, dy = (np.ones(4) for _ in range(4))
        start.wait()
        for _ in range(50):
            shared(x, dx, y, dy)
        results.append((dx[0], dy[0]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(51.0, 101.0)] * 8
    assert len(fake.requests) == 1
