"""Transforms, filters, dynamic programming and path algorithms over in-place tables."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def fft(re, im):
    n = re.shape[0]
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]
    length = 2
    while length <= n:
        angle = -2.0 * math.pi / length
        for start in range(0, n, length):
            for k in range(length // 2):
                wr, wi = math.cos(angle * k), math.sin(angle * k)
                p, q = start + k, start + k + length // 2
                tr = re[q] * wr - im[q] * wi
                ti = re[q] * wi + im[q] * wr
                re[q], im[q] = re[p] - tr, im[p] - ti
                re[p], im[p] = re[p] + tr, im[p] + ti
        length *= 2


@njit
def power_spectrum(re, im, out):
    fft(re, im)
    for i in range(re.shape[0]):
        out[i] = math.log(re[i] * re[i] + im[i] * im[i] + 0.1)


@njit
def haar(a):
    n = a.shape[0]
    t = np.empty(n)
    while n > 1:
        n //= 2
        for i in range(n):
            t[i] = (a[2 * i] + a[2 * i + 1]) * math.sqrt(0.5)
            t[n + i] = (a[2 * i] - a[2 * i + 1]) * math.sqrt(0.5) * a[2 * i]
        for i in range(2 * n):
            a[i] = t[i]


@njit
def recursive_filter(a, feedback, gain):
    for i in range(2, a.shape[0]):
        a[i] = gain * a[i] + feedback[0] * a[i - 1] + feedback[1] * a[i - 2]


@njit
def exponential_smoothing(a, alpha):
    for i in range(1, a.shape[0]):
        a[i] = alpha * a[i] + (1.0 - alpha) * a[i - 1]
    for i in range(a.shape[0] - 2, -1, -1):
        a[i] = alpha * a[i] + (1.0 - alpha) * a[i + 1]


@njit
def floyd_warshall(d):
    n = d.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])


@njit
def floyd_warshall_by_test(d):
    n = d.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                way = d[i, k] + d[k, j]
                if way < d[i, j]:
                    d[i, j] = way


@njit
def soft_minimum(a, b, c, temperature):
    m = min(a, min(b, c))
    return m - temperature * math.log(
        math.exp((m - a) / temperature) + math.exp((m - b) / temperature) + math.exp((m - c) / temperature)
    )


@njit
def soft_time_warping(x, y, temperature, table):
    for i in range(x.shape[0] + 1):
        for j in range(y.shape[0] + 1):
            table[i, j] = 1e3
    table[0, 0] = 0.0
    for i in range(1, x.shape[0] + 1):
        for j in range(1, y.shape[0] + 1):
            d = x[i - 1] - y[j - 1]
            table[i, j] = d * d + soft_minimum(table[i - 1, j], table[i, j - 1], table[i - 1, j - 1], temperature)
    return table[x.shape[0], y.shape[0]]


@njit
def edit_distance(cost, gap, table):
    for i in range(1, table.shape[0]):
        table[i, 0] = table[i - 1, 0] + gap
    for j in range(1, table.shape[1]):
        table[0, j] = table[0, j - 1] + gap
    for i in range(1, table.shape[0]):
        for j in range(1, table.shape[1]):
            best = table[i - 1, j - 1] + cost[i - 1, j - 1]
            if table[i - 1, j] + gap < best:
                best = table[i - 1, j] + gap
            if table[i, j - 1] + gap < best:
                best = table[i, j - 1] + gap
            table[i, j] = best
    return table[-1, -1]


@njit
def viterbi(score, transition, back):
    n, states = score.shape
    for t in range(1, n):
        for j in range(states):
            best, k = score[t - 1, 0] + transition[0, j], 0
            for i in range(1, states):
                if score[t - 1, i] + transition[i, j] > best:
                    best, k = score[t - 1, i] + transition[i, j], i
            score[t, j] += best
            back[t, j] = k
    k = 0
    for j in range(states):
        if score[n - 1, j] > score[n - 1, k]:
            k = j
    s = score[n - 1, k]
    for t in range(n - 1, 0, -1):
        k = back[t, k]
        s += 0.1 * score[t, k] * score[t, k]
    return s


@njit
def knapsack(value, weight, best):
    for i in range(value.shape[0]):
        for w in range(best.shape[0] - 1, weight[i] - 1, -1):
            best[w] = max(best[w], best[w - weight[i]] + value[i])


@njit
def longest_ascent(a, length):
    for i in range(a.shape[0]):
        length[i] = a[i]
        for j in range(i):
            if a[j] < a[i] and length[j] + a[i] > length[i]:
                length[i] = length[j] + a[i]
    s = length[0]
    for i in range(a.shape[0]):
        s = max(s, length[i])
    return s


@njit
def cubic_spline(y, x, second, work):
    n = y.shape[0]
    second[0] = work[0] = 0.0
    for i in range(1, n - 1):
        p = 0.5 * second[i - 1] + 2.0
        second[i] = -0.5 / p
        work[i] = (3.0 * (y[i + 1] - 2.0 * y[i] + y[i - 1]) - 0.5 * work[i - 1]) / p
    second[n - 1] = 0.0
    for i in range(n - 2, -1, -1):
        second[i] = second[i] * second[i + 1] + work[i]
    k = int(x)
    a, b = k + 1.0 - x, x - k
    return a * y[k] + b * y[k + 1] + ((a**3 - a) * second[k] + (b**3 - b) * second[k + 1]) / 6.0


@njit
def ray_march(density, x, y, dx, dy, step):
    light = 1.0
    seen = 0.0
    while 0.0 <= x < density.shape[0] - 1 and 0.0 <= y < density.shape[1] - 1:
        i, j = int(x), int(y)
        u, v = x - i, y - j
        d = (1 - u) * ((1 - v) * density[i, j] + v * density[i, j + 1]) + u * (
            (1 - v) * density[i + 1, j] + v * density[i + 1, j + 1]
        )
        alpha = 1.0 - math.exp(-d * step)
        seen += light * alpha * d
        light *= 1.0 - alpha
        if light < 1e-3:
            break
        x += dx * step
        y += dy * step
    return seen


@njit
def warp_image(image, shift, out):
    rows, columns = image.shape
    for i in range(rows):
        for j in range(columns):
            x = min(max(i + shift[0], 0.0), rows - 1.001)
            y = min(max(j + shift[1] * i, 0.0), columns - 1.001)
            p, q = int(x), int(y)
            u, v = x - p, y - q
            top = image[p, q] + v * (image[p, q + 1] - image[p, q])
            bottom = image[p + 1, q] + v * (image[p + 1, q + 1] - image[p + 1, q])
            out[i, j] = top + u * (bottom - top)


def test_fft(rng):
    check(fft, dup(rng.normal(size=8)), dup(rng.normal(size=8)), each_step=True)


def test_power_spectrum(rng):
    check(power_spectrum, dup(rng.normal(size=4)), dup(rng.normal(size=4)), dup(np.zeros(4)))


def test_haar(rng):
    check(haar, dup(rng.normal(size=8)))


def test_recursive_filter(rng):
    check(recursive_filter, dup(rng.normal(size=7)), dup(np.array([0.5, -0.3])), active(0.8))


def test_smoothing_both_ways(rng):
    check(exponential_smoothing, dup(rng.normal(size=6)), active(0.4))


def test_floyd_warshall(rng):
    check(floyd_warshall, dup(rng.uniform(0.1, 2.0, (4, 4))))


def test_floyd_warshall_with_a_test(rng):
    check(floyd_warshall_by_test, dup(rng.uniform(0.1, 2.0, (4, 4))))


def test_soft_time_warping(rng):
    check(soft_time_warping, dup(rng.normal(size=4)), dup(rng.normal(size=3)), active(0.5), const(np.zeros((5, 4))))


def test_edit_distance(rng):
    check(edit_distance, dup(rng.uniform(0.0, 2.0, (3, 4))), active(0.7), dup(np.zeros((4, 5))))


def test_viterbi(rng):
    check(viterbi, dup(rng.normal(size=(4, 3))), dup(rng.normal(size=(3, 3))), const(np.zeros((4, 3), np.int64)))


def test_knapsack(rng):
    check(knapsack, dup(rng.uniform(0.5, 2.0, 4)), const(np.array([2, 3, 1, 4])), dup(np.zeros(7)))


def test_longest_ascent(rng):
    check(longest_ascent, dup(rng.uniform(0.1, 1.0, 6)), const(np.zeros(6)))


def test_cubic_spline(rng):
    check(cubic_spline, dup(rng.normal(size=5)), active(2.3), const(np.zeros(5)), const(np.zeros(5)))


def test_ray_march(rng):
    check(
        ray_march, dup(rng.uniform(0.1, 1.0, (4, 4))), active(0.3), active(0.6), active(0.8), active(0.47), const(0.7)
    )


def test_warped_image(rng):
    check(warp_image, dup(rng.normal(size=(3, 4))), dup(np.array([0.3, 0.4])), dup(np.zeros((3, 4))))
