"""Programs of real use that call themselves, and that are given functions: trees, a parser, interpreters, integrators.

Further ones, of which each is one function: `test_recursion`.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numba import literal_unroll, njit, types
from oracle import active, const, dup, halves
from oracle.adjoints import check_reverse
from oracle.batches import check_adjoints, check_tangents
from oracle.case import Case, has_derivative
from oracle.tangents import check_forward

import pyfront as ad


def check(kernel, *arguments):
    """Every mode, whatever a part of all cases is checked in elsewhere."""
    case = Case.of(kernel, arguments, 0.75, None)
    pulled = check_reverse(case, (), False)
    check_forward(case, pulled.inputs(case.call))
    halves.compare(case, pulled)
    check_tangents(case, stacked=False, single=False)
    if any(argument.kind == "duplicated" for argument in case.call.arguments):
        check_adjoints(case, seed_per_lane=has_derivative(case.value), single=False)


# Barnes and Hut: masses in a quadtree of arrays, whose cells far away count as one.


@njit
def insert(child, centre, half, body, x, y, cell, k, count):
    """Puts body k into a cell; returns how many cells there are then."""
    while True:
        right, up = int(x[k] > centre[cell, 0]), int(y[k] > centre[cell, 1])
        quarter = 2 * up + right
        below = child[cell, quarter]
        if below < 0:
            child[cell, quarter] = count
            centre[count, 0] = centre[cell, 0] + (right - 0.5) * half[cell]
            centre[count, 1] = centre[cell, 1] + (up - 0.5) * half[cell]
            half[count] = 0.5 * half[cell]
            body[count] = k
            return count + 1
        if body[below] >= 0:
            other = body[below]
            body[below] = -1
            count = insert(child, centre, half, body, x, y, below, other, count)
        cell = below


@njit
def gather(child, body, x, y, m, mass, where, cell):
    """Mass and centre of mass of each cell, from below."""
    if body[cell] >= 0:
        k = body[cell]
        mass[cell], where[cell, 0], where[cell, 1] = m[k], x[k], y[k]
        return m[k]
    total = sx = sy = 0.0
    for quarter in range(4):
        below = child[cell, quarter]
        if below >= 0:
            part = gather(child, body, x, y, m, mass, where, below)
            total += part
            sx += part * where[below, 0]
            sy += part * where[below, 1]
    mass[cell], where[cell, 0], where[cell, 1] = total, sx / total, sy / total
    return total


@njit
def pull(child, body, half, mass, where, x, y, k, cell, opening):
    """The potential of all others at body k."""
    if body[cell] == k:
        return 0.0
    distance = math.sqrt((x[k] - where[cell, 0]) ** 2 + (y[k] - where[cell, 1]) ** 2 + 0.01)
    if body[cell] >= 0 or 2.0 * half[cell] < opening * distance:
        return mass[cell] / distance
    total = 0.0
    for quarter in range(4):
        if child[cell, quarter] >= 0:
            total += pull(child, body, half, mass, where, x, y, k, child[cell, quarter], opening)
    return total


@njit
def energy(x, y, m, opening):
    cells = 64
    child, body = np.full((cells, 4), -1), np.full(cells, -1)
    centre, half = np.zeros((cells, 2)), np.full(cells, 2.0)
    mass, where = np.zeros(cells), np.zeros((cells, 2))
    count = 1
    for k in range(x.shape[0]):
        count = insert(child, centre, half, body, x, y, 0, k, count)
    gather(child, body, x, y, m, mass, where, 0)
    total = 0.0
    for k in range(x.shape[0]):
        total += 0.5 * m[k] * pull(child, body, half, mass, where, x, y, k, 0, opening)
    return total


def test_barnes_hut(rng):
    x, y = rng.uniform(-1.9, 1.9, 6), rng.uniform(-1.9, 1.9, 6)
    check(energy, dup(x), dup(y), dup(rng.uniform(0.5, 1.5, 6)), const(0.9))


# Strassen's product, of blocks that are copied where they have gaps.


@njit
def strassen(a, b):
    n = a.shape[0]
    if n == 1:
        return a @ b
    h = n // 2
    a11, a12, a21, a22 = a[:h, :h], a[:h, h:], a[h:, :h], a[h:, h:]
    b11, b12, b21, b22 = b[:h, :h], b[:h, h:], b[h:, :h], b[h:, h:]
    m1 = strassen(a11 + a22, b11 + b22)
    m2 = strassen(a21 + a22, np.ascontiguousarray(b11))
    m3 = strassen(np.ascontiguousarray(a11), b12 - b22)
    m4 = strassen(np.ascontiguousarray(a22), b21 - b11)
    m5 = strassen(a11 + a12, np.ascontiguousarray(b22))
    m6, m7 = strassen(a21 - a11, b11 + b12), strassen(a12 - a22, b21 + b22)
    c = np.empty((n, n))
    c[:h, :h], c[:h, h:] = m1 + m4 - m5 + m7, m3 + m5
    c[h:, :h], c[h:, h:] = m2 + m4, m1 - m2 + m3 + m6
    return c


@njit
def squares_of_product(a, b):
    c = strassen(a, b)
    a[0, 0] = c[1, 0]
    return np.sum(c * c)


def test_strassen(rng):
    check(squares_of_product, dup(rng.normal(size=(2, 2))), dup(rng.normal(size=(2, 2))))


# A parser by descent: an expression as whole numbers, with its floats aside.

PLUS, MINUS, TIMES, OVER, OPEN, CLOSE, SIN, LEAF, END = range(9)


@njit
def expression(code, leaves, at):
    """sums; the value, and where it ends"""
    value, at = term(code, leaves, at)
    while code[at, 0] == PLUS or code[at, 0] == MINUS:
        sign = 1.0 if code[at, 0] == PLUS else -1.0
        right, at = term(code, leaves, at + 1)
        value += sign * right
    return value, at


@njit
def term(code, leaves, at):
    """products and quotients"""
    value, at = factor(code, leaves, at)
    while code[at, 0] == TIMES or code[at, 0] == OVER:
        times = code[at, 0] == TIMES
        right, at = factor(code, leaves, at + 1)
        value = value * right if times else value / right
    return value, at


@njit
def factor(code, leaves, at):
    """leaves, and what is in parentheses"""
    if code[at, 0] == LEAF:
        return leaves[code[at, 1]], at + 1
    if code[at, 0] == MINUS:
        value, at = factor(code, leaves, at + 1)
        return -value, at
    if code[at, 0] == SIN:
        value, at = factor(code, leaves, at + 1)
        return math.sin(value), at
    if code[at, 0] != OPEN:
        raise ValueError("a leaf or a parenthesis is missing")
    value, at = expression(code, leaves, at + 1)
    if code[at, 0] != CLOSE:
        raise ValueError("a parenthesis is missing")
    return value, at + 1


@njit
def parsed(code, leaves):
    value, at = expression(code, leaves, 0)
    leaves[0] = value * at
    return value


def tokens(text):
    words = {"+": PLUS, "-": MINUS, "*": TIMES, "/": OVER, "(": OPEN, ")": CLOSE, "s": SIN}
    return np.array([(words.get(c, LEAF), int(c) if c.isdigit() else 0) for c in text] + [(END, 0)])


def test_a_parser():
    leaves = np.array([0.5, 1.5, -0.75])
    check(parsed, const(tokens("0+1*(2-s(0*1)/(2+1))-0*-2")), dup(leaves))
    derivative, shadow = ad.autodiff(parsed, ad.Const, ad.Duplicated), np.ones(3)
    with pytest.raises(ValueError, match="a parenthesis is missing"):
        derivative(tokens("0+(1*2"), leaves.copy(), shadow)
    assert (shadow == 1.0).all()


# Interpreters: functions in a tuple.


@njit
def squared(x):
    return x * x


@njit
def bent(x):
    return math.sin(x) + 0.5 * x


@njit
def halved(x):
    return 0.5 * x if x > 0.0 else 0.25 * x


@njit
def down(x):
    """One that calls itself."""
    return x if x < 1.0 else 0.5 * down(x - 0.5) * x


OPERATIONS = (squared, bent, halved, down)


@njit
def run(program, stack):
    """Each instruction names a function by its number, and an element of memory."""
    for i in range(program.shape[0]):
        number = 0
        for operation in literal_unroll(OPERATIONS):
            if program[i, 0] == number:
                stack[program[i, 1]] = operation(stack[program[i, 1]] + stack[0])
            number += 1
    return stack[0] * stack[1]


@njit
def first_and_third(fs, x):
    return fs[0](x) * fs[2](2.0 * x)


def test_interpreters():
    program = np.array([(1, 0), (0, 1), (3, 1), (2, 0), (3, 0), (1, 2)])
    check(run, const(program), dup(np.array([0.5, 1.25, -0.5])))
    check(first_and_third, const(OPERATIONS), active(0.75))


# Functions as arguments.


@njit
def pendulum(t, y, out):
    out[0] = y[1]
    out[1] = -math.sin(y[0]) - 0.1 * t * y[1]


@njit
def decay(t, y, out):
    for i in range(y.shape[0]):
        out[i] = -0.5 * y[i] * (1.0 + 0.25 * math.cos(t))


@njit
def integrate(rhs, y, h, steps):
    k, l, middle = np.empty_like(y), np.empty_like(y), np.empty_like(y)
    for n in range(steps):
        rhs(h * n, y, k)
        middle[:] = y + 0.5 * h * k
        rhs(h * (n + 0.5), middle, l)
        y += h * l


@njit
def both(y, h):
    integrate(pendulum, y, h, 3)
    integrate(decay, y[::-1].copy(), h, 1)
    integrate(decay, y, h, 2)
    return y[0] * y[1]


@njit
def bisected(f, low, high, depth):
    """A function that calls itself is given one."""
    middle = 0.5 * (low + high)
    if depth == 0:
        return f(middle) * (high - low)
    return bisected(f, low, middle, depth - 1) + bisected(f, middle, high, depth - 1)


def test_an_integrator_is_given_its_right_hand_side():
    check(integrate, const(pendulum), dup(np.array([0.5, 0.25])), active(0.1), const(4))
    check(both, dup(np.array([0.5, 0.25])), active(0.1))
    check(bisected, const(down), active(0.25), active(2.5), const(1))


def test_functions_have_no_derivative():
    for annotation, given in ((ad.Active, (bent,)), (ad.Duplicated, (bent, bent))):
        with pytest.raises(ad.AnnotationError, match=r"`f` is a function, which has no derivative"):
            ad.autodiff(bisected, annotation, ad.Active, ad.Active, ad.Const)(*given, 0.0, 1.0, 1)
    derivative = ad.autodiff(bisected, ad.Const, ad.Active, ad.Active, ad.Const)
    with pytest.raises(ad.UnsupportedError, match=r"argument `f` is a function, which no C function can be given"):
        derivative.address((types.Dispatcher(bent), types.float64, types.float64, types.int64))


@njit
def through_a_pointer(x, which):
    operation = squared if which == 0 else bent
    return operation(x)  # refused


def test_a_function_that_is_chosen_at_run_time_is_refused_by_line():
    first = through_a_pointer.py_func.__code__.co_firstlineno
    with pytest.raises(ad.UnsupportedError, match="a call through a function pointer") as caught:
        ad.autodiff(through_a_pointer, ad.Active, ad.Const)(0.5, 0)
    assert caught.value.line == first + 3
