"""Exceptions: the kernel's come out as they are, with nothing leaked; the engine's become errors of pyfront."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys

import pyfront as ad
from pyfront.engine import Diagnostic


class KernelError(Exception):
    """Raised by a kernel below."""


@njit
def static(x):
    if x[0] < 0.0:
        raise ValueError("negative entry")
    return x[0]


@njit
def dynamic(x, k):
    if x[0] < 0.0:
        raise ValueError("bad entry", x[0], k)
    return x[0]


@njit
def own(x):
    if x[0] < 0.0:
        raise KernelError
    return x[0]


@njit
def divides(x, n):
    return x[0] / n


@njit(error_model="numpy")
def divides_as_numpy(x, n):
    return x[0] / n


@njit(boundscheck=True)
def checked(x, i):
    return x[i]


@pytest.mark.parametrize(
    ("kernel", "arguments", "error", "args"),
    [
        (static, (), ValueError, ("negative entry",)),
        (dynamic, (7,), ValueError, ("bad entry", -1.0, 7)),
        (own, (), KernelError, ()),
        (divides, (0,), ZeroDivisionError, ("division by zero",)),
        (checked, (5,), IndexError, ("index is out of bounds",)),
    ],
)
def test_the_kernels_exception_comes_out(fake, kernel, arguments, error, args):
    derivative = ad.autodiff(kernel, ad.Duplicated, *[ad.Const] * len(arguments))
    x, dx = -np.ones(2), np.zeros(2)
    for _ in range(3):
        with pytest.raises(error) as caught:
            derivative(x, dx, *arguments)
        assert caught.value.args == args
    assert dx.tolist() == [0.0, 0.0]


def test_the_kernels_error_model_is_kept(fake):
    x, dx = np.ones(1), np.zeros(1)
    ad.autodiff(divides_as_numpy, ad.Duplicated, ad.Const)(x, dx, 0)
    assert dx[0] == 1.0


def test_exceptions_leak_no_reference(fake):
    derivative = ad.autodiff(static, ad.Duplicated)
    x, dx = -np.ones(2), np.zeros(2)
    counts, stats = [], []
    for _ in range(3):
        for _ in range(10):
            with pytest.raises(ValueError, match="negative"):
                derivative(x, dx)
        counts.append((sys.getrefcount(x), sys.getrefcount(dx)))
        stats.append(rtsys.get_allocation_stats())
    assert counts[0] == counts[2]
    assert stats[2].mi_alloc - stats[2].mi_free == stats[0].mi_alloc - stats[0].mi_free


def test_refused_calls_leak_no_reference(fake):
    derivative = ad.autodiff(static, ad.Duplicated)
    x = np.ones(2)
    before = sys.getrefcount(x)
    for _ in range(10):
        with pytest.raises(ad.OverlapError):
            derivative(x, x)
    assert sys.getrefcount(x) == before


def test_out_of_memory(fake):
    fake.status = 20550
    with pytest.raises(MemoryError, match="tape of `product`: 1,099,511,627,776 bytes at once\n  help: keep fewer"):
        _product()(1.0)


def _product():
    @njit
    def product(x):
        return x * x

    return ad.autodiff(product, ad.Active)


def test_unsupported_constructs_name_file_and_line(fake):
    fake.diagnostics = (
        Diagnostic("unsupported", "recursion is not supported", "write a loop", "kernel.py", 12),
        Diagnostic("unsupported", "`print` is not supported", None, "kernel.py", 14),
    )
    with pytest.raises(ad.UnsupportedError) as caught:
        _product()(1.0)
    assert str(caught.value) == (
        "kernel.py:12: recursion is not supported\n  help: write a loop\nkernel.py:14: `print` is not supported"
    )
    assert (caught.value.file, caught.value.line) == ("kernel.py", 12)


def test_a_missing_symbol_is_an_error_and_not_the_end(fake):
    fake.extra = (
        "declare void @no_such_function()\ndefine void @user() {\n call void @no_such_function()\n ret void\n}\n"
    )
    with pytest.raises(ad.InternalError, match="no_such_function"):
        _product()(1.0)


def test_internal_errors_leave_a_report(fake):
    fake.diagnostics = (Diagnostic("internal", "P1: a needed value has no source"),)
    with pytest.raises(ad.InternalError, match="please report") as caught:
        _product()(1.0)
    assert caught.value.report is not None
    report = Path(caught.value.report)
    assert "define i32" in (report / "captured.ll").read_text()
    assert '"mode": "reverse"' in (report / "request.json").read_text()
    assert str(report) in str(caught.value)


@njit
def carries_a_view(x):
    if x[0] < 0.0:
        raise ValueError("negative", x[1:])
    return x[0] * x[1]


@njit
def carries_an_array_of_its_own(x):
    t = 2.0 * x
    if x[0] < 0.0:
        raise ValueError("negative", t)
    return t[0] * t[1]


def test_what_an_exception_carries_outlives_the_call():
    """An array of the caller is counted; what the kernel owns ends with the call, so it is refused."""
    x, dx = -np.arange(1.0, 5.0), np.zeros(4)
    derivative = ad.autodiff(carries_a_view, ad.Duplicated)
    kept = []
    for _ in range(20):
        with pytest.raises(ValueError, match="negative") as caught:
            derivative(x, dx)
        kept.append(caught.value.args[1])
    del caught
    assert all(np.array_equal(view, x[1:]) and np.shares_memory(view, x) for view in kept)
    assert not dx.any()
    with pytest.raises(ad.UnsupportedError, match="an exception that carries an array") as refusal:
        ad.autodiff(carries_an_array_of_its_own, ad.Duplicated)(x, dx)
    assert refusal.value.line == carries_an_array_of_its_own.py_func.__code__.co_firstlineno + 4
