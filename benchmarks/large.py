"""Large kernels, written by rule: what grows when a kernel's source grows.

Each shape is a family of kernels of one style, by the number of statements; `fitted` picks the number that gives
about so many LLVM instructions. `seismic` is a kernel as seismology packages have it: a velocity-stress scheme on
a staggered grid with memory variables in its absorbing layers, some 850 lines of loops over three-dimensional arrays.

Invariant: the same size gives the same source, byte for byte.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba

import pyfront as ad


@dataclass(frozen=True)
class LargeKernel:
    """A kernel's source, and what is needed to differentiate it."""

    title: str
    source: str
    types: tuple[Any, ...]
    annotations: tuple[type, ...]

    @property
    def lines(self) -> int:
        return self.source.count("\n")

    def dispatcher(self) -> Any:
        """The kernel, for which nothing is compiled yet."""
        namespace: dict[str, Any] = {}
        exec("import math\nimport numpy as np\nfrom numba import njit\n" + self.source, namespace)
        return numba.njit(namespace["kernel"])


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]


def stencils(statements: int) -> LargeKernel:
    """Many fields on one grid, each the next state of others: eight updates a nest of loops, in a loop over time."""
    fields = [f"u{index}" for index in range(12)]
    choose = random.Random(0)
    lines = [f"def kernel({', '.join(fields)}, c, steps):", "    for t in range(steps):"]
    for first in range(0, statements, 8):
        lines += _indented(["for i in range(1, c.shape[0] - 1):", "    for j in range(1, c.shape[1] - 1):"], 2)
        for _ in range(first, min(first + 8, statements)):
            to, of, by = choose.sample(fields, 3)
            neighbours = f"{of}[i - 1, j] + {of}[i + 1, j] + {of}[i, j - 1] + {of}[i, j + 1] - 4.0 * {of}[i, j]"
            lines += _indented([f"{to}[i, j] += c[i, j] * {by}[i, j] * ({neighbours})"], 4)
    grid = numba.float64[:, ::1]
    return LargeKernel(
        "stencils", "\n".join(lines) + "\n", (grid,) * 13 + (numba.int64,), (ad.Duplicated,) * 13 + (ad.Const,)
    )


def chemistry(statements: int) -> LargeKernel:
    """Reactions between species: straight rate expressions, then the sums of each species, in a loop over time."""
    species = max(4, statements // 4)
    choose = random.Random(0)
    lines = ["def kernel(y, a, e, temperature, dt, steps):", "    for t in range(steps):"]
    gains: list[list[str]] = [[] for _ in range(species)]
    lines += _indented([f"y{index} = y[{index}]" for index in range(species)], 2)
    for reaction in range(statements):
        one, other, product = choose.sample(range(species), 3)
        rate = f"a[{reaction}] * math.exp(-e[{reaction}] / temperature) * y{one} * y{other}"
        lines += _indented([f"r{reaction} = {rate}"], 2)
        for index, sign in ((one, "-"), (other, "-"), (product, "+")):
            gains[index].append(f"{sign} r{reaction}")
    lines += _indented(
        [f"y[{index}] = y{index} + dt * (0.0 {' '.join(terms)})" for index, terms in enumerate(gains)], 2
    )
    vector = numba.float64[::1]
    return LargeKernel(
        "chemistry",
        "\n".join(lines) + "\n",
        (vector, vector, vector, numba.float64, numba.float64, numba.int64),
        (ad.Duplicated, ad.Duplicated, ad.Duplicated, ad.Active, ad.Const, ad.Const),
    )


def network(statements: int) -> LargeKernel:
    """A neural network without a loop over its neurons, each of which reads eight of the layer before."""
    width = 16
    weight = itertools.count()
    lines = ["def kernel(x, w):", "    loss = 0.0", "    for s in range(x.shape[0]):"]
    lines += _indented([f"h{index} = x[s, {index}]" for index in range(width)], 2)
    for neuron in range(width, width + statements):
        begin = (neuron // width - 1) * width
        inputs = [begin + (neuron + step) % width for step in range(0, width, 2)]
        terms = " + ".join(f"w[{next(weight)}] * h{index}" for index in inputs)
        lines += _indented([f"h{neuron} = math.tanh({terms})"], 2)
    lines += [*_indented([f"loss += h{width + statements - 1} ** 2"], 2), "    return loss"]
    return LargeKernel(
        "neural network",
        "\n".join(lines) + "\n",
        (numba.float64[:, ::1], numba.float64[::1]),
        (ad.Const, ad.Duplicated),
    )


CALL_SITES = "call sites"


def call_sites(sites: int) -> LargeKernel:
    """Calls of one function, of about 300 instructions once prepared: a few are inlined, many stay calls."""
    reaction = chemistry(21)
    callee = reaction.source.replace("def kernel(", "@njit\ndef react(")
    lines = ["def kernel(y, a, e, temperature, dt, steps):"]
    lines += _indented([f"react(y, a, e, temperature + {site}.0, dt, steps)" for site in range(sites)], 1)
    return LargeKernel(f"{CALL_SITES}, {sites}", callee + "\n".join(lines) + "\n", reaction.types, reaction.annotations)


SHAPES: dict[str, tuple[Callable[[int], LargeKernel], float]] = {
    "stencils": (stencils, 42.0),
    "chemistry": (chemistry, 14.2),
    "neural network": (network, 32.0),
}
"""Each with the LLVM instructions that one of its statements becomes."""


def fitted(shape: str, instructions: int) -> LargeKernel:
    """The kernel of a shape that has about so many instructions once prepared."""
    make, each = SHAPES[shape]
    return make(round(instructions / each))


_AXES = "xyz"
_VELOCITIES = {axis: f"v{axis}" for axis in _AXES}
_STRESSES = ("sxx", "syy", "szz", "sxy", "sxz", "syz")
_INDEX = ("i", "j", "k")


def _shifted(field: str, axes: str, step: int) -> str:
    subscripts = [
        f"{index} {'+' if step > 0 else '-'} {abs(step)}" if step and name in axes else index
        for name, index in zip(_AXES, _INDEX, strict=True)
    ]
    return f"{field}[{', '.join(subscripts)}]"


def _difference(field: str, axis: str, forward: bool) -> list[str]:
    """A fourth-order difference on the staggered grid, as three statements."""
    near, far = ((0, 1), (-1, 2)) if forward else ((-1, 0), (-2, 1))
    name = f"d_{field}_{axis}"
    return [
        f"{name} = c1 * ({_shifted(field, axis, near[1])} - {_shifted(field, axis, near[0])})",
        f"{name} = {name} + c2 * ({_shifted(field, axis, far[1])} - {_shifted(field, axis, far[0])})",
        f"{name} = {name} / h{axis}",
    ]


def _absorbed(field: str, axis: str, offset: str) -> list[str]:
    """The memory variable of an absorbing layer, and the difference that it corrects."""
    name, memory = f"d_{field}_{axis}", f"m_{field}_{axis}"
    index = _INDEX[_AXES.index(axis)]
    where = ", ".join(f"{i} - {offset}" if i == index and offset != "0" else i for i in _INDEX)
    return [
        f"{memory}[{where}] = b{axis}[{index}] * {memory}[{where}] + a{axis}[{index}] * {name}",
        f"{name} = {name} / g{axis}[{index}] + {memory}[{where}]",
    ]


def _region(axis: str | None, upper: bool) -> list[str]:
    """The loops over the interior, or over one of the absorbing layers."""
    lines = []
    for depth, (name, index) in enumerate(zip(_AXES, _INDEX, strict=True)):
        first, last = (
            ("2", f"n{name} - 2") if name != axis else (f"n{name} - p", f"n{name} - 2") if upper else ("2", "p")
        )
        if axis is None:
            first, last = "p", f"n{name} - p"
        lines += _indented([f"for {index} in range({first}, {last}):"], depth)
    return lines


def _velocity_updates(axis: str | None, offset: str) -> Iterator[list[str]]:
    for to in _AXES:
        terms, body = [], []
        for along in _AXES:
            stress = "s" + "".join(sorted((to, along)))
            body += _difference(stress, along, forward=to == along)
            if along == axis:
                body += _absorbed(stress, along, offset)
            terms.append(f"d_{stress}_{along}")
        density = f"0.5 * (rho[i, j, k] + {_shifted('rho', to, 1)})"
        body += [f"buoyancy = 1.0 / ({density})", f"force = {' + '.join(terms)}"]
        yield [*body, f"v{to}[i, j, k] = v{to}[i, j, k] + dt * buoyancy * force"]


def _stress_updates(axis: str | None, offset: str) -> Iterator[list[str]]:
    body = []
    for along in _AXES:
        body += _difference(f"v{along}", along, forward=False)
        if along == axis:
            body += _absorbed(f"v{along}", along, offset)
    body += ["trace = lam[i, j, k] * (d_vx_x + d_vy_y + d_vz_z)", "two_mu = 2.0 * mu[i, j, k]"]
    for along in _AXES:
        s = f"s{along}{along}"
        body += [f"{s}[i, j, k] = {s}[i, j, k] + dt * (trace + two_mu * d_v{along}_{along})"]
    yield body
    for one, other in (("x", "y"), ("x", "z"), ("y", "z")):
        body = []
        for field, along in ((f"v{one}", other), (f"v{other}", one)):
            body += _difference(field, along, forward=True)
            if along == axis:
                body += _absorbed(field, along, offset)
        body += [
            f"m1 = 1.0 / mu[i, j, k] + 1.0 / {_shifted('mu', one, 1)}",
            f"m2 = 1.0 / {_shifted('mu', other, 1)} + 1.0 / {_shifted('mu', one + other, 1)}",
            "shear = 4.0 / (m1 + m2)",
        ]
        s = f"s{one}{other}"
        sum_ = f"d_v{one}_{other} + d_v{other}_{one}"
        yield [*body, f"{s}[i, j, k] = {s}[i, j, k] + dt * shear * ({sum_})"]


def _damped(fields: Sequence[str]) -> list[str]:
    """Attenuation of every field, and of the stresses the relaxation of a standard linear solid."""
    lines = []
    for field in fields:
        lines += _region(None, False)
        if field in _STRESSES:
            lines += _indented(
                [f"r_{field}[i, j, k] = decay * r_{field}[i, j, k] + (1.0 - decay) * {field}[i, j, k]"], 3
            )
            lines += _indented([f"{field}[i, j, k] = {field}[i, j, k] - dt * q[i, j, k] * r_{field}[i, j, k]"], 3)
        lines += _indented([f"{field}[i, j, k] = damping[k] * {field}[i, j, k]"], 3)
    return lines


def _free_surface() -> list[str]:
    """No traction at the top: stresses are antisymmetric about it."""
    lines = ["for i in range(nx):", "    for j in range(ny):", "        szz[i, j, p] = 0.0"]
    for field in ("szz", "sxz", "syz"):
        lines += _indented([f"{field}[i, j, p - {step}] = -{field}[i, j, p + {step}]" for step in (1, 2)], 2)
    return lines


RECURSIVE = """
@njit
def butterflies(re, im):
    n = re.shape[0]
    if n == 1:
        return re.copy(), im.copy()
    even_re, even_im = butterflies(re[::2].copy(), im[::2].copy())
    odd_re, odd_im = butterflies(re[1::2].copy(), im[1::2].copy())
    out_re, out_im = np.empty(n), np.empty(n)
    for i in range(n // 2):
        c, s = math.cos(2.0 * math.pi * i / n), -math.sin(2.0 * math.pi * i / n)
        turned_re, turned_im = c * odd_re[i] - s * odd_im[i], c * odd_im[i] + s * odd_re[i]
        out_re[i], out_im[i] = even_re[i] + turned_re, even_im[i] + turned_im
        out_re[n // 2 + i], out_im[n // 2 + i] = even_re[i] - turned_re, even_im[i] - turned_im
    return out_re, out_im

@njit
def quicksort(a, low, high):
    if low >= high:
        return
    pivot = a[(low + high) // 2]
    i, j = low, high
    while i <= j:
        while a[i] < pivot:
            i += 1
        while a[j] > pivot:
            j -= 1
        if i <= j:
            a[i], a[j] = a[j], a[i]
            i += 1
            j -= 1
    quicksort(a, low, j)
    quicksort(a, i, high)

@njit
def simpson(a, b, fa, fm, fb, whole, p, depth):
    m = 0.5 * (a + b)
    fl, fr = math.sin(p * 0.5 * (a + m)), math.sin(p * 0.5 * (m + b))
    left, right = (m - a) / 6.0 * (fa + 4.0 * fl + fm), (b - m) / 6.0 * (fm + 4.0 * fr + fb)
    if depth == 0 or abs(left + right - whole) <= 1e-6:
        return left + right
    return simpson(a, m, fa, fl, fm, left, p, depth - 1) + simpson(m, b, fm, fr, fb, right, p, depth - 1)

def kernel(re, im, limits, p):
    spectrum_re, spectrum_im = butterflies(re, im)
    quicksort(spectrum_re, 0, spectrum_re.shape[0] - 1)
    total = 0.0
    for i in range(limits.shape[0]):
        b = limits[i]
        total += spectrum_re[i] * simpson(0.0, b, 0.0, math.sin(0.5 * p * b), math.sin(p * b), 0.0, p, 20)
    return total + spectrum_im[0]
"""


def recursive() -> LargeKernel:
    """A Fourier transform that returns arrays, quicksort in place and adaptive quadrature, all of which call
    themselves."""
    vector = numba.float64[::1]
    return LargeKernel(
        "recursion", RECURSIVE, (vector, vector, vector, numba.float64), (ad.Duplicated,) * 3 + (ad.Active,)
    )


def seismic() -> LargeKernel:
    """Elastic waves in three dimensions: nine fields, 24 memory variables, seven regions."""
    memories = [f"m_s{''.join(sorted((to, along)))}_{along}" for to in _AXES for along in _AXES]
    memories += [f"m_v{to}_{along}" for to in _AXES for along in _AXES]
    memories += [f"r_{stress}" for stress in _STRESSES]
    profiles = [*(f"{letter}{axis}" for letter in "abg" for axis in _AXES), "damping"]
    fields = [*_VELOCITIES.values(), *_STRESSES]
    materials = ["lam", "mu", "rho", "q"]
    counts = ["nx", "ny", "nz", "p", "steps"]
    scalars = ["hx", "hy", "hz", "dt", "c1", "c2", "decay"]
    arrays = [*fields, *memories, *materials]
    arguments = [*arrays, *profiles, "source", "record", *scalars, *counts]
    lines = [f"def kernel({', '.join(arguments)}):", "    for t in range(steps):"]
    regions = [(None, False), *((axis, upper) for axis in _AXES for upper in (False, True))]
    for updates in (_velocity_updates, _stress_updates):
        for axis, upper in regions:
            # The layers at both ends of an axis share one array of memory variables.
            offset = f"(n{axis} - 2 * p)" if upper else "0"
            for body in updates(axis, offset):
                lines += _indented([*_region(axis, upper), *_indented(body, 3)], 2)
        if updates is _velocity_updates:
            lines += _indented(["vz[nx // 2, ny // 2, p] = vz[nx // 2, ny // 2, p] + dt * source[t]"], 2)
    lines += _indented(_damped(fields), 2)
    lines += _indented(_free_surface(), 2)
    lines += _indented(["for i in range(nx):", "    record[t, i] = vz[i, ny // 2, p]"], 2)
    cube, vector, grid = numba.float64[:, :, ::1], numba.float64[::1], numba.float64[:, ::1]
    types = [cube] * len(arrays) + [vector] * (len(profiles) + 1) + [grid]
    types += [numba.float64] * len(scalars) + [numba.int64] * len(counts)
    annotations = [ad.Duplicated] * len(arrays) + [ad.Const] * len(profiles) + [ad.Duplicated] * 2
    annotations += [ad.Const] * (len(scalars) + len(counts))
    return LargeKernel("seismic waves", "\n".join(lines) + "\n", tuple(types), tuple(annotations))
