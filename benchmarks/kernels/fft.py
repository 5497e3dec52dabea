"""A Fourier transform by recursion, in place: calls that stay calls."""

from __future__ import annotations

import numpy as np
from numba import njit

import pyfront as ad
from benchmarks.problem import Problem


@njit
def transform(re, im, spare_re, spare_im):
    n = re.shape[0]
    if n == 1:
        return
    half = n // 2
    for i in range(half):
        spare_re[i], spare_im[i] = re[2 * i], im[2 * i]
        spare_re[half + i], spare_im[half + i] = re[2 * i + 1], im[2 * i + 1]
    transform(spare_re[:half], spare_im[:half], re[:half], im[:half])
    transform(spare_re[half:], spare_im[half:], re[half:], im[half:])
    for i in range(half):
        c, s = np.cos(2.0 * np.pi * i / n), -np.sin(2.0 * np.pi * i / n)
        turned_re = c * spare_re[half + i] - s * spare_im[half + i]
        turned_im = c * spare_im[half + i] + s * spare_re[half + i]
        re[i], im[i] = spare_re[i] + turned_re, spare_im[i] + turned_im
        re[half + i], im[half + i] = spare_re[i] - turned_re, spare_im[i] - turned_im


@njit
def kernel(re, im, spare_re, spare_im):
    transform(re, im, spare_re, spare_im)


def make_args(n):
    rng = np.random.default_rng(24)
    return rng.normal(size=n), rng.normal(size=n), np.zeros(n), np.zeros(n)


PROBLEM = Problem(
    title="recursive FFT",
    kernel=kernel,
    annotations=(ad.Duplicated, ad.Duplicated, ad.Const, ad.Const),
    make_args=make_args,
    reference={"n": 4096},
    quick={"n": 256},
    tiny={"n": 4},
    has_second=False,
)
