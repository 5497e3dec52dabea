"""One call of a kernel, on the machine: its facts hold, and its derivative is the oracle's.

    check_facts(case)      AssertionError: activity: %v17 is active

That values, tangents and adjoints of the prepared kernel are those of the oracle shows that the machine ran the kernel
that it was to run; it also shows that preparation has changed no derivative.
"""

from __future__ import annotations

import functools
import inspect
import json
import struct
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba.core import types
from oracle.case import Case
from oracle.structure import floats_of

from activity import claims
from activity.claims import Claims, Contradictions
from activity.facts import answer
from activity.flow import NOWHERE, Flow
from activity.prepared import Kernel, parse
from pyfront import request, results
from pyfront.annotations import Active, Const, Duplicated
from pyfront.arguments import Argument
from pyfront.numba_target import capture

RESULT = 256
"""Bytes for what a kernel returns."""
TOLERANCE = {8: 1e-9, 4: 1e-3}
ANNOTATIONS = {"const": Const, "active": Active, "duplicated": Duplicated}


@dataclass(frozen=True)
class Prepared:
    """A kernel as the engine prepared it, and what the engine says of it."""

    kernel: Kernel
    claims: Claims
    arguments: tuple[Argument, ...]
    numbers: tuple[Any, ...]


class Refused(Exception):
    """The engine does not differentiate the kernel."""


def prepared(case: Case) -> Prepared:
    """What the engine makes of the kernel for these arguments."""
    arguments = tuple(
        Argument(name, ANNOTATIONS[value.kind], numba.typeof(value.value))
        for name, value in zip(inspect.signature(case.kernel.py_func).parameters, case.call.arguments, strict=True)
    )
    owners = [place[0] for place in case.call.places if place is not None]
    return said_of(case.kernel, arguments, may_alias=len(set(owners)) < len(owners))


@functools.lru_cache(maxsize=4)
def said_of(kernel: Any, arguments: tuple[Argument, ...], may_alias: bool) -> Prepared:
    """The same; the calls of one kernel follow each other."""
    captured = capture(kernel, tuple(argument.type for argument in arguments))
    numbers = results.numbers(results.return_type("kernel", captured.return_type))
    asked = request.build(
        primal=captured.primal,
        name="derivative",
        arguments=arguments,
        results=numbers,
        may_alias=may_alias,
        disable=(),
        texts=("facts", "prepared"),
    )
    said = answer(captured.module.as_bitcode(), asked, ("facts", "prepared", "written", "diagnostics"))
    for entry in json.loads(said["diagnostics"]):
        raise Refused(entry["message"])
    known = claims.parse(said["facts"], json.loads(said["written"]))
    return Prepared(parse(said["prepared"], captured.primal), known, arguments, tuple(numbers))


class Run:
    """The arguments of a case in a machine's memory, with tangents; `run` runs, once."""

    def __init__(self, case: Case, what: Prepared, random: np.random.Generator) -> None:
        self.case = case
        self.what = what
        self.watch = Contradictions(what.claims, what.kernel, {})
        self.machine = self.watch.machine
        self.weights = random.uniform(0.5, 1.5, case.want.directions.shape[1])
        self.tangents = case.want.directions @ self.weights
        self.inputs: list[Flow] = []
        covered = case.call.covered()
        self.owners = [self.machine.allocate("argument", bytearray(flat.tobytes())) for flat in case.call.memory()]
        rows = iter(self.tangents)
        self.places = []
        for owner, flat, positions in zip(self.owners, case.call.memory(), covered, strict=True):
            for position in positions:
                flow = self.machine.tape.source(float(flat[position]), float(next(rows)))
                owner.put(int(position) * flat.itemsize, flat.itemsize, flow)
                self.inputs.append(flow)
                self.places.append((owner, int(position) * flat.itemsize, f"<f{flat.itemsize}"))
        self.result = self.machine.allocate("result", bytearray(b"\xff" * RESULT))
        self.failure = self.machine.allocate("excinfo", bytearray(64))
        self.parameters: list[Any] = [self.result.base, self.failure.base]
        for k, argument in enumerate(what.arguments):
            self.add(k, argument, rows)

    def add(self, k: int, argument: Argument, rows: Any) -> None:
        """The LLVM parameters of an argument."""
        value = self.case.call.arguments[k].value
        for leaf in argument.leaves:
            element = value
            for step in leaf.path:
                element = element[step]
            if isinstance(leaf.type, types.Array):
                self.parameters += self.exploded(leaf.name, element, k)
            elif not isinstance(leaf.type, types.Float):
                self.parameters.append(int(element))
            elif argument.is_active:
                self.inputs.append(self.machine.tape.source(float(element), float(next(rows))))
                self.parameters.append(self.inputs[-1])
            else:
                self.parameters.append(Flow(float(element)))

    def exploded(self, name: str, array: np.ndarray, k: int) -> list[int]:
        """An array as Numba passes it; its bytes become the extent of its object."""
        place = self.case.call.places[k]
        assert place is not None
        data = self.owners[place[0]].base + place[1]
        self.watch.extents[name] = elements(array, data)
        kind = {"f8": "float64", "f4": "float32"}.get(array.dtype.str[1:], "integer")
        self.watch.held.update(dict.fromkeys(self.watch.extents[name], kind))
        owner = self.owners[place[0]]
        for offset, flow in owner.cells.items():
            if owner.base + offset in self.watch.extents[name]:
                self.watch.stored_at_start(name, flow)
        return [self.owners[place[0]].base, 0, array.size, array.itemsize, data, *array.shape, *array.strides]

    def run(self) -> list[str]:
        """Runs the kernel; what contradicts its facts."""
        self.machine.run(self.parameters)
        outputs = [self.output(*place) for place in self.places]
        outputs += [
            self.output(self.result, number.offset, f"<f{8 if number.type == types.float64 else 4}")
            for number in self.what.numbers
            if isinstance(number.type, types.Float)
        ]
        seeds = self.case.seeds if self.case.returns_float else self.case.seeds[: len(self.places)]
        adjoints = self.machine.tape.adjoints(
            [(flow.at, float(seed)) for flow, seed in zip(outputs, seeds, strict=False)]
        )
        self.compare(outputs, adjoints)
        return self.watch.all(adjoints)

    def output(self, owner: Any, offset: int, code: str) -> Flow:
        """What lies in memory after the run."""
        (value,) = struct.unpack_from(code.replace("f8", "d").replace("f4", "f"), owner.data, offset)
        return owner.cells.get(offset, Flow(value))

    def compare(self, outputs: list[Flow], adjoints: list[float]) -> None:
        """The machine and the oracle agree."""
        want, returns = self.case.want, self.case.returns_float
        count = len(outputs) if returns else len(self.places)
        allowed = TOLERANCE[self.case.width]
        values = [float(flat[p]) for flat, ps in zip(want.memory, self.case.call.covered(), strict=True) for p in ps]
        values += [float(number) for number in floats_of(want.value)] if returns else []
        agree([flow.value for flow in outputs[:count]], values, 1.0, allowed, "values")
        tangents = want.tangents[:count] @ self.weights
        scale = want.magnitudes[:count] @ np.abs(self.weights)
        agree([flow.tangent for flow in outputs[:count]], tangents, scale, allowed, "tangents")
        back = np.array([adjoints[flow.at] if flow.at != NOWHERE else 0.0 for flow in self.inputs])
        agree(back @ want.directions, want.adjoint, want.magnitude, allowed, "adjoints")


def agree(got: Any, want: Any, scale: Any, allowed: float, what: str) -> None:
    """Two lists of numbers are the same up to rounding."""
    got, want = np.asarray(got, float), np.asarray(want, float)
    wrong = ~(np.abs(got - want) <= allowed * (1.0 + np.abs(want) + scale))
    assert not wrong.any(), f"the prepared kernel has other {what}: {got[wrong]}, the oracle {want[wrong]}"


def elements(array: np.ndarray, data: int) -> frozenset[int]:
    """The addresses of an array's bytes, if its first element is at `data`."""
    return frozenset(data + offset + byte for offset in offsets(array) for byte in range(array.itemsize))


def offsets(array: np.ndarray) -> list[int]:
    """How far the elements lie from the first."""
    far = np.zeros(array.shape, np.int64)
    for axis, (extent, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        shape = [1] * array.ndim
        shape[axis] = extent
        far = far + (np.arange(extent) * stride).reshape(shape)
    return [int(offset) for offset in far.ravel()]


def check_facts(case: Case) -> None:
    """The facts of the case's kernel hold in the case's call."""
    wrong = Run(case, prepared(case), np.random.default_rng(0)).run()
    assert not wrong, "\n".join(wrong)
