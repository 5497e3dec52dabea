"""The rule files: what the parser refuses, what it derives, and that everything made of them is up to date."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numba.core.registry import cpu_target
from rules.harness import ROOT, RULES, library, rulegen, rulepage, rules

from pyfront import stated

GOOD_ROW = "exp(x) = out\n    domain x in 0 .. 1\n    price 4\n"
GOOD_CALLS = "exp = llvm.exp, exp / expf\n"


def folder_of(path: Path, scalar: str, calls: str = GOOD_CALLS) -> Path:
    (path / "scalar.rules").write_text(scalar)
    (path / "calls.rules").write_text(calls)
    return path


REFUSED = {
    "partials": ("f(x, y) = x\n", 1, "1 partials for 2 float parameters"),
    "integer parameter": ("f(x, n: int) = (1, 1)\n", 1, "2 partials for 1 float parameters"),
    "name": ("\nf(x) = z\n", 2, "`z` is no parameter"),
    "language": ("f(x) = x ** 2\n", 1, "`x ** 2` is not part of the rule language"),
    "condition": ("f(x) = 1 if x else 0\n", 1, "`x` is not a condition"),
    "chain": ("f(x) = 1 if 0 < x < 1 else 0\n", 1, "`0 < x < 1` is not part of the rule language"),
    "negative zero": ("f(x) = -0\n", 1, "a negative zero equals zero, so its node would be shared"),
    "arguments": ("f(x) = exp(x, x)\n", 1, "`exp` takes 1 arguments, not 2"),
    "syntax": ("f(x) = x +\n", 1, "invalid syntax"),
    "parenthesis": ("\nf(x) = (x\n", 2, "a parenthesis is never closed"),
    "shape": ("f = 1\n", 1, "expected `name(params) = partials`"),
    "parameter": ("f(out) = 1\n", 1, "`out` is no parameter"),
    "twice": (GOOD_ROW + GOOD_ROW, 4, "`exp` has a row at line 1"),
    "domain": ("exp(x) = out\n    domain y in 0 .. 1\n", 2, "expected `domain p in low .. high` for each parameter"),
    "kink": ("exp(x) = out\n    at x = 0: 1, 2\n", 2, "expected `at p = value, ...: partial, ...` for each parameter"),
    "keyword": (
        "exp(x) = out\n    cost 3\n",
        2,
        "`cost 3` is neither domain, at, again, finite, singular, passes, steep, pole, total, price nor text",
    ),
    "again": ("exp(x) = out\n    again x\n", 2, "in `x` this reads what the partial does not read"),
    "orphan": ("    price 3\n", 1, "an indented line follows no row"),
    "no price": ("exp(x) = out\n    domain x in 0 .. 1\n", 1, "`exp` has no domain or no price"),
    "no place": (GOOD_ROW + GOOD_ROW.replace("exp", "f"), 4, "`f` has no line in calls.rules"),
    "callee": (GOOD_ROW.replace("out", "sin(x)"), 1, "no function is known as `sin`"),
    "zero division": ("f(x) = 1 / 0\n", 1, "float division by zero"),
}


@pytest.mark.parametrize(("scalar", "line", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_row(tmp_path: Path, scalar: str, line: int, message: str) -> None:
    with pytest.raises(rules.RuleError) as error:
        rules.load(folder_of(tmp_path, scalar))
    assert str(error.value) == f"{tmp_path / 'scalar.rules'}:{line}: {message}"


REFUSED_CALLS = {
    "row": ("f = f / ff\n", "`f` has no row in scalar.rules"),
    "place": ("exp = exp\n", "`exp` is no opcode, intrinsic or pair of names"),
    "equals": ("exp exp / expf\n", "expected `rule = places`"),
    "twice": ("exp = exp / expf, exp / expf\n", "`exp` stands twice"),
    "two lines": (GOOD_CALLS + "exp = e / ef\n", "`exp` has a line already"),
}


@pytest.mark.parametrize(("calls", "message"), REFUSED_CALLS.values(), ids=REFUSED_CALLS)
def test_refused_place(tmp_path: Path, calls: str, message: str) -> None:
    with pytest.raises(rules.RuleError) as error:
        rules.load(folder_of(tmp_path, GOOD_ROW, calls))
    line = calls.count("\n")
    assert str(error.value) == f"{tmp_path / 'calls.rules'}:{line}: {message}"


def test_generator_exits_with_the_message(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "f(x) = z\n")
    command = [sys.executable, str(RULES / "rulegen.py"), "--check", "--rules", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr == f"{folder / 'scalar.rules'}:1: `z` is no parameter\n"


def reads(table: rules.Table, name: str, index: int) -> str:
    row = table.rows[name]
    return rulepage.reads_text(row, index).replace("`", "")


def test_what_a_partial_reads(table: rules.Table) -> None:
    assert reads(table, "exp", 0) == "out"
    assert reads(table, "sin", 0) == "x"
    assert reads(table, "fadd", 0) == "nothing"
    assert reads(table, "fmul", 0) == "y"
    assert reads(table, "pow", 0) == "x, y, out"
    assert rules.reads(table.rows["pow"], table.rows["pow"].partial_of(1)) == 0b101


def test_power_needs_no_logarithm_for_its_base(table: rules.Table) -> None:
    assert not any(node.callee == "log" for node in rules.walk(table.rows["pow"].partial_of(0)))


def test_equal_terms_are_one_node(table: rules.Table) -> None:
    pool = rulegen.Pool([])
    row = table.rows["atan2"]
    for partial in row.partials:
        pool.add(partial)
    assert sum(entry.startswith("{Op::Mul") for entry in pool.entries) == 2
    assert sum(entry.startswith("{Op::Add") for entry in pool.entries) == 1


def test_operands_stand_before_their_users(table: rules.Table) -> None:
    pool = rulegen.Pool(list(table.places))
    for row in table.rows.values():
        for partial in (*row.partials, *row.again):
            pool.add(partial)
    for node, position in pool.index.items():
        assert all(pool.index[arg] < position for arg in node.args)


def test_literal_arithmetic_is_done_by_the_generator(table: rules.Table) -> None:
    (partial,) = table.rows["log2"].partials
    assert partial.op == "Div"
    assert partial.args[0] == rules.Node("Literal", "float", value=1.4426950408889634)


def test_documentation_is_up_to_date(table: rules.Table) -> None:
    assert (ROOT / "docs" / "rules.md").read_text() == rulepage.page(table, library.load(RULES)), (
        "run rulegen.py --doc docs/rules.md"
    )


def test_each_function_of_numbas_library_is_classified() -> None:
    """What a new Numba brings is looked at before it is differentiated."""
    typing, lowering = cpu_target.typing_context, cpu_target.target_context
    typing.refresh()
    lowering.refresh()

    def registered(module: ModuleType) -> set[str]:
        functions = {name: value for name, value in vars(module).items() if callable(value)}
        return {
            name
            for name, function in functions.items()
            if not isinstance(function, type) and (function in typing._globals or function in lowering._defns)
        }

    listed: dict[str, set[str]] = {}
    for kind in library.load(RULES):
        for module, names in kind.functions.items():
            listed.setdefault(module, set()).update(names)
    assert registered(np) == listed["numpy"]
    assert registered(np.linalg) == listed["numpy.linalg"]
    assert registered(math) == listed["math"]
    for row in [*stated.BUILTINS, *stated.UFUNCS]:
        name = row.__name__.removeprefix("i") if row.__module__ == "_operator" else row.__name__
        assert any(
            name in names for kind in library.load(RULES) if kind.name == "stated" for names in kind.functions.values()
        )
