"""The C header: a prototype per function, with what each parameter is and holds before and after a call."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from pyfront.cabi import Parameter, Role
from pyfront.standalone.functions import Function

_ORDER = {"C": "C order", "F": "Fortran order", "A": "any strides"}


def text(name: str, functions: Sequence[Function], statuses: Mapping[int, str], cpu: str) -> str:
    """The header ``name.h``."""
    guard = f"{name.upper()}_H"
    prototypes = "\n\n".join(_prototype(function) for function in functions)
    return f"""\
/* {name}.h - derivatives compiled by pyfront, for the processor {cpu}.
 *
 * Each function returns 0, or a status that {name}_error(status) names:
{_statuses(statuses)}
 *
 * After a status that is not 0 no shadow, adjoint or result has been written (but after {_rule(statuses)}, in the
 * middle of a reverse sweep); arrays hold what the kernel had made of them. In forward mode the shadows of arrays that
 * the kernel writes go along with them. Any number of threads may call at once, each with arrays of its own; memory
 * that a thread's calls need is kept for its next call, until the thread ends or calls {name}_release().
 */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{prototypes}

/* What a status means; never NULL. */
const char *{name}_error(int32_t status);

/* Gives back the memory that this thread keeps for its next call. */
void {name}_release(void);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _statuses(statuses: Mapping[int, str]) -> str:
    return "\n".join(f" *   {status:>6}  {_safe(said)}" for status, said in statuses.items())


def _rule(statuses: Mapping[int, str]) -> int:
    return max(statuses)


def _safe(said: str) -> str:
    """Text for a comment of one line."""
    return " ".join(said.replace("*/", "* /").replace("/*", "/ *").split())


def _prototype(function: Function) -> str:
    lines = [_title(function)]
    if function.doc.strip():
        lines += textwrap.wrap(_safe(function.doc), 100)
    lines.append("")
    lines += [f"{parameter.name:<12} {said}" for parameter, said in documented(function)]
    comment = "\n".join(f" * {line}".rstrip() for line in lines)
    text = f"/*{comment[2:]}\n */\n{_declaration(function.name, function)};"
    if function.alias:
        text += f"\n\n/* The same function by another name. */\n{_declaration(function.alias, function)};"
    return text


def _title(function: Function) -> str:
    kernel = function.code.kernel
    if function.is_primal:
        return f"The kernel `{kernel}` itself."
    how = "forward mode" if function.code.forward else "reverse mode"
    width = f", {function.code.width} at once" if function.code.is_batch else ""
    return f"The derivative of `{kernel}`, {how}{width}."


def _declaration(name: str, function: Function) -> str:
    declared = [parameter.declaration for parameter in function.parameters] or ["void"]
    head = f"int32_t {name}("
    # A declaration is one word to the wrapper.
    joined = ", ".join(one.replace(" ", "\0") for one in declared)
    lines = textwrap.wrap(joined, 116 - len(head), break_long_words=False, break_on_hyphens=False)
    return head + ("\n" + " " * len(head)).join(lines).replace("\0", " ") + ")"


def documented(function: Function) -> list[tuple[Parameter, str]]:
    """Each parameter with what it is."""
    return [(parameter, _what(parameter, function)) for parameter in function.parameters]


def _what(parameter: Parameter, function: Function) -> str:
    code, role, leaf = function.code, parameter.role, parameter.leaf
    one = f"{code.width} numbers: " if code.is_batch else ""
    if role is Role.ARRAY:
        return f"{_shape(parameter, function)}; {_contents(parameter, function)}"
    if role is Role.SHADOW:
        many = (
            f"{code.width} arrays like {_array_of(parameter, function)}, one behind the other; "
            if code.is_batch
            else ""
        )
        return f"{many}{_shadow(parameter, function)}"
    if role is Role.EXTENT:
        return f"in: length of axis {parameter.axis} of {leaf.name if leaf else ''}"
    if role is Role.STRIDE:
        has_shadow = any(p.leaf == leaf and p.role is Role.SHADOW for p in function.parameters)
        both = ", of the shadow too" if has_shadow else ""
        return f"in: bytes from one element to the next along axis {parameter.axis}{both}"
    if role is Role.SHADOW_STEP:
        return "in: bytes from one shadow to the next"
    said = {
        Role.VALUE: "in",
        Role.ADJOINT: f"out: {one}the adjoint of {leaf.name if leaf else ''}",
        Role.TANGENT: f"in: {one}the tangent of {leaf.name if leaf else ''}",
        Role.SEED: f"in: {one}the adjoint of the result, usually 1",
        Role.RESULT_TANGENT: f"out: {one}the tangent of the result; may be NULL",
        Role.RESULT: "out: the result; may be NULL",
    }
    return said[role]


def _array_of(parameter: Parameter, function: Function) -> str:
    return next(p.name for p in function.parameters if p.leaf == parameter.leaf and p.role is Role.ARRAY)


def _shape(parameter: Parameter, function: Function) -> str:
    extents = [p.name for p in function.parameters if p.leaf == parameter.leaf and p.role is Role.EXTENT]
    assert parameter.leaf is not None
    return f"array ({', '.join(extents)}{',' if len(extents) == 1 else ''}), {_ORDER[parameter.leaf.type.layout]}"


def is_written(parameter: Parameter, function: Function) -> bool:
    """Whether the kernel may write the array."""
    leaf = parameter.leaf
    assert leaf is not None
    return leaf.name in function.code.written or leaf.name.split("[")[0] in function.code.written


def _contents(parameter: Parameter, function: Function) -> str:
    if not is_written(parameter, function):
        return "in: read only"
    return "in: initial values; out: what the kernel leaves"


def _shadow(parameter: Parameter, function: Function) -> str:
    array = _array_of(parameter, function)
    if function.code.forward:
        return f"in: tangent of {array}" + (
            "; out: that of its final values" if is_written(parameter, function) else ""
        )
    if not is_written(parameter, function):
        return f"in: any values; out: these, plus the adjoint of {array}"
    return f"in: adjoint of the final values of {array}; out: that of its initial values"
