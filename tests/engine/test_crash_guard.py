"""A request that fails inside the engine ends in a message, and the process lives on."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import cffi
import pytest

FAILURES = {
    0: "",
    1: "while probing: the kind is zero (support_probe.cpp:",
    2: "while probing: the target has no such thing",
    3: "while probing: an assertion failed",
    4: "while probing: invalid memory access",
    5: "while probing: unreachable code was reached",
}


class Probe:
    def __init__(self, path: Path) -> None:
        self.ffi = cffi.FFI()
        self.ffi.cdef("int pyfront_probe_guard(int kind, char *text, size_t size);")
        self.library = self.ffi.dlopen(str(path))

    def __call__(self, kind: int) -> str:
        text = self.ffi.new("char[1024]")
        failed = self.library.pyfront_probe_guard(kind, text, len(text))
        message = self.ffi.string(text).decode()
        assert failed == bool(message)
        return message


@pytest.fixture(scope="module")
def probe(library: Path) -> Probe:
    path = library.with_name("libsupport_probe.so")
    if not path.exists():
        pytest.skip("a release build has no probe")
    return Probe(path)


@pytest.mark.parametrize("kind", FAILURES)
def test_failure_becomes_a_message(probe: Probe, kind: int, capfd: pytest.CaptureFixture[str]) -> None:
    message = probe(kind)
    assert message.startswith(FAILURES[kind])
    assert bool(message) == bool(kind)
    assert capfd.readouterr() == ("", "")


def test_a_failure_leaves_nothing_behind(probe: Probe) -> None:
    for _ in range(3):
        for kind in FAILURES:
            assert probe(kind).startswith(FAILURES[kind])
    assert probe(0) == ""


def test_threads_fail_each_for_itself(probe: Probe) -> None:
    wrong: list[str] = []

    def work(offset: int) -> None:
        for i in range(200):
            kind = (i + offset) % len(FAILURES)
            message = probe(kind)
            if not message.startswith(FAILURES[kind]) or bool(message) != bool(kind):
                wrong.append(f"{kind}: {message}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_signal_handlers_are_given_back(probe: Probe) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGABRT, lambda number, _: seen.append(number))
    try:
        probe(3)
        assert seen == []
        signal.raise_signal(signal.SIGABRT)
        assert seen == [signal.SIGABRT]
    finally:
        signal.signal(signal.SIGABRT, before)
