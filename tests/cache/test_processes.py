"""A second process calls what a first one has compiled: everything, bit for bit, and compiles nothing."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

from .conftest import HERE, Run, entries


def test_a_second_process_compiles_nothing(run: Run, folder: Path, tmp_path: Path) -> None:
    first = run(HERE / "programs.py", tmp_path)
    written = {path: path.stat().st_mtime_ns for path in entries(folder)}
    second = run(HERE / "programs.py", tmp_path)
    pickled = run(HERE / "programs.py", tmp_path, "pickled")
    assert first["engine"]
    assert not second["engine"]
    assert not pickled["engine"]
    assert second["results"] == first["results"]
    assert pickled["results"] == {name: first["results"][name] for name in pickled["results"]}
    assert first["results"]["raised"][0] == "ValueError"
    assert first["results"]["overlap"][0] == "OverlapError"
    assert {path: path.stat().st_mtime_ns for path in entries(folder)} == written


CHANGES = """
    import json, sys
    import numpy as np
    import pyfront as ad
    import helpers, kernels

    def value():
        return ad.autodiff(kernels.kernel, ad.Active, cache=True)(2.0)

    print(json.dumps([value(), "libenzyme_pass" in open("/proc/self/maps").read()]))
"""
KERNELS = """
    import helpers
    from helpers import inner
    def kernel(x):
        return inner(x) * helpers.FACTOR * x
"""
HELPERS = """
    from numba import njit
    FACTOR = {factor}
    @njit
    def deeper(x):
        return x * {number}
    @njit{options}
    def inner(x):
        return deeper(x)
"""


def test_what_is_changed_is_compiled_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kernels.py").write_text(textwrap.dedent(KERNELS))

    def given(**changes: Any) -> Any:
        values = {"factor": "1.0", "number": "3.0", "options": ""} | changes
        (tmp_path / "helpers.py").write_text(textwrap.dedent(HELPERS.format(**values)))
        return run(textwrap.dedent(CHANGES))

    assert given() == [12.0, True]
    assert given() == [12.0, False]
    assert given(number="5.0") == [20.0, True]
    assert given(factor="2.0") == [24.0, True]
    assert given(options="(fastmath=True)") == [12.0, True]
    # What it was before is still there.
    assert given() == [12.0, False]


def test_two_processes_agree_on_what_one_has_frozen(run: Run, tmp_path: Path) -> None:
    """Numba takes globals as they are when a function is first compiled: later values do not get into the cache."""
    program = """
        import json, sys
        import pyfront as ad
        FACTOR = 2.0
        def kernel(x):
            return FACTOR * x
        dispatcher = ad.kernel.as_dispatcher(kernel)
        if sys.argv[1] == "early":
            ad.autodiff(dispatcher, ad.Active)(1.0)
        FACTOR = 3.0
        print(json.dumps(ad.autodiff(dispatcher, ad.Active, cache=True)(1.0)))
    """
    (tmp_path / "frozen.py").write_text(textwrap.dedent(program))
    assert run(tmp_path / "frozen.py", "early") == 2.0
    assert run(tmp_path / "frozen.py", "late") == 3.0
    assert run(tmp_path / "frozen.py", "late") == 3.0


def test_the_command_says_what_there_is_and_removes_it(run: Run, folder: Path, tmp_path: Path) -> None:
    command = """
        import contextlib, io, json, sys
        from pyfront.__main__ import main
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = main(["cache", *sys.argv[1:]])
        print(json.dumps([status, said.getvalue()]))
    """
    program = "import json, pyfront as ad; print(json.dumps(ad.autodiff(lambda x: x * x, ad.Active, cache=True)(3.0)))"
    assert run(program) == 6.0
    status, said = run(textwrap.dedent(command), "--info")
    assert status == 0
    assert "1 entry" in said
    assert str(entries(folder)[0].parent) in said
    assert run(textwrap.dedent(command), "--clear")[0] == 0
    assert entries(folder) == []
    assert json.dumps(run(textwrap.dedent(command))[1]).count("0 entries") == 1


def test_workers_that_are_spawned_find_what_the_parent_has_compiled(run: Run, tmp_path: Path) -> None:
    """Both the derivative that a worker is sent and the one that it makes itself, of a function of ``__main__``."""
    program = """
        import json
        import multiprocessing
        import pyfront as ad
        FACTOR = 3.0
        def kernel(x):
            return FACTOR * x * x
        derivative = ad.autodiff(kernel, ad.Active, cache=True)
        def work(given):
            results = [derivative(2.0), given(2.0)]
            with open("/proc/self/maps") as maps:
                return [*results, "libenzyme_pass" in maps.read()]
        if __name__ == "__main__":
            found = [derivative(2.0)]
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found += pool.map(work, [derivative])
            print(json.dumps(found))
    """
    (tmp_path / "spawning.py").write_text(textwrap.dedent(program))
    assert run(tmp_path / "spawning.py") == [12.0, [12.0, 12.0, False]]
