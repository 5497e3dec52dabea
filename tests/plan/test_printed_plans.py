"""What the plan says of small kernels. Each is named for a claim; the lines `CHECK:` in it are FileCheck's.

With `@planned(..., prefix="TAPED", disable=[...])` the same kernel is planned a second time, one step switched off,
and the lines `TAPED:` hold.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import pyfront as ad
from plan.harness import Kernel, Wish, file_check, run_pass

VECTOR, MATRIX = "f8[::1]", "f8[:,::1]"
CASES: list[tuple[str, str, Wish]] = []


def planned(
    signature: str,
    prefix: str = "CHECK",
    text: str = "plan",
    const: Sequence[str] = (),
    disable: Sequence[str] = (),
    may_alias: bool = False,
    split: bool = False,
) -> Callable[[Kernel], Kernel]:
    """Registers a kernel: its `text` (`plan` or `facts`) is to be as its lines with `prefix` demand."""

    def register(kernel: Kernel) -> Kernel:
        CASES.append((prefix, text, Wish(kernel, signature, tuple(const), tuple(disable), may_alias, split)))
        return kernel

    return register


# --- values ---------------------------------------------------------------------------------------


@planned(MATRIX)
@planned("f4[:,::1]", prefix="SINGLE")
def overwritten_load_is_taped_with_its_nest_and_bytes(A):
    # CHECK:      [[LOAD:%v[0-9]+]] {{ *}}tape[0] {{ *}}; overwritten by the store to
    # CHECK:      {{^}}tape
    # CHECK-NEXT: slot 0: double per L0 L1, 8 B x trips(L0) x trips(L1) ; [[LOAD]], allocated before L0
    # CHECK-NEXT: {{^}}snapshots
    # SINGLE:     slot 0: float per L0 L1, 4 B x trips(L0) x trips(L1)
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = A[i, j] ** 2


@planned(f"{VECTOR}, {VECTOR}")
@planned(f"{VECTOR}, {VECTOR}", prefix="TAPED", disable=["reload"])
@planned(f"{VECTOR}, {VECTOR}", prefix="ALIAS", may_alias=True)
def stable_load_is_reloaded(x, y):
    # CHECK:      plan reverse (x: duplicated, y: duplicated)
    # CHECK:      reload ; not written again
    # CHECK:      {{^}}tape
    # CHECK-NEXT: {{^}}snapshots
    # TAPED-NOT:  reload
    # TAPED:      [[LOAD:%v[0-9]+]] {{ *}}tape[0] {{ *}}; a load
    # TAPED:      slot 0: double per L0, 8 B x trips(L0) ; [[LOAD]], allocated before L0
    # ALIAS:      plan reverse may-alias (
    # ALIAS-NOT:  reload
    # ALIAS:      tape[0] {{ *}}; overwritten by the store to
    for i in range(x.shape[0]):
        y[i] = x[i] ** 2


@planned(MATRIX)
def lu_keeps_its_quotients_only(A):
    # CHECK:      reload ; not written again
    # CHECK:      [[QUOTIENT:%v[0-9]+]] {{ *}}tape[0] {{ *}}; cheapest place to cut: fdiv
    # CHECK:      reload ; not written again
    # CHECK:      {{^}}tape
    # CHECK-NEXT: slot 0: double per L0 L1, {{.*}} ; [[QUOTIENT]], allocated before L1
    # CHECK-NEXT: slot 1: ptr per L0, {{.*}} ; where slot 0 is, allocated before L0
    # CHECK-NEXT: {{^}}snapshots
    n = A.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            for j in range(k + 1, n):
                A[i, j] -= A[i, k] * A[k, j]


@planned(f"{VECTOR}, i8")
def linear_loops_keep_no_values(u, steps):
    # CHECK-NOT:  tape[
    # CHECK-NOT:  reload
    # CHECK:      {{^}}tape
    # CHECK-NEXT: {{^}}snapshots
    for t in range(steps):
        for i in range(1, u.shape[0] - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1])


@planned(f"{VECTOR}, {VECTOR}")
@planned(f"{VECTOR}, {VECTOR}", prefix="TAPED", disable=["recompute"])
def pure_values_are_recomputed(x, y):
    # CHECK:      [[LOAD:%v[0-9]+]] {{ *}}reload
    # CHECK:      {{%v[0-9]+}} {{ *}}recompute ; fadd
    # CHECK-NEXT: {{%v[0-9]+}} {{ *}}recompute ; fmul
    # CHECK:      {{^}}tape
    # CHECK-NEXT: {{^}}snapshots
    # TAPED-NOT:  recompute
    # TAPED:      tape[{{[0-9]}}] {{ *}}; cheapest place to cut: fadd
    for i in range(x.shape[0]):
        y[i] = math.sin(x[i] * x[i] + 1.0)


@planned(VECTOR)
@planned(VECTOR, prefix="WHOLE", disable=["mincut"])
def smallest_cut_is_taped(x):
    # CHECK:      {{^}}tape
    # CHECK-NEXT: slot 0: double per L0
    # CHECK-NEXT: slot 1: double per L0
    # CHECK-NEXT: {{^}}snapshots
    # WHOLE:      {{^}}tape
    # WHOLE-NEXT: slot 0: double per L0
    # WHOLE-NEXT: slot 1: double per L0
    # WHOLE-NEXT: slot 2: double per L0
    # WHOLE-NEXT: slot 3: double per L0
    # WHOLE-NEXT: {{^}}snapshots
    for i in range(x.shape[0]):
        a = x[i]
        b = a * a
        x[i] = b * a * math.sin(b) + b


@planned(f"{VECTOR}, {VECTOR}")
def invariant_value_is_kept_in_the_outer_nest(x, y):
    # CHECK:      [[FACTOR:%v[0-9]+]] {{ *}}tape[0] {{ *}}; cheapest place to cut: call
    # CHECK:      slot 0: double per L0, 8 B x trips(L0) ; [[FACTOR]], allocated before L0
    # CHECK-NEXT: slot 1: double per L0 L1,
    # CHECK-NEXT: {{^}}snapshots
    for i in range(x.shape[0]):
        factor = math.exp(x[i])
        for j in range(y.shape[0]):
            y[j] *= factor


# --- snapshots ------------------------------------------------------------------------------------


@planned(f"{VECTOR}, {VECTOR}, i8")
@planned(f"{VECTOR}, {VECTOR}, i8", prefix="TAPED", disable=["snapshot"])
def state_of_a_time_loop_is_copied_once_per_step(u, w, steps):
    # CHECK:      snapshot[0]
    # CHECK:      {{^}}tape
    # CHECK-NEXT: slot 0: ptr per L0, 8 B x trips(L0) ; where copy 0 is, allocated before L0
    # CHECK-NEXT: {{^}}snapshots
    # CHECK-NEXT: copy 0: %arg.u.4 at each iteration of L0
    # CHECK-NOT:  copy
    # TAPED-NOT:  snapshot[
    # TAPED:      slot 0: double per L0 L1
    # TAPED:      {{^}}snapshots
    # TAPED-NOT:  copy
    n = u.shape[0]
    for t in range(steps):
        for i in range(1, n - 1):
            w[i] = u[i] + u[i] * (u[i + 1] - u[i - 1])
        for i in range(1, n - 1):
            u[i] = w[i]


@planned(f"{VECTOR}, {VECTOR}, i8")
def buffers_exchanged_by_name_are_copied_through_their_phi(u, v, steps):
    # CHECK:      %[[NAME:a[^ ]*]]' tape[{{[0-9]}}] ; carried by control flow
    # CHECK-COUNT-3: snapshot[0]
    # CHECK:      {{^}}snapshots
    # CHECK-NEXT: copy 0: %[[NAME]] at each iteration of L0
    a, b = u, v
    for t in range(steps):
        for i in range(1, u.shape[0] - 1):
            b[i] = a[i] + a[i] * (a[i + 1] - a[i - 1])
        a, b = b, a


# --- slots ----------------------------------------------------------------------------------------


@planned(VECTOR)
def triangular_nest_has_a_base_slot(x):
    # CHECK:      slot 0: double per L0 L1, {{.*}}, allocated before L1
    # CHECK-NEXT: slot 1: ptr per L0, 8 B x trips(L0) ; where slot 0 is, allocated before L0
    # CHECK-NEXT: {{^}}snapshots
    for i in range(x.shape[0]):
        for j in range(i):
            x[j] = x[j] ** 2


@planned("f8")
def slot_of_a_while_loop_grows(a):
    # CHECK:      [[X:%x[^ ]*]] {{ *}}tape[0] {{ *}}; carried by control flow
    # CHECK:      %L0.last {{ *}}tape[1] {{ *}}; carried by control flow
    # CHECK:      slot 0: double per L0, 8 B x trips(L0) ; [[X]], grows with L0
    # CHECK-NEXT: slot 1: i64 once, 8 B ; %L0.last
    # CHECK:      L0: reversed, trips counted
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


@planned("f8")
def slots_of_nested_while_loops_grow_each(a):
    # CHECK:      slot 0: double per L0 L1, {{.*}} ; [[Y:%y[^ ]*]], grows with L1
    # CHECK-NEXT: slot 1: ptr per L0, {{.*}} ; where slot 0 is, grows with L0
    # CHECK-NEXT: slot 2: i64 per L0, {{.*}} ; %L1.last, grows with L0
    # CHECK:      slot {{[0-9]}}: i64 once, 8 B ; %L0.last
    # CHECK:      L0: reversed, trips counted
    # CHECK-NEXT: L1: reversed, trips counted
    x = a
    while x < 1e6:
        y = x
        while y > 1.0:
            y = y * y * 0.3
        x = x * (y + 2.0)
    return x


@planned(VECTOR)
def trips_that_are_constants_are_printed(x):
    # CHECK:      slot 0: double per L0 L1, 8 B x trips(L0) x 7 ;
    for i in range(x.shape[0]):
        for k in range(7):
            x[i] = math.sin(x[i])


# --- control --------------------------------------------------------------------------------------


@planned(f"{VECTOR}, {VECTOR}, {VECTOR}", const=["c"])
def branch_by_a_value_that_is_reloaded_anyway_is_recomputed(x, y, c):
    # CHECK:      [[VALUE:%v[0-9]+]] {{ *}}reload ; not written again
    # CHECK:      %which.{{B[0-9]+}} recompute ; select
    # CHECK-NEXT: {{%v[0-9]+}} recompute ; fcmp
    # CHECK:      {{^}}tape
    # CHECK-NEXT: {{^}}snapshots
    for i in range(x.shape[0]):
        if c[i] > 0.0:
            x[i] *= c[i]
        else:
            y[i] *= c[i]


@planned(f"{VECTOR}, {VECTOR}")
def branch_by_the_counter_is_recomputed(x, y):
    # CHECK:      %which.{{B[0-9]+}} recompute ; select
    # CHECK-NEXT: {{%v[0-9]+}} recompute ; icmp
    # CHECK:      {{^}}tape
    # CHECK-NEXT: {{^}}snapshots
    for i in range(x.shape[0]):
        if i % 2 == 0:
            x[i] *= 2.0
        else:
            y[i] *= 3.0


@planned(f"{VECTOR}, {VECTOR}")
def branch_by_an_overwritten_condition_is_taped_as_one_bit(x, y):
    # CHECK:      [[CONDITION:%v[0-9]+]] tape[0] ; cheapest place to cut: fcmp
    # CHECK:      {{^}}tape
    # CHECK-NEXT: slot 0: i1 per L0, 1 B x trips(L0) ; [[CONDITION]], allocated before L0
    # CHECK-NEXT: {{^}}snapshots
    for i in range(x.shape[0]):
        if x[i] > 0.0:
            x[i] *= 2.0
        else:
            y[i] *= 3.0


@planned(f"{VECTOR}, i8[::1], i8[::1]")
def inactive_region_is_jumped_over(x, index, table):
    # CHECK-NOT:  L0.iter
    # CHECK:      {{^}}loops
    # CHECK-NEXT: L0: not reversed
    # CHECK-NEXT: L1: not reversed
    # CHECK-NEXT: L2: reversed, trips known
    n = index.shape[0]
    for i in range(n):
        for j in range(n):
            table[i] += index[j]
    for i in range(n):
        x[i] *= table[i]


# --- shadows --------------------------------------------------------------------------------------


@planned(f"{VECTOR}, {VECTOR}", const=["work"])
def constant_workspace_gets_a_shadow_of_its_own(x, work):
    # CHECK:      plan reverse (x: duplicated, work: const)
    # CHECK-NEXT: {{^}}shadows
    # CHECK-NEXT: x: the caller's
    # CHECK-NEXT: work: own, zeroed on entry
    # CHECK-NEXT: {{^}}values
    # CHECK:      %arg.work.4' {{ *}}register
    for i in range(x.shape[0]):
        work[i] = x[i] ** 2
    for i in range(x.shape[0]):
        x[i] = work[i] * work[i]


@planned(f"{VECTOR}, {VECTOR}", const=["c"])
def constant_array_without_active_data_has_no_shadow(x, c):
    # CHECK:      {{^}}shadows
    # CHECK-NEXT: x: the caller's
    # CHECK-NEXT: {{^}}values
    # CHECK-NOT:  %arg.c.4'
    for i in range(x.shape[0]):
        x[i] *= c[i]


@planned(f"{VECTOR}, {VECTOR}, i8")
def hoisted_local_array_has_one_shadow(x, y, m):
    # CHECK:      local: own, beside its allocation
    # CHECK:      slot [[SLOT:[0-9]]]: ptr once, 8 B ; %local'
    # CHECK-NOT:  %local
    for i in range(x.shape[0]):
        local = np.empty(m)
        for k in range(m):
            local[k] = x[i] * k
        for k in range(m):
            y[i] += local[k] * local[k]


@planned(VECTOR)
def hoisted_local_array_may_have_a_literal_size(x):
    # CHECK:      slot [[SLOT:[0-9]]]: ptr once, 8 B ; %local'
    for i in range(x.shape[0]):
        local = np.empty(3)
        for k in range(3):
            local[k] = x[i] * k
        x[i] = local[0] * local[1] * local[2]


@planned(VECTOR)
def result_s_shadow_is_the_seed(x):
    # CHECK:      result: the seed
    # CHECK-NEXT: x: the caller's
    # CHECK:      %retptr' {{ *}}register
    s = 0.0
    for i in range(x.shape[0]):
        s += x[i] * x[i]
    return s


# --- order of sums --------------------------------------------------------------------------------


@planned(f"f8, {VECTOR}, {VECTOR}")
@planned(f"f8, {VECTOR}, {VECTOR}", prefix="STRICT", disable=["lanes"])
def adjoint_of_a_scalar_is_summed_up_in_lanes(a, x, y):
    # CHECK:      {{^}}lanes
    # CHECK-NEXT: %arg.a
    # CHECK-NEXT: {{^}}loops
    # STRICT-NOT: {{^}}lanes
    for i in range(x.shape[0]):
        y[i] += a * x[i]


@planned(f"{VECTOR}, {VECTOR}")
@planned(f"{VECTOR}, {VECTOR}", prefix="WHOLE", disable=["strips"])
def stencil_is_reversed_in_strips(x, y):
    # CHECK:      {{^}}strips
    # CHECK-NEXT: L0: 3 accesses
    # CHECK-NEXT: {{^}}loops
    # WHOLE-NOT:  {{^}}strips
    for i in range(1, x.shape[0] - 1):
        y[i] = x[i - 1] + 2.0 * x[i] + x[i + 1]


# --- in two halves --------------------------------------------------------------------------------


@planned(f"{VECTOR}, {VECTOR}", split=True)
@planned(f"{VECTOR}, {VECTOR}", prefix="WHOLE")
def arguments_are_not_reloaded_in_another_call(x, y):
    # CHECK:      plan split (x: duplicated, y: duplicated)
    # CHECK-NOT:  reload
    # CHECK:      [[LOAD:%v[0-9]+]] {{ *}}tape[0] {{ *}}; the caller may overwrite it
    # CHECK:      {{^}}places
    # CHECK-NEXT: %arg.x.4' {{ *}}in x'
    # CHECK-NEXT: %arg.y.4' {{ *}}in y'
    # CHECK-NEXT: {{^}}frame, 24 B
    # CHECK-NEXT: 0: %arg.x.5.0
    # CHECK-NEXT: 8: %which
    # CHECK-NEXT: 16: where slot 0 is
    # WHOLE:      reload ; not written again
    # WHOLE-NOT:  {{^}}places
    for i in range(x.shape[0]):
        y[i] = x[i] ** 2


@planned(f"{MATRIX}, {VECTOR}", split=True)
@planned(f"{MATRIX}, {VECTOR}", prefix="TAPED", split=True, disable=["snapshot"])
def what_is_read_again_and_again_is_copied_at_the_end(A, x):
    # CHECK:      snapshot[0]
    # CHECK:      slot {{.*}} ; where copy 0 is
    # CHECK:      copy 0: %arg.A.4 at the end
    # TAPED-NOT:  snapshot[0]
    for k in range(x.shape[0]):
        for i in range(A.shape[0]):
            for j in range(A.shape[1]):
                x[k] += A[i, j] * A[i, j]


@planned(f"{VECTOR}, i8", split=True)
def local_arrays_are_reloaded_from_the_tape(x, n):
    # CHECK:      local: own, beside its allocation, zeroed by the reverse half
    # CHECK:      reload ; not written again
    # CHECK:      {{^}}places
    # CHECK-NEXT: %arg.x.4' {{ *}}in x'
    local = np.empty(n)
    for i in range(n):
        local[i] = 2.0 * x[i]
    for i in range(n):
        x[i] = local[i] * local[i]


@planned(f"{VECTOR}, i8", split=True)
def buffers_swapped_by_name_are_kept_as_places(x, steps):
    # CHECK:      {{^}}places
    # CHECK:      in x', or own
    # CHECK-NEXT: in x', or own
    a = x
    b = np.zeros(x.shape[0])
    for t in range(steps):
        for i in range(1, x.shape[0] - 1):
            b[i] = a[i] * a[i - 1]
        a, b = b, a


# --- facts ----------------------------------------------------------------------------------------


@planned("f8[::1], i4[::1], f4[::1]", text="facts", const=["c"])
def types_and_escapes_of_objects(x, index, c):
    # CHECK:      {{^}}objects
    # CHECK-NEXT: result: result
    # CHECK-NEXT: x: argument
    # CHECK-NEXT: index: argument
    # CHECK-NEXT: c: argument
    # CHECK-NEXT: local: allocation{{$}}
    # CHECK:      {{^}}types
    # CHECK-NEXT: result: float64
    # CHECK-NEXT: x: float64
    # CHECK-NEXT: index: integer
    # CHECK-NEXT: c: float32
    # CHECK-NEXT: local: float64
    # CHECK-NEXT: {{^}}activity
    # CHECK-NEXT: object result: active
    # CHECK-NEXT: object x: active
    # CHECK-NEXT: object index: constant
    # CHECK-NEXT: object c: constant
    # CHECK-NEXT: object local: active
    # CHECK:      {{^}}loops
    # CHECK-NEXT: L0: trips known
    # CHECK-NEXT: L1: trips 5
    local = np.zeros(5)
    for i in range(index.shape[0]):
        local[index[i]] += x[i] * c[i]
    s = 0.0
    for i in range(5):
        s += local[i] * local[i]
    return s


def powers_below(x):
    for i in range(x.shape[0]):
        for j in range(i):
            x[j] = x[j] * x[j]


gradient_of_powers = ad.autodiff(powers_below, ad.Duplicated)


@planned(f"{VECTOR}, {VECTOR}", text="facts")
@planned(f"{VECTOR}, {VECTOR}", prefix="PLAN", text="plan")
def table_of_a_nested_derivative_s_tape_is_known(x, dx):
    # CHECK:      {{^}}objects
    # CHECK:      slot1.array{{.*}}: allocation, holds pointers into [[BLOCK:slot0.array.*]]
    # CHECK-NEXT: [[BLOCK]]: allocation{{$}}
    # CHECK:      {{^}}types
    # CHECK:      slot1.array{{.*}}: pointer
    # CHECK-NEXT: [[BLOCK]]: float64
    # CHECK:      {{^}}activity
    # CHECK:      object slot1.array{{.*}}: constant
    # CHECK-NEXT: object [[BLOCK]]: active
    # PLAN:       {{^}}shadows
    # PLAN:       slot1{{.*}}: own, beside its allocation
    # PLAN:       slot0{{.*}}: own, beside its allocation
    gradient_of_powers(x, dx)


# --- guards ---------------------------------------------------------------------------------------


@planned(f"{VECTOR}, {VECTOR}, {VECTOR}, i8")
def an_infinity_that_reaches_a_result_needs_no_guard(x, w, y, steps):
    # CHECK-NOT:  {{^}}guards
    t = np.empty(x.shape[0])
    for _ in range(steps):
        for i in range(x.shape[0]):
            t[i] = x[i] * w[i]
        for i in range(x.shape[0]):
            y[i] += t[i] * w[i]


@planned(f"{VECTOR}, {VECTOR}")
def what_an_array_keeps_from_its_readers_is_guarded(x, w):
    # CHECK:      {{^}}guards
    # CHECK-NEXT: zero adjoint in operand 0, zero adjoint in operand 1{{$}}
    # CHECK-NEXT: {{^[a-z]}}
    t = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        t[i] = x[i] * w[i]
    s = 0.0
    for i in range(x.shape[0] - 1):
        s += t[i] * 2.0
    return s


@planned(f"{VECTOR}, {VECTOR}")
def what_a_function_hides_is_guarded(x, w):
    # CHECK:      {{^}}guards
    # CHECK-NEXT: [[PRODUCT:%v[0-9]+]] {{ *}}zero adjoint in operand 0, zero adjoint in operand 1
    # CHECK-NEXT: {{%v[0-9]+}} {{ *}}zero adjoint in operand 0{{$}}
    # CHECK-NEXT: {{^[a-z]}}
    s = 0.0
    for i in range(x.shape[0]):
        s += math.exp(x[i] * w[i])
    return s


@planned(f"{VECTOR}")
def what_a_steep_partial_reaches_is_guarded_where_the_partial_is_zero(x):
    # CHECK:      {{^}}guards
    # CHECK-NEXT: zero partial in operand 0, zero partial in operand 1{{$}}
    # CHECK-NEXT: zero adjoint in operand 0{{$}}
    t = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        t[i] = x[i] * x[i]
    s = 0.0
    for i in range(x.shape[0]):
        s += math.sqrt(t[i])
    return s


@planned(f"{VECTOR}")
def a_softened_root_is_neither_steep_nor_singular(x):
    # CHECK-NOT:  {{^}}guards
    s = 0.0
    for i in range(x.shape[0]):
        s += math.sqrt(x[i] * x[i] + 1e-2)
    return s


@planned(f"{VECTOR}, {VECTOR}")
def a_root_that_only_poles_read_is_not_steep(x, y):
    # CHECK:      {{^}}guards
    # CHECK-NOT:  zero partial
    # CHECK:      {{^}}loops
    for i in range(x.shape[0]):
        r = math.sqrt(x[i] * x[i])
        y[i] *= min(5.0, max(0.2, r**-0.2)) + (math.log(r) if r > 0.0 else 0.0)


@pytest.mark.parametrize(
    ("prefix", "text", "wish"),
    CASES,
    ids=[wish.kernel.__name__ + ("" if prefix == "CHECK" else f"-{prefix}") for prefix, _, wish in CASES],
)
def test_kernel_is_planned_as_its_lines_say(prefix: str, text: str, wish: Wish, tmp_path: Path) -> None:
    said = run_pass(wish, f"print<ad-{text}>", tmp_path)
    assert "error: " not in said
    file_check(said, inspect.getsource(wish.kernel), prefix, tmp_path)
