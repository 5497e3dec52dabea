"""The arena: memory that does not move, is not handed out twice, and is kept between calls."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MiB = 1 << 20
SIGNATURES = {
    "pyfront_arena_enter": "int64_t(*)(void)",
    "pyfront_arena_leave": "void(*)(int64_t)",
    "pyfront_arena_alloc": "char *(*)(int64_t)",
    "pyfront_arena_alloc_zeroed": "char *(*)(int64_t)",
    "pyfront_arena_grow": "char *(*)(char *, int64_t, int64_t)",
}


class Arena:
    """The calling thread's arena, through the addresses that a JIT is given."""

    def __init__(self, ffi: Any, engine: Any) -> None:
        self.ffi, self.engine = ffi, engine
        address = ffi.new("void **")
        for index in range(engine.pyfront_runtime_symbol_count()):
            name = ffi.string(engine.pyfront_runtime_symbol(index, address)).decode()
            if name in SIGNATURES:
                setattr(self, name.removeprefix("pyfront_arena_"), ffi.cast(SIGNATURES[name], address[0]))

    enter: Any
    leave: Any
    alloc: Any
    alloc_zeroed: Any
    grow: Any

    def address(self, pointer: Any) -> int:
        return int(self.ffi.cast("uintptr_t", pointer))

    def bytes_at(self, pointer: Any, size: int) -> Any:
        return self.ffi.buffer(pointer, size)

    @property
    def capacity(self) -> int:
        return int(self.engine.pyfront_arena_capacity())

    @property
    def in_use(self) -> int:
        return int(self.engine.pyfront_arena_in_use())

    @property
    def peak(self) -> int:
        return int(self.engine.pyfront_arena_peak())


@pytest.fixture
def arena(ffi: Any, engine: Any) -> Arena:
    assert engine.pyfront_arena_in_use() == 0
    engine.pyfront_release_memory()
    engine.pyfront_arena_reset_peak()
    return Arena(ffi, engine)


def test_a_new_arena_holds_nothing(arena: Arena) -> None:
    assert (arena.capacity, arena.in_use, arena.peak) == (0, 0, 0)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, MiB - 1, 5 * MiB])
def test_addresses_are_aligned_and_distinct(arena: Arena, size: int) -> None:
    mark = arena.enter()
    addresses = [arena.address(arena.alloc(size)) for _ in range(4)]
    arena.leave(mark)
    assert all(addresses)
    assert all(a % 64 == 0 for a in addresses)
    addresses.sort()
    assert all(b - a >= max(size, 1) for a, b in itertools.pairwise(addresses))


def test_large_chunks_begin_at_a_huge_page(arena: Arena) -> None:
    mark = arena.enter()
    assert arena.address(arena.alloc(8 * MiB)) % (2 * MiB) == 0
    arena.leave(mark)


def test_zeroed_memory_is_zero_also_when_used_before(arena: Arena) -> None:
    for _ in range(2):
        mark = arena.enter()
        block = arena.alloc_zeroed(1000)
        content = arena.bytes_at(block, 1000)
        assert bytes(content) == bytes(1000)
        content[:] = b"\xff" * 1000
        arena.leave(mark)


@pytest.mark.parametrize("size", [-1, -(2**63), 2**63 - 1, 2**46, 2**47])
def test_absurd_sizes_give_null(arena: Arena, size: int) -> None:
    mark = arena.enter()
    block = arena.alloc(64)
    assert arena.alloc(size) == arena.ffi.NULL
    assert arena.alloc_zeroed(size) == arena.ffi.NULL
    assert arena.grow(block, 64, size) == arena.ffi.NULL
    assert arena.alloc(64) != arena.ffi.NULL
    arena.leave(mark)


def test_capacity_is_kept_and_the_second_call_reuses_it(arena: Arena) -> None:
    def call() -> list[int]:
        mark = arena.enter()
        addresses = [arena.address(arena.alloc(700_000)) for _ in range(20)]
        arena.leave(mark)
        return addresses

    call()
    held = arena.capacity
    second, third = call(), call()
    assert arena.in_use == 0
    assert arena.capacity == held >= 14_000_000
    assert second == third
    assert all(b - a == second[1] - second[0] for a, b in itertools.pairwise(second)), "one chunk"


def test_one_large_block_stays_where_its_pages_are(arena: Arena) -> None:
    """The chunk that was made for it is kept, rather than a new one mapped for the sum of all."""

    def call() -> int:
        mark = arena.enter()
        arena.alloc(1000)
        address = arena.address(arena.alloc(64 * MiB))
        arena.leave(mark)
        return address

    first, second, third = call(), call(), call()
    assert 0 < second - first < 64 * MiB // 8
    assert third == second
    assert arena.capacity < 80 * MiB


def test_release_waits_until_nothing_is_in_use(arena: Arena) -> None:
    mark = arena.enter()
    block = arena.alloc(100)
    arena.engine.pyfront_release_memory()
    assert arena.capacity > 0
    arena.bytes_at(block, 100)[:] = b"x" * 100
    arena.leave(mark)
    arena.engine.pyfront_release_memory()
    assert arena.capacity == 0


def test_marks_nest(arena: Arena) -> None:
    outer = arena.enter()
    kept = arena.bytes_at(arena.alloc(4 * MiB), 4 * MiB)
    kept[:] = b"k" * (4 * MiB)
    before = arena.in_use
    for _ in range(3):
        inner = arena.enter()
        for _ in range(4):
            arena.bytes_at(arena.alloc(3 * MiB), 3 * MiB)[:] = b"i" * (3 * MiB)
        arena.leave(inner)
        assert arena.in_use == before
    assert bytes(kept) == b"k" * (4 * MiB)
    arena.leave(outer)
    assert arena.in_use == 0


def test_a_mark_of_an_empty_arena_outlives_a_release(arena: Arena) -> None:
    mark = arena.enter()
    arena.engine.pyfront_release_memory()
    arena.alloc(10)
    arena.leave(mark)
    assert arena.in_use == 0


def test_peak_counts_what_was_in_use_at_once(arena: Arena) -> None:
    mark = arena.enter()
    arena.alloc(MiB)
    arena.leave(mark)
    mark = arena.enter()
    arena.alloc(1024)
    arena.leave(mark)
    assert arena.peak == MiB
    arena.engine.pyfront_arena_reset_peak()
    assert arena.peak == 0


def test_growing_the_newest_block_stays_in_place(arena: Arena) -> None:
    mark = arena.enter()
    block = arena.alloc(100)
    assert arena.grow(block, 100, 5000) == block
    assert arena.in_use == 5056
    assert arena.grow(block, 5000, 200) == block
    arena.leave(mark)


def test_growing_an_older_block_copies(arena: Arena) -> None:
    mark = arena.enter()
    block = arena.alloc(100)
    arena.bytes_at(block, 100)[:] = bytes(range(100))
    arena.alloc(1)
    moved = arena.grow(block, 100, 3 * MiB)
    assert moved != block
    assert bytes(arena.bytes_at(moved, 100)) == bytes(range(100))
    arena.leave(mark)


def test_growing_nothing_allocates(arena: Arena) -> None:
    mark = arena.enter()
    assert arena.grow(arena.ffi.NULL, 0, 64) != arena.ffi.NULL
    arena.leave(mark)


def test_each_thread_has_its_own_and_leaves_nothing(arena: Arena) -> None:
    mark = arena.enter()
    arena.alloc(64)
    wrong: list[str] = []
    barrier = threading.Barrier(4)

    def work(fill: int) -> None:
        if arena.capacity or arena.in_use:
            wrong.append("a new thread's arena is not empty")
        content = bytes([fill]) * MiB
        barrier.wait()
        for _ in range(20):
            inner = arena.enter()
            blocks = [arena.bytes_at(arena.alloc(MiB), MiB) for _ in range(4)]
            for block in blocks:
                block[:] = content
            if any(bytes(block) != content for block in blocks):
                wrong.append("another thread wrote here")
            arena.leave(inner)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arena.leave(mark)
    assert wrong == []


def test_memory_is_unmapped_when_a_thread_ends(arena: Arena) -> None:
    def resident() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    def work() -> None:
        mark = arena.enter()
        arena.ffi.memmove(arena.alloc(64 * MiB), bytes(64 * MiB), 64 * MiB)
        arena.leave(mark)

    before = resident()
    for _ in range(6):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert resident() - before < 150 * MiB


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.just(0)),
        st.tuples(st.just("leave"), st.just(0)),
        st.tuples(st.just("alloc"), st.integers(0, 3 * MiB)),
        st.tuples(st.just("grow"), st.integers(0, 3 * MiB)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=150)
@given(steps=Steps)
def test_random_histories_never_hand_out_memory_twice(ffi: Any, engine: Any, steps: list[tuple[str, int]]) -> None:
    """Against the obvious model: a stack of blocks, each filled with a byte of its own."""
    arena = Arena(ffi, engine)
    marks: list[tuple[int, int]] = []
    blocks: list[tuple[Any, int, int]] = []

    def fill(pointer: Any, size: int) -> tuple[Any, int, int]:
        byte = len(blocks) % 251
        ffi.memmove(pointer, bytes([byte]) * size, size)
        return pointer, size, byte

    def intact() -> bool:
        return all(bytes(ffi.buffer(p, n)) == bytes([b]) * n for p, n, b in blocks if n)

    base = arena.enter()
    for what, size in steps:
        if what == "enter":
            marks.append((arena.enter(), len(blocks)))
        elif what == "leave" and marks:
            mark, count = marks.pop()
            arena.leave(mark)
            del blocks[count:]
        elif what == "alloc":
            blocks.append(fill(arena.alloc(size), size))
        elif what == "grow" and blocks and (not marks or marks[-1][1] < len(blocks)):
            pointer, old, byte = blocks.pop()
            moved = arena.grow(pointer, old, max(size, old))
            assert bytes(ffi.buffer(moved, old)) == bytes([byte]) * old
            blocks.append(fill(moved, max(size, old)))
        assert all(pointer != ffi.NULL for pointer, _, _ in blocks)
    assert intact()
    assert arena.in_use >= sum(n for _, n, _ in blocks)
    arena.leave(base)
    assert arena.in_use == 0
