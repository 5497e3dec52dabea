"""Local arrays of float32 in a kernel of float64: what is stored is rounded, and products of two elements are
float32's own. Values are rounded where they are stored, so that the oracle, which holds doubles, rounds too."""

from __future__ import annotations

from properties.drawing import Array, Drawing, Feature, Number

FAMILY = "f41C"


def allocate(d: Drawing) -> None:
    name = d.name("t")
    d.emit(f"{name} = {d.pick(['np.zeros(n, np.float32)', 'np.ones(4, np.float32)'])}")
    if d.roomy:
        with d.loop_over("range(n)", 0, 3) as i:
            d.emit(f"{name}[{i}] = np.float32({d.bounded()})")
    d.scope.arrays.append(Array(name, (4,), FAMILY))


def filled(d: Drawing) -> None:
    name = d.name("t")
    d.emit(f"{name} = np.empty(n, np.float32)")
    with d.loop_over("range(n)", 0, 3) as i:
        d.emit(f"{name}[{i}] = np.float32({d.bounded()})")
    d.scope.arrays.append(Array(name, (4,), FAMILY))


def recurrence(d: Drawing) -> None:
    """Each element from the one before, in float32."""
    arrays = [array for array in d.arrays(rank=1, writable=True, least=2) if array.family == FAMILY]
    if not arrays or not d.roomy:
        return allocate(d)
    name = d.pick(arrays).name
    with d.loop_over(f"range(1, {name}.shape[0])", 1, 3) as i:
        d.emit(f"{name}[{i}] = np.float32(0.5) * {name}[{i}] * {name}[{i} - 1] + np.float32({d.bounded(1.0, 1)})")
    return None


def rounded(d: Drawing, depth: int) -> Number:
    e = d.number(depth)
    return Number(f"np.float32({e.text})", e.bound)


FEATURE = Feature("narrow arrays", statements=(allocate, filled, recurrence), expressions=(rounded,))
