"""Each pass of preparation by itself: a `.ll` file with its input, run through opt-22 and read by FileCheck-22.

Its first lines say which passes run (`; PASSES: fence;clean`) and, where a pass reads it, the request
(`; REQUEST: {...}`, without the name of the kernel, which is `@kernel`).
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from pyfront import engine

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.glob("*.ll"))
REQUEST = 1_000_000
"""Number of the request's metadata: beyond those of any case."""


def directive(text: str, name: str) -> str:
    found = re.search(rf"^; {name}: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def with_request(text: str) -> str:
    request = {"primal": "kernel", "name": "derivative", "mode": "reverse", "args": [], "results": []}
    request |= json.loads(directive(text, "REQUEST") or "{}")
    escaped = json.dumps(request).replace("\\", "\\5C").replace('"', "\\22")
    return f'{text}\n!pyfront.request = !{{!{REQUEST}}}\n!{REQUEST} = !{{!"{escaped}"}}\n'


def opt(passes: str, source: str) -> subprocess.CompletedProcess[str]:
    plugin = engine.find_library().parent / "EnzymePass.so"
    command = ["opt-22", f"-load-pass-plugin={plugin}", f"-passes={passes}", "-S"]
    return subprocess.run(command, input=source, capture_output=True, text=True)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_pass_does_what_its_case_says(case: Path) -> None:
    text = case.read_text()
    done = opt(f"ad-prepare<{directive(text, 'PASSES')}>", with_request(text))
    assert (done.returncode, done.stderr) == (0, "")
    checked = subprocess.run(
        ["FileCheck-22", str(case), "--dump-input=never"], input=done.stdout, capture_output=True, text=True
    )
    assert checked.returncode == 0, f"{checked.stderr}\n{done.stdout}"


def test_each_pass_has_a_case() -> None:
    listed = opt("print<ad-preparation>", "")
    names = [line.split(":")[0] for line in listed.stdout.splitlines() if ": " in line and not line.startswith(";")]
    assert "fence" in names, listed.stderr
    tested = {name for case in CASES for name in directive(case.read_text(), "PASSES").split(";")}
    assert tested == set(names)
