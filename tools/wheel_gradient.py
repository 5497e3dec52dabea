"""A gradient with an installed wheel, checked by hand. Run by check_wheel.sh where no LLVM is installed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import pyfront as ad


def kernel(x, n):  # type: ignore[no-untyped-def]
    for i in range(1, n):
        x[i] = math.sin(x[i - 1]) * x[i]
    return x[n - 1]


def main() -> None:
    start = np.array([0.3, 0.5, 0.7])
    x, shadow = start.copy(), np.zeros(3)
    ad.autodiff(kernel, ad.Duplicated, ad.Const)(x, shadow, 3)
    a, b, c = start
    inner = math.sin(a) * b
    expected = [
        math.cos(inner) * math.cos(a) * b * c,
        math.cos(inner) * math.sin(a) * c,
        math.sin(inner),
    ]
    np.testing.assert_allclose(shadow, expected, rtol=1e-14)
    print(f"gradient {shadow} with {Path(ad.__file__).parent}")


if __name__ == "__main__":
    main()
