"""The documentation page of the rule table, docs/rules.md: one row per function, from the same
data as the C++ table, so that the page cannot say anything else than what the engine does."""

from __future__ import annotations

import library
import table as rules

HEAD = """# Derivative rules

Made by `core/rules/rulegen.py --doc` from `scalar.rules` and `calls.rules`; change those.

`out` is the primal result. Forward and reverse mode use the same partials. *Reads* is what they need of the primal:
forward mode has it at hand, for the reverse sweep it is recomputed, reloaded or taped. A partial marked † may be
infinite or NaN at finite operands. *Domain* is where the tests compare the partial with an independent derivative.

**Zero is strong: along a path of the chain rule on which one factor is exactly zero, an infinite or NaN partial
contributes nothing.** A factor is a partial, or the zero of what is discarded: an arm that was not selected, a branch
not taken, an array element that is overwritten or never read. So a border of infinities, a masked element or the
rejected step of an integrator leave no NaN behind, in no mode, wherever the value went in between; every lane of a
batch is judged for itself. An adjoint or a tangent of exactly zero, such as a seed, contributes nothing through a
partial marked †.

Where this ends: once an infinity or NaN reaches a result (the value returned, or an element of a `Duplicated` array
when the kernel ends), derivatives of that result may be NaN, whatever its seed. An overflow is covered where it is
discarded, and not where a function hides it, as `1 / r**3` does when `r**3` overflows. And where an infinite partial
meets an exact zero, the limit of their product is not sought: `np.sqrt(x) * np.sqrt(x)` has the derivative 0 at 0.

Kinks, jumps and ties: the derivative is that of the branch that the primal took, also where a comparison decides for
equality: behind `x == 1.0`, `x` is still a variable. Python's and NumPy's `min`, `max`, `np.maximum`, `np.minimum`,
`np.fmax`, `np.fmin` and conditional expressions reach the engine as a comparison and a selection, and the selected
operand receives the adjoint or gives the tangent. `x // y`, `round`, `math.floor`, `np.sign` and their like have the
derivative 0 everywhere. `x ** n` with an integer `n` is a loop of multiplications and, beyond 65536, `pow`. At a jump,
as of `x % y`, the derivative is that of the side to which the value belongs.

Where NaN stands for a partial there is no derivative: `atan2` at the origin, `np.std` of equal numbers (0 / 0).

Under `fastmath=True` LLVM may put an expression in the place of one that is equal for all operands
(`sqrt(x) * sqrt(x)` is `x`), and the derivative is that of what it has put there. The two differ at singular points
only.
"""


def reads_text(row: rules.Row, index: int) -> str:
    """The primal values in a partial, in the order of the parameters."""
    found = set()
    for node in rules.walk(row.partial_of(index)):
        if node.op == "Param":
            found.add(int(node.value))
        elif node.op == "Result":
            found.add(len(row.params))
    names = [p.name for p in row.params] + ["out"]
    return ", ".join(f"`{names[i]}`" for i in sorted(found)) or "nothing"


def number(value: float) -> str:
    return f"{value:.12g}"


def partial_text(row: rules.Row) -> str:
    lines = []
    sources = iter(row.sources)
    for index, param in enumerate(row.params):
        if param.type == "int":
            continue
        mark = " †" if rules.is_singular(row, index) else ""
        prefix = f"∂{param.name}: " if len(row.partials) > 1 else ""
        lines.append(f"{prefix}`{next(sources)}`{mark}")
    return "<br>".join(lines)


def reads_column(row: rules.Row) -> str:
    indices = [i for i, p in enumerate(row.params) if p.type == "float"]
    if len(indices) == 1:
        return reads_text(row, indices[0])
    return "<br>".join(f"∂{row.params[i].name}: {reads_text(row, i)}" for i in indices)


def domain_text(row: rules.Row) -> str:
    boxes = []
    for domain in row.domains:
        boxes.append(", ".join(f"{name} in {number(low)} .. {number(high)}" for name, (low, high) in domain.items()))
    return "<br>".join(boxes)


def notes_text(row: rules.Row) -> str:
    parts = [" ".join(row.notes)] if row.notes else []
    for kink in row.kinks:
        where = ", ".join(f"{name} = {number(value)}" for name, value in kink.point.items())
        parts.append(f"at {where}: {', '.join(number(v) for v in kink.partials)}")
    return "<br>".join(parts)


def place_text(places: rules.Places) -> str:
    words = [f"`{op.lower()}`" for op in places.opcodes]
    words += [f"`{intrinsic}`" for intrinsic in places.intrinsics]
    words += [f"`{double}` `{single}`" for double, single in places.names]
    return ", ".join(words)


def page(table: rules.Table, kinds: list[library.Kind]) -> str:
    """The whole page."""
    lines = [HEAD]
    sections: dict[str, list[rules.Row]] = {}
    for row in table.rows.values():
        sections.setdefault(row.section, []).append(row)
    for section, rows in sections.items():
        lines += [f"## {section}", ""]
        if table.section_notes.get(section):
            lines += [" ".join(table.section_notes[section]), ""]
        lines += ["| function | partials | reads | domain | notes |", "| --- | --- | --- | --- | --- |"]
        for row in rows:
            params = ", ".join(p.name for p in row.params)
            columns = (partial_text(row), reads_column(row), domain_text(row), notes_text(row))
            lines.append(f"| `{row.name}({params})` | " + " | ".join(c.replace("|", "\\|") for c in columns) + " |")
        lines.append("")
    lines += ["## Where a rule applies", "", "Library functions stand in pairs: for float64 and for float32."]
    lines += ["", "| rule | opcodes, intrinsics, library functions |", "| --- | --- |"]
    lines += [f"| `{name}` | {place_text(places)} |" for name, places in table.places.items()]
    lines += ["", "Calls that carry no derivative: " + ", ".join(place_text(p) for p in table.inactive) + ".", ""]
    for call, parts in table.splits:
        names = ", ".join(f"`{name}`" for name in call.names[0])
        lines += [
            f"{names}: the value and the number stored are computed by two pure functions, {place_text(parts)}.",
            "",
        ]
    lines += library.page(kinds)
    lines += ["## Not supported", "", "Refused by name:", ""]
    lines += [f"- `{name}`: {reason}" for name, reason in table.unsupported.items()]
    return "\n".join(lines) + "\n"
