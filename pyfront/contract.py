"""The contract: what the engine says of its own C interface and of the words and numbers that both sides use.

It is the text of two C headers (``core/Contract.h``, ``enzyme_pass/CApi.h``), which the engine hands out, so nothing in
it is written down on this side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BOOTSTRAP = "const char *pyfront_declarations(void);"
"""The one declaration that must be known to get at the others."""


@dataclass(frozen=True)
class Contract:
    """The constants of ``core/Contract.h``, where each is explained."""

    out_of_memory: int
    rule_failed: int
    max_width: int
    forward_half: str
    reverse_half: str
    allocate: str


def parse(text: str) -> Contract:
    """The constants in the text of the headers."""
    found = dict(re.findall(r"^#define PYFRONT_(\w+) (.+)$", text, re.MULTILINE))
    return Contract(
        out_of_memory=int(found["OUT_OF_MEMORY"]),
        rule_failed=int(found["RULE_FAILED"]),
        max_width=int(found["MAX_WIDTH"]),
        forward_half=found["FORWARD_HALF"].strip('"'),
        reverse_half=found["REVERSE_HALF"].strip('"'),
        allocate=found["ALLOCATE"].strip('"'),
    )


def declarations(text: str) -> str:
    """The headers as cffi understands them: no preprocessor, no attributes."""
    plain = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    plain = re.sub(r'^\s*#.*$|^extern "C" \{$|^\}$', "", plain, flags=re.MULTILINE)
    return plain.replace("PYFRONT_API ", "")
