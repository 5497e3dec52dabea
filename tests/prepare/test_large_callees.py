"""Which functions stay because of the copies that inlining would make: read from generated modules after the pass."""

from __future__ import annotations

import json
import re

from prepare.test_passes import opt, with_request

PASSES = "ad-prepare<keep-calls>"


def function(name: str, calls: dict[str, int], instructions: int = 0, in_try: bool = False) -> str:
    lines = [f"define i32 @{name}(ptr noalias %ret, ptr noalias %excinfo, double %x) {{"]
    if in_try:
        lines += [
            "  %try_state = alloca i64",
            "  %n = load i64, ptr %try_state",
            "  store i64 %n, ptr %try_state, !pyfront.try !0",
        ]
    lines += [f"  %v{index} = fadd double %x, 1.0" for index in range(instructions)]
    for callee, times in calls.items():
        lines += [
            f"  %{callee}{index} = call i32 @{callee}(ptr %ret, ptr %excinfo, double %x)" for index in range(times)
        ]
    return "\n".join([*lines, "  ret i32 0", "}", ""])


def staying(*functions: str, arrays: tuple[str, ...] = (), embedded: bool = False) -> set[str]:
    """The functions of which calls have stayed; those in ``arrays`` return one."""
    text = "\n".join([*functions, "!0 = !{}"])
    names = re.findall(r"define i32 @(\w+)", text)
    scalar = {"name": "x", "kind": "scalar", "type": "f64", "annotation": "const", "param": 2}
    infos = [
        {
            "primal": name,
            "name": name,
            "args": [scalar],
            "results": [{"type": "f64", "offset": 0}],
            "arrays": [{"type": "f64", "offset": 0}] if name in arrays else [],
        }
        for name in names
    ]
    request = json.dumps({"functions": infos, "embedded": embedded})
    done = opt(PASSES, with_request(f"; REQUEST: {request}\n{text}"))
    assert (done.returncode, done.stderr) == (0, "")
    return set(re.findall(r"= call ptr @pyfront\.call\.(\w+)\(", done.stdout))


def test_many_copies_of_a_large_function() -> None:
    step = function("step", {}, 1000)
    assert staying(function("kernel", {"step": 50}), step) == set()
    assert staying(function("kernel", {"step": 70}), step) == {"step"}


def test_one_copy_is_never_too_many() -> None:
    assert staying(function("kernel", {"step": 1}), function("step", {}, 70_000)) == set()


def test_what_saves_most_stays_and_the_rest_is_counted_again() -> None:
    outer = function("outer", {"inner": 2}, 200)
    inner = function("inner", {}, 1000)
    assert staying(function("kernel", {"outer": 40}), outer, inner) == {"outer"}


def test_copies_multiply_along_a_chain() -> None:
    chain = [function(f"f{level}", {f"f{level + 1}": 2}) for level in range(64)]
    kept = staying(function("kernel", {"f0": 2}), *chain, function("f64", {}, 10))
    assert 3 < len(kept) < 40


def test_below_a_try_functions_are_inlined() -> None:
    kernel = function("kernel", {"step": 70, "other": 70}, in_try=False)
    catcher = function("catcher", {"step": 1}, in_try=True)
    assert staying(kernel, catcher, function("step", {}, 1000), function("other", {}, 1000)) == {"other"}


def test_what_returns_arrays_is_inlined_and_so_is_all_in_an_embedded_derivative() -> None:
    program = (function("kernel", {"step": 70}), function("step", {}, 1000))
    assert staying(*program, arrays=("step",)) == set()
    assert staying(*program, embedded=True) == set()
