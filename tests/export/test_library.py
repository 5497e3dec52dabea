"""Exported functions give the bits of those in this process; what cannot be exported is refused by name."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import cffi
import numpy as np
import pytest
from numba import njit

import pyfront as ad
from export import kernels
from pyfront.__main__ import main


def declarations(header: Path) -> str:
    """A header as cffi reads it."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    return re.sub(r'^\s*#.*$|^extern "C" \{$|^\}$', "", text, flags=re.MULTILINE)


def load(folder, name):
    ffi = cffi.FFI()
    ffi.cdef(declarations(Path(folder) / f"{name}.h"))
    return ffi, ffi.dlopen(str(Path(folder) / f"lib{name}.so"))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("native")
    ad.export(folder, "physics", kernels.FUNCTIONS)
    return load(folder, "physics")


def of(ffi, array):
    return ffi.cast(
        {"float64": "double *", "float32": "float *", "int16": "int16_t *"}[str(array.dtype)], array.ctypes.data
    )


def test_shot(library):
    ffi, lib = library
    ours, theirs = np.array([0.0, 0.0, 3.0, 6.0]), np.array([0.0, 0.0, 3.0, 6.0])
    dours, dtheirs, adjoint, value = np.zeros(4), np.zeros(4), ffi.new("double *"), ffi.new("double *")
    expected = kernels.shot_derivative(ours, dours, 8.0, 0.05, 0.01, 200, seed=0.5)
    assert lib.shot(of(ffi, theirs), of(ffi, dtheirs), 4, 8.0, 0.05, adjoint, 0.01, 200, 0.5, value) == 0
    assert adjoint[0] == expected
    np.testing.assert_array_equal(dtheirs, dours)
    np.testing.assert_array_equal(theirs, ours)
    assert value[0] == kernels.shot(np.array([0.0, 0.0, 3.0, 6.0]), 8.0, 0.05, 0.01, 200)


@pytest.mark.parametrize("flag", [False, True])
def test_mixed(library, flag):
    """A Fortran array, one with strides that run backwards, float32, bool, int16, a tuple, results in a tuple."""
    ffi, lib = library
    rng = np.random.default_rng(1)
    A, w, v = (
        np.asfortranarray(rng.normal(size=(3, 4))),
        rng.normal(size=(8, 9)).astype("f4")[::2, ::-3],
        np.arange(2, dtype="i2"),
    )
    B, dA, dB = A.copy(order="F"), np.asfortranarray(rng.normal(size=(3, 4))), None
    dB = dA.copy(order="F")
    seed = (np.float32(0.5), (None, 2.0))
    expected = kernels.mixed_derivative(np.int32(7), A, dA, flag, w, (1.5, np.float32(2.5)), v, seed=seed)
    t0, t1 = ffi.new("double *"), ffi.new("float *")
    s, i, p = ffi.new("float *"), ffi.new("int64_t *"), ffi.new("double *")
    arrays = (of(ffi, B), of(ffi, dB), *B.shape, *B.strides, flag, of(ffi, w), *w.shape, *w.strides)
    assert lib.mixed(7, *arrays, 1.5, t0, 2.5, t1, of(ffi, v), v.size, 0.5, 2.0, s, i, p) == 0
    np.testing.assert_array_equal(B, A)
    np.testing.assert_array_equal(dB, dA)
    assert (t0[0], t1[0]) == tuple(expected)
    assert (i[0], p[0]) == (14, 2.5 * 1.5)
    C = np.asfortranarray(np.ones((3, 4)))
    primal = (of(ffi, C), *C.shape, *C.strides, flag, of(ffi, w), *w.shape, *w.strides, 1.5, 2.5, of(ffi, v), v.size)
    assert lib.mixed_primal(7, *primal, s, ffi.NULL, ffi.NULL) == 0
    assert s[0] == kernels.mixed(np.int32(7), np.asfortranarray(np.ones((3, 4))), flag, w, (1.5, np.float32(2.5)), v)[0]
    wrong = (of(ffi, B), of(ffi, dB), *B.shape, 32, 8, flag, of(ffi, w), *w.shape, *w.strides)
    assert lib.mixed(7, *wrong, 1.5, t0, 2.5, t1, of(ffi, v), v.size, 0.5, 2.0, s, i, p) == 20552
    np.testing.assert_array_equal(dB, dA)


def test_batches(library):
    """Of a strided array, whose shadows have its strides; as calls from Python give them."""
    ffi, lib = library
    x, shadows, adjoints = np.arange(10.0)[::2], np.zeros((3, 10)), np.zeros(3)
    seeds, value = np.array([1.0, 0.0, -2.0]), ffi.new("double *")
    expected_shadows = np.zeros((3, 10))
    expected = kernels.norm_batch(x, expected_shadows[:, ::2], 0.3, seed=tuple(seeds))
    arrays = (of(ffi, x), of(ffi, shadows), 5, 16, 80)
    assert lib.norm(*arrays, 0.3, of(ffi, adjoints), of(ffi, seeds), value) == 0
    np.testing.assert_array_equal(shadows, expected_shadows)
    np.testing.assert_array_equal(adjoints, expected)
    dx, da, tangent = np.random.default_rng(2).normal(size=(3, 10)), np.array([0.5, 0.0, 1.0]), np.zeros(3)
    expected = kernels.norm_tangents(x, dx[:, ::2].copy(), 0.3, tuple(da))
    assert lib.norm_tangents(of(ffi, x), of(ffi, dx), 5, 16, 80, 0.3, of(ffi, da), of(ffi, tangent), value) == 0
    np.testing.assert_array_equal(tangent, expected)
    assert lib.norm(of(ffi, x), of(ffi, x), 5, 16, 80, 0.3, of(ffi, adjoints), of(ffi, seeds), value) == 20551


def test_in_this_process_a_batch_has_a_c_function_too():
    text = kernels.norm_batch.cdef(kernels.NORM, 3)
    assert text.startswith(
        "int32_t norm_derivative(double *x, double *x_shadow, int64_t x_n0, int64_t x_s0, int64_t x_s"
    )
    assert "const double *seed, double *value" in text
    with pytest.raises(ad.UnsupportedError, match="width"):
        kernels.norm_batch.cdef(kernels.NORM)
    with pytest.raises(ad.ShapeError):
        kernels.norm_batch.cdef(kernels.NORM, width=65)
    assert kernels.norm_batch.address(kernels.NORM, 3) != kernels.norm_batch.address(kernels.NORM, 2)


def test_one_function_has_the_name_of_the_library_and_that_of_cdef(tmp_path):
    derivative = ad.autodiff(kernels.heat, ad.Duplicated, ad.Const, ad.Const)
    u = np.linspace(0.0, 1.0, 20)
    derivative(u, np.zeros(20), 0.1, 3)
    files = derivative.export(tmp_path, "warm")
    names = ["libwarm.a", "libwarm.so", "warm-config.cmake", "warm.f90", "warm.h", "warm.hpp", "warm.pc"]
    assert sorted(file.name for file in files) == names
    by_ctypes = ctypes.CDLL(str(tmp_path / "libwarm.so"))
    doubles = ctypes.POINTER(ctypes.c_double)
    for name in ("warm", "heat_derivative"):
        u, du = np.linspace(0.0, 1.0, 20) ** 2, np.ones(20)
        function = getattr(by_ctypes, name)
        function.argtypes = (doubles, doubles, ctypes.c_int64, ctypes.c_double, ctypes.c_int64)
        assert function(u.ctypes.data_as(doubles), du.ctypes.data_as(doubles), 20, 0.1, 3) == 0
        v, dv = np.linspace(0.0, 1.0, 20) ** 2, np.ones(20)
        derivative(v, dv, 0.1, 3)
        np.testing.assert_array_equal(du, dv)
    assert derivative.cdef(kernels.HEAT) in " ".join((tmp_path / "warm.h").read_text().split())


def test_without_numba(tmp_path):
    """The library in a process of its own, in which nothing else is."""
    kernels.heat_derivative.export(tmp_path, "warm", kernels.HEAT)
    script = (
        "import ctypes, sys\n"
        f"library = ctypes.CDLL({str(tmp_path / 'libwarm.so')!r})\n"
        "four = ctypes.c_double * 4\n"
        "u, du, adjoint = four(1, 2, 4, 8), four(0, 1, 0, 0), ctypes.c_double()\n"
        "four_, steps, alpha = ctypes.c_int64(4), ctypes.c_int64(2), ctypes.c_double(0.1)\n"
        "status = library.warm(u, du, four_, alpha, ctypes.byref(adjoint), steps)\n"
        "assert status == 0 and 'numba' not in sys.modules\n"
        "print(list(du), adjoint.value)\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    u, du = np.array([1.0, 2.0, 4.0, 8.0]), np.array([0.0, 1.0, 0.0, 0.0])
    adjoint = kernels.heat_derivative(u, du, 0.1, 2)
    assert done.stdout.strip() == f"{[float(x) for x in du]} {adjoint}"


def test_symbols(library, tmp_path):
    """Nothing but the header's names can be seen; nothing is taken but libc and libm."""
    kernels.shot_derivative.export(tmp_path, "shot", kernels.SHOT)
    try:
        done = subprocess.run(["nm", "-D", tmp_path / "libshot.so"], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("there is no nm")
    seen = [line.split() for line in done.stdout.splitlines()]
    shown = {words[-1] for words in seen if words[-2] in "TWDB" and len(words) == 3}
    assert shown == {"shot", "shot_derivative", "shot_primal", "shot_error", "shot_release"}
    taken = {words[-1].split("@")[0] for words in seen if words[-2] == "U"}
    assert not any(name.startswith(("Py", "NRT", "numba", "pyfront", "_Z", "__cxa_throw")) for name in taken)


# --- linear algebra ---------------------------------------------------------------------------------


@njit
def fit(A, b):
    x = np.linalg.solve(A, b)
    y = A.T @ x
    _, s, _ = np.linalg.svd(A)
    return np.dot(x, y) + np.log(np.linalg.det(A) ** 2) + s[0] * s[1]


def scipys_blas():
    """SciPy's library of BLAS and LAPACK, whose names begin with `scipy_`."""
    import scipy

    found = sorted((Path(scipy.__file__).parent.parent / "scipy.libs").glob("libscipy_openblas*.so"))
    if not found or os.uname().machine != "x86_64":
        pytest.skip("SciPy's BLAS is not there as a library, or the jumps to it are not of this processor")
    return found[0]


def test_blas_is_a_link_dependency(tmp_path):
    derivative = ad.autodiff(fit, ad.Duplicated, ad.Duplicated)
    derivative.export(tmp_path, "fit", "(f8[:, ::1], f8[::1])")
    assert "-llapack -lblas" in (tmp_path / "fit.pc").read_text()
    assert "find_dependency(LAPACK)" in (tmp_path / "fit-config.cmake").read_text()
    blas = scipys_blas()
    routines = ("dgesv", "ddot", "dgemv", "dgemm", "dgetrf", "dgetrs", "dgetri", "dgesdd", "dger")
    jumps = tmp_path / "jumps.s"
    jumps.write_text("".join(f".globl {name}_\n{name}_: jmp scipy_{name}_@PLT\n" for name in routines))
    linked = [tmp_path / "libfit.a", jumps, blas, f"-Wl,-rpath,{blas.parent}", "-lm"]
    keep = ["-Wl,-u,fit", "-Wl,-u,fit_primal", "-Wl,-u,fit_error", "-Wl,-u,fit_release"]
    made = subprocess.run(
        ["cc", "-shared", "-o", tmp_path / "whole.so", *keep, *linked], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    ffi = cffi.FFI()
    ffi.cdef(declarations(tmp_path / "fit.h"))
    lib = ffi.dlopen(str(tmp_path / "whole.so"))
    rng = np.random.default_rng(3)
    A, b, value = rng.normal(size=(4, 4)), rng.normal(size=4), ffi.new("double *")
    dA, db, eA, eb = np.zeros((4, 4)), np.zeros(4), np.zeros((4, 4)), np.zeros(4)
    derivative(A, dA, b, db)
    for _ in range(3):
        eA[:], eb[:] = 0.0, 0.0
        status = lib.fit(of(ffi, A), of(ffi, eA), 4, 4, of(ffi, b), of(ffi, eb), 4, 1.0, value)
        assert status == 0, ffi.string(lib.fit_error(status))
    np.testing.assert_allclose(eA, dA, rtol=1e-12)
    np.testing.assert_allclose(eb, db, rtol=1e-12)
    assert value[0] == pytest.approx(fit(A, b), rel=1e-13)
    singular = np.zeros((4, 4))
    status = lib.fit_primal(of(ffi, singular), 4, 4, of(ffi, b), 4, value)
    assert b"LinAlgError: Matrix is singular" in ffi.string(lib.fit_error(status))


# --- refusals ---------------------------------------------------------------------------------------


@njit
def random(x):
    return x * np.random.random()


@njit
def printing(x):
    print("x is", x)
    return x * x


C_SIN = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(("sin", ctypes.CDLL(None)))


@njit
def from_c(x):
    return C_SIN(x)


ad.define_rule(from_c, tangent=njit(lambda x, dx: (C_SIN(x), dx * np.cos(x))))


@njit
def calls_c(x):
    return from_c(x)


@pytest.mark.parametrize(
    ("kernel", "annotations", "signature", "what"),
    [
        (random, [ad.Active], "(f8,)", "random numbers"),
        (printing, [ad.Active], "(f8,)", "print"),
        (calls_c, [ad.Duplicated], "(f8,)", "address of this process"),
    ],
)
def test_what_needs_python_is_refused_by_name(tmp_path, kernel, annotations, signature, what):
    mode = ad.Forward if ad.Duplicated in annotations else ad.Reverse
    derivative = ad.autodiff(kernel, *annotations, mode=mode)
    with pytest.raises(ad.ExportError, match=what):
        derivative.export(tmp_path / "new", "it", signature)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["1st", "a b", "double", "class", "sin", "main", "", "../up", "größe"])
def test_names(tmp_path, name):
    with pytest.raises(ad.ExportError):
        kernels.heat_derivative.export(tmp_path / "new", name, kernels.HEAT)
    assert not (tmp_path / "new").exists()


def test_requests(tmp_path):
    fresh = ad.autodiff(kernels.heat, ad.Duplicated, ad.Const, ad.Const, disable=("mincut",))
    with pytest.raises(ad.ArgumentError, match="0 signatures"):
        fresh.export(tmp_path, "warm")
    with pytest.raises(ad.ExportError, match="no processor 'i386-sx'"):
        fresh.export(tmp_path, "warm", kernels.HEAT, cpu="i386-sx")
    with pytest.raises(ad.ExportError, match="wasm"):
        fresh.export(tmp_path, "warm", kernels.HEAT, triple="wasm32-unknown-unknown")
    with pytest.raises(ad.ExportError, match="cannot be exported"):
        ad.export(tmp_path, "warm", [kernels.heat])
    with pytest.raises(ad.ExportError, match="of_width"):
        ad.export(tmp_path, "norm", [(kernels.norm_batch, kernels.NORM)])
    with pytest.raises(ad.ExportError, match="two functions are called"):
        ad.export(tmp_path, "x", {"a": (fresh, kernels.HEAT), "a_primal": (fresh, kernels.HEAT)})
    with pytest.raises(ad.ExportError, match="nothing to export"):
        ad.export(tmp_path, "x", [])
    assert list(tmp_path.iterdir()) == []


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ad.ExportError, match="no-such-compiler"):
        kernels.heat_derivative.export(tmp_path, "warm", kernels.HEAT)
    assert list(tmp_path.iterdir()) == []
    files = kernels.heat_derivative.export(tmp_path, "warm", kernels.HEAT, shared=False)
    assert tmp_path / "libwarm.a" in files


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ad.ExportError, match="cannot write to"):
        kernels.heat_derivative.export(tmp_path / "file" / "folder", "warm", kernels.HEAT)
    if os.getuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(ad.ExportError, match="cannot write to"):
            kernels.heat_derivative.export(tmp_path, "warm", kernels.HEAT)


# --- the command ------------------------------------------------------------------------------------


def test_command(tmp_path, capsys):
    file = Path(kernels.__file__)
    common = ["export", f"{file}:heat", "--signature", kernels.HEAT, "-o", str(tmp_path), "--no-shared"]
    assert main([*common, "--wrt", "u, alpha"]) == 0
    assert str(tmp_path / "heat.h") in capsys.readouterr().out.split()
    text = " ".join((tmp_path / "heat.h").read_text().split())
    assert f"{kernels.heat_derivative.cdef(kernels.HEAT)}".replace("heat_derivative", "heat") in text
    assert (
        main([*common, "--wrt", "u", "--mode", "forward", "--width", "2", "--name", "two", "--cpu", "x86-64-v3"]) == 0
    )
    assert "forward mode, 2 at once" in (tmp_path / "two.h").read_text()
    capsys.readouterr()
    assert main([*common, "--wrt", "v"]) == 1
    assert "no argument 'v'" in capsys.readouterr().err
    assert main(["export", f"{file}:nothing", *common[2:], "--wrt", "u"]) == 1
    assert "has no function 'nothing'" in capsys.readouterr().err
