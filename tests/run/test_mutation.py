"""Values overwritten after their use: at once, in a later iteration, through views, under conditions, by time steps."""

from __future__ import annotations

import math

from numba import njit
from oracle import active, check, const, dup


@njit
def same_iteration(a):
    for i in range(a.shape[0]):
        a[i] = a[i] * a[i]
        a[i] = math.sin(a[i]) * a[i]


@njit
def next_iteration(a):
    for i in range(1, a.shape[0]):
        a[i] = a[i] * a[i - 1]


@njit
def previous_iteration(a):
    for i in range(a.shape[0] - 1):
        a[i] = a[i] * a[i + 1]


@njit
def far_iteration(a, distance):
    n = a.shape[0]
    for i in range(2 * n):
        a[i % n] = a[i % n] * a[(i + distance) % n] + 0.2


@njit
def single_cell(a, n):
    for i in range(n):
        a[0] = a[0] * a[0] * 0.5 + a[1] * i


@njit
def whole_array_each_step(a, b, n):
    for _ in range(n):
        for i in range(a.shape[0]):
            b[i] = a[i] * a[i]
        for i in range(a.shape[0]):
            a[i] = b[i] * 0.5 + 0.3 * b[a.shape[0] - 1 - i]


@njit
def through_other_view(a):
    b = a[1:]
    s = 0.0
    for i in range(b.shape[0]):
        s += a[i] * a[i + 1]
        b[i] = s
    return s


@njit
def under_condition(a, threshold):
    for k in range(3):
        for i in range(a.shape[0]):
            if a[i] * a[i] > threshold:
                a[i] = a[i] * 0.5 * a[(i + k) % a.shape[0]]


@njit
def read_twice_around_a_store(a):
    s = 0.0
    for i in range(a.shape[0]):
        before = a[i]
        a[i] = before * before * 0.5
        after = a[i]
        s += math.exp(before * after)
    return s


@njit
def swap_elements(a):
    n = a.shape[0]
    for i in range(n // 2):
        t = a[i]
        a[i] = a[n - 1 - i] * t
        a[n - 1 - i] = t


@njit
def accumulate_into_input(a):
    for i in range(a.shape[0]):
        for j in range(a.shape[0]):
            a[i] += 0.1 * a[j] * a[i]


@njit
def zeroed_and_refilled(a, b):
    for k in range(3):
        for i in range(b.shape[0]):
            b[i] = 0.0
        for i in range(a.shape[0]):
            b[i % b.shape[0]] += a[i] * a[i] * (k + 1)
        for i in range(a.shape[0]):
            a[i] = 0.5 * b[i % b.shape[0]] + 0.1 * a[i]


@njit
def store_square(a, i, x):
    a[i] = x * x


@njit
def in_called_function(a):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i]
        store_square(a, i, a[i] + s)
    return s


@njit
def last_store_wins(a, x):
    a[0] = x * a[0]
    a[0] = x * x
    a[0] = x + a[1] * a[1]


@njit
def scalar_state_written_back(state, n):
    x, v = state[0], state[1]
    for _ in range(n):
        a = -math.sin(x)
        v = v + 0.1 * a
        x = x + 0.1 * v
    state[0] = x
    state[1] = v


@njit
def memory_state(state, n):
    for _ in range(n):
        state[1] -= 0.1 * math.sin(state[0])
        state[0] += 0.1 * state[1] * state[1]


@njit
def ring_buffer(a, history, n):
    width = history.shape[0]
    s = 0.0
    for k in range(n):
        value = a[k % a.shape[0]] * history[(k + 1) % width]
        history[k % width] = value + 0.5
        s += value * value
    return s


@njit
def read_only_then_overwritten(a, out):
    for i in range(a.shape[0]):
        out[i] = a[i] * a[i] * a[i]
    for i in range(a.shape[0]):
        a[i] = 7.0


@njit
def overwrite_with_other_array(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        s += a[i] * b[i]
    for i in range(a.shape[0]):
        a[i] = b[i]
    for i in range(a.shape[0]):
        s += a[i] * a[i] * b[i]
    return s


@njit
def plane_by_plane(u, n):
    for t in range(n - 1):
        for i in range(1, u.shape[1] - 1):
            u[t + 1, i] = u[t, i] * u[t, i - 1] + 0.5 * u[t, i + 1]


@njit
def two_planes(u, n):
    for t in range(n):
        now, after = t % 2, 1 - t % 2
        for i in range(1, u.shape[1] - 1):
            u[after, i] = u[now, i] * u[now, i] - 0.5 * u[now, i - 1] + 0.2 * u[now, i + 1]


def test_same_iteration(rng):
    check(same_iteration, dup(rng.normal(size=5)), each_step=True)


def test_read_in_the_next_iteration(rng):
    check(next_iteration, dup(rng.normal(size=5)), each_step=True)


def test_read_from_the_cell_to_come(rng):
    check(previous_iteration, dup(rng.normal(size=5)))


def test_wrapped_around(rng):
    for distance in (0, 2, 4):
        check(far_iteration, dup(rng.normal(size=5)), const(distance), without=())


def test_single_cell(rng):
    check(single_cell, dup(rng.normal(size=2)), const(5))


def test_whole_array_each_time_step(rng):
    check(whole_array_each_step, dup(rng.normal(size=4)), dup(rng.normal(size=4)), const(3), each_step=True)


def test_through_another_view(rng):
    check(through_other_view, dup(rng.normal(size=5)))


def test_under_a_condition(rng):
    check(under_condition, dup(rng.normal(size=5)), const(0.4))


def test_read_before_and_after_a_store(rng):
    check(read_twice_around_a_store, dup(rng.normal(size=4)))


def test_swapped_elements(rng):
    check(swap_elements, dup(rng.normal(size=5)))


def test_accumulated_into_the_input(rng):
    check(accumulate_into_input, dup(rng.normal(size=4)))


def test_zeroed_and_refilled(rng):
    check(zeroed_and_refilled, dup(rng.normal(size=5)), dup(rng.normal(size=2)))


def test_in_a_called_function(rng):
    check(in_called_function, dup(rng.normal(size=4)))


def test_last_store_wins(rng):
    check(last_store_wins, dup(rng.normal(size=2)), active(0.7))


def test_scalar_state_written_back(rng):
    check(scalar_state_written_back, dup(rng.normal(size=2)), const(5))


def test_state_in_memory(rng):
    check(memory_state, dup(rng.normal(size=2)), const(5), each_step=True)


def test_ring_buffer(rng):
    check(ring_buffer, dup(rng.normal(size=3)), dup(rng.normal(size=4)), const(9))


def test_input_overwritten_after_the_last_use(rng):
    check(read_only_then_overwritten, dup(rng.normal(size=4)), dup(rng.normal(size=4)))


def test_overwritten_with_another_array(rng):
    check(overwrite_with_other_array, dup(rng.normal(size=4)), dup(rng.normal(size=4)))


def test_plane_by_plane(rng):
    check(plane_by_plane, dup(rng.normal(size=(4, 5))), const(4))


def test_two_planes_in_turn(rng):
    check(two_planes, dup(rng.normal(size=(2, 5))), const(5), each_step=True)
