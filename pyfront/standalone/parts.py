"""The parts of rules in an exported library."""

from __future__ import annotations

import llvmlite.binding as llvm

from pyfront.standalone.modules import Builder


def add_parts(builder: Builder, modules: list[llvm.ModuleRef]) -> None:
    """Add the modules of all parts that these call."""
