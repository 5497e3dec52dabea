"""Many random programs, each where its death is noticed: `python -m properties.bulk --programs 5000 --seed 0`.

A process that has warmed up Numba forks one child for many programs; a child that dies or hangs is reported with the
program that it was at, and another one goes on after it. A number says everything about a program; `--number N` runs
one in every mode, `--only remainders,views` those with one of these features, `--without one` those without (forms of
results can be named as well), and `--reduce` makes a wrong one smaller.

Compiling is what costs. So most programs are optimized little (`NUMBA_OPT`, which is read at start: a share of them
runs under a second process at O3), one capture serves all modes of a program, library code is compiled once, and what
is compiled is called several times.

Invariant: what is printed can be repeated; no state passes from one program to the next but compiled library code.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CHUNK = 500
"""Programs per child: what it compiles of Numba's library serves all of them."""
WARM = 24
"""Programs that the parent runs for the sake of library code that they compile."""
SECONDS = 60
"""A program that takes longer hangs."""
OPTIMIZED = 5
"""One program in so many runs at O3, the others at O0."""
BLOCK = 1000
"""Programs after which the level of optimization changes back."""


def main() -> int:
    options = parse()
    if options.level is not None:
        return serve(options)
    total = Total()
    for level, first, count in shares(options):
        for record in worker(options, level, first, count):
            total.add(record, options)
    total.report()
    return bool(total.wrong)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="programs are numbered from here, times a million")
    parser.add_argument("--number", type=int, help="this program alone, in every mode")
    parser.add_argument("--modes", help="these modes, with commas between them, rather than the rotation")
    parser.add_argument("--only", default="", help="programs that have one of these features or results")
    parser.add_argument("--without", default="", help="programs that have none of these")
    parser.add_argument("--reduce", action="store_true", help="make wrong programs smaller")
    parser.add_argument("--log", type=Path, help="one line of JSON for each program")
    parser.add_argument("--level", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def shares(options: argparse.Namespace) -> Iterator[tuple[int, int, int]]:
    """Level of optimization, first number and count of each worker's programs."""
    if options.number is not None:
        yield 3, options.number, 1
        return
    first = options.seed * 1_000_000
    for start in range(0, options.programs, BLOCK):
        count = min(BLOCK, options.programs - start)
        # Filters skip numbers, so what each worker begins with is far from what the others do.
        yield 0, first, count - count // OPTIMIZED
        yield 3, first + 50_000, count // OPTIMIZED
        first += 100_000


def worker(options: argparse.Namespace, level: int, first: int, count: int) -> Iterator[dict[str, Any]]:
    """The records of a process that runs these programs."""
    if count == 0:
        return
    command = [sys.executable, "-m", "properties.bulk", f"--level={level}", f"--first={first}", f"--programs={count}"]
    if options.number is not None:
        command.append(f"--number={options.number}")
    for name in ("modes", "only", "without"):
        if getattr(options, name):
            command.append(f"--{name}={getattr(options, name)}")
    if options.reduce:
        command.append("--reduce")
    environment = {**os.environ, "NUMBA_OPT": str(level)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line)


class Total:
    """What came of all programs."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.programs = 0
        self.cpu = 0.0
        self.checks: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.wrong: list[dict[str, Any]] = []

    def add(self, record: dict[str, Any], options: argparse.Namespace) -> None:
        self.programs += 1
        self.cpu += record.get("cpu", 0.0)
        for name in ("checks", "refused", "left_out"):
            getattr(self, name).update(record.get(name, {}))
        if options.log:
            with options.log.open("a") as log:
                log.write(json.dumps(record) + "\n")
        if record.get("wrong"):
            self.wrong.append(record)
            print(f"--- program {record['number']} ({', '.join(record['features'])}) is wrong")
            for mode, call, message in record["wrong"]:
                print(f"{mode}, call {call}: {message[:600]}")
            print(record["source"], flush=True)

    def report(self) -> None:
        wall = time.monotonic() - self.start
        for title, counter in (("refused", self.refused), ("left out", self.left_out)):
            print(f"{title}:")
            for name, count in counter.most_common():
                print(f"  {count:6} {name}")
        print("checks: " + ", ".join(f"{name} {count}" for name, count in self.checks.most_common()))
        print(
            f"{self.programs} programs, {sum(self.checks.values())} checks, {len(self.wrong)} wrong, "
            f"{sum(self.refused.values())} refused; {wall:.0f} s ({self.cpu:.0f} s of CPU, "
            f"{self.cpu / max(1, self.programs):.2f} s a program)"
        )


# In the worker.


def serve(options: argparse.Namespace) -> int:
    """Runs programs in children of this process, which has compiled what they share."""
    from properties.checking import examine
    from properties.programs import program

    for number in range(WARM):
        examine(program(number), ("both",), plain=number < 2)
    gc.freeze()
    numbers = list(itertools.islice(filter(wanted(options), itertools.count(options.first)), options.programs))
    while numbers:
        done = supervise(options, numbers[:CHUNK])
        numbers = numbers[done:]
    return 0


def wanted(options: argparse.Namespace) -> Callable[[int], bool]:
    """Whether a program is one of those that were asked for."""
    from properties.programs import program

    only, without = set(filter(None, options.only.split(","))), set(filter(None, options.without.split(",")))

    def fits(number: int) -> bool:
        its = program(number)
        has = {*its.features, its.result, *(["fastmath"] if its.fastmath else [])}
        return not has & without and (not only or bool(has & only))

    return fits


def supervise(options: argparse.Namespace, numbers: list[int]) -> int:
    """Forks a child for these programs; how many of them are done is returned."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        run(options, numbers, write)
    os.close(write)
    done = 0
    with os.fdopen(read) as lines:
        for line in lines:
            print(line, end="", flush=True)
            done += 1
    _, status = os.waitpid(child, 0)
    if status != 0 and done < len(numbers):
        how = f"died by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "ended"
        how = "hung" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else how
        print(json.dumps(record_of(numbers[done], wrong=[["process", -1, f"the process {how}"]])), flush=True)
        return done + 1
    return done


def record_of(number: int, **found: Any) -> dict[str, Any]:
    """What is printed about a program."""
    from properties.programs import program

    its = program(number)
    return {"number": number, "features": its.features, "source": its.source.split("\n\n\n")[1], **found}


def run(options: argparse.Namespace, numbers: list[int], write: int) -> None:
    """The child: never returns."""
    from properties.checking import MODES, ROTATION, examine
    from properties.programs import program
    from properties.reduction import reduced
    from pyfront import engine

    out = os.fdopen(write, "w")
    try:
        for number in numbers:
            # A child that hangs ends itself.
            signal.alarm(SECONDS)
            start = time.process_time()
            its, modes = program(number), ROTATION[number % len(ROTATION)]
            if options.modes:
                modes = tuple(options.modes.split(","))
            elif options.number is not None:
                modes = tuple(MODES)
            outcome = examine(its, modes, plain=number % 4 == 0 or options.number is not None)
            record = record_of(number, **outcome.as_json(), cpu=time.process_time() - start)
            if outcome.wrong and options.reduce:
                signal.alarm(10 * SECONDS)
                record["source"] = reduced(its, outcome.wrong[0]).source.split("\n\n\n")[1]
            out.write(json.dumps(record) + "\n")
            out.flush()
            if engine.load().arena_in_use() != 0:
                break  # What is left there would be laid to the programs after it; a new child has none of it.
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
