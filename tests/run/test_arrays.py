"""Array arguments: ranks 1 to 4, every layout, float32, sizes zero and one, what is read and what is written."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from oracle import active, check, const, dup


@njit
def total(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
    return s


@njit
def squares(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * a[i]
    return s


@njit
def scale(a, x):
    for i in range(a.shape[0]):
        a[i] = a[i] * x


@njit
def axpy(y, a, x):
    for i in range(len(y)):
        y[i] += a * x[i]


@njit
def rank_2(a, b):
    rows, columns = a.shape
    for i in range(rows):
        for j in range(columns):
            b[i, j] = a[i, j] * b[i, j] + a[i, (j + 1) % columns]


@njit
def rank_3(a):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            for k in range(a.shape[2]):
                a[i, j, k] *= a[i, j, k]
                s += a[i, j, k] * (i + 2 * j + 3 * k)
    return s


@njit
def rank_4(a, b):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            for k in range(a.shape[2]):
                for m in range(a.shape[3]):
                    b[j, i] += a[i, j, k, m] * a[i, j, k, 0]


@njit
def matrix_product(c, a, b):
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            s = 0.0
            for k in range(a.shape[1]):
                s += a[i, k] * b[k, j]
            c[i, j] = s


@njit
def matrix_product_in_place(c, a, b):
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                c[i, j] += a[i, k] * b[k, j]


@njit
def dead_output(a, out):
    for i in range(a.shape[0]):
        out[i] = a[i] * a[i]


@njit
def overwrites_with_constant(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * a[i] * a[i]
        a[i] = 1.0
    return s


@njit
def first_and_last(a):
    return a[0] * a[-1]


@njit
def whole_numbers(a, counts):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * counts[i]
        counts[i] += 1
    return s


@njit
def masked(a, mask):
    for i in range(a.shape[0]):
        if mask[i]:
            a[i] *= a[i]


@njit
def mixed_precision(a, b):
    for i in range(a.shape[0]):
        b[i] = a[i] * a[i] + b[i]


def test_sum(rng):
    check(total, dup(rng.normal(size=6)))


def test_sum_of_squares(rng):
    check(squares, dup(rng.normal(size=6)), each_step=True)


@pytest.mark.parametrize("size", [0, 1])
def test_tiny_sizes(rng, size):
    check(squares, dup(rng.normal(size=size)))


def test_scaled_in_place(rng):
    check(scale, dup(rng.normal(size=5)), active(1.3), each_step=True)


def test_axpy(rng):
    check(axpy, dup(rng.normal(size=5)), active(0.7), dup(rng.normal(size=5)))


def test_axpy_with_const_array(rng):
    check(axpy, dup(rng.normal(size=5)), active(0.7), const(rng.normal(size=5)))


def test_rank_2(rng):
    check(rank_2, dup(rng.normal(size=(3, 4))), dup(rng.normal(size=(3, 4))))


def test_rank_2_fortran_order(rng):
    check(rank_2, dup(np.asfortranarray(rng.normal(size=(3, 4)))), dup(np.asfortranarray(rng.normal(size=(3, 4)))))


def test_rank_2_of_two_orders(rng):
    check(rank_2, dup(np.asfortranarray(rng.normal(size=(3, 4)))), dup(rng.normal(size=(3, 4))))


def test_rank_2_strided(rng):
    check(rank_2, dup(rng.normal(size=(6, 12))[::2, 1::3]), dup(rng.normal(size=(6, 4))[1::2]))


def test_rank_2_negative_strides(rng):
    check(rank_2, dup(rng.normal(size=(3, 4))[::-1, ::-1]), dup(rng.normal(size=(3, 8))[:, ::-2]))


def test_rank_2_transposed_argument(rng):
    check(rank_2, dup(rng.normal(size=(4, 3)).T), dup(rng.normal(size=(3, 4))))


def test_rank_1_strided(rng):
    check(squares, dup(rng.normal(size=11)[::3]))
    check(scale, dup(rng.normal(size=11)[10:2:-2]), active(0.7))


def test_rank_3(rng):
    check(rank_3, dup(rng.normal(size=(2, 3, 2))))


def test_rank_3_any_layout(rng):
    check(rank_3, dup(np.moveaxis(rng.normal(size=(2, 3, 4)), 0, 1)[:, :, ::-2]))


def test_rank_4(rng):
    check(rank_4, dup(rng.normal(size=(2, 2, 2, 3))), dup(rng.normal(size=(2, 2))))


def test_matrix_product(rng):
    check(
        matrix_product,
        dup(rng.normal(size=(3, 2))),
        dup(rng.normal(size=(3, 4))),
        dup(rng.normal(size=(4, 2))),
        each_step=True,
    )


def test_matrix_product_accumulated(rng):
    check(
        matrix_product_in_place,
        dup(rng.normal(size=(3, 2))),
        dup(rng.normal(size=(3, 4))),
        dup(rng.normal(size=(4, 2))),
    )


def test_output_that_is_only_written(rng):
    check(dead_output, dup(rng.normal(size=4)), dup(np.full(4, np.nan)))


def test_const_output(rng):
    check(dead_output, dup(rng.normal(size=4)), const(np.zeros(4)))


def test_const_input(rng):
    check(dead_output, const(rng.normal(size=4)), dup(np.zeros(4)))


def test_overwritten_with_a_constant(rng):
    check(overwrites_with_constant, dup(rng.normal(size=4)))


def test_negative_index(rng):
    check(first_and_last, dup(rng.normal(size=4)))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16, np.int8, np.uint64, np.uint32, np.uint16, np.uint8])
def test_integer_array(rng, dtype):
    check(whole_numbers, dup(rng.normal(size=4)), const(np.arange(1, 5).astype(dtype)), without=())


def test_boolean_array(rng):
    check(masked, dup(rng.normal(size=5)), const(np.array([True, False, True, True, False])))


def test_float32_array(rng):
    check(squares, dup(rng.normal(size=5).astype(np.float32)))
    check(scale, dup(rng.normal(size=5).astype(np.float32)), active(np.float32(0.7)))


def test_float32_and_float64_arrays(rng):
    check(mixed_precision, dup(rng.normal(size=5).astype(np.float32)), dup(rng.normal(size=5)))
    check(mixed_precision, dup(rng.normal(size=5)), dup(rng.normal(size=5).astype(np.float32)))


def test_zero_rows(rng):
    check(rank_2, dup(np.empty((0, 3))), dup(np.empty((0, 3))))


def test_more_inputs_than_unit_directions(rng):
    check(squares, dup(rng.normal(size=150)))
