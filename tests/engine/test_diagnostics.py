"""Diagnostics point at the user's line, through inlining, and are reported once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cffi
import pytest

# `kernel` calls `callee` in line 30, inlined; `%second` has no location of its own, `%unknown` none at all.
MODULE = """
define double @kernel(double %x) !dbg !3 {
  %own = fadd double %x, 1.0, !dbg !6
  %inlined = fmul double %own, %own, !dbg !7
  %second = fmul double %inlined, %x
  ret double %second, !dbg !6
}
define double @bare(double %x) {
  %unknown = fadd double %x, 1.0
  ret double %unknown
}
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!9}
!0 = distinct !DICompileUnit(language: DW_LANG_C_plus_plus, file: !1, emissionKind: FullDebug)
!1 = !DIFile(filename: "kernel.py", directory: "/home/me")
!2 = !DIFile(filename: "/lib/callee.py", directory: "/home/me")
!3 = distinct !DISubprogram(name: "kernel", file: !1, line: 10, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!4 = distinct !DISubprogram(name: "callee", file: !2, line: 20, type: !5, unit: !0, spFlags: DISPFlagDefinition)
!5 = !DISubroutineType(types: !10)
!6 = !DILocation(line: 12, scope: !3)
!7 = !DILocation(line: 21, scope: !4, inlinedAt: !8)
!8 = distinct !DILocation(line: 30, scope: !3)
!9 = !{i32 2, !"Debug Info Version", i32 3}
!10 = !{null}
"""


@pytest.fixture(scope="module")
def report(library: Path) -> Any:
    path = library.with_name("libsupport_probe.so")
    if not path.exists():
        pytest.skip("a release build has no probe")
    ffi = cffi.FFI()
    ffi.cdef("void pyfront_probe_diagnostics(const char *ir, char *text, size_t size);")
    probe = ffi.dlopen(str(path))

    def report(module: str) -> dict[str, dict[str, Any]]:
        text = ffi.new("char[65536]")
        probe.pyfront_probe_diagnostics(module.encode(), text, len(text))
        diagnostics = json.loads(ffi.string(text))
        by_name = {d["message"].split(",")[0]: d for d in diagnostics}
        assert len(by_name) == len(diagnostics), "the probe reports each twice"
        return by_name

    return report


def place(diagnostic: dict[str, Any]) -> tuple[str, int]:
    return diagnostic["file"], diagnostic["line"]


def test_the_kernels_own_line(report: Any) -> None:
    diagnostic = report(MODULE)["own"]
    assert place(diagnostic) == ("/home/me/kernel.py", 12)
    assert diagnostic["message"] == "own"
    assert diagnostic["help"] == "write something else"
    assert diagnostic["code"] == "unsupported"


def test_an_inlined_line_names_its_callers(report: Any) -> None:
    diagnostic = report(MODULE)["inlined"]
    assert place(diagnostic) == ("/lib/callee.py", 21)
    assert diagnostic["message"] == "inlined, called from /home/me/kernel.py:30"


def test_without_a_location_the_one_before_is_taken(report: Any) -> None:
    assert place(report(MODULE)["second"]) == ("/lib/callee.py", 21)


def test_without_any_location_the_line_is_zero(report: Any) -> None:
    assert place(report(MODULE)["unknown"]) == ("", 0)


def test_what_is_reported_twice_is_said_once(report: Any) -> None:
    assert report(MODULE).keys() == {"own", "inlined", "second", "unknown"}
