"""The plan's verifier: every way to break a plan is found, and named by the invariant that it violates."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pyfront as ad
from plan.harness import Wish, run_pass

PROBE = "libverifier_probe.so"


def squares(A):
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = A[i, j] * A[i, j]


def products(x, y):
    for i in range(x.shape[0]):
        a = x[i]
        b = y[i]
        x[i] = a * b
        y[i] = b * b


def triangle(x):
    for i in range(x.shape[0]):
        for j in range(i):
            x[j] = x[j] * x[j]


def converging(x):
    for i in range(x.shape[0]):
        a = x[i]
        y = a
        while abs(y * y - a) > 1e-9:
            y = 0.5 * (y + a / y)
        x[i] = y


def swapped(u, v, steps):
    a = u
    b = v
    for t in range(steps):
        for i in range(1, u.shape[0] - 1):
            b[i] = a[i] * a[i - 1] * a[i + 1]
        a, b = b, a


def two_ways(x, y):
    for i in range(x.shape[0]):
        if x[i] > 0.0:
            y[i] = x[i] * y[i]
        else:
            x[i] = y[i] * y[i] * y[i]


def cleared(x, n):
    total = 0.0
    for i in range(n):
        buffer = np.zeros(n)
        for j in range(n):
            buffer[j] += x[j] * x[i]
        total += buffer[0] * buffer[n - 1]
    return total


def squares_split(A):
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = A[i, j] * A[i, j]


def swapped_split(u, v, steps):
    a = u
    b = v
    for t in range(steps):
        for i in range(1, u.shape[0] - 1):
            b[i] = a[i] * a[i - 1]
        a, b = b, a


def through_workspaces(x, p, q):
    for i in range(x.shape[0]):
        p[i] = x[i] * x[i]
    for i in range(x.shape[0]):
        x[i] = q[i]


triangle_gradient = ad.autodiff(triangle, ad.Duplicated)


def nested(x, dx):
    triangle_gradient(x, dx)


VECTOR, MATRIX = "f8[::1]", "f8[:,::1]"
WISHES = {
    wish.kernel: wish
    for wish in [
        Wish(squares, MATRIX),
        Wish(products, f"{VECTOR}, {VECTOR}"),
        Wish(triangle, VECTOR),
        Wish(converging, VECTOR),
        Wish(swapped, f"{VECTOR}, {VECTOR}, i8"),
        Wish(two_ways, f"{VECTOR}, {VECTOR}"),
        Wish(cleared, f"{VECTOR}, i8"),
        Wish(squares_split, MATRIX, split=True),
        Wish(swapped_split, f"{VECTOR}, {VECTOR}, i8", split=True),
        Wish(nested, f"{VECTOR}, {VECTOR}"),
        Wish(through_workspaces, f"{VECTOR}, {VECTOR}, {VECTOR}", const=("p", "q"), may_alias=True),
    ]
}

BREAKINGS: list[tuple[str, Callable[..., object], str, str]] = [
    ("no-taped-value", squares, "P1", "has no source, and `fmul"),
    ("no-shadow-pointer", squares, "P1", "has no source, and `load"),
    ("no-operand", squares, "P2", "which has no source"),
    ("cycle", converging, "P2", "is recomputed from itself"),
    ("no-snapshot", swapped, "P2", "reads a snapshot that is not planned"),
    ("unreversed-counter", squares, "P2", "counts a loop that is not reversed"),
    ("exchanged-slots", products, "P3", "is taped in a slot that is not its own"),
    ("no-slot", squares, "P3", "is taped in a slot that is not its own"),
    ("flat-nest", squares, "P3", "does not have the nest of"),
    ("no-base-slot", triangle, "P3", "has no base slot around its head"),
    ("flat-base-slot", triangle, "P3", "has no base slot around its head"),
    ("no-shadow", squares, "P4", "`%arg.A.4` has no shadow, and `store"),
    ("no-shadow", swapped, "P4", "`%arg.u.4` has no shadow, and `load"),
    ("no-last-shadow", swapped, "P4", "`%arg.v.4` has no shadow, and `load"),
    ("no-last-shadow", cleared, "P4", "has no shadow, and `call"),
    ("no-pointer-store", nested, "P4", "is not kept where"),
    ("no-object", squares, "P4", "`%arg.A.4` has no shadow"),
    ("no-way", squares, "P5", "does not know where it came from"),
    ("no-which", two_ways, "P5", "which way came to block"),
    ("no-last-iteration", converging, "P5", "the last iteration of L1"),
    ("reload-from-caller", squares_split, "P6 P9", "is reloaded from the caller's memory"),
    ("no-place", swapped_split, "P6", "and is not kept as a place"),
    ("reload-overwritten", squares, "P2", "is reloaded, and may be written again"),
    ("copy-too-early", swapped, "P2", "is read from a copy that may not hold it"),
    ("local-adjoint", converging, "P7", "and is read in another"),
    ("early-array", triangle, "P3", "is allocated before the length of L1 is known"),
    ("never-zeroed", through_workspaces, "P4", "which is never zeroed"),
    ("no-size", swapped, "P8", "does not know its size"),
    ("no-frame-field", squares_split, "P9", "does not cross to the reverse half"),
    ("one-frame-field", squares_split, "P9", "are one, or overlap"),
    ("parted-workspaces", through_workspaces, "P4", "may share memory, and not their shadows"),
    ("no-guard", converging, "P10", "may be infinite and is not guarded"),
]


def verified(kernel: Callable[..., object], how: str, folder: Path) -> list[str]:
    return run_pass(WISHES[kernel], f"break-plan<{how}>", folder, PROBE).splitlines()


@pytest.mark.parametrize("kernel", WISHES)
def test_the_planner_s_plans_are_sound(kernel: Callable[..., object], tmp_path: Path) -> None:
    assert verified(kernel, "nothing", tmp_path) == ["sound"]


@pytest.mark.parametrize(("how", "kernel", "invariant", "text"), BREAKINGS)
def test_a_broken_plan_is_named_by_its_invariant(
    how: str, kernel: Callable[..., object], invariant: str, text: str, tmp_path: Path
) -> None:
    violations = verified(kernel, how, tmp_path)
    assert {violation.split(":")[0] for violation in violations} == set(invariant.split())
    assert any(text in violation for violation in violations), violations


@pytest.mark.parametrize("kernel", WISHES)
def test_no_source_can_be_missed(kernel: Callable[..., object], tmp_path: Path) -> None:
    """A plan holds what the reverse sweep reads and no more: whichever source is taken away, the verifier misses it."""
    *unmissed, count = verified(kernel, "each-source", tmp_path)
    assert unmissed == []
    assert int(re.fullmatch(r"(\d+) sources", count)[1]) > 5
