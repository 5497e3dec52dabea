"""Makes constant C++ data and the documentation page of the rule table.

    rulegen.py --check             parse only
    rulegen.py --inc OUT           the data that Rules.cpp includes
    rulegen.py --doc OUT           docs/rules.md

Invariant: the same rule files give the same bytes, so a build never changes without a change
of the table. Errors name file and line, and the exit status is 1. Standard library only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import library
import rulepage
import table as rules

DIRECTORY = Path(__file__).resolve().parent


class Pool:
    """The node pool: one entry per distinct expression, operands before their users."""

    def __init__(self, functions: list[str]) -> None:
        self.functions = functions
        self.index: dict[rules.Node, int] = {}
        self.entries: list[str] = []

    def add(self, node: rules.Node) -> int:
        """The position of `node`, which is added where it is new."""
        if node in self.index:
            return self.index[node]
        links = [self.add(arg) for arg in node.args]
        links += [0] * (3 - len(links))
        literal, target = "0", 0
        if node.op in ("Literal", "IntLiteral"):
            literal = node.value.hex() if node.op == "Literal" else str(int(node.value))
        elif node.op == "Param":
            target = int(node.value)
        elif node.op == "Call":
            target = self.functions.index(node.callee)
        if literal in ("inf", "-inf"):
            literal = literal.replace("inf", "__builtin_inf()")
        entry = f"{{Op::{node.op}, {target}, {len(node.args)}, {{{links[0]}, {links[1]}, {links[2]}}}, {literal}}}"
        self.index[node] = len(self.entries)
        self.entries.append(entry)
        return self.index[node]


def enumerator(intrinsic: str) -> str:
    """llvm.smul.with.overflow -> Intrinsic::smul_with_overflow"""
    return "Intrinsic::" + intrinsic.removeprefix("llvm.").replace(".", "_")


def array(kind: str, name: str, entries: list[str]) -> list[str]:
    return [f"constexpr {kind} {name}[] = {{", *(f"    {entry}," for entry in entries), "};", ""]


def named(pairs: list[tuple[tuple[str, str], int]]) -> list[str]:
    """Entries of a name table, sorted by name: {name, type of its floats, rule}."""
    entries = [(name, width, rule) for names, rule in pairs for name, width in zip(names, ("F64", "F32"), strict=True)]
    return [f'{{"{name}", Width::{width}, {rule}}}' for name, width, rule in sorted(entries)]


def pole(row: rules.Row, name: str) -> int:
    """0: none; 1: at 0; 2 + i: at 0 where parameter i is negative."""
    if name not in row.poles:
        return 0
    where = row.poles[name]
    return 1 if where is None else 2 + [p.name for p in row.params].index(where)


def cpp(table: rules.Table) -> str:
    """RuleTable.inc."""
    order = {name: index for index, name in enumerate(table.rows)}
    callable_places = {name: p for name, p in table.places.items() if p.intrinsics or p.names}
    pool = Pool(list(callable_places))
    partials: list[str] = []
    rows: list[str] = []
    for row in table.rows.values():
        total = rules.TOTAL.index(row.total) + 1 if row.total else 0
        rows.append(f'{{"{row.name}", {len(row.params)}, {row.price}, {len(partials)}, {total}}}')
        for index in range(len(row.params)):
            node = row.partial_of(index)
            name = row.params[index].name
            steep = (name in row.steep, name in row.steep_at_zero)
            marks = (rules.is_singular(row, index), name in row.passes, *steep)
            flags = ", ".join("true" if mark else "false" for mark in marks) + f", {pole(row, name)}"
            again = pool.add(row.again_of(index))
            partials.append(f"{{{pool.add(node)}, {again}, {rules.reads(row, node)}, {flags}}}")
    functions = []
    for place in callable_places.values():
        intrinsic = enumerator(place.intrinsics[0]) if place.intrinsics else "Intrinsic::not_intrinsic"
        double_name, float_name = place.names[0] if place.names else ("", "")
        functions.append(f'{{{intrinsic}, "{double_name}", "{float_name}"}}')
    inactive_names = [(names, 0) for place in table.inactive for names in place.names]
    lines = ["// Made by rulegen.py from scalar.rules and calls.rules. Do not edit.", ""]
    lines += array("Node", "Nodes", pool.entries)
    lines += array("Function", "Functions", functions)
    lines += array("Partial", "Partials", partials)
    lines += array("Rule", "Rules", rows)
    lines += array(
        "OpcodePlace",
        "OpcodePlaces",
        [f"{{Instruction::{op}, {order[name]}}}" for name, p in table.places.items() for op in p.opcodes],
    )
    lines += array(
        "IntrinsicPlace",
        "IntrinsicPlaces",
        [f"{{{enumerator(i)}, {order[name]}}}" for name, p in table.places.items() for i in p.intrinsics],
    )
    lines += array(
        "NamePlace",
        "NamePlaces",
        named([(names, order[name]) for name, p in table.places.items() for names in p.names]),
    )
    lines += array("Intrinsic::ID", "InactiveIntrinsics", [enumerator(i) for p in table.inactive for i in p.intrinsics])
    lines += array("NamePlace", "InactiveNames", named(inactive_names))
    lines += array(
        "Split",
        "Splits",
        [
            f'{{"{name}", "{first}", "{second}"}}'
            for call, parts in table.splits
            for name, first, second in zip(call.names[0], *parts.names, strict=True)
        ],
    )
    lines += array(
        "Refusal", "Refusals", [f'{{"{name}", "{reason}"}}' for name, reason in sorted(table.unsupported.items())]
    )
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Leaves the file alone where nothing changed, so that nothing is rebuilt for it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="parse only")
    parser.add_argument("--inc", type=Path, metavar="OUT", help="write the C++ data")
    parser.add_argument("--doc", type=Path, metavar="OUT", help="write the documentation page")
    parser.add_argument("--rules", type=Path, default=DIRECTORY, help="folder of the rule files")
    options = parser.parse_args()
    try:
        table = rules.load(options.rules)
        kinds = library.load(options.rules) if options.doc else []
    except rules.RuleError as error:
        print(error, file=sys.stderr)
        return 1
    if options.inc:
        write(options.inc, cpp(table))
    if options.doc:
        write(options.doc, rulepage.page(table, kinds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
