"""The rule table as data: parses scalar.rules and calls.rules.

A partial is a Python expression, read by `ast.parse` and lowered to `Node`s. Nodes are equal
when they compute the same thing, so a subterm that is written twice is one node. Literal
arithmetic is done here, in double precision.

Invariant: a `Table` that `load` returns is consistent - every row has one partial per float
parameter, a domain for each parameter, a price and at least one place in calls.rules, and
every function that a partial calls has a name to call. Anything else is a `RuleError`, which
names file and line.

Standard library only: this runs at build time.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


class RuleError(Exception):
    """What is wrong in a rule file, and where."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")


@dataclass(frozen=True)
class Node:
    """One operation of a partial.

    `op` is one of Literal, IntLiteral, Param, Result, Neg, Add, Sub, Mul, Div, ToFloat, Call,
    Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual, And, Or, Not, Select (condition, then,
    else); the same names are the enumerators in Rules.cpp.
    """

    op: str
    type: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    callee: str = ""


@dataclass(frozen=True)
class Param:
    """A parameter; `type` is float or int."""

    name: str
    type: str


@dataclass(frozen=True)
class Kink:
    """An `at` line: the value of each partial at one point."""

    point: dict[str, float]
    partials: tuple[float, ...]


@dataclass
class Row:
    """One rule."""

    name: str
    params: tuple[Param, ...]
    sources: tuple[str, ...]
    partials: tuple[Node, ...]
    line: int
    section: str
    domains: list[dict[str, tuple[float, float]]] = field(default_factory=list)
    kinks: list[Kink] = field(default_factory=list)
    again: tuple[Node, ...] = ()
    finite: list[str] = field(default_factory=list)
    singular: list[str] = field(default_factory=list)
    passes: list[str] = field(default_factory=list)
    steep: list[str] = field(default_factory=list)
    steep_at_zero: list[str] = field(default_factory=list)
    #: The parameters with a pole at 0, and the one that must be negative for it, if any.
    poles: dict[str, str | None] = field(default_factory=dict)
    total: str = ""
    notes: list[str] = field(default_factory=list)
    price: int = -1

    def partial_of(self, index: int) -> Node:
        """The partial in parameter `index`; the literal 0 for an integer one."""
        if self.params[index].type == "int":
            return ZERO
        return self.partials[self._place_of(index)]

    def again_of(self, index: int) -> Node:
        """The same partial in the form that can be differentiated everywhere."""
        if self.params[index].type == "int" or not self.again:
            return self.partial_of(index)
        return self.again[self._place_of(index)]

    def _place_of(self, index: int) -> int:
        return sum(p.type == "float" for p in self.params[:index])


@dataclass(frozen=True)
class Places:
    """Where a rule is found in IR: one line of calls.rules."""

    opcodes: tuple[str, ...]
    intrinsics: tuple[str, ...]
    names: tuple[tuple[str, str], ...]


@dataclass
class Table:
    """All rules, in file order."""

    rows: dict[str, Row]
    places: dict[str, Places]
    inactive: list[Places]
    splits: list[tuple[Places, Places]]
    unsupported: dict[str, str]
    section_notes: dict[str, list[str]]


ZERO = Node("Literal", "float")
CONSTANTS = {"pi": math.pi, "inf": math.inf}
BINARY = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div"}
COMPARE = {
    ast.Lt: "Less",
    ast.LtE: "LessEqual",
    ast.Gt: "Greater",
    ast.GtE: "GreaterEqual",
    ast.Eq: "Equal",
    ast.NotEq: "NotEqual",
}
# Arguments of the functions that partials may call, by type.
SIGNATURES = {
    "powi": ("float", "int"),
    "ldexp": ("float", "int"),
    "polygamma": ("int", "float"),
    "sinc_derivative": ("int", "float"),
}
BINARY_CALLS = {"copysign", "hypot", "pow", "atan2", "fmin", "fmax", "frem"}
# Keywords that a row says of parameters.
MARKS = ("finite", "singular", "passes", "steep")
# Where finite parameters give a finite result, overflow aside: `total` alone, or `total x >= 0`.
TOTAL = ("everywhere", "x >= 0")
# Functions that are bounded, or no larger than their arguments.
TAME_CALLS = {"sin", "cos", "copysign", "fabs", "rint"}


def walk(node: Node) -> Iterator[Node]:
    """The nodes of an expression, operands first."""
    for arg in node.args:
        yield from walk(arg)
    yield node


def is_singular(row: Row, index: int) -> bool:
    """Whether the partial may be infinite or NaN at finite operands.

    True when it divides by anything but a literal, calls a function that is not tame or reads
    the result, which may overflow; unless the row says `finite` or `singular` of the parameter.
    """
    if row.params[index].name in row.finite:
        return False
    if row.params[index].name in row.singular:
        return True
    for node in walk(row.partial_of(index)):
        if node.op == "Result" or (node.op == "Div" and node.args[1].op != "Literal"):
            return True
        if node.op == "Call" and node.callee not in TAME_CALLS:
            return True
    return False


class _Lowering(ast.NodeVisitor):
    """Turns the syntax tree of one partial into a node."""

    def __init__(self, params: tuple[Param, ...]) -> None:
        self.params = params

    def lower(self, tree: ast.expr) -> Node:
        node = self.visit(tree)
        assert isinstance(node, Node)
        return node

    def generic_visit(self, tree: ast.AST) -> Node:
        raise ValueError(f"`{ast.unparse(tree)}` is not part of the rule language")

    def visit_Constant(self, tree: ast.Constant) -> Node:
        if isinstance(tree.value, bool) or not isinstance(tree.value, int | float):
            return self.generic_visit(tree)
        return Node("Literal", "float", value=float(tree.value))

    def visit_Name(self, tree: ast.Name) -> Node:
        if tree.id == "out":
            return Node("Result", "float")
        for index, param in enumerate(self.params):
            if param.name == tree.id:
                return Node("Param", param.type, value=index)
        if tree.id in CONSTANTS:
            return Node("Literal", "float", value=CONSTANTS[tree.id])
        raise ValueError(f"`{tree.id}` is no parameter")

    def visit_UnaryOp(self, tree: ast.UnaryOp) -> Node:
        operand = self.lower(tree.operand)
        if isinstance(tree.op, ast.USub):
            operand = self.number(operand, "float")
            if operand.op == "Literal":
                if operand.value == 0:
                    raise ValueError("a negative zero equals zero, so its node would be shared")
                return Node("Literal", "float", value=-operand.value)
            return Node("Neg", "float", (operand,))
        if isinstance(tree.op, ast.Not) and operand.type == "bool":
            return Node("Not", "bool", (operand,))
        return self.generic_visit(tree)

    def visit_BinOp(self, tree: ast.BinOp) -> Node:
        op = BINARY.get(type(tree.op))
        if op is None:
            return self.generic_visit(tree)
        left, right = self.matched(self.lower(tree.left), self.lower(tree.right))
        if op == "Div" and left.type == "int":
            left, right = self.number(left, "float"), self.number(right, "float")
        if left.op == right.op == "Literal":
            values = {
                "Add": lambda a, b: a + b,
                "Sub": lambda a, b: a - b,
                "Mul": lambda a, b: a * b,
                "Div": lambda a, b: a / b,
            }
            return Node("Literal", "float", value=values[op](left.value, right.value))
        return Node(op, left.type, (left, right))

    def visit_Call(self, tree: ast.Call) -> Node:
        if not isinstance(tree.func, ast.Name) or tree.keywords:
            return self.generic_visit(tree)
        callee = tree.func.id
        wanted = SIGNATURES.get(callee, ("float",) * (2 if callee in BINARY_CALLS else 1))
        if len(wanted) != len(tree.args):
            raise ValueError(f"`{callee}` takes {len(wanted)} arguments, not {len(tree.args)}")
        args = tuple(self.number(self.lower(a), t) for a, t in zip(tree.args, wanted, strict=True))
        if callee in ("log", "sqrt") and args[0].op == "Literal":
            return Node("Literal", "float", value=getattr(math, callee)(args[0].value))
        return Node("Call", "float", args, callee=callee)

    def visit_Compare(self, tree: ast.Compare) -> Node:
        op = COMPARE.get(type(tree.ops[0]))
        if op is None or len(tree.ops) != 1:
            return self.generic_visit(tree)
        return Node(op, "bool", self.matched(self.lower(tree.left), self.lower(tree.comparators[0])))

    def visit_BoolOp(self, tree: ast.BoolOp) -> Node:
        op = "And" if isinstance(tree.op, ast.And) else "Or"
        result, *rest = (self.condition(value) for value in tree.values)
        for value in rest:
            result = Node(op, "bool", (result, value))
        return result

    def visit_IfExp(self, tree: ast.IfExp) -> Node:
        then, other = (self.number(self.lower(v), "float") for v in (tree.body, tree.orelse))
        return Node("Select", "float", (self.condition(tree.test), then, other))

    def condition(self, tree: ast.expr) -> Node:
        node = self.lower(tree)
        if node.type != "bool":
            raise ValueError(f"`{ast.unparse(tree)}` is not a condition")
        return node

    def number(self, node: Node, wanted: str) -> Node:
        """`node` as a float or an int; literals fit both, an int converts to a float."""
        if node.type == wanted:
            return node
        if node.type == "int":
            if node.op == "IntLiteral":
                return Node("Literal", "float", value=node.value)
            return Node("ToFloat", "float", (node,))
        if node.op == "Literal" and node.value.is_integer():
            return Node("IntLiteral", "int", value=node.value)
        raise ValueError(f"a {node.type} value stands where a {wanted} one is wanted")

    def matched(self, left: Node, right: Node) -> tuple[Node, Node]:
        """Both operands in one type: int where neither needs a float."""
        is_int = any(n.type == "int" for n in (left, right)) and all(
            n.type == "int" or (n.op == "Literal" and n.value.is_integer()) for n in (left, right)
        )
        wanted = "int" if is_int else "float"
        return self.number(left, wanted), self.number(right, wanted)


ROW = re.compile(r"(\w+)\(([^)]*)\)\s*=\s*(.+)", re.S)
RANGE = re.compile(r"(\w+) in (-?[\d.]+) \.\. (-?[\d.]+)")
POLE = re.compile(r"(\w+) = 0(?: where (\w+) < 0)?")


def _statements(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a rule file with their numbers; an open parenthesis continues a line."""
    pending, start = "", 0
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        is_text = not pending and raw.lstrip().startswith(("##", "#:"))
        line = raw if is_text else raw.split("#")[0]
        start = start if pending else number
        pending += line.rstrip() + " "
        if not is_text and pending.count("(") > pending.count(")"):
            continue
        if pending.strip():
            yield start, pending.rstrip()
        pending = ""
    if pending.strip():
        raise RuleError(path, start, "a parenthesis is never closed")


def _row(text: str, line: int, section: str) -> Row:
    match = ROW.fullmatch(text)
    if match is None:
        raise ValueError("expected `name(params) = partials`")
    name, params_text, right = match.groups()
    params = []
    for part in params_text.split(","):
        parameter, _, kind = (piece.strip() for piece in part.partition(":"))
        if not parameter.isidentifier() or parameter == "out" or kind not in ("", "int"):
            raise ValueError(f"`{part.strip()}` is no parameter")
        params.append(Param(parameter, kind or "float"))
    sources, partials = _partials(tuple(params), right)
    return Row(name, tuple(params), sources, partials, line, section)


def _partials(params: tuple[Param, ...], text: str) -> tuple[tuple[str, ...], tuple[Node, ...]]:
    """One partial per float parameter, as text and as nodes."""
    tree = ast.parse(text.strip(), mode="eval").body
    trees = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    wanted = sum(p.type == "float" for p in params)
    if len(trees) != wanted:
        raise ValueError(f"{len(trees)} partials for {wanted} float parameters")
    lowering = _Lowering(params)
    return tuple(ast.unparse(t) for t in trees), tuple(lowering.number(lowering.lower(t), "float") for t in trees)


def reads(row: Row, node: Node) -> int:
    """Bit i: parameter i occurs; bit `arity`: the result occurs."""
    mask = 0
    for part in walk(node):
        if part.op == "Param":
            mask |= 1 << int(part.value)
        elif part.op == "Result":
            mask |= 1 << len(row.params)
    return mask


def _attribute(row: Row, text: str) -> None:
    """Reads one indented line below a row."""
    keyword, _, rest = text.partition(" ")
    names = {p.name for p in row.params}
    if keyword == "#:":
        row.notes.append(rest.strip())
    elif keyword == "price" and rest.isdigit():
        row.price = int(rest)
    elif keyword == "domain":
        ranges = [RANGE.fullmatch(part.strip()) for part in rest.split(",")]
        domain = {m[1]: (float(m[2]), float(m[3])) for m in ranges if m}
        if set(domain) != names or len(ranges) != len(names):
            raise ValueError("expected `domain p in low .. high` for each parameter")
        row.domains.append(domain)
    elif keyword == "again":
        _, row.again = _partials(row.params, rest)
        for index in range(len(row.params)):
            if reads(row, row.again_of(index)) & ~reads(row, row.partial_of(index)):
                raise ValueError(f"in `{row.params[index].name}` this reads what the partial does not read")
    elif keyword in MARKS and {p.strip() for p in rest.removesuffix("= 0").split(",")} <= names:
        kept = row.steep_at_zero if rest.endswith("= 0") else getattr(row, keyword)
        kept.extend(p.strip() for p in rest.removesuffix("= 0").split(","))
    elif keyword == "pole" and (pole := POLE.fullmatch(rest)) and {pole[1], pole[2] or pole[1]} <= names:
        row.poles[pole[1]] = pole[2]
    elif keyword == "total" and rest in TOTAL:
        row.total = rest
    elif keyword == "at":
        where, _, values = rest.partition(":")
        pairs = (part.partition("=") for part in where.split(","))
        point = {name.strip(): float(value) for name, _, value in pairs}
        partials = tuple(float(value) for value in values.split(","))
        if set(point) != names or len(partials) != len(row.partials):
            raise ValueError("expected `at p = value, ...: partial, ...` for each parameter")
        row.kinks.append(Kink(point, partials))
    else:
        known = ", ".join(("domain", "at", "again", *MARKS, "pole", "total", "price"))
        raise ValueError(f"`{text}` is neither {known} nor text")


def _load_rows(path: Path) -> tuple[dict[str, Row], dict[str, list[str]]]:
    rows: dict[str, Row] = {}
    notes: dict[str, list[str]] = {}
    section = ""
    row: Row | None = None
    for line, text in _statements(path):
        try:
            if text.startswith("##"):
                section, row = text.lstrip("# "), None
                notes[section] = []
            elif text.startswith("#:"):
                notes.setdefault(section, []).append(text[2:].strip())
            elif not text.startswith(" "):
                row = _row(text, line, section)
                if row.name in rows:
                    raise ValueError(f"`{row.name}` has a row at line {rows[row.name].line}")
                rows[row.name] = row
            elif row is None:
                raise ValueError("an indented line follows no row")
            else:
                _attribute(row, text.strip())
        except (ValueError, SyntaxError, ZeroDivisionError) as error:
            message = error.msg if isinstance(error, SyntaxError) else str(error)
            raise RuleError(path, line, message) from None
    for row in rows.values():
        if not row.domains or row.price < 0:
            raise RuleError(path, row.line, f"`{row.name}` has no domain or no price")
    return rows, notes


def _places(text: str) -> Places:
    opcodes, intrinsics, names = [], [], []
    for part in (piece.strip() for piece in text.split(",")):
        if match := re.fullmatch(r"opcode (\w+)", part):
            opcodes.append(match[1])
        elif match := re.fullmatch(r"llvm\.[\w.]+", part):
            intrinsics.append(part)
        elif match := re.fullmatch(r"(\w+) / (\w+)", part):
            names.append((match[1], match[2]))
        else:
            raise ValueError(f"`{part}` is no opcode, intrinsic or pair of names")
    return Places(tuple(opcodes), tuple(intrinsics), tuple(names))


def load(directory: Path) -> Table:
    """Reads scalar.rules and calls.rules of `directory`."""
    rows, notes = _load_rows(directory / "scalar.rules")
    table = Table(rows, {}, [], [], {}, notes)
    path = directory / "calls.rules"
    seen: set[str] = set()
    for line, text in _statements(path):
        try:
            left, equals, right = (piece.strip() for piece in text.partition("="))
            keyword, _, name = left.rpartition(" ")
            if not equals:
                raise ValueError("expected `rule = places`")
            if keyword == "unsupported":
                table.unsupported[name] = right
                continue
            if left.startswith("split "):
                call, parts = _places(left.removeprefix("split ")), _places(right)
                if len(call.names) != 1 or len(parts.names) != 2:
                    raise ValueError("expected `split names = names, names`")
                table.splits.append((call, parts))
                continue
            places = _places(right)
            for place in (*places.opcodes, *places.intrinsics, *(n for p in places.names for n in p)):
                if place in seen:
                    raise ValueError(f"`{place}` stands twice")
                seen.add(place)
            if left == "inactive":
                table.inactive.append(places)
            elif left not in rows:
                raise ValueError(f"`{left}` has no row in scalar.rules")
            elif left in table.places:
                raise ValueError(f"`{left}` has a line already")
            else:
                table.places[left] = places
        except ValueError as error:
            raise RuleError(path, line, str(error)) from None
    _check_calls(directory / "scalar.rules", table)
    return table


def _check_calls(path: Path, table: Table) -> None:
    """Every row can be found, and every function that a partial calls can be emitted."""
    callable_names = {n for n, p in table.places.items() if p.intrinsics or p.names}
    for row in table.rows.values():
        if row.name not in table.places:
            raise RuleError(path, row.line, f"`{row.name}` has no line in calls.rules")
        for partial in (*row.partials, *row.again):
            for node in walk(partial):
                if node.op == "Call" and node.callee not in callable_names:
                    raise RuleError(path, row.line, f"no function is known as `{node.callee}`")
