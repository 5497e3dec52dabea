"""Products through BLAS: of matrices and vectors, into arrays that are there, of an array with itself, in loops; of
any layout, and with the factors overwritten afterwards."""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature, Number

MATRIX = "f82C"
"""The family of matrices of float64 in C order; `local` is that of vectors."""


def make_matrix(d: Drawing, rows: int, columns: int) -> Array:
    """A new matrix of float64."""
    name = d.name("m")
    if d.one_in(3):
        left = make_vector(d, rows)
        d.emit(f"{name} = np.outer({left.name}, {make_vector(d, columns).name})")
    else:
        d.emit(f"{name} = np.empty(({rows}, {columns}))")
        with d.loop_over(f"range({rows})", 0, rows - 1) as i, d.loop_over(f"range({columns})", 0, columns - 1) as j:
            d.emit(f"{name}[{i}, {j}] = {d.bounded(2.0, 1)}")
    array = Array(name, (rows, columns), MATRIX)
    d.scope.arrays.append(array)
    return array


def make_vector(d: Drawing, length: int) -> Array:
    """A vector of float64 in C order: one in scope, or a new one."""
    known = [array for array in d.arrays(rank=1) if array.family == "local" and array.shape == (length,)]
    if known and d.one_in(2):
        return d.pick(known)
    name = d.name("t")
    d.emit(f"{name} = np.full({length}, 1.0 * ({d.bounded(2.0, 1)}))")
    d.emit(f"{name}[{d.between(0, length - 1)}] = {d.bounded(2.0, 1)}")
    array = Array(name, (length,), "local")
    d.scope.arrays.append(array)
    return array


def matrix(d: Drawing) -> Array:
    known = [array for array in d.arrays(rank=2) if array.family in (MATRIX, f"{MATRIX}F")]
    if known and not d.one_in(3):
        return d.pick(known)
    return make_matrix(d, d.between(1, 3), d.between(1, 3))


def shown(d: Drawing, array: Array) -> tuple[str, tuple[int, int]]:
    """A matrix as it is, or a view of it."""
    name, (rows, columns) = array.name, array.shape
    return d.pick(
        [
            (name, (rows, columns)),
            (name, (rows, columns)),
            (f"{name}.T", (columns, rows)),
            (f"{name}[::-1]", (rows, columns)),
            (f"{name}[:, ::2]", (rows, (columns + 1) // 2)),
            (f"np.asfortranarray({name})", (rows, columns)),
        ]
    )


def spoil(d: Drawing, array: Array) -> None:
    """Something of a factor changes after the product."""
    if array.writable and d.one_in(2):
        d.emit(d.update(d.element_of(array)))


def of_matrices(d: Drawing) -> None:
    left = matrix(d)
    text, (rows, inner) = shown(d, left)
    square = rows == inner and d.one_in(3)
    right = left if square else make_matrix(d, inner, d.between(1, 3))
    columns = right.shape[1] if not square else inner
    if square:
        text = left.name
        rows, columns = left.shape
    name = d.name("m")
    d.emit(f"{name} = {d.pick([f'{text} @ {right.name}', f'np.dot({text}, {right.name})'])}")
    if d.one_in(2):
        spoil(d, d.pick([left, right]))
    d.emit(f"{name} *= 0.1")
    d.scope.arrays.append(Array(name, (rows, columns), MATRIX))


def with_a_vector(d: Drawing) -> None:
    left = matrix(d)
    text, (rows, columns) = shown(d, left)
    name = d.name("t")
    if d.one_in(2):
        vector, length = make_vector(d, columns), rows
        d.emit(f"{name} = 0.2 * ({text} @ {vector.name})")
    else:
        vector, length = make_vector(d, rows), columns
        d.emit(f"{name} = 0.2 * np.dot({vector.name}, {text})")
    spoil(d, d.pick([left, vector]))
    d.scope.arrays.append(Array(name, (length,), "local"))


def into(d: Drawing) -> None:
    """Into an array that is there, which held something."""
    left = matrix(d)
    vector, out = make_vector(d, left.shape[1]), d.name("t")
    d.emit(f"{out} = np.full({left.shape[0]}, 1.0 * ({d.bounded(2.0, 1)}))")
    if d.one_in(2):
        d.emit(f"{d.pick(d.scope.scalars)} = 0.5 * {out}[0]")
    d.emit(f"np.dot({left.name}, {vector.name}, {out})")
    d.emit(f"{out} *= 0.2")
    d.scope.arrays.append(Array(out, (left.shape[0],), "local"))


def iterated(d: Drawing) -> None:
    """A vector that a matrix moves again and again; the matrix may change too."""
    if not d.roomy:
        return with_a_vector(d)
    n = d.between(2, 3)
    left, vector = make_matrix(d, n, n), make_vector(d, n)
    with d.loop_over(d.pick(["range(2)", "range(z)", "range(3)"]), 0, 2):
        d.emit(f"{vector.name} = 0.2 * ({left.name} @ {vector.name})")
        if d.one_in(2):
            d.emit(d.update(d.element_of(left)))
        d.emit(f"{vector.name}[0] += {d.bounded(1.0, 1)}")
    return None


def narrow(d: Drawing) -> None:
    """Of float32."""
    name, vector, product = d.name("m"), d.name("t"), d.name("t")
    d.emit(f"{name} = np.ones((2, 3), np.float32)")
    with d.loop_over("range(2)", 0, 1) as i, d.loop_over("range(3)", 0, 2) as j:
        d.emit(f"{name}[{i}, {j}] = np.float32({d.bounded(2.0, 1)})")
    d.emit(f"{vector} = np.ones(3, np.float32)")
    d.emit(f"{vector}[{d.between(0, 2)}] = np.float32({d.bounded(2.0, 1)})")
    d.emit(f"{product} = np.float32(0.2) * ({name} @ {vector})")
    d.scope.arrays += [Array(name, (2, 3), "f42C"), Array(vector, (3,), "f41C"), Array(product, (2,), "f41C")]


def inner(d: Drawing, depth: int) -> Number:
    """Of two vectors that are alike, perhaps one twice, perhaps every other element."""
    groups = [a for a in d.arrays(rank=1) if a.family]
    if not groups:
        return d.leaf()
    left = d.pick(groups)
    right = d.pick([a for a in groups if a.family == left.family])
    k, step = min(left.shape[0], right.shape[0]), d.pick(["", "", ":2", ":-1"])
    part = f"[:min({left.name}.shape[0], {right.name}.shape[0])]" + (f"[:{step}]" if step else "")
    u, v = f"{left.name}{part}", f"{right.name}{part}"
    return Number(d.pick([f"({u} @ {v})", f"np.dot({u}, {v})", f"np.vdot({u}, {v})"]), LARGEST * LARGEST * k)


def quadratic(d: Drawing) -> None:
    left = matrix(d)
    u, v, name = make_vector(d, left.shape[0]), make_vector(d, left.shape[1]), d.name("s")
    d.emit(f"{name} = 0.02 * ({u.name} @ {left.name} @ {v.name})")
    spoil(d, left)
    d.scope.scalars.append(name)


FEATURE = Feature(
    "products",
    statements=(of_matrices, of_matrices, with_a_vector, with_a_vector, into, iterated, narrow, quadratic),
    expressions=(inner,),
)
