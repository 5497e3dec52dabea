"""What objects, types and activity say of small kernels. The lines `CHECK:` are FileCheck's, as in tests/plan."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from plan.harness import Kernel, Wish, file_check, run_pass

VECTOR = "f8[::1]"
CASES: list[tuple[str, Wish]] = []


def said_of(signature: str, prefix: str = "CHECK", **wish: object):
    def register(kernel: Kernel) -> Kernel:
        CASES.append((prefix, Wish(kernel, signature, **wish)))  # type: ignore[arg-type]
        return kernel

    return register


# --- objects --------------------------------------------------------------------------------------


@said_of(f"{VECTOR}, {VECTOR}, i8[::1], {VECTOR}, {VECTOR}", const=("p", "q"), may_alias=True)
@said_of(f"{VECTOR}, {VECTOR}, i8[::1], {VECTOR}, {VECTOR}", const=("p", "q"), prefix="DISTINCT")
def arguments_overlap_others_of_their_annotation_and_type(x, y, index, p, q):
    # CHECK:         x: argument, may overlap y
    # CHECK-NEXT:    y: argument, may overlap x
    # CHECK-NEXT:    index: argument{{$}}
    # CHECK-NEXT:    p: argument, may overlap q
    # CHECK-NEXT:    q: argument, may overlap p
    # CHECK:         object q: active
    # DISTINCT:      x: argument{{$}}
    # DISTINCT:      object index: constant
    # DISTINCT-NEXT: object p: active
    # DISTINCT-NEXT: object q: constant
    for i in range(x.size):
        p[i] = x[index[i]]
    for i in range(x.size):
        y[i] = p[i] * q[i]


@said_of(f"{VECTOR}, i8")
def a_table_of_buffers_holds_pointers(x, n):
    # CHECK:       [[A:local[0-9.]*]]: allocation
    # CHECK:       object x: active
    # CHECK:       object [[A]]: active
    buffers = (np.empty(n), np.empty(n))
    for k in range(2):
        for i in range(n):
            buffers[k][i] = x[i] * (k + 1)
    for i in range(n):
        x[i] = buffers[0][i] * buffers[1][i]


# --- types ----------------------------------------------------------------------------------------


@said_of("f4[::1], f8[::1], i4[::1], b1[::1]")
def types_are_those_of_the_front_end(single, double, index, mask):
    # CHECK:      {{^}}types
    # CHECK:      single: float32
    # CHECK-NEXT: double: float64
    # CHECK-NEXT: index: integer
    # CHECK-NEXT: mask: integer
    for i in range(index.size):
        if mask[i]:
            double[i] = single[index[i]]


# --- activity -------------------------------------------------------------------------------------


@said_of(f"{VECTOR}, {VECTOR}, {VECTOR}", const=("log",))
def what_is_only_written_down_is_not_active(x, y, log):
    # CHECK:      object x: active
    # CHECK-NEXT: object y: active
    # CHECK-NEXT: object log: constant
    for i in range(x.size):
        log[i] = x[i]
        y[i] = 2.0 * x[i]


@said_of(f"{VECTOR}, i8[::1]")
def a_conversion_to_an_integer_ends_activity(x, count):
    # CHECK:      object x: active
    # CHECK-NEXT: object count: constant
    for i in range(x.size):
        count[i] = int(x[i])
        x[i] = x[i] * count[i]


# --- overwrite, stored ----------------------------------------------------------------------------


@said_of(f"{VECTOR}, {VECTOR}, i8")
def what_becomes_of_memory(x, y, steps):
    # CHECK:      {{^}}objects
    # CHECK:        %[[AT_X:.*]] -> x
    # CHECK-NEXT:   %[[AT_Y:.*]] -> y
    # CHECK:      {{^}}overwrite
    # CHECK:        %[[X:.*]]: stable
    # CHECK-NEXT:   %[[OLD:.*]]: overwritten by the store to %[[AT_Y]], kept from each iteration of L1
    # CHECK:        %[[NEW:.*]]: overwritten by the store to %[[AT_Y]], kept from L2, kept from each iteration of L2
    # CHECK:      {{^}}stored
    # CHECK-NEXT:   #[[S:[0-9]+]]: read by %[[NEW]], overwrites what %[[OLD]] read, gone after #[[S]]
    s = 0.0
    for _ in range(steps):
        for i in range(x.size):
            y[i] = x[i] * y[i]
        for i in range(x.size):
            s += y[i]
    return s


@pytest.mark.parametrize(("prefix", "wish"), CASES, ids=[f"{wish.kernel.__name__}-{prefix}" for prefix, wish in CASES])
def test_facts(prefix: str, wish: Wish, tmp_path: Path) -> None:
    said = run_pass(wish, "print<ad-facts>", tmp_path)
    file_check(said, inspect.getsource(wish.kernel), prefix, tmp_path)
