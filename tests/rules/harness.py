"""The parsed table and its evaluation in Python, in float64 or float32, with the C library that compiled code calls."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "core" / "rules"
sys.path.insert(0, str(RULES))

import library  # noqa: E402
import rulegen  # noqa: E402
import rulepage  # noqa: E402
import table as rules  # noqa: E402

__all__ = ["ROOT", "RULES", "Libm", "evaluate", "library", "rulegen", "rulepage", "rules", "samples"]

FLOAT_TYPES = (np.float64, np.float32)
COMPARISONS = {
    "Less": np.less,
    "LessEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
}


def compiled(sources: list[Path], output: Path, *flags: str) -> Path:
    """Builds a small C++ program or library for a test."""
    command = ["clang++-22", "-std=c++17", "-O1", "-ffp-contract=off", f"-I{ROOT}", *map(str, sources), *flags]
    subprocess.run([*command, "-o", str(output)], check=True)
    return output


class Libm:
    """The functions of calls.rules by the name of their rule."""

    def __init__(self, table: rules.Table, special: Path) -> None:
        self.libraries = [ctypes.CDLL(str(special)), ctypes.CDLL("libm.so.6")]
        self.names = {name: p.names[0] for name, p in table.places.items() if p.names}

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def function(self, name: str, kinds: list[str], float_type: type) -> Callable[..., Any]:
        """The C function of a rule for parameters of these kinds (float, int)."""
        symbol = self.names[name][float_type is np.float32]
        function = next(getattr(lib, symbol) for lib in self.libraries if hasattr(lib, symbol))
        number = ctypes.c_float if float_type is np.float32 else ctypes.c_double
        function.restype = number
        function.argtypes = [ctypes.c_int if kind == "int" else number for kind in kinds]

        def call(*args: Any) -> Any:
            return float_type(function(*(int(a) if k == "int" else float(a) for a, k in zip(args, kinds, strict=True))))

        return call

    def primal(self, row: rules.Row, point: tuple[float, ...], float_type: type) -> Any:
        """The result of a row's function; NaN for those that are no C function, whose partials do not read it."""
        if row.name not in self:
            return float_type("nan")
        if self.names[row.name][0].startswith("pyfront_stated_"):
            return float_type(point[-1])
        return self.function(row.name, [p.type for p in row.params], float_type)(*point)


def evaluate(node: rules.Node, point: tuple[float, ...], out: Any, libm: Libm, float_type: type) -> Any:
    """The value of a node, each operation rounded to `float_type`."""
    args = [evaluate(arg, point, out, libm, float_type) for arg in node.args]
    match node.op:
        case "Literal":
            return float_type(node.value)
        case "IntLiteral":
            return int(node.value)
        case "Param" if node.type == "int":
            return int(point[int(node.value)])
        case "Param":
            return float_type(point[int(node.value)])
        case "Result":
            return float_type(out)
        case "Neg":
            return -args[0]
        case "Add":
            return args[0] + args[1]
        case "Sub":
            return args[0] - args[1]
        case "Mul":
            return args[0] * args[1]
        case "Div":
            return args[0] / args[1]
        case "ToFloat":
            return float_type(args[0])
        case "And":
            return args[0] and args[1]
        case "Or":
            return args[0] or args[1]
        case "Not":
            return not args[0]
        case "Select":
            return args[1] if args[0] else args[2]
        case "Call" if node.callee == "powi":
            return np.power(args[0], float_type(args[1]))
        case "Call":
            return libm.function(node.callee, [arg.type for arg in node.args], float_type)(*args)
    return bool(COMPARISONS[node.op](*args))


def samples(row: rules.Row, count: int, float_type: type) -> Iterator[tuple[float, ...]]:
    """Points of the row's domains, `count` in each, which `float_type` represents."""
    generator = np.random.default_rng(20_22)
    for domain in row.domains:
        for _ in range(count):
            point = []
            for param in row.params:
                low, high = domain[param.name]
                if param.type == "int":
                    point.append(int(generator.integers(int(low), int(high), endpoint=True)))
                else:
                    point.append(float(float_type(generator.uniform(low, high))))
            yield tuple(point)
