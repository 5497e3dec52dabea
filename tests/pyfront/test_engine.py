"""The engine's boundary: finding it, its version, its diagnostics."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyfront import engine, runtime
from pyfront.engine import Diagnostic, check_llvm, find_library, parse_diagnostics
from pyfront.errors import EngineMismatch, EngineNotFound


def test_llvm_of_another_major_version_is_refused():
    check_llvm("22.1.8", (22, 1, 0))
    with pytest.raises(EngineMismatch, match=r"LLVM 21\.1\.0.*LLVM 22\.1\.0"):
        check_llvm("21.1.0", (22, 1, 0))


def test_the_environment_overrides_the_location(monkeypatch, tmp_path):
    monkeypatch.setenv(engine.OVERRIDE, str(tmp_path / "engine.so"))
    assert find_library() == tmp_path / "engine.so"
    with pytest.raises(EngineNotFound, match="cannot be loaded"):
        engine.Engine(Path(tmp_path / "engine.so"))


def test_a_missing_engine_is_said_where(monkeypatch, tmp_path):
    monkeypatch.delenv(engine.OVERRIDE, raising=False)
    monkeypatch.setattr(runtime, "package_folders", [str(tmp_path)])
    with pytest.raises(EngineNotFound, match=str(tmp_path)):
        find_library()


def test_diagnostics():
    refusal = '{"code": "unsupported", "message": "m", "help": "h", "file": "k.py", "line": 12}'
    mistake = '{"code": "internal", "message": "n"}'
    assert parse_diagnostics(f"[{refusal}, {mistake}]") == (
        Diagnostic("unsupported", "m", "h", "k.py", 12),
        Diagnostic("internal", "n"),
    )
    assert parse_diagnostics("") == ()


def test_the_engine_of_this_installation_loads():
    loaded = engine.load()
    assert loaded.llvm_version.startswith("22.")
    assert loaded.arena_in_use() == 0
    loaded.release_memory()
    assert loaded.arena_capacity() == 0
