"""The table, the C functions it calls, and the program that emits its partials, each made once per session."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from rules.harness import ROOT, RULES, Libm, compiled, rulegen, rules


@pytest.fixture(scope="session")
def table() -> rules.Table:
    return rules.load(RULES)


@pytest.fixture(scope="session")
def special_functions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = ROOT / "enzyme_pass" / "runtime" / "SpecialFunctions.cpp"
    return compiled([source], tmp_path_factory.mktemp("special") / "special.so", "-shared", "-fPIC")


@pytest.fixture(scope="session")
def libm(table: rules.Table, special_functions: Path) -> Libm:
    return Libm(table, special_functions)


@pytest.fixture(scope="session")
def probe(table: rules.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """rule_probe.cpp, linked with Rules.cpp and a table of its own making."""
    folder = tmp_path_factory.mktemp("probe")
    include = folder / "core" / "rules" / "RuleTable.inc"
    include.parent.mkdir(parents=True)
    include.write_text(rulegen.cpp(table))
    flags = subprocess.run(
        ["llvm-config-22", "--cppflags", "--ldflags", "--libs"], check=True, capture_output=True, text=True
    ).stdout.split()
    sources = [ROOT / "tests" / "rules" / "rule_probe.cpp", RULES / "Rules.cpp"]
    return compiled(sources, folder / "rule_probe", f"-I{folder}", "-fno-exceptions", "-fno-rtti", *flags)
