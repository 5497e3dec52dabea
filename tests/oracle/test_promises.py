"""The check itself: it passes right derivatives, and notices each promise that is broken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numba import njit

from oracle import active, adjoints, batches, check, const, dup, gradient, promises, tangents
from oracle.adjoints import Pulled
from oracle.arguments import Allocations
from oracle.batches import Lanes
from oracle.case import Case
from oracle.tangents import Direction, Pushed


@njit
def kernel(x, a, b):
    s = 0.0
    for i in range(a.shape[0]):
        a[i] = a[i] * x + b[0]
        s += a[i] * a[i]
    return s


def following(number: float) -> float:
    """The next float."""
    return np.nextafter(number, 9.0)


class RightAdjoints:
    """Stands in for the engine's reverse derivative; its children break one promise each."""

    def __init__(self, function, call, like, seed=0.0, disable=()):
        self.function, self.call, self.seed, self.disable = function, call, seed, disable

    def __call__(self, shadows: list[np.ndarray]) -> Pulled:
        want = gradient.expected(self.function, self.call, shadows, self.seed, np.random.default_rng(0))
        memory, after = self.call.memory(), [flat.copy() for flat in shadows]
        value = self.function(*self.call.views(memory))
        rest = iter(want.adjoint.tolist())
        for flat, positions in zip(after, self.call.covered(), strict=True):
            flat[positions] = [next(rest) for _ in positions]
        return self.spoil(Pulled(memory, after, tuple(rest), value))

    def reorders(self) -> bool:
        return False

    def spoil(self, pulled: Pulled) -> Pulled:
        return pulled


class SlightlyWrongShadow(RightAdjoints):
    def spoil(self, pulled):
        pulled.shadows[0][1] *= 1.0 + 1e-9
        return pulled


class SlightlyWrongAdjoint(RightAdjoints):
    def spoil(self, pulled):
        pulled.adjoints = (pulled.adjoints[0] * (1.0 + 1e-9),)
        return pulled


class NotANumber(RightAdjoints):
    def spoil(self, pulled):
        pulled.adjoints = (float("nan"),)
        return pulled


class WritesBesideTheShadow(RightAdjoints):
    def spoil(self, pulled):
        pulled.shadows[0][-1] += 1.0
        return pulled


class WritesTheShadowOfConst(RightAdjoints):
    def spoil(self, pulled):
        pulled.shadows[1][0] += 1.0
        return pulled


class OtherPrimalBits(RightAdjoints):
    def spoil(self, pulled):
        pulled.memory[0][0] = following(pulled.memory[0][0])
        return pulled


class OtherValueBits(RightAdjoints):
    def spoil(self, pulled):
        pulled.value = following(pulled.value)
        return pulled


class PlanStepChangesABit(RightAdjoints):
    def spoil(self, pulled):
        if self.disable:
            pulled.shadows[0][0] = following(pulled.shadows[0][0])
        return pulled


class SecondCallDiffers(RightAdjoints):
    calls = 0

    def spoil(self, pulled):
        self.calls += 1
        if self.calls == 2:
            pulled.adjoints = (following(pulled.adjoints[0]),)
        return pulled


class RightTangents:
    """Stands in for the engine's forward derivative; its children break one promise each."""

    def __init__(self, function, call, like, no_need=False):
        self.function, self.call, self.no_need = function, call, no_need

    def __call__(self, direction: Direction) -> Pushed:
        want = gradient.expected(self.function, self.call, direction.memory, 0.0, np.random.default_rng(0))
        memory, after = self.call.memory(), [flat.copy() for flat in direction.memory]
        value = self.function(*self.call.views(memory))
        rest = iter((want.tangents @ direction.weights).tolist())
        for flat, positions in zip(after, self.call.covered(), strict=True):
            flat[positions] = [next(rest) for _ in positions]
        return self.spoil(Pushed(memory, after, value, next(rest)))

    def spoil(self, pushed: Pushed) -> Pushed:
        return pushed


class SlightlyWrongArrayTangent(RightTangents):
    def spoil(self, pushed):
        pushed.tangents[0][1] *= 1.0 + 1e-9
        return pushed


class SlightlyWrongTangent(RightTangents):
    def spoil(self, pushed):
        pushed.tangent *= 1.0 + 1e-9
        return pushed


class TangentIsNotANumber(RightTangents):
    def spoil(self, pushed):
        pushed.tangents[0][0] = float("nan")
        return pushed


class WritesBesideTheTangent(RightTangents):
    def spoil(self, pushed):
        pushed.tangents[0][-1] += 1.0
        return pushed


class WritesTheTangentOfConst(RightTangents):
    def spoil(self, pushed):
        pushed.tangents[1][0] += 1.0
        return pushed


class OtherPrimalBitsForward(RightTangents):
    def spoil(self, pushed):
        pushed.memory[0][0] = following(pushed.memory[0][0])
        return pushed


class OtherValueBitsForward(RightTangents):
    def spoil(self, pushed):
        pushed.value = following(pushed.value)
        return pushed


class SecondForwardCallDiffers(RightTangents):
    calls = 0

    def spoil(self, pushed):
        self.calls += 1
        if self.calls == 2:
            pushed.tangent = following(pushed.tangent)
        return pushed


class WrongWithoutFinalValues(RightTangents):
    def spoil(self, pushed):
        if self.no_need:
            pushed.tangents[0][0] *= 1.0 + 1e-9
        return pushed


class NotTheOraclesMistake(RightTangents):
    """Wrong by less than the oracle's tolerance, which the inner products notice."""

    def spoil(self, pushed):
        pushed.tangents[0][1] *= 1.0 + 5e-12
        pushed.tangents[0][0] *= 1.0 + 5e-12
        return pushed


class RightBatch:
    """Stands in for the engine's batches; its children break one promise each."""

    def __init__(self, case: Case, *, forward: bool, stacked: bool = False) -> None:
        self.case, self.forward = case, forward

    def __call__(self, shadows, scalars, seed=None):
        case = self.case
        if self.forward:
            # The stand-in of the single derivative goes by the weights, which are the tangents for unit directions.
            tangents = RightTangents(case.kernel, case.call, case.value)
            weights = [np.concatenate([flat[0][:4], its]) for flat, its in zip(shadows, scalars, strict=True)]
            pushed = [tangents(Direction(w, lane, [])) for w, lane in zip(weights, shadows, strict=True)]
            lanes = Lanes(
                pushed[0].memory,
                [lane.tangents for lane in pushed],
                [[lane.tangent for lane in pushed]],
                pushed[0].value,
            )
        else:
            pulled = [
                RightAdjoints(case.kernel, case.call, case.value, its)(lane)
                for lane, its in zip(shadows, seed, strict=True)
            ]
            lanes = Lanes(
                pulled[0].memory,
                [lane.shadows for lane in pulled],
                [[lane.adjoints[0] for lane in pulled]],
                pulled[0].value,
            )
        return self.spoil(lanes)

    def spoil(self, lanes: Lanes) -> Lanes:
        return lanes


class SwappedLanes(RightBatch):
    def spoil(self, lanes):
        return replace(lanes, shadows=lanes.shadows[::-1])


class SwappedResults(RightBatch):
    def spoil(self, lanes):
        return replace(lanes, scalars=[lane[::-1] for lane in lanes.scalars])


class WritesBesideALane(RightBatch):
    def spoil(self, lanes):
        lanes.shadows[1][0][-1] += 1.0
        return lanes


class OtherPrimalBitsInABatch(RightBatch):
    def spoil(self, lanes):
        lanes.memory[0][0] = following(lanes.memory[0][0])
        return lanes


def arguments(rng):
    """The duplicated array does not show the last float of its memory."""
    return active(0.7), dup(rng.normal(size=5)[:4]), const(rng.normal(size=1))


@pytest.fixture
def checked(monkeypatch):
    """The check of stand-ins for the engine's derivatives."""
    monkeypatch.delenv("PYFRONT_AUDIT_ORACLE", raising=False)
    monkeypatch.setattr(tangents, "NO_NEED_EVERY", 1)

    def run(pulling, pushing, *arguments):
        monkeypatch.setattr(adjoints, "Adjoints", pulling)
        monkeypatch.setattr(tangents, "Tangents", pushing)
        monkeypatch.setattr(promises, "check_batches", lambda case: None)
        check(kernel, *arguments)

    return run


def test_right_derivatives_pass(checked, rng):
    checked(RightAdjoints, RightTangents, *arguments(rng))


@pytest.mark.parametrize("wrong", RightAdjoints.__subclasses__())
def test_broken_promise_of_reverse_mode_is_noticed(checked, rng, wrong):
    with pytest.raises(AssertionError):
        checked(wrong, RightTangents, *arguments(rng))


@pytest.mark.parametrize("wrong", RightTangents.__subclasses__())
def test_broken_promise_of_forward_mode_is_noticed(checked, rng, wrong):
    with pytest.raises(AssertionError):
        checked(RightAdjoints, wrong, *arguments(rng))


@pytest.mark.parametrize("forward", [True, False])
def test_broken_promise_of_a_batch_is_noticed(rng, monkeypatch, forward):
    monkeypatch.setattr(batches, "Tangents", RightTangents)
    monkeypatch.setattr(batches, "Adjoints", RightAdjoints)
    case = Case.of(kernel, arguments(rng), 0.75, None)

    def run(stand_in):
        monkeypatch.setattr(batches, "Batch", stand_in)
        if forward:
            batches.check_tangents(case, stacked=False)
        else:
            batches.check_adjoints(case, seed_per_lane=True)

    run(RightBatch)
    for wrong in RightBatch.__subclasses__():
        with pytest.raises(AssertionError):
            run(wrong)


def test_right_derivative_passes_along_random_directions(checked, rng, monkeypatch):
    many = active(0.7), dup(rng.normal(size=120)), const(rng.normal(size=1))

    class Exact(RightAdjoints):
        def __call__(self, shadows):
            with monkeypatch.context() as unlimited:
                unlimited.setattr(gradient, "MOST_UNIT_DIRECTIONS", 1000)
                return super().__call__(shadows)

    class Wrong(Exact):
        def spoil(self, pulled):
            pulled.shadows[0][77] *= 1.0 + 1e-7
            return pulled

    class ExactTangents(RightTangents):
        def __call__(self, direction):
            unit = Direction(np.concatenate([direction.memory[0], direction.scalars]), direction.memory, [])
            with monkeypatch.context() as unlimited:
                unlimited.setattr(gradient, "MOST_UNIT_DIRECTIONS", 1000)
                return super().__call__(unit)

    checked(Exact, ExactTangents, *many)
    with pytest.raises(AssertionError):
        checked(Wrong, ExactTangents, *many)


def test_copies_keep_layout_and_overlap(rng):
    memory = rng.normal(size=(4, 6))
    arrays = memory[::2, ::-1], memory.T, memory[1, 2:], np.asfortranarray(memory)
    call = Allocations(tuple(dup(array) for array in arrays))
    assert len(call.owners) == 2
    copies = call.views(call.memory())
    for array, copied in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copied)
        assert array.strides == copied.strides
        assert not np.shares_memory(array, copied)
    copies[0][0, 0] = 7.0
    assert copies[1][5, 0] == 7.0
    objects = call.views([flat.astype(object) for flat in call.memory()])
    objects[0][0, 0] = "same place"
    assert objects[1][5, 0] == "same place"


def test_audit_compares_the_oracle_with_differences(rng, monkeypatch):
    monkeypatch.setenv("PYFRONT_AUDIT_ORACLE", "1")
    check(kernel, *arguments(rng))
    right = gradient.expected

    def wrong(*call):
        want = right(*call)
        want.adjoint[0] *= 1.01
        return want

    monkeypatch.setattr("oracle.case.expected", wrong)
    with pytest.raises(AssertionError):
        check(kernel, *arguments(rng))
