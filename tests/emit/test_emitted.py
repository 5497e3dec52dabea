"""What the emitter writes for small kernels, before LLVM's passes see it. Each is named for a claim; the lines `CHECK:`
in it are FileCheck's, as in tests/plan.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
from plan.harness import Kernel, Wish, file_check, run_pass

VECTOR, MATRIX = "f8[::1]", "f8[:,::1]"
CASES: list[tuple[str, Wish]] = []


def emitted(signature: str, prefix: str = "CHECK", **wish: object):
    def register(kernel: Kernel) -> Kernel:
        CASES.append((prefix, Wish(kernel, signature, **wish)))  # type: ignore[arg-type]
        return kernel

    return register


# --- memory ---------------------------------------------------------------------------------------


@emitted(f"{VECTOR}, {VECTOR}")
def a_store_gives_its_adjoint_away_and_a_load_adds(x, y):
    # A kernel that is linear in its state needs no tape.
    # CHECK:      define i32 @derivative(
    # CHECK-NOT:  @pyfront_arena_alloc
    # CHECK:      [[BAR:%.*]] = load double, ptr [[Y:%.*]], align 8{{.*}}!alias.scope [[SHADOW:![0-9]+]]
    # CHECK-NEXT: store double 0.000000e+00, ptr [[Y]], align 8{{.*}}!alias.scope [[SHADOW]]
    # CHECK-NEXT: [[ADDED:%.*]] = fmul double 2.000000e+00, [[BAR]]
    # CHECK:      [[OLD:%.*]] = load double, ptr [[X:%.*]], align 8{{.*}}!alias.scope [[SHADOW]]
    # CHECK-NEXT: [[SUM:%.*]] = fadd double [[OLD]], [[ADDED]]
    # CHECK-NEXT: store double [[SUM]], ptr [[X]], align 8{{.*}}!alias.scope [[SHADOW]]
    # CHECK-NOT:  @pyfront_arena_alloc
    for i in range(x.size):
        y[i] = 2.0 * x[i]


@emitted(VECTOR)
def memory_has_three_sides_that_begin_with_the_call(x):
    # CHECK:      enter:
    # CHECK:      @llvm.experimental.noalias.scope.decl(metadata [[PRIMAL:![0-9]+]])
    # CHECK-NEXT: @llvm.experimental.noalias.scope.decl(metadata [[SHADOW:![0-9]+]])
    # CHECK-NEXT: @llvm.experimental.noalias.scope.decl(metadata [[TAPE:![0-9]+]])
    # CHECK:      load double, ptr {{.*}}shadow{{.*}}!alias.scope [[SHADOW]]
    # CHECK:      load double, ptr {{.*}}!alias.scope [[TAPE]]
    # CHECK:      load double, ptr {{.*}}!alias.scope [[PRIMAL]]
    # CHECK:      store double {{.*}}!alias.scope [[TAPE]]
    for i in range(x.size):
        x[i] = x[i] * x[i]


@emitted(f"{VECTOR}, {VECTOR}, {VECTOR}", const=("p", "q"))
@emitted(f"{VECTOR}, {VECTOR}, {VECTOR}", const=("p", "q"), may_alias=True, prefix="ALIAS")
def workspaces_have_shadows_of_their_own_or_share_them(x, p, q):
    # CHECK-NOT: ptrtoint
    # CHECK:     %p.shadow = call {{.*}} @pyfront_arena_alloc_zeroed(i64
    # CHECK-NOT: %q.shadow
    # ALIAS:     ptrtoint ptr %arg.p.4 to i64
    # ALIAS:     ptrtoint ptr %arg.q.4 to i64
    # ALIAS:     @llvm.umin.i64
    # ALIAS:     %p.shadow = call {{.*}} @pyfront_arena_alloc_zeroed(
    # ALIAS:     %q.shadow = call {{.*}} @pyfront_arena_alloc_zeroed(
    for i in range(x.size):
        p[i] = x[i] * x[i]
    for i in range(x.size):
        x[i] = p[i] + q[i]


# --- failures -------------------------------------------------------------------------------------


@emitted(VECTOR)
def a_raise_leaves_the_arena_before_the_reverse_sweep(x):
    # CHECK:      %mark = call i64 @pyfront_arena_enter()
    # CHECK:      store ptr {{.*}}, ptr %excinfo
    # CHECK:      call void @pyfront_arena_leave(i64 %mark)
    # CHECK-NEXT: ret i32 1
    # CHECK:      {{^}}turn:
    for i in range(x.size):
        if x[i] < 0.0:
            raise ValueError("negative")
        x[i] = np.sqrt(x[i])


@emitted(MATRIX)
def without_memory_for_the_tape_the_call_ends_with_its_status(A):
    # CHECK:      [[ROOM:%.*]] = call {{.*}} @pyfront_arena_alloc(i64
    # CHECK-NEXT: [[NULL:%.*]] = icmp eq ptr [[ROOM]], null
    # CHECK-NEXT: br i1 [[NULL]]
    # CHECK:      call void @pyfront_arena_leave(i64 %mark)
    # CHECK-NEXT: ret i32 20550
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = A[i, j] * A[i, j]


# --- adjoints -------------------------------------------------------------------------------------


@emitted(f"{VECTOR}, f8")
def adjoints_of_one_block_are_no_variables(x, a):
    # CHECK:     %arg.a.adjoint = alloca double
    # CHECK:     store double -0.000000e+00, ptr %arg.a.adjoint
    # CHECK-NOT: alloca double
    # CHECK:     fadd reassoc double
    for i in range(x.size):
        x[i] = a * x[i] + x[i]


@emitted(f"{VECTOR}, {VECTOR}")
@emitted(f"{VECTOR}, {VECTOR}", disable=("strips",), prefix="PLAIN")
def a_stencil_is_reversed_in_strips(x, y):
    # CHECK:      .strip:
    # CHECK:      .scatter:
    # CHECK:      {{^}}scatter:
    # PLAIN-NOT:  scatter
    # PLAIN:      define i32 @derivative(
    # PLAIN-NOT:  scatter
    for i in range(1, x.size - 1):
        y[i] = x[i - 1] + x[i] + x[i + 1]


# --- modes ----------------------------------------------------------------------------------------


@emitted(f"{VECTOR}, f8", forward=True)
@emitted(f"{VECTOR}, f8", forward=True, width=4, prefix="BATCH")
def tangents_stand_beside_values(x, a):
    # CHECK:      define i32 @derivative(
    # CHECK-NOT:  @pyfront_arena_alloc
    # CHECK:      %a.dot = load double, ptr %a.tangent
    # CHECK:      [[X:%.*]] = load double, ptr
    # CHECK:      load double, ptr {{.*}}!alias.scope
    # CHECK:      fmul double
    # CHECK-NOT:  {{^}}turn:
    # BATCH:      %a.dot = load <4 x double>, ptr %a.tangent
    # BATCH:      load <4 x double>, ptr
    # BATCH:      store <4 x double>
    for i in range(x.size):
        x[i] = a * x[i]


@emitted(MATRIX, split=True)
def halves_meet_in_the_tape(A):
    # CHECK:      define i32 @derivative.reverse(ptr noalias %tape, ptr
    # CHECK:      %frame{{[0-9]*}} = load ptr, ptr %tape
    # CHECK:      ret i32 0
    # CHECK:      define i32 @derivative.forward(
    # CHECK:      @pyfront_tape_open(i64
    # CHECK:      store ptr {{.*}}, ptr %tape.out
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            A[i, j] = A[i, j] * A[i, j]


@pytest.mark.parametrize(("prefix", "wish"), CASES, ids=[f"{wish.kernel.__name__}-{prefix}" for prefix, wish in CASES])
def test_code(prefix: str, wish: Wish, tmp_path: Path) -> None:
    said = run_pass(wish, "print<ad-derivative>", tmp_path)
    file_check(said, inspect.getsource(wish.kernel), prefix, tmp_path)
