"""The text of a prepared kernel as data: blocks, instructions, operands.

    %v10 = getelementptr double, ptr %v7, i64 %v9, !dbg !48

becomes `Instruction(number=6, name="v10", opcode="getelementptr", body="double, ptr %v7, i64 %v9")`; what the opcode
makes of its body is the machine's affair (`activity.machine`).

Invariant: instructions are numbered as the engine numbers them, in the order of the text.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass, field

NAME = r'(?:"[^"]*"|[\w.$-]+)'
FLAGS = frozenset(
    "inbounds nuw nusw nsw exact disjoint nneg samesign volatile tail musttail notail fast nnan ninf nsz arcp contract "
    "afn reassoc noundef nonnull signext zeroext noalias readonly writeonly immarg".split()
)


@dataclass(frozen=True)
class Instruction:
    """One instruction; `name` is empty if it has none."""

    number: int
    name: str
    opcode: str
    body: str
    flags: frozenset[str]


@dataclass
class Block:
    """A basic block."""

    name: str
    phis: list[Instruction] = field(default_factory=list)
    rest: list[Instruction] = field(default_factory=list)


@dataclass(frozen=True)
class Kernel:
    """The kernel's function, and the constant arrays of its module."""

    parameters: list[str]
    entry: str
    blocks: dict[str, Block]
    constants: dict[str, bytes]
    live: frozenset[str]
    """The blocks from which a return can be reached."""
    preheaders: dict[int, tuple[str, str]]
    """By number of the loop: its preheader and its header."""


def unquoted(name: str) -> str:
    """A name without sigil and quotes."""
    return name.lstrip("%@").strip('"')


def split(text: str) -> list[str]:
    """What the commas of a text part, those within brackets aside."""
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [part for part in [*parts, text[start:].strip()] if part]


def parse(text: str, primal: str) -> Kernel:
    """The kernel named `primal` of a module's text."""
    head = re.search(rf'^define .*?@"?{re.escape(primal)}"?\((.*)\)[^)]*\{{$', text, re.M)
    assert head, f"no function {primal}"
    parameters = [unquoted(re.findall(rf"%{NAME}", part)[-1]) for part in split(head[1])]
    body = text[head.end() : text.index("\n}", head.end())]
    blocks: dict[str, Block] = {}
    number = 0
    for line in joined(body.splitlines()):
        label = re.match(rf"({NAME}):", line)
        if label:
            current = blocks.setdefault(unquoted(label[1]), Block(unquoted(label[1])))
            continue
        instruction = read(line.strip(), number)
        number += 1
        (current.phis if instruction.opcode == "phi" else current.rest).append(instruction)
    return Kernel(parameters, next(iter(blocks)), blocks, dict(constants(text)), live(blocks), preheaders(blocks))


def joined(lines: list[str]) -> list[str]:
    """Lines without comments and debug records; a switch, which is printed on several, on one."""
    result: list[str] = []
    within = False
    for line in lines:
        line = re.sub(r"\s*;.*$", "", line)
        if not line.strip() or line.strip().startswith("#dbg"):
            continue
        if within:
            result[-1] += " " + line.strip()
        else:
            result.append(line)
        within = (within or line.strip().startswith("switch ")) and "]" not in line
    return result


def read(line: str, number: int) -> Instruction:
    """One instruction, without metadata, attributes and alignments."""
    line = re.sub(r"(, ![\w.]+ ![\w.]+)+$|(, !\w+ !\w+)*$", "", line)
    line = re.sub(r", align \d+|\s#\d+$", "", line)
    name = ""
    assigned = re.match(rf"%({NAME}) = ", line)
    if assigned:
        name, line = unquoted(assigned[1]), line[assigned.end() :]
    words = line.split(" ")
    flags: set[str] = set()
    while words[0] in FLAGS:
        flags.add(words.pop(0))
    opcode, rest = words[0], words[1:]
    while rest and rest[0] in FLAGS:
        flags.add(rest.pop(0))
    return Instruction(number, name, opcode, " ".join(rest), frozenset(flags))


def successors(block: Block) -> list[str]:
    """The blocks that a block's last instruction names."""
    return [unquoted(target) for target in re.findall(rf"label (%{NAME})", block.rest[-1].body)]


def live(blocks: dict[str, Block]) -> frozenset[str]:
    """The blocks from which a return can be reached."""
    found = {name for name, block in blocks.items() if block.rest[-1].opcode == "ret"}
    while True:
        more = {name for name, block in blocks.items() if found.intersection(successors(block))} - found
        if not more:
            return frozenset(found)
        found |= more


def incoming(phi: Instruction) -> tuple[str, dict[str, str]]:
    """The type of a phi, and its operands by the block that they come from."""
    kind, _, ways = phi.body.partition(" [")
    pairs = re.findall(rf"\[ (.*?), (%{NAME}) \]", "[" + ways)
    return kind, {unquoted(source): value for value, source in pairs}


def preheaders(blocks: dict[str, Block]) -> dict[int, tuple[str, str]]:
    """Preheader and header of each loop, which its counter tells."""
    result = {}
    for block in blocks.values():
        for phi in block.phis:
            counter = re.fullmatch(r"L(\d+)\.iter", phi.name)
            if counter:
                _, ways = incoming(phi)
                (preheader,) = (source for source, value in ways.items() if value == "0")
                result[int(counter[1])] = (preheader, block.name)
    return result


def constants(text: str) -> list[tuple[str, bytes]]:
    """The constant arrays of a module, as bytes."""
    result = []
    for name, data in re.findall(rf"^@({NAME}) = .*?constant (\[\d+ x .*)$", text, re.M):
        count, kind, values = re.match(r"\[(\d+) x (\w+)\] (.*)$", data).groups()  # type: ignore[union-attr]
        size = {"double": 8, "float": 4, "ptr": 8}.get(kind) or int(kind[1:]) // 8
        values = re.sub(r"(, align \d+|, !.*|, section .*|, comdat.*)*$", "", values)
        if values.startswith("zeroinitializer"):
            result.append((unquoted(name), bytes(int(count) * size)))
        elif values.startswith('c"'):
            raw = re.sub(r"\\([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), values[2:-1])
            result.append((unquoted(name), raw.encode("latin-1")))
        elif kind in ("double", "float"):
            numbers = [float_of(each.split(" ", 1)[1]) for each in split(values[1:-1])]
            result.append((unquoted(name), b"".join(struct.pack("<d" if size == 8 else "<f", n) for n in numbers)))
        elif kind != "ptr":
            ints = [int(each.split(" ", 1)[1]) for each in split(values[1:-1])]
            result.append((unquoted(name), b"".join(n.to_bytes(size, "little", signed=n < 0) for n in ints)))
    return result


def float_of(text: str) -> float:
    """A literal of LLVM's: decimal, or the bits of a double."""
    if text.startswith("0x"):
        return float(struct.unpack("<d", int(text[2:], 16).to_bytes(8, "little"))[0])
    return math.nan if text in ("undef", "poison") else float(text)
