"""Indices read from memory or computed: gather, scatter, histogram, permutations, chains, indices that change."""

from __future__ import annotations

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def gather(a, index):
    s = 0.0
    for i in range(index.shape[0]):
        s += a[index[i]] * a[index[i]]
    return s


@njit
def scatter(a, index, out):
    for i in range(index.shape[0]):
        out[index[i]] = a[i] * a[i]


@njit
def scatter_add(a, index, out):
    for i in range(index.shape[0]):
        out[index[i]] += a[i] * out[index[i]]


@njit
def histogram(x, weights, bins):
    for i in range(x.shape[0]):
        k = int((x[i] + 1.0) * 0.5 * bins.shape[0])
        if 0 <= k < bins.shape[0]:
            bins[k] += weights[i] * x[i]


@njit
def permute_in_place(a, order):
    t = a.copy()
    for i in range(a.shape[0]):
        a[i] = t[order[i]] * t[i]


@njit
def chained(a, first, second):
    for i in range(first.shape[0]):
        a[second[first[i]]] *= a[first[i]]


@njit
def walk(a, following, start, n):
    s = 1.0
    k = start
    for _ in range(n):
        s = s * a[k] + a[0]
        k = following[k]
    return s


@njit
def indices_change(a, index):
    s = 0.0
    for _ in range(3):
        for i in range(index.shape[0]):
            s += a[index[i]] * s + a[index[i]] * a[i]
            index[i] = (index[i] + 1) % a.shape[0]
    return s


@njit
def index_from_value(a):
    n = a.shape[0]
    for i in range(n):
        k = int(abs(a[i]) * 10.0) % n
        a[k] = a[k] * a[i] + 0.3
    return a[0]


@njit
def largest(a):
    k = 0
    for i in range(a.shape[0]):
        if a[i] > a[k]:
            k = i
    a[k] *= a[k]
    return a[k]


@njit
def sparse_matrix_vector(values, columns, starts, x, y):
    for i in range(starts.shape[0] - 1):
        s = 0.0
        for k in range(starts[i], starts[i + 1]):
            s += values[k] * x[columns[k]]
        y[i] = s


@njit
def bilinear(image, x, y):
    i = int(x)
    j = int(y)
    u = x - i
    v = y - j
    top = image[i, j] * (1.0 - v) + image[i, j + 1] * v
    bottom = image[i + 1, j] * (1.0 - v) + image[i + 1, j + 1] * v
    return top * (1.0 - u) + bottom * u


@njit
def lookup_table(a, table):
    s = 0.0
    for i in range(a.shape[0]):
        k = min(max(int(a[i] * 2.0 + 2.0), 0), table.shape[0] - 1)
        s += table[k] * a[i]
    return s


@njit
def two_dimensional_index(m, pairs):
    for k in range(pairs.shape[0]):
        m[pairs[k, 0], pairs[k, 1]] *= m[pairs[k, 1], pairs[k, 0]]


@njit
def mesh_forces(position, springs, force):
    for k in range(springs.shape[0]):
        i, j = springs[k]
        d = position[j] - position[i]
        f = d * d * d
        force[i] += f
        force[j] -= f


@njit
def bucket_order(keys, a, starts):
    out = np.empty_like(a)
    for i in range(keys.shape[0]):
        out[starts[keys[i]]] = a[i] * a[i]
        starts[keys[i]] += 1
    for i in range(a.shape[0]):
        a[i] = out[i]


def test_gather(rng):
    check(gather, dup(rng.normal(size=4)), const(np.array([3, 0, 3, 1, 3])))


def test_gather_with_int32_indices(rng):
    check(gather, dup(rng.normal(size=4)), const(np.array([3, 0, 3, 1, 3], np.int32)))


def test_gather_with_unsigned_indices(rng):
    check(gather, dup(rng.normal(size=4)), const(np.array([3, 0, 3, 1, 3], np.uint8)))


def test_gather_with_negative_indices(rng):
    check(gather, dup(rng.normal(size=4)), const(np.array([-1, 0, -4, 1])))


def test_scatter_where_the_last_one_wins(rng):
    check(scatter, dup(rng.normal(size=5)), const(np.array([2, 0, 2, 1, 2])), dup(rng.normal(size=4)))


def test_scatter_add(rng):
    check(
        scatter_add, dup(rng.normal(size=5)), const(np.array([2, 0, 2, 1, 2])), dup(rng.normal(size=4)), each_step=True
    )


def test_histogram(rng):
    check(histogram, dup(rng.uniform(-1.2, 1.2, size=8)), dup(rng.normal(size=8)), dup(np.zeros(4)))


def test_permutation(rng):
    check(permute_in_place, dup(rng.normal(size=5)), const(np.array([2, 0, 4, 1, 3])))


def test_chained_indices(rng):
    check(chained, dup(rng.normal(size=4)), const(np.array([3, 0, 1])), const(np.array([1, 1, 2, 0])))


def test_linked_list(rng):
    check(walk, dup(rng.normal(size=4)), const(np.array([2, 3, 1, 1])), const(0), const(7))


def test_index_array_that_changes(rng):
    check(indices_change, dup(rng.uniform(-0.5, 0.5, size=4)), const(np.array([1, 3, 0])))


def test_index_computed_from_data(rng):
    check(index_from_value, dup(rng.normal(size=6)))


def test_argmax(rng):
    check(largest, dup(rng.normal(size=6)))


def test_sparse_matrix_times_vector(rng):
    check(
        sparse_matrix_vector,
        dup(rng.normal(size=5)),
        const(np.array([0, 2, 1, 0, 2])),
        const(np.array([0, 2, 2, 5])),
        dup(rng.normal(size=3)),
        dup(np.zeros(3)),
    )


def test_bilinear_interpolation(rng):
    check(bilinear, dup(rng.normal(size=(4, 4))), active(1.3), active(2.6))


def test_lookup_table(rng):
    check(lookup_table, dup(rng.normal(size=6)), dup(rng.normal(size=5)))


def test_two_dimensional_indices(rng):
    check(two_dimensional_index, dup(rng.normal(size=(3, 3))), const(np.array([[0, 1], [1, 2], [2, 2], [1, 0]])))


def test_forces_on_a_mesh(rng):
    check(mesh_forces, dup(rng.normal(size=4)), const(np.array([[0, 1], [1, 2], [3, 0], [2, 0]])), dup(np.zeros(4)))


def test_bucket_order(rng):
    check(bucket_order, const(np.array([1, 0, 2, 0, 1])), dup(rng.normal(size=5)), const(np.array([0, 2, 4])))
