"""The engine as C sees it: loaded from its header, without the Python package in between."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cffi
import pytest

from pyfront import contract

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("PYFRONT_ENGINE", ROOT / "pyfront" / "_lib" / "libenzyme_pass.so"))


@pytest.fixture(scope="session")
def library() -> Path:
    return LIBRARY


@pytest.fixture(scope="session")
def ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    ffi.cdef(contract.declarations((ROOT / "enzyme_pass" / "CApi.h").read_text()))
    return ffi


@pytest.fixture(scope="session")
def engine(ffi: cffi.FFI) -> Any:
    return ffi.dlopen(str(LIBRARY))
