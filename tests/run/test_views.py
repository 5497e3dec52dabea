"""Views made inside the kernel: slices, rows, transposes, reshapes, views of views; written through and read back."""

from __future__ import annotations

import numpy as np
from numba import njit
from oracle import active, check, const, dup

import pyfront as ad


@njit
def shifted(a):
    tail = a[1:]
    for i in range(tail.shape[0]):
        tail[i] = tail[i] * a[i]


@njit
def every_second(a):
    even = a[::2]
    odd = a[1::2]
    for i in range(odd.shape[0]):
        even[i] *= odd[i]
        odd[i] += even[i] * even[i]


@njit
def backwards(a):
    b = a[::-1]
    for i in range(a.shape[0]):
        a[i] = a[i] * b[i]


@njit
def rows(m):
    s = 0.0
    for i in range(m.shape[0]):
        row = m[i]
        for j in range(row.shape[0]):
            row[j] = row[j] * row[0] + s
            s += row[j]
    return s


@njit
def columns(m, x):
    for j in range(m.shape[1]):
        column = m[:, j]
        for i in range(1, column.shape[0]):
            column[i] += x * column[i - 1] * column[i]


@njit
def diagonal_steps(m):
    flat = m.reshape(m.size)
    step = m.shape[1] + 1
    diagonal = flat[::step]
    s = 1.0
    for i in range(diagonal.shape[0]):
        s *= diagonal[i]
        diagonal[i] = s
    return s


@njit
def transposed(m):
    t = m.T
    for i in range(t.shape[0]):
        for j in range(t.shape[1]):
            if i < j:
                t[i, j] = t[i, j] * m[i, j]


@njit
def transpose_call(m, out):
    t = np.transpose(m)
    for i in range(t.shape[0]):
        for j in range(t.shape[1]):
            out[i, j] = t[i, j] * t[i, j]


@njit
def block(m):
    inner = m[1:-1, 1:-1]
    for i in range(inner.shape[0]):
        for j in range(inner.shape[1]):
            inner[i, j] = inner[i, j] * m[i, j] + m[i + 2, j + 2]


@njit
def view_of_view(a):
    b = a[1:]
    c = b[1:]
    d = c[::-1]
    for i in range(d.shape[0]):
        d[i] += b[i] * a[i]


@njit
def reshaped(a, rows):
    m = a.reshape(rows, a.size // rows)
    for i in range(m.shape[0]):
        for j in range(1, m.shape[1]):
            m[i, j] = m[i, j] * m[i, j - 1]


@njit
def raveled(m):
    a = m.ravel()
    s = 0.0
    for i in range(a.shape[0] - 1):
        a[i] = a[i] * a[i + 1]
        s += a[i]
    return s


@njit
def plane_of_cube(c, k):
    plane = c[:, k, :]
    for i in range(plane.shape[0]):
        for j in range(plane.shape[1]):
            plane[i, j] *= c[i, 0, j]


@njit
def slice_assigned(a, b):
    a[1:4] = b[0:3]
    a[0] = a[1] * a[2]


@njit
def slice_filled(a, x):
    s = a[0] * a[1]
    a[:2] = x
    a[2:] = 2.0
    return s * a[1] * a[3]


@njit
def slice_copied_within(a):
    for _ in range(3):
        a[1:] = a[:-1].copy()
        a[0] = a[1] * a[2]


@njit
def run_time_slice(a, low, high, step):
    part = a[low:high:step]
    s = 0.0
    for i in range(part.shape[0]):
        s += part[i] * part[i]
        part[i] = s
    return s


@njit
def window(a, n, out):
    for i in range(a.shape[0] - n + 1):
        part = a[i : i + n]
        s = 0.0
        for j in range(n):
            s += part[j] * part[j]
        out[i] = s


@njit
def chosen_view(a, left):
    part = a[:3] if left else a[3:]
    s = 0.0
    for i in range(part.shape[0]):
        part[i] = part[i] * part[i]
        s += part[i]
    return s


@njit
def empty_slice(a):
    part = a[3:3]
    s = a[0]
    for i in range(part.shape[0]):
        s += part[i]
    return s * s


def test_shifted_view(rng):
    check(shifted, dup(rng.normal(size=6)), each_step=True)


def test_interleaved_views(rng):
    check(every_second, dup(rng.normal(size=7)))


def test_reversed_view(rng):
    check(backwards, dup(rng.normal(size=5)))


def test_rows(rng):
    check(rows, dup(rng.normal(size=(3, 3))))


def test_rows_of_strided_argument(rng):
    check(rows, dup(rng.normal(size=(3, 6))[:, ::-2]))


def test_columns(rng):
    check(columns, dup(rng.normal(size=(4, 3))), active(0.6))


def test_diagonal_through_flat_view(rng):
    check(diagonal_steps, dup(rng.normal(size=(3, 3))))


def test_transposed_view(rng):
    check(transposed, dup(rng.normal(size=(4, 4))))


def test_np_transpose(rng):
    check(transpose_call, dup(rng.normal(size=(2, 3))), dup(rng.normal(size=(3, 2))))


def test_inner_block(rng):
    check(block, dup(rng.normal(size=(4, 5))))


def test_view_of_view_of_view(rng):
    check(view_of_view, dup(rng.normal(size=6)))


def test_reshape(rng):
    check(reshaped, dup(rng.normal(size=6)), const(2))


def test_ravel(rng):
    check(raveled, dup(rng.normal(size=(2, 3))))


def test_plane_of_cube(rng):
    check(plane_of_cube, dup(rng.normal(size=(2, 3, 2))), const(2))


def test_assignment_to_slice(rng):
    check(slice_assigned, dup(rng.normal(size=5)), dup(rng.normal(size=4)))


def test_fill_of_slice(rng):
    check(slice_filled, dup(rng.normal(size=5)), active(0.6))


def test_copy_within_one_array(rng):
    check(slice_copied_within, dup(rng.normal(size=5)))


def test_slice_with_run_time_bounds(rng):
    check(run_time_slice, dup(rng.normal(size=9)), const(1), const(8), const(3))
    check(run_time_slice, dup(rng.normal(size=9)), const(8), const(1), const(-2))


def test_sliding_window(rng):
    check(window, dup(rng.normal(size=6)), const(3), dup(rng.normal(size=4)))


def test_view_chosen_at_run_time(rng):
    check(chosen_view, dup(rng.normal(size=6)), const(True))
    check(chosen_view, dup(rng.normal(size=6)), const(False))


def test_empty_slice(rng):
    check(empty_slice, dup(rng.normal(size=4)))


@njit
def flat_view_of_strided(a):
    n, m = a.shape
    flat = np.lib.stride_tricks.as_strided(a, (n * m,), (a.strides[1],))
    s = 0.0
    for k in range(n * m):
        s += flat[k] * flat[k]
    for i in range(n - 1):
        for j in range(m):
            a[i + 1, j] = 0.0
    return s


def test_subscripts_of_a_view_are_not_those_of_its_array():
    base = np.arange(1.0, 13.0).reshape(3, 4)
    a, shadow = base[:, ::2], np.zeros((3, 4))[:, ::2]
    want = 2.0 * a
    ad.autodiff(flat_view_of_strided, ad.Duplicated)(a, shadow)
    np.testing.assert_allclose(shadow, want)
