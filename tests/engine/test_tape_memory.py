"""The memory of split derivatives: tapes that live side by side, on any thread, and keep what they were given."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

MiB = 1 << 20
SIGNATURES = {
    "pyfront_tape_open": "void *(*)(int64_t)",
    "pyfront_tape_alloc": "char *(*)(void *, int64_t)",
    "pyfront_tape_alloc_shadow": "char *(*)(void *, int64_t)",
    "pyfront_tape_grow": "char *(*)(void *, char *, int64_t, int64_t)",
    "pyfront_tape_rewind": "void(*)(void *)",
    "pyfront_tape_free": "void(*)(void *)",
}


class Tapes:
    """The run-time functions, through the addresses that a JIT is given."""

    open: Any
    alloc: Any
    alloc_shadow: Any
    grow: Any
    rewind: Any
    free: Any

    def __init__(self, ffi: Any, engine: Any) -> None:
        self.ffi, self.engine = ffi, engine
        address = ffi.new("void **")
        for index in range(engine.pyfront_runtime_symbol_count()):
            name = ffi.string(engine.pyfront_runtime_symbol(index, address)).decode()
            if name in SIGNATURES:
                setattr(self, name.removeprefix("pyfront_tape_"), ffi.cast(SIGNATURES[name], address[0]))

    def frame(self, tape: Any) -> Any:
        """The tape's frame, as emitted code finds it."""
        return self.ffi.cast("char **", tape)[0]

    def bytes_at(self, pointer: Any, size: int) -> Any:
        return self.ffi.buffer(pointer, size)

    @property
    def live(self) -> int:
        return int(self.engine.pyfront_live_tapes())


@pytest.fixture
def tapes(ffi: Any, engine: Any) -> Iterator[Tapes]:
    before = int(engine.pyfront_live_tapes())
    engine.pyfront_release_memory()
    yield Tapes(ffi, engine)
    assert engine.pyfront_live_tapes() == before


def test_a_tape_has_a_frame(tapes: Tapes) -> None:
    tape = tapes.open(100)
    assert tapes.live == 1
    frame = tapes.frame(tape)
    assert int(tapes.ffi.cast("uintptr_t", frame)) % 64 == 0
    tapes.bytes_at(frame, 100)[:] = b"f" * 100
    memory = tapes.alloc(tape, 64)
    tapes.bytes_at(memory, 64)[:] = b"m" * 64
    assert tapes.bytes_at(frame, 100)[:] == b"f" * 100
    assert tapes.engine.pyfront_tape_bytes(tape) == 128 + 64
    tapes.free(tape)
    assert tapes.live == 0


def test_rewinding_zeroes_all_shadows_and_nothing_else(tapes: Tapes) -> None:
    tape = tapes.open(8)
    sizes = [8, 3 * MiB, 1000, 5 * MiB, 64]
    shadows = [tapes.alloc_shadow(tape, size) for size in sizes]
    values = [tapes.alloc(tape, size) for size in sizes]
    for shadow, value, size in zip(shadows, values, sizes, strict=True):
        tapes.bytes_at(shadow, size)[:] = b"s" * size
        tapes.bytes_at(value, size)[:] = b"v" * size
    tapes.rewind(tape)
    for shadow, value, size in zip(shadows, values, sizes, strict=True):
        assert tapes.bytes_at(shadow, size)[:] == bytes(size)
        assert tapes.bytes_at(value, size)[:] == b"v" * size
    tapes.free(tape)


def test_shadows_of_a_used_tape_are_zeroed(tapes: Tapes) -> None:
    """A tape from the pool has the memory of another one."""
    for _ in range(2):
        tape = tapes.open(8)
        shadow = tapes.alloc_shadow(tape, 4096)
        tapes.rewind(tape)
        assert tapes.bytes_at(shadow, 4096)[:] == bytes(4096)
        tapes.bytes_at(shadow, 4096)[:] = b"s" * 4096
        tapes.free(tape)


def test_growing_keeps_the_contents(tapes: Tapes) -> None:
    tape = tapes.open(8)
    array, size = tapes.ffi.NULL, 0
    for new in (64, 4096, 2 * MiB, 9 * MiB):
        tapes.alloc(tape, 8)
        array = tapes.grow(tape, array, size, new)
        assert tapes.bytes_at(array, new)[:size] == b"x" * size
        tapes.bytes_at(array, new)[:] = b"x" * new
        size = new
    tapes.free(tape)


def test_freed_memory_is_used_again(tapes: Tapes) -> None:
    blocks = []
    for _ in range(3):
        tape = tapes.open(8)
        blocks.append(tapes.alloc(tape, 5 * MiB))
        tapes.free(tape)
    assert blocks[1] == blocks[2], "from the second call on a tape is one block of memory that is there already"
    tapes.engine.pyfront_release_memory()
    tape = tapes.open(8)
    assert tapes.engine.pyfront_tape_bytes(tape) == 64
    tapes.free(tape)


def test_absurd_sizes_are_refused(tapes: Tapes) -> None:
    assert not tapes.open(-1)
    assert not tapes.open(1 << 60)
    assert tapes.live == 0
    tape = tapes.open(0)
    assert not tapes.alloc(tape, -8)
    assert not tapes.alloc_shadow(tape, 1 << 60)
    tapes.free(tape)


def test_freeing_no_tape_does_nothing(tapes: Tapes) -> None:
    tapes.free(tapes.ffi.NULL)
    assert tapes.live == 0


def test_tapes_do_not_use_the_threads_arena(tapes: Tapes) -> None:
    tape = tapes.open(8)
    tapes.alloc(tape, 3 * MiB)
    assert tapes.engine.pyfront_arena_capacity() == 0
    tapes.free(tape)


def test_a_tape_outlives_the_thread_that_made_it(tapes: Tapes) -> None:
    made: list[Any] = []

    def make() -> None:
        tape = tapes.open(8)
        block = tapes.alloc(tape, 4 * MiB)
        tapes.bytes_at(block, 4 * MiB)[:] = b"b" * (4 * MiB)
        made.append((tape, block))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tapes.live == 4
    for tape, block in made:
        assert tapes.bytes_at(block, 4 * MiB)[:] == b"b" * (4 * MiB)
        tapes.free(tape)


def test_many_threads_open_and_free(tapes: Tapes) -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        mark = bytes([number])
        for _ in range(200):
            tape = tapes.open(8)
            block = tapes.alloc(tape, 4096)
            tapes.bytes_at(block, 4096)[:] = mark * 4096
            if tapes.bytes_at(block, 4096)[:] != mark * 4096:
                wrong.append(number)
            tapes.free(tape)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
