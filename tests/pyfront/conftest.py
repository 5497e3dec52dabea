"""Fixtures of the front end's tests: a stand-in for the engine, so that the front end is tested without it.

Its "derivative" calls the primal as it is, stores ``seed * (k + 1)`` as the adjoint of the k-th active scalar, and
adds ``k + 1`` to the first element of the k-th shadow. That is enough to see that every argument arrives where seam 2
says.
"""

from __future__ import annotations

import json
from typing import Any

import llvmlite.binding as llvm
import pytest

from pyfront import engine, runtime
from pyfront.contract import Contract
from pyfront.engine import Diagnostic, EngineResult

LL = {"f64": "double", "f32": "float", "i64": "i64", "i32": "i32", "bool": "i8"}


class FakeEngine:
    """Answers requests; ``diagnostics`` makes it refuse, ``status`` makes its derivatives fail, ``extra`` is IR for
    its module, ``written`` is what it says the kernel writes."""

    plan_steps = ("reload", "mincut")

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self.status = 0
        self.extra = ""
        self.written: frozenset[str] = frozenset()
        self.contract = Contract(20550, 20553, 64, ".forward", ".reverse", "pyfront.allocate")
        self.released = 0

    def refused_bytes(self) -> int:
        return 1 << 40

    def release_memory(self) -> None:
        self.released += 1

    def differentiate(self, bitcode: bytes, request: str) -> EngineResult:
        asked = json.loads(request)
        self.requests.append(asked)
        if self.diagnostics:
            return EngineResult(None, "", "", frozenset(), self.diagnostics)
        captured = llvm.parse_bitcode(bitcode)
        primal = captured.get_function(asked["primal"])
        text = (
            str(captured) + self.extra + self._derivative(asked, [str(argument.type) for argument in primal.arguments])
        )
        module = llvm.parse_assembly(text)
        module.get_function(asked["primal"]).linkage = "internal"
        return EngineResult(module.as_bitcode(), f"plan of {asked['primal'].split('B2v')[0]}\n", "", self.written, ())

    def _derivative(self, asked: dict[str, Any], types: list[str]) -> str:
        primal = [f"{type_} %p{index}" for index, type_ in enumerate(types) if index >= 2]
        outputs: list[tuple[str, dict[str, Any]]] = []
        for entry in asked["args"]:
            if entry["annotation"] != "const":
                outputs.append((f"%out{len(outputs)}", entry))
        tail = [f"ptr {name}" for name, _ in outputs]
        result = next((number["type"] for number in asked["results"]), None)
        returns = LL[result] if result else None
        has_seed = result in ("f64", "f32")
        if has_seed:
            tail.append(f"{returns} %seed")
        if returns:
            tail.append("ptr %value")
        body = []
        slot = returns or "ptr"
        body.append(f"%ret = alloca {slot}")
        call = ", ".join(["ptr %ret", "ptr %excinfo", *primal])
        body.append(f'%status = call i32 @"{asked["primal"]}"({call})')
        body.append("%ok = icmp eq i32 %status, 0")
        body.append("br i1 %ok, label %reverse, label %failed")
        body.append("failed:\nret i32 %status\nreverse:")
        if returns:
            body.append(f"%result = load {returns}, ptr %ret\nstore {returns} %result, ptr %value")
        active = shadows = 0
        for name, entry in outputs:
            type_ = LL[entry["type"]]
            if entry["annotation"] == "active":
                active += 1
                seed = "%seed" if has_seed else "1.0"
                cast = f"%seed{active}"
                if has_seed and returns != type_:
                    operation = "fptrunc" if type_ == "float" else "fpext"
                    body.append(f"{cast} = {operation} {returns} %seed to {type_}")
                    seed = cast
                body.append(f"%a{active} = fmul {type_} {seed}, {active}.0")
                body.append(f"store {type_} %a{active}, ptr {name}")
            else:
                shadows += 1
                body.append(f"%s{shadows} = load {type_}, ptr {name}")
                body.append(f"%t{shadows} = fadd {type_} %s{shadows}, {shadows}.0")
                body.append(f"store {type_} %t{shadows}, ptr {name}")
        body.append(f"ret i32 {self.status}")
        head = f'define i32 @"{asked["name"]}"({", ".join(["ptr %excinfo", *primal, *tail])}) {{\nentry:\n'
        return "\n" + head + "\n".join(body) + "\n}\n"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The engine of the test, which needs no library."""
    stand_in = FakeEngine()
    monkeypatch.setattr(engine, "load", lambda: stand_in)
    monkeypatch.setattr(runtime, "load", lambda: stand_in)
    return stand_in
