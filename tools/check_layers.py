"""Fails if a C++ file includes what its room may not know.

Rooms are the folders of the engine, ordered `core <- rules <- activity <- prepare, plan <- emit <- driver`: facts are
found before plans are made, and plans before code is emitted. `emit` has no right to `activity`: an emitter that could
ask for a fact would begin to decide. Nothing under `core` or `activity` includes anything of `enzyme_pass`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ALLOWED = {
    "core": {"core"},
    "rules": {"core", "rules"},
    "activity": {"core", "rules", "activity"},
    "runtime": {"runtime"},
    "standalone": {"runtime", "standalone"},
    "prepare": {"core", "rules", "activity", "prepare"},
    "plan": {"core", "rules", "activity", "plan"},
    "emit": {"core", "rules", "plan", "emit"},
    "optimize": {"core", "rules", "prepare", "optimize"},
}
ALLOWED["driver"] = {"driver", *ALLOWED}
ROOTS = ("core", "activity", "enzyme_pass")
INCLUDE = re.compile(r'^\s*#\s*include\s*"((?:core|activity|enzyme_pass)/[^"]+)"', re.MULTILINE)


def room_of(path: str) -> str:
    """The room that a file, named from the root of the project, belongs to."""
    folders = Path(path).parts[:-1]
    return "driver" if folders == ("enzyme_pass",) else folders[-1]


def main() -> int:
    sources = [f"{root}/*.{kind}" for root in ROOTS for kind in ("cpp", "h")]
    listing = subprocess.run(["git", "ls-files", "-z", "--", *sources], check=True, capture_output=True, text=True)
    wrong = 0
    for name in filter(None, listing.stdout.split("\0")):
        path = Path(name)
        if not path.exists():
            continue
        room = room_of(name)
        if room not in ALLOWED:
            print(f"{name}: `{room}` is a new room: say in {Path(__file__).name} what it may include")
            wrong += 1
            continue
        for included in INCLUDE.findall(path.read_text()):
            if room_of(included) not in ALLOWED[room]:
                print(f"{name}: room `{room}` may not include `{included}`")
                wrong += 1
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
