"""The engine as C sees it: loaded from its header, without the Python package in between."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import cffi
import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path(os.environ.get("PYFRONT_ENGINE", ROOT / "pyfront" / "_lib" / "libenzyme_pass.so"))


def declarations(header: Path) -> str:
    """What cffi understands of a C header: no preprocessor, no attributes."""
    text = re.sub(r"^\s*#.*$", "", header.read_text(), flags=re.MULTILINE)
    text = re.sub(r'^extern "C" \{$|^\}$', "", text, flags=re.MULTILINE)
    return text.replace("PYFRONT_API ", "")


@pytest.fixture(scope="session")
def library() -> Path:
    return LIBRARY


@pytest.fixture(scope="session")
def ffi() -> cffi.FFI:
    ffi = cffi.FFI()
    ffi.cdef(declarations(ROOT / "enzyme_pass" / "CApi.h"))
    return ffi


@pytest.fixture(scope="session")
def engine(ffi: cffi.FFI) -> Any:
    return ffi.dlopen(str(LIBRARY))
