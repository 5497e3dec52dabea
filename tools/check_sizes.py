"""Fails if a source file is longer than one can take in.

A file holds one idea; one that has outgrown the limit holds two. There is no list of exceptions.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LIMIT = 700
SOURCES = ("*.cpp", "*.h", "*.c", "*.py", "*.pyi", "*.rules", "*.cmake", "*.sh", "CMakeLists.txt", "Makefile")


def main() -> int:
    listing = subprocess.run(["git", "ls-files", "-z", "--", *SOURCES], check=True, capture_output=True, text=True)
    too_long = 0
    for name in filter(None, listing.stdout.split("\0")):
        path = Path(name)
        lines = path.read_bytes().count(b"\n") if path.exists() else 0
        if lines > LIMIT:
            print(f"{name}: {lines} lines, the limit is {LIMIT}: split it by idea")
            too_long += 1
    return too_long > 0


if __name__ == "__main__":
    sys.exit(main())
