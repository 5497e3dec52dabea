"""A folder for the cache of each test, and processes that use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numba.core import config

from pyfront.cache import store

HERE = Path(__file__).parent
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, in this process and in those that `run` starts."""
    place = tmp_path / "cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(place))
    monkeypatch.setattr(config, "CACHE_DIR", str(place))
    monkeypatch.setattr(store, "_warned", False)
    return place


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    """Runs a Python program with arguments, and returns what it prints as JSON."""

    def start(program: Path | str, *arguments: Any) -> Any:
        command = [sys.executable, *(["-c", program] if isinstance(program, str) else [str(program)])]
        root = str(HERE.parents[1])
        done = subprocess.run(
            [*command, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(tmp_path)])},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return start


def entries(folder: Path) -> list[Path]:
    """The files of the cache."""
    return sorted(folder.rglob("*.pfc"))
