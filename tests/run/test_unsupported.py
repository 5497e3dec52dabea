"""What the engine cannot differentiate is refused, by file and line of the construct; nothing is assumed inactive.

In each kernel the line to be named ends with the mark `# refused`.
"""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from numba import njit, objmode, types
from numba.typed import Dict, List

import pyfront as ad


@njit
def appends(a, b):
    values = [a[0]]  # refused
    for i in range(a.shape[0]):
        values.append(a[i] * b[i])
    s = 0.0
    for value in values:
        s += value
    return s


@njit
def typed_list(a, b):
    values = List.empty_list(types.float64)  # refused
    values.append(a[0] * b[0])
    return values[0]


@njit
def dictionary(a, b):
    table = Dict.empty(types.int64, types.float64)  # refused
    table[1] = a[0] * b[0]
    return table[1]


@njit
def set_of_floats(a, b):
    values = {a[0], b[0]}  # refused
    s = 0.0
    for value in values:
        s += value
    return s


@njit
def objects(a, b):
    with objmode(y="float64"):  # refused
        y = float(np.linalg.norm(a))
    return y * b[0]


@njit
def squares_of(a):
    for i in range(a.shape[0]):
        yield a[i] * a[i]


@njit
def generator(a, b):
    s = 0.0
    for value in squares_of(a):  # refused
        s += value
    return s * b[0]


@njit
def sorted_list(a, b):
    c = sorted([a[0], a[1]])  # refused
    return c[0] * b[0]


@njit
def string(a, b):
    name = str(int(a[0])) + "x"
    return a[0] * len(name) * b[0]


@njit
def catches(a, b):
    try:
        if a[0] > 0.0:
            raise ValueError("positive")
        s = a[0] * b[0]
    except Exception:
        s = b[0] * b[0]
    return s


@njit
def complex_numbers(a, b):
    z = complex(a[0], b[0])
    return abs(z * z)


@njit
def chosen_elements(a, b):
    c = np.where(a > b, a * a, b)
    return c.sum()


@pytest.mark.parametrize(
    "kernel", [string, catches, complex_numbers, chosen_elements], ids=lambda kernel: kernel.py_func.__name__
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_right_or_refused(kernel, sign):
    """Whether these reach the engine as plain arithmetic is Numba's matter; a silent wrong answer is ours."""
    a, b = sign * np.array([1.5, 0.5, 2.0]), np.array([0.7, 0.3, 0.4])
    want = []
    for array in (a, b):
        for i in range(array.size):
            low, high = array.copy(), array.copy()
            low[i], high[i] = low[i] - 1e-6, high[i] + 1e-6
            change = kernel(*((high, b) if array is a else (a, high))) - kernel(*((low, b) if array is a else (a, low)))
            want.append(change / 2e-6)
    da, db = np.zeros(3), np.zeros(3)
    try:
        ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)(a, da, b, db)
    except ad.UnsupportedError:
        return
    np.testing.assert_allclose(np.concatenate([da, db]), want, atol=1e-8)


def marked_line(kernel) -> tuple[str, int]:
    """File and line of the mark in the kernel or, if there is none, in the function that it calls."""
    for function in (kernel.py_func, *(f.py_func for f in vars_of(kernel) if hasattr(f, "py_func"))):
        lines, first = inspect.getsourcelines(function)
        for offset, line in enumerate(lines):
            if line.rstrip().endswith("# refused"):
                return inspect.getsourcefile(function), first + offset
    raise AssertionError(f"{kernel} has no marked line")


def vars_of(kernel):
    """What the kernel's global names stand for."""
    function = kernel.py_func
    return [function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__]


KERNELS = [
    appends,
    typed_list,
    dictionary,
    set_of_floats,
    objects,
    generator,
    sorted_list,
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.py_func.__name__)
def test_refused_by_file_and_line(kernel):
    first = np.eye(3) + 0.1 if "m" in kernel.py_func.__code__.co_varnames[:1] else np.array([1.5, 0.5, 2.0])
    arrays = [first, np.array([0.7, 0.3, 0.4])]
    shadows = [np.ones_like(array) for array in arrays]
    before = [array.tobytes() for array in (*arrays, *shadows)]
    derivative = ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)
    with pytest.raises(ad.UnsupportedError) as caught:
        derivative(arrays[0], shadows[0], arrays[1], shadows[1])
    assert isinstance(caught.value, ad.AutodiffError)
    file, line = marked_line(kernel)
    assert (caught.value.file, caught.value.line) == (file, line), f"named {caught.value}"
    assert f"{line}" in str(caught.value)
    assert [array.tobytes() for array in (*arrays, *shadows)] == before


def test_refusal_is_repeated():
    derivative = ad.autodiff(appends, ad.Duplicated, ad.Duplicated)
    for _ in range(2):
        with pytest.raises(ad.UnsupportedError):
            derivative(np.ones(2), np.ones(2), np.ones(2), np.ones(2))


def test_constant_use_of_a_library():
    """What has nothing to do with active data is called as in the kernel."""

    @njit
    def kernel(x, a, b):
        return x * np.dot(a, b)

    derivative = ad.autodiff(kernel, ad.Active, ad.Const, ad.Const)
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert derivative(1.5, a, b) == np.dot(a, b)


def test_all_that_stands_in_the_way_is_told_at_once():
    """In the order of the lines, and in words of Python."""

    @njit
    def kernel(a):
        values = [a[0]]
        values.append(a[1] * np.random.normal(a[0], 1.0))
        table = Dict.empty(types.int64, types.float64)
        return values[1] + len(table)

    with pytest.raises(ad.UnsupportedError) as caught:
        ad.autodiff(kernel, ad.Duplicated)(np.ones(2), np.ones(2))
    first = kernel.py_func.__code__.co_firstlineno + 1
    assert caught.value.line == first + 1
    told = [line.rpartition(".py:")[2] for line in str(caught.value).splitlines() if ".py:" in line]
    numbers = [int(line.split(":")[0]) - first for line in told]
    assert numbers == sorted(numbers)
    assert set(numbers) >= {1, 2, 3}
    for words in ("a list or a set", "a dict"):
        assert words in str(caught.value)
    assert not re.search("NRT_|numba_|llvm", str(caught.value))
