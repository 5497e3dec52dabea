"""Infinities and NaN in values that are not used: the arrays `inverse` and `mask` tell which ones are.

`inverse` is a Const array in which some elements are infinite or NaN, and `mask` says which (1 where finite). A value
that a branch, a selection or a mask in memory discards contributes nothing to a derivative, 0 * inf least of all.
"""

from __future__ import annotations

from properties.drawing import Drawing, Feature, Number


def available(d: Drawing) -> bool:
    return bool(d.scope.masks)


def position(d: Drawing) -> str:
    """An index into the two arrays, the same for both."""
    choices = [f"{v.name} % inverse.shape[0]" for v in d.scope.indices if v.low >= 0]
    return d.pick([*choices, *choices, "0", "-1"])


def selected(d: Drawing, depth: int) -> Number:
    if not available(d):
        return d.leaf()
    e, f, i = d.leaf(), d.number(depth), position(d)
    product = d.pick(
        [
            f"{e.text} * inverse[{i}]",
            f"math.exp(-abs({e.text}) * inverse[{i}])",
            f"{e.text} / (1.0 + inverse[{i}])",
            f"math.sin({e.text}) * inverse[{i}]",
        ]
    )
    test = d.pick([f"mask[{i}] == 1", f"mask[{i}] > 0", f"inverse[{i}] < 1e300"])
    return Number(f"({product} if {test} else {f.text})", max(3.0 * e.bound, f.bound))


def soft_minimum(d: Drawing, depth: int) -> Number:
    """Of a number and one that may be infinite: the infinite one has the weight zero."""
    if not available(d):
        return d.leaf()
    e, i = d.number(min(depth, 1)), position(d)
    return Number(f"soft_minimum({e.text}, inverse[{i}] if mask[{i}] == 1 else math.inf)", e.bound + 3.0)


def through_memory(d: Drawing) -> None:
    """All products are stored, and those that are finite are read."""
    outs = d.arrays(rank=1, writable=True)
    if not available(d) or not outs or not d.roomy:
        return d.emit(d.update(d.element(writable=True)))
    t, out, value = d.name("t"), d.pick(outs), d.leaf().text
    d.emit(f"{t} = np.empty(inverse.shape[0])")
    with d.loop_over("range(inverse.shape[0])", 0, 3) as i:
        d.emit(f"{t}[{i}] = {d.pick([value, d.leaf().text])} * inverse[{i}]")
    with d.loop_over(f"range(min(inverse.shape[0], {out.name}.shape[0]))", 0, min(3, out.shape[0] - 1)) as i:
        with d.block(f"if mask[{i}] == 1:"):
            d.emit(f"{out.name}[{i}] = {t}[{i}]")
        if d.one_in(2):
            with d.block("else:"):
                d.emit(f"{out.name}[{i}] = {d.bounded(2.0, 1)}")
    return None


def in_a_loop(d: Drawing) -> None:
    """A value that may become infinite goes round a loop, and is dropped after it."""
    if not available(d):
        return d.emit(d.update(d.pick(d.scope.scalars)))
    v, i, target = d.name("v"), position(d), d.pick(d.scope.scalars)
    d.emit(f"{v} = {d.leaf().text}")
    with d.block("for _ in range(z):"):
        d.emit(f"{v} = math.sin({v})")
    d.emit(f"{v} = {v} * inverse[{i}]")
    return d.emit(f"{target} = {v} if mask[{i}] == 1 else 0.5 * {target}")


FEATURE = Feature("masked", statements=(through_memory, in_a_loop), expressions=(selected, selected, soft_minimum))
