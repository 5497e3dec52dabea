"""Where the time of compilation goes, and the text of every stage in a folder."""

from __future__ import annotations

import numpy as np
import pytest

import pyfront as ad
from pyfront.compiled import DUMP

ENGINE = ["read", "prepare", "facts", "plan", "emit", "clean up", "verify", "write"]
FILES = [
    "0-captured.ll",
    "1-prepared.ll",
    "2-facts.txt",
    "3-plan.txt",
    "4-derivative.ll",
    "5-finished.ll",
    "6-optimized.ll",
]


def halve(x):
    for i in range(x.size):
        x[i] = np.sin(0.5 * x[i])


def test_a_report_has_the_time_of_every_stage(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(DUMP, str(tmp_path))
    derivative = ad.autodiff(halve, ad.Duplicated)
    assert derivative.compile_report() == {}
    derivative(np.ones(3), np.ones(3))

    report = derivative.compile_report()
    assert [stage.name for stage in report.stages] == ["capture", "engine", "link"]
    assert [stage.name for stage in report["engine"].parts] == ENGINE
    assert report["engine"]["prepare"]["canonical"].seconds > 0.0
    for stage in (*report.stages, *report["engine"].parts):
        assert stage.seconds >= sum(part.seconds for part in stage.parts) * 0.999
    assert report.seconds == sum(stage.seconds for stage in report.stages) > 0.0
    assert 10 < report.instructions < 100
    assert str(report).splitlines()[0] == f"{report.instructions} instructions; seconds of processor time"
    assert "  prepare" in str(report)
    with pytest.raises(KeyError):
        report["no such stage"]

    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("reverse.halve.")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    assert "@reverse.halve(" in texts["4-derivative.ll"]
    assert "@reverse.halve(" not in texts["1-prepared.ll"]
    assert texts["2-facts.txt"].startswith("objects\n")
    assert texts["3-plan.txt"] == derivative.inspect_plan()
    assert texts["6-optimized.ll"] == derivative.inspect_llvm()


def test_halves_and_batches_report_by_what_is_compiled() -> None:
    forward, reverse = ad.autodiff_split(halve, ad.Duplicated)
    _, tape = forward(np.ones(3))
    reverse(np.ones(3), tape)
    (report,) = reverse.compile_report().values()
    assert report["link"]["optimize"].seconds > 0.0
    assert ad.autodiff(halve, ad.BatchDuplicated).compile_report() == {}


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(DUMP, str(tmp_path / "file"))
    with pytest.raises(ad.InternalError, match="cannot be written to"):
        ad.autodiff(halve, ad.Duplicated, disable=["strips"])(np.ones(3), np.ones(3))
