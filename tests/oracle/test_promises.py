"""The check itself: it passes a right derivative, and notices each promise that is broken."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from oracle import active, check, const, dup, gradient, promises
from oracle.arguments import Allocations
from oracle.promises import Outcome


@njit
def kernel(x, a, b):
    s = 0.0
    for i in range(a.shape[0]):
        a[i] = a[i] * x + b[0]
        s += a[i] * a[i]
    return s


class Right:
    """A derivative that is the oracle's; its children break one promise each."""

    def __init__(self, function, arguments, seed, like, disable=()):
        self.function, self.seed, self.disable = function, seed, disable

    def __call__(self, call: Allocations, shadows: list[np.ndarray]) -> Outcome:
        want = gradient.expected(self.function, call, shadows, self.seed, np.random.default_rng(0))
        memory, after = call.memory(), [flat.copy() for flat in shadows]
        value = self.function(*call.views(memory))
        rest = iter(want.adjoint.tolist())
        for flat, positions in zip(after, call.covered(), strict=True):
            flat[positions] = [next(rest) for _ in positions]
        return self.spoil(Outcome(memory, after, tuple(rest), value))

    def reorders(self) -> bool:
        return False

    def spoil(self, outcome: Outcome) -> Outcome:
        return outcome


class SlightlyWrongShadow(Right):
    def spoil(self, outcome):
        outcome.shadows[0][1] *= 1.0 + 1e-9
        return outcome


class SlightlyWrongAdjoint(Right):
    def spoil(self, outcome):
        outcome.adjoints = (outcome.adjoints[0] * (1.0 + 1e-9),)
        return outcome


class NotANumber(Right):
    def spoil(self, outcome):
        outcome.adjoints = (float("nan"),)
        return outcome


class WritesBesideTheShadow(Right):
    def spoil(self, outcome):
        outcome.shadows[0][-1] += 1.0
        return outcome


class WritesTheShadowOfConst(Right):
    def spoil(self, outcome):
        outcome.shadows[1][0] += 1.0
        return outcome


class OtherPrimalBits(Right):
    def spoil(self, outcome):
        outcome.memory[0][0] = np.nextafter(outcome.memory[0][0], 9.0)
        return outcome


class OtherValueBits(Right):
    def spoil(self, outcome):
        outcome.value = np.nextafter(outcome.value, 9.0)
        return outcome


class PlanStepChangesABit(Right):
    def spoil(self, outcome):
        if self.disable:
            outcome.shadows[0][0] = np.nextafter(outcome.shadows[0][0], 9.0)
        return outcome


class SecondCallDiffers(Right):
    calls = 0

    def spoil(self, outcome):
        self.calls += 1
        if self.calls == 2:
            outcome.adjoints = (np.nextafter(outcome.adjoints[0], 9.0),)
        return outcome


def arguments(rng):
    """The duplicated array does not show the last float of its memory."""
    return active(0.7), dup(rng.normal(size=5)[:4]), const(rng.normal(size=1))


@pytest.fixture
def checked(monkeypatch):
    """The check of a stand-in for the engine's derivative."""
    monkeypatch.delenv("PYFRONT_AUDIT_ORACLE", raising=False)

    def run(stand_in, *arguments):
        monkeypatch.setattr(promises, "Derivative", stand_in)
        check(kernel, *arguments)

    return run


def test_right_derivative_passes(checked, rng):
    checked(Right, *arguments(rng))


@pytest.mark.parametrize("wrong", Right.__subclasses__())
def test_broken_promise_is_noticed(checked, rng, wrong):
    with pytest.raises(AssertionError):
        checked(wrong, *arguments(rng))


def test_right_derivative_passes_along_random_directions(checked, rng, monkeypatch):
    many = active(0.7), dup(rng.normal(size=120)), const(rng.normal(size=1))

    class Exact(Right):
        def __call__(self, call, shadows):
            with monkeypatch.context() as unlimited:
                unlimited.setattr(gradient, "MOST_UNIT_DIRECTIONS", 1000)
                return super().__call__(call, shadows)

    class Wrong(Exact):
        def spoil(self, outcome):
            outcome.shadows[0][77] *= 1.0 + 1e-7
            return outcome

    checked(Exact, *many)
    with pytest.raises(AssertionError):
        checked(Wrong, *many)


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

    monkeypatch.setattr(promises, "expected", wrong)
    with pytest.raises(AssertionError):
        check(kernel, *arguments(rng))
