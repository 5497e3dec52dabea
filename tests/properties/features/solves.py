"""Solves, inverses, determinants and Cholesky factors of LAPACK: of matrices whose diagonal dominates, in any order, of
float32 too, in loops that change the matrix, and with the matrix overwritten afterwards.

Invariant: what is solved has a diagonal of at least 2.5 and rows off it of at most 1.5, so it is far from singular.
"""

from __future__ import annotations

from dataclasses import dataclass

from properties.drawing import Array, Drawing, Feature, Number
from properties.features.products import MATRIX, make_vector


@dataclass(frozen=True)
class System:
    """A matrix, the name it is solved by, and its size."""

    name: str
    text: str
    size: int
    dtype: str

    def number(self, text: str) -> str:
        return f"np.float32({text})" if self.dtype == "f4" else text


def system(d: Drawing, dtype: str = "f8") -> System:
    name, size = d.name("m"), d.between(1, 3)
    narrow = ", np.float32" if dtype == "f4" else ""
    its = System(name, name, size, dtype)
    strided = d.one_in(5)
    d.emit(f"{name} = np.empty(({2 * size if strided else size}, {size}){narrow}){'[::2]' if strided else ''}")
    with d.loop_over(f"range({size})", 0, size - 1) as i:
        with d.loop_over(f"range({size})", 0, size - 1) as j:
            d.emit(f"{name}[{i}, {j}] = {its.number(d.bounded(0.5, 1))}")
        d.emit(f"{name}[{i}, {i}] += {its.number('3.0')}")
    text = d.pick([name, name, name, f"{name}.T", f"np.asfortranarray({name})", f"{name}[::-1, ::-1]"])
    return System(name, text, size, dtype)


def element(d: Drawing, its: System) -> str:
    return f"{its.name}[{d.between(0, its.size - 1)}, {d.between(0, its.size - 1)}]"


def spoil(d: Drawing, its: System) -> None:
    """The matrix is overwritten, or a part of it."""
    way = d.between(0, 3)
    if way == 0:
        d.emit(f"{its.name}[:] = {its.number('0.5')}")
    elif way == 1:
        d.emit(f"{element(d, its)} = {its.number(d.bounded(2.0, 1))}")


def solve(d: Drawing) -> None:
    its, name = system(d), d.name("t")
    if d.one_in(3):
        columns, right = d.between(1, 2), d.name("m")
        d.emit(f"{right} = np.full(({its.size}, {columns}), 1.0 * ({d.bounded(2.0, 1)}))")
        d.emit(f"{right}[{its.size - 1}, 0] = {d.bounded(2.0, 1)}")
        d.emit(f"{name} = np.linalg.solve({its.text}, {right})")
        d.emit(d.update(f"{right}[0, 0]"))
        d.scope.arrays.append(Array(name, (its.size, columns)))
    else:
        right = make_vector(d, its.size).name
        d.emit(f"{name} = np.linalg.solve({its.text}, {right})")
        if d.one_in(2):
            d.emit(d.update(f"{right}[0]"))
        d.scope.arrays.append(Array(name, (its.size,)))
    spoil(d, its)


def solve_narrow(d: Drawing) -> None:
    its, right, name = system(d, "f4"), d.name("t"), d.name("t")
    d.emit(f"{right} = np.ones({its.size}, np.float32)")
    d.emit(f"{right}[0] = np.float32({d.bounded(2.0, 1)})")
    d.emit(f"{name} = np.linalg.solve({its.text}, {right})")
    spoil(d, its)
    d.scope.arrays += [Array(right, (its.size,), "f41C"), Array(name, (its.size,))]


def inverse(d: Drawing) -> None:
    its, name = system(d), d.name("m")
    d.emit(f"{name} = np.linalg.inv({its.text})")
    spoil(d, its)
    d.scope.arrays.append(Array(name, (its.size, its.size)))


def factor(d: Drawing) -> None:
    its, name = system(d, d.pick(["f8", "f8", "f8", "f4"])), d.name("m")
    d.emit(f"{name} = np.linalg.cholesky({its.text})")
    spoil(d, its)
    d.scope.arrays.append(Array(name, (its.size, its.size)))
    if d.one_in(3):
        s = d.name("s")
        d.emit(f"{s} = 0.0")
        with d.loop_over(f"range({its.size})", 0, its.size - 1) as i:
            d.emit(f"{s} += math.log({name}[{i}, {i}])")
        d.scope.scalars.append(s)


def determinant(d: Drawing) -> None:
    its, name = system(d), d.name("s")
    d.emit(f"{name} = 0.02 * np.linalg.det({its.text})")
    spoil(d, its)
    d.scope.scalars.append(name)


def steps(d: Drawing) -> None:
    """Implicit steps, each with a matrix of its own."""
    if not d.roomy:
        return solve(d)
    its = system(d)
    name = d.name("t")
    d.emit(f"{name} = np.full({its.size}, 1.0 * ({d.bounded(2.0, 1)}))")
    with d.loop_over(d.pick(["range(2)", "range(z)", "range(3)"]), 0, 2):
        d.emit(f"{name} = np.linalg.solve({its.text}, {name})")
        if d.one_in(2):
            d.emit(f"{its.name}[0, 0] += 0.125 * {name}[0] * {name}[-1]")
        d.emit(f"{name}[0] += {d.bounded(1.0, 1)}")
    d.scope.arrays.append(Array(name, (its.size,)))
    return None


def in_recursion(d: Drawing) -> None:
    """Products and solves in functions that call themselves."""
    size = d.between(1, 3)
    name, made = d.name("m"), d.name("m")
    d.emit(f"{name} = np.full(({size}, {size}), 1.0 * ({d.bounded(0.4, 1)}))")
    with d.loop_over(f"range({size})", 0, size - 1) as i:
        d.emit(f"{name}[{i}, {i}] = 3.0 + {d.bounded(0.5, 1)}")
    depth = d.pick(["1", "2", "z"])
    if d.one_in(2):
        d.emit(f"{made} = 0.2 * powered({name}, {depth})")
        d.scope.arrays.append(Array(made, (size, size), MATRIX))
    else:
        d.emit(f"{made} = eliminated({name}, np.full({size}, 1.0 * ({d.bounded(2.0, 1)})), {depth})")
        d.scope.arrays.append(Array(made, (size,), "local"))


def length(d: Drawing, depth: int) -> Number:
    """Not of arrays that run backwards, whose norm Numba gets wrong."""
    arrays = [array for array in d.arrays(rank=1) if array.family == "local" or array.even]
    if not arrays:
        return d.leaf()
    return Number(f"np.linalg.norm({d.pick(arrays).name})", 8.0)


FEATURE = Feature(
    "solves",
    statements=(solve, solve, solve_narrow, inverse, factor, determinant, steps, in_recursion),
    expressions=(length,),
)
