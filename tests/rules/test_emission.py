"""What Rules.cpp emits computes what the table says, to the bit, and what it finds is what calls.rules lists."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
import pytest
from rules.harness import FLOAT_TYPES, RULES, Libm, evaluate, rules, samples

ROWS = list(rules.load(RULES).rows.values())


def types_of(row: rules.Row, width: str) -> str:
    return " ".join("i32" if p.type == "int" else width for p in row.params)


@pytest.fixture(scope="module")
def code(probe: Path, special_functions: Path) -> Iterator[Any]:
    """All partials, compiled as they are."""
    lines = [f"{row.name} {types_of(row, width)}\n" for row in ROWS for width in ("f64", "f32")]
    ir = subprocess.run([probe, "emit"], input="".join(lines), check=True, capture_output=True, text=True).stdout
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.load_library_permanently(str(special_functions))
    machine = llvm.Target.from_default_triple().create_target_machine(opt=0)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(ir), machine)
    engine.finalize_object()
    yield engine
    engine.close()


def compiled_partial(code: Any, row: rules.Row, index: int, float_type: type) -> Any:
    width, number = ("f64", ctypes.c_double) if float_type is np.float64 else ("f32", ctypes.c_float)
    address = code.get_function_address(f"{row.name}.{index}.{width}")
    params = [ctypes.c_int if p.type == "int" else number for p in row.params]
    return ctypes.CFUNCTYPE(number, *params, number)(address)


@pytest.mark.parametrize("float_type", FLOAT_TYPES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_emitted_code_computes_the_partial(row: rules.Row, float_type: type, code: Any, libm: Libm) -> None:
    points = [*samples(row, 20, float_type), *(tuple(k.point[p.name] for p in row.params) for k in row.kinks)]
    for point in points:
        out = libm.primal(row, point, float_type)
        for index, param in enumerate(row.params):
            if param.type == "int":
                continue
            with np.errstate(all="ignore"):
                wanted = evaluate(row.partial_of(index), point, out, libm, float_type)
            args = [int(v) if p.type == "int" else v for p, v in zip(row.params, point, strict=True)]
            got = compiled_partial(code, row, index, float_type)(*args, float(out))
            if row.name == "powi":  # repeated multiplication rounds otherwise than pow
                np.testing.assert_allclose(got, wanted, rtol=8 * np.finfo(float_type).eps)
            else:
                np.testing.assert_array_equal(float_type(got), wanted, err_msg=f"{param.name} at {point}")


def described(probe: Path, folder: Path, body: str, declarations: str = "") -> dict[str, str]:
    """What the table says of each named instruction of a function."""
    params = "double %x, double %y, float %f, float %g, i64 %n, i32 %k, ptr %p, fp128 %q"
    path = folder / "module.ll"
    path.write_text(f"define void @f({params}) {{\n{body}\nret void\n}}\n{declarations}\n")
    text = subprocess.run([probe, "lookup", path], check=True, capture_output=True, text=True).stdout
    return dict(line.split(":", 1) for line in text.splitlines())


def test_opcodes(probe: Path, tmp_path: Path) -> None:
    said = described(
        probe,
        tmp_path,
        """
        %add = fadd double %x, %y
        %sub = fsub float %f, %g
        %mul = fmul double %x, %y
        %div = fdiv double %x, %y
        %rem = frem float %f, %g
        %neg = fneg double %x
        %wide = fadd fp128 %q, %q
        %int = add i64 %n, %n
        %ext = fpext float %f to double
        """,
    )
    assert said == {
        "add": " fadd price 0 one one",
        "sub": " fsub price 0 one minus-one",
        "mul": " fmul price 0 partial partial",
        "div": " fdiv price 4 singular singular",
        "rem": " frem price 36 one singular",
        "neg": " fneg price 0 minus-one",
        "wide": "",
        "int": "",
        "ext": "",
    }


def test_calls(probe: Path, tmp_path: Path) -> None:
    said = described(
        probe,
        tmp_path,
        """
        %sin = call double @llvm.sin.f64(double %x)
        %sinf = call float @sinf(float %f)
        %pow = call double @llvm.pow.f64(double %x, double %y)
        %floor = call double @floor(double %x)
        %ldexp = call double @numba_ldexp(double %x, i32 %k)
        %powi = call double @llvm.powi.f64.i32(double %x, i32 %k)
        %misfit = call float @cosf(float %f, float %g)
        %narrow = call double @sinh(float %f)
        %own = call double @tan(double %x)
        %unknown = call double @mystery(double %x)
        %max = call i64 @llvm.smax.i64(i64 %n, i64 %n)
        %class = call i1 @llvm.is.fpclass.f64(double %x, i32 3)
        %exponent = call i32 @pyfront_frexp_exponent(double %x)
        %frexp = call double @frexp(double %x, ptr %p)
        %solve = call i32 @numba_xgesv(i64 %n)
        """,
        """
        declare float @sinf(float)
        declare double @floor(double)
        declare double @numba_ldexp(double, i32)
        declare float @cosf(float, float)
        declare double @sinh(float)
        define double @tan(double %x) { ret double %x }
        declare double @mystery(double)
        declare i32 @pyfront_frexp_exponent(double)
        declare double @frexp(double, ptr)
        declare i32 @numba_xgesv(i64)
        """,
    )
    assert said == {
        "sin": " sin price 38 partial recomputable",
        "sinf": " sin price 38 partial recomputable",
        "pow": " pow price 46 singular singular recomputable",
        "floor": " floor price 1 zero recomputable",
        "ldexp": " ldexp price 24 singular zero recomputable",
        "powi": " powi price 12 singular zero recomputable",
        "misfit": "",
        "narrow": "",
        "own": "",
        "unknown": "",
        "max": " inactive recomputable",
        "class": " inactive recomputable",
        "exponent": " inactive recomputable",
        "frexp": "",
        "solve": "a linear solve through LAPACK (`np.linalg.solve`)",
    }


def test_marks_are_inactive_and_stay_where_they_are(probe: Path, tmp_path: Path) -> None:
    said = described(probe, tmp_path, "call void @llvm.assume(i1 true)")
    assert said == {"": " inactive"}


def test_out_pointer_calls_are_split(probe: Path, tmp_path: Path) -> None:
    path = tmp_path / "module.ll"
    path.write_text(
        """
        declare double @numba_frexp(double, ptr)
        define double @f(double %x, ptr %p) {
          %m = call double @numba_frexp(double %x, ptr %p)
          ret double %m
        }
        """
    )
    text = subprocess.run([probe, "split", path], check=True, capture_output=True, text=True).stdout
    body = text[text.index("define double @f") :].splitlines()
    assert "call i32 @pyfront_frexp_exponent(double %x)" in body[1]
    assert "store i32 %1, ptr %p" in body[2]
    assert "call double @pyfront_frexp_mantissa(double %x)" in body[3]
    assert "ret double %2" in body[4]
