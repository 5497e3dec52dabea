"""Fails if a source file, or a function in Python, is longer than one can take in.

A file holds one idea; one that has outgrown the limit holds two. There is no list of exceptions. (The
functions in C++ are clang-tidy's.)
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

LIMIT = 700
FUNCTION_LIMIT = 80
SOURCES = ("*.cpp", "*.h", "*.c", "*.py", "*.pyi", "*.rules", "*.cmake", "*.sh", "CMakeLists.txt", "Makefile")


def long_functions(path: Path) -> list[str]:
    """A complaint for each function of a Python file that is too long."""
    functions = (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.FunctionDef))
    lengths = ((node, (node.end_lineno or node.lineno) - node.lineno + 1) for node in functions)
    return [
        f"{path}:{node.lineno}: `{node.name}` has {length} lines, the limit is {FUNCTION_LIMIT}"
        for node, length in lengths
        if length > FUNCTION_LIMIT
    ]


def main() -> int:
    listing = subprocess.run(["git", "ls-files", "-z", "--", *SOURCES], check=True, capture_output=True, text=True)
    too_long = 0
    for name in filter(None, listing.stdout.split("\0")):
        path = Path(name)
        lines = path.read_bytes().count(b"\n") if path.exists() else 0
        if lines > LIMIT:
            print(f"{name}: {lines} lines, the limit is {LIMIT}: split it by idea")
            too_long += 1
        for complaint in long_functions(path) if path.exists() and path.suffix == ".py" else []:
            print(complaint)
            too_long += 1
    return too_long > 0


if __name__ == "__main__":
    sys.exit(main())
