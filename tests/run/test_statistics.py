"""Likelihoods, normalizations and filters as they are written by hand, with the usual tricks for stability."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def logsumexp(a):
    largest = a[0]
    for i in range(1, a.shape[0]):
        largest = max(largest, a[i])
    s = 0.0
    for i in range(a.shape[0]):
        s += math.exp(a[i] - largest)
    return largest + math.log(s)


@njit
def softmax(a):
    largest = a[0]
    for i in range(1, a.shape[0]):
        if a[i] > largest:
            largest = a[i]
    s = 0.0
    for i in range(a.shape[0]):
        a[i] = math.exp(a[i] - largest)
        s += a[i]
    for i in range(a.shape[0]):
        a[i] /= s


@njit
def streaming_logsumexp(a):
    largest = -1e300
    s = 0.0
    for i in range(a.shape[0]):
        if a[i] > largest:
            s = s * math.exp(largest - a[i]) + 1.0
            largest = a[i]
        else:
            s += math.exp(a[i] - largest)
    return largest + math.log(s)


@njit
def gaussian_mixture(x, weights, means, spreads):
    total = 0.0
    terms = np.empty(weights.shape[0])
    for i in range(x.shape[0]):
        for k in range(weights.shape[0]):
            z = (x[i] - means[k]) / spreads[k]
            terms[k] = math.log(weights[k]) - 0.5 * z * z - math.log(spreads[k])
        total += logsumexp(terms)
    return total


@njit
def welford(a):
    mean, m2 = 0.0, 0.0
    for i in range(a.shape[0]):
        delta = a[i] - mean
        mean += delta / (i + 1)
        m2 += delta * (a[i] - mean)
    return m2 / (a.shape[0] - 1)


@njit
def standardize(m):
    for j in range(m.shape[1]):
        mean = 0.0
        for i in range(m.shape[0]):
            mean += m[i, j]
        mean /= m.shape[0]
        variance = 0.0
        for i in range(m.shape[0]):
            variance += (m[i, j] - mean) ** 2
        spread = math.sqrt(variance / m.shape[0] + 1e-5)
        for i in range(m.shape[0]):
            m[i, j] = (m[i, j] - mean) / spread


@njit
def logistic_regression(w, x, y):
    loss = 0.0
    for i in range(x.shape[0]):
        z = 0.0
        for j in range(w.shape[0]):
            z += w[j] * x[i, j]
        loss += math.log1p(math.exp(-abs(z))) + max(z, 0.0) - y[i] * z
    return loss


@njit
def kernel_density(x, centers, bandwidth, out):
    for i in range(x.shape[0]):
        out[i] = 0.0
        for k in range(centers.shape[0]):
            z = (x[i] - centers[k]) / bandwidth
            out[i] += math.exp(-0.5 * z * z)
        out[i] /= centers.shape[0] * bandwidth


@njit
def linear_histogram(x, bins):
    for i in range(x.shape[0]):
        position = x[i] * (bins.shape[0] - 1)
        k = int(position)
        u = position - k
        bins[k] += 1.0 - u
        bins[k + 1] += u


@njit
def kalman(state, covariance, noise, measured):
    likelihood = 0.0
    p = np.empty((2, 2))
    for t in range(measured.shape[0]):
        state[0] += state[1]
        p[0, 0] = covariance[0, 0] + covariance[0, 1] + covariance[1, 0] + covariance[1, 1] + noise[0]
        p[0, 1] = covariance[0, 1] + covariance[1, 1]
        p[1, 0] = covariance[1, 0] + covariance[1, 1]
        p[1, 1] = covariance[1, 1] + noise[0]
        innovation = measured[t] - state[0]
        s = p[0, 0] + noise[1]
        g0, g1 = p[0, 0] / s, p[1, 0] / s
        state[0] += g0 * innovation
        state[1] += g1 * innovation
        covariance[1, 0] = p[1, 0] - g1 * p[0, 0]
        covariance[1, 1] = p[1, 1] - g1 * p[0, 1]
        covariance[0, 0] = (1.0 - g0) * p[0, 0]
        covariance[0, 1] = (1.0 - g0) * p[0, 1]
        likelihood -= 0.5 * (math.log(s) + innovation * innovation / s)
    return likelihood


@njit
def garch(returns, omega, alpha, beta):
    variance = omega / (1.0 - alpha - beta)
    s = 0.0
    for t in range(returns.shape[0]):
        s += math.log(variance) + returns[t] * returns[t] / variance
        variance = omega + alpha * returns[t] * returns[t] + beta * variance
    return 0.5 * s


@njit
def hidden_markov_forward(start, transition, emission, seen):
    n = start.shape[0]
    now, following = np.empty(n), np.empty(n)
    likelihood = 0.0
    for i in range(n):
        now[i] = start[i] * emission[i, seen[0]]
    for t in range(1, seen.shape[0]):
        total = 0.0
        for i in range(n):
            following[i] = 0.0
            for j in range(n):
                following[i] += now[j] * transition[j, i]
            following[i] *= emission[i, seen[t]]
            total += following[i]
        for i in range(n):
            following[i] /= total
        likelihood += math.log(total)
        now, following = following, now
    return likelihood


@njit
def gaussian_process(x, y, length, noise, k):
    n = x.shape[0]
    for i in range(n):
        for j in range(i + 1):
            d = (x[i] - x[j]) / length
            k[i, j] = math.exp(-0.5 * d * d)
        k[i, i] += noise
    s = 0.0
    for j in range(n):
        for m in range(j):
            k[j, j] -= k[j, m] * k[j, m]
        k[j, j] = math.sqrt(k[j, j])
        for i in range(j + 1, n):
            for m in range(j):
                k[i, j] -= k[i, m] * k[j, m]
            k[i, j] /= k[j, j]
    for i in range(n):
        for m in range(i):
            y[i] -= k[i, m] * y[m]
        y[i] /= k[i, i]
        s += 0.5 * y[i] * y[i] + math.log(k[i, i])
    return s


@njit
def huber(residuals, width):
    s = 0.0
    for i in range(residuals.shape[0]):
        r = abs(residuals[i])
        s += 0.5 * r * r if r <= width else width * (r - 0.5 * width)
    return s


@njit
def metropolis(x, noise, uniform, width):
    accepted = 0
    for t in range(noise.shape[0]):
        proposal = x + width * noise[t]
        if uniform[t] < math.exp(0.5 * x * x - 0.5 * proposal * proposal):
            x = proposal
            accepted += 1
    return x * accepted


def test_logsumexp(rng):
    check(logsumexp, dup(rng.normal(size=6)), each_step=True)


def test_softmax_in_place(rng):
    check(softmax, dup(rng.normal(size=6)))


def test_streaming_logsumexp(rng):
    check(streaming_logsumexp, dup(rng.normal(size=6)))


def test_gaussian_mixture(rng):
    check(
        gaussian_mixture,
        dup(rng.normal(size=5)),
        dup(rng.uniform(0.2, 0.5, 3)),
        dup(rng.normal(size=3)),
        dup(rng.uniform(0.5, 1.5, 3)),
    )


def test_welford_variance(rng):
    check(welford, dup(rng.normal(size=6)))


def test_standardized_columns(rng):
    check(standardize, dup(rng.normal(size=(4, 2))))


def test_logistic_regression(rng):
    check(
        logistic_regression,
        dup(rng.normal(size=3)),
        const(rng.normal(size=(5, 3))),
        const(np.array([0.0, 1.0, 1.0, 0.0, 1.0])),
    )


def test_kernel_density(rng):
    check(kernel_density, const(rng.normal(size=4)), dup(rng.normal(size=3)), active(0.6), dup(np.zeros(4)))


def test_linear_histogram(rng):
    check(linear_histogram, dup(rng.uniform(0.05, 0.95, 8)), dup(np.zeros(5)))


def test_kalman_filter(rng):
    check(kalman, dup(np.array([0.0, 0.5])), dup(np.eye(2)), dup(np.array([0.1, 0.4])), dup(rng.normal(size=4)))


def test_garch(rng):
    check(garch, dup(rng.normal(size=6)), active(0.1), active(0.2), active(0.6))


def test_hidden_markov_forward(rng):
    check(
        hidden_markov_forward,
        dup(np.array([0.6, 0.4])),
        dup(np.array([[0.7, 0.3], [0.4, 0.6]])),
        dup(rng.uniform(0.2, 0.6, (2, 3))),
        const(np.array([0, 2, 1, 1])),
    )


def test_gaussian_process_with_const_workspace(rng):
    check(
        gaussian_process,
        dup(rng.normal(size=4)),
        dup(rng.normal(size=4)),
        active(0.8),
        active(0.3),
        const(np.zeros((4, 4))),
    )


def test_huber(rng):
    check(huber, dup(3.0 * rng.normal(size=6)), active(1.1))


def test_metropolis_path(rng):
    check(metropolis, active(0.3), const(rng.normal(size=8)), const(rng.uniform(size=8)), active(1.2))
