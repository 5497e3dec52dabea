"""What the tests of the cache run in processes of their own: kernels of every form, and what is done with them.

    python programs.py FOLDER [pickled]

prints, as JSON, what the derivatives returned, which code came from the cache, and whether the engine was loaded.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

import pyfront as ad

WEIGHTS = np.array([1.0, 2.0, 3.0])
SCALE = 2.0


@njit
def helper(x):
    return np.sin(x) * SCALE


@njit
def gain(x):
    return x * x * x


@njit
def gain_tangent(x, dx):
    return x * x * x, 3.0 * x * x * dx


@njit
def gain_augmented(x):
    return x * x * x, x


@njit
def gain_reverse(x, seed, tape):
    return 3.0 * tape * tape * seed


ad.define_rule(gain, tangent=gain_tangent, augmented=gain_augmented, reverse=gain_reverse)


@njit(nogil=True)
def kernel(x, A, n):
    total = 0.0
    for i in range(A.size):
        if A[i] < -100.0:
            raise ValueError("too small", i)
        total += helper(x) * A[i] * WEIGHTS[i] * n
        A[i] *= x
    return total


def closure(factor):
    def inner(x):
        return x * x * factor

    return inner


@njit
def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def ruled(x):
    return gain(x) + x


def product(A, b):
    return (A @ b).sum()


def wave(x):
    return x * x * np.exp(x)


def total(x):
    s = 0.0
    for i in range(x.size):
        s += helper(x[i])
    return s


def pair(p):
    return (p[0] * p[1]).sum()


def plain(value: Any) -> Any:
    """A result as JSON has it, bit for bit."""
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return [each.hex() for each in value.ravel().tolist()]
    return float(value).hex() if isinstance(value, float) else value


def raised(call: Any, *args: Any) -> list[str]:
    try:
        call(*args)
    except Exception as error:
        return [type(error).__name__, str(error.args)]
    return []


def derivatives() -> dict[str, Any]:
    """The derivatives and operators that pickle as well."""
    return {
        "kernel": ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, cache=True),
        "batch": ad.autodiff(kernel, ad.Const, ad.BatchDuplicated, ad.Const, cache=True),
        "forward": ad.autodiff(wave, ad.Duplicated, mode=ad.Forward, cache=True),
        "halves": ad.autodiff_split(kernel, ad.Active, ad.Duplicated, ad.Const, cache=True),
        "grad": ad.grad(total, cache=True),
        "hessian": ad.hessian(total, cache=True),
        "jacfwd": ad.jacfwd(wave, cache=True),
    }


def calls(made: dict[str, Any]) -> dict[str, Any]:
    """What calls of them return."""
    found: dict[str, Any] = {}
    x = np.array([0.5, 1.0, 1.5])

    def run(name: str, *args: Any, **named: Any) -> None:
        given = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
        found[name] = plain([made[name](*given, **named), given])

    run("kernel", 2.0, x, np.zeros(3), 3)
    found["seeded"] = plain(made["kernel"](2.0, np.array(x), np.zeros(3), 3, seed=0.5))
    found["raised"] = raised(made["kernel"], 2.0, np.array([-200.0, 0.0, 0.0]), np.zeros(3), 3)
    found["shape"] = raised(made["kernel"], 2.0, np.array(x), np.zeros(2), 3)
    overlapping = np.zeros(4)
    found["overlap"] = raised(made["kernel"], 2.0, overlapping[:3], overlapping[1:], 3)
    lanes = (np.zeros(3), np.ones(3))
    found["batch"] = plain([made["batch"](2.0, np.array(x), lanes, 3), lanes])
    run("forward", 2.0, 1.0)
    forward, reverse = made["halves"]
    value, tape = forward(2.0, np.array(x), 3)
    shadow = np.zeros(3)
    found["halves"] = plain([value, reverse(shadow, tape), shadow])
    for name in ("grad", "hessian", "jacfwd"):
        run(name, x)
    return found


def more_calls() -> dict[str, Any]:
    x = np.array([0.5, 1.0, 1.5])
    found = {
        "closures": plain([ad.autodiff(closure(f), ad.Active, cache=True)(3.0) for f in (2.0, 5.0)]),
        "recursion": plain(ad.autodiff(power, ad.Active, ad.Const, cache=True)(1.5, 4)),
        "rule": plain(ad.autodiff(ruled, ad.Active, cache=True)(1.5)),
        "rule forward": plain(ad.autodiff(ruled, ad.Duplicated, mode=ad.Forward, cache=True)(1.5, 1.0)),
        "jvp": plain(ad.jvp(wave, (x,), (x,), cache=True)),
        "vjp": plain(ad.vjp(wave, x, cache=True)[1](x)),
        "hvp": plain(ad.hvp(total, x, x, cache=True)),
        "tuple": plain(ad.grad(pair, cache=True)((x, x))),
        "out": plain(ad.grad(total, cache=True)(x, out=np.empty(3))),
    }
    dual = ad.autodiff(swapped, ad.Duplicated, ad.Duplicated, cache=True)
    a, da = np.array(x), np.ones(3)
    found["aliased"] = plain([dual(a, da, a, da), a, da])
    return found


def swapped(a, b):
    for i in range(a.size):
        b[i] = a[i] * a[i]


def slow_calls() -> dict[str, Any]:
    """Those that need the engine, or much of Numba."""
    x = np.array([0.5, 1.0, 1.5])
    derivative = ad.autodiff(kernel, ad.Active, ad.Duplicated, ad.Const, cache=True)

    @njit
    def caller(x, A, dA):
        return derivative(x, A, dA, 3)

    matrix = np.array([[2.0, 1.0], [0.0, 3.0]])
    return {
        "product": plain(ad.grad(product, (0, 1), cache=True)(matrix, np.array([1.0, 2.0]))),
        "jitted": plain(caller(2.0, np.array(x), np.zeros(3))),
        "plan": bool(derivative.inspect_plan()),
        "prepared": plain(ad.grad(total, cache=True).prepare(x)(x)),
        "jacobian": plain(ad.jacobian(wave, cache=True)(x)),
    }


def loaded() -> bool:
    return "libenzyme_pass" in Path("/proc/self/maps").read_text()


def main(folder: Path, how: str = "") -> None:
    warnings.simplefilter("error", ad.CacheWarning)
    file = folder / "derivatives.pickle"
    if how == "pickled":
        made = pickle.loads(file.read_bytes())
    else:
        made = derivatives()
        file.write_bytes(pickle.dumps(made))
    results = calls(made)
    if how != "pickled":
        results |= more_calls()
    compiled = loaded()
    if how != "pickled":
        results |= slow_calls()
    print(json.dumps({"results": results, "engine": compiled}))


if __name__ == "__main__":
    # The kernels are those of a module that other processes import.
    sys.path.insert(0, str(Path(__file__).parent))
    import programs

    programs.main(Path(sys.argv[1]), *sys.argv[2:])
