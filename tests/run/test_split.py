"""Split derivatives: what happens between the halves does not matter, and what goes wrong is a typed error.

That the halves together are the derivative is checked on the kernels of all files here (`oracle.halves`).
"""

from __future__ import annotations

import copy
import gc
import math
import pickle
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.errors import NumbaError
from numba.core.runtime import rtsys

import pyfront as ad
from pyfront import engine

TAPED = ("reload", "recompute", "mincut", "snapshot")


def squares(x, y):
    for i in range(x.size):
        y[i] = x[i] * x[i]


def steps(x, a, work, n):
    """Buffers swapped by name, a local array, a Const array that holds active data, a result."""
    local = np.zeros(a.size)
    p, q = a, local
    for _ in range(n):
        for i in range(a.size):
            work[i] = math.sin(p[i - 1]) * x
        for i in range(a.size):
            q[i] = 0.5 * work[i] + p[i] * p[i]
        p, q = q, p
    s = 0.0
    for i in range(a.size):
        s += p[i] * p[i - 1]
    return s


def grows(a):
    k = 0
    while a[0] < 100.0:
        a[0] = a[0] * a[0] * 1.01 + a[k % a.size]
        k += 1


def raises_when_negative(a, out):
    local = np.empty(a.size)
    for i in range(a.size):
        local[i] = a[i] * a[i]
        if a[i] < 0.0:
            raise ValueError("negative", i)
        out[i] = local[i]


def value_only(x, y):
    return x * math.exp(y)


def count_positive(a):
    n = 0
    for i in range(a.size):
        if a[i] > 0.0:
            n += 1
        a[i] = a[i] * 3.0
    return n


class Fields(NamedTuple):
    u: np.ndarray
    v: np.ndarray


def of_fields(fields, scale):
    for i in range(fields.u.size):
        fields.v[i] = fields.u[i] * fields.u[i] * scale


@pytest.fixture(autouse=True)
def nothing_is_left():
    gc.collect()
    live = engine.load().live_tapes()
    yield
    gc.collect()
    assert engine.load().live_tapes() == live
    assert engine.load().arena_in_use() == 0


def halves_of_steps(**options):
    return ad.autodiff_split(steps, ad.Active, ad.Duplicated, ad.Const, ad.Const, **options)


def whole_steps(a, n, seed=1.0):
    """Adjoint of x, of a, and the value, from the derivative in one piece."""
    a, shadow = a.copy(), np.ones_like(a)
    derivative = ad.autodiff(
        steps, ad.Active, ad.Duplicated, ad.Const, ad.Const, mode=ad.ReverseWithPrimal, disable=("lanes", "strips")
    )
    value, adjoint = derivative(0.7, a, shadow, np.empty_like(a), n, seed=seed)
    return value, adjoint, shadow


# --- results --------------------------------------------------------------------------------------


@pytest.mark.parametrize("disable", [(), TAPED], ids=["planned", "taped"])
def test_arrays_may_change_between_the_halves(disable):
    forward, reverse = halves_of_steps(disable=("lanes", "strips", *disable))
    a, work = np.linspace(0.1, 0.9, 9), np.empty(9)
    want = whole_steps(a, 4)
    value, tape = forward(0.7, a, work, 4)
    a[:], work[:] = np.nan, np.inf
    shadow = np.ones(9)
    adjoint = reverse(shadow, tape)
    assert (value, adjoint) == want[:2]
    assert shadow.tobytes() == want[2].tobytes()
    assert np.isnan(a).all()


def test_one_tape_many_times():
    """Each reverse half starts from the shadows that it is given, whatever the last one left in local memory."""
    forward, reverse = halves_of_steps(disable=("lanes", "strips"))
    a = np.linspace(0.1, 0.9, 9)
    value, tape = forward(0.7, a.copy(), np.empty(9), 5)
    for seed in (1.0, 0.0, math.nan, 1e300, -0.5, 1.0):
        want = whole_steps(a, 5, seed)
        shadow = np.ones(9)
        adjoint = reverse(shadow, seed, tape)
        assert np.array_equal([value, adjoint], want[:2], equal_nan=True)
        assert np.array_equal(shadow, want[2], equal_nan=True)


def test_the_seed_has_three_forms():
    forward, reverse = ad.autodiff_split(value_only, ad.Active, ad.Active)
    value, tape = forward(2.0, 0.5)
    assert value == value_only(2.0, 0.5)
    one = reverse(tape)
    assert one == reverse(1.0, tape) == reverse(tape, seed=1) == reverse(seed=1.0, tape=tape) == reverse(1.0, tape=tape)
    assert reverse(2.0, tape) == (2.0 * one[0], 2.0 * one[1])


def test_a_kernel_that_returns_nothing():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    x, y, dx, dy = np.arange(3.0), np.zeros(3), np.zeros(3), np.ones(3)
    value, tape = forward(x, y)
    assert value is None
    assert reverse(dx, dy, tape) is None
    assert dx.tolist() == [0.0, 2.0, 4.0]
    assert dy.tolist() == [0.0, 0.0, 0.0]


def test_a_kernel_that_returns_an_integer():
    forward, reverse = ad.autodiff_split(count_positive, ad.Duplicated)
    shadow = np.ones(3)
    value, tape = forward(np.array([1.0, -1.0, 2.0]))
    assert value == 2
    assert reverse(shadow, tape) is None
    assert shadow.tolist() == [3.0, 3.0, 3.0]
    with pytest.raises(ad.SeedError, match="takes no seed"):
        reverse(shadow, 1.0, tape)


def test_a_tape_that_grows():
    forward, reverse = ad.autodiff_split(grows, ad.Duplicated, disable=TAPED)
    a = np.array([1.0, 0.01, 0.02])
    want, shadow = np.ones(3), np.ones(3)
    ad.autodiff(grows, ad.Duplicated)(a.copy(), want)
    _, tape = forward(a)
    reverse(shadow, tape)
    assert shadow.tobytes() == want.tobytes()


def test_an_array_that_is_read_often_is_kept_once():
    """The memory of a tape is that of the array, not that of all its reads."""

    def often(a, x):
        for k in range(x.size):
            for i in range(a.size):
                x[k] += a[i] * a[i]

    forward, reverse = ad.autodiff_split(often, ad.Duplicated, ad.Duplicated)
    a, da = np.arange(100.0), np.zeros(100)
    _, tape = forward(a, np.zeros(1000))
    a[:] = np.nan
    reverse(da, np.ones(1000), tape)
    assert tape.nbytes < 2_000
    assert da.tolist() == [2000.0 * i for i in range(100)]


def test_several_signatures_of_one_pair():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    calls = []
    for dtype in (np.float64, np.float32):
        for step in (1, 2, -1):
            x = np.arange(6, dtype=dtype)[::step]
            calls.append((x.copy(), forward(x, np.zeros_like(x, order="C"))[1], np.zeros(6, dtype)[::step]))
    for x, tape, dx in reversed(calls):
        reverse(dx, np.ones_like(x), tape)
        np.testing.assert_array_equal(dx, 2 * x)
    assert len(forward.inspect_plan()) == len(reverse.inspect_llvm()) == 4


def test_shadows_of_another_layout_than_the_array():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    x, y = np.arange(8.0)[::2], np.zeros(4)
    _, tape = forward(x, y)
    wide = np.zeros(8)
    reverse(wide[::2], np.ones(4), tape)
    assert wide.tolist() == [0.0, 0.0, 4.0, 0.0, 8.0, 0.0, 12.0, 0.0]


def test_tuples_of_arrays():
    forward, reverse = ad.autodiff_split(of_fields, ad.Duplicated, ad.Active)
    fields, shadows = Fields(np.arange(3.0), np.zeros(3)), Fields(np.zeros(3), np.ones(3))
    _, tape = forward(fields, 2.0)
    fields.u[:] = 50.0
    assert reverse(shadows, tape) == 5.0
    assert shadows.u.tolist() == [0.0, 4.0, 8.0]


def test_arrays_that_alias():
    """The forward half compiles for arguments that overlap; the shadows must overlap alike."""

    def shift(a, b):
        for i in range(a.size):
            b[i] = a[i] * a[i]

    forward, reverse = ad.autodiff_split(shift, ad.Duplicated, ad.Duplicated)
    whole = ad.autodiff(shift, ad.Duplicated, ad.Duplicated)
    memory, want = np.linspace(0.5, 1.5, 6), np.ones(6)
    whole(memory[:-1], want[:-1], memory[1:], want[1:])
    memory, shadow = np.linspace(0.5, 1.5, 6), np.ones(6)
    _, tape = forward(memory[:-1], memory[1:])
    memory[:] = 0.0
    with pytest.raises(ad.OverlapError, match="overlap, but not their shadows"):
        reverse(np.ones(5), np.ones(5), tape)
    reverse(shadow[:-1], shadow[1:], tape)
    assert shadow.tobytes() == want.tobytes()


def test_keywords_and_defaults_of_the_kernel_are_names():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    dx = np.zeros(2)
    _, tape = forward(y=np.zeros(2), x=np.ones(2))
    reverse(dx, np.ones(2), tape)
    assert dx.tolist() == [2.0, 2.0]


def test_a_change_of_shape_between_the_halves_has_no_effect():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    x, dx = np.arange(4.0), np.zeros(4)
    _, tape = forward(x, np.zeros(4))
    x.shape = (2, 2)
    reverse(dx, np.ones(4), tape)
    assert dx.tolist() == [0.0, 2.0, 4.0, 6.0]


def test_empty_arrays():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    _, tape = forward(np.empty(0), np.empty(0))
    assert reverse(np.empty(0), np.empty(0), tape) is None


def test_a_kernel_that_calls_a_derivative():
    derivative = ad.autodiff(value_only, ad.Active, ad.Active)

    def slope(x, a):
        g = derivative(x, a[0])
        return g[0] * g[1]

    forward, reverse = ad.autodiff_split(slope, ad.Active, ad.Duplicated)
    whole = ad.autodiff(slope, ad.Active, ad.Duplicated)
    want, shadow = np.zeros(1), np.zeros(1)
    adjoint = whole(1.5, np.array([0.3]), want)
    _, tape = forward(1.5, np.array([0.3]))
    assert reverse(shadow, tape) == adjoint
    assert shadow.tobytes() == want.tobytes()


# --- the life of a tape ---------------------------------------------------------------------------


def test_many_tapes_at_once():
    forward, reverse = halves_of_steps(disable=("lanes", "strips"))
    runs = []
    for number in range(30):
        a = np.random.default_rng(number).uniform(0.1, 0.9, 5 + number)
        runs.append((a, *forward(0.7, a.copy(), np.empty_like(a), 3)))
    for number in np.random.default_rng(0).permutation(30):
        a, value, tape = runs[number]
        shadow = np.ones_like(a)
        want = whole_steps(a, 3)
        assert (value, reverse(shadow, tape)) == want[:2]
        assert shadow.tobytes() == want[2].tobytes()


def test_a_tape_outlives_everything_else():
    """Arrays, kernel and halves may be gone but for the tape and the reverse half."""
    reverse, tape = _leave_a_tape()
    gc.collect()
    shadow = np.ones(4)
    reverse(np.zeros(4), shadow, tape)
    assert shadow.tolist() == [0.0] * 4


def _leave_a_tape():
    def kernel(x, y):
        for i in range(x.size):
            y[i] = x[i] * x[i]

    forward, reverse = ad.autodiff_split(kernel, ad.Duplicated, ad.Duplicated)
    return reverse, forward(np.ones(4), np.zeros(4))[1]


def test_a_tape_frees_itself():
    forward, _ = halves_of_steps()
    before = engine.load().live_tapes()
    tape = forward(0.5, np.ones(4), np.empty(4), 2)[1]
    assert engine.load().live_tapes() == before + 1
    seen = weakref.ref(tape)
    del tape
    assert seen() is None
    assert engine.load().live_tapes() == before


def test_memory_of_freed_tapes_is_used_again():
    forward, reverse = ad.autodiff_split(grows, ad.Duplicated, disable=TAPED)
    ad.release_memory()
    for _ in range(3):
        forward(np.array([1.0, 0.01]))[1].close()
    stats = rtsys.get_allocation_stats()
    balance = stats.alloc - stats.free
    for _ in range(50):
        _, tape = forward(np.array([1.0, 0.01]))
        reverse(np.ones(2), tape)
    stats = rtsys.get_allocation_stats()
    assert stats.alloc - stats.free == balance


def test_nbytes_counts_what_is_kept():
    forward, _ = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    tapes = [forward(np.ones(n), np.zeros(n))[1] for n in (100, 100_000)]
    assert 800 <= tapes[0].nbytes <= 2_000
    assert 800_000 <= tapes[1].nbytes <= 801_000
    assert repr(tapes[0]) == f"<tape of squares, {tapes[0].nbytes} bytes>"
    tapes[0].close()
    assert tapes[0].nbytes == 0
    assert tapes[0].closed
    assert repr(tapes[0]) == "<tape of squares, closed>"


def test_closing():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    dx, dy = np.zeros(2), np.ones(2)
    with forward(np.ones(2), np.zeros(2))[1] as tape:
        reverse(dx, dy, tape)
    tape.close()
    for _ in range(2):
        with pytest.raises(ad.TapeError, match="is closed"):
            reverse(dx, dy, tape)
    assert dx.tolist() == [2.0, 2.0]


def test_a_tape_is_not_copied():
    forward, _ = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    tape = forward(np.ones(2), np.zeros(2))[1]
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(ad.TapeError, match="cannot be copied"):
            duplicate(tape)


def test_the_halves_are_pickled_by_reference():
    halves = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    assert ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated) is not None
    kernel = njit(squares)
    forward, reverse = ad.autodiff_split(kernel, ad.Duplicated, ad.Duplicated)
    assert ad.autodiff_split(kernel, ad.Duplicated, ad.Duplicated) == (forward, reverse)
    assert "forward half of the derivative of squares(Duplicated, Duplicated)" in repr(halves[0])
    for half in pickle.loads(pickle.dumps(halves)):
        assert "squares" in repr(half)


# --- threads --------------------------------------------------------------------------------------


def test_reverse_on_other_threads():
    forward, reverse = halves_of_steps(disable=("lanes", "strips"))
    a = np.linspace(0.1, 0.9, 12)
    want = whole_steps(a, 6)
    tapes = [forward(0.7, a.copy(), np.empty(12), 6)[1] for _ in range(4)]

    def run(tape):
        shadow = np.ones(12)
        return reverse(shadow, tape), shadow.tobytes()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, tapes * 20))
    assert set(results) == {(want[1], want[2].tobytes())}


def test_forward_on_a_thread_that_has_ended():
    forward, reverse = halves_of_steps(disable=("lanes", "strips"))
    a = np.linspace(0.1, 0.9, 12)
    tapes = []
    threads = [
        threading.Thread(target=lambda: tapes.append(forward(0.7, a.copy(), np.empty(12), 6)[1])) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    want = whole_steps(a, 6)
    for tape in tapes:
        shadow = np.ones(12)
        assert reverse(shadow, tape) == want[1]
        assert shadow.tobytes() == want[2].tobytes()


# --- errors ---------------------------------------------------------------------------------------


def test_an_exception_of_the_kernel_leaves_no_tape():
    forward, reverse = ad.autodiff_split(raises_when_negative, ad.Duplicated, ad.Duplicated)
    live = engine.load().live_tapes()
    for _ in range(20):
        out = np.zeros(3)
        with pytest.raises(ValueError, match="negative") as info:
            forward(np.array([2.0, 3.0, -1.0]), out)
        assert info.value.args == ("negative", 2)
        assert out.tolist() == [4.0, 9.0, 0.0]
    assert engine.load().live_tapes() == live
    shadow = np.zeros(2)
    _, tape = forward(np.array([2.0, 3.0]), np.zeros(2))
    reverse(shadow, np.ones(2), tape)
    assert shadow.tolist() == [4.0, 6.0]


def test_without_memory_there_is_no_tape():
    def huge(a, n):
        local = np.empty(n)
        local[0] = a[0]
        a[0] = local[0] * local[0]

    forward, _ = ad.autodiff_split(huge, ad.Duplicated, ad.Const)
    live = engine.load().live_tapes()
    with pytest.raises(MemoryError, match="`huge`"):
        forward(np.ones(1), 1 << 50)
    assert engine.load().live_tapes() == live


def wrong_shadows(x):
    yield ad.ShapeError, (np.zeros(3), np.zeros(4)), "has not the shape of `x`"
    yield ad.DtypeError, (np.zeros(4, np.float32), np.zeros(4)), "holds float32, `x` holds float64"
    yield ad.DtypeError, (1.0, np.zeros(4)), "is not an array"
    yield ad.LayoutError, (np.zeros((4, 1)), np.zeros(4)), "has 2 dimensions"
    yield ad.LayoutError, (np.zeros(8)[::2], np.zeros(4)), "has not the strides of `x`"
    frozen = np.zeros(4)
    frozen.setflags(write=False)
    yield ad.ReadonlyError, (frozen, np.zeros(4)), "is readonly"
    both = np.zeros(4)
    yield ad.OverlapError, (both, both), "the shadows `dx` and `dy` overlap"
    yield ad.OverlapError, (x, np.zeros(4)), "the shadow `dx` overlaps the array `x`"
    yield ad.ArityError, (np.zeros(4),), "got 1 arguments before the tape"
    yield ad.ArityError, (np.zeros(4), np.zeros(4), np.zeros(4), np.zeros(4)), "got 4 arguments before the tape"
    yield ad.SeedError, (np.zeros(4), np.zeros(4), 1.0), "takes no seed"


@pytest.mark.parametrize("number", range(11))
def test_wrong_shadows(number):
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    x = np.arange(4.0)
    _, tape = forward(x, np.zeros(4))
    error, shadows, message = list(wrong_shadows(x))[number]
    before = [np.copy(shadow) for shadow in shadows]
    with pytest.raises(error, match=message):
        reverse(*shadows, tape)
    for shadow, was in zip(shadows, before, strict=True):
        np.testing.assert_array_equal(shadow, was)
    dx = np.zeros(4)
    reverse(dx, np.ones(4), tape)
    assert dx.tolist() == [0.0, 2.0, 4.0, 6.0], "the tape is as good as before"


def test_no_tape_or_a_wrong_one():
    forward, reverse = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    other = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated, disable=("mincut",))[0]
    x = np.zeros(2)
    _, tape = forward(x, x.copy())
    _, alien = other(x, x.copy())
    with pytest.raises(ad.TapeError, match="no tape but None"):
        reverse()
    with pytest.raises(ad.TapeError, match="no tape but a ndarray"):
        reverse(x, x)
    with pytest.raises(ad.TapeError, match="not one of this derivative"):
        reverse(x, x, alien)
    with pytest.raises(ad.ArgumentError, match="`dx` is a tape"):
        reverse(tape, x, tape)
    scalar, its_reverse = ad.autodiff_split(value_only, ad.Active, ad.Active)
    tape = scalar(1.0, 2.0)[1]
    with pytest.raises(ad.SeedError, match="real number"):
        its_reverse("one", tape)


def test_wrong_arguments_of_the_forward_half():
    forward, _ = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)
    with pytest.raises(ad.ArityError, match=r"takes \(x, y\)"):
        forward(np.zeros(2))
    with pytest.raises(ad.ArityError, match=r"takes \(x, y\)"):
        forward(np.zeros(2), np.zeros(2), z=1)
    with pytest.raises(ad.DtypeError, match="has no derivative"):
        forward(np.zeros(2, np.int64), np.zeros(2))
    with pytest.raises(ad.UnsupportedError, match="which Numba cannot pass"):
        forward([1.0, 2.0], object())
    mixed = np.zeros(4)
    halves = ad.autodiff_split(squares, ad.Const, ad.Duplicated)
    with pytest.raises(ad.OverlapError, match="`x` is Const but overlaps `y`"):
        halves[0](mixed, mixed)


def test_wrong_requests():
    with pytest.raises(ad.UnsupportedError, match="no batch of shadows"):
        ad.autodiff_split(squares, ad.BatchDuplicated, ad.BatchDuplicated)
    with pytest.raises(ad.AnnotationError, match="is not an annotation class"):
        ad.autodiff_split(squares, ad.Const(1.0), ad.Duplicated)
    with pytest.raises(ad.ArityError, match="got 1 annotations"):
        ad.autodiff_split(squares, ad.Duplicated)
    with pytest.raises(ad.ArgumentError, match="no step 'magic'"):
        ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated, disable=("magic",))
    with pytest.raises(ad.ArgumentError, match="cannot differentiate"):
        ad.autodiff(ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)[0], ad.Duplicated)


def test_more_arguments_than_places():
    def first(x, arrays):
        return x * arrays[0][0]

    forward, _ = ad.autodiff_split(first, ad.Active, ad.Const)
    with pytest.raises(ad.UnsupportedError, match="a split derivative of more than 500 arguments"):
        forward(1.0, tuple(np.ones(1) for _ in range(500)))


@pytest.mark.parametrize("place", [0, 1], ids=["forward", "reverse"])
def test_compiled_code_calls_no_half(place):
    half = ad.autodiff_split(squares, ad.Duplicated, ad.Duplicated)[place]

    @njit
    def outer(x, y):
        half(x, y)

    def kernel(x, y):
        half(x, y)

    x = np.zeros(2)
    with pytest.raises((NumbaError, ad.UnsupportedError), match="called from Python only"):
        outer(x, x)
    with pytest.raises((NumbaError, ad.UnsupportedError), match="called from Python only"):
        ad.autodiff(kernel, ad.Duplicated, ad.Duplicated)(x, x.copy(), x.copy(), x.copy())
