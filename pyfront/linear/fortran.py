"""BLAS and LAPACK routines, called from compiled code as Fortran calls them.

Numba reaches some routines through wrappers of its own, and not the ones that derivatives need: a solve with a
factorization that exists, a triangular solve, a product that is added to an array. `routine` makes an intrinsic of any
routine of the library that Numba uses (SciPy's), so that a value which both compute has the same bits:

    getrs = routine("lapack", "getrs", types.float64)
    info = getrs((NO_TRANSPOSE, n, columns, lu, n, pivots, x, n))     # in compiled code; `info` is added

Invariants: array operands are contiguous, of the routine's type or of `INTEGER`; nothing is checked here. A routine is
an external symbol of the compiled code, ``pyfront_dgetrs``, as Numba's wrappers are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic
from numba.core.typing import signature
from numba.extending import get_cython_function_address
from numba.np.arrayobj import make_array
from numba.np.linalg import F_INT_nbtype, F_INT_nptype, ensure_lapack, get_blas_kind

INTEGER = F_INT_nptype
"""Fortran's integer, of pivots."""

NO_TRANSPOSE = np.uint8(ord("N"))
TRANSPOSE = np.uint8(ord("T"))
CONJUGATE_TRANSPOSE = np.uint8(ord("C"))
LEFT = np.uint8(ord("L"))
LOWER = np.uint8(ord("L"))
UPPER = np.uint8(ord("U"))
GENERAL_DIAGONAL = np.uint8(ord("N"))


@cache
def routine(library: str, name: str, dtype: Any) -> Callable[..., Any]:
    """Routine ``name`` of ``library``, blas or lapack, for arrays of ``dtype``.

    Called with a tuple: an ``np.uint8`` is a character, other numbers are passed by reference, arrays by their data.
    Those of LAPACK take their last parameter, ``info``, from here. Returns it; 0 from BLAS.
    """
    symbol = _linked(library, get_blas_kind(dtype, name) + name)
    has_info = library == "lapack"

    @intrinsic
    def call(typing_context: Any, arguments: Any) -> Any:
        def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
            values = cgutils.unpack_tuple(builder, args[0])
            pointers = [
                _reference(context, builder, kind, value) for kind, value in zip(sig.args[0].types, values, strict=True)
            ]
            info = cgutils.alloca_once_value(builder, ir.Constant(context.get_value_type(F_INT_nbtype), 0))
            if has_info:
                pointers.append(builder.bitcast(info, cgutils.voidptr_t))
            function_type = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t] * len(pointers))
            function = cgutils.get_or_insert_function(builder.module, function_type, symbol)
            builder.call(function, pointers)
            return builder.load(info)

        return signature(F_INT_nbtype, types.Tuple(tuple(arguments.types))), codegen

    return call  # type: ignore[no-any-return]


@cache
def _linked(library: str, name: str) -> str:
    """The symbol of SciPy's ``name``, which compiled code can call from now on."""
    ensure_lapack()
    symbol = f"pyfront_{name}"
    llvmlite.binding.add_symbol(symbol, get_cython_function_address(f"scipy.linalg.cython_{library}", name))
    return symbol


def _reference(context: Any, builder: ir.IRBuilder, kind: Any, value: ir.Value) -> ir.Value:
    """The address that a routine is given for an operand."""
    if isinstance(kind, types.Array):
        pointer = make_array(kind)(context, builder, value).data
    else:
        if isinstance(kind, types.Integer) and kind != types.uint8:
            value, kind = context.cast(builder, value, kind, F_INT_nbtype), F_INT_nbtype
        pointer = cgutils.alloca_once_value(builder, value)
    return builder.bitcast(pointer, cgutils.voidptr_t)
