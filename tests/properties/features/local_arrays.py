"""Arrays that live in the kernel: full or partly written, allocated in a loop, of two dimensions, of float32."""

from __future__ import annotations

from properties.drawing import LARGEST, Array, Drawing, Feature


def allocate(d: Drawing) -> None:
    """A local array that holds something everywhere."""
    name = d.name("t")
    text = d.pick(["np.zeros(n)", f"np.full(n, 1.0 * ({d.bounded(LARGEST, 1)}))", "np.ones(n)", "np.zeros(4)"])
    d.emit(f"{name} = {text}")
    d.scope.arrays.append(Array(name, (4,), "local"))


def copied(d: Drawing) -> None:
    arrays = d.arrays()
    if not arrays:
        return allocate(d)
    array, name = d.pick(arrays), d.name("t")
    d.emit(f"{name} = {array.name}.copy()")
    d.scope.arrays.append(Array(name, array.shape))
    return None


def filled_in_a_loop(d: Drawing) -> None:
    name = d.name("t")
    d.emit(f"{name} = np.empty(n)")
    with d.loop_over("range(n)", 0, 3) as i:
        d.emit(f"{name}[{i}] = {d.bounded()}")
    d.scope.arrays.append(Array(name, (4,), "local"))


def partly_written(d: Drawing) -> None:
    """Only a part of the array is written, and only that part is read."""
    name, first = d.name("t"), d.between(0, 1)
    d.emit(f"{name} = np.empty(n + 3)")
    with d.loop_over(f"range({first}, n)", first, 3) as i:
        d.emit(f"{name}[{i}] = {d.bounded()}")
    target = d.element(writable=True)
    d.emit(f"{target} = 0.5 * {target} + 0.25 * {name}[{d.pick([str(first), '3', 'n - 1'])}]")


def written_under_condition(d: Drawing) -> None:
    """An array of zeros in which some elements are replaced."""
    name = d.name("t")
    d.emit(f"{name} = np.zeros(n)")
    if d.roomy:
        with d.loop_over("range(n)", 0, 3) as i, d.block(f"if {d.condition()}:"):
            d.emit(f"{name}[{i}] = {d.bounded()}")
    d.scope.arrays.append(Array(name, (4,), "local"))


def in_each_iteration(d: Drawing) -> None:
    """A fresh array in each iteration; what is left of it is its sum, or the array of the last iteration."""
    if not d.roomy:
        return allocate(d)
    name, kept = d.name("t"), d.name("t")
    d.emit(f"{kept} = np.zeros(n)")
    with d.loop_over(d.pick(["range(z)", "range(2)"]), 0, 1):
        d.emit(f"{name} = {d.pick(['np.zeros(n)', 'np.empty(n)', f'{kept}.copy()'])}")
        with d.loop_over("range(n)", 0, 3) as i:
            d.emit(f"{name}[{i}] = 0.5 * {kept}[{i}] + {d.bounded(1.5)}")
        d.emit(f"{kept} = {name}")
    d.scope.arrays.append(Array(kept, (4,), "local"))
    return None


def two_dimensional(d: Drawing) -> None:
    name = d.name("t")
    d.emit(f"{name} = np.zeros((n, 2))")
    if d.roomy:
        with d.loop_over("range(n)", 0, 3) as i:
            d.emit(f"{name}[{i}, {d.pick(['0', '1', f'{i} % 2'])}] = {d.bounded()}")
    d.scope.arrays.append(Array(name, (4, 2)))


FEATURE = Feature(
    "local arrays",
    statements=(
        allocate,
        copied,
        filled_in_a_loop,
        partly_written,
        written_under_condition,
        in_each_iteration,
        two_dimensional,
    ),
)
