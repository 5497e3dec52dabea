"""Capture: unoptimized IR of the whole call graph, with source lines."""

from __future__ import annotations

import inspect
import math
import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from numba import float64, int64, njit, prange, types, vectorize

import pyfront as ad
from pyfront.numba_target import capture

vector = types.Array(float64, 1, "C")


@njit
def callee(r):
    return 1.0 / (r * r + 0.01)


@njit
def caller(x):
    total = 0.0
    for i in range(x.size):
        total += callee(x[i])
    return total


def text(kernel, *arguments):
    return str(capture(kernel, arguments).module)


def test_the_primal_is_defined_and_callees_are_linked():
    captured = capture(caller, (vector,))
    primal = captured.module.get_function(captured.primal)
    assert not primal.is_declaration
    assert primal.linkage == llvm.Linkage.external
    defined = [f for f in captured.module.functions if not f.is_declaration]
    assert any("callee" in f.name and f.linkage == llvm.Linkage.linkonce_odr for f in defined)
    assert captured.return_type == float64


def test_nothing_is_optimized():
    ir = text(caller, vector)
    assert "alloca" in ir
    assert "<4 x double>" not in ir
    assert "<2 x double>" not in ir


def test_lines_without_variables():
    ir = text(caller, vector)
    first = inspect.getsourcelines(caller.py_func)[1]
    lines = {int(number) for number in re.findall(r"!DILocation\(line: (\d+)", ir)}
    assert {first + 2, first + 3, first + 4} <= lines
    assert "dbg_declare" not in ir
    assert "dbg.declare" not in ir
    assert "DILocalVariable" not in ir
    assert f'filename: "{__file__.rsplit("/", 1)[1]}"' in ir


def test_runtime_functions_are_only_declared():
    @njit
    def kernel(x):
        y = np.zeros(x.size)
        for i in range(x.size):
            y[i] = x[i]
        return y[0]

    ir = text(kernel, vector)
    assert re.search(r"declare .*@NRT_MemInfo_alloc_aligned", ir)
    assert re.search(r"declare .*@NRT_decref", ir)
    assert not re.search(r"define .*@NRT_", ir)


def test_the_kernels_options_are_kept():
    def kernel(x, i):
        return x[i] + 1.0 - x[i]

    assert "fadd fast" in text(njit(fastmath=True)(kernel), vector, int64)
    assert "fadd fast" not in text(njit(kernel), vector, int64)
    assert "IndexError" in text(njit(boundscheck=True)(kernel), vector, int64)
    assert "IndexError" not in text(njit(kernel), vector, int64)


def test_parallel_kernels_are_captured_as_serial():
    @njit(parallel=True)
    def kernel(x):
        for i in prange(x.size):
            x[i] = math.sin(x[i])

    assert "gufunc" not in text(kernel, vector)


def test_captured_once_per_signature():
    assert capture(caller, (vector,)).primal == capture(caller, (vector,)).primal


def test_capturing_leaves_numba_as_it_was():
    @njit
    def kernel(x):
        return (np.empty_like(x) * 0.0 + x.copy() + np.zeros(x.size)).sum()

    capture(kernel, (vector,))
    assert kernel(np.ones(3)) == 3.0
    capture(kernel, (types.Array(float64, 1, "A"),))
    assert kernel(np.ones(6)[::2]) == 3.0


@pytest.mark.parametrize("size", [3, 200_000])
def test_global_arrays(size):
    table = np.arange(float(size))

    @njit
    def kernel(i):
        return table[i]

    captured = capture(kernel, (int64,))
    assert ("numba.dynamic.globals" in str(captured.module)) == (size > 3)


@vectorize
def ufunc(x):
    return x * x


@njit
def even(n):
    return 1.0 if n == 0 else odd(n - 1)


@njit
def odd(n):
    return 0.0 if n == 0 else even(n - 1)


@njit
def with_ufunc(x):
    return ufunc(x[0])


@njit
def with_nested(x):
    return 2.0 * with_ufunc(x)


@pytest.mark.parametrize(
    ("kernel", "text", "owner"),
    [
        (with_ufunc, "`ufunc` (DUFunc)", with_ufunc),
        (with_nested, "`ufunc` (DUFunc)", with_ufunc),
    ],
)
def test_code_that_cannot_be_captured_is_named_with_its_line(kernel, text, owner):
    with pytest.raises(ad.UnsupportedError) as caught:
        capture(kernel, (vector,))
    first = inspect.getsourcelines(owner.py_func)[1]
    assert text in str(caught.value)
    assert caught.value.file == __file__
    assert caught.value.line == first + 2


@njit
def twice(x):
    yield x
    yield x


@njit
def with_generator(x):
    total = 0.0
    for value in twice(x[0]):
        total += value
    return total


@njit
def itself(n):
    return 1.0 if n == 0 else itself(n - 1)


@njit
def with_recursion(x):
    return itself(x.size)


def line_of(kernel, text):
    lines, first = inspect.getsourcelines(kernel.py_func)
    return next(first + offset for offset, line in enumerate(lines) if text in line)


@pytest.mark.parametrize(
    ("kernel", "argument", "owner", "mark"),
    [
        (with_generator, vector, with_generator, "in twice"),
    ],
)
def test_generators_are_refused_by_line(kernel, argument, owner, mark):
    with pytest.raises(ad.UnsupportedError) as caught:
        capture(kernel, (argument,))
    assert (caught.value.file, caught.value.line) == (__file__, line_of(owner, mark))


@pytest.mark.parametrize(
    ("kernel", "argument", "names"),
    [
        (with_recursion, vector, {"itself"}),
        (itself, int64, {"itself"}),
        (even, int64, {"even", "odd"}),
    ],
)
def test_functions_that_call_themselves_are_in_the_module(kernel, argument, names):
    captured = capture(kernel, (argument,))
    defined = {function.name for function in captured.module.functions if not function.is_declaration}
    assert {callee.name for callee in captured.callees} == names
    assert all(callee.symbol in defined for callee in captured.callees)


def test_numbas_own_functions_have_the_line_of_their_call():
    @njit
    def kernel(x):
        return np.zeros(x.size)[0]

    files = set(re.findall(r'!DIFile\(filename: "([^"]+)"', text(kernel, vector)))
    assert files == {"test_capture.py"}
