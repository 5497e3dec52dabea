"""Runs a prepared kernel, instruction by instruction, and lets a `Watch` see what happens.

Memory is blocks that begin 4 GiB apart, so the upper half of an address names its block. A block is bytes, and beside
them the `Flow` of each float that lies there.

Invariant: the machine computes what LLVM's language reference says and knows nothing of facts or plans. What it does
not know it refuses (`Unknown`). It stops where a block is entered from which no return can be reached (`Raised`).
"""

from __future__ import annotations

import math
import operator
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from activity.flow import NOWHERE, Flow, Tape, applied, function_of
from activity.prepared import Instruction, Kernel, float_of, incoming, split, unquoted

SPACING = 1 << 32
MOST_STEPS = 300_000
Environment = dict[str, Any]
Step = Callable[[Environment], Any]


class Unknown(Exception):
    """The kernel does something that the machine was not taught."""


class Raised(Exception):
    """The kernel raises an exception."""


@dataclass
class Memory:
    """One block: an argument's allocation, or memory of the kernel's own, named after the instruction that made it."""

    name: str
    base: int
    data: bytearray
    cells: dict[int, Flow] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    """Bytes of each cell."""

    def put(self, offset: int, width: int, flow: Flow) -> None:
        """From now on this float lies here."""
        self.cells[offset] = flow
        self.widths[offset] = width

    def forget(self, offset: int, size: int) -> None:
        """These bytes are written."""
        for place in range(offset - 7, offset + size):
            if place in self.cells and place + self.widths[place] > offset:
                del self.cells[place]


class Watch:
    """Sees what a kernel does; this one looks away."""

    def entered(self, block: str, source: str) -> None:
        """Control passes from one block to another."""

    def made(self, name: str, flow: Flow) -> None:
        """An instruction has yielded a float that varies."""

    def touched(self, by: Instruction, kind: str, pointer: str, address: int, size: int, type_: str) -> None:
        """A `read` or a `write`, of one value of a type, or of a block of bytes."""

    def stored(self, pointer: str, address: int, flow: Flow) -> None:
        """A float that varies now lies in memory; after `touched`."""

    def returned(self, environment: Environment) -> None:
        """The kernel returns."""


def bits_of(type_: str) -> int:
    return int(type_[1:])


def size_of(type_: str) -> int:
    """Bytes of a value in memory."""
    if type_.startswith("["):
        count, element = re.fullmatch(r"\[(\d+) x (.*)\]", type_).groups()  # type: ignore[union-attr]
        return int(count) * size_of(element)
    if type_ in ("double", "ptr"):
        return 8
    if type_ == "float":
        return 4
    if re.fullmatch(r"i\d+", type_):
        return (bits_of(type_) + 7) // 8
    raise Unknown(f"the size of {type_}")


def wrapped(number: int, bits: int) -> int:
    """The number as a signed one of so many bits; truth values are 0 and 1."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if bits > 1 and number >> (bits - 1) else number


def unsigned(number: int, bits: int) -> int:
    return number & ((1 << bits) - 1)


def toward_zero(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


INTEGER: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda x, y, _: x + y,
    "sub": lambda x, y, _: x - y,
    "mul": lambda x, y, _: x * y,
    "and": lambda x, y, _: x & y,
    "or": lambda x, y, _: x | y,
    "xor": lambda x, y, _: x ^ y,
    "shl": lambda x, y, _: x << y,
    "ashr": lambda x, y, _: x >> y,
    "lshr": lambda x, y, bits: unsigned(x, bits) >> y,
    "sdiv": lambda x, y, _: toward_zero(x, y),
    "srem": lambda x, y, _: x - y * toward_zero(x, y),
    "udiv": lambda x, y, bits: unsigned(x, bits) // unsigned(y, bits),
    "urem": lambda x, y, bits: unsigned(x, bits) % unsigned(y, bits),
}

INTRINSICS: dict[str, Callable[[int, int, int], Any]] = {
    "smax": lambda x, y, _: max(x, y),
    "smin": lambda x, y, _: min(x, y),
    "umax": lambda x, y, bits: max(unsigned(x, bits), unsigned(y, bits)),
    "umin": lambda x, y, bits: min(unsigned(x, bits), unsigned(y, bits)),
    "usub.sat": lambda x, y, bits: max(unsigned(x, bits) - unsigned(y, bits), 0),
    "smul.with.overflow": lambda x, y, bits: (wrapped(x * y, bits), int(wrapped(x * y, bits) != x * y)),
    "sadd.with.overflow": lambda x, y, bits: (wrapped(x + y, bits), int(wrapped(x + y, bits) != x + y)),
    "ssub.with.overflow": lambda x, y, bits: (wrapped(x - y, bits), int(wrapped(x - y, bits) != x - y)),
}

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}

HINTS = ("llvm.experimental.noalias.scope.decl", "llvm.lifetime.")
"""Calls that do nothing."""


def divided(over: float, under: float) -> float:
    """over / under as the hardware does it."""
    with np.errstate(all="ignore"):
        return float(np.float64(over) / np.float64(under))


def compared(predicate: str, left: float, right: float) -> bool:
    """A comparison of floats, `o..`rdered or `u..`nordered."""
    without_order = math.isnan(left) or math.isnan(right)
    if predicate in ("ord", "uno"):
        return without_order == (predicate == "uno")
    if predicate in ("true", "false"):
        return predicate == "true"
    return predicate[0] == "u" if without_order else ORDER[predicate[1:]](left, right)


class Machine:
    """A kernel ready to run. `run` may be called once."""

    def __init__(self, kernel: Kernel, watch: Watch) -> None:
        self.kernel = kernel
        self.watch = watch
        self.tape = Tape()
        self.memories: list[Memory] = []
        self.globals = {name: self.allocate(name, bytearray(data)).base for name, data in kernel.constants.items()}
        self.steps: dict[str, list[Step]] = {}
        self.phis: dict[str, list[tuple[str, dict[str, Step]]]] = {}

    # Memory.

    def allocate(self, name: str, data: bytearray) -> Memory:
        self.memories.append(Memory(name, (len(self.memories) + 1) * SPACING, data))
        return self.memories[-1]

    def at(self, address: int, size: int) -> tuple[Memory, int]:
        """The block that these bytes lie in, and where."""
        number, offset = address // SPACING - 1, address % SPACING
        assert 0 <= number < len(self.memories), f"an access of no memory, at {address}"
        memory = self.memories[number]
        assert offset + size <= len(memory.data), f"an access beyond {memory.name}"
        return memory, offset

    def load(self, type_: str, address: int) -> Any:
        size = size_of(type_)
        memory, offset = self.at(address, size)
        raw = memory.data[offset : offset + size]
        if type_ in ("double", "float"):
            (value,) = struct.unpack("<d" if size == 8 else "<f", raw)
            cell = memory.cells.get(offset)
            return Flow(value) if cell is None else self.tape.made(value, (cell, 1.0))
        return wrapped(int.from_bytes(raw, "little"), 64 if type_ == "ptr" else bits_of(type_))

    def store(self, type_: str, value: Any, address: int) -> Flow | None:
        """Writes; what then lies there, if it varies."""
        size = size_of(type_)
        memory, offset = self.at(address, size)
        memory.forget(offset, size)
        if type_ not in ("double", "float"):
            memory.data[offset : offset + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            return None
        memory.data[offset : offset + size] = struct.pack("<d" if size == 8 else "<f", value.value)
        return self.put(memory, offset, size, value)

    def put(self, memory: Memory, offset: int, width: int, flow: Flow) -> Flow | None:
        """Lets a float lie in memory; gives back what lies there, if it varies."""
        if flow.at == NOWHERE:
            return None
        same = self.tape.same(flow)
        memory.put(offset, width, same)
        return same

    def copy(self, to: int, source: int, length: int) -> list[tuple[int, Flow]]:
        """Copies a block; the floats that vary in it, with their addresses."""
        target, offset = self.at(to, length)
        origin, start = self.at(source, length)
        data = bytes(origin.data[start : start + length])
        moved = [(p - start, origin.widths[p], f) for p, f in origin.cells.items() if start <= p < start + length]
        target.forget(offset, length)
        target.data[offset : offset + length] = data
        copies = [(to + place, self.put(target, offset + place, width, flow)) for place, width, flow in moved]
        return [(address, flow) for address, flow in copies if flow]

    # The run.

    def run(self, arguments: list[Any]) -> None:
        """Runs to the return."""
        environment: Environment = dict(zip(self.kernel.parameters, arguments, strict=True))
        name, source, left = self.kernel.entry, "", MOST_STEPS
        while name:
            if name not in self.kernel.live:
                raise Raised(name)
            self.watch.entered(name, source)
            steps = self.prepared(name)
            self.take_phis(name, source, environment)
            for step in steps:
                target = step(environment)
            left -= len(steps)
            if left < 0:
                raise Unknown("a run this long")
            name, source = target, name
        self.watch.returned(environment)

    def take_phis(self, name: str, source: str, environment: Environment) -> None:
        """All phis of a block at once: one may be another's operand."""
        if name not in self.phis:
            self.phis[name] = []
            for phi in self.kernel.blocks[name].phis:
                type_, ways = incoming(phi)
                self.phis[name].append((phi.name, {way: self.operand(type_, text) for way, text in ways.items()}))
        taken = [(phi, ways[source](environment)) for phi, ways in self.phis[name]]
        for phi, value in taken:
            self.define(environment, phi, self.again(value))

    def define(self, environment: Environment, name: str, value: Any) -> None:
        environment[name] = value
        if isinstance(value, Flow) and value.at != NOWHERE:
            self.watch.made(name, value)

    def prepared(self, name: str) -> list[Step]:
        """The steps of a block, made when it is entered first."""
        if name not in self.steps:
            self.steps[name] = [self.step(instruction) for instruction in self.kernel.blocks[name].rest]
        return self.steps[name]

    def operand(self, type_: str, text: str) -> Callable[[Environment], Any]:
        """How to find an operand's value."""
        if text.startswith("%"):
            name = unquoted(text)
            return lambda environment: environment[name]
        value: Any
        if text.startswith("@"):
            value = self.globals.get(unquoted(text))
            if value is None:
                value = self.globals[unquoted(text)] = self.allocate(unquoted(text), bytearray()).base
        elif type_ in ("double", "float"):
            value = Flow(float_of(text))
        elif text in ("true", "false"):
            value = int(text == "true")
        elif text in ("null", "undef", "poison", "zeroinitializer"):
            value = 0
        elif re.fullmatch(r"-?\d+", text):
            value = int(text)
        else:
            raise Unknown(f"the operand {text}")
        return lambda _: value

    def typed(self, text: str) -> tuple[str, str, Callable[[Environment], Any]]:
        """Type, text and value of an operand that is printed with its type and perhaps attributes."""
        type_, _, rest = text.partition(" ")
        last = rest.split(" ")[-1]
        return type_, last, self.operand(type_, last)

    def step(self, i: Instruction) -> Step:
        """What an instruction does; for one that ends a block, the name of the next ("" after the return)."""
        maker = getattr(self, f"on_{i.opcode}", None)
        if maker:
            made: Step = maker(i)
            return made
        if i.opcode in INTEGER or i.opcode in ("fadd", "fsub", "fmul", "fdiv", "frem"):
            return self.on_arithmetic(i)
        if i.opcode in CASTS:
            return self.on_cast(i)
        raise Unknown(i.opcode)

    # By opcode.

    def on_arithmetic(self, i: Instruction) -> Step:
        type_, rest = i.body.split(" ", 1)
        left, right = (self.operand(type_, text) for text in split(rest))
        if type_[0] != "i":
            combine = self.floating(i.opcode, type_)
            return lambda e: self.define(e, i.name, combine(left(e), right(e)))
        function, bits = INTEGER[i.opcode], bits_of(type_)
        return lambda e: self.define(e, i.name, wrapped(function(left(e), right(e), bits), bits))

    def floating(self, opcode: str, type_: str) -> Callable[[Flow, Flow], Flow]:
        made = self.tape.made

        def combine(x: Flow, y: Flow) -> Flow:
            a, b = x.value, y.value
            if opcode == "fadd":
                return made(rounded(a + b, type_), (x, 1.0), (y, 1.0))
            if opcode == "fsub":
                return made(rounded(a - b, type_), (x, 1.0), (y, -1.0))
            if opcode == "fmul":
                return made(rounded(a * b, type_), (x, b), (y, a))
            if opcode == "fdiv":
                quotient = divided(a, b)
                return made(rounded(quotient, type_), (x, divided(1.0, b)), (y, -divided(quotient, b)))
            if b == 0.0 or math.isinf(a):
                return made(math.nan, (x, math.nan), (y, math.nan))
            rest = math.fmod(a, b)
            return made(rounded(rest, type_), (x, 1.0), (y, -float(round((a - rest) / b))))

        return combine

    def on_fneg(self, i: Instruction) -> Step:
        _, _, operand = self.typed(i.body)
        return lambda e: self.define(e, i.name, self.tape.made(-operand(e).value, (operand(e), -1.0)))

    def on_freeze(self, i: Instruction) -> Step:
        _, _, operand = self.typed(i.body)
        return lambda e: self.define(e, i.name, self.again(operand(e)))

    def again(self, value: Any) -> Any:
        return self.tape.same(value) if isinstance(value, Flow) else value

    def on_icmp(self, i: Instruction) -> Step:
        predicate, type_, rest = i.body.replace("samesign ", "").split(" ", 2)
        left, right = (self.operand(type_, text) for text in split(rest))
        bits = 64 if type_ == "ptr" else bits_of(type_)
        if predicate in ("eq", "ne") or predicate[0] == "s":
            compare = ORDER[predicate.removeprefix("s") if len(predicate) == 3 else predicate]
            return lambda e: self.define(e, i.name, int(compare(left(e), right(e))))
        compare = ORDER[predicate[1:]]
        return lambda e: self.define(e, i.name, int(compare(unsigned(left(e), bits), unsigned(right(e), bits))))

    def on_fcmp(self, i: Instruction) -> Step:
        predicate, type_, rest = i.body.split(" ", 2)
        left, right = (self.operand(type_, text) for text in split(rest))
        return lambda e: self.define(e, i.name, int(compared(predicate, left(e).value, right(e).value)))

    def on_select(self, i: Instruction) -> Step:
        (_, _, test), (_, _, yes), (_, _, no) = (self.typed(text) for text in split(i.body))
        return lambda e: self.define(e, i.name, self.again(yes(e) if test(e) else no(e)))

    def on_cast(self, i: Instruction) -> Step:
        source, _, target = i.body.rpartition(" to ")
        type_, _, operand = self.typed(source)
        convert = CASTS[i.opcode]

        def step(e: Environment) -> None:
            value = convert(operand(e), type_, target)
            if i.opcode in ("fpext", "fptrunc"):
                value = self.tape.made(value.value, (operand(e), 1.0))
            self.define(e, i.name, value)

        return step

    def on_getelementptr(self, i: Instruction) -> Step:
        source, base, *indices = split(i.body)
        (_, _, start), strides = self.typed(base), []
        for index in indices:
            _, _, value = self.typed(index)
            strides.append((value, size_of(source)))
            source = re.sub(r"^\[\d+ x (.*)\]$", r"\1", source)
        return lambda e: self.define(e, i.name, start(e) + sum(value(e) * size for value, size in strides))

    def on_extractvalue(self, i: Instruction) -> Step:
        whole, place = split(i.body)
        name = unquoted(whole.split(" ")[-1])
        return lambda e: self.define(e, i.name, e[name][int(place)])

    def on_alloca(self, i: Instruction) -> Step:
        type_, *rest = split(i.body)
        count = self.typed(rest[0])[2] if rest else lambda _: 1
        size = size_of(type_)
        return lambda e: self.define(e, i.name, self.allocate(i.name, bytearray(b"\xff" * size * count(e))).base)

    def on_load(self, i: Instruction) -> Step:
        type_, pointer = split(i.body)
        _, text, address = self.typed(pointer)
        size = size_of(type_)

        def step(e: Environment) -> None:
            self.watch.touched(i, "read", text, address(e), size, type_)
            self.define(e, i.name, self.load(type_, address(e)))

        return step

    def on_store(self, i: Instruction) -> Step:
        data, pointer = split(i.body)
        (type_, _, value), (_, text, address) = self.typed(data), self.typed(pointer)
        size = size_of(type_)

        def step(e: Environment) -> None:
            self.watch.touched(i, "write", text, address(e), size, type_)
            lies = self.store(type_, value(e), address(e))
            if lies:
                self.watch.stored(text, address(e), lies)

        return step

    def on_br(self, i: Instruction) -> Step:
        targets = [unquoted(text.split(" ")[-1]) for text in split(i.body)]
        if len(targets) == 1:
            return lambda _: targets[0]
        test = self.typed(split(i.body)[0])[2]
        return lambda e: targets[1] if test(e) else targets[2]

    def on_switch(self, i: Instruction) -> Step:
        head, _, ways = i.body.partition(" [")
        value, default = split(head)
        of = self.typed(value)[2]
        pairs = {int(n): unquoted(t) for n, t in re.findall(r"i\d+ (-?\d+), label (\S+)", ways)}
        otherwise = unquoted(default.split(" ")[-1])
        return lambda e: pairs.get(of(e), otherwise)

    def on_ret(self, i: Instruction) -> Step:
        return lambda _: ""

    def on_unreachable(self, i: Instruction) -> Step:
        raise Unknown("a live block that ends nowhere")

    def on_call(self, i: Instruction) -> Step:
        type_, callee, given = re.match(r"(\{.*?\}|\S+) (@\S+?)\((.*)\)", i.body).groups()  # type: ignore[union-attr]
        name = unquoted(callee)
        if name.startswith(HINTS):
            return lambda _: None
        operands = [self.typed(text) for text in split(given)]
        values = [operand[2] for operand in operands]
        plain = name.removeprefix("llvm.").rsplit(".", 1)[0]
        if name == "llvm.assume":
            return lambda e: self.assume(i, values[0](e))
        if name == "pyfront.allocate":
            return lambda e: self.define(e, i.name, self.allocate(i.name, bytearray(b"\xff" * values[0](e))).base)
        if plain.startswith(("memcpy", "memmove", "memset")):
            return self.on_block(i, plain.split(".")[0], [operand[1] for operand in operands], values)
        if plain in INTRINSICS:
            bits = bits_of(operands[0][0])
            combine = INTRINSICS[plain]

            def step(e: Environment) -> None:
                found = combine(values[0](e), values[1](e), bits)
                self.define(e, i.name, found if isinstance(found, tuple) else wrapped(found, bits))

            return step
        if plain == "abs":
            return lambda e: self.define(e, i.name, abs(values[0](e)))
        function = function_of(name)
        if function is None or type_ not in ("double", "float"):
            raise Unknown(f"the function {name}")
        return self.on_function(i, type_, function, values, "stated" in name)

    def on_function(self, i: Instruction, type_: str, function: Any, values: list[Any], is_stated: bool) -> Step:
        def step(e: Environment) -> None:
            operands = [value(e) for value in values]
            numbers = [operand.value if isinstance(operand, Flow) else operand for operand in operands]
            try:
                value, partials = applied(function, numbers, is_stated)
            except (ArithmeticError, ValueError):
                value, partials = math.nan, [math.nan] * len(numbers)
            terms = [(o, p) for o, p in zip(operands, partials, strict=True) if isinstance(o, Flow)]
            self.define(e, i.name, self.tape.made(rounded(value, type_), *terms))

        return step

    def on_block(self, i: Instruction, name: str, texts: list[str], values: list[Any]) -> Step:
        def step(e: Environment) -> None:
            to, source, length = values[0](e), values[1](e), values[2](e)
            if length == 0:
                return
            self.watch.touched(i, "write", texts[0], to, length, "")
            if name == "memset":
                memory, offset = self.at(to, length)
                memory.forget(offset, length)
                memory.data[offset : offset + length] = bytes([source & 255]) * length
                return
            self.watch.touched(i, "read", texts[1], source, length, "")
            for address, flow in self.copy(to, source, length):
                self.watch.stored(texts[0], address, flow)

        return step

    def assume(self, i: Instruction, holds: int) -> None:
        assert holds, f"what #{i.number} assumes is not so: {i.body}"


def rounded(value: float, type_: str) -> float:
    """The value in the precision of its type."""
    return float(np.float32(value)) if type_ == "float" else value


def to_integer(flow: Flow, _: str, target: str) -> int:
    value = flow.value
    return wrapped(int(value), bits_of(target)) if math.isfinite(value) else -(1 << (bits_of(target) - 1))


CASTS: dict[str, Callable[[Any, str, str], Any]] = {
    "sext": lambda x, source, _: -x if source == "i1" else x,
    "zext": lambda x, source, target: wrapped(unsigned(x, bits_of(source)), bits_of(target)),
    "trunc": lambda x, _, target: wrapped(x, bits_of(target)),
    "sitofp": lambda x, source, target: Flow(rounded(float(-x if source == "i1" else x), target)),
    "uitofp": lambda x, source, target: Flow(rounded(float(unsigned(x, bits_of(source))), target)),
    "fptosi": to_integer,
    "fptoui": to_integer,
    "fpext": lambda x, _source, _: Flow(x.value),
    "fptrunc": lambda x, _, target: Flow(rounded(x.value, target)),
    "ptrtoint": lambda x, _source, _: x,
    "inttoptr": lambda x, _source, _: x,
}
