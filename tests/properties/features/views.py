"""Views: slices of either direction, rows and columns, transposes, flattened arrays, empty ones; kept across
iterations, so that what they show changes while they stay, or moved, so that they show something else."""

from __future__ import annotations

from properties.drawing import Array, Drawing, Feature, Index, Number


def slices(d: Drawing, array: Array) -> tuple[str, int]:
    """A slice of a 1D array and its length."""
    length = array.shape[0]
    choices = [("::-1", length), (":", length), ("::2", (length + 1) // 2)]
    if length > 1:
        choices += [("1:", length - 1), (":-1", length - 1), ("1::2", length // 2), (":-1:1", length - 1)]
    if length > 2:
        choices += [("1:-1", length - 2), ("::-2", (length + 1) // 2), ("-2::-1", length - 1)]
    return d.pick(choices)


def draw_view(d: Drawing) -> tuple[str, tuple[int, ...], bool] | None:
    """A view of an array in scope: its text, its shape, whether it may be written."""
    arrays = d.arrays()
    if not arrays:
        return None
    array = d.pick(arrays)
    name, shape = array.name, array.shape
    if array.rank == 1:
        part, length = slices(d, array)
        return f"{name}[{part}]", (length,), array.writable
    if array.rank == 2:
        rows, columns = shape
        return d.pick(
            [
                (f"{name}[{d.index(array, 0)}]", (columns,), array.writable),
                (f"{name}[:, {d.index(array, 1)}]", (rows,), array.writable),
                (f"{name}.T", (columns, rows), array.writable),
                (f"{name}.T[{d.index(array, 1)}]", (rows,), array.writable),
                (f"{name}[::-1]", (rows, columns), array.writable),
                (f"{name}[:, ::-1]", (rows, columns), array.writable),
                (f"{name}[{d.index(array, 0)}, ::2]", ((columns + 1) // 2,), array.writable),
            ]
        )
    return f"{name}[{d.index(array, 0)}]", shape[1:], array.writable


def make_view(d: Drawing) -> None:
    found = draw_view(d)
    if found is None:
        return d.emit(d.update(d.pick(d.scope.scalars)))
    text, shape, writable = found
    name = d.name("v")
    d.emit(f"{name} = {text}")
    if min(shape) > 0:
        d.scope.arrays.append(Array(name, shape, None, writable))
    return None


def moving_view(d: Drawing) -> None:
    """A view of what is left of an array, shorter in each iteration."""
    arrays = d.arrays(rank=1, least=3)
    if not arrays or not d.roomy:
        return make_view(d)
    array, name = d.pick(arrays), d.name("v")
    d.emit(f"{name} = {array.name}[:]")
    with d.loop_over("range(2)", 0, 1):
        target = f"{name}[{d.pick(['0', '-1'])}]"
        d.emit(d.update(target) if array.writable else d.update(d.pick(d.scope.scalars)))
        d.emit(f"{name} = {name}[{d.pick(['1:', ':-1', '::-1'])}]")
    d.emit(f"{d.pick(d.scope.scalars)} += 0.1 * {name}[0]")
    return None


def kept_view(d: Drawing) -> None:
    """A view made in one iteration is used in the next."""
    arrays = [array for array in d.arrays(rank=2, writable=True) if array.shape[0] > 1]
    if not arrays or not d.roomy:
        return make_view(d)
    array, last = d.pick(arrays), d.name("v")
    d.emit(f"{last} = {array.name}[0]")
    with d.loop_over(f"range({array.name}.shape[0])", 0, array.shape[0] - 1) as i:
        with d.loop_over(f"range({array.name}.shape[1])", 0, array.shape[1] - 1) as j:
            d.emit(f"{array.name}[{i}, {j}] = 0.5 * {array.name}[{i}, {j}] + 0.3 * {last}[{j}] * {d.bounded(1.0, 1)}")
        d.emit(f"{last} = {array.name}[{i}]")
    return None


def empty_view(d: Drawing) -> None:
    """A slice without elements begins where its array does."""
    arrays = d.arrays(rank=1, writable=True)
    if not arrays:
        return make_view(d)
    array, name = d.pick(arrays), d.name("v")
    d.emit(f"{name} = {array.name}[{d.pick([':0', '1:1', ':z'])}]")
    with d.block(f"for q in range({name}.shape[0]):", 3):
        d.emit(f"{name}[q] = 0.5 * {name}[q] + {d.bounded(0.5, 1)}")
    return None


def over_elements(d: Drawing) -> None:
    """`for s in x`: the loop rebinds the name, so it is not assigned."""
    arrays = d.arrays(rank=1)
    if not arrays or not d.roomy:
        return make_view(d)
    array, name = d.pick(arrays), d.name("e")
    with d.block(f"for {name} in {array.name}:", array.shape[0]):
        d.scope.fixed.append(name)
        d.body(1, 2)
    return None


def by_strides(d: Drawing) -> None:
    """A view that is made by strides: all elements in a row, or a diagonal."""
    arrays = [array for array in d.arrays(rank=2) if array.even]
    if not arrays:
        return make_view(d)
    array, name = d.pick(arrays), d.name("v")
    rows, columns = array.shape
    text, length = d.pick(
        [
            (f"({array.name}.size,), ({array.name}.strides[1],)", rows * columns),
            (f"(min({array.name}.shape),), ({array.name}.strides[0] + {array.name}.strides[1],)", min(rows, columns)),
        ]
    )
    d.emit(f"{name} = np.lib.stride_tricks.as_strided({array.name}, {text})")
    d.scope.arrays.append(Array(name, (length,), None, array.writable))
    if d.one_in(2):
        # Through the view, then through the array.
        d.emit(f"{d.pick(d.scope.scalars)} = {name}[{d.between(0, length - 1)}] * {name}[-1]")
        d.emit(f"{array.name}[{d.index(array, 0)}, {d.index(array, 1)}] = {d.bounded()}")
    return None


def in_step(d: Drawing) -> None:
    """Two arrays at once, or an array and its places."""
    arrays = d.arrays(rank=1)
    if not arrays or not d.roomy:
        return make_view(d)
    left, right = d.pick(arrays), d.pick(arrays)
    e, f = d.name("e"), d.name("e")
    if d.one_in(2):
        with d.block(f"for {e}, {f} in zip({left.name}, {right.name}):", left.shape[0]):
            d.scope.fixed += [e, f]
            d.body(1, 2)
        return None
    with d.block(f"for {f}, {e} in enumerate({left.name}):", left.shape[0]):
        d.scope.fixed.append(e)
        d.scope.indices.append(Index(f, 0, left.shape[0] - 1))
        d.body(1, 2)
    return None


def flattened(d: Drawing, depth: int) -> Number:
    arrays = d.arrays(rank=2)
    if not arrays:
        return d.leaf()
    return Number(f"{d.pick(arrays).name}.ravel()[{d.pick(['0', '-1', '1 % n'])}]", 3.0)


FEATURE = Feature(
    "views",
    statements=(
        make_view,
        make_view,
        moving_view,
        kept_view,
        empty_view,
        over_elements,
        by_strides,
        by_strides,
        in_step,
    ),
    expressions=(flattened,),
)
