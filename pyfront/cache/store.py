"""The store: one file per entry, in the folder where Numba's own cache for the kernel is.

    pyfront-cache 1\\n  <sha256 of the rest>  <pickle: the whole key, the entry>

A file has its final name only when it is complete (a temporary file of its own, then a rename, which is atomic), and
what is read is believed only if the sum is right and the whole key is the one that was asked for. So a writer that is
killed, two that write at once, a full disk or a damaged file cost a compilation, and nothing else. What goes wrong with
the disk is warned of once in a process.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import re
import uuid
import warnings
from pathlib import Path
from typing import Any

from numba.core import config
from numba.core.caching import UserProvidedCacheLocator
from numba.misc.appdirs import AppDirs

from pyfront.errors import CacheWarning

SUFFIX = ".pfc"
_MAGIC = b"pyfront-cache 1\n"
_MOST = 16
"""Entries that are kept of one function for one question; the oldest go."""

_warned = False


def warn(message: str) -> None:
    """Say once in a process what is wrong with the cache."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(CacheWarning(message), stacklevel=2)


def folders(source: str) -> list[Path]:
    """Where entries for code of this file may be, the preferred place first."""
    subfolder = UserProvidedCacheLocator.get_suitable_cache_subpath(source)
    if config.CACHE_DIR:
        return [Path(config.CACHE_DIR) / subfolder]
    user = _user_folder() / subfolder
    beside = [Path(source).parent / "__pycache__"] if os.path.exists(source) else []
    return [*beside, user]


def file_name(function: str, question: str, key: str) -> str:
    """The name of an entry: ``question`` says what is asked of the function, ``key`` what the answer depends on."""
    plain = re.sub(r"[^\w.]", "", function)[:80]
    return f"{plain}-{question[:12]}-{key[:32]}{SUFFIX}"


def read(source: str, name: str, key: str) -> Any:
    """The entry of this name and whole key, None if there is none that can be used."""
    for folder in folders(source):
        path = folder / name
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            warn(f"{path} cannot be read, so derivatives are compiled again: {error}")
            continue
        found = _unpacked(content)
        if found is None:
            warn(f"{path} is damaged, so the derivative is compiled again")
        elif found[0] == key:
            return found[1]
    return None


def _unpacked(content: bytes) -> Any:
    start = len(_MAGIC)
    if content[:start] != _MAGIC or hashlib.sha256(content[start + 32 :]).digest() != content[start : start + 32]:
        return None
    return pickle.loads(content[start + 32 :])


def write(source: str, name: str, key: str, entry: Any) -> bool:
    """Store an entry where that is possible; whether it was."""
    payload = pickle.dumps((key, entry), protocol=5)
    content = b"".join((_MAGIC, hashlib.sha256(payload).digest(), payload))
    problem: OSError | None = None
    for folder in folders(source):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_whole(folder / name, content)
        except OSError as error:
            problem = error
            continue
        _note_folder(folder)
        _forget_old(folder, name)
        return True
    warn(f"derivatives cannot be cached: {problem}")
    return False


def _write_whole(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _forget_old(folder: Path, name: str) -> None:
    """Remove all but the newest entries for the question that ``name`` answers, and what killed writers left."""
    stem = name.rsplit("-", 1)[0] + "-"
    with contextlib.suppress(OSError):
        entries = []
        for entry in os.scandir(folder):
            if not entry.name.startswith(stem):
                continue
            age = entry.stat().st_mtime
            if entry.name.endswith(SUFFIX):
                entries.append((age, entry.path))
            elif entry.name.endswith(".tmp") and age < Path(folder / name).stat().st_mtime - 600:
                os.unlink(entry.path)
        for _, path in sorted(entries)[:-_MOST]:
            os.unlink(path)


def _note_folder(folder: Path) -> None:
    """Remember a folder beside sources, so that `everything` finds it."""
    notes = _user_folder() / "pyfront-folders"
    note = notes / hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    if config.CACHE_DIR or _user_folder() in folder.parents or note.exists():
        return
    with contextlib.suppress(OSError):
        notes.mkdir(parents=True, exist_ok=True)
        _write_whole(note, str(folder).encode())


def everything() -> list[Path]:
    """The entries, and what killed writers left: below NUMBA_CACHE_DIR if that is set, else all that were written."""
    found: set[Path] = set()
    user = _user_folder()
    for place in [Path(config.CACHE_DIR)] if config.CACHE_DIR else [user]:
        found.update(path for path in place.rglob(f"*{SUFFIX}*") if _is_ours(path))
    if not config.CACHE_DIR:
        for note in (user / "pyfront-folders").glob("*"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                found.update(path for path in Path(note.read_text()).glob(f"*{SUFFIX}*") if _is_ours(path))
    return sorted(found)


def _is_ours(path: Path) -> bool:
    return path.name.endswith((SUFFIX, ".tmp"))


def _user_folder() -> Path:
    """Numba's folder for the user."""
    return Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
