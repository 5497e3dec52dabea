"""Smaller programs that fail in the same way: statements are left out, blocks unwrapped, expressions replaced by a part
of them, as long as the failure stays.

Invariant: a candidate counts only if `fails` says so, so a candidate that is no longer a program is simply rejected.
"""

from __future__ import annotations

import ast
import copy
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from properties.programs import Program

Failure = tuple[str, int, str]
SECONDS = 150


def kind(message: str) -> str:
    """A failure without what depends on numbers and names."""
    return re.sub(r"[^a-zA-Z ]+", "#", re.sub(r"/[^ ]*", "#", message.splitlines()[0]))[:60] if message else ""


def reduced(program: Program, failure: Failure) -> Program:
    """A program that is wrong in the same mode and call, from which no single part can be left out."""
    from properties.checking import examine

    mode, call, message = failure

    def fails(candidate: Program) -> bool:
        try:
            outcome = examine(candidate, (mode,), False, only_call=call)
        except Exception:
            return False
        return any(kind(wrong[2]) == kind(message) for wrong in outcome.wrong)

    return smallest(program, fails)


def smallest(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The program that is left when no step makes it smaller, or when time is up."""
    end = time.monotonic() + SECONDS
    progress = True
    while progress:
        progress = False
        for source in candidates(program.source):
            if time.monotonic() > end:
                return program
            candidate = replace(program, source=source)
            if len(source) < len(program.source) and fails(candidate):
                program, progress = candidate, True
                break
    return program


def candidates(source: str) -> Iterator[str]:
    """The programs that are one step smaller, the largest steps first."""
    head, kernel = source.split("\n\n\n", 1)
    tree = ast.parse(kernel)
    edits = [*statements(tree), *expressions(tree)]
    for edit in edits:
        smaller = copy.deepcopy(tree)
        edit(smaller)
        yield f"{head}\n\n\n{ast.unparse(ast.fix_missing_locations(smaller))}\n"


def located(tree: ast.AST, position: int) -> ast.AST:
    """The node at a position of a walk, in this copy of the tree."""
    return list(ast.walk(tree))[position]


def statements(tree: ast.AST) -> Iterator[Callable[[ast.AST], None]]:
    """Leave out a statement, or put the body of a block in its place."""
    for position, node in enumerate(ast.walk(tree)):
        for field in ("body", "orelse", "handlers"):
            block = getattr(node, field, None)
            if not isinstance(block, list):
                continue
            for k, statement in enumerate(block):
                if not isinstance(statement, (ast.FunctionDef, ast.ExceptHandler)):
                    yield without(position, field, k, [])
                for inner in ("body", "orelse"):
                    if isinstance(statement, (ast.For, ast.While, ast.If, ast.Try)) and getattr(statement, inner):
                        yield without(position, field, k, [inner])


def without(position: int, field: str, k: int, inner: list[str]) -> Callable[[ast.AST], None]:
    """The edit that replaces the statement by the block `inner` of it, or by nothing."""

    def edit(tree: ast.AST) -> None:
        block = getattr(located(tree, position), field)
        block[k : k + 1] = getattr(block[k], inner[0]) if inner else []
        if not block and field == "body":
            block.append(ast.Pass())

    return edit


def expressions(tree: ast.AST) -> Iterator[Callable[[ast.AST], None]]:
    """Put a part of an expression in its place, or 1.0."""
    for position, node in enumerate(ast.walk(tree)):
        for name, value in ast.iter_fields(node):
            if isinstance(value, (ast.BinOp, ast.Call, ast.IfExp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Subscript)):
                parts = [part for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr)]
                for k in range(len(parts)):
                    yield part_for(position, name, k)
                if isinstance(value, (ast.BinOp, ast.Call)):
                    yield part_for(position, name, None)


def part_for(position: int, name: str, k: int | None) -> Callable[[ast.AST], None]:
    """The edit that replaces an expression by its k-th part."""

    def edit(tree: ast.AST) -> None:
        node = located(tree, position)
        value = getattr(node, name)
        parts = [part for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr)]
        setattr(node, name, ast.Constant(1.0) if k is None else parts[k])

    return edit
