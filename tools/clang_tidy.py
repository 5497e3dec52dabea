"""Runs clang-tidy over the engine, in parallel, on what changed since it was last found clean.

Usage: clang_tidy.py BUILD_DIR, a configured and built directory: its compile commands and precompiled header are used.
A file is checked again when it, any of the project's headers, or the list of checks changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def digest(paths: list[Path]) -> str:
    state = hashlib.sha256()
    for path in paths:
        state.update(path.read_bytes())
    return state.hexdigest()


def check(build: Path, source: Path) -> str:
    """The complaints about one file; empty if there are none."""
    command = ["clang-tidy-22", "--quiet", "-p", str(build), str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    commands = json.loads((build / "compile_commands.json").read_text())
    rooms = (ROOT / "core", ROOT / "activity", ROOT / "enzyme_pass")
    sources = sorted({Path(c["file"]) for c in commands if any(room in Path(c["file"]).parents for room in rooms)})
    shared = digest([ROOT / ".clang-tidy", *sorted(h for room in rooms for h in room.rglob("*.h"))])

    clean_path = build / "clang-tidy-clean.json"
    clean = json.loads(clean_path.read_text()) if clean_path.exists() else {}
    keys = {str(source): shared + digest([source]) for source in sources}
    due = [source for source in sources if clean.get(str(source)) != keys[str(source)]]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = dict(zip(due, pool.map(lambda source: check(build, source), due), strict=True))

    for complaint in filter(None, complaints.values()):
        print(complaint)
    clean_path.write_text(json.dumps({name: key for name, key in keys.items() if not complaints.get(Path(name))}))
    return any(complaints.values())


if __name__ == "__main__":
    sys.exit(main())
