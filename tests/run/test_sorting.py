"""Sorting, written in the kernel and Numba's own: the permutation depends on the data, the derivative follows the
elements."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad


@njit
def insertion(a):
    for i in range(1, a.shape[0]):
        value = a[i]
        j = i - 1
        while j >= 0 and a[j] > value:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = value


@njit
def bubble(a):
    n = a.shape[0]
    swapped = True
    while swapped:
        swapped = False
        for i in range(n - 1):
            if a[i] > a[i + 1]:
                a[i], a[i + 1] = a[i + 1], a[i]
                swapped = True
        n -= 1


@njit
def selection(a):
    for i in range(a.shape[0]):
        k = i
        for j in range(i + 1, a.shape[0]):
            if a[j] < a[k]:
                k = j
        a[i], a[k] = a[k], a[i]


@njit
def quick(a):
    stack = np.empty(64, np.int64)
    stack[0], stack[1] = 0, a.shape[0] - 1
    top = 2
    while top > 0:
        top -= 2
        low, high = stack[top], stack[top + 1]
        if low >= high:
            continue
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
        stack[top], stack[top + 1] = low, j
        stack[top + 2], stack[top + 3] = i, high
        top += 4


@njit
def heap(a):
    n = a.shape[0]
    start = n // 2
    end = n
    while end > 1:
        if start > 0:
            start -= 1
        else:
            end -= 1
            a[0], a[end] = a[end], a[0]
        root = start
        while 2 * root + 1 < end:
            child = 2 * root + 1
            if child + 1 < end and a[child] < a[child + 1]:
                child += 1
            if a[root] >= a[child]:
                break
            a[root], a[child] = a[child], a[root]
            root = child


@njit
def merge(a):
    n = a.shape[0]
    source, target = a.copy(), np.empty_like(a)
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (j >= high or source[i] <= source[j]):
                    target[k] = source[i]
                    i += 1
                else:
                    target[k] = source[j]
                    j += 1
        source, target = target, source
        width *= 2
    for i in range(n):
        a[i] = source[i]


@njit
def weighted_median(a, weights):
    for i in range(1, a.shape[0]):
        value, weight = a[i], weights[i]
        j = i - 1
        while j >= 0 and a[j] > value:
            a[j + 1] = a[j]
            weights[j + 1] = weights[j]
            j -= 1
        a[j + 1] = value
        weights[j + 1] = weight
    s = 0.0
    for i in range(a.shape[0]):
        s += weights[i] * a[i] * (i + 1)
    return s


@njit
def squares_while_sorting(a):
    for i in range(1, a.shape[0]):
        for j in range(i, 0, -1):
            if a[j - 1] > a[j]:
                t = a[j - 1] * 1.01
                a[j - 1] = a[j] * a[j] * 0.5
                a[j] = t


@pytest.mark.parametrize("sort", [insertion, bubble, selection, quick, heap, merge], ids=lambda kernel: kernel.__name__)
def test_sort(rng, sort):
    check(sort, dup(rng.normal(size=9)))


def test_sorted_input(rng):
    check(insertion, dup(np.sort(rng.normal(size=6))), without=())


def test_reverse_sorted_input(rng):
    check(insertion, dup(np.sort(rng.normal(size=6))[::-1]), without=())


def test_sort_with_each_plan_step_off(rng):
    check(insertion, dup(rng.normal(size=7)), each_step=True)


def test_sort_of_pairs(rng):
    check(weighted_median, dup(rng.normal(size=6)), dup(rng.normal(size=6)))


def test_values_changed_while_sorting(rng):
    check(squares_while_sorting, dup(rng.uniform(0.5, 1.5, size=6)))


# Numba's own.


@njit
def sorted_copies(a, w):
    """Overwrites what it has sorted, in a loop."""
    total = 0.0
    for k in range(2):
        b = np.sort(a)
        for i in range(b.shape[0]):
            total += w[i] * b[i] * b[i]
        a[k] = 0.5 * total
    return total


@njit
def sorted_in_place(a, x):
    a *= x
    a[1:].sort()
    a[::-1].sort(kind="mergesort")
    a[0] *= a[-1]
    a.sort(kind="stable")


@njit
def by_order(a, w):
    total = 0.0
    i, j = np.argsort(a), a.argsort(kind="mergesort")
    for k in range(a.shape[0]):
        total += w[k] * a[i[k]] * a[j[a.shape[0] - 1 - k]]
    a[i[0]] = 0.0
    return total + a[np.argsort(a, kind="quicksort")[0]]


@njit
def sorted_rows(m):
    m.sort(kind="mergesort")
    b = np.sort(m.T)
    return b[0, 0] * b[1, 2]


@njit
def counted(a, places):
    """Whole numbers are sorted as well; those that stand twice count once."""
    places.sort()
    total = 0.0
    for k in np.unique(places):
        total += a[k] * a[k]
    b = np.unique(a)
    c = np.partition(a, 3)
    return total * b[1] + c[3] * a[np.argpartition(a, 2)[2]]


@njit
def truncated_mean(a):
    b = np.sort(a)
    return np.mean(b[1:-1]) + np.median(a)


@pytest.mark.parametrize("size", [2, 5, 40])
def test_numbas_sorts(rng, size):
    """Short arrays are sorted by insertion, others not."""
    check(sorted_copies, dup(rng.normal(size=size)), dup(rng.normal(size=size)), without=())
    check(sorted_in_place, dup(rng.normal(size=size)), active(0.75), without=())
    check(by_order, dup(rng.normal(size=size)), const(rng.normal(size=size)), without=())


def test_numbas_sorts_of_rows_and_of_arrays_with_gaps(rng):
    check(sorted_rows, dup(np.asfortranarray(rng.normal(size=(3, 4)))), without=())
    check(sorted_in_place, dup(rng.normal(size=(4, 9))[:, 2]), active(0.75), without=())
    check(sorted_in_place, dup(rng.normal(size=12).astype(np.float32)[::2]), active(0.75), without=())


def test_whole_numbers_and_what_is_made_of_sorts(rng):
    check(counted, dup(rng.normal(size=7)), const(np.array([4, 1, 4, 0])), without=())
    check(truncated_mean, dup(rng.normal(size=7)), without=())


@njit
def sorts(a):
    a.sort()


def test_ties_and_what_is_no_number():
    """Values are those of Numba; of equal numbers each keeps its own tangent."""
    a = np.array([2.0, np.nan, -0.0, 2.0, 0.0, np.inf, np.nan])
    plain, tangent = a.copy(), np.arange(7.0)
    sorts(plain)
    ad.autodiff(sorts, ad.Duplicated, mode=ad.Forward)(a, tangent)
    assert a.tobytes() == plain.tobytes()
    assert sorted(tangent) == list(range(7))
    assert sorted(tangent[2:4]) == [0.0, 3.0]
    assert tangent[4] == 5.0
    empty = np.empty(0)
    ad.autodiff(sorts, ad.Duplicated)(empty, empty.copy())
