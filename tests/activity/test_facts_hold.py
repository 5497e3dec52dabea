"""A run contradicts no fact; and where a fact is made false, a run shows it.

Random programs are run like this too, as one of the modes of tests/properties: subscripts are what is tested here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import pytest
from oracle import active, const, dup
from oracle.arguments import Annotated
from oracle.case import Case

from activity import affine_programs
from activity.affine_programs import ARGUMENTS, SHAPES, Program, Sizes
from activity.claims import Claims
from activity.runs import Prepared, Run, check_facts, prepared

PROGRAMS = 25
MOST_SIZES = 5


def runs(program: Program) -> Iterator[Sizes]:
    """Some of the sizes at which no index leaves its axis."""
    for sizes in affine_programs.sizes():
        try:
            program.overwritten(sizes)
        except IndexError:
            continue
        yield sizes


def arguments(sizes: Sizes) -> tuple[Annotated, ...]:
    """Arrays of these sizes; `F` is in Fortran's order, and `S` has a stride."""
    n, m = sizes
    random = np.random.default_rng([n, m])
    result = []
    for name in ARGUMENTS:
        shape = eval(f"({SHAPES[name]},)", {"n": n, "m": m})
        array = random.uniform(0.5, 1.5, (2 * shape[0], *shape[1:]))
        result.append(dup({"F": np.asfortranarray(array[: shape[0]]), "S": array[::2]}.get(name, array[: shape[0]])))
    return (*result, const(n), const(m))


@pytest.mark.parametrize("batch", range(5))
def test_facts_of_affine_programs_hold(batch: int) -> None:
    tried = 0
    for number in range(1000 + batch, 2000, 5):
        program = affine_programs.draw(number)
        sizes = list(runs(program))[-MOST_SIZES:]
        if not sizes:
            continue
        names: dict[str, Any] = {"np": np}
        exec(compile(program.kernel(), "affine_program.py", "exec"), names)
        kernel = numba.njit(names["kernel"])
        for each in sizes:
            try:
                check_facts(Case.of(kernel, arguments(each), 0.0, None, plain=False))
            except AssertionError as error:
                raise AssertionError(f"program {number} at {each}\n{program.kernel()}") from error
        tried += 1
        if tried == PROGRAMS // 5:
            break


# --- facts made false -----------------------------------------------------------------------------


@numba.njit
def often(x, a, b, c, n):
    for _ in range(40):
        for j in range(n):
            b[j] = a[j] * x
        for j in range(n):
            c[j] = 0.5 * c[j] + b[j]


def nothing_is_active(claims: Claims) -> None:
    claims.active = set()


def no_object_is_active(claims: Claims) -> None:
    claims.active_objects = set()


def all_loads_are_stable(claims: Claims) -> None:
    claims.stable |= set(claims.kept)


def all_is_kept_from_the_beginning(claims: Claims) -> None:
    claims.kept = {load: [(0, False)] for load in claims.kept}


def all_loads_read_all_stores(claims: Claims) -> None:
    claims.readers = {store: set(claims.kept) for store in claims.readers}


def all_stores_overwrite_what_one_load_read(claims: Claims) -> None:
    (load,) = claims.replaced.values()
    claims.replaced = dict.fromkeys(claims.readers, load)


def what_is_stored_stays(claims: Claims) -> None:
    claims.enders = {store: set() for store in claims.enders}


def a_loop_ends_early(claims: Claims) -> None:
    claims.trips = {loop: trips - 1 for loop, trips in claims.trips.items()}


def nothing_is_written(claims: Claims) -> None:
    claims.written = set()


def all_is_integers(claims: Claims) -> None:
    claims.types = dict.fromkeys(claims.types, "integer")


def all_points_to_one_array(claims: Claims) -> None:
    claims.points = {address: {"c"} for address in claims.points}


FALSE: dict[str, Callable[[Claims], None]] = {
    "activity: %": nothing_is_active,
    "activity: object b": no_object_is_active,
    "overwrite: #": all_loads_are_stable,
    "overwrite: %": all_is_kept_from_the_beginning,
    "does not read": all_loads_read_all_stores,
    "does not overwrite": all_stores_overwrite_what_one_load_read,
    "has written": what_is_stored_stays,
    "loops: L0 ran 40 times": a_loop_ends_early,
    "written: #": nothing_is_written,
    "types: #": all_is_integers,
    "is of none of": all_points_to_one_array,
}


def with_claims(what: Prepared, change: Callable[[Claims], None]) -> Prepared:
    """The same kernel with other facts."""
    claims = copy.deepcopy(what.claims)
    change(claims)
    return replace(what, claims=claims)


def test_false_facts_are_noticed() -> None:
    vectors = (dup(np.array([1.5, -0.5, 2.0])) for _ in range(3))
    case = Case.of(often, (active(0.5), *vectors, const(3)), 0.0, None)
    what = prepared(case)
    assert Run(case, what, np.random.default_rng(0)).run() == []
    for message, change in FALSE.items():
        found = Run(case, with_claims(what, change), np.random.default_rng(0)).run()
        assert any(message in one for one in found), f"{change.__name__}: {found}"


def test_arguments_that_meet_are_noticed() -> None:
    memory = np.array([1.5, -0.5, 2.0, 0.25])
    given = (active(0.5), dup(memory[1:]), dup(memory[:3]), dup(np.ones(3)), const(3))
    case = Case.of(often, given, 0.0, None)
    what = prepared(case)
    assert Run(case, what, np.random.default_rng(0)).run() == []

    def nothing_overlaps(claims: Claims) -> None:
        claims.overlaps = {name: {name} for name in claims.overlaps}

    found = Run(case, with_claims(what, nothing_overlaps), np.random.default_rng(0)).run()
    assert any(one.startswith("objects: ") and one.endswith(" meet") for one in found), found
