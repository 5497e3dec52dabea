"""numba.rules as data: what becomes of each function of Numba's library, by classes in the order of the page.

Invariant: no function is in two classes. Standard library only: this runs at build time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from table import RuleError

FILE = "numba.rules"


@dataclass
class Kind:
    """One class of functions."""

    title: str
    name: str = ""
    note: str = ""
    functions: dict[str, list[str]] = field(default_factory=dict)
    """Names by their module."""


def load(directory: Path) -> list[Kind]:
    """Reads numba.rules of `directory`."""
    path = directory / FILE
    kinds: list[Kind] = []
    seen: set[tuple[str, str]] = set()
    for line, text in enumerate(path.read_text().splitlines(), 1):
        if text.startswith("## "):
            kinds.append(Kind(text.removeprefix("## ")))
        elif text.startswith("#: "):
            kinds[-1].note = f"{kinds[-1].note} {text.removeprefix('#: ')}".strip()
        elif text and not text.startswith("#"):
            left, equals, right = text.partition(" = ")
            name, _, module = left.partition(" ")
            if not equals or not module or not kinds or kinds[-1].name not in ("", name):
                raise RuleError(path, line, "expected `class module = names` below the title of the class")
            kinds[-1].name = name
            for function in right.split():
                if (module, function) in seen:
                    raise RuleError(path, line, f"`{module}.{function}` stands twice")
                seen.add((module, function))
                kinds[-1].functions.setdefault(module, []).append(function)
    return kinds


def page(kinds: list[Kind]) -> list[str]:
    """The lines of docs/rules.md."""
    lines = [
        "## Numba's functions",
        "",
        "What becomes of each when it is captured; methods of arrays are functions too.",
        "",
    ]
    for kind in kinds:
        lines += [f"**{kind.title}.** {kind.note}".rstrip(), ""]
        for module, functions in kind.functions.items():
            lines += [f"- {module}: " + ", ".join(f"`{function}`" for function in sorted(functions))]
        lines.append("")
    return lines
