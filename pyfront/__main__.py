"""``python -m pyfront``: what can be done without writing Python."""

from __future__ import annotations

import argparse
import sys

from pyfront.cache import command as cache
from pyfront.standalone import command as export


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status is returned."""
    parser = argparse.ArgumentParser(prog="python -m pyfront", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    cache.add_parser(commands)
    export.add_parser(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
