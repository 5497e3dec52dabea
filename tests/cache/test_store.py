"""A cache that cannot be read or written costs a compilation and one warning, and never a wrong answer."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from numba.extending import overload

import pyfront as ad
from pyfront.cache import store
from pyfront.cache.fingerprint import digest

from .conftest import entries


def derivative(factor: float) -> Any:
    """The derivative of a function of its own, and so with nothing that this process remembers."""

    def kernel(x):
        return factor * x * x

    return ad.autodiff(kernel, ad.Active, cache=True)


def found(made: Any) -> bool:
    return bool(made.entry.cache.found)


def damage_truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def damage_flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_emptied(path: Path) -> None:
    path.write_bytes(b"")


def damage_replaced(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [damage_truncated, damage_flipped, damage_emptied, damage_replaced])
def test_a_damaged_entry_is_compiled_again(folder: Path, damage: Any) -> None:
    assert derivative(3.0)(2.0) == 12.0
    (path,) = entries(folder)
    assert derivative(3.0)(2.0) == 12.0
    damage(path)
    again = derivative(3.0)
    with pytest.warns(ad.CacheWarning, match="damaged|cannot be"):
        assert again(2.0) == 12.0
    assert not found(again)
    if damage is not damage_replaced:
        after = derivative(3.0)
        assert after(2.0) == 12.0
        assert found(after)


def test_an_entry_under_the_name_of_another_is_not_believed(folder: Path) -> None:
    derivative(3.0)(2.0)
    (first,) = entries(folder)
    derivative(4.0)(2.0)
    (second,) = set(entries(folder)) - {first}
    second.write_bytes(first.read_bytes())
    again = derivative(4.0)
    assert again(2.0) == 16.0
    assert not found(again)


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, path: Any, mode: str) -> None:
            self._file = open(path, mode)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: Any) -> None:
            self._file.close()

        def write(self, content: bytes) -> None:
            self._file.write(content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "open", Full, raising=False)
    with pytest.warns(ad.CacheWarning, match="No space left"):
        assert derivative(3.0)(2.0) == 12.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one is enough
        assert derivative(5.0)(2.0) == 20.0
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(store.config, "CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(ad.CacheWarning, match="cannot be cached"):
        assert derivative(3.0)(2.0) == 12.0


def test_a_cache_that_can_only_be_read_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derivative(3.0)(2.0)

    def refuse(*args: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(store, "_write_whole", refuse)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = derivative(3.0)
        assert again(2.0) == 12.0
        assert found(again)
    with pytest.warns(ad.CacheWarning, match="Read-only"):
        assert derivative(6.0)(2.0) == 24.0


def outside(x):
    raise NotImplementedError


@overload(outside)
def _outside(x):
    return lambda x: x * 7.0


def test_what_an_extension_implements_is_not_cached(folder: Path) -> None:
    """Its code is not among what the key knows."""

    def kernel(x):
        return outside(x) * x

    with pytest.warns(ad.CacheWarning, match="implements a function for Numba"):
        assert ad.autodiff(kernel, ad.Active, cache=True)(2.0) == 28.0
    assert entries(folder) == []


def test_only_the_newest_entries_of_a_function_are_kept(folder: Path) -> None:
    for number in range(40):
        key = digest(number)
        assert store.write("/nowhere/kernel.py", store.file_name("f", "a" * 64, key), key, number)
    assert len(entries(folder)) == 16


ROUNDS = int(os.environ.get("PYFRONT_CACHE_ROUNDS", "40"))
"""A thousand were run before this was committed."""


def test_writers_that_are_killed_and_readers(folder: Path) -> None:
    """Processes write, read and are killed, all at once; who finds an entry gets the right answer from it."""
    factors = [2.0, 3.0, 4.0]
    waiting = {factor: derivative(factor) for factor in factors}
    written = {}
    for factor in factors:
        assert derivative(factor)(1.0) == 2.0 * factor
    for path in entries(folder):
        written[path] = path.read_bytes()
        path.unlink()
    random_numbers = random.Random(ROUNDS)
    hits = misses = killed = 0
    for _ in range(ROUNDS):
        writers = [_fork(_write, written, random_numbers.random()) for _ in range(random_numbers.randint(1, 3))]
        readers = [_fork(_read, waiting, random_numbers.choice(factors)) for _ in range(random_numbers.randint(1, 2))]
        time.sleep(random_numbers.uniform(0.0, 0.02))
        for writer in random_numbers.sample(writers, random_numbers.randint(0, len(writers))):
            os.kill(writer, signal.SIGKILL)
        if random_numbers.random() < 0.2:
            for path in entries(folder):
                path.unlink(missing_ok=True)
        for writer in writers:
            killed += os.waitpid(writer, 0)[1] != 0
        for reader in readers:
            status = os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1])
            assert status in (10, 11), f"a reader ended with {status}"
            hits += status == 10
            misses += status == 11
        for path in entries(folder):
            assert path.read_bytes() == written[path]
    print(f"{ROUNDS} rounds: {hits} hits, {misses} misses, {killed} writers killed")
    assert hits
    # Of few rounds there may be none in which a reader comes too early.
    assert misses or ROUNDS < 500


def _fork(work: Any, *arguments: Any) -> int:
    process = os.fork()
    if process:
        return process
    try:
        os._exit(work(*arguments))
    except BaseException:
        os._exit(99)


def _write(written: dict[Path, bytes], number: float) -> int:
    """Write entries again and again, as `store.write` does."""
    random_numbers = random.Random(number)
    for _ in range(8):
        path, content = random_numbers.choice(list(written.items()))
        store._write_whole(path, content)
    return 0


def _read(waiting: dict[float, Any], factor: float) -> int:
    """10: found, and right; 11: not found."""
    made = waiting[factor]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if made.entry.cache.find((ad.cache.entries.types.float64,)) is None:
            return 11
    return 10 if made(1.0) == 2.0 * factor and found(made) else 12
