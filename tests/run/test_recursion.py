"""Functions that call themselves: each call is a call of a derivative, which keeps what it needs to come back."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from oracle import active, check, check_raises, const, dup

import pyfront as ad


@njit
def horner(c, x, i):
    if i >= c.shape[0]:
        return 0.0
    return c[i] + x * horner(c, x, i + 1)


def polynomial(c, x):
    return horner(c, x, 0)


@njit
def integrand(x, p):
    return np.sin(p * x) + x * x


@njit
def simpson(a, b, fa, fm, fb, whole, p):
    middle = 0.5 * (a + b)
    fl = integrand(0.5 * (a + middle), p)
    fr = integrand(0.5 * (middle + b), p)
    left = (middle - a) / 6 * (fa + 4 * fl + fm)
    right = (b - middle) / 6 * (fm + 4 * fr + fb)
    if abs(left + right - whole) <= 1e-4 or b - a < 1e-3:
        return left + right + (left + right - whole) / 15
    return simpson(a, middle, fa, fl, fm, left, p) + simpson(middle, b, fm, fr, fb, right, p)


def adaptive(a, b, p):
    fa, fm, fb = integrand(a, p), integrand(0.5 * (a + b), p), integrand(b, p)
    return simpson(a, b, fa, fm, fb, (b - a) / 6 * (fa + 4 * fm + fb), p)


@njit
def quicksort(a, low, high):
    if low >= high:
        return
    pivot = a[(low + high) // 2]
    i, j = low, high
    while i <= j:
        while a[i] < pivot:
            i += 1
        while a[j] > pivot:
            j -= 1
        if i <= j:
            a[i], a[j] = a[j], a[i]
            i += 1
            j -= 1
    quicksort(a, low, j)
    quicksort(a, i, high)


def sorted_products(a, w):
    quicksort(a, 0, a.shape[0] - 1)
    total = 0.0
    for i in range(a.shape[0]):
        total += w[i] * a[i] * a[i]
    return total


@njit
def even(x, n):
    if n == 0:
        return x
    return odd(x * 1.5, n - 1)


@njit
def odd(x, n):
    if n == 0:
        return 2 * x
    return even(np.sin(x), n - 1)


def mutual(x, y, n):
    return even(x, n) * even(y, n + 1)


@njit
def halves(x, work, low, high):
    """Two results, one of them a count; memory of the caller on the way."""
    if high - low == 1:
        work[low] = x[low] * x[low]
        return work[low], 1
    middle = (low + high) // 2
    left, n = halves(x, work, low, middle)
    right, m = halves(x, work, middle, high)
    work[low] = left * right + work[middle]
    return work[low], n + m


def tree(x, work):
    total = 0.0
    for _ in range(2):
        value, leaves = halves(x, work, 0, x.shape[0])
        total += value * leaves
    return total


@njit
def butterflies(re, im, scratch_re, scratch_im):
    n = re.shape[0]
    if n == 1:
        return
    half = n // 2
    for i in range(half):
        scratch_re[i], scratch_im[i] = re[2 * i], im[2 * i]
        scratch_re[half + i], scratch_im[half + i] = re[2 * i + 1], im[2 * i + 1]
    butterflies(scratch_re[:half], scratch_im[:half], re[:half], im[:half])
    butterflies(scratch_re[half:], scratch_im[half:], re[half:], im[half:])
    for i in range(half):
        c, s = np.cos(2 * np.pi * i / n), -np.sin(2 * np.pi * i / n)
        odd_re = c * scratch_re[half + i] - s * scratch_im[half + i]
        odd_im = c * scratch_im[half + i] + s * scratch_re[half + i]
        re[i], im[i] = scratch_re[i] + odd_re, scratch_im[i] + odd_im
        re[half + i], im[half + i] = scratch_re[i] - odd_re, scratch_im[i] - odd_im


def fourier(re, im):
    butterflies(re, im, np.empty_like(re), np.empty_like(im))


@njit
def until(x, depth):
    local = np.empty(3)
    for i in range(3):
        local[i] = x[i] * depth
    if local[0] > 4.0:
        return local[0] * local[1]
    x[0] = x[0] + local[2] * 0.25
    return until(x, depth + 1) + local[1]


def with_local_arrays(x):
    return until(x, 1)


@njit
def folded(x, state, n):
    """What it returns is read through one pointer: to `state`, or to what the call below returned."""
    if n == 0:
        return state[0]
    state[0] = state[0] * x[n - 1] + state[1]
    state[1] = x[n - 1]
    return folded(x, state, n - 1)


def with_a_state(x, state):
    state[0] = x[0]
    return folded(x, state, 3) * state[1]


@njit
def along(parents, x, i):
    if i < 0:
        return 0.0
    return x[i] * x[i] + 0.5 * along(parents, x, parents[i])


def first_in_a_while(parents, x):
    total = 0.0
    while total < 3.0:
        total += along(parents, x, parents.shape[0] - 1)
        x[0] += total
    return total * total


RNG = np.random.default_rng(7)
CALLS = {
    "horner": (polynomial, dup(np.array([1.0, -2.0, 0.5, 3.0])), active(0.7)),
    "simpson": (adaptive, active(0.1), active(2.0), active(1.7)),
    "quicksort": (sorted_products, dup(RNG.normal(size=9)), dup(RNG.normal(size=9))),
    "mutual": (mutual, active(0.3), active(-0.8), const(3)),
    "tree": (tree, dup(RNG.normal(size=5)), const(np.zeros(5))),
    "fourier": (fourier, dup(RNG.normal(size=8)), dup(RNG.normal(size=8))),
    "read through one pointer": (with_a_state, dup(np.array([0.7, 1.1, 1.3])), dup(np.zeros(2))),
    "first in a while": (first_in_a_while, const(np.array([-1, 0, 1, 1])), dup(np.array([0.3, 0.2, 0.4, 0.1]))),
    "local arrays": (with_local_arrays, dup(np.array([1.0, 0.5, 0.75]))),
}


@pytest.mark.parametrize("call", CALLS)
def test_derivatives_of_recursion(call):
    check(*CALLS[call])


@njit
def falls(x, n):
    if n == 0:
        if x[1] > 1.0:
            raise ValueError("bottom")
        return x[1]
    x[0] *= 1.5
    return x[0] * falls(x, n - 1)


def raises_below(x, n):
    return falls(x, n)


def test_a_raise_at_the_bottom_is_the_kernel_s():
    check_raises(raises_below, dup(np.array([1.0, 2.0])), const(4))


def test_a_kernel_that_calls_itself():
    x = 0.7
    c = np.array([1.0, -2.0, 0.5, 3.0])
    adjoint = ad.autodiff(horner, ad.Const, ad.Active, ad.Const)(c, x, 0)
    assert adjoint == pytest.approx(-2.0 + x + 9 * x * x, rel=1e-14)


@njit
def caught(x, n):
    try:
        return falls(x, n)
    except Exception:
        return x[1]


def test_below_a_try_it_is_refused():
    with pytest.raises(ad.UnsupportedError, match=r"calls itself, or that has a rule .*, below a `try`"):
        ad.autodiff(caught, ad.Duplicated, ad.Const)(np.ones(2), np.ones(2), 2)


def test_the_plan_names_the_derivative_of_each_call():
    derivative = ad.autodiff(adaptive, ad.Active, ad.Active, ad.Const)
    derivative(0.0, 1.0, 2.0)
    plan = derivative.inspect_plan()
    assert plan.count("\nplan split") == 1
    assert plan.count("calls\n") == 2


@njit
def of_constants(x, c):
    return x * powers(c, 2)[0, 1] * horner(c[0], 0.5, 0)


def test_calls_without_anything_active():
    """They have no tangents; an array that is returned lies in the tape, if there is one."""
    arguments = 0.75, np.array([[1.0, 0.5], [0.25, 2.0]])
    forward, reverse = ad.autodiff_split(of_constants, ad.Active, ad.Const)
    value, tape = forward(*arguments)
    whole = ad.autodiff(of_constants, ad.Active, ad.Const)
    assert reverse(1.0, tape) == whole(*arguments) == pytest.approx(value / 0.75, rel=1e-15)
    for derivative, arrays in ((reverse, "split"), (whole, "forward")):
        plan = derivative.inspect_plan()
        (text,) = plan.values() if isinstance(plan, dict) else (plan,)
        its_own = text.split("\nplan ")[0]
        calls = [line for line in its_own.splitlines() if line.endswith(", not active")]
        assert [line.split(": ")[1].split("/")[0] for line in calls] == [arrays, "forward"]


@njit
def spectrum(re, im):
    """The arrays of a call, new ones each time."""
    n = re.shape[0]
    if n == 1:
        return re.copy(), im.copy()
    even_re, even_im = spectrum(re[::2].copy(), im[::2].copy())
    odd_re, odd_im = spectrum(re[1::2].copy(), im[1::2].copy())
    out_re, out_im = np.empty(n), np.empty(n)
    for i in range(n // 2):
        c, s = np.cos(2 * np.pi * i / n), -np.sin(2 * np.pi * i / n)
        turned_re = c * odd_re[i] - s * odd_im[i]
        turned_im = c * odd_im[i] + s * odd_re[i]
        out_re[i], out_im[i] = even_re[i] + turned_re, even_im[i] + turned_im
        out_re[n // 2 + i], out_im[n // 2 + i] = even_re[i] - turned_re, even_im[i] - turned_im
    return out_re, out_im


def power(re, im):
    total = 0.0
    for _ in range(2):
        a, b = spectrum(re, im)
        for i in range(a.shape[0]):
            total += i * (a[i] ** 2 + b[i] ** 2)
            re[i] = np.sin(re[i])
    return total


@njit
def merged(a):
    """An array and a count; one array is whole numbers."""
    n = a.shape[0]
    if n <= 1:
        return a.copy(), np.zeros(n, np.int64), 0
    left, places, swaps = merged(a[: n // 2])
    right, others, more = merged(a[n // 2 :])
    out, where = np.empty(n), np.empty(n, np.int64)
    i = j = 0
    for k in range(n):
        if j >= right.shape[0] or (i < left.shape[0] and left[i] <= right[j]):
            out[k], where[k] = left[i], places[i]
            i += 1
        else:
            out[k], where[k] = right[j], n // 2 + others[j]
            j += 1
            swaps += 1
    return out, where, swaps + more


def ranked(a, w):
    out, where, swaps = merged(a)
    total = 0.0
    for k in range(a.shape[0]):
        total += w[where[k]] * out[k] * (k + swaps)
    return total


@njit
def powers(m, n):
    """Matrices, by squaring."""
    if n == 0:
        return np.eye(m.shape[0])
    half = powers(m, n // 2)
    out = np.zeros(m.shape)
    for i in range(m.shape[0]):
        for j in range(m.shape[0]):
            for k in range(m.shape[0]):
                out[i, j] += half[i, k] * half[k, j]
    if n % 2 == 0:
        return out
    odd = np.zeros(m.shape)
    for i in range(m.shape[0]):
        for j in range(m.shape[0]):
            for k in range(m.shape[0]):
                odd[i, j] += out[i, k] * m[k, j]
    return odd


def corner(m):
    m[0, 1] *= 1.5
    return powers(m, 5)[0, 1] + powers(m, 3)[1, 1]


ARRAYS = {
    "spectrum": (power, dup(RNG.normal(size=4)), dup(RNG.normal(size=4))),
    "merge sort": (ranked, dup(RNG.normal(size=7)), dup(RNG.normal(size=7))),
    "matrix power": (corner, dup(RNG.normal(size=(2, 2)))),
}


@pytest.mark.parametrize("call", ARRAYS)
def test_recursion_that_returns_arrays(call):
    check(*ARRAYS[call])


@njit
def last(x, n):
    if n == 0:
        return x
    x[0] *= 1.5
    return last(x, n - 1)


def returns_its_argument(x):
    return last(x, 2)[0]


def test_an_argument_that_comes_back_is_refused():
    with pytest.raises(ad.UnsupportedError, match="returns an array which it has not made itself"):
        ad.autodiff(returns_its_argument, ad.Duplicated)(np.ones(2), np.ones(2))


@njit
def weighted(x, w, i):
    """Reads arrays again and again, and writes none of them."""
    if i == 0:
        return 0.0
    total = 0.0
    for j in range(x.shape[0]):
        total += np.sin(x[j] * w[i]) * x[j]
    return total * (1.0 + weighted(x, w, i - 1))


def read_at_every_depth(x, w):
    total = weighted(x, w, 2)
    for i in range(w.shape[0]):
        w[i] = 0.5 * w[i] + total
    return weighted(x, w, 2) * w[0]


def test_what_nobody_writes_before_the_reverse_half_is_read_again():
    check(read_at_every_depth, dup(RNG.normal(size=3)), dup(RNG.normal(size=3)))
    derivative = ad.autodiff(read_at_every_depth, ad.Duplicated, ad.Duplicated)
    derivative(*(np.ones(3) for _ in range(4)))
    plan = derivative.inspect_plan()
    # The first call's `w` is written after it, the second call's is not.
    assert "plan split (a0: duplicated, stays, a1: duplicated, a2: const)" in plan
    assert "plan split (a0: duplicated, stays, a1: duplicated, stays, a2: const)" in plan
    assert plan.count("not written again") > 2


@njit
def doubled(x, y):
    return 1.01 * x + np.sin(y) * x


def twice(below):
    @njit
    def level(x, y):
        return below(x, y) - 0.5 * below(y, x)

    return level


def chain(levels):
    """Functions each of which calls the one before twice: inlined they would be 2 ** levels copies."""
    below = doubled
    for _ in range(levels):
        below = twice(below)
    return below


def test_a_function_that_would_be_copied_thousands_of_times_stays():
    called = chain(12)

    def kernel(x, y):
        return called(x, y) * y

    check(kernel, active(0.3), active(0.4))
    derivative = ad.autodiff(njit(kernel), ad.Active, ad.Active)
    derivative(0.3, 0.4)
    assert derivative.compile_report().instructions < 20_000
