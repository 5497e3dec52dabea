"""Small networks with the loops written out: dense layers, convolution, recurrences, attention, training."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, const, dup


@njit
def dense(x, w, b, out):
    for i in range(out.shape[0]):
        s = b[i]
        for j in range(x.shape[0]):
            s += w[i, j] * x[j]
        out[i] = math.tanh(s)


@njit
def mlp(x, w1, b1, w2, b2, hidden):
    dense(x, w1, b1, hidden)
    loss = 0.0
    for i in range(w2.shape[0]):
        s = b2[i]
        for j in range(hidden.shape[0]):
            s += w2[i, j] * hidden[j]
        loss += s * s
    return loss


@njit
def relu_layers(x, weights):
    y = np.empty_like(x)
    for layer in range(weights.shape[0]):
        for i in range(x.shape[0]):
            s = 0.0
            for j in range(x.shape[0]):
                s += weights[layer, i, j] * x[j]
            y[i] = s if s > 0.0 else 0.01 * s
        x, y = y, x
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i]
    return s


@njit
def convolution_1d(signal, taps, out):
    for i in range(out.shape[0]):
        for k in range(taps.shape[0]):
            out[i] += signal[i + k] * taps[k]


@njit
def convolution_2d(image, taps, out):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            s = 0.0
            for p in range(taps.shape[0]):
                for q in range(taps.shape[1]):
                    s += image[i + p, j + q] * taps[p, q]
            out[i, j] = max(s, 0.0)


@njit
def max_pool(image, out):
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            best = image[2 * i, 2 * j]
            for p in range(2):
                for q in range(2):
                    best = max(best, image[2 * i + p, 2 * j + q])
            out[i, j] = best * best


@njit
def rnn(h, w, u, x):
    new = np.empty_like(h)
    for t in range(x.shape[0]):
        for i in range(h.shape[0]):
            s = u[i] * x[t]
            for j in range(h.shape[0]):
                s += w[i, j] * h[j]
            new[i] = math.tanh(s)
        for i in range(h.shape[0]):
            h[i] = new[i]


@njit
def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


@njit
def lstm(h, c, w, x):
    size = h.shape[0]
    gates = np.empty(4 * size)
    for t in range(x.shape[0]):
        for g in range(4 * size):
            s = w[g, size] * x[t] + w[g, size + 1]
            for j in range(size):
                s += w[g, j] * h[j]
            gates[g] = s
        for i in range(size):
            c[i] = sigmoid(gates[i]) * c[i] + sigmoid(gates[size + i]) * math.tanh(gates[2 * size + i])
            h[i] = sigmoid(gates[3 * size + i]) * math.tanh(c[i])


@njit
def attention(q, k, v, out):
    n, d = q.shape
    scores = np.empty(n)
    for i in range(n):
        largest = -1e30
        for j in range(i + 1):
            s = 0.0
            for p in range(d):
                s += q[i, p] * k[j, p]
            scores[j] = s / math.sqrt(d)
            largest = max(largest, scores[j])
        total = 0.0
        for j in range(i + 1):
            scores[j] = math.exp(scores[j] - largest)
            total += scores[j]
        for p in range(d):
            s = 0.0
            for j in range(i + 1):
                s += scores[j] * v[j, p]
            out[i, p] = s / total


@njit
def layer_norm(x, gain, offset):
    n = x.shape[0]
    mean = 0.0
    for i in range(n):
        mean += x[i] / n
    variance = 0.0
    for i in range(n):
        variance += (x[i] - mean) * (x[i] - mean) / n
    for i in range(n):
        x[i] = (x[i] - mean) / math.sqrt(variance + 1e-5) * gain[i] + offset[i]


@njit
def trained_by_gradient_descent(w, x, y, rate, steps):
    for _ in range(steps):
        for i in range(x.shape[0]):
            error = w[0] * x[i] + w[1] - y[i]
            w[0] -= rate * error * x[i]
            w[1] -= rate * error
    return w[0] * w[0] + w[1]


@njit
def embedding(table, tokens, out):
    for t in range(tokens.shape[0]):
        row = table[tokens[t]]
        for j in range(row.shape[0]):
            out[j] += row[j] * row[j] * (t + 1)


@njit
def dropout(x, keep, rate):
    for i in range(x.shape[0]):
        x[i] = x[i] / (1.0 - rate) if keep[i] else 0.0


@njit
def cross_entropy(logits, labels):
    loss = 0.0
    for i in range(logits.shape[0]):
        largest = logits[i, 0]
        for j in range(1, logits.shape[1]):
            largest = max(largest, logits[i, j])
        s = 0.0
        for j in range(logits.shape[1]):
            s += math.exp(logits[i, j] - largest)
        loss += math.log(s) + largest - logits[i, labels[i]]
    return loss


def test_mlp(rng):
    check(
        mlp,
        dup(rng.normal(size=3)),
        dup(rng.normal(size=(4, 3))),
        dup(rng.normal(size=4)),
        dup(rng.normal(size=(2, 4))),
        dup(rng.normal(size=2)),
        const(np.zeros(4)),
        each_step=True,
    )


def test_relu_layers_with_swapped_buffers(rng):
    check(relu_layers, dup(rng.normal(size=3)), dup(rng.normal(size=(3, 3, 3))))


def test_convolution_1d(rng):
    check(convolution_1d, dup(rng.normal(size=7)), dup(rng.normal(size=3)), dup(np.zeros(5)))


def test_convolution_2d(rng):
    check(convolution_2d, dup(rng.normal(size=(4, 5))), dup(rng.normal(size=(2, 2))), dup(np.zeros((3, 4))))


def test_max_pool(rng):
    check(max_pool, dup(rng.normal(size=(4, 4))), dup(np.zeros((2, 2))))


def test_rnn(rng):
    check(rnn, dup(rng.normal(size=3)), dup(rng.normal(size=(3, 3))), dup(rng.normal(size=3)), dup(rng.normal(size=4)))


def test_lstm(rng):
    check(lstm, dup(rng.normal(size=2)), dup(rng.normal(size=2)), dup(rng.normal(size=(8, 4))), dup(rng.normal(size=3)))


def test_attention(rng):
    check(attention, *(dup(rng.normal(size=(3, 2))) for _ in range(4)))


def test_layer_norm(rng):
    check(layer_norm, dup(rng.normal(size=4)), dup(rng.normal(size=4)), dup(rng.normal(size=4)))


def test_derivative_through_training(rng):
    check(
        trained_by_gradient_descent,
        dup(rng.normal(size=2)),
        dup(rng.normal(size=4)),
        dup(rng.normal(size=4)),
        active(0.1),
        const(3),
    )


def test_embedding(rng):
    check(embedding, dup(rng.normal(size=(4, 3))), const(np.array([2, 0, 2])), dup(np.zeros(3)))


def test_dropout(rng):
    check(dropout, dup(rng.normal(size=5)), const(np.array([True, False, True, True, False])), active(0.4))


def test_cross_entropy(rng):
    check(cross_entropy, dup(rng.normal(size=(3, 4))), const(np.array([1, 0, 3])))
