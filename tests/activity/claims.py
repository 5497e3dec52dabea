"""What the engine's facts claim, and a `Watch` that finds where a run contradicts them.

    v20: overwritten by the store to %v10, kept from each iteration of L1

Every claim that the printed facts make of one run is held against it:

- objects: an access is within one of the objects that its address may point into; two accesses of one byte are through
  addresses that may meet;
- types: what is read and written in an object is of its type, and was written as what it is read as;
- activity: a float with a tangent and an adjoint, both not zero, is active, and so is the object that it lies in;
- overwrite: nothing writes what a stable load has read; nothing has written what a load reads since the points of the
  program from which it is kept;
- stored: a store's value is read by the loads that are said to read it, before one of the writes that are said to end
  its life does; it replaces what the load has read that is said to read it last;
- loops run as often as is said; only the arguments that are said to be written are.

Invariant: a run can contradict a claim and never prove it, so "may" is never wrong. Runs that raise claim nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from activity.flow import Flow
from activity.machine import Environment, Machine, Watch
from activity.prepared import Instruction, Kernel, unquoted

LLVM_TYPES = {"double": "float64", "float": "float32", "ptr": "pointer"}


@dataclass
class Claims:
    """The printed facts as data; names are those of the text, without sigils."""

    overlaps: dict[str, set[str]] = field(default_factory=dict)
    points: dict[str, set[str] | None] = field(default_factory=dict)
    """By the text of an address; None: it may point into anything."""
    types: dict[str, str] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    active_objects: set[str] = field(default_factory=set)
    trips: dict[int, int] = field(default_factory=dict)
    stable: set[str] = field(default_factory=set)
    kept: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    """By load: loops, and whether from each of their iterations or from their beginning."""
    readers: dict[int, set[str]] = field(default_factory=dict)
    replaced: dict[int, str] = field(default_factory=dict)
    enders: dict[int, set[int]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def may_meet(self, left: str, right: str) -> bool:
        """Whether accesses through these addresses may be of one byte."""
        here, there = self.points[left], self.points[right]
        return here is None or there is None or any(there & self.overlaps[name] for name in here)


def parse(text: str, written: list[str]) -> Claims:
    """The claims of the text `facts` and of the list of arguments that may be written."""
    claims = Claims(written=set(written))
    section = ""
    for line in text.splitlines():
        if line.startswith(" "):
            SECTIONS[section](claims, line.strip())
        else:
            section = line
    return claims


# What a line of each section says.


def of_object(claims: Claims, line: str) -> None:
    """`a: argument, may overlap b`, or `%v10 -> a, b`."""
    address, arrow, names = line.partition(" -> ")
    if arrow:
        claims.points[address] = None if names == "anything" else set(names.split(", ")) - {""}
        return
    name, _, rest = line.partition(": ")
    over = re.search(r", may overlap (.*?)(, holds|$)", rest)
    claims.overlaps[name] = {name, *(over[1].split(", ") if over else ())}


def of_type(claims: Claims, line: str) -> None:
    """`a: float64`."""
    name, _, type_ = line.rpartition(": ")
    claims.types[name] = type_


def of_activity(claims: Claims, line: str) -> None:
    """`object a: active`, `object n: constant` or `%v17: active`."""
    what, _, how = line.rpartition(": ")
    if how == "active" and what.startswith("object "):
        claims.active_objects.add(what.removeprefix("object "))
    elif how == "active":
        claims.active.add(unquoted(what))


def of_loop(claims: Claims, line: str) -> None:
    """`L0: trips known`, `L1: trips 40` or `L2: trips counted`."""
    exact = re.fullmatch(r"L(\d+): trips (\d+)", line)
    if exact:
        claims.trips[int(exact[1])] = int(exact[2])


def of_load(claims: Claims, line: str) -> None:
    """`%v17: stable`, or `%v20: overwritten by the store to %v10, kept from each iteration of L1`."""
    load, _, said = line.partition(": ")
    if said == "stable":
        claims.stable.add(unquoted(load))
    places = re.findall(r"kept from (each iteration of )?L(\d+)", said)
    if places:
        claims.kept[unquoted(load)] = [(int(loop), bool(each)) for each, loop in places]


def of_store(claims: Claims, line: str) -> None:
    """`#12: read by %v17, overwrites what %v16 read, gone after #12 #31`."""
    number, _, rest = line.partition(":")
    store = int(number[1:])
    claims.readers[store] = {unquoted(load) for load in re.findall(r"read by (%\S+),", rest)}
    replaced = re.search(r"overwrites what (%\S+) read", rest)
    if replaced:
        claims.replaced[store] = unquoted(replaced[1])
    claims.enders[store] = {int(write) for write in re.findall(r"#(\d+)", rest.partition("gone after")[2])}


SECTIONS: dict[str, Callable[[Claims, str], None]] = {
    "objects": of_object,
    "types": of_type,
    "activity": of_activity,
    "loops": of_loop,
    "overwrite": of_load,
    "stored": of_store,
}


@dataclass
class Life:
    """What a store has left in memory, while it is there."""

    store: int
    address: int
    readers: set[str] = field(default_factory=set)


class Contradictions(Watch):
    """Watches a run of `machine`. `extents` are the addresses of each argument's bytes."""

    def __init__(self, claims: Claims, kernel: Kernel, extents: dict[str, frozenset[int]]) -> None:
        self.claims = claims
        self.extents = extents
        self.machine = Machine(kernel, self)
        self.found: list[str] = []
        """What a run contradicts even if it raises in the end."""
        self.at_return: list[str] = []
        """What it contradicts only if it returns."""
        self.clock = 0
        self.began: dict[tuple[int, bool], int] = {}
        self.headers = defaultdict(list)
        for loop, (preheader, header) in kernel.preheaders.items():
            self.headers[header].append((loop, preheader))
        self.trips: dict[int, int] = {}
        self.last_read: dict[str, tuple[int, int]] = {}
        self.last_write: dict[int, int] = {}
        self.stable_reads: dict[int, set[str]] = defaultdict(set)
        self.through: dict[int, dict[str, bool]] = defaultdict(dict)
        """By byte: the addresses that it was touched through, and whether it was written so."""
        self.held: dict[int, str] = {}
        """By byte: the type that it was last written as."""
        self.lives: dict[int, Life] = {}
        self.past: dict[int, set[int]] = defaultdict(set)
        self.values: list[tuple[str, int]] = []
        self.cells: list[tuple[str, int]] = []

    # Control.

    def entered(self, block: str, source: str) -> None:
        self.clock += 1
        for loop, preheader in self.headers.get(block, ()):
            if source == preheader:
                self.end(loop)
                self.began[loop, False] = self.clock
            self.began[loop, True] = self.clock
            self.trips[loop] = self.trips.get(loop, 0) + 1

    def end(self, loop: int) -> None:
        """The loop has run, if it has."""
        ran = self.trips.pop(loop, None)
        wanted = self.claims.trips.get(loop)
        if ran is not None and wanted is not None and ran != wanted:
            self.at_return.append(f"loops: L{loop} ran {ran} times, not {wanted}")

    def returned(self, environment: Environment) -> None:
        for loop in list(self.trips):
            self.end(loop)
        for life in self.lives.values():
            self.over(life)

    # Memory.

    def touched(self, by: Instruction, kind: str, pointer: str, address: int, size: int, type_: str) -> None:
        self.clock += 1
        touched = range(address, address + size)
        hit = self.objects_hit(pointer, address)
        if not hit and self.claims.points[pointer] is not None:
            self.found.append(f"objects: #{by.number} is of none of {pointer} -> {self.claims.points[pointer]}")
        self.check_type(by, kind, hit, touched, type_)
        for byte in touched:
            known = self.through[byte]
            known[pointer] = known.get(pointer, False) or kind == "write"
        if kind == "read":
            self.read(by, touched)
        else:
            self.write(by, touched, hit, type_)

    def objects_hit(self, pointer: str, address: int) -> list[str]:
        """The objects that the address may point into and that this one does."""
        memory = self.machine.memories[address // (1 << 32) - 1].name
        names = self.claims.points[pointer] or ()
        return [name for name in names if memory == name or address in self.extents.get(name, ())]

    def check_type(self, by: Instruction, kind: str, hit: list[str], touched: range, type_: str) -> None:
        if not type_:
            return
        called = LLVM_TYPES.get(type_, "integer")
        for name in hit:
            if self.claims.types[name] not in (called, "mixed"):
                self.found.append(f"types: #{by.number} is of a {called} in {name}: {self.claims.types[name]}")
            if kind == "read" and self.held.get(touched[0], called) != called and self.claims.types[name] != "mixed":
                self.found.append(f"types: #{by.number} reads {self.held[touched[0]]} as {called} in {name}")
        if kind == "write":
            self.held.update(dict.fromkeys(touched, called))

    def read(self, by: Instruction, touched: range) -> None:
        self.last_read[by.name] = (touched[0], self.clock)
        if by.name in self.claims.stable:
            for byte in touched:
                self.stable_reads[byte].add(by.name)
        written = max(self.last_write.get(byte, 0) for byte in touched)
        for point in self.claims.kept.get(by.name, ()):
            if written > self.began[point]:
                self.at_return.append(f"overwrite: %{by.name} is not kept from L{point[0]}, each: {point[1]}")
        life = self.lives.get(touched[0])
        if life:
            life.readers.add(by.name)

    def write(self, by: Instruction, touched: range, hit: list[str], type_: str) -> None:
        for name in hit:
            if name in self.extents and name not in self.claims.written:
                self.at_return.append(f"written: #{by.number} writes {name}")
        self.check_replaced(by, touched)
        for byte in touched:
            for load in self.stable_reads[byte]:
                self.at_return.append(f"overwrite: #{by.number} writes what %{load} has read")
            for store in self.past[byte]:
                if by.number not in self.claims.enders[store]:
                    self.at_return.append(f"stored: #{by.number} writes what #{store} has written")
            self.last_write[byte] = self.clock
            if byte in self.lives:
                self.over(self.lives.pop(byte))
            if by.number in self.claims.enders:
                self.past[byte].add(by.number)
            if not type_:
                self.held.pop(byte, None)
        if by.number in self.claims.readers:
            self.lives[touched[0]] = Life(by.number, touched[0])

    def check_replaced(self, by: Instruction, touched: range) -> None:
        load = self.claims.replaced.get(by.number)
        if load is None:
            return
        address, clock = self.last_read.get(load, (-1, -1))
        if address != touched[0] or any(self.last_write.get(byte, 0) > clock for byte in touched):
            self.at_return.append(f"stored: #{by.number} does not overwrite what %{load} has read")

    def over(self, life: Life) -> None:
        """What a store has left in memory is gone."""
        for load in self.claims.readers[life.store] - life.readers:
            self.at_return.append(f"stored: what #{life.store} writes %{load} does not read")

    # Floats.

    def made(self, name: str, flow: Flow) -> None:
        if name not in self.claims.active and flow.tangent != 0.0:
            self.values.append((name, flow.at))

    def stored(self, pointer: str, address: int, flow: Flow) -> None:
        if flow.tangent == 0.0:
            return
        for name in self.objects_hit(pointer, address):
            if name not in self.claims.active_objects:
                self.cells.append((name, flow.at))

    def stored_at_start(self, name: str, flow: Flow) -> None:
        """A varied float lies in this argument when the kernel is called."""
        if name not in self.claims.active_objects:
            self.cells.append((name, flow.at))

    # The end.

    def all(self, adjoints: list[float]) -> list[str]:
        """All contradictions of a run that has returned, each once."""
        wrong = [f"activity: %{name} is active" for name, at in self.values if adjoints[at] != 0.0]
        wrong += [f"activity: object {name} is active" for name, at in self.cells if adjoints[at] != 0.0]
        apart: set[tuple[str, str]] = set()
        for known in self.through.values():
            for left in known:
                for right in known:
                    if left < right and (known[left] or known[right]) and not self.claims.may_meet(left, right):
                        apart.add((left, right))
        wrong += [f"objects: {left} and {right} meet" for left, right in apart]
        return list(dict.fromkeys([*self.found, *self.at_return, *wrong]))
