"""Arrays that the kernel allocates: every constructor, inside loops, swapped by name, chosen at run time."""

from __future__ import annotations

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def empty(a):
    t = np.empty(a.shape[0])
    for i in range(a.shape[0]):
        t[i] = a[i] * a[i]
    s = 0.0
    for i in range(a.shape[0]):
        s += t[i] * t[a.shape[0] - 1 - i]
    return s


@njit
def zeros(a):
    t = np.zeros(a.shape[0] + 1)
    for i in range(a.shape[0]):
        t[i + 1] = t[i] + a[i] * a[i]
    return t[-1] * t[1]


@njit
def ones(a):
    t = np.ones(a.shape)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            t[i, j] *= a[i, j] * t[0, 0]
    return t[0, 0] * t[-1, -1]


@njit
def full(a, x):
    t = np.full(a.shape[0], x)
    for i in range(a.shape[0]):
        t[i] *= a[i]
    s = 0.0
    for i in range(a.shape[0]):
        s += t[i] * t[i]
    return s


@njit
def full_of_ints(a):
    t = np.full(3, 2)
    for i in range(3):
        a[i] = a[i] ** t[i]


@njit
def likes(a):
    e = np.empty_like(a)
    z = np.zeros_like(a)
    o = np.ones_like(a)
    f = np.full_like(a, 0.5)
    for i in range(a.shape[0]):
        e[i] = a[i] * f[i]
        z[i] += e[i] * a[i]
        o[i] -= z[i]
        f[i] = o[i] * e[i]
    s = 0.0
    for i in range(a.shape[0]):
        s += e[i] + z[i] * o[i] + f[i]
    return s


@njit
def copied(a):
    before = a.copy()
    for i in range(a.shape[0]):
        a[i] = a[i] * before[a.shape[0] - 1 - i]


@njit
def np_copied(a):
    before = np.copy(a)
    for i in range(1, a.shape[0]):
        a[i] += a[i - 1] * before[i]


@njit
def copy_of_strided(m):
    column = m[:, 0].copy()
    for i in range(column.shape[0]):
        column[i] *= m[i, 1]
    s = 0.0
    for i in range(column.shape[0]):
        s += column[i] * column[0]
    return s


@njit
def from_list(x, y):
    t = np.array([x, y, x * y, 1.0])
    s = 0.0
    for i in range(4):
        t[i] *= t[0]
        s += t[i]
    return s


@njit
def float32_scratch(a):
    t = np.zeros(a.shape[0], np.float32)
    for i in range(a.shape[0]):
        t[i] = a[i] * a[i]
    s = 0.0
    for i in range(a.shape[0]):
        s += t[i] * a[i]
    return s


@njit
def integer_scratch(a):
    order = np.zeros(a.shape[0], np.int64)
    for i in range(a.shape[0]):
        order[i] = (i * 2) % a.shape[0]
    for i in range(a.shape[0]):
        a[i] *= a[order[i]]


@njit
def allocated_in_loop(a, n):
    for _ in range(n):
        t = np.empty(a.shape[0])
        for i in range(a.shape[0]):
            t[i] = a[i] * a[(i + 1) % a.shape[0]]
        for i in range(a.shape[0]):
            a[i] = 0.5 * t[i]


@njit
def zeros_in_loop_of_growing_size(a):
    s = 0.0
    for n in range(1, a.shape[0] + 1):
        t = np.zeros(n)
        for i in range(n):
            t[i] += a[i] * (s + 1.0)
        for i in range(n):
            s += t[i] * t[n - 1 - i] * 0.1
    return s


@njit
def swapped_by_name(a, steps):
    old = a.copy()
    new = np.zeros_like(a)
    for _ in range(steps):
        for i in range(1, a.shape[0] - 1):
            new[i] = old[i] * old[i - 1] + 0.5 * old[i + 1]
        old, new = new, old
    for i in range(a.shape[0]):
        a[i] = old[i]


@njit
def rotated_by_name(a, steps):
    p, q, r = np.zeros_like(a), a.copy(), np.ones_like(a)
    for _ in range(steps):
        for i in range(a.shape[0]):
            p[i] = q[i] * r[i] + 0.3 * p[i]
        p, q, r = q, r, p
    s = 0.0
    for i in range(a.shape[0]):
        s += p[i] + 2.0 * q[i] * r[i]
    return s


@njit
def arguments_swapped_by_name(a, b, steps):
    for _ in range(steps):
        for i in range(a.shape[0]):
            a[i] = b[i] * b[i] + 0.1 * a[i]
        a, b = b, a


@njit
def replaced_in_loop(a, steps):
    state = a
    for _ in range(steps):
        following = np.empty_like(state)
        for i in range(state.shape[0]):
            following[i] = state[i] * state[(i + 1) % state.shape[0]]
        state = following
    s = 0.0
    for i in range(state.shape[0]):
        s += state[i]
    return s


@njit
def copied_in_loop(a, steps):
    state = a
    for k in range(steps):
        following = state.copy()
        for i in range(1, state.shape[0]):
            following[i] += state[i - 1] * state[i]
        state = following
    return state[-1] * state[0]


@njit
def chosen(a, x):
    big = np.zeros(a.shape[0])
    small = np.ones(a.shape[0])
    for i in range(a.shape[0]):
        target = big if a[i] > 0.0 else small
        target[i] += a[i] * x
    s = 0.0
    for i in range(a.shape[0]):
        s += big[i] * small[i]
    return s


@njit
def allocated_under_condition(a, deep):
    s = 0.0
    if deep:
        t = np.empty(a.shape[0])
        for i in range(a.shape[0]):
            t[i] = a[i] * a[i]
        for i in range(a.shape[0]):
            s += t[i] * t[0]
    return s + a[0]


@njit
def never_read(a):
    t = np.empty(a.shape[0])
    s = 0.0
    for i in range(a.shape[0]):
        t[i] = a[i] * a[i]
        s += a[i]
    return s


@njit
def scratch_kept_between_iterations(a, n):
    t = np.empty(3)
    s = 0.0
    for k in range(n):
        t[0] = a[k]
        t[1] = t[0] * t[0]
        t[2] = t[1] * t[0]
        s += t[2] * t[1]
    return s


@njit
def two_dimensional(a):
    n = a.shape[0]
    t = np.zeros((n, n))
    for i in range(n):
        for j in range(i, n):
            t[i, j] = a[i] * a[j]
            t[j, i] = t[i, j]
    s = 0.0
    for i in range(n):
        for j in range(n):
            s += t[i, j] * (i + 1)
    return s


@njit
def starts_as_a_copy(x, c, rounds):
    """A block of constants is copied over active data, again and again."""
    t = np.ones_like(x)
    s = 0.0
    for _ in range(rounds):
        for i in range(x.shape[0]):
            t[i] *= x[i]
            s += t[i] * t[i - 1]
        t[:] = c
        s += t[0] * x[1]
    return s


def test_empty(rng):
    check(empty, dup(rng.normal(size=4)), each_step=True)


def test_zeros(rng):
    check(zeros, dup(rng.normal(size=4)))


def test_ones(rng):
    check(ones, dup(rng.normal(size=(2, 3))))


def test_full_of_an_active_value(rng):
    check(full, dup(rng.normal(size=4)), active(0.8))


def test_full_of_ints(rng):
    check(full_of_ints, dup(rng.normal(size=3)))


def test_likes(rng):
    check(likes, dup(rng.normal(size=4)))


def test_copy_method(rng):
    check(copied, dup(rng.normal(size=5)))


def test_np_copy(rng):
    check(np_copied, dup(rng.normal(size=5)))


def test_copy_of_strided_view(rng):
    check(copy_of_strided, dup(rng.normal(size=(4, 3))))


def test_array_of_active_scalars():
    check(from_list, active(0.7), active(1.9))


def test_float32_scratch(rng):
    check(float32_scratch, dup(rng.normal(size=4)), width=4)


def test_integer_scratch(rng):
    check(integer_scratch, dup(rng.normal(size=5)))


def test_allocated_inside_loop(rng):
    check(allocated_in_loop, dup(rng.normal(size=4)), const(3), each_step=True)


def test_allocated_inside_loop_with_growing_size(rng):
    check(zeros_in_loop_of_growing_size, dup(rng.normal(size=4)))


def test_copied_in_loop(rng):
    """A block that is copied from where the same line of the kernel made it, an iteration earlier."""
    check(copied_in_loop, dup(rng.normal(size=4)), const(3))


def test_swapped_by_name(rng):
    for steps in (0, 1, 4, 5):
        check(swapped_by_name, dup(rng.normal(size=5)), const(steps), without=() if steps != 4 else ("mincut",))


def test_three_arrays_rotated_by_name(rng):
    check(rotated_by_name, dup(rng.normal(size=3)), const(4))


def test_arguments_swapped_by_name(rng):
    check(arguments_swapped_by_name, dup(rng.normal(size=3)), dup(rng.normal(size=3)), const(3))


def test_name_bound_to_new_array_in_loop(rng):
    check(replaced_in_loop, dup(rng.normal(size=3)), const(3))


def test_array_chosen_at_run_time(rng):
    check(chosen, dup(rng.normal(size=5)), active(0.6))


def test_allocated_under_a_condition(rng):
    check(allocated_under_condition, dup(rng.normal(size=3)), const(True))
    check(allocated_under_condition, dup(rng.normal(size=3)), const(False))


def test_scratch_that_is_never_read(rng):
    check(never_read, dup(rng.normal(size=3)))


def test_scratch_kept_between_iterations(rng):
    check(scratch_kept_between_iterations, dup(rng.normal(size=4)), const(4))


def test_copy_of_a_constant_array(rng):
    check(starts_as_a_copy, dup(rng.normal(size=5)), const(rng.normal(size=5)), const(2))


def test_two_dimensional_scratch(rng):
    check(two_dimensional, dup(rng.normal(size=3)))


def first_in_a_while(x, limit):
    """A new array, of another size each time, before anything else that an iteration of unknown number does."""
    total = 0.0
    count = 1
    while total < limit:
        local = np.empty(count + 1)
        for i in range(count + 1):
            local[i] = x[i % x.shape[0]] * (i + 1)
        total += local[count] * local[0]
        count += 1
    return total


def test_an_array_that_a_loop_of_unknown_length_begins_with():
    check(first_in_a_while, dup(np.array([1.0, 0.5, 2.0])), const(30.0))
