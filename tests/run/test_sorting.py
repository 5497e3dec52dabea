"""Sorting in place: the permutation depends on the data, the derivative follows the elements."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from oracle import check, dup


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
