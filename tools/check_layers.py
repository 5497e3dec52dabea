"""Fails if a C++ file includes what its room may not know.

Rooms are the folders of the engine, ordered `support <- request <- rules <- activity <- plan <- emit <- driver`: facts
are found before plans are made, and plans before code is emitted. `emit` has no right to `activity`: an emitter that
could ask for a fact would begin to decide.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ALLOWED = {
    "support": {"support"},
    "request": {"support", "request"},
    "runtime": {"runtime"},
    "rules": {"support", "rules"},
    "prepare": {"support", "request", "rules", "activity", "prepare"},
    "activity": {"support", "request", "rules", "activity"},
    "plan": {"support", "request", "rules", "activity", "plan"},
    "emit": {"support", "request", "rules", "plan", "emit"},
    "optimize": {"support", "request", "rules", "prepare", "optimize"},
}
ALLOWED["driver"] = {"driver", *ALLOWED}
INCLUDE = re.compile(r'^\s*#\s*include\s*"((?:enzyme_pass|activity)/[^"]+)"', re.MULTILINE)


def room_of(path: str) -> str:
    """The room that a file, named from the root of the project, belongs to."""
    parts = Path(path).parts
    if parts[0] == "activity":
        return "activity"
    if len(parts) > 2:
        return parts[1]
    return "request" if Path(path).stem == "Request" else "driver"


def main() -> int:
    sources = ("enzyme_pass/*.cpp", "enzyme_pass/*.h", "activity/*.cpp", "activity/*.h")
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
