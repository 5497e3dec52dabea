"""The parts of rules that exported code calls, compiled once more as code of no process (``rules/parts`` has them)."""

from __future__ import annotations

import llvmlite.binding as llvm

from pyfront.rules import parts
from pyfront.standalone import plain
from pyfront.standalone.modules import Builder, undefined


def add_parts(builder: Builder, modules: list[llvm.ModuleRef]) -> None:
    """Add a module for each part that these modules call."""
    known: set[str] = set()
    for module in list(modules):
        for name in undefined(module):
            made = parts.made(name)
            if made is None or name in known:
                continue
            known.add(name)
            modules.append(builder.parse(str(plain.module_of(*made, name)), [name]))
