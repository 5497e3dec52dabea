"""What is said of a part of a rule that does not compile in its place: why, and the form that is wanted."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from pyfront.errors import UnsupportedError, with_help

if TYPE_CHECKING:
    from pyfront.rules.parts import Parts


def misfit(parts: Parts, kind: str, error: Exception) -> UnsupportedError:
    """A part of the user's that does not compile in its place."""
    name = {"forward": "augmented", "primal": "primal"}.get(kind, kind)
    if name == "reverse" and parts.rule.by_tangents:
        name = "tangent"
    part = parts.rule.primal if name == "primal" else getattr(parts.rule, name) or parts.rule.primal
    code = part.py_func.__code__
    lines = [line.strip() for line in str(error).splitlines()]
    why = next((line[line.index("it returns") :] for line in lines if "it returns" in line), "\n".join(lines[:3]))
    place = f"{code.co_filename}:{code.co_firstlineno}: "
    message = f"{place}the `{name}` part of the rule of `{parts.rule.name}` does not fit: {why}"
    return UnsupportedError(with_help(message, f"write {_form(parts, name)}"), code.co_filename, code.co_firstlineno)


def _form(parts: Parts, part: str) -> str:
    """How a part is written."""
    names = list(inspect.signature(parts.rule.primal.py_func).parameters)[: len(parts.argument_types)]
    if parts.rule.of_values:
        forms = {
            "tangent": "jvp(arguments, tangents) -> (value, tangent)",
            "reverse": f"backward(kept, cotangent) -> a tuple of the cotangents of {', '.join(names)}",
        }
        return forms.get(part, f"forward({', '.join(names)}) -> (value, kept)")
    varied = {leaf.path[0]: leaf.is_array for leaf in parts.leaves if leaf.is_float}
    adjoints = [f"adjoint of {name}" for k, name in enumerate(names) if varied.get(k) is False]
    given = {
        "augmented": names,
        "tangent": [n for k, name in enumerate(names) for n in (name, *([f"d{name}"] if k in varied else []))],
        "reverse": [n for k, name in enumerate(names) for n in (name, *([f"d{name}"] if varied.get(k) else []))],
    }.get(part, names)
    returned = {"augmented": "(value, tape)", "tangent": "(value, tangent of value)"}.get(
        part, f"({', '.join(adjoints)})" if len(adjoints) > 1 else "".join(adjoints) or "None"
    )
    return f"{part}({', '.join([*given, *(['seed', 'tape'] if part == 'reverse' else [])])}) -> {returned}"
