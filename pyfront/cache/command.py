"""``python -m pyfront cache``: what is on disk, and removing it."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from pyfront.cache import store


def add_parser(commands: Any) -> None:
    """Add the command to those of ``python -m pyfront``."""
    parser = commands.add_parser("cache", help="machine code of derivatives on disk", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--info", action="store_true", help="say where it is and how much there is (the default)")
    what.add_argument("--clear", action="store_true", help="remove it")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    sizes: dict[str, list[int]] = {}
    problems = 0
    for path in store.everything():
        with contextlib.suppress(FileNotFoundError):
            sizes.setdefault(str(path.parent), []).append(path.stat().st_size)
            if not options.clear:
                continue
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                problems += 1
                print(f"not removed: {error}")
    for folder, its in sorted(sizes.items()):
        print(f"{folder}: {_amount(its)}")
    everything = [size for its in sizes.values() for size in its]
    print(f"{'removed' if options.clear else 'total'}: {_amount(everything)}")
    return int(problems > 0)


def _amount(sizes: list[int]) -> str:
    return f"{len(sizes)} {'entry' if len(sizes) == 1 else 'entries'}, {sum(sizes) / 1024:.1f} KiB"
