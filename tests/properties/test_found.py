"""The classes of mistakes that random programs found when they were widened, one small kernel each.

Each kernel is a shrunk program with names of its own.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from oracle import active, check, check_raises, const, dup
from oracle.case import Case
from oracle.tangents import check_forward
from oracle.twice import check_second_order

from properties.checking import as_the_oracle, prepared
from properties.helpers import KNOTS, STRAIGHT, root_or_raise

GRID = np.array([0.5, -1.5, 1.0, 0.0, 2.0])


@njit
def put_back_into_the_box(b):
    for i in range(b.shape[0]):
        b[i] %= 0.5


@njit
def quotient_and_rest(x, y):
    q, r = divmod(x, y)
    return 0.125 * q + r


@njit(fastmath=True)
def returned_where_equal(a, n):
    return 2.0 if a[n] != 0.5 else a[n]


@njit
def used_where_equal(x, y):
    s = x * x
    if x == 1.0:
        s = x * y
    return s


@njit
def interpolated_at_points(a):
    a[:] = 0.5 * np.interp(a, KNOTS, STRAIGHT)


@njit
def log_of_sum(x, y):
    return np.logaddexp(x, y)


@njit
def products_through_memory(x, inverse, mask, out):
    t = np.empty(inverse.shape[0])
    for i in range(inverse.shape[0]):
        t[i] = x * inverse[i]
    for i in range(inverse.shape[0]):
        if mask[i] == 1:
            out[i] = t[i]


@njit
def one_workspace_under_two_names(b, work, spare):
    spare[0] = b[0]
    for i in range(work.shape[0]):
        work[i] = 0.3
    return spare[0]


@njit
def caught_from_a_callee(x):
    try:
        y = root_or_raise(x)
    except Exception:
        y = 3.0 * x
    return y


@njit
def caught_where_raised(x, a):
    try:
        a[0] *= x
        if x > 0.875:
            raise ValueError("random kernel")
        a[0] += x
    except Exception:
        a[0] *= 2.0 * x


@njit
def never_that_often(a, small):
    for i in range(small + 1):
        for _ in range(small):
            a[0] = math.sin(a[0])
        a[0] *= a[0]


@njit
def single_in_a_tuple(x, a):
    return (x * a[0],)


@njit
def flat_part_of_tanh(x):
    return math.tanh(x)


@njit
def cubed_again_and_again(a, n):
    for _ in range(n):
        a[0] = (0.4 * a[0]) ** 3


@njit
def sum_of_nothing(a):
    return a.sum()


@njit
def raises_after_one_was_caught(x, a):
    try:
        if x > 0.5:
            raise ValueError("random kernel")
    except Exception:
        a[0] = x
    return root_or_raise(a[1])


@njit
def length_then_overwritten(a):
    s = np.linalg.norm(a)
    a[0] = 0.0
    return s


@njit
def shrunk(p, u, k):
    if k <= 0:
        return p.copy(), 0.5 * u
    q, value = shrunk(p, 0.5 * u, k - 1)
    return 0.5 * q, 0.5 * value * q[0]


@njit
def array_and_number(p, u):
    q, value = shrunk(p, u, 2)
    return q[-1] * value


@njit
def tripled(p, k):
    if k <= 0:
        return p.copy()
    return 3.0 * tripled(p, k - 1)


@njit
def of_what_has_no_derivative(x, p):
    return x * tripled(p, 2)[1]


@njit
def one_or_the_other(a, b, which):
    c = np.linalg.inv(b)
    total = 0.0
    for i in range(2):
        d = c if which else a
        total += d[i, 0]
    return total


def test_an_array_with_gaps_that_a_rule_keeps_a_copy_of():
    check(length_then_overwritten, dup(np.arange(1.0, 9.0)[::2]))


def test_recursion_that_returns_an_array_and_a_float():
    check(array_and_number, dup(np.array([0.5, -1.5, 2.0])), active(0.75))


def test_recursion_without_a_derivative_keeps_its_arrays_in_the_tape():
    check(of_what_has_no_derivative, active(0.5), const(np.array([0.5, 2.0])))


def test_a_rule_for_what_has_no_derivative():
    """Something that has one is read through the same pointer as its result."""
    matrix = np.array([[2.0, 0.5], [0.25, 1.0]])
    for which in (True, False):
        check(one_or_the_other, dup(matrix.copy()), const(matrix.copy()), const(which))


def test_remainders_at_multiples():
    check(put_back_into_the_box, dup(GRID.copy()))
    check(quotient_and_rest, active(-3.0), active(1.5))


def test_value_that_compared_equal():
    check(used_where_equal, active(1.0), active(3.0))
    check(returned_where_equal, dup(np.array([0.5, 1.0])), const(0))


def test_interpolation_at_points():
    check(interpolated_at_points, dup(GRID.copy()))


def test_log_of_sum_of_equals():
    check(log_of_sum, active(0.5), active(0.5))


def test_infinite_products_that_are_not_used():
    inverse, mask = np.array([1.5, math.nan, math.inf, -0.5]), np.array([1, 0, 0, 1])
    check(products_through_memory, active(0.5), const(inverse), const(mask), dup(np.ones(4)))


def test_workspace_passed_twice():
    memory = np.zeros(4)
    check(one_workspace_under_two_names, dup(np.array([1.5])), const(memory[:3]), const(memory[1:]))


def test_caught_exceptions():
    check(caught_from_a_callee, active(-1.0))
    check(caught_from_a_callee, active(1.0))
    check(caught_where_raised, active(1.0), dup(np.array([0.5])))
    assert "random kernel" in str(check_raises(root_or_raise, active(-1.0)))


def test_int32_count_of_zero():
    check(never_that_often, dup(np.array([0.5])), const(np.int32(0)))


def test_result_of_one():
    check(single_in_a_tuple, active(0.5), dup(np.array([2.0])))


def test_second_derivatives_of_masked_products():
    """Guards of a derivative that is differentiated."""
    inverse, mask = np.array([1.5, math.nan, math.inf, -0.5]), np.array([1, 0, 0, 1])
    arguments = active(0.5), const(inverse), const(mask), dup(np.ones(4))
    check_second_order(Case.of(products_through_memory, arguments, 0.75, None))


# What the check itself had wrong.


def test_partials_are_as_good_as_promised():
    """1 - tanh(x)**2 is exact to an ulp of 1, as docs/rules.md says, and not to one of itself."""
    check(flat_part_of_tanh, active(14.0))


def test_float32_underflows():
    check(cubed_again_and_again, dup(np.array([-1.0], np.float32)), const(4))


def test_sum_of_nothing_is_a_float():
    case = prepared(sum_of_nothing, (dup(np.empty(0)),), plain=False)
    check_forward(case, None)


def test_kernel_whose_exception_numba_loses():
    """Numba swallows what is raised after an exception was caught, so there is nothing to compare."""
    arguments = active(1.0), dup(np.array([0.5, -1.0]))
    assert not as_the_oracle(raises_after_one_was_caught, arguments, raises=True)
    assert as_the_oracle(root_or_raise, (active(-1.0),), raises=True)
