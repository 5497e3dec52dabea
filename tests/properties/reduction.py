"""Smaller programs that fail in the same way: statements are left out, and blocks unwrapped, as long as the failure
stays.

Invariant: a candidate counts only if `fails` says so, so a candidate that is no longer a program is simply rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from properties.programs import HEAD, Program


def reduced(program: Program, fails: Callable[[Program], bool]) -> Program:
    """A program that still fails, from which no single statement can be left out."""
    head, body = program.source.split(HEAD)
    lines = body.splitlines()

    def rebuilt(candidate: list[str]) -> Program:
        return replace(program, source=head + HEAD + "\n".join(candidate) + "\n")

    progress = True
    while progress:
        progress = False
        for candidate in candidates(lines):
            if fails(rebuilt(candidate)):
                lines = candidate
                progress = True
                break
    return rebuilt(lines)


def depth(line: str) -> int:
    """The indentation."""
    return len(line) - len(line.lstrip())


def candidates(lines: list[str]) -> Iterator[list[str]]:
    """The programs that are one step smaller, the smallest first."""
    blocks = []
    for start, line in enumerate(lines):
        end = start + 1
        while end < len(lines) and depth(lines[end]) > depth(line):
            end += 1
        blocks.append((start, end))
    for start, end in sorted(blocks, key=lambda block: block[0] - block[1]):
        rest = lines[:start] + lines[end:]
        if rest:
            yield rest
        if end > start + 1:
            inner = [line[4:] for line in lines[start + 1 : end]]
            yield lines[:start] + inner + lines[end:]
            yield [*lines[: start + 1], "    " + " " * depth(lines[start]) + "pass", *lines[end:]]
